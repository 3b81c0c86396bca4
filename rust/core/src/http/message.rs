//! What goes out and what comes back: requests and responses before and after they are on the wire, and the trait that
//! carries them.
//! Does not know: credentials, retries, what a response means.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::{Failure, Message};

/// The largest answer that is read, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 32 * 1024 * 1024;

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

impl Method {
    /// The verb as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// True where doing it twice is doing it once (RFC 9110 section 9.2.2).
    pub(super) fn repeatable(self) -> bool {
        matches!(self, Self::Get | Self::Put | Self::Delete)
    }
}

/// When an operation has to be over, on the environment's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Duration);

/// One request, before authentication.
#[derive(Debug, Clone)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// Absolute; of the configured origin.
    pub url: Url,
    /// JSON body.
    pub body: Option<Value>,
    /// `If-Match`.
    pub if_match: Option<String>,
}

/// One answer of the target: 2xx, 4xx or 5xx, but never 401, 407 or 429, which the client deals with.
#[derive(Debug, Clone)]
pub struct Response {
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
pub struct RequestError {
    /// The failure to report.
    pub failure: Failure,
    /// True where the target may have acted on the request all the same. Never for `GET`.
    pub maybe_applied: bool,
}

impl RequestError {
    /// The target has certainly not acted.
    pub(super) fn not_done(failure: Failure) -> Self {
        Self { failure, maybe_applied: false }
    }
}

/// One message on the wire, complete.
#[derive(Clone)]
pub struct RawRequest<'a> {
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
pub struct RawResponse {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// At most [`RESPONSE_BYTES_MAX`] and one byte: that one tells that there is more.
    pub body: Vec<u8>,
}

impl RawResponse {
    /// The first header of that name (lower case), trimmed, unless it is empty.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    }
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    /// What happened, printable, without URL or body.
    pub message: Message,
    /// True where the request may have reached the target.
    pub maybe_applied: bool,
    /// True where another attempt would end the same way: a certificate that is not trusted, for one.
    pub permanent: bool,
}

/// Carries messages: reqwest in production, memory in tests. Knows nothing of SCIM, authentication or retry.
pub trait Transport: Send + Sync {
    /// Sends one message and reads the answer whole. Never follows a redirect.
    ///
    /// # Errors
    /// [`TransportError`].
    fn send(&self, message: &RawRequest<'_>) -> Result<RawResponse, TransportError>;
}

/// The name under which this client introduces itself.
pub(super) fn user_agent() -> &'static str {
    concat!("pfscim/", env!("CARGO_PKG_VERSION"))
}
