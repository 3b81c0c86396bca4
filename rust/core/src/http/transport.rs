//! The transport of production: reqwest, blocking, HTTP/1.1. Follows no redirect, reads no proxy settings or trust
//! store of the process's environment, and says what broke without URL or body.

use std::error::Error as StdError;
use std::io::{self, Read};
use std::time::Duration;

use reqwest::blocking;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;

use super::message::{Method, RESPONSE_BYTES_MAX, RawRequest, RawResponse, Transport, TransportError};
use super::{proxy, tls};
use crate::Failure;
use crate::environment::Environment;
use crate::text::excerpt;

/// A connection that takes longer is given up while there is still time for another attempt.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// Idle connections are dropped before most servers do so, and a write into a closed one is lost.
const LONGEST_IDLE: Duration = Duration::from_secs(30);

/// What the layer below says of a proxy that opens no tunnel, what that means, and whether it will stay so.
const NO_TUNNEL: [(&str, &str, bool); 2] = [
    ("proxy authorization required", "the proxy wants a user name and password, or refuses those it got", true),
    ("tunnel error: unsuccessful", "the proxy does not let it through", false),
];

#[expect(clippy::disallowed_types, reason = "the one place that opens connections")]
pub(super) struct Wire {
    client: blocking::Client,
}

impl Wire {
    /// # Errors
    /// [`Failure::Config`] where TLS or the proxy cannot be set up.
    #[expect(clippy::disallowed_types, reason = "the one place that opens connections")]
    pub(super) fn new(environment: &Environment, request_timeout: Duration) -> Result<Self, Failure> {
        let mut builder = blocking::Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(LONGEST_CONNECT.min(request_timeout / 2))
            .pool_idle_timeout(LONGEST_IDLE)
            .tls_backend_preconfigured(tls::config(&environment.anchors)?);
        for proxy in proxy::proxies(&environment.proxy)? {
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| {
            Failure::Config(format!("the HTTP client cannot be set up: {}", innermost(&error.without_url())).into())
        })?;
        Ok(Self { client })
    }
}

impl Transport for Wire {
    fn send(&self, message: &RawRequest<'_>) -> Result<RawResponse, TransportError> {
        let mut request = self
            .client
            .request(verb(message.method), message.url.clone())
            .headers(headers(message)?)
            .timeout(message.timeout);
        if let Some(body) = message.body {
            request = request.body(body.to_vec());
        }
        let response = request.send().map_err(|error| sending(&error.without_url()))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let mut body = Vec::new();
        response.take(RESPONSE_BYTES_MAX as u64 + 1).read_to_end(&mut body).map_err(|error| reading(&error))?;
        Ok(RawResponse { status, headers, body })
    }
}

fn verb(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// Marked as sensitive where they are, so that no layer below prints them.
fn headers(message: &RawRequest<'_>) -> Result<HeaderMap, TransportError> {
    let mut headers = HeaderMap::new();
    for (name, value) in message.headers {
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| TransportError {
            message: format!("not sent: the value for the header {name} holds characters that no header may hold")
                .into(),
            maybe_applied: false,
            permanent: true,
        })?;
        value.set_sensitive(*name == "authorization");
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// What kept a request from being answered.
fn sending(error: &reqwest::Error) -> TransportError {
    let maybe_applied = !error.is_connect() && !error.is_builder();
    if let Some(tls) = find::<rustls::Error>(error) {
        return TransportError { message: tls::error_message(tls), maybe_applied, permanent: true };
    }
    let cause = innermost(error);
    if let Some((_, meaning, permanent)) = NO_TUNNEL.iter().find(|(said, ..)| cause.contains(said)) {
        return TransportError {
            message: format!("no connection: {meaning}").into(),
            maybe_applied,
            permanent: *permanent,
        };
    }
    let text = if error.is_timeout() && error.is_connect() {
        "no connection in time: is the host right, and open to this machine?".to_owned()
    } else if error.is_timeout() {
        "no answer in time (Request Timeout, or what was left of the time for the operation)".to_owned()
    } else if error.is_dns() {
        "the host name cannot be resolved".to_owned()
    } else if error.is_connect() {
        format!("no connection: {cause}")
    } else {
        format!("the connection broke before the answer: {cause}")
    };
    TransportError { message: text.into(), maybe_applied, permanent: error.is_builder() }
}

/// What kept an answer from being read to its end.
fn reading(error: &io::Error) -> TransportError {
    let timeout = error.kind() == io::ErrorKind::TimedOut
        || find::<reqwest::Error>(error).is_some_and(reqwest::Error::is_timeout);
    let text = if timeout {
        "the answer was not complete in time (Request Timeout, or what was left of the time for the operation)"
            .to_owned()
    } else {
        format!("the connection broke within the answer: {}", innermost(error))
    };
    TransportError { message: text.into(), maybe_applied: true, permanent: false }
}

/// The causes of an error, outermost first, itself included. An `io::Error` hides the error that it wraps from
/// `source()`.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The text of the deepest cause: those above it only repeat that there was an error.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(|cause| excerpt(&cause.to_string())).unwrap_or_default()
}
