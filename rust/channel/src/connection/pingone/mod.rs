//! PingOne's way of saying the same as an SP connection: a SCIM store, a propagation rule and its mappings.

pub(crate) mod attributes;
pub(crate) mod conditions;
mod reading;

pub use attributes::{Attribute, attributes};
pub use conditions::Named;
pub use reading::{CLIENT_SECRET, Rule, is_pingone};
pub(crate) use reading::{CUSTOM_HEADER, GROUP_CLASS, GROUP_MEMBER, GROUP_NAME, USER_CLASS, read};

#[cfg(test)]
mod tests;
