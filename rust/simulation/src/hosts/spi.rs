//! Plays PingFederate: calls through the SPI in any order, with a store of its own, and gives up slow calls.
//! Does not know: what is right. It follows the contract with PingFederate, not the engine of `rust/channel`.

use std::sync::{Arc, Mutex};
use std::thread::Scope;
use std::time::Duration;

use pfscim_core::connector::{Connector, GroupMember, GroupRecord, Session, UnlistedMembers};
use pfscim_core::sync::lock_ignoring_poison;
use pfscim_core::{Failure, Outcome, Record, Report};

use super::bench::{Bench, end};
use crate::history::{CycleEnd, GroupNow, Operation, PersonNow, Printed, Snapshot};
use crate::plan::Host;
use crate::source::{mail, members_now};
use crate::target::Kind;
use crate::world::World;

/// How often a worker looks whether a call has ended.
const POLL: Duration = Duration::from_millis(250);

/// What the host stores about a person.
#[derive(Clone, Default)]
struct StoredPerson {
    id: Option<String>,
    /// What was sent last.
    sent: Option<PersonNow>,
    /// Whether an operation began and did not end with a success.
    is_dirty: bool,
}

/// What the host stores about a group.
#[derive(Clone, Default)]
struct StoredGroup {
    id: Option<String>,
    /// The name and the ids of the members that were sent last.
    sent: Option<(String, Vec<String>)>,
    /// Whether the group was ever sent.
    is_known: bool,
    /// Whether an operation began and did not end with a success.
    is_dirty: bool,
}

/// The database of the host. It survives the process.
struct Store {
    people: Vec<StoredPerson>,
    groups: Vec<StoredGroup>,
}

/// One entry of the queue of a cycle.
#[derive(Clone, Copy)]
struct Job {
    kind: Kind,
    number: usize,
}

/// PingFederate, with its database.
struct Player<'r> {
    bench: &'r Bench<'r>,
    store: Mutex<Store>,
}

/// What all calls of a cycle use.
#[derive(Clone)]
struct Call<'r> {
    player: &'r Player<'r>,
    /// Looks up.
    session: Arc<Session>,
    /// Writes; it may be the same session.
    writing: Arc<Session>,
    snapshot: &'r Snapshot,
    cycle: usize,
}

/// What a call did: the operation, its result, and the row that the host stores after a success.
struct Done {
    operation: Operation,
    result: Result<Report, Failure>,
    row: Row,
}

enum Row {
    Person(StoredPerson),
    Group(StoredGroup),
}

/// Runs all cycles.
///
/// # Errors
/// The settings of the plan do not open a connector.
pub(super) fn cycles(bench: &Bench<'_>, snapshots: &[Snapshot]) -> Result<(), String> {
    // Opening sends nothing.
    bench.connector()?;
    let store = Store {
        people: vec![StoredPerson::default(); bench.plan.people.len()],
        groups: vec![StoredGroup::default(); bench.plan.groups.len()],
    };
    let player = Player { bench, store: Mutex::new(store) };
    let process: Mutex<Option<Arc<Connector>>> = Mutex::new(None);
    // The slots of calls that the host has given up.
    let given_up: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let kill = || {
            bench.world.baton.join(std::mem::take(&mut *lock_ignoring_poison(&given_up)));
            *lock_ignoring_poison(&process) = None;
        };
        for (cycle, snapshot) in snapshots.iter().enumerate() {
            let work = || {
                // The host closes and opens the session for each cycle, and the connector may have been idle too long.
                let mut connector = lock_ignoring_poison(&process).take().filter(|_| bench.world.baton.below(4) > 0);
                if connector.is_none() {
                    connector = bench.connector().ok();
                }
                let Some(connector) = connector else { return CycleEnd::Stopped("no connector".into()) };
                let session = Arc::new(connector.session());
                let is_two = matches!(bench.plan.host, Host::Spi { uses_two_sessions: true, .. });
                let writing = if is_two { Arc::new(connector.session()) } else { Arc::clone(&session) };
                *lock_ignoring_poison(&process) = Some(connector);
                let call = Call { player: &player, session, writing, snapshot, cycle };
                call.run(scope, &given_up)
            };
            if !bench.cycle(cycle, snapshot, work, kill) {
                break;
            }
        }
        kill();
    });
    Ok(())
}

