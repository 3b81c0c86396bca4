//! Runs one cycle of a host between its wait and its end, and opens connectors over the wire of the run.
//! Does not know: which host it is.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use pfscim_core::connector::Connector;
use pfscim_core::environment::{Environment, ProxyRules};
use pfscim_core::settings::Settings;

use crate::baton::Ended;
use crate::history::{CycleEnd, Snapshot};
use crate::plan::Plan;
use crate::target::Kind;
use crate::world::{SETTLED_AFTER, Wire, World, WorldClock, WorldRandom};

/// The time before each cycle after the last incident. All late requests have arrived.
const FINAL_GAP: Duration = SETTLED_AFTER.saturating_add(Duration::from_secs(5));
/// The limit of an operation, as in the connector for PingFederate.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(50);

/// What both hosts use.
pub(super) struct Bench<'r> {
    pub(super) plan: &'r Plan,
    pub(super) world: &'r Arc<World>,
    pub(super) settings: Settings,
    /// The records by each name that they ever have, in lower case.
    pub(super) names: BTreeMap<String, (Kind, usize)>,
}

impl Bench<'_> {
    /// Waits before a cycle, and runs it. Returns whether the run goes on. `kill`: the process of the host ended.
    pub(super) fn cycle(
        &self,
        number: usize,
        snapshot: &Snapshot,
        work: impl FnOnce() -> CycleEnd,
        kill: impl Fn(),
    ) -> bool {
        let world = self.world;
        let gap = self.plan.gaps.get(number).copied();
        // A call that the host has given up may end the process between two cycles.
        let waited = guarded(|| world.wait(gap.unwrap_or(FINAL_GAP)));
        if let Err(end) = waited {
            kill();
            world.baton.restart();
            if end != CycleEnd::Killed {
                return self.note_end(end);
            }
        }
        if gap.is_none() {
            world.end_faults();
        }
        let now = world.baton.now();
        {
            let mut inside = world.inside();
            inside.user_names = snapshot.people.iter().map(|person| person.user_name.clone()).collect();
            inside.history.began.push(now);
        }
        world.trace(|| format!("cycle {number}"));
        let end = guarded(work).unwrap_or_else(|end| end);
        if end == CycleEnd::Killed {
            kill();
            world.baton.restart();
        }
        world.trace(|| format!("cycle {number} ended: {end:?}"));
        self.note_end(end)
    }

    /// Notes how a cycle ended. Returns whether the run goes on.
    fn note_end(&self, end: CycleEnd) -> bool {
        let goes_on = !matches!(end, CycleEnd::Panicked(_) | CycleEnd::TooLong);
        let mut inside = self.world.inside();
        if let CycleEnd::Panicked(text) = &end {
            inside.history.panic.get_or_insert(text.clone());
        }
        inside.history.ends.push(end);
        goes_on
    }

    /// Opens a connector over the wire of the run, as a new process does.
    pub(super) fn connector(&self) -> Result<Arc<Connector>, String> {
        let environment = Environment {
            channel: "simulated".into(),
            anchors: Vec::new(),
            proxy: ProxyRules::default(),
            clock: Arc::new(WorldClock(Arc::clone(self.world))),
            random: Arc::new(WorldRandom(Arc::clone(self.world))),
            operation_timeout: OPERATION_TIMEOUT,
            dry_run: false,
        };
        Connector::over(self.settings.clone(), environment, Box::new(Wire(Arc::clone(self.world))))
            .map_err(|failure| failure.to_string())
    }
}

/// Runs a part of the host. An end of the process, or a panic, is an `Err`.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, CycleEnd> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| end(payload.as_ref()))
}

/// Returns how a thread of the run ended.
pub(super) fn end(payload: &(dyn Any + Send)) -> CycleEnd {
    match payload.downcast_ref() {
        Some(Ended::Killed) => CycleEnd::Killed,
        Some(Ended::TooLong) => CycleEnd::TooLong,
        None => {
            let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            CycleEnd::Panicked(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
        }
    }
}
