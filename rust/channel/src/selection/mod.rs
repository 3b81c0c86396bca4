//! Selects the users and groups of a channel from a source (*Source Location*), and reads the account status.
//! Does not know: what is mapped from the entries, the target.

mod groups;
mod guid;
mod members;
mod status;
mod users;

pub use groups::{MemberUser, SourceGroup, SourceGroups};
pub(crate) use guid::{duplicate_guid, missing_guid};
pub use guid::{guid, guid_text};
pub use status::is_enabled;
pub use users::{SelectedUser, Selection, VersionLookup, setting_errors};
