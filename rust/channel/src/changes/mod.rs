//! The source against the state: the change set of a cycle.
//! Does not know: the target. It sends nothing.

mod groups;
mod settled;
mod users;

pub(crate) use groups::{GroupChanges, Wanted};
pub(crate) use settled::Settled;
pub use settled::{Kind, Operation};
pub(crate) use users::{ChangeSet, Comparison, Present};
