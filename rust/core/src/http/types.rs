//! Defines requests and responses, as values and as bytes, and the trait that transports them.
//! Does not know: credentials, retries, what a response means.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::{Failure, Message};

/// The most bytes of a response body that are read: 32 MiB.
pub const RESPONSE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The HTTP methods that SCIM uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the methods of RFC 7644 section 3.2")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Returns the method as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Returns whether two equal requests have the effect of one (RFC 9110 section 9.2.2).
    pub(super) fn is_idempotent(self) -> bool {
        matches!(self, Self::Get | Self::Put | Self::Delete)
    }
}

/// The time at which an operation must end, on the environment's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Duration);

/// A request, before authentication.
#[derive(Debug, Clone)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// An absolute URL of the configured origin.
    pub url: Url,
    /// The JSON body.
    pub body: Option<Value>,
    /// The value of `If-Match`.
    pub if_match: Option<String>,
}

/// A response of the target: 2xx, 4xx or 5xx, but never 401, 407 or 429, which the client handles.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body; `None` if it is empty, an `Err` if it is not JSON.
    pub body: Option<Result<Value, Unreadable>>,
    /// The size of the body in bytes.
    pub size: usize,
    /// The value of `ETag`.
    pub etag: Option<String>,
    /// The value of `Location`.
    pub location: Option<String>,
}

/// A body that is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Why, without a quotation of the body.
    pub reason: String,
    /// Whether it is a web page, or XML. Then a gateway or a web server may have written it instead of the target.
    pub is_page: bool,
}

/// Why a request has no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    /// The failure to report.
    pub failure: Failure,
    /// Whether the target may have carried out the request. Never true for `GET`.
    pub maybe_applied: bool,
}

impl RequestError {
    /// Creates the error of a request that the target has certainly not carried out.
    pub(super) fn not_applied(failure: Failure) -> Self {
        Self { failure, maybe_applied: false }
    }
}

/// A complete request, ready for the transport.
#[derive(Clone)]
pub struct RawRequest<'a> {
    /// The HTTP method.
    pub method: Method,
    /// The absolute URL.
    pub url: &'a Url,
    /// All headers, including `authorization`. Names are in lower case.
    pub headers: &'a [(&'static str, String)],
    /// The bytes to send.
    pub body: Option<&'a [u8]>,
    /// The limit until the response is complete.
    pub timeout: Duration,
}

/// A response before its body is parsed.
#[derive(Debug, Clone, Default)]
pub struct RawResponse {
    /// The HTTP status.
    pub status: u16,
    /// All headers. Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// At most [`RESPONSE_BYTES_MAX`] bytes, or one byte more if the body is too large.
    pub body: Vec<u8>,
}

impl RawResponse {
    /// Returns the first header of this name (lower case), trimmed. Returns `None` if it is missing or empty.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    }
}

/// Why the transport has no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    /// What happened, printable, without URL or body.
    pub message: Message,
    /// Whether the request may have reached the target.
    pub maybe_applied: bool,
    /// Whether another attempt would fail too, for example because the certificate is not trusted.
    pub permanent: bool,
}

/// Transports one request: reqwest in production, memory in tests.
/// Does not know: SCIM, authentication, retries.
pub trait Transport: Send + Sync {
    /// Sends one request and reads the whole response. Never follows a redirect.
    ///
    /// # Errors
    /// [`TransportError`] if no complete response arrives.
    fn send(&self, request: &RawRequest<'_>) -> Result<RawResponse, TransportError>;
}

/// Returns the value of `User-Agent`.
pub(super) fn user_agent() -> &'static str {
    concat!("pfscim/", env!("CARGO_PKG_VERSION"))
}
