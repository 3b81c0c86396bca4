//! PingOne's way of saying the same as an SP connection: a SCIM store, a propagation rule and its mappings.

pub(crate) mod attributes;
mod conditions;
mod reading;
mod rule;

pub use attributes::{Attribute, attributes};
pub use reading::is_pingone;
pub(crate) use reading::{CUSTOM_HEADER, read};
pub(crate) use rule::Origin;
pub use rule::{Access, CLIENT_SECRET, Named, Rule};

#[cfg(test)]
mod tests;
