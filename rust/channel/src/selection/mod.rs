//! *Source Location*: which entries of a source are users and groups of the channel, and whether an account is enabled.
//! Does not know: what is mapped from the entries, the target.

mod groups;
mod guid;
mod members;
mod status;
mod users;

pub use groups::{MemberUser, SourceGroup, SourceGroups};
pub use guid::{guid, guid_text};
pub use status::is_enabled;
pub use users::{SelectedUser, Selection, VersionLookup, setting_errors};
