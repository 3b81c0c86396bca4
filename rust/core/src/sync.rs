//! Gives threads turns that they wait for, and locks a mutex whose data stay usable after a panic in another thread.
//! Does not know: what a turn is for, what is locked.
//!
//! A thread that sends a request or sleeps holds a turn, never a mutex.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::environment::Clock;

/// A thread that waits for its turn checks at this interval.
const TURN_INTERVAL: Duration = Duration::from_millis(20);

/// A table of turns: for each key, one thread at a time has the turn.
#[derive(Debug)]
pub struct Turns<K: Ord> {
    taken: Mutex<BTreeSet<K>>,
}

impl<K: Ord> Default for Turns<K> {
    fn default() -> Self {
        Self { taken: Mutex::default() }
    }
}

impl<K: Ord + Clone> Turns<K> {
    /// Waits until no other thread has the turn of this key, and takes it.
    ///
    /// Returns `None` if another thread still has it at the deadline, which is a time of the monotonic clock.
    pub fn take(&self, key: K, clock: &dyn Clock, deadline: Duration) -> Option<Turn<'_, K>> {
        let mut has_waited = false;
        while !lock_ignoring_poison(&self.taken).insert(key.clone()) {
            if clock.monotonic() >= deadline {
                return None;
            }
            has_waited = true;
            clock.sleep(TURN_INTERVAL);
        }
        Some(Turn { turns: self, key, has_waited })
    }
}

/// The turn of one key. It ends when this value is dropped, also after a panic.
#[derive(Debug)]
pub struct Turn<'t, K: Ord> {
    turns: &'t Turns<K>,
    key: K,
    has_waited: bool,
}

impl<K: Ord> Turn<'_, K> {
    /// Returns true if another thread had the turn meanwhile, so that what was read before it is stale.
    pub fn has_waited(&self) -> bool {
        self.has_waited
    }
}

impl<K: Ord> Drop for Turn<'_, K> {
    fn drop(&mut self) {
        lock_ignoring_poison(&self.turns.taken).remove(&self.key);
    }
}

/// Locks a mutex even if a thread panicked while it had the lock.
///
/// Use it only for data that are valid after every single statement: caches, counters, lists, open files.
pub fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::testing::ManualClock;

    const DEADLINE: Duration = Duration::from_secs(50);

    #[test]
    fn a_taken_turn_is_free_again_after_its_end_and_other_keys_are_free_meanwhile() {
        let (turns, clock) = (Turns::default(), ManualClock::default());
        let first = turns.take("a", &clock, DEADLINE).unwrap();
        let other = turns.take("b", &clock, DEADLINE).unwrap();
        assert!(!first.has_waited() && !other.has_waited());
        drop(first);
        assert!(!turns.take("a", &clock, DEADLINE).unwrap().has_waited());
        assert_eq!(clock.monotonic(), Duration::ZERO);
    }

    #[test]
    fn a_thread_that_waits_gets_no_turn_at_its_deadline() {
        let (turns, clock) = (Turns::default(), ManualClock::default());
        let _first = turns.take("a", &clock, DEADLINE).unwrap();
        assert!(turns.take("a", &clock, DEADLINE).is_none());
        assert_eq!(clock.monotonic(), DEADLINE);
        assert!(turns.take("b", &clock, Duration::ZERO).is_some(), "a free turn needs no time");
    }

    #[test]
    fn a_thread_that_waited_knows_it() {
        let (turns, clock) = (Turns::default(), ManualClock::default());
        let first = turns.take("a", &clock, Duration::MAX).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.take("a", &clock, Duration::MAX).unwrap().has_waited());
            while clock.monotonic().is_zero() {
                std::thread::yield_now();
            }
            drop(first);
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn a_panic_ends_the_turn() {
        let (turns, clock) = (Turns::default(), ManualClock::default());
        let panicking = || {
            let _turn = turns.take("a", &clock, DEADLINE).unwrap();
            panic!("in the turn");
        };
        std::thread::scope(|scope| scope.spawn(panicking).join().unwrap_err());
        assert!(!turns.take("a", &clock, DEADLINE).unwrap().has_waited());
    }
}
