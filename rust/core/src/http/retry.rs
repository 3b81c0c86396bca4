//! Decides from the result of an attempt whether a request is sent again, and after which wait.
//! Does not know: the clock, the transport, SCIM.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::types::{RawResponse, TransportError};

/// The most attempts if they fail in the transport or with 5xx.
const ATTEMPTS_MAX: u32 = 4;
/// The most attempts if the target returns 429. The deadline usually ends them earlier.
const THROTTLED_ATTEMPTS_MAX: u32 = 20;
/// The first wait if the target requests none. It doubles with each attempt.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// The longest wait if the target requests none.
const BACKOFF_MAX: Duration = Duration::from_secs(8);
/// Statuses after which the same request may succeed later (RFC 9110 section 15.6).
const TRANSIENT_STATUSES: [u16; 4] = [500, 502, 503, 504];
/// Headers like `Retry-After`: the end of a rate limit, in seconds from now or in seconds since 1970.
const RESET_HEADERS: [&str; 3] = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
/// A larger value of a reset header is a date. As seconds from now it would be more than thirty years.
const RESET_SECONDS_MAX: u64 = 1_000_000_000;

/// The wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) duration: Duration,
    /// Whether the target requested it.
    pub(super) requested: bool,
}

/// Returns the wait before the next attempt, or `None` if this result is final.
///
/// `attempt` is the number of the attempt that ended, from 1. `repeatable` means that sending twice does no harm.
/// `jitter` is a random number.
pub(super) fn wait_before_retry(
    result: &Result<RawResponse, TransportError>,
    repeatable: bool,
    attempt: u32,
    system_time: SystemTime,
    jitter: u32,
) -> Option<Wait> {
    let (may_repeat, attempts_max) = match result {
        Ok(response) if response.status == 429 => (true, THROTTLED_ATTEMPTS_MAX),
        // 503 means that the target did not carry out the request.
        Ok(response) if response.status == 503 => (true, ATTEMPTS_MAX),
        Ok(response) => (repeatable && TRANSIENT_STATUSES.contains(&response.status), ATTEMPTS_MAX),
        Err(error) => (!error.permanent && (repeatable || !error.maybe_applied), ATTEMPTS_MAX),
    };
    if !may_repeat || attempt >= attempts_max {
        return None;
    }
    let requested =
        result.as_ref().ok().and_then(|response| requested_wait(response, system_time)).filter(|wait| !wait.is_zero());
    Some(match requested {
        Some(duration) => Wait { duration, requested: true },
        None => Wait { duration: backoff(attempt, jitter), requested: false },
    })
}

/// Returns the wait that the target requests (RFC 9110 section 10.2.3), or zero if its date has passed.
fn requested_wait(response: &RawResponse, system_time: SystemTime) -> Option<Duration> {
    if !matches!(response.status, 429 | 503) {
        return None;
    }
    if let Some(value) = response.header("retry-after") {
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        if let Ok(date) = httpdate::parse_http_date(value) {
            return Some(date.duration_since(system_time).unwrap_or_default());
        }
    }
    if response.status != 429 {
        return None;
    }
    let seconds: u64 = RESET_HEADERS.iter().find_map(|name| response.header(name)?.parse().ok())?;
    Some(if seconds > RESET_SECONDS_MAX {
        let now = system_time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_secs(seconds).saturating_sub(now)
    } else {
        Duration::from_secs(seconds)
    })
}

