//! Stores the open sessions by the keys that Java has.
//! Does not know: the virtual machine, operations.
//!
//! Keys are never reused, so a stale key finds no session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use once_cell::sync::Lazy;
use pfscim_core::connector::Session;
use pfscim_core::sync::lock_ignoring_poison;

#[derive(Default)]
struct Registry {
    last_key: i64,
    open: HashMap<i64, Arc<Session>>,
}

static REGISTRY: Lazy<Mutex<Registry>> = Lazy::new(Mutex::default);

/// Locks the registry. A panic cannot leave it half-changed, so a poisoned lock is usable.
fn registry() -> MutexGuard<'static, Registry> {
    lock_ignoring_poison(&REGISTRY)
}

/// Stores a session. Returns its key, which is never 0.
pub(crate) fn insert(session: Session) -> i64 {
    let mut registry = registry();
    registry.last_key += 1;
    let key = registry.last_key;
    registry.open.insert(key, Arc::new(session));
    key
}

/// Returns the session of a key. The caller can use it even if it is removed meanwhile.
pub(crate) fn get(key: i64) -> Option<Arc<Session>> {
    registry().open.get(&key).cloned()
}

/// Removes a session and returns it. Its key is unknown from then on.
pub(crate) fn remove(key: i64) -> Option<Arc<Session>> {
    registry().open.remove(&key)
}
