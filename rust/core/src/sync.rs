//! Locks a mutex whose data stay usable after a panic in another thread.
//! Does not know: what is locked.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex even if a thread panicked while it had the lock.
///
/// Use it only for data that are valid after every single statement: caches, counters, lists, open files.
pub fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
