//! Sends requests with reqwest (blocking, HTTP/1.1, no redirects). Describes transport errors without URL or body.
//! Does not know: environment variables, the trust store of the system.

use std::error::Error as StdError;
use std::io::{self, Read};
use std::time::Duration;

use reqwest::blocking;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;

use super::types::{Method, RESPONSE_BYTES_MAX, RawRequest, RawResponse, Transport, TransportError};
use super::{proxy, tls};
use crate::environment::Environment;
use crate::text::excerpt;
use crate::{Failure, Message};

/// The longest wait for a connection. It ends early enough for another attempt.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(10);
/// Idle connections are closed before most servers close them, because a write into a closed connection is lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Errors of a proxy that opens no tunnel: a part of reqwest's text, text and hint of the message, whether it is
/// permanent.
const TUNNEL_ERRORS: [(&str, &str, &str, bool); 2] = [
    (
        "proxy authorization required",
        "no connection: the proxy returned 407 Proxy Authentication Required",
        "check the user name and password of the proxy",
        true,
    ),
    (
        "tunnel error: unsuccessful",
        "no connection: the proxy rejected the tunnel",
        "allow the connection in the proxy",
        false,
    ),
];

#[expect(clippy::disallowed_types, reason = "the one place that opens connections")]
pub(super) struct ReqwestTransport {
    client: blocking::Client,
}

impl ReqwestTransport {
    /// Creates the transport. Opens no connection.
    ///
    /// # Errors
    /// [`Failure::Config`] if TLS or the proxy cannot be set up.
    #[expect(clippy::disallowed_types, reason = "the one place that opens connections")]
    pub(super) fn new(environment: &Environment, request_timeout: Duration) -> Result<Self, Failure> {
        let mut builder = blocking::Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT_MAX.min(request_timeout / 2))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tls_backend_preconfigured(tls::config(&environment.anchors)?);
        for proxy in proxy::proxies(&environment.proxy)? {
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| {
            Failure::Config(format!("the HTTP client cannot be created: {}", innermost(&error.without_url())).into())
        })?;
        Ok(Self { client })
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, request: &RawRequest<'_>) -> Result<RawResponse, TransportError> {
        let mut builder = self
            .client
            .request(reqwest_method(request.method), request.url.clone())
            .headers(headers(request)?)
            .timeout(request.timeout);
        if let Some(body) = request.body {
            builder = builder.body(body.to_vec());
        }
        let response = builder.send().map_err(|error| send_error(&error.without_url()))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let mut body = Vec::new();
        response.take(RESPONSE_BYTES_MAX as u64 + 1).read_to_end(&mut body).map_err(|error| read_error(&error))?;
        Ok(RawResponse { status, headers, body })
    }
}

fn reqwest_method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// Converts the headers. Marks credentials as sensitive, so that no library prints them.
fn headers(request: &RawRequest<'_>) -> Result<HeaderMap, TransportError> {
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers {
        let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| TransportError {
            message: format!(
                "not sent: the value of the header {name} contains characters that a header must not contain"
            )
            .into(),
            maybe_applied: false,
            permanent: true,
        })?;
        value.set_sensitive(*name == "authorization");
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// Describes why a request has no response.
fn send_error(error: &reqwest::Error) -> TransportError {
    let maybe_applied = !error.is_connect() && !error.is_builder();
    if let Some(tls) = find_cause::<rustls::Error>(error) {
        return TransportError { message: tls::error_message(tls), maybe_applied, permanent: true };
    }
    let cause = innermost(error);
    if let Some((_, text, hint, permanent)) = TUNNEL_ERRORS.iter().find(|(part, ..)| cause.contains(part)) {
        let message = Message::new(*text).with_hint(*hint);
        return TransportError { message, maybe_applied, permanent: *permanent };
    }
    let message = if error.is_timeout() && error.is_connect() {
        Message::new("no connection in time").with_hint("check the host name, the port and the firewall")
    } else if error.is_timeout() {
        "no response in time (limit: Request Timeout, or the time left for the operation)".into()
    } else if error.is_dns() {
        Message::new("the host name cannot be resolved").with_hint("check the host name")
    } else if error.is_connect() {
        format!("no connection: {cause}").into()
    } else {
        format!("the connection broke before the response: {cause}").into()
    };
    TransportError { message, maybe_applied, permanent: error.is_builder() }
}

/// Describes why a response could not be read to its end.
fn read_error(error: &io::Error) -> TransportError {
    let timeout = error.kind() == io::ErrorKind::TimedOut
        || find_cause::<reqwest::Error>(error).is_some_and(reqwest::Error::is_timeout);
    let text = if timeout {
        "the response was not complete in time (limit: Request Timeout, or the time left for the operation)".to_owned()
    } else {
        format!("the connection broke within the response: {}", innermost(error))
    };
    TransportError { message: text.into(), maybe_applied: true, permanent: false }
}

/// Returns the causes of an error, outermost first, including itself. `source()` of an `io::Error` skips the error that
/// it contains.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

fn find_cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Returns the text of the innermost cause. The outer causes add no information.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(|cause| excerpt(&cause.to_string())).unwrap_or_default()
}
