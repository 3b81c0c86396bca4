//! The wire: one client per connector, with authentication, retry, rate limit and deadline.
//!
//! A [`Call`] goes in, an [`Answer`] comes out, or the reason why there is none. This module knows HTTP, OAuth client
//! credentials and how SCIM words its errors; it may not know users, groups or what an answer means for them.

mod answer;
mod authentication;
mod client;
mod courier;
mod message;
mod pace;
mod proxy;
mod retry;
pub mod tls;
mod transport;

#[cfg(test)]
#[expect(clippy::disallowed_types, reason = "the loopback server of the tests")]
mod loopback;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[expect(clippy::disallowed_types, reason = "tests against a loopback server")]
mod tls_tests;
#[cfg(test)]
#[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests against a loopback server")]
mod transport_tests;

pub use client::Client;
pub use courier::REQUESTS;
pub use message::{Answer, Broken, Call, Deadline, Exchange, LARGEST_ANSWER, Method, Reply, Transport, Unanswered};
