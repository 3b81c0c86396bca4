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
mod loopback;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
#[cfg(test)]
mod transport_tests;

pub use client::Client;
pub use courier::REQUESTS;
pub use message::{Answer, Broken, Call, Deadline, Exchange, LARGEST_ANSWER, Method, Reply, Transport, Unanswered};
