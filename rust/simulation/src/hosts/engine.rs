//! Runs the engine of `rust/channel`, as `pfscim sync` does.
//! Does not know: what is right.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pfscim_channel::connection::Channel;
use pfscim_channel::engine::{Cycle, CycleObserver, CycleOptions, Event, Operation as Requested, RecordKind, Workers};
use pfscim_channel::mapping::RecordMapper;
use pfscim_channel::provisioner::{DirectProvisioner, OperationResult, Provisioner};
use pfscim_channel::state::{Owner, State};
use pfscim_core::connector::{Connector, GroupRecord};
use pfscim_core::mapping::Catalogue;
use pfscim_core::sync::lock_ignoring_poison;
use pfscim_core::{Failure, Record};

use super::bench::Bench;
use crate::history::{CycleEnd, Operation, Printed, Snapshot};
use crate::plan::Host;
use crate::source::{self, Directory};
use crate::target::Kind;
use crate::world::{SCIM_URL, World, WorldClock};

/// The guard of a run judges counts, which are too small here: each run may remove all.
const REMOVALS_MAX: usize = 1000;

/// Runs all cycles.
///
/// # Errors
/// The state or the mapping of the plan cannot be used.
pub(super) fn cycles(bench: &Bench<'_>, channel: &Channel, snapshots: &[Snapshot]) -> Result<(), String> {
    let clock = Arc::new(WorldClock(Arc::clone(bench.world)));
    let owner = Owner { connection: "simulated".into(), channel: channel.name.clone(), scim_url: SCIM_URL.into() };
    let catalogue = Catalogue::standard(bench.settings.version);
    let mapper = RecordMapper::new(channel, &catalogue, "userName", None).map_err(|error| error.to_string())?;
    let mut state = State::in_memory(&owner, clock.clone()).map_err(|error| error.to_string())?;
    let mut process: Option<Arc<Connector>> = None;
    for (number, snapshot) in snapshots.iter().enumerate() {
        let keeps_process = bench.plan.host == Host::Engine { keeps_process: true };
        let connector = match process.take().filter(|_| keeps_process) {
            Some(connector) => connector,
            None => {
                state = state.reopen().map_err(|error| error.to_string())?;
                bench.connector()?
            }
        };
        let work = || {
            let recorder =
                Recorder { bench, cycle: number, target: DirectProvisioner::new(&connector), since: Mutex::default() };
            let cycle = Cycle {
                channel,
                mapper: &mapper,
                settings: &bench.settings,
                source: &Directory(snapshot),
                state: &state,
                clock: clock.as_ref(),
                workers: &Threads(bench.world),
                provisioner: &recorder,
                observer: &recorder,
                options: CycleOptions { max_removals: Some(REMOVALS_MAX), ..CycleOptions::default() },
            };
            match cycle.run().1 {
                Ok(()) => CycleEnd::Complete,
                Err(error) => CycleEnd::Stopped(error.to_string()),
            }
        };
        let goes_on = bench.cycle(number, snapshot, work, || {});
        let is_killed = bench.world.inside().history.ends.last() == Some(&CycleEnd::Killed);
        process = Some(connector).filter(|_| !is_killed);
        if !goes_on {
            break;
        }
    }
    Ok(())
}

/// Starts the threads of a cycle as threads of the run.
struct Threads<'r>(&'r World);

impl Workers for Threads<'_> {
    fn run(&self, threads: usize, work: &(dyn Fn() + Sync)) {
        self.0.baton.run(threads, work);
    }
}

/// Passes operations on, and notes when the work on each record began and what was printed.
struct Recorder<'r> {
    bench: &'r Bench<'r>,
    cycle: usize,
    target: DirectProvisioner,
    since: Mutex<BTreeMap<(Kind, usize), Duration>>,
}

impl Recorder<'_> {
    fn record(&self, name: Option<&str>) -> Option<(Kind, usize)> {
        self.bench.names.get(&name?.to_lowercase()).copied()
    }

    /// Begins with the record of this name.
    fn begin_with(&self, name: Option<&str>) -> Option<(Kind, usize)> {
        let record = self.record(name)?;
        lock_ignoring_poison(&self.since).insert(record, self.bench.world.baton.now());
        Some(record)
    }
}

impl Provisioner for Recorder<'_> {
    fn check(&self) -> Result<Vec<String>, Failure> {
        self.target.check()
    }

    fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        World::working_on(self.begin_with(identifier), || self.target.find(id, identifier))
    }

    fn create(&self, record: &Record) -> Result<OperationResult, Failure> {
        World::working_on(self.record(record.first("userName")), || self.target.create(record))
    }

    fn update(&self, record: &Record) -> Result<OperationResult, Failure> {
        World::working_on(self.record(record.first("userName")), || self.target.update(record))
    }

    fn remove(&self, record: &Record) -> Result<OperationResult, Failure> {
        World::working_on(self.begin_with(record.first("userName")), || self.target.remove(record))
    }

    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        World::working_on(self.begin_with(Some(name)), || self.target.find_group(id, name))
    }

    fn create_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        World::working_on(self.record(Some(&group.name)), || self.target.create_group(group))
    }

    fn update_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        World::working_on(self.record(Some(&group.name)), || self.target.update_group(group))
    }

    fn delete_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        World::working_on(self.begin_with(Some(&group.name)), || self.target.delete_group(group))
    }

    fn close(&self) -> Vec<String> {
        self.target.close()
    }

    fn learn(&self, learnt: &str) {
        self.target.learn(learnt);
    }

    fn learnt(&self) -> Option<String> {
        self.target.learnt()
    }
}

impl CycleObserver for Recorder<'_> {
    fn begin(&self, _operations: usize) {}

    fn event(&self, event: &Event) {
        let world = self.bench.world;
        let kind = match event.kind {
            RecordKind::User => Kind::User,
            RecordKind::Group => Kind::Group,
        };
        let Some(number) = source::number(&event.source_id) else { return };
        let at = world.baton.now();
        let since = lock_ignoring_poison(&self.since).get(&(kind, number)).copied().filter(|_| event.sent);
        let printed = Printed {
            cycle: self.cycle,
            since: since.unwrap_or(at),
            at,
            kind,
            number,
            operation: match event.operation {
                Requested::Create => Operation::Create,
                Requested::Update => Operation::Update,
                Requested::Remove => Operation::Remove,
            },
            result: event.result.clone().map_err(|failure| failure.code().to_owned()),
            sent: event.sent,
            blocked: event.blocked_by_option,
        };
        world.print(printed);
    }
}