impl<'r> Call<'r> {
    /// Carries out the queue of the cycle.
    fn run<'scope>(&self, scope: &'scope Scope<'scope, 'r>, given_up: &Mutex<Vec<usize>>) -> CycleEnd
    where
        'r: 'scope,
    {
        let world = self.player.bench.world;
        if let Err(failure) = self.session.connector().check() {
            return CycleEnd::Stopped(failure.to_string());
        }
        let mut queue = self.queue();
        for last in (1..queue.len()).rev() {
            queue.swap(last, world.baton.below(last as u64 + 1) as usize);
        }
        let queue = Mutex::new(queue);
        let stopped: Mutex<Option<String>> = Mutex::new(None);
        let worker = || {
            while lock_ignoring_poison(&stopped).is_none() {
                let Some(job) = lock_ignoring_poison(&queue).pop() else { break };
                if let Some(reason) = self.carry_out(scope, given_up, job) {
                    lock_ignoring_poison(&stopped).get_or_insert(reason);
                }
            }
        };
        world.baton.run(self.player.bench.plan.threads, &worker);
        self.session.close();
        self.writing.close();
        match stopped.into_inner().unwrap_or_default() {
            Some(reason) => CycleEnd::Stopped(reason),
            None => CycleEnd::Complete,
        }
    }

    /// Returns what differs from what was sent.
    fn queue(&self) -> Vec<Job> {
        let store = lock_ignoring_poison(&self.player.store);
        let people = self.snapshot.people.iter().zip(&store.people).map(|(now, stored)| match now.in_scope {
            true => stored.is_dirty || stored.sent.as_ref() != Some(now),
            false => stored.is_dirty || stored.sent.as_ref().is_some_and(|sent| sent.in_scope),
        });
        let groups = self.snapshot.groups.iter().zip(&store.groups).map(|(now, stored)| match now.in_scope {
            true => {
                stored.is_dirty
                    || stored.sent.as_ref()
                        != Some(&(now.name.clone(), known_ids(&members(self.snapshot, now, &store))))
            }
            false => stored.is_dirty || stored.is_known,
        });
        let jobs = |kind| move |(number, is_due): (usize, bool)| is_due.then_some(Job { kind, number });
        people
            .enumerate()
            .filter_map(jobs(Kind::User))
            .chain(groups.enumerate().filter_map(jobs(Kind::Group)))
            .collect()
    }

    /// Carries out a job in this thread, or in one of its own that may be given up. Returns why the cycle stops.
    fn carry_out<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'r>,
        given_up: &Mutex<Vec<usize>>,
        job: Job,
    ) -> Option<String>
    where
        'r: 'scope,
    {
        let bench = self.player.bench;
        let since = bench.world.baton.now();
        let Host::Spi { gives_up_after: Some(limit), .. } = bench.plan.host else {
            let done = World::working_on(Some((job.kind, job.number)), || self.perform(job));
            return self.finish(job, since, done);
        };
        let ended: Arc<Mutex<Option<Option<Done>>>> = Arc::default();
        let (own, call) = (Arc::clone(&ended), self.clone());
        let thread = bench.world.baton.start(
            scope,
            move || {
                let done = World::working_on(Some((job.kind, job.number)), || call.perform(job));
                *lock_ignoring_poison(&own) = Some(done);
            },
            move |payload| {
                if let CycleEnd::Panicked(text) = end(payload.as_ref()) {
                    bench.world.inside().history.panic.get_or_insert(text);
                }
            },
        );
        lock_ignoring_poison(given_up).push(thread);
        while bench.world.baton.now().saturating_sub(since) < limit {
            bench.world.baton.sleep(POLL);
            let done = lock_ignoring_poison(&ended).take();
            if let Some(done) = done {
                return self.finish(job, since, done);
            }
        }
        let printed = self.printed(job, since, Operation::Update, Err("given up".into()));
        bench.world.print(printed);
        None
    }

    /// Stores and prints the result. Returns why the cycle stops.
    fn finish(&self, job: Job, since: Duration, done: Option<Done>) -> Option<String> {
        let Done { operation, result, row } = done?;
        let stops = result.as_ref().err().filter(|failure| failure.stops_session()).map(Failure::to_string);
        if result.is_ok() {
            let mut store = lock_ignoring_poison(&self.player.store);
            match row {
                Row::Person(row) => store.people[job.number] = row,
                Row::Group(row) => store.groups[job.number] = row,
            }
        }
        let result = result.map_err(|failure| failure.code().to_owned());
        self.player.bench.world.print(self.printed(job, since, operation, result));
        stops
    }

    fn printed(&self, job: Job, since: Duration, operation: Operation, result: Result<Report, String>) -> Printed {
        let blocked = result.as_ref().is_ok_and(|report| report.outcome == Outcome::Skipped);
        let Job { kind, number } = job;
        let at = self.player.bench.world.baton.now();
        Printed { cycle: self.cycle, since, at, kind, number, operation, result, sent: true, blocked }
    }

    /// Calls as PingFederate does. Returns `None` if the host decides that nothing is to be done.
    fn perform(&self, job: Job) -> Option<Done> {
        let mut store = lock_ignoring_poison(&self.player.store);
        match job.kind {
            Kind::User => store.people.get_mut(job.number)?.is_dirty = true,
            Kind::Group => store.groups.get_mut(job.number)?.is_dirty = true,
        }
        drop(store);
        match job.kind {
            Kind::User => self.person(job.number),
            Kind::Group => self.group(job.number),
        }
    }

    fn person(&self, number: usize) -> Option<Done> {
        let now = self.snapshot.people.get(number)?;
        let stored = lock_ignoring_poison(&self.player.store).people.get(number)?.clone();
        let Host::Spi { stores_found_ids, passes_identifier, looks_up_leavers, trusts_stored_ids, .. } =
            self.player.bench.plan.host
        else {
            return None;
        };
        let row = |id| Row::Person(StoredPerson { id, sent: Some(now.clone()), is_dirty: false });
        let failed = |operation, failure| Some(Done { operation, result: Err(failure), row: row(stored.id.clone()) });
        if !now.in_scope {
            if looks_up_leavers {
                match self.session.find_user(stored.id.as_deref(), Some(&now.user_name)) {
                    Ok(None) => {
                        lock_ignoring_poison(&self.player.store).people[number] = StoredPerson::default();
                        return None;
                    }
                    Ok(Some(_)) => {}
                    Err(failure) => return failed(Operation::Remove, failure),
                }
            }
            let mut record = Record { id: stored.id.clone(), ..Record::default() };
            if passes_identifier {
                record.fields.insert("userName".into(), vec![now.user_name.clone()]);
            }
            let result = self.writing.remove_user(&record);
            return Some(Done { operation: Operation::Remove, result, row: row(stored.id.clone()) });
        }
        let found_id = match stored.id.clone().filter(|_| trusts_stored_ids) {
            Some(id) => Some(id),
            None => match self.session.find_user(stored.id.as_deref(), Some(&now.user_name)) {
                Ok(found) => found.and_then(|found| found.id),
                Err(failure) => return failed(Operation::Update, failure),
            },
        };
        let (operation, result) = match &found_id {
            None => (Operation::Create, self.writing.create_user(&record(now, None))),
            Some(id) => (Operation::Update, self.writing.update_user(&record(now, Some(id.clone())))),
        };
        let returned = result.as_ref().ok().and_then(|report| report.id.clone());
        let id = returned.or(found_id.filter(|_| stores_found_ids)).or_else(|| stored.id.clone());
        Some(Done { operation, result, row: row(id) })
    }

    fn group(&self, number: usize) -> Option<Done> {
        let now = self.snapshot.groups.get(number)?;
        let (stored, members) = {
            let store = lock_ignoring_poison(&self.player.store);
            (store.groups.get(number)?.clone(), members(self.snapshot, now, &store))
        };
        let sent = (now.name.clone(), known_ids(&members));
        let merges = self.player.bench.plan.merge_groups;
        let unlisted_members = if merges { UnlistedMembers::KEEP_ALL } else { UnlistedMembers::Remove };
        let mut group =
            GroupRecord { id: stored.id.clone(), name: now.name.clone(), members: Some(members), unlisted_members };
        if !now.in_scope {
            let result = self.writing.delete_group(&GroupRecord { members: None, ..group });
            return Some(Done { operation: Operation::Remove, result, row: Row::Group(StoredGroup::default()) });
        }
        let row = |id| Row::Group(StoredGroup { id, sent: Some(sent), is_known: true, is_dirty: false });
        let (operation, result) = match self.session.find_group(stored.id.as_deref(), &now.name) {
            Err(failure) => (Operation::Update, Err(failure)),
            Ok(None) => (Operation::Create, self.writing.create_group(&group)),
            Ok(found) => {
                group.id = found;
                (Operation::Update, self.writing.update_group(&group))
            }
        };
        let returned = result.as_ref().ok().and_then(|report| report.id.clone());
        let id = returned.or(group.id);
        Some(Done { operation, result, row: row(id) })
    }
}

/// Returns the record of a person, as the attribute mapping makes it.
fn record(now: &PersonNow, id: Option<String>) -> Record {
    let mut record = Record { id, enabled: now.enabled, ..Record::default() };
    let title = now.title.iter().cloned().collect();
    for (code, values) in [
        ("userName", vec![now.user_name.clone()]),
        ("workEmail", vec![mail(&now.user_name)]),
        ("givenName", vec![now.given_name.clone()]),
        ("familyName", vec![now.family_name.clone()]),
        ("title", title),
    ] {
        record.fields.insert(code.into(), values);
    }
    record
}

/// Returns the members of a group, with the ids that the host has stored.
fn members(snapshot: &Snapshot, group: &GroupNow, store: &Store) -> Vec<GroupMember> {
    members_now(snapshot, group)
        .map(|number| GroupMember {
            id: store.people.get(number).and_then(|person| person.id.clone()),
            name: snapshot.people.get(number).map_or_else(String::new, |person| person.user_name.clone()),
            is_group: false,
        })
        .collect()
}

fn known_ids(members: &[GroupMember]) -> Vec<String> {
    members.iter().filter_map(|member| member.id.clone()).collect()
}
