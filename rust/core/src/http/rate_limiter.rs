//! *Maximum Requests Per Second*: a token bucket of capacity one, shared by all threads of a client. Evenly spaced
//! requests never put more than the maximum into any one second. Knows neither clock nor requests.

use crate::sync::lock_ignoring_poison;
use std::sync::Mutex;
use std::time::Duration;

/// Hands out the moments at which requests may start.
pub(super) struct RateLimiter {
    spacing: Duration,
    next: Mutex<Duration>,
}

impl RateLimiter {
    /// At most that many requests a second; `None` = no limit.
    pub(super) fn new(per_second: Option<u32>) -> Self {
        let spacing = per_second.filter(|n| *n > 0).map_or(Duration::ZERO, |n| Duration::from_secs(1) / n);
        Self { spacing, next: Mutex::new(Duration::ZERO) }
    }

    /// How long to wait from `now` before the next request may start, which then is taken. `None`, and nothing taken,
    /// where that would be later than `latest`.
    pub(super) fn take(&self, now: Duration, latest: Duration) -> Option<Duration> {
        let mut next = lock_ignoring_poison(&self.next);
        let start = now.max(*next);
        if start > latest && start > now {
            return None;
        }
        *next = start + self.spacing;
        Some(start - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_secs(1000);

    #[test]
    fn no_second_carries_more_than_the_maximum() {
        let pace = RateLimiter::new(Some(4));
        let starts: Vec<Duration> = (0..40).map(|_| pace.take(Duration::ZERO, LATE).unwrap()).collect();
        for window in starts.windows(5) {
            assert!(window[4] - window[0] >= Duration::from_secs(1));
        }
        assert_eq!(starts[39], Duration::from_millis(39 * 250));
    }

    #[test]
    fn a_quiet_spell_is_not_saved_up() {
        let pace = RateLimiter::new(Some(1));
        assert_eq!(pace.take(Duration::from_secs(100), LATE), Some(Duration::ZERO));
        assert_eq!(pace.take(Duration::from_secs(100), LATE), Some(Duration::from_secs(1)));
    }

    #[test]
    fn without_a_maximum_nothing_waits() {
        let pace = RateLimiter::new(None);
        assert!((0..100).all(|_| pace.take(Duration::from_secs(1), LATE) == Some(Duration::ZERO)));
    }

    #[test]
    fn a_start_that_comes_too_late_is_not_taken() {
        let pace = RateLimiter::new(Some(1));
        let now = Duration::from_secs(10);
        assert_eq!(pace.take(now, now), Some(Duration::ZERO));
        assert_eq!(pace.take(now, now), None);
        assert_eq!(pace.take(now, LATE), Some(Duration::from_secs(1)));
    }
}
