//! One cycle of a channel: who is new, changed or gone since the last one, handed to a provisioner in the order of
//! design section 5 (users, then removals, then groups), each result written to the state at once. May not know how
//! an operation is carried out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use pfscim_core::mapping::Change;
use pfscim_core::settings::Settings;
use pfscim_core::text::{excerpt, printable};
use pfscim_core::{Failure, Outcome, Record, Report};

use crate::Error;
use crate::connection::Channel;
use crate::mapping::Rules;
use crate::provisioner::{Done, MemberChanges, Provisioner};
use crate::selection::{self, Found, Known, Person, Roster, Selection};
use crate::source::Source;
use crate::state::{State, User};

use super::groups::GroupPlan;

/// The log target of the steps of a run for one user.
pub const STEPS: &str = "pfscim::step";

/// As many removals are never suspicious, whatever share of the users they are.
const FEW: usize = 10;
/// One in so many of the known users may be removed in one run.
const SHARE: usize = 5;
/// As many names stand in the message of the guard.
const NAMED: usize = 20;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl Kind {
    /// The word used in `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

/// What was asked for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A user or group that the target does not have.
    Create,
    /// One that it has, or had.
    Update,
    /// One that left the source location.
    Remove,
}

impl Operation {
    /// The word used in tables and `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }
}

/// What happened to one record.
#[derive(Debug, Clone)]
pub struct Event {
    /// What it is about.
    pub kind: Kind,
    /// The source id.
    pub source: String,
    /// The value of the unique user identifier, or the name of the group; the DN where there is none.
    pub identifier: String,
    /// What was asked.
    pub operation: Operation,
    /// How it ended.
    pub result: Result<Report, Failure>,
    /// What changed, in previews.
    pub changes: Vec<Change>,
    /// Who came and went, of a group, by name; in previews.
    pub members: MemberChanges,
    /// False for a record that is as it was sent before: nothing was asked of the target.
    pub sent: bool,
    /// A provisioning option keeps the record from being what the source says, now or since an earlier cycle.
    pub held_back: bool,
}

/// Told what happens while it happens, from many threads.
pub trait Watch: Sync {
    /// The guard refuses: these users and groups would be removed (all of them, by name).
    fn refused(&self, _removals: &[String]) {}
    /// So many operations are going to take place, or fewer: which groups change shows after the users.
    fn begin(&self, operations: usize);
    /// One of them ended.
    fn event(&self, event: &Event);
}

/// What a cycle came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Of users.
    pub users: Tally,
    /// Of groups.
    pub groups: Tally,
}

impl Summary {
    /// How many records failed.
    pub fn failed(&self) -> usize {
        self.users.failed + self.groups.failed
    }
}

/// How many records ended how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Well.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// With a failure.
    pub failed: usize,
}

/// How a cycle is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// How many removals this run may make; none for the rule of the guard.
    pub max_removals: Option<usize>,
    /// Goes on where the guard refuses, and tells so at the end: for previews.
    pub preview: bool,
    /// Reads every entry, also those that a directory says are as before.
    pub full: bool,
    /// Set by somebody to end the cycle early: operations under way are finished, no other is begun.
    pub stop: Option<&'a AtomicBool>,
    /// Does this user only (identifier, source id or target id), whether anything changed or not, and logs each step.
    pub only: Option<&'a str>,
}

/// Everything that a cycle needs.
pub struct Cycle<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// Its mapping.
    pub rules: &'a Rules<'a>,
    /// The Target tab.
    pub settings: &'a Settings,
    /// Where users come from.
    pub source: &'a dyn Source,
    /// What is known of them.
    pub state: &'a State,
    /// The way out.
    pub provisioner: &'a dyn Provisioner,
    /// Who is told.
    pub watch: &'a dyn Watch,
    /// How it is run.
    pub options: Options<'a>,
}

/// A user of the source.
struct Present {
    source: String,
    record: Record,
    identifier: String,
    hash: Vec<u8>,
    /// What the state knows.
    known: Option<User>,
    /// What the mapping tells.
    warnings: Vec<String>,
}

impl Present {
    fn row(&self) -> User {
        let known = self.known.clone().unwrap_or_default();
        User { source_id: self.source.clone(), identifier: self.identifier.clone(), in_scope: true, ..known }
    }
}

