//! The HTTP client of one connector: which credentials go along, what is repeated after a 401, what each status means.
//! Does not know: users, groups, what a response means for them.

use std::fmt;
use std::sync::Arc;

use url::{Origin, Url};

use super::authentication::Credentials;
use super::message::{Deadline, Method, RawResponse, Request, RequestError, Response, Transport, user_agent};
use super::rate_limiter::RateLimiter;
use super::retrying_sender::{Message, RetryingSender};
use super::transport::Wire;
use crate::Failure;
use crate::environment::Environment;
use crate::settings::Settings;
use crate::text::{excerpt, printable};

/// The HTTP client of one connector. Serves many threads.
pub struct Client {
    origin: Origin,
    /// Values of `Accept` and `Content-Type`.
    media_types: (&'static str, &'static str),
    dry_run: bool,
    credentials: Credentials,
    courier: RetryingSender,
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
        Self::with_transport(settings, environment, Box::new(Wire::new(environment, settings.request_timeout)?))
    }

    /// A client over a transport of the caller's, for tests.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_transport(
        settings: &Settings,
        environment: &Environment,
        transport: Box<dyn Transport>,
    ) -> Result<Self, Failure> {
        let clock = Arc::clone(&environment.clock);
        Ok(Self {
            origin: settings.scim_url.origin(),
            media_types: settings.version.media_types(),
            dry_run: environment.dry_run,
            credentials: Credentials::new(settings)?,
            courier: RetryingSender {
                transport,
                clock,
                request_timeout: settings.request_timeout,
                pace: RateLimiter::new(settings.max_requests_per_second),
            },
        })
    }

    /// Sends one call: authenticated, renewed once on 401, repeated where that is safe, within the deadline.
    ///
    /// A `POST` or `PATCH` that a gateway answers with 502 or 504 counts as unanswered: the gateway cannot tell
    /// whether the target acted.
    ///
    /// # Errors
    /// [`RequestError`] with `auth_failed`, `rate_limited`, `transport`, `protocol` or `config`.
    pub fn send(&self, call: &Request, deadline: Deadline) -> Result<Response, RequestError> {
        self.permit(call).map_err(RequestError::not_done)?;
        let body = call.body.as_ref().map(|body| body.to_string().into_bytes());
        let (used, reply, maybe_applied) = self.deliver(call, body.as_deref(), deadline)?;
        if reply.status != 401 || !self.credentials.renewable(used.as_deref()) {
            return self.judge(call, used.as_deref(), reply, maybe_applied);
        }
        let again = self
            .deliver(call, body.as_deref(), deadline)
            .and_then(|(used, reply, maybe_applied)| self.judge(call, used.as_deref(), reply, maybe_applied));
        again.map_err(|unanswered| RequestError {
            maybe_applied: unanswered.maybe_applied || maybe_applied,
            ..unanswered
        })
    }

    /// Sends one call with the credentials of the moment. Gives back what was used as `authorization`, the reply, and
    /// whether an attempt before that reply may have been acted upon.
    fn deliver(
        &self,
        call: &Request,
        body: Option<&[u8]>,
        deadline: Deadline,
    ) -> Result<(Option<String>, RawResponse, bool), RequestError> {
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
        let (reply, maybe_applied) = self.courier.carry(&message, deadline)?;
        Ok((authorization, reply, maybe_applied))
    }

    /// What a reply is for the caller: an answer, or no answer at all. `used` is what was sent as `authorization`.
    fn judge(
        &self,
        call: &Request,
        used: Option<&str>,
        reply: RawResponse,
        maybe_applied: bool,
    ) -> Result<Response, RequestError> {
        let target = self.target();
        let status = reply.status;
        let failure = match status {
            401 => Failure::AuthFailed(format!("{target} answers 401: {}", self.credentials.advice()).into()),
            407 => Failure::Config(format!(
                "the proxy on the way to {target} answers 407: it wants a user name and password, or refuses those it got"
            ).into()),
            502 | 504 if !call.method.repeatable() => {
                let text = format!("a gateway before {target} answers {status}, so the outcome is unknown");
                return Err(RequestError { failure: Failure::transport(text), maybe_applied: true });
            }
            200..=299 => return Ok(Response::read(&reply)),
            400..=599 => {
                let mut answer = Response::read(&reply);
                answer.redact(&self.credentials.hidden(used));
                return Ok(answer);
            }
            300..=399 => Failure::Protocol(format!(
                "{target} answers {status}{}: redirects are not followed, correct SCIM URL",
                destination(&reply, &call.url)
            ).into()),
            _ => Failure::Protocol(format!("{target} answers with the unusable status {status}").into()),
        };
        Err(RequestError { failure, maybe_applied })
    }

    /// Credentials go to the configured origin only, and a dry run writes nothing.
    fn permit(&self, call: &Request) -> Result<(), Failure> {
        let other_origin = call.url.origin() != self.origin || !self.origin.is_tuple();
        if other_origin || !call.url.username().is_empty() || call.url.password().is_some() {
            return Err(Failure::Protocol(
                format!(
                    "a request to {} was held back: only {} is the target",
                    printable(&call.url.origin().ascii_serialization()),
                    self.target()
                )
                .into(),
            ));
        }
        if self.dry_run && call.method != Method::Get {
            return Err(Failure::Protocol(format!("a {} in a dry run was held back", call.method.as_str()).into()));
        }
        Ok(())
    }

    /// Everything but `authorization`.
    fn headers(&self, call: &Request) -> Vec<(&'static str, String)> {
        let (accept, content_type) = self.media_types;
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

/// Where a redirect points, without its query: that may repeat a filter value.
fn destination(reply: &RawResponse, from: &Url) -> String {
    let Some(url) = reply.header("location").and_then(|location| from.join(location).ok()) else {
        return String::new();
    };
    if !url.has_host() {
        return String::new();
    }
    format!(" and points to {}", excerpt(&format!("{}{}", url.origin().ascii_serialization(), url.path())))
}
