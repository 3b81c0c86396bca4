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

/// One message on the wire, complete.
#[derive(Clone)]
pub struct Exchange<'a> {
    /// The verb.
    pub method: Method,
    /// Absolute.
    pub url: &'a Url,
    /// Names in lower case; `authorization` among them.
    pub headers: &'a [(&'static str, String)],
    /// Bytes to send.
    pub body: Option<&'a [u8]>,
    /// Until the whole answer is there.
    pub timeout: Duration,
}

/// What came back on the wire.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// At most 32 MiB.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What happened, printable, without URL or body.
    pub text: String,
    /// True where the request may have reached the target.
    pub maybe_done: bool,
}

/// Carries messages: reqwest in production, memory in tests. Knows nothing of SCIM, authentication or retry.
pub trait Transport: Send + Sync {
    /// Sends one message and reads the answer whole. Never follows a redirect.
    ///
    /// # Errors
    /// [`Broken`].
    fn exchange(&self, message: &Exchange<'_>) -> Result<Reply, Broken>;
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

    /// A client over a transport of the caller's, for tests.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn over(
        _settings: &Settings,
        _environment: &Environment,
        _transport: Box<dyn Transport>,
    ) -> Result<Self, Failure> {
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
