//! Compares the source with the state: the change set of a cycle.
//! Does not know: the target. It sends nothing.

mod groups;
mod record;
mod users;

pub(crate) use groups::{GroupChanges, PresentGroup};
pub(crate) use record::UnsentRecord;
pub use record::{Operation, RecordKind};
pub(crate) use users::{ChangeSet, Comparison, PresentUser};
