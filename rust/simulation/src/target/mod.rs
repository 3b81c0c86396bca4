//! A model of a SCIM target, in memory, with quirks.
//! Does not know: plans, pfscim. It follows RFC 7643 and RFC 7644 alone, so that it does not share mistakes with core.

mod json;
mod message;
mod patch;
mod path;
mod resource;
mod respond;
mod store;
#[cfg(test)]
mod tests;
mod third_party;

pub use message::{Answer, Kind, Sent};
pub use store::{Target, Write, Writer};
