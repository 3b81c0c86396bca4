//! The wire: one client per connector, with authentication, retry, rate limit and deadline.
//!
//! A [`Call`] goes in, an [`Answer`] comes out, or the reason why there is none. This module knows HTTP, OAuth client
//! credentials and how SCIM words its errors; it may not know users, groups or what an answer means for them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::{Origin, Url};

use crate::Failure;
use crate::environment::Environment;
use crate::settings::{Settings, Version};
use crate::text::{excerpt, printable};

use super::authentication::Credentials;
use super::courier::{Courier, Message};
use super::pace::Pace;
use super::transport::Wire;

/// The largest answer that is read, in bytes.
pub const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

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
    pub fn word(self) -> &'static str {
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

/// One answer of the target: 2xx, 4xx or 5xx, but never 401, 407 or 429, which the client deals with.
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
    /// True where the target may have acted on the request all the same. Never for `GET`.
    pub maybe_done: bool,
}

impl Unanswered {
    /// The target has certainly not acted.
    pub(super) fn not_done(failure: Failure) -> Self {
        Self { failure, maybe_done: false }
    }
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
    /// At most [`LARGEST_ANSWER`] and one byte: that one tells that there is more.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of that name (lower case), trimmed, unless it is empty.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    }
}

/// Why nothing came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Broken {
    /// What happened, printable, without URL or body.
    pub text: String,
    /// True where the request may have reached the target.
    pub maybe_done: bool,
    /// True where another attempt would end the same way: a certificate that is not trusted, for one.
    pub lasting: bool,
}

/// Carries messages: reqwest in production, memory in tests. Knows nothing of SCIM, authentication or retry.
pub trait Transport: Send + Sync {
    /// Sends one message and reads the answer whole. Never follows a redirect.
    ///
    /// # Errors
    /// [`Broken`].
    fn exchange(&self, message: &Exchange<'_>) -> Result<Reply, Broken>;
}

/// The HTTP client of one connector. Serves many threads.
pub struct Client {
    origin: Origin,
    version: Version,
    dry_run: bool,
    credentials: Credentials,
    courier: Courier,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("target", &self.target()).finish_non_exhaustive()
    }
}

impl Client {
    /// Builds the client. Sends nothing.
    ///
    /// # Errors
    /// [`Failure::Config`] where TLS, the proxy or the credentials cannot be set up.
    pub fn new(settings: &Settings, environment: &Environment) -> Result<Self, Failure> {
        Self::over(settings, environment, Box::new(Wire::new(environment, settings.request_timeout)?))
    }