/// What is to be done in a cycle.
#[derive(Default)]
struct Plan {
    pushes: Vec<Present>,
    leavers: Vec<User>,
    /// Records that nothing is asked for: unchanged, or not fit to be sent.
    settled: Vec<Event>,
    /// Identifier to source id, of everybody in scope.
    identifiers: HashMap<String, String>,
    /// Whom the target would lose: identifiers.
    removals: Vec<String>,
    /// Linked users in scope before this cycle.
    known: usize,
    /// Users in scope now.
    selected: usize,
    /// How the source was read; empty for a file.
    reading: Vec<u8>,
    /// In which version the entries were read, by source id.
    versions: HashMap<String, Vec<u8>>,
    /// Every entry was read, not only those that changed.
    whole: bool,
    /// The groups of the source location that a file holds.
    source_groups: BTreeSet<String>,
    /// Why a file may be cut off.
    doubt: Option<String>,
    /// What is to be done for groups.
    groups: GroupPlan,
}

impl Cycle<'_> {
    /// Runs the cycle. The summary counts whatever took place, also where the cycle ended early.
    pub fn run(&self) -> (Summary, Result<(), Error>) {
        let counts = Counts::default();
        let result = self.cycle(&counts);
        (counts.summary.into_inner().unwrap_or_else(PoisonError::into_inner), result)
    }

    fn cycle(&self, counts: &Counts) -> Result<(), Error> {
        let plan = self.plan()?;
        let guard = self.guard(&plan);
        if plan.selected == 0 && plan.known == 0 && self.options.only.is_none() {
            log::warn!("the source has nobody who is selected: is the source location, or the user filter, right?");
        }
        if guard.is_err() {
            self.watch.refused(&plan.removals);
        }
        if !self.options.preview {
            guard.clone()?;
        }
        let warnings = self.provisioner.check()?;
        warnings.iter().for_each(|warning| log::warn!("{warning}"));
        let rows: Vec<_> = plan.pushes.iter().map(Present::row).chain(plan.leavers.iter().cloned()).collect();
        match self.options.only {
            None => {
                self.state.begin(&self.settings.digest(), &rows)?;
                self.state.remember(&plan.reading, &plan.versions, plan.whole)?;
                self.state.put_source_groups(&plan.source_groups)?;
            }
            // What was read of the others is not sent now, so it does not count as read.
            Some(_) => self.state.begin_some(&rows)?,
        }
        self.watch.begin(plan.pushes.len() + plan.leavers.len() + plan.groups.operations());
        for event in plan.settled.iter().chain(&plan.groups.settled) {
            self.tell(counts, event);
        }
        let worked = self
            .in_threads(plan.pushes.len(), |i| plan.pushes.get(i).map_or(Ok(()), |present| self.push(counts, present)))
            .and_then(|()| {
                self.in_threads(plan.leavers.len(), |i| {
                    plan.leavers.get(i).map_or(Ok(()), |leaver| self.remove(counts, leaver, &plan.identifiers))
                })
            })
            .and_then(|()| self.groups(counts, &plan.groups));
        for line in self.provisioner.close() {
            log::warn!("{line}");
        }
        worked.and(guard)
    }

    /// Compares the source with the state.
    fn plan(&self) -> Result<Plan, Error> {
        let mut users = self.state.users(&self.settings.digest())?;
        let mut plan =
            Plan { known: users.values().filter(|u| u.in_scope && u.target_id.is_some()).count(), ..Plan::default() };
        let selection = Selection::new(&self.channel.channel_source, self.source)?;
        plan.reading = self.reading()?;
        let mut versions = if self.options.full || self.options.only.is_some() {
            HashMap::new()
        } else {
            self.state.versions(&plan.reading)?
        };
        // What has to be sent again has to be read again.
        versions.retain(|id, _| users.get(id).is_some_and(|u| u.in_scope && !u.dirty && u.values_hash.is_some()));
        let known = |id: &str, version: &[u8]| versions.get(id) == Some(&self.state.digest(version));
        let known: Option<Known<'_>> = if versions.is_empty() { None } else { Some(&known) };
        plan.whole = true;
        let mapped: Vec<_> = self.channel.mapped_attributes().collect();
        let naming = self.settings.group_name_source;
        // Who is in a group takes all users, so a run for one user leaves groups alone.
        let groups = self.channel.channel_source.group_location().filter(|_| self.options.only.is_none());
        let mut roster = match groups {
            Some(location) => Roster::read(location, &self.channel.channel_source, naming, self.source)?,
            None => Roster::default(),
        };
        let mut seen = BTreeSet::new();
        selection.users(self.source, &mapped, known, &mut |found| {
            if self.is_stopped() {
                return Err(stopped());
            }
            let (entry, version) = match found {
                Found::Same(source, entry) => {
                    plan.whole = false;
                    plan.versions.extend(versions.get(&source).map(|version| (source.clone(), version.clone())));
                    if let Some(user) = users.remove(&source) {
                        if let Some(entry) = entry {
                            roster.add(&entry, Person { source: source.clone(), name: user.identifier.clone() });
                        }
                        self.same(&mut plan, user);
                    }
                    seen.insert(source);
                    return Ok(());
                }
                Found::Entry(entry, version) => (entry, version),
            };
            let source = selection::guid(&entry, &self.channel.channel_source).ok_or_else(|| {
                Error::unusable(format!(
                    "{}: {} has no {}; users are told apart by it, so the source has to give it for everyone (operational attributes are exported on request only)",
                    entry.place,
                    excerpt(entry.label()),
                    self.channel.channel_source.guid_attribute_name
                ))
            })?;
            if !seen.insert(source.clone()) {
                let text = format!("{}: {} has a GUID that another user has too", entry.place, excerpt(entry.label()));
                return Err(Error::unusable(text));
            }
            plan.versions.extend(version.map(|version| (source.clone(), self.state.digest(&version))));
            let name = self.place(&mut plan, users.remove(&source), source.clone(), &entry);
            roster.add(&entry, Person { source, name });
            Ok(())
        })?;
        // A record that could not be made is to be told again in the next cycle.
        for event in plan.settled.iter().filter(|event| event.result.is_err()) {
            plan.versions.remove(&event.source);
        }
        plan.selected = seen.len();
        selection.finish(plan.selected)?;
        plan.source_groups = selection.groups();
        plan.doubt = selection.doubt(&self.state.source_groups()?);
        for user in users.into_values().filter(|u| u.in_scope || u.dirty) {
            let replaced = plan.identifiers.contains_key(&user.identifier.to_lowercase());
            if user.target_id.is_some() && !replaced && self.settings.remove {
                plan.removals.push(user.identifier.clone());
            }
            plan.leavers.push(User { in_scope: false, ..user });
        }
        plan.leavers.sort_by(|a, b| a.identifier.cmp(&b.identifier));
        if groups.is_some() {
            plan.groups = self.plan_groups(roster)?;
        }
        plan.removals.sort_unstable();
        plan.removals.extend(plan.groups.removals());
        if let Some(asked) = self.options.only {
            plan.keep_only(asked)?;
            self.tell_steps(&plan);
        }
        Ok(plan)
    }

    /// What a version was read with: another server, mapping, setting or program may make another record of the same
    /// entry. Empty for a file.
    fn reading(&self) -> Result<Vec<u8>, Error> {
        let Some(server) = self.source.server()? else { return Ok(Vec::new()) };
        let how = (env!("CARGO_PKG_VERSION"), server, self.channel, self.rules);
        Ok(self.state.digest(format!("{how:?}").as_bytes()))
    }

    /// A user of the source whose entry is as it was sent.
    fn same(&self, plan: &mut Plan, user: User) {
        plan.identifiers.insert(user.identifier.to_lowercase(), user.source_id.clone());
        let operation = if user.target_id.is_some() { Operation::Update } else { Operation::Create };
        let report = Report::new(Outcome::Unchanged, user.target_id.as_deref());
        let event = settled(Kind::User, &user.source_id, &user.identifier, operation, Ok(report));
        plan.settled.push(Event { held_back: user.skipped, ..event });
    }

    /// Decides what one user of the source needs; returns what the user is called.
    fn place(&self, plan: &mut Plan, known: Option<User>, source: String, entry: &crate::directory::Entry) -> String {
        let operation =
            if known.as_ref().is_some_and(|u| u.target_id.is_some()) { Operation::Update } else { Operation::Create };
        let settled = |identifier: &str, result| settled(Kind::User, &source, identifier, operation, result);
        let rules = &self.channel.channel_source.account_management_settings;
        let mapped = selection::is_enabled(entry, rules).and_then(|enabled| self.rules.record(entry, enabled));
        let identified = mapped.and_then(|(record, warnings)| {
            let identifier = self.rules.identifier(&record)?.to_owned();
            Ok((record, warnings, identifier))
        });
        let (record, warnings, identifier) = match identified {
            Ok(identified) => identified,
            Err(failure) => {
                plan.settled.push(settled(entry.label(), Err(failure)));
                return entry.label().to_owned();
            }
        };
        if let Some(other) = plan.identifiers.get(&identifier.to_lowercase()) {
            let text = format!(
                "source record {} has the same {}; only that one is provisioned",
                printable(other),
                self.rules.identifier_code()
            );
            plan.settled.push(settled(&identifier, Err(Failure::Conflict(text))));
            return identifier;
        }
        if !warnings.is_empty() {
            // To be told again in the next cycle.
            plan.versions.remove(&source);
        }
        plan.identifiers.insert(identifier.to_lowercase(), source.clone());
        let hash = self.state.hash(&self.rules.without_create_only(&record));
        if let Some(user) = &known {
            let asked =
                self.options.only.is_some_and(|asked| is_asked(asked, &source, &identifier, user.target_id.as_deref()));
            if user.in_scope && !user.dirty && user.values_hash.as_ref() == Some(&hash) && !asked {
                let report = Report { warnings, ..Report::new(Outcome::Unchanged, user.target_id.as_deref()) };
                plan.settled.push(Event { held_back: user.skipped, ..settled(&identifier, Ok(report)) });
                return identifier;
            }
            if user.in_scope && user.enabled && !record.enabled && user.target_id.is_some() && self.settings.remove {
                plan.removals.push(identifier.clone());
            }
        }
        plan.pushes.push(Present { source, record, identifier: identifier.clone(), hash, known, warnings });
        identifier
    }

    /// The guard against accidental removals: refuses before anything is sent.
    fn guard(&self, plan: &Plan) -> Result<(), Error> {
        let removals = plan.removals.len();
        let known = plan.known + plan.groups.known;
        let what = if plan.groups.known > 0 { "users and groups" } else { "users" };
        if self.options.max_removals.is_none() {
            for (selected, known, what) in
                [(plan.selected, plan.known, "users"), (plan.groups.selected, plan.groups.known, "groups")]
            {
                if selected == 0 && known > 0 {
                    return Err(Error::Guard(format!(
                        "the source has none of the {known} known {what} any more, which is taken for a mistake in the source or its location; if all of them are to go, run with --max-removals {removals}"
                    )));
                }
            }
        }
        if let (Some(doubt), None, 1..) = (&plan.doubt, self.options.max_removals, removals) {
            return Err(Error::Guard(format!(
                "{removals} of {known} known {what} would be removed, but {doubt}: the source looks cut off; if it is whole, run with --max-removals {removals}"
            )));
        }
        let allowed = self.options.max_removals.unwrap_or_else(|| FEW.max(known / SHARE));
        if removals <= allowed {
            return Ok(());
        }
        let mut names: Vec<_> = plan.removals.iter().take(NAMED).map(|name| excerpt(name)).collect();
        if removals > NAMED {
            names.push(format!("and {} more", removals - NAMED));
        }
        Err(Error::Guard(format!(
            "{removals} of {known} known {what} would be removed, more than the {allowed} that one run may remove: {}; if that is meant, run with --max-removals {removals}",
            names.join(", ")
        )))
    }

    /// Brings one user of the source to the target, as PingFederate does: look up, then create or update.
    fn push(&self, counts: &Counts, present: &Present) -> Result<(), Error> {
        let stored = present.known.as_ref().and_then(|u| u.target_id.as_deref());
        let found = self.provisioner.find(stored, Some(&present.identifier));
        self.step(|| match &found {
            Ok(None) => "looked up: not at the target, so it is created".to_owned(),
            Ok(Some(found)) => {
                format!("looked up: found as {}, so it is updated", printable(found.known_id().unwrap_or_default()))
            }
            Err(_) => "looked up: failed".to_owned(),
        });
        let (operation, mut result) = match found {
            Ok(None) => (Operation::Create, self.provisioner.create(&present.record)),
            Ok(Some(found)) => (Operation::Update, self.update(present, found)?),
            Err(failure) => (if stored.is_some() { Operation::Update } else { Operation::Create }, Err(failure)),
        };
        if let Ok(done) = &mut result {
            done.report.warnings.extend(present.warnings.iter().cloned());
            if self.options.preview && done.report.outcome == Outcome::Created && done.report.id.is_none() {
                counts.promise(&present.source);
            }
            let gone = matches!(done.report.outcome, Outcome::Deleted | Outcome::AlreadyGone);
            let linked = done.report.id.clone().or_else(|| stored.map(str::to_owned));
            self.state.put(&User {
                target_id: linked.filter(|_| !gone),
                values_hash: Some(present.hash.clone()),
                enabled: present.record.enabled,
                dirty: false,
                skipped: done.report.outcome == Outcome::Skipped,
                ..present.row()
            })?;
        }
        self.ended(counts, (Kind::User, &present.source, &present.identifier), operation, result)
    }

    fn update(&self, present: &Present, found: Record) -> Result<Result<Done, Failure>, Error> {
        if let Some(id) = found.known_id()
            && let Some(other) = self.state.holder(id, &present.source)?
        {
            let text =
                format!("the account {} is linked to source record {} already", printable(id), printable(&other));
            return Ok(Err(Failure::Conflict(text)));
        }
        let record = Record { id: found.id, ..self.rules.without_create_only(&present.record) };
        Ok(self.provisioner.update(&record))
    }

    /// Takes a user who left out of the target, unless the account is somebody else's by now.
    fn remove(&self, counts: &Counts, leaver: &User, identifiers: &HashMap<String, String>) -> Result<(), Error> {
        let gone = |warning: &str| {
            Ok(Done::from(Report::new(Outcome::AlreadyGone, leaver.target_id.as_deref()).warn(warning)))
        };
        let result = match &leaver.target_id {
            None if leaver.skipped || leaver.values_hash.is_some() => return self.state.forget(&leaver.source_id),
            None => gone("left before an account was linked; whether one was made is not known"),
            Some(id) => {
                let successor = identifiers.get(&leaver.identifier.to_lowercase());
                match (self.state.holder(id, &leaver.source_id)?, successor) {
                    (Some(other), _) => {
                        gone(&format!("the account belongs to source record {} now and is kept", printable(&other)))
                    }
                    (None, Some(other)) if !self.state.is_linked(other)? => Err(Failure::Conflict(format!(
                        "source record {} has the same identifier and is not linked yet; the account is kept",
                        printable(other)
                    ))),
                    _ => self.provisioner.remove(&self.leaving(leaver, id)),
                }
            }
        };
        match result.as_ref().map(|done| done.report.outcome) {
            Ok(Outcome::Deleted | Outcome::AlreadyGone) => self.state.forget(&leaver.source_id)?,
            Ok(outcome) => {
                let skipped = outcome == Outcome::Skipped;
                self.state.put(&User {
                    dirty: false,
                    enabled: skipped && leaver.enabled,
                    skipped,
                    ..leaver.clone()
                })?;
            }
            Err(_) => {}
        }
        self.ended(counts, (Kind::User, &leaver.source_id, &leaver.identifier), Operation::Remove, result)
    }

    /// What is known of the one user before anything is asked of the target.
    fn tell_steps(&self, plan: &Plan) {
        for present in &plan.pushes {
            self.step(|| {
                let status = if present.record.enabled { "enabled" } else { "disabled" };
                let filled = present.record.fields.iter().filter(|(_, values)| !values.is_empty());
                let codes: Vec<_> = filled.map(|(code, _)| code.as_str()).collect();
                format!("source: record {}, {status}; mapped: {}", printable(&present.source), codes.join(", "))
            });
            self.step(|| match &present.known {
                None => "state: not known".to_owned(),
                Some(user) => format!(
                    "state: {}, {}",
                    linked(user),
                    if user.values_hash.as_ref() == Some(&present.hash) {
                        "sent as it is now"
                    } else {
                        "not sent as it is now"
                    }
                ),
            });
        }
        for leaver in &plan.leavers {
            self.step(|| format!("source: no record {}, so the user left", printable(&leaver.source_id)));
            self.step(|| format!("state: {}", linked(leaver)));
        }
    }

    /// A step of a run for one user.
    fn step(&self, text: impl FnOnce() -> String) {
        if self.options.only.is_some() {
            log::info!(target: STEPS, "{}", text());
        }
    }

    fn is_stopped(&self) -> bool {
        self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    fn leaving(&self, leaver: &User, id: &str) -> Record {
        let identifier = (self.rules.identifier_code().to_owned(), vec![leaver.identifier.clone()]);
        Record { id: Some(id.to_owned()), enabled: false, fields: [identifier].into(), masked: BTreeSet::new() }
    }

    /// Tells what happened, and ends the cycle where going on is pointless.
    pub(super) fn ended(
        &self,
        counts: &Counts,
        (kind, source, identifier): (Kind, &str, &str),
        operation: Operation,
        result: Result<Done, Failure>,
    ) -> Result<(), Error> {
        let (result, changes, members) = match result {
            Ok(done) => (Ok(done.report), done.changes, done.members),
            Err(failure) => (Err(failure), Vec::new(), MemberChanges::default()),
        };
        let stops = result.as_ref().err().filter(|f| f.stops_session()).cloned();
        let event = settled(kind, source, identifier, operation, result);
        self.tell(counts, &Event { changes, members, sent: true, ..event });
        stops.map_or(Ok(()), |failure| Err(Error::Stopped(format!("stopped: {failure}"))))
    }

    pub(super) fn tell(&self, counts: &Counts, event: &Event) {
        let mut summary = counts.summary.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = match event.kind {
            Kind::User => &mut summary.users,
            Kind::Group => &mut summary.groups,
        };
        match &event.result {
            Ok(report) => *tally.outcomes.entry(report.outcome).or_default() += 1,
            Err(_) => tally.failed += 1,
        }
        drop(summary);
        self.watch.event(event);
    }

    /// Works through `count` items on the channel's threads; after an error no further item is begun, and the first
    /// one is returned.
    pub(super) fn in_threads(
        &self,
        count: usize,
        work: impl Fn(usize) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let (next, stop, first) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(None));
        let worker = || {
            while !stop.load(Ordering::Relaxed) && !self.is_stopped() {
                let item = next.fetch_add(1, Ordering::Relaxed);
                if item >= count {
                    break;
                }
                if let Err(error) = work(item) {
                    stop.store(true, Ordering::Relaxed);
                    first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.channel.threads().min(count) {
                scope.spawn(worker);
            }
        });
        match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None if next.into_inner() < count => Err(stopped()),
            None => Ok(()),
        }
    }
}

