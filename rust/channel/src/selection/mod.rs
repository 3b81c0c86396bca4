//! *Source Location*: which entries of a source are users and groups of the channel, and whether an account is enabled.
//! Does not know: what is mapped from the entries, the target.

pub mod groups;
pub mod status;
mod users;

pub use users::*;
