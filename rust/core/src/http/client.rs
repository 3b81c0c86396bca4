//! Sends the requests of one connector: adds credentials, renews a token after a 401, turns statuses into errors.
//! Does not know: users, groups, what a response means for them.

use std::fmt;
use std::sync::Arc;

use url::{Origin, Url};

use super::authentication::Credentials;
use super::rate_limiter::RateLimiter;
use super::retrying_sender::{OutgoingRequest, RetryingSender};
use super::transport::ReqwestTransport;
use super::types::{Deadline, Method, RawResponse, Request, RequestError, Response, Transport, user_agent};
use crate::environment::Environment;
use crate::settings::Settings;
use crate::text::{excerpt, printable};
use crate::{Failure, Message};

/// The HTTP client of one connector. Serves many threads.
pub struct Client {
    origin: Origin,
    /// Values of `Accept` and `Content-Type`.
    media_types: (&'static str, &'static str),
    dry_run: bool,
    credentials: Credentials,
    sender: RetryingSender,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("target", &self.target()).finish_non_exhaustive()
    }
}

impl Client {
    /// Creates the client. Sends nothing.
    ///
    /// # Errors
    /// [`Failure::Config`] if TLS, the proxy or the credentials cannot be used.
    pub fn new(settings: &Settings, environment: &Environment) -> Result<Self, Failure> {
        let transport = ReqwestTransport::new(environment, settings.request_timeout)?;
        Self::with_transport(settings, environment, Box::new(transport))
    }

    /// Creates a client with another transport. Sends nothing.
    ///
    /// # Errors
    /// [`Failure::Config`] if the credentials cannot be used.
    pub fn with_transport(
        settings: &Settings,
        environment: &Environment,
        transport: Box<dyn Transport>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            origin: settings.scim_url.origin(),
            media_types: settings.version.media_types(),
            dry_run: environment.dry_run,
            credentials: Credentials::new(settings)?,
            sender: RetryingSender {
                transport,
                clock: Arc::clone(&environment.clock),
                random: Arc::clone(&environment.random),
                request_timeout: settings.request_timeout,
                rate_limiter: RateLimiter::new(settings.max_requests_per_second),
            },
        })
    }

    /// Sends a request with credentials, within the deadline.
    ///
    /// Repeats it if that is safe. Renews a token once after a 401. A `POST` or `PATCH` to which a gateway returns 502
    /// or 504 is an error: the gateway does not know whether the target carried it out.
    ///
    /// # Errors
    /// [`RequestError`] with `auth_failed`, `rate_limited`, `transport`, `protocol` or `config`.
    pub fn send(&self, request: &Request, deadline: Deadline) -> Result<Response, RequestError> {
        self.ensure_permitted(request).map_err(RequestError::not_applied)?;
        let body = request.body.as_ref().map(|body| body.to_string().into_bytes());
        let (authorization, raw, maybe_applied) = self.send_authenticated(request, body.as_deref(), deadline)?;
        if raw.status != 401 || !self.credentials.discard(authorization.as_deref()) {
            return self.interpret(request, authorization.as_deref(), raw, maybe_applied);
        }
        let result = self.send_authenticated(request, body.as_deref(), deadline).and_then(
            |(authorization, raw, maybe_applied)| self.interpret(request, authorization.as_deref(), raw, maybe_applied),
        );
        result.map_err(|error| RequestError { maybe_applied: error.maybe_applied || maybe_applied, ..error })
    }

    /// Sends a request with the current credentials.
    ///
    /// Returns the `authorization` that was sent, the response, and whether the target may have carried out an earlier
    /// attempt.
    fn send_authenticated(
        &self,
        request: &Request,
        body: Option<&[u8]>,
        deadline: Deadline,
    ) -> Result<(Option<String>, RawResponse, bool), RequestError> {
        let authorization = self.credentials.header(&self.sender, deadline)?;
        let mut headers = self.headers(request);
        headers.extend(authorization.iter().map(|value| ("authorization", value.clone())));
        let outgoing = OutgoingRequest {
            receiver: &self.target(),
            method: request.method,
            url: &request.url,
            headers: &headers,
            body,
            repeatable: request.method.is_idempotent(),
            is_write: request.method != Method::Get,
            rate_limited: true,
        };
        let (raw, maybe_applied) = self.sender.send(&outgoing, deadline)?;
        Ok((authorization, raw, maybe_applied))
    }

    /// Decides by status whether the caller gets a response or an error. `authorization` is the value that was sent.
    fn interpret(
        &self,
        request: &Request,
        authorization: Option<&str>,
        raw: RawResponse,
        maybe_applied: bool,
    ) -> Result<Response, RequestError> {
        let target = self.target();
        let status = raw.status;
        let failure = match status {
            401 => Failure::AuthFailed(self.credentials.unauthorized_message(&target)),
            407 => Failure::Config(
                Message::new(format!("the proxy for {target} returned 407 Proxy Authentication Required"))
                    .with_hint("check the user name and password of the proxy"),
            ),
            502 | 504 if !request.method.is_idempotent() => {
                let text = format!("a gateway in front of {target} returned {status}, so the outcome is unknown");
                return Err(RequestError { failure: Failure::transport(text), maybe_applied: true });
            }
            200..=299 => return Ok(Response::read(&raw)),
            400..=599 => {
                let mut response = Response::read(&raw);
                response.redact(&self.credentials.secrets(authorization));
                return Ok(response);
            }
            300..=399 => Failure::Protocol(
                Message::new(format!(
                    "{target} returned {status}{}, and the connector does not follow redirects",
                    redirect_target(&raw, &request.url)
                ))
                .with_hint("correct SCIM URL"),
            ),
            _ => Failure::Protocol(format!("{target} returned the unexpected status {status}").into()),
        };
        Err(RequestError { failure, maybe_applied })
    }

    /// Rejects a request to another origin, because credentials go to the target only, and a write in a dry run.
    fn ensure_permitted(&self, request: &Request) -> Result<(), Failure> {
        let other_origin = request.url.origin() != self.origin || !self.origin.is_tuple();
        if other_origin || !request.url.username().is_empty() || request.url.password().is_some() {
            return Err(Failure::Protocol(
                format!(
                    "a request to {} was not sent, because the target is {}",
                    printable(&request.url.origin().ascii_serialization()),
                    self.target()
                )
                .into(),
            ));
        }
        if self.dry_run && request.method != Method::Get {
            let text = format!("a {} was not sent, because a dry run only reads", request.method.as_str());
            return Err(Failure::Protocol(text.into()));
        }
        Ok(())
    }

    /// Returns every header except `authorization`.
    fn headers(&self, request: &Request) -> Vec<(&'static str, String)> {
        let (accept, content_type) = self.media_types;
        let mut headers = vec![("accept", accept.to_owned()), ("user-agent", user_agent().to_owned())];
        if request.body.is_some() {
            headers.push(("content-type", content_type.to_owned()));
        }
        if let Some(tag) = &request.if_match {
            headers.push(("if-match", tag.clone()));
        }
        headers
    }

    /// Returns the target's name in messages: its origin.
    fn target(&self) -> String {
        self.origin.ascii_serialization()
    }
}

/// Returns ` (a redirect to URL)`, or nothing if the location is missing. The query may repeat a filter value, so it is
/// not part of the URL.
fn redirect_target(raw: &RawResponse, from: &Url) -> String {
    let Some(url) = raw.header("location").and_then(|location| from.join(location).ok()) else {
        return String::new();
    };
    if !url.has_host() {
        return String::new();
    }
    format!(" (a redirect to {})", excerpt(&format!("{}{}", url.origin().ascii_serialization(), url.path())))
}
