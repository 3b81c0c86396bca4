//! *Attribute Mapping*: from an entry to the flat record of a user.
//! Does not know: the target. Which fields exist comes from core's catalogue, by version of SCIM.

pub mod expressions;
mod record_mapper;

pub use record_mapper::{RecordMapper, clearable_fields};
