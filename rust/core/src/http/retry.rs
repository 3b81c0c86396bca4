//! When a message is sent again, and after how long: pure functions of what came back. Knows no clock, no transport
//! and no SCIM.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::message::{RawResponse, TransportError};

/// How often a message is sent in all while attempts break or end in 5xx.
const ATTEMPTS: u32 = 4;
/// How often a message is sent in all while the target asks to slow down; the deadline usually comes first.
const ATTEMPTS_THROTTLED: u32 = 20;
/// The first wait where the target names none; it doubles from attempt to attempt.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Where the doubling ends.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// Statuses after which the same request may do better (RFC 9110 section 15.6).
const PASSING: [u16; 4] = [500, 502, 503, 504];
/// Headers beside `Retry-After` that say when a rate limit ends, in seconds from now or as seconds since 1970.
const LIMIT_RESETS: [&str; 3] = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
/// A reset value above this is a date: as seconds from now it would be thirty years.
const OLDEST_DATE: u64 = 1_000_000_000;

/// The wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    /// How long.
    pub(super) time: Duration,
    /// True where the target named it.
    pub(super) asked: bool,
}

/// Whether to send again after attempt number `attempt` (from 1) ended like that, and when. `repeatable`: sending twice
/// does no harm. `jitter` is any number.
pub(super) fn next(
    ending: &Result<RawResponse, TransportError>,
    repeatable: bool,
    attempt: u32,
    system_time: SystemTime,
    jitter: u32,
) -> Option<Wait> {
    let (again, most) = match ending {
        Ok(reply) if reply.status == 429 => (true, ATTEMPTS_THROTTLED),
        // Refused, not acted upon.
        Ok(reply) if reply.status == 503 => (true, ATTEMPTS),
        Ok(reply) => (repeatable && PASSING.contains(&reply.status), ATTEMPTS),
        Err(broken) => (!broken.permanent && (repeatable || !broken.maybe_applied), ATTEMPTS),
    };
    if !again || attempt >= most {
        return None;
    }
    let asked = ending.as_ref().ok().and_then(|reply| asked(reply, system_time)).filter(|time| !time.is_zero());
    Some(match asked {
        Some(time) => Wait { time, asked: true },
        None => Wait { time: backoff(attempt, jitter), asked: false },
    })
}

/// How long the target wants to be left alone (RFC 9110 section 10.2.3); zero where that moment has passed.
fn asked(reply: &RawResponse, system_time: SystemTime) -> Option<Duration> {
    if !matches!(reply.status, 429 | 503) {
        return None;
    }
    if let Some(value) = reply.header("retry-after") {
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        if let Ok(date) = httpdate::parse_http_date(value) {
            return Some(date.duration_since(system_time).unwrap_or_default());
        }
    }
    if reply.status != 429 {
        return None;
    }
    let seconds: u64 = LIMIT_RESETS.iter().find_map(|name| reply.header(name)?.parse().ok())?;
    Some(if seconds > OLDEST_DATE {
        let now = system_time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Duration::from_secs(seconds).saturating_sub(now)
    } else {
        Duration::from_secs(seconds)
    })
}

/// Doubling waits, each shortened by up to half, so that threads which failed together do not come back together.
fn backoff(attempt: u32, jitter: u32) -> Duration {
    let whole = FIRST_WAIT.saturating_mul(1 << (attempt - 1).min(8)).min(LONGEST_WAIT);
    whole.mul_f64(0.5 + 0.5 * f64::from(jitter) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&str, &str)]) -> Result<RawResponse, TransportError> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Ok(RawResponse { status, headers, body: Vec::new() })
    }

    fn broken(maybe_applied: bool, permanent: bool) -> Result<RawResponse, TransportError> {
        Err(TransportError { message: "reset".into(), maybe_applied, permanent })
    }

    fn system_time() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn again(ending: &Result<RawResponse, TransportError>, repeatable: bool) -> bool {
        next(ending, repeatable, 1, system_time(), 0).is_some()
    }

    #[test]
    fn repeatable_requests_go_again_after_a_break_or_a_passing_status() {
        for status in PASSING {
            assert!(again(&reply(status, &[]), true), "{status}");
        }
        assert!(again(&broken(true, false), true));
        assert!(again(&broken(false, false), true));
    }

    #[test]
    fn other_requests_go_again_only_where_they_were_certainly_not_acted_upon() {
        for status in [500, 502, 504] {
            assert!(!again(&reply(status, &[]), false), "{status}");
        }
        assert!(!again(&broken(true, false), false));
        assert!(again(&broken(false, false), false));
        assert!(again(&reply(503, &[]), false));
        assert!(again(&reply(429, &[]), false));
    }

    #[test]
    fn a_word_of_the_target_is_final() {
        for status in [200, 201, 204, 301, 400, 401, 403, 404, 409, 412, 501] {
            assert!(!again(&reply(status, &[("retry-after", "1")]), true), "{status}");
        }
        assert!(!again(&broken(false, true), true), "a certificate does not get better in a second");
    }

    #[test]
    fn errors_end_after_four_attempts_and_throttling_after_twenty() {
        assert!(next(&broken(false, false), true, 3, system_time(), 0).is_some());
        assert!(next(&broken(false, false), true, 4, system_time(), 0).is_none());
        assert!(next(&reply(503, &[("retry-after", "1")]), true, 4, system_time(), 0).is_none());
        assert!(next(&reply(429, &[]), false, 19, system_time(), 0).is_some());
        assert!(next(&reply(429, &[]), false, 20, system_time(), 0).is_none());
    }

    #[test]
    fn the_target_may_name_the_wait_in_seconds_as_a_date_or_by_a_limit_header() {
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
            let wait = next(&reply(status, &[(name, value)]), false, 1, system_time(), 0);
            assert_eq!(wait, Some(Wait { time: Duration::from_secs(seconds), asked: true }), "{name}: {value}");
        }
    }

    #[test]
    fn an_unusable_wait_is_replaced_by_our_own() {
        let past = httpdate::fmt_http_date(system_time() - Duration::from_secs(7));
        for value in ["0", "-5", "soon", "", "1e3", "99999999999999999999999", past.as_str()] {
            let wait = next(&reply(429, &[("retry-after", value)]), false, 1, system_time(), u32::MAX);
            assert_eq!(wait, Some(Wait { time: FIRST_WAIT, asked: false }), "{value}");
        }
    }

    #[test]
    fn waits_double_up_to_a_limit_and_are_shortened_by_half_at_most() {
        for attempt in 1..20 {
            let whole = backoff(attempt, u32::MAX);
            let half = backoff(attempt, 0);
            assert_eq!(half * 2, whole);
            assert!(whole <= LONGEST_WAIT);
        }
        assert_eq!(backoff(3, u32::MAX), FIRST_WAIT * 4);
        assert_eq!(backoff(19, u32::MAX), LONGEST_WAIT);
    }
}
