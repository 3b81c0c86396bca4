//! Applies *Attribute Mapping*: makes the flat record of a user from an entry.
//! Does not know: the target. Core's catalogue of each SCIM version has the fields.

pub mod expressions;
mod record_mapper;

pub use record_mapper::{RecordMapper, clearable_fields};
