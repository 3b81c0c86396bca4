//! *Attribute Mapping*: from an entry to the flat record of a user.
//! Does not know: SCIM. Which fields exist comes from core's catalogue.

pub mod expressions;
mod rules;

pub use rules::{Rules, clearable};
