//! Keeps the list of all users or groups of the target, which one thread of a session reads for all of them.
//! Does not know: how the list is read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::session::OperationError;
use crate::Failure;
use crate::environment::Clock;
use crate::http::Deadline;
use crate::scim::ResourceType;
use crate::sync::{Turns, lock_ignoring_poison};

/// Maps an identifier or a name in lower case to the resources that have it: id, and the spelling at the target.
pub(super) type ResourceIds = BTreeMap<String, Vec<(String, String)>>;

/// The index of the users or groups of one session.
pub(super) struct ResourceIndex {
    kind: ResourceType,
    /// The thread that reads the list has the turn.
    turns: Turns<()>,
    state: Mutex<IndexState>,
}

#[derive(Default)]
struct IndexState {
    ids: Option<Arc<ResourceIds>>,
    /// How often the index was cleared. A list that was begun before is too old to be kept.
    clears: u64,
}

impl ResourceIndex {
    pub(super) fn new(kind: ResourceType) -> Self {
        Self { kind, turns: Turns::default(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, IndexState> {
        lock_ignoring_poison(&self.state)
    }

    /// Returns the index, if it was read.
    pub(super) fn cached(&self) -> Option<Arc<ResourceIds>> {
        self.state().ids.clone()
    }

    /// Discards the index, because the target or the cycle has changed.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.ids = None;
        state.clears += 1;
    }

    /// Returns the index. The first thread reads it, and the threads that waited use its result. If it failed, the next
    /// thread reads.
    ///
    /// # Errors
    /// [`Failure::Transport`] if another thread still reads at the deadline; failures of `read`.
    pub(super) fn cached_or_read(
        &self,
        clock: &dyn Clock,
        deadline: Deadline,
        read: impl FnOnce() -> Result<ResourceIds, OperationError>,
    ) -> Result<Arc<ResourceIds>, OperationError> {
        if let Some(ids) = self.cached() {
            return Ok(ids);
        }
        let _turn = self.turns.take((), clock, deadline.0).ok_or_else(|| {
            Failure::transport(format!(
                "another thread did not finish reading the list of all {}s in time, so the next cycle tries again",
                self.kind.noun()
            ))
        })?;
        let clears = {
            let state = self.state();
            if let Some(ids) = &state.ids {
                return Ok(Arc::clone(ids));
            }
            state.clears
        };
        let ids = Arc::new(read()?);
        let mut state = self.state();
        if state.clears == clears {
            state.ids = Some(Arc::clone(&ids));
        }
        Ok(ids)
    }
}
