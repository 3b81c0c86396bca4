//! Reads a PingOne file: a SCIM store, a propagation rule and its mappings.
//! Does not know: PingOne's API, files.

pub(crate) mod attributes;
mod conditions;
mod reading;
mod rule;

pub use attributes::{Attribute, attributes};
pub use reading::is_pingone;
pub(crate) use reading::{CUSTOM_HEADER, read};
pub(crate) use rule::RuleSource;
pub use rule::{ApiAccess, CLIENT_SECRET, NamedObjects, Rule};

#[cfg(test)]
mod tests;
