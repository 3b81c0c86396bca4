//! The protocol: addresses, filters, lists and what a target says that it can do (RFC 7644). Pure: it builds and
//! reads, and sends nothing.
//! Does not know: settings, fields, the wire.

mod address;
mod discovery;
mod filter;
mod group;
mod json;
mod list;
mod version;

pub use address::{Addresses, ResourceType};
pub use discovery::Capabilities;
pub use filter::{Identifier, any_value, display_name_equals, render, user_name_equals};
pub use group::{BATCH, GroupChanges, MemberId, display_name, new_group};
pub use json::{id, is_active, member, tells_active, version};
pub use list::{ListResponse, identifies, page};
pub use version::Version;
