//! The sessions that Java holds keys of. A key is never used twice, so one that was kept too long meets nobody.

use pfscim_core::sync::lock_ignoring_poison;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use once_cell::sync::Lazy;
use pfscim_core::connector::Session;

#[derive(Default)]
struct Registry {
    last: i64,
    open: HashMap<i64, Arc<Session>>,
}

static REGISTRY: Lazy<Mutex<Registry>> = Lazy::new(Mutex::default);

/// No step under this lock can leave the registry half-changed, so a poisoned lock is as good as any.
fn registry() -> MutexGuard<'static, Registry> {
    lock_ignoring_poison(&REGISTRY)
}

/// Keeps a session and gives it a key; never 0.
pub(crate) fn insert(session: Session) -> i64 {
    let mut registry = registry();
    registry.last += 1;
    let key = registry.last;
    registry.open.insert(key, Arc::new(session));
    key
}

/// The session behind a key. It lives on for whoever has it, also when it is removed meanwhile.
pub(crate) fn get(key: i64) -> Option<Arc<Session>> {
    registry().open.get(&key).cloned()
}

/// Takes a session out: its key is unknown from here on.
pub(crate) fn remove(key: i64) -> Option<Arc<Session>> {
    registry().open.remove(&key)
}
