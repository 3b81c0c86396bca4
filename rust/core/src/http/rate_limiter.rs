//! Limits the requests of a client to *Maximum Requests Per Second*, for all its threads together.
//! Does not know: the clock, requests.
//!
//! This is a token bucket of capacity one. Requests are evenly spaced, so no second contains more than the maximum.

use std::sync::Mutex;
use std::time::Duration;

use crate::sync::lock_ignoring_poison;

/// Reserves the times at which requests may start.
pub(super) struct RateLimiter {
    /// The time between the starts of two requests.
    interval: Duration,
    /// The earliest start of the next request, on the monotonic clock.
    next_start: Mutex<Duration>,
}

impl RateLimiter {
    /// Creates a limiter. `None` means no limit.
    pub(super) fn new(per_second: Option<u32>) -> Self {
        let interval = per_second.filter(|n| *n > 0).map_or(Duration::ZERO, |n| Duration::from_secs(1) / n);
        Self { interval, next_start: Mutex::new(Duration::ZERO) }
    }

    /// Reserves the next start and returns the wait from `now` until then.
    ///
    /// Returns `None` and reserves nothing if the start would be later than `latest`.
    pub(super) fn reserve(&self, now: Duration, latest: Duration) -> Option<Duration> {
        let mut next_start = lock_ignoring_poison(&self.next_start);
        let start = now.max(*next_start);
        if start > latest && start > now {
            return None;
        }
        *next_start = start + self.interval;
        Some(start - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_secs(1000);

    #[test]
    fn no_second_contains_more_than_the_maximum() {
        let limiter = RateLimiter::new(Some(4));
        let starts: Vec<Duration> = (0..40).map(|_| limiter.reserve(Duration::ZERO, LATE).unwrap()).collect();
        for window in starts.windows(5) {
            assert!(window[4] - window[0] >= Duration::from_secs(1));
        }
        assert_eq!(starts[39], Duration::from_millis(39 * 250));
    }

    #[test]
    fn unused_requests_are_not_saved_for_later() {
        let limiter = RateLimiter::new(Some(1));
        assert_eq!(limiter.reserve(Duration::from_secs(100), LATE), Some(Duration::ZERO));
        assert_eq!(limiter.reserve(Duration::from_secs(100), LATE), Some(Duration::from_secs(1)));
    }

    #[test]
    fn without_a_maximum_no_request_waits() {
        let limiter = RateLimiter::new(None);
        assert!((0..100).all(|_| limiter.reserve(Duration::from_secs(1), LATE) == Some(Duration::ZERO)));
    }

    #[test]
    fn a_start_that_is_too_late_is_not_reserved() {
        let limiter = RateLimiter::new(Some(1));
        let now = Duration::from_secs(10);
        assert_eq!(limiter.reserve(now, now), Some(Duration::ZERO));
        assert_eq!(limiter.reserve(now, now), None);
        assert_eq!(limiter.reserve(now, LATE), Some(Duration::from_secs(1)));
    }
}