/// Returns a wait that doubles with each attempt. Jitter shortens it by up to half, so that threads that failed
/// together do not try again together.
fn backoff(attempt: u32, jitter: u32) -> Duration {
    let full = FIRST_BACKOFF.saturating_mul(1 << (attempt - 1).min(8)).min(BACKOFF_MAX);
    full.mul_f64(0.5 + 0.5 * f64::from(jitter) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)]) -> Result<RawResponse, TransportError> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Ok(RawResponse { status, headers, body: Vec::new() })
    }

    fn transport_error(maybe_applied: bool, permanent: bool) -> Result<RawResponse, TransportError> {
        Err(TransportError { message: "reset".into(), maybe_applied, permanent })
    }

    fn system_time() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn is_retried(result: &Result<RawResponse, TransportError>, repeatable: bool) -> bool {
        wait_before_retry(result, repeatable, 1, system_time(), 0).is_some()
    }

    #[test]
    fn repeatable_requests_are_retried_after_a_transport_error_or_a_transient_status() {
        for status in TRANSIENT_STATUSES {
            assert!(is_retried(&response(status, &[]), true), "{status}");
        }
        assert!(is_retried(&transport_error(true, false), true));
        assert!(is_retried(&transport_error(false, false), true));
    }

    #[test]
    fn unrepeatable_requests_are_retried_only_if_the_target_has_certainly_not_applied_them() {
        for status in [500, 502, 504] {
            assert!(!is_retried(&response(status, &[]), false), "{status}");
        }
        assert!(!is_retried(&transport_error(true, false), false));
        assert!(is_retried(&transport_error(false, false), false));
        assert!(is_retried(&response(503, &[]), false));
        assert!(is_retried(&response(429, &[]), false));
    }

    #[test]
    fn final_statuses_are_not_retried() {
        for status in [200, 201, 204, 301, 400, 401, 403, 404, 409, 412, 501] {
            assert!(!is_retried(&response(status, &[("retry-after", "1")]), true), "{status}");
        }
        assert!(!is_retried(&transport_error(false, true), true), "a permanent error, such as a certificate");
    }

    #[test]
    fn errors_end_after_four_attempts_and_rate_limits_after_twenty() {
        assert!(wait_before_retry(&transport_error(false, false), true, 3, system_time(), 0).is_some());
        assert!(wait_before_retry(&transport_error(false, false), true, 4, system_time(), 0).is_none());
        assert!(wait_before_retry(&response(503, &[("retry-after", "1")]), true, 4, system_time(), 0).is_none());
        assert!(wait_before_retry(&response(429, &[]), false, 19, system_time(), 0).is_some());
        assert!(wait_before_retry(&response(429, &[]), false, 20, system_time(), 0).is_none());
    }

    #[test]
    fn the_target_requests_a_wait_in_seconds_as_a_date_or_in_a_reset_header() {
        let date = httpdate::fmt_http_date(system_time() + Duration::from_secs(7));
        let epoch = (1_700_000_000 + 9).to_string();
        let cases: [(u16, &str, &str, u64); 6] = [
            (429, "retry-after", "12", 12),
            (503, "retry-after", "12", 12),
            (429, "retry-after", &date, 7),
            (429, "x-rate-limit-reset", &epoch, 9),
            (429, "x-ratelimit-reset", "3", 3),
            (429, "ratelimit-reset", "4", 4),
        ];
        for (status, name, value, seconds) in cases {
            let wait = wait_before_retry(&response(status, &[(name, value)]), false, 1, system_time(), 0);
            assert_eq!(wait, Some(Wait { duration: Duration::from_secs(seconds), requested: true }), "{name}: {value}");
        }
    }

    #[test]
    fn an_unusable_wait_is_replaced_by_the_backoff() {
        let past = httpdate::fmt_http_date(system_time() - Duration::from_secs(7));
        for value in ["0", "-5", "soon", "", "1e3", "99999999999999999999999", past.as_str()] {
            let wait = wait_before_retry(&response(429, &[("retry-after", value)]), false, 1, system_time(), u32::MAX);
            assert_eq!(wait, Some(Wait { duration: FIRST_BACKOFF, requested: false }), "{value}");
        }
    }

    #[test]
    fn backoff_doubles_up_to_a_limit_and_jitter_shortens_it_by_half_at_most() {
        for attempt in 1..20 {
            let full = backoff(attempt, u32::MAX);
            let half = backoff(attempt, 0);
            assert_eq!(half * 2, full);
            assert!(full <= BACKOFF_MAX);
        }
        assert_eq!(backoff(3, u32::MAX), FIRST_BACKOFF * 4);
        assert_eq!(backoff(19, u32::MAX), BACKOFF_MAX);
    }
}
