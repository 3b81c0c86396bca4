//! Sends a request within the rate limit and the deadline, and repeats it if that is safe.
//! Does not know: SCIM, credentials.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::rate_limiter::RateLimiter;
use super::retry;
use super::types::{
    Deadline, Method, RESPONSE_BYTES_MAX, RawRequest, RawResponse, RequestError, Transport, TransportError,
};
use crate::environment::{Clock, Random};
use crate::text::printable;
use crate::{Failure, Message};

/// The log target of requests. Each attempt is one line, logged when it ends.
pub const REQUEST_LOG_TARGET: &str = "pfscim::request";

/// No write starts with less time than this before the deadline, because its result could not be checked.
const WRITE_TIME_MIN: Duration = Duration::from_secs(5);

/// A request, and how it may be sent.
pub(super) struct OutgoingRequest<'a> {
    /// The receiver's name in messages: an origin.
    pub(super) receiver: &'a str,
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a [(&'static str, String)],
    pub(super) body: Option<&'a [u8]>,
    /// Whether sending it twice does no harm.
    pub(super) repeatable: bool,
    /// Whether it changes something at the receiver.
    pub(super) is_write: bool,
    /// Whether it counts for *Maximum Requests Per Second*.
    pub(super) rate_limited: bool,
}

/// Sends requests with retries, within the rate limit of one connector.
pub(super) struct RetryingSender {
    pub(super) transport: Box<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) request_timeout: Duration,
    pub(super) rate_limiter: RateLimiter,
}

impl RetryingSender {
    /// Sends a request, and repeats it if that is safe.
    ///
    /// Returns the last response, of any status except 429, and whether the receiver may have carried out an earlier
    /// attempt.
    ///
    /// # Errors
    /// `transport`, `rate_limited`, or `protocol` if the response is too large.
    pub(super) fn send(
        &self,
        request: &OutgoingRequest<'_>,
        deadline: Deadline,
    ) -> Result<(RawResponse, bool), RequestError> {
        let mut maybe_applied = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let timeout =
                self.wait_to_start(request, deadline).map_err(|failure| RequestError { failure, maybe_applied })?;
            let result = self.attempt(request, timeout, attempt);
            if let Ok(response) = &result
                && response.body.len() > RESPONSE_BYTES_MAX
            {
                let text = format!("the response of {} is larger than 32 MiB and was discarded", request.receiver);
                return Err(RequestError { failure: Failure::Protocol(text.into()), maybe_applied: request.is_write });
            }
            let system_time = self.clock.system_time();
            match retry::wait_before_retry(&result, request.repeatable, attempt, system_time, self.jitter()) {
                Some(wait) if self.time_left(deadline) > wait.duration.saturating_add(time_needed(request)) => {
                    maybe_applied |= request.is_write && is_unclear(&result);
                    self.clock.sleep(wait.duration);
                }
                Some(wait) if wait.requested => {
                    return Err(RequestError { failure: wait_too_long(request, wait.duration), maybe_applied });
                }
                _ => return conclude(request, result, maybe_applied),
            }
        }
    }

    /// Waits for the rate limit. Returns the timeout of the attempt.
    fn wait_to_start(&self, request: &OutgoingRequest<'_>, deadline: Deadline) -> Result<Duration, Failure> {
        if request.rate_limited {
            let latest = deadline.0.saturating_sub(time_needed(request));
            let Some(wait) = self.rate_limiter.reserve(self.clock.monotonic(), latest) else {
                return Err(Failure::transport(
                    Message::new(format!(
                        "{} to {} not sent: the rate limit allows no request before the deadline",
                        request.method.as_str(),
                        request.receiver
                    ))
                    .with_hint("raise Maximum Requests Per Second or lower Max Threads"),
                ));
            };
            if !wait.is_zero() {
                self.clock.sleep(wait);
            }
        }
        let left = self.time_left(deadline);
        if left.is_zero() || left < time_needed(request) {
            return Err(Failure::transport(format!(
                "{} to {} not sent: only {} s are left before the deadline of this operation",
                request.method.as_str(),
                request.receiver,
                left.as_secs()
            )));
        }
        Ok(left.min(self.request_timeout))
    }

    /// Sends the request once and logs one line. The line contains no query, header or body.
    fn attempt(
        &self,
        request: &OutgoingRequest<'_>,
        timeout: Duration,
        attempt: u32,
    ) -> Result<RawResponse, TransportError> {
        let OutgoingRequest { method, url, headers, body, .. } = *request;
        let start = self.clock.monotonic();
        let result = self.transport.send(&RawRequest { method, url, headers, body, timeout });
        let millis = self.clock.monotonic().saturating_sub(start).as_millis();
        let status = match &result {
            Ok(response) => response.status.to_string(),
            Err(error) => error.message.text().to_owned(),
        };
        log::debug!(
            target: REQUEST_LOG_TARGET,
            "{} {}: {status} after {millis} ms, attempt {attempt}",
            method.as_str(),
            printable(url.path())
        );
        result
    }

    /// Returns a random number. Without random values it is the maximum, so that the wait is not shortened.
    fn jitter(&self) -> u32 {
        let mut bytes = u32::MAX.to_ne_bytes();
        self.random.fill(&mut bytes);
        u32::from_ne_bytes(bytes)
    }

    fn time_left(&self, deadline: Deadline) -> Duration {
        deadline.0.saturating_sub(self.clock.monotonic())
    }
}

/// Returns the time that must be left when the request is sent.
fn time_needed(request: &OutgoingRequest<'_>) -> Duration {
    if request.is_write { WRITE_TIME_MIN } else { Duration::ZERO }
}

/// Returns whether the receiver may have carried out an attempt with this result.
fn is_unclear(result: &Result<RawResponse, TransportError>) -> bool {
    match result {
        Ok(response) => matches!(response.status, 500 | 502 | 504),
        Err(error) => error.maybe_applied,
    }
}

fn wait_too_long(request: &OutgoingRequest<'_>, wait: Duration) -> Failure {
    Failure::RateLimited(
        Message::new(format!(
            "{} requested a wait of {} s, which is too long for this operation",
            request.receiver,
            wait.as_secs()
        ))
        .with_hint("if this happens often, lower Maximum Requests Per Second"),
    )
}

/// Turns the result of the last attempt into the result of all attempts.
fn conclude(
    request: &OutgoingRequest<'_>,
    result: Result<RawResponse, TransportError>,
    maybe_applied: bool,
) -> Result<(RawResponse, bool), RequestError> {
    match result {
        Ok(response) if response.status == 429 => {
            let message = Message::new(format!("{} returned 429 (too many requests) repeatedly", request.receiver))
                .with_hint("lower Maximum Requests Per Second");
            Err(RequestError { failure: Failure::RateLimited(message), maybe_applied })
        }
        Ok(response) => Ok((response, maybe_applied)),
        Err(error) => Err(RequestError {
            failure: Failure::transport(error.message.at(request.receiver)),
            maybe_applied: maybe_applied || (request.is_write && error.maybe_applied),
        }),
    }
}
