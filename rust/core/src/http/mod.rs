//! The wire: one client per connector, with authentication, retry, rate limit and deadline.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::Failure;
use crate::environment::Environment;
use crate::target::Settings;

/// The verbs that SCIM uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the verbs of RFC 7644 section 3.2")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// When an operation has to be over, on the environment's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Duration);

/// One request, before authentication.
#[derive(Debug, Clone)]
pub struct Call {
    /// The verb.
    pub method: Method,
    /// Absolute; of the configured origin.
    pub url: Url,
    /// JSON body.
    pub body: Option<Value>,
    /// `If-Match`.
    pub if_match: Option<String>,
}

/// One answer of the target, whatever its status (401 and 429 excepted: the client deals with those).
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; `None` where there is none. An unreadable body is an `Err` with the reason.
    pub body: Option<Result<Value, String>>,
    /// `ETag`.
    pub etag: Option<String>,
    /// `Location`.
    pub location: Option<String>,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// The failure to report.
    pub failure: Failure,
    /// True where the target may have acted on the request all the same.
    pub maybe_done: bool,
}

/// The HTTP client of one connector.
#[derive(Debug)]
pub struct Client {}

impl Client {
    /// Builds the client. Sends nothing.
    ///
    /// # Errors
    /// [`Failure::Config`] where TLS or the proxy cannot be set up.
    pub fn new(_settings: &Settings, _environment: &Environment) -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Sends one call: authenticated, renewed once on 401, repeated where that is safe, within the deadline.
    ///
    /// # Errors
    /// [`Unanswered`] with `auth_failed`, `rate_limited`, `transport`, `protocol` or `config`.
    pub fn send(&self, _call: &Call, _deadline: Deadline) -> Result<Answer, Unanswered> {
        Err(Unanswered { failure: Failure::transport("not there yet"), maybe_done: false })
    }
}
