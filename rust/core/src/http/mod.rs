//! Sends a request to the target and returns its response: authentication, retries, rate limit, deadline, TLS, proxy.
//! Does not know: users, groups, fields, what a response means for them.
//!
//! [`Client::send`] takes a [`Request`]. It returns a [`Response`], or a [`RequestError`] with the reason.

mod authentication;
mod client;
mod proxy;
mod rate_limiter;
mod response;
mod retry;
mod retrying_sender;
pub mod tls;
mod transport;
mod types;

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
pub use retrying_sender::REQUEST_LOG_TARGET;
pub use types::{
    Deadline, Method, RESPONSE_BYTES_MAX, RawRequest, RawResponse, Request, RequestError, Response, Transport,
    TransportError, Unreadable,
};