    /// A client over a transport of the caller's, for tests.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn over(
        settings: &Settings,
        environment: &Environment,
        transport: Box<dyn Transport>,
    ) -> Result<Self, Failure> {
        let clock = Arc::clone(&environment.clock);
        Ok(Self {
            origin: settings.scim_url.origin(),
            version: settings.version,
            dry_run: environment.dry_run,
            credentials: Credentials::new(settings)?,
            courier: Courier {
                transport,
                clock,
                request_timeout: settings.request_timeout,
                pace: Pace::new(settings.max_requests_per_second),
            },
        })
    }

    /// Sends one call: authenticated, renewed once on 401, repeated where that is safe, within the deadline.
    ///
    /// A `POST` or `PATCH` that a gateway answers with 502 or 504 counts as unanswered: the gateway cannot tell
    /// whether the target acted.
    ///
    /// # Errors
    /// [`Unanswered`] with `auth_failed`, `rate_limited`, `transport`, `protocol` or `config`.
    pub fn send(&self, call: &Call, deadline: Deadline) -> Result<Answer, Unanswered> {
        self.permit(call).map_err(Unanswered::not_done)?;
        let body = call.body.as_ref().map(|body| body.to_string().into_bytes());
        let (used, reply, maybe_done) = self.deliver(call, body.as_deref(), deadline)?;
        if reply.status != 401 || !self.credentials.renewable(used.as_deref()) {
            return self.judge(call, used.as_deref(), reply, maybe_done);
        }
        let again = self
            .deliver(call, body.as_deref(), deadline)
            .and_then(|(used, reply, maybe_done)| self.judge(call, used.as_deref(), reply, maybe_done));
        again.map_err(|unanswered| Unanswered { maybe_done: unanswered.maybe_done || maybe_done, ..unanswered })
    }

    /// Sends one call with the credentials of the moment. Gives back what was used as `authorization`, the reply, and
    /// whether an attempt before that reply may have been acted upon.
    fn deliver(
        &self,
        call: &Call,
        body: Option<&[u8]>,
        deadline: Deadline,
    ) -> Result<(Option<String>, Reply, bool), Unanswered> {
        let authorization = self.credentials.header(&self.courier, deadline)?;
        let mut headers = self.headers(call);
        headers.extend(authorization.iter().map(|value| ("authorization", value.clone())));
        let message = Message {
            receiver: &self.target(),
            method: call.method,
            url: &call.url,
            headers: &headers,
            body,
            repeatable: call.method.repeatable(),
            changes: call.method != Method::Get,
            paced: true,
        };
        let (reply, maybe_done) = self.courier.carry(&message, deadline)?;
        Ok((authorization, reply, maybe_done))
    }

    /// What a reply is for the caller: an answer, or no answer at all. `used` is what was sent as `authorization`.
    fn judge(&self, call: &Call, used: Option<&str>, reply: Reply, maybe_done: bool) -> Result<Answer, Unanswered> {
        let target = self.target();
        let status = reply.status;
        let failure = match status {
            401 => Failure::AuthFailed(format!("{target} answers 401: {}", self.credentials.advice())),
            407 => Failure::Config(format!(
                "the proxy on the way to {target} answers 407: it wants a user name and password, or refuses those it got"
            )),
            502 | 504 if !call.method.repeatable() => {
                let text = format!("a gateway before {target} answers {status}, so the outcome is unknown");
                return Err(Unanswered { failure: Failure::transport(text), maybe_done: true });
            }
            200..=299 => return Ok(Answer::read(&reply)),
            400..=599 => {
                let mut answer = Answer::read(&reply);
                answer.strike_out(&self.credentials.hidden(used));
                return Ok(answer);
            }
            300..=399 => Failure::Protocol(format!(
                "{target} answers {status}{}: redirects are not followed, correct SCIM URL",
                destination(&reply, &call.url)
            )),
            _ => Failure::Protocol(format!("{target} answers with the unusable status {status}")),
        };
        Err(Unanswered { failure, maybe_done })
    }

    /// Credentials go to the configured origin only, and a dry run writes nothing.
    fn permit(&self, call: &Call) -> Result<(), Failure> {
        let other_origin = call.url.origin() != self.origin || !self.origin.is_tuple();
        if other_origin || !call.url.username().is_empty() || call.url.password().is_some() {
            return Err(Failure::Protocol(format!(
                "a request to {} was held back: only {} is the target",
                printable(&call.url.origin().ascii_serialization()),
                self.target()
            )));
        }
        if self.dry_run && call.method != Method::Get {
            return Err(Failure::Protocol(format!("a {} in a dry run was held back", call.method.word())));
        }
        Ok(())
    }

    /// Everything but `authorization`. Media types: RFC 7644 section 3.1, SCIM 1.1 protocol section 3.
    fn headers(&self, call: &Call) -> Vec<(&'static str, String)> {
        let (accept, content_type) = match self.version {
            Version::V2_0 => ("application/scim+json, application/json;q=0.9", "application/scim+json"),
            Version::V1_1 => ("application/json", "application/json"),
        };
        let mut headers = vec![("accept", accept.to_owned()), ("user-agent", user_agent().to_owned())];
        if call.body.is_some() {
            headers.push(("content-type", content_type.to_owned()));
        }
        if let Some(tag) = &call.if_match {
            headers.push(("if-match", tag.clone()));
        }
        headers
    }

    /// The target's name in messages.
    fn target(&self) -> String {
        self.origin.ascii_serialization()
    }
}

/// The name under which this client introduces itself.
pub(super) fn user_agent() -> &'static str {
    concat!("pfscim/", env!("CARGO_PKG_VERSION"))
}

/// Where a redirect points, without its query: that may repeat a filter value.
fn destination(reply: &Reply, from: &Url) -> String {
    let Some(url) = reply.header("location").and_then(|location| from.join(location).ok()) else {
        return String::new();
    };
    if !url.has_host() {
        return String::new();
    }
    format!(" and points to {}", excerpt(&format!("{}{}", url.origin().ascii_serialization(), url.path())))
}