impl Plan {
    /// Drops everything but what is about one user.
    fn keep_only(&mut self, asked: &str) -> Result<(), Error> {
        self.pushes.retain(|p| {
            is_asked(asked, &p.source, &p.identifier, p.known.as_ref().and_then(|u| u.target_id.as_deref()))
        });
        self.leavers.retain(|u| is_asked(asked, &u.source_id, &u.identifier, u.target_id.as_deref()));
        self.settled.retain(|e| is_asked(asked, &e.source, &e.identifier, None));
        let kept: BTreeSet<_> =
            self.pushes.iter().map(|p| &p.identifier).chain(self.leavers.iter().map(|u| &u.identifier)).collect();
        self.removals.retain(|name| kept.contains(name));
        if self.pushes.is_empty() && self.leavers.is_empty() && self.settled.is_empty() {
            return Err(Error::unusable(format!(
                "--on-demand: `{}` is neither a user of this channel's source (identifier or source id) nor one that the state knows; check the spelling and the Source Location",
                excerpt(asked)
            )));
        }
        Ok(())
    }
}

fn is_asked(asked: &str, source: &str, identifier: &str, target: Option<&str>) -> bool {
    asked == source || target == Some(asked) || asked.to_lowercase() == identifier.to_lowercase()
}

fn linked(user: &User) -> String {
    user.target_id
        .as_ref()
        .map_or_else(|| "not linked to an account".into(), |id| format!("linked to {}", printable(id)))
}

fn stopped() -> Error {
    Error::Stopped("stopped as asked; what was under way is finished, the next run does the rest".into())
}

/// A record that nothing was asked for.
pub(super) fn settled(
    kind: Kind,
    source: &str,
    identifier: &str,
    operation: Operation,
    result: Result<Report, Failure>,
) -> Event {
    let held_back = result.as_ref().is_ok_and(|report| report.outcome == Outcome::Skipped);
    Event {
        kind,
        source: source.to_owned(),
        identifier: identifier.to_owned(),
        operation,
        result,
        changes: Vec::new(),
        members: MemberChanges::default(),
        sent: false,
        held_back,
    }
}

/// What a cycle came to while it runs.
#[derive(Debug, Default)]
pub(super) struct Counts {
    summary: Mutex<Summary>,
    /// Source ids of those who would have an account by now, were this not a preview.
    promised: Mutex<HashSet<String>>,
}

impl Counts {
    pub(super) fn promise(&self, source: &str) {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner).insert(source.to_owned());
    }

    pub(super) fn is_promised(&self, source: &str) -> bool {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner).contains(source)
    }
}
