//! Counts the removals of a cycle and stops them at *Maximum Removals Per Cycle* (row 16 of `docs/decisions.md`).
//! Does not know: users, groups, requests.
//!
//! The count belongs to a cycle, the latch to a channel. Once a cycle exceeds the limit, the latch rejects all
//! removals until the value of the setting changes or the host restarts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::sync::lock_ignoring_poison;
use crate::{Failure, Message};

/// A session that is open for longer begins a new cycle after this time.
pub(super) const CYCLE_DURATION_MAX: Duration = Duration::from_secs(600);

/// Stops the removals of a channel after a cycle exceeded the limit.
#[derive(Debug, Default)]
pub(super) struct Latch {
    is_shut: AtomicBool,
}

/// Counts the removals of one session.
#[derive(Debug)]
pub(super) struct RemovalCounter {
    latch: Arc<Latch>,
    limit: Option<u32>,
    cycle: Mutex<CycleCount>,
}

#[derive(Debug)]
struct CycleCount {
    started_at: Duration,
    count: u32,
}

impl RemovalCounter {
    pub(super) fn new(latch: Arc<Latch>, limit: Option<u32>, now: Duration) -> Self {
        Self { latch, limit, cycle: Mutex::new(CycleCount { started_at: now, count: 0 }) }
    }

    /// Counts one removal. Call it just before the request is sent.
    ///
    /// # Errors
    /// [`Failure::RemovalLimit`] over the limit, and for each later removal.
    pub(super) fn count(&self, now: Duration) -> Result<(), Failure> {
        let Some(limit) = self.limit else { return Ok(()) };
        let mut cycle = lock_ignoring_poison(&self.cycle);
        if now.saturating_sub(cycle.started_at) >= CYCLE_DURATION_MAX {
            *cycle = CycleCount { started_at: now, count: 0 };
        }
        if !self.latch.is_shut.load(Ordering::SeqCst) && cycle.count < limit {
            cycle.count += 1;
            return Ok(());
        }
        let text = format!(
            "Maximum Removals Per Cycle: the limit of {limit} is reached, so no user or group is removed until the value \
             changes or PingFederate or pfscim restarts, and creates and updates continue"
        );
        let hint = "check the source before you change the value or restart";
        let failure = Failure::RemovalLimit(Message::new(text).with_hint(hint));
        if !self.latch.is_shut.swap(true, Ordering::SeqCst) {
            log::error!("{failure}");
        }
        Err(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(latch: &Arc<Latch>, limit: u32) -> RemovalCounter {
        RemovalCounter::new(Arc::clone(latch), Some(limit), Duration::ZERO)
    }

    #[test]
    fn the_limit_counts_the_removals_of_all_threads() {
        let removal_counter = counter(&Arc::default(), 10);
        let accepted = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..5).filter(|_| removal_counter.count(Duration::ZERO).is_ok()).count()))
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum::<usize>()
        });
        assert_eq!(accepted, 10);
    }

    #[test]
    fn the_latch_stays_shut_for_later_sessions() {
        let latch = Arc::default();
        let first = counter(&latch, 1);
        assert!(first.count(Duration::ZERO).is_ok());
        assert_eq!(first.count(Duration::ZERO).unwrap_err().code(), "removal_limit");
        assert_eq!(counter(&latch, 1).count(Duration::ZERO).unwrap_err().code(), "removal_limit");
        assert_eq!(first.count(CYCLE_DURATION_MAX * 2).unwrap_err().code(), "removal_limit");
    }

    #[test]
    fn a_cycle_within_the_limit_does_not_shut_the_latch() {
        let latch = Arc::default();
        for _ in 0..3 {
            let short = counter(&latch, 2);
            assert!(short.count(Duration::ZERO).is_ok() && short.count(Duration::ZERO).is_ok());
        }
        let long = counter(&latch, 2);
        for cycle in 0..3 {
            let now = CYCLE_DURATION_MAX * cycle;
            assert!(long.count(now).is_ok() && long.count(now).is_ok());
        }
    }

    #[test]
    fn without_a_limit_every_removal_is_allowed() {
        let removal_counter = RemovalCounter::new(Arc::default(), None, Duration::ZERO);
        assert!((0..1000).all(|_| removal_counter.count(Duration::ZERO).is_ok()));
    }
}
