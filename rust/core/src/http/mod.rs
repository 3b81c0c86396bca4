//! The wire: one client per connector, with authentication, retry, rate limit and deadline.
//!
//! A [`Request`] goes in, an [`Response`] comes out, or the reason why there is none. This module knows HTTP, OAuth client
//! credentials and how SCIM words its errors; it may not know users, groups or what an answer means for them.

mod authentication;
mod client;
mod message;
mod proxy;
mod rate_limiter;
mod response;
mod retry;
mod retrying_sender;
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
pub use message::{
    Deadline, Method, RESPONSE_BYTES_MAX, RawRequest, RawResponse, Request, RequestError, Response, Transport,
    TransportError,
};
pub use retrying_sender::REQUEST_LOG_TARGET;
