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
pub use filter::{Identifier, display_name_equals, identifier_values, render_filter, user_name_equals};
pub(crate) use group::PATCH_OP;
pub use group::{GroupDifferences, MemberId, PATCH_MEMBERS_MAX, display_name, new_group_body};
pub use json::{has_active, id, is_active, member, version};
pub use list::{ListResponse, match_identifier, read_list_response};
pub use version::Version;
