//! Brings records of a host to one target, and checks a target: the entry points of this crate.
//! Does not know: files, JNI, where records come from.
//!
//! A [`Connector`] is one target with one set of settings, and stays open between cycles. A [`Session`] is one cycle.
//! The files use each other in this order: `check`, `users`, `groups`, `writing`, `lookup`, `session`, `registry`,
//! `facade`, `limit`, `fields`, `lists`, `exchange`.

mod check;
mod exchange;
mod facade;
mod fields;
mod groups;
mod limit;
mod lists;
mod lookup;
mod registry;
mod session;
mod users;
mod writing;

pub use self::check::CheckReport;
pub use self::facade::Connector;
pub use self::groups::{GroupMember, GroupPreview, GroupRecord, UnlistedMembers};
pub use self::registry::Connectors;
pub use self::session::Session;
pub use self::users::Preview;
pub use crate::lifecycle::RequestedOperation;

#[cfg(test)]
mod tests;
