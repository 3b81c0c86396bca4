//! Builds and reads what SCIM defines: addresses, filters, lists, groups, service provider configuration (RFC 7644).
//! Does not know: settings, fields, HTTP.

mod address;
mod discovery;
mod filter;
mod group;
mod json;
mod list;
mod version;

pub use address::{Addresses, ResourceType};
pub use discovery::Capabilities;
pub use filter::{Filter, Identifier, Similarity};
pub(crate) use group::PATCH_OP;
pub use group::{GroupDifferences, MemberId, PATCH_MEMBERS_MAX, display_name, new_group_body};
pub use json::{active, count, entries, id, is_error, member, member_of, text, truth, version};
pub use list::{ListPage, read_list_page};
pub use version::Version;
