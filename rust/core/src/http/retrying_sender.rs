//! Brings one message to its receiver and the reply back: at the agreed pace, within the deadline, again where that is
//! safe. Knows nothing of SCIM or of credentials.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::message::{
    Deadline, Method, RESPONSE_BYTES_MAX, RawRequest, RawResponse, RequestError, Transport, TransportError,
};
use super::rate_limiter::RateLimiter;
use super::retry;
use crate::Failure;
use crate::environment::Clock;
use crate::text::printable;

/// The log target of requests: one line each, once it was answered or failed.
pub const REQUEST_LOG_TARGET: &str = "pfscim::request";

/// A write that could not be followed up before the deadline is better not started.
const TIME_FOR_A_WRITE: Duration = Duration::from_secs(5);

/// One message and how it may be treated.
pub(super) struct Message<'a> {
    /// The receiver's name in messages: an origin.
    pub(super) receiver: &'a str,
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) headers: &'a [(&'static str, String)],
    pub(super) body: Option<&'a [u8]>,
    /// Sending it twice does no harm.
    pub(super) repeatable: bool,
    /// It changes something at the receiver.
    pub(super) changes: bool,
    /// It counts for *Maximum Requests Per Second*.
    pub(super) paced: bool,
}

pub(super) struct RetryingSender {
    pub(super) transport: Box<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) request_timeout: Duration,
    pub(super) pace: RateLimiter,
}

impl RetryingSender {
    /// The last reply, whatever its status (429 excepted), and whether an attempt before it may have been acted upon.
    ///
    /// # Errors
    /// `transport`, `rate_limited`, or `protocol` for an answer that is too large.
    pub(super) fn carry(&self, message: &Message<'_>, deadline: Deadline) -> Result<(RawResponse, bool), RequestError> {
        let mut maybe_applied = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let timeout = self.start(message, deadline).map_err(|failure| RequestError { failure, maybe_applied })?;
            let ending = self.attempt(message, timeout, attempt);
            if let Ok(reply) = &ending
                && reply.body.len() > RESPONSE_BYTES_MAX
            {
                let text = format!("the answer of {} is larger than 32 MiB and was refused", message.receiver);
                return Err(RequestError { failure: Failure::Protocol(text.into()), maybe_applied: message.changes });
            }
            let system_time = self.clock.system_time();
            match retry::next(&ending, message.repeatable, attempt, system_time, getrandom::u32().unwrap_or(u32::MAX)) {
                Some(wait) if self.left(deadline) > wait.time.saturating_add(reserve(message)) => {
                    maybe_applied |= message.changes && unclear(&ending);
                    self.clock.sleep(wait.time);
                }
                Some(wait) if wait.asked => {
                    return Err(RequestError { failure: too_long(message, wait.time), maybe_applied });
                }
                _ => return conclude(message, ending, maybe_applied),
            }
        }
    }

    /// Waits for the pace and says how long the attempt may take.
    fn start(&self, message: &Message<'_>, deadline: Deadline) -> Result<Duration, Failure> {
        if message.paced {
            let latest = deadline.0.saturating_sub(reserve(message));
            let Some(wait) = self.pace.take(self.clock.monotonic(), latest) else {
                return Err(Failure::transport(format!(
                    "{} to {} was not started: Maximum Requests Per Second leaves no room for it in time",
                    message.method.as_str(),
                    message.receiver
                )));
            };
            if !wait.is_zero() {
                self.clock.sleep(wait);
            }
        }
        let left = self.left(deadline);
        if left.is_zero() || left < reserve(message) {
            return Err(Failure::transport(format!(
                "{} to {} was not started: {} s are left of the time for this operation",
                message.method.as_str(),
                message.receiver,
                left.as_secs()
            )));
        }
        Ok(left.min(self.request_timeout))
    }

    /// One attempt, and its line in the log: neither query nor headers nor body.
    fn attempt(&self, message: &Message<'_>, timeout: Duration, attempt: u32) -> Result<RawResponse, TransportError> {
        let Message { method, url, headers, body, .. } = *message;
        let begun = self.clock.monotonic();
        let ending = self.transport.send(&RawRequest { method, url, headers, body, timeout });
        let took = self.clock.monotonic().saturating_sub(begun).as_millis();
        let (verb, path) = (method.as_str(), printable(url.path()));
        match &ending {
            Ok(reply) => {
                log::debug!(target: REQUEST_LOG_TARGET, "{verb} {path}: {} after {took} ms, attempt {attempt}", reply.status)
            }
            Err(broken) => {
                log::debug!(target: REQUEST_LOG_TARGET, "{verb} {path}: {} after {took} ms, attempt {attempt}", broken.message.text())
            }
        }
        ending
    }

    fn left(&self, deadline: Deadline) -> Duration {
        deadline.0.saturating_sub(self.clock.monotonic())
    }
}

/// How much time has to be left when the message is sent.
fn reserve(message: &Message<'_>) -> Duration {
    if message.changes { TIME_FOR_A_WRITE } else { Duration::ZERO }
}

/// Whether the receiver may have acted on an attempt that ended like that.
fn unclear(ending: &Result<RawResponse, TransportError>) -> bool {
    match ending {
        Ok(reply) => matches!(reply.status, 500 | 502 | 504),
        Err(broken) => broken.maybe_applied,
    }
}

fn too_long(message: &Message<'_>, wait: Duration) -> Failure {
    Failure::RateLimited(format!(
        "{} asks to wait {} s, longer than this operation may take; if that happens often, lower Maximum Requests Per Second",
        message.receiver,
        wait.as_secs()
    ).into())
}

/// The last attempt's ending as the outcome of all.
fn conclude(
    message: &Message<'_>,
    ending: Result<RawResponse, TransportError>,
    maybe_applied: bool,
) -> Result<(RawResponse, bool), RequestError> {
    match ending {
        Ok(reply) if reply.status == 429 => {
            let text = format!(
                "{} answers 429 (too many requests) time and again: lower Maximum Requests Per Second",
                message.receiver
            );
            Err(RequestError { failure: Failure::RateLimited(text.into()), maybe_applied })
        }
        Ok(reply) => Ok((reply, maybe_applied)),
        Err(broken) => Err(RequestError {
            failure: Failure::transport(broken.message.at(message.receiver)),
            maybe_applied: maybe_applied || (message.changes && broken.maybe_applied),
        }),
    }
}
