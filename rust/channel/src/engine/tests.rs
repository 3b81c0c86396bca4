//! Tests cycles against a target in memory.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use pfscim_core::connector::{GroupRecord, UnlistedMembers};
use pfscim_core::environment::SystemClock;
use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::Version;
use pfscim_core::settings::Settings;
use pfscim_core::{Failure, Outcome, Record, Report};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::*;
use crate::Error;
use crate::connection::Channel;
use crate::directory::{Entry, Search, Value};
use crate::mapping::RecordMapper;
use crate::provisioner::{MemberChanges, OperationResult, Provisioner};
use crate::source::Source;
use crate::state::{GroupRow, Owner, State, UserRow};

/// A source with these entries.
#[derive(Default)]
struct Directory(Vec<Entry>);

impl Directory {
    fn of(users: &[&str]) -> Self {
        let mut directory = Self::default();
        users.iter().for_each(|user| directory.add(user, user, &[]));
        directory
    }

    fn add(&mut self, guid: &str, uid: &str, attributes: &[(&str, &str)]) {
        let mut entry = Entry::new(format!("uid={uid},dc=x"));
        for (name, value) in
            [("objectClass", "person"), ("entryUUID", guid), ("uid", uid), ("sn", uid)].iter().chain(attributes)
        {
            entry.push(name, Value::from(*value));
        }
        self.0.push(entry);
    }

    fn numbered(count: usize) -> Self {
        let mut directory = Self::default();
        (0..count).for_each(|n| directory.add(&format!("g{n}"), &format!("u{n}"), &[]));
        directory
    }
}

impl Source for Directory {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.0.iter().cloned().try_for_each(each)
    }
}

/// Returns a directory with users and groups. A group is its GUID, name and members (users as `ada`, groups as
/// `#staff`).
fn with_groups(users: &[&str], groups: &[(&str, &str, &[&str])]) -> Directory {
    let mut directory = Directory::of(users);
    for (guid, name, members) in groups {
        let mut entry = Entry::new(format!("cn={name},dc=x"));
        for (attribute, value) in [("objectClass", "group"), ("entryUUID", guid), ("cn", name)] {
            entry.push(attribute, Value::from(value));
        }
        for member in *members {
            let dn = member.strip_prefix('#').map_or(format!("uid={member},dc=x"), |group| format!("CN={group}, DC=x"));
            entry.push("member", Value::from(dn.as_str()));
        }
        directory.0.push(entry);
    }
    directory
}

/// A target in memory that notes its operations, and fails those that a test selects.
#[derive(Default)]
struct Target {
    users: Mutex<BTreeMap<String, Record>>,
    groups: Mutex<BTreeMap<String, GroupRecord>>,
    operations: Mutex<Vec<String>>,
    /// Identifier (or `check`) to the failure of every operation on it.
    failing: Mutex<HashMap<String, Failure>>,
    skipping: AtomicBool,
    /// What earlier cycles learnt.
    learnt: Mutex<String>,
}

impl Target {
    fn with(users: &[(&str, &str)]) -> Self {
        let target = Self::default();
        for (id, name) in users {
            target.users.lock().unwrap().insert((*id).to_owned(), user(name));
        }
        target
    }

    /// Returns the operations since the last call, sorted.
    fn take_operations(&self) -> Vec<String> {
        let mut operations = std::mem::take(&mut *self.operations.lock().unwrap());
        operations.sort();
        operations
    }

    fn active_users(&self) -> Vec<String> {
        let users = self.users.lock().unwrap();
        let mut active: Vec<_> =
            users.values().filter(|r| r.enabled).map(|r| r.first("userName").unwrap().to_owned()).collect();
        active.sort();
        active
    }

    fn fail(&self, identifier: &str, failure: Failure) {
        self.failing.lock().unwrap().insert(identifier.to_owned(), failure);
    }

    fn stop_failing(&self) {
        self.failing.lock().unwrap().clear();
    }

    /// Returns the names and member ids of the groups, by id.
    fn memberships(&self) -> BTreeMap<String, (String, Vec<String>)> {
        let groups = self.groups.lock().unwrap();
        let ids = |group: &GroupRecord| {
            let mut ids: Vec<_> =
                group.members.iter().flatten().filter_map(|m| m.known_id().map(str::to_owned)).collect();
            ids.sort();
            ids
        };
        groups.iter().map(|(id, group)| (id.clone(), (group.name.clone(), ids(group)))).collect()
    }

    fn members(&self, id: &str) -> Vec<String> {
        self.memberships()[id].1.clone()
    }

    fn put(&self, id: &str, group: &GroupRecord, outcome: Outcome) -> Result<OperationResult, Failure> {
        self.groups.lock().unwrap().insert(id.to_owned(), group.clone());
        let report = Report::new(outcome, Some(id));
        Ok(group.unsent_members_warning().into_iter().fold(report, Report::warn).into())
    }

    fn note_user(&self, operation: &str, record: &Record) -> Result<(), Failure> {
        self.note(operation, record.first("userName").unwrap_or_default())
    }

    fn note(&self, operation: &str, name: &str) -> Result<(), Failure> {
        self.operations.lock().unwrap().push(format!("{operation} {name}"));
        self.failing.lock().unwrap().get(name).cloned().map_or(Ok(()), Err)
    }
}

fn user(name: &str) -> Record {
    Record { enabled: true, fields: [("userName".to_owned(), vec![name.to_owned()])].into(), ..Record::default() }
}

fn result(outcome: Outcome, id: &str) -> Result<OperationResult, Failure> {
    Ok(Report::new(outcome, Some(id)).into())
}

impl Provisioner for Target {
    fn check(&self) -> Result<Vec<String>, Failure> {
        self.failing.lock().unwrap().get("check").cloned().map_or(Ok(Vec::new()), Err)
    }

    fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        let users = self.users.lock().unwrap();
        let by_name = || users.iter().find(|(_, r)| r.first("userName") == identifier);
        let found = id.and_then(|id| users.get_key_value(id)).or_else(by_name);
        Ok(found.map(|(id, record)| Record { id: Some(id.clone()), ..record.clone() }))
    }

    fn create(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.note_user("create", record)?;
        if self.skipping.load(Ordering::Relaxed) {
            return Ok(Report::new(Outcome::Skipped, None).into());
        }
        let id = format!("t-{}", record.first("userName").unwrap());
        self.users.lock().unwrap().insert(id.clone(), record.clone());
        result(Outcome::Created, &id)
    }

    fn update(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.note_user("update", record)?;
        let id = record.id.clone().unwrap();
        let old = self.users.lock().unwrap().remove(&id);
        if old.is_none() && !record.enabled {
            return result(Outcome::AlreadyGone, &id);
        }
        self.users.lock().unwrap().insert(id.clone(), record.clone());
        result(if record.enabled { Outcome::Updated } else { Outcome::Disabled }, &id)
    }

    fn remove(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.note_user("remove", record)?;
        let mut users = self.users.lock().unwrap();
        if let Some(id) = record.known_id()
            && let Some(user) = users.get_mut(id)
        {
            user.enabled = false;
            return result(Outcome::Disabled, id);
        }
        match users.iter().find(|(_, user)| user.first("userName") == record.first("userName")) {
            Some((other, _)) => Err(Failure::NotFound(format!("account {other} has the identifier").into())),
            None => Ok(Report::new(Outcome::AlreadyGone, record.known_id()).into()),
        }
    }

    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        let groups = self.groups.lock().unwrap();
        let by_name = || groups.iter().find(|(_, g)| g.name == name).map(|(id, _)| id.clone());
        Ok(id.filter(|id| groups.contains_key(*id)).map(str::to_owned).or_else(by_name))
    }

    fn create_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.note("create", &format!("#{}", group.name))?;
        self.put(&format!("t-{}", group.name), group, Outcome::Created)
    }

    fn update_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.note("update", &format!("#{}", group.name))?;
        self.put(group.id.as_deref().unwrap(), group, Outcome::Updated)
    }

    fn delete_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.note("delete", &format!("#{}", group.name))?;
        let mut groups = self.groups.lock().unwrap();
        if let Some(id) = group.known_id()
            && groups.remove(id).is_some()
        {
            return result(Outcome::Deleted, id);
        }
        match groups.iter().find(|(_, other)| other.name == group.name) {
            Some((other, _)) => Err(Failure::NotFound(format!("group {other} has the name").into())),
            None => Ok(Report::new(Outcome::AlreadyGone, group.known_id()).into()),
        }
    }

    fn learn(&self, learnt: &str) {
        *self.learnt.lock().unwrap() = learnt.to_owned();
    }

    fn learnt(&self) -> Option<String> {
        Some(format!("{}+", self.learnt.lock().unwrap()))
    }

    fn close(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Collects the events of a cycle.
#[derive(Default)]
struct EventLog(Mutex<Vec<Event>>);

impl CycleObserver for EventLog {
    fn begin(&self, _operations: usize) {}

    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// A channel with its state file.
struct Bench {
    channel: Channel,
    settings: Settings,
    folder: TempDir,
    options: CycleOptions<'static>,
    workers: &'static dyn Workers,
}

impl Bench {
    fn new() -> Self {
        Self::with(json!([{"fieldName": "title", "saasFieldInfo": {"attributeNames": ["title"]}}]))
    }

    /// With these rows of the mapping, in addition to the required ones.
    fn with(rows_to_add: Json) -> Self {
        let mut rows = vec![
            json!({"fieldName": "userName", "saasFieldInfo": {"attributeNames": ["uid"]}}),
            json!({"fieldName": "workEmail", "saasFieldInfo": {"attributeNames": ["uid"]}}),
            json!({"fieldName": "givenName", "saasFieldInfo": {"attributeNames": ["sn"]}}),
            json!({"fieldName": "familyName", "saasFieldInfo": {"attributeNames": ["sn"]}}),
        ];
        rows.extend(rows_to_add.as_array().unwrap().iter().cloned());
        let channel = serde_json::from_value(json!({
            "name": "corp", "maxThreads": 3, "attributeMapping": rows,
            "channelSource": {
                "guidAttributeName": "entryUUID",
                "changeDetectionSettings": {"userObjectClass": "person", "groupObjectClass": "group"},
                "accountManagementSettings": {
                    "accountStatusAttributeName": "locked", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG",
                    "flagComparisonValue": "true", "flagComparisonStatus": false
                },
                "baseDn": "dc=x", "userSourceLocation": {}
            }
        }))
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self { channel, settings: settings(&[]), folder, options: CycleOptions::default(), workers: &SystemThreads }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Provisions all groups too.
    fn for_groups(settings: &[(&str, &str)]) -> Self {
        let bench = Self { settings: self::settings(settings), ..Self::new() };
        bench.with_group_location(json!({"filter": "(cn=*)"}))
    }

    fn with_group_location(mut self, location: Json) -> Self {
        let mut source = json!({
            "guidAttributeName": "entryUUID",
            "changeDetectionSettings": {"userObjectClass": "person", "groupObjectClass": "group"},
            "groupMembershipDetection": {"memberOfGroupAttributeName": "memberOf", "groupMemberAttributeName": "member"},
            "accountManagementSettings": {
                "accountStatusAttributeName": "locked", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG",
                "flagComparisonValue": "true", "flagComparisonStatus": false
            },
            "baseDn": "dc=x", "userSourceLocation": {}
        });
        source["groupSourceLocation"] = location;
        self.channel.channel_source = serde_json::from_value(source).unwrap();
        self
    }

    fn owner() -> Owner {
        Owner { connection: "c".into(), channel: "corp".into(), scim_url: "u".into() }
    }

    fn cycle(&self, source: &Directory, target: &dyn Provisioner) -> (Vec<Event>, Summary, Result<(), Error>) {
        let open = if self.options.preview { State::preview } else { State::open };
        let state = open(&self.path(), &Self::owner(), Arc::new(SystemClock::default())).unwrap();
        let mapper = RecordMapper::new(&self.channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap();
        let log = EventLog::default();
        let cycle = Cycle {
            channel: &self.channel,
            mapper: &mapper,
            settings: &self.settings,
            source,
            state: &state,
            clock: &SystemClock::default(),
            workers: self.workers,
            provisioner: target,
            observer: &log,
            options: self.options,
        };
        let (summary, result) = cycle.run();
        (log.0.into_inner().unwrap(), summary, result)
    }

    fn run(&self, source: &Directory, target: &Target) -> Summary {
        let (_, summary, result) = self.cycle(source, target);
        result.unwrap();
        summary
    }

    fn run_error(&self, source: &Directory, target: &Target) -> Error {
        self.cycle(source, target).2.unwrap_err()
    }

    fn row(&self, guid: &str) -> Option<UserRow> {
        let state = State::preview(&self.path(), &Self::owner(), Arc::new(SystemClock::default())).unwrap();
        state.users(&self.settings.digest()).unwrap().remove(guid)
    }

    /// Returns the target ids of closed rows, each with the outcome that closed it.
    fn closed(&self) -> Vec<(String, String)> {
        let db = rusqlite::Connection::open(self.path()).unwrap();
        let mut query = db.prepare("SELECT target_id, closed FROM tombstone ORDER BY kind, target_id").unwrap();
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }
}

fn settings(changes: &[(&str, &str)]) -> Settings {
    let pairs = [("SCIM_URL", "http://127.0.0.1/"), ("REMOVE_ACTION", "Disable")];
    Settings::parse(pairs.iter().chain(changes).copied()).unwrap()
}

fn count(summary: &Summary, outcome: Outcome) -> usize {
    summary.users.outcomes.get(&outcome).copied().unwrap_or(0)
}

#[test]
fn a_first_cycle_creates_and_links_and_the_next_cycle_sends_nothing() {
    let (bench, target) = (Bench::new(), Target::with(&[("t-1", "ada")]));
    let source = Directory::of(&["ada", "bob"]);
    bench.run(&source, &target);
    assert_eq!(target.take_operations(), ["create bob", "update ada"]);
    assert_eq!(bench.row("ada").unwrap().target_id.as_deref(), Some("t-1"));
    let summary = bench.run(&source, &target);
    assert_eq!(target.take_operations(), [""; 0]);
    assert_eq!(count(&summary, Outcome::Unchanged), 2);
}

#[test]
fn only_changed_users_are_sent() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.take_operations();
    let mut changed = Directory::of(&["ada"]);
    changed.add("bob", "bob", &[("title", "Dr")]);
    bench.run(&changed, &target);
    assert_eq!(target.take_operations(), ["update bob"]);
}

/// Runs all work on the thread of the caller, and notes the numbers of threads.
#[derive(Default)]
struct OneThread(Mutex<Vec<usize>>);

impl Workers for OneThread {
    fn run(&self, threads: usize, work: &(dyn Fn() + Sync)) {
        self.0.lock().unwrap().push(threads);
        work();
    }
}

#[test]
fn the_operations_of_a_cycle_run_on_the_threads_of_its_workers() {
    static WORKERS: OneThread = OneThread(Mutex::new(Vec::new()));
    let (bench, target) = (Bench { workers: &WORKERS, ..Bench::new() }, Target::default());
    bench.run(&Directory::of(&["d", "a", "c", "b"]), &target);
    assert_eq!(*target.operations.lock().unwrap(), ["create d", "create a", "create c", "create b"]);
    // Max Threads is 3, and no user left.
    assert_eq!(*WORKERS.0.lock().unwrap(), [3, 0]);
}

#[test]
fn leavers_with_equal_identifiers_or_names_are_removed_in_the_order_of_their_source_ids() {
    static WORKERS: OneThread = OneThread(Mutex::new(Vec::new()));
    let options = CycleOptions { max_removals: Some(100), ..CycleOptions::default() };
    let bench = Bench { workers: &WORKERS, options, ..Bench::for_groups(&[]) };
    let target = Target::default();
    let source_ids: Vec<String> = (10..30).map(|n| n.to_string()).collect();
    let state = State::open(&bench.path(), &Bench::owner(), Arc::new(SystemClock::default())).unwrap();
    let user = |id: &String| UserRow {
        source_id: id.clone(),
        target_id: Some(format!("u{id}")),
        identifier: "same".into(),
        in_scope: true,
        ..UserRow::default()
    };
    state.begin(b"", &source_ids.iter().map(user).collect::<Vec<_>>()).unwrap();
    for id in &source_ids {
        let group = GroupRow { source_id: id.clone(), name: "same".into(), in_scope: true, ..GroupRow::default() };
        state.put_group(&GroupRow { target_id: Some(format!("g{id}")), ..group }).unwrap();
    }
    drop(state);
    let (events, _, result) = bench.cycle(&Directory::default(), &target);
    result.unwrap();
    for kind in [RecordKind::User, RecordKind::Group] {
        let order: Vec<_> = events.iter().filter(|e| e.kind == kind).map(|e| e.source_id.clone()).collect();
        assert_eq!(order, source_ids, "{kind:?}");
    }
}

#[test]
fn the_state_file_contains_no_value_but_the_identifier() {
    let (bench, target) = (Bench::new(), Target::default());
    let mut source = Directory::default();
    source.add("g1", "ada", &[("title", "Analytical Engineer")]);
    bench.run(&source, &target);
    let file = std::fs::read(bench.path()).unwrap();
    let contains = |text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(contains("ada"));
    assert!(!contains("Analytical") && !contains("Engineer"));
}

#[test]
fn a_create_only_field_is_sent_once() {
    let create_only =
        json!([{"fieldName": "title", "saasFieldInfo": {"attributeNames": ["title"], "createOnly": true}}]);
    let (bench, target) = (Bench::with(create_only), Target::default());
    let mut source = Directory::default();
    source.add("ada", "ada", &[("title", "Ms")]);
    bench.run(&source, &target);
    assert_eq!(target.users.lock().unwrap()["t-ada"].first("title"), Some("Ms"));
    target.take_operations();
    let mut changed = Directory::default();
    changed.add("ada", "ada", &[("title", "Dr")]);
    bench.run(&changed, &target);
    assert_eq!(target.take_operations(), [""; 0]);
}

#[test]
fn a_leaver_is_removed_by_the_stored_id_and_comes_back_to_the_same_account() {
    let (bench, target) = (Bench::new(), Target::with(&[("t-1", "ada")]));
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.take_operations();
    bench.run(&Directory::of(&["bob"]), &target);
    assert_eq!(target.take_operations(), ["remove ada"]);
    assert_eq!(target.active_users(), ["bob"]);
    bench.run(&Directory::of(&["bob"]), &target);
    assert_eq!(target.take_operations(), [""; 0]);
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    assert_eq!(target.take_operations(), ["update ada"]);
    assert_eq!(target.active_users(), ["ada", "bob"]);
}

#[test]
fn a_user_disabled_in_the_source_is_updated_as_disabled() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.take_operations();
    let mut source = Directory::of(&["bob"]);
    source.add("ada", "ada", &[("locked", "TRUE")]);
    let summary = bench.run(&source, &target);
    assert_eq!(target.take_operations(), ["update ada"]);
    assert_eq!(count(&summary, Outcome::Disabled), 1);
    assert_eq!(target.active_users(), ["bob"]);
}

#[test]
fn a_failed_user_is_sent_again() {
    let (bench, target) = (Bench::new(), Target::default());
    let source = Directory::of(&["ada", "bob"]);
    target.fail("ada", Failure::Rejected("no".into()));
    let (events, summary, result) = bench.cycle(&source, &target);
    assert_eq!((summary.failed(), result), (1, Ok(())));
    assert!(events.iter().any(|e| e.identifier == "ada" && e.result.is_err()));
    target.stop_failing();
    target.take_operations();
    bench.run(&source, &target);
    assert_eq!(target.take_operations(), ["create ada"]);

    target.fail("ada", Failure::Rejected("no".into()));
    bench.run(&Directory::of(&["bob"]), &target);
    target.stop_failing();
    target.take_operations();
    bench.run(&Directory::of(&["bob"]), &target);
    assert_eq!(target.take_operations(), ["remove ada"]);
}

#[test]
fn values_that_were_not_confirmed_are_sent_again_even_if_the_old_values_return() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada"]), &target);
    let mut changed = Directory::default();
    changed.add("ada", "ada", &[("title", "Dr")]);
    target.fail("ada", Failure::transport("lost"));
    bench.run(&changed, &target);
    target.stop_failing();
    target.take_operations();
    bench.run(&Directory::of(&["ada"]), &target);
    assert_eq!(target.take_operations(), ["update ada"]);
}

#[test]
fn too_many_removals_stop_the_run_before_anything_is_sent() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::numbered(30), &target);
    target.take_operations();
    let before = std::fs::read(bench.path()).unwrap();
    let error = bench.run_error(&Directory::numbered(19), &target);
    assert!(
        matches!(&error, Error::Guard(_))
            && error.message().text().starts_with("removal guard: 11 of 30 known users would be removed")
            && error.message().text().contains("u29")
            && error.message().hint().unwrap().contains("--max-removals 11"),
        "{error}"
    );
    assert_eq!(target.take_operations(), [""; 0]);
    assert_eq!(std::fs::read(bench.path()).unwrap(), before);
    assert_eq!(count(&bench.run(&Directory::numbered(20), &target), Outcome::Disabled), 10);

    bench.options.max_removals = Some(3);
    assert!(matches!(bench.run_error(&Directory::numbered(16), &target), Error::Guard(_)));
    bench.run(&Directory::numbered(17), &target);
}

#[test]
fn a_fifth_of_many_users_may_leave() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::numbered(100), &target);
    assert!(matches!(bench.run_error(&Directory::numbered(79), &target), Error::Guard(_)));
    bench.run(&Directory::numbered(80), &target);
}

#[test]
fn users_that_the_source_disables_count_as_removals() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::numbered(30), &target);
    let mut locked = Directory::default();
    (0..30).for_each(|n| locked.add(&format!("g{n}"), &format!("u{n}"), &[("locked", "true")]));
    assert!(matches!(bench.run_error(&locked, &target), Error::Guard(_)));
}

#[test]
fn a_source_without_users_removes_no_user_without_max_removals() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    assert!(matches!(bench.run_error(&Directory::default(), &target), Error::Guard(_)));
    assert_eq!(target.active_users(), ["ada", "bob"]);
    bench.options.max_removals = Some(2);
    bench.run(&Directory::default(), &target);
    assert_eq!(target.active_users(), [""; 0]);
}

#[test]
fn a_source_that_fails_half_way_changes_nothing() {
    struct Broken;
    impl Source for Broken {
        fn read(&self, search: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
            Directory::of(&["ada"]).read(search, each)?;
            Err(Error::unusable("x.ldif: line 9: cut off"))
        }
    }
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.take_operations();
    let state = State::open(&bench.path(), &Bench::owner(), Arc::new(SystemClock::default())).unwrap();
    let mapper = RecordMapper::new(&bench.channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap();
    let cycle = Cycle {
        channel: &bench.channel,
        mapper: &mapper,
        settings: &bench.settings,
        source: &Broken,
        state: &state,
        clock: &SystemClock::default(),
        workers: &SystemThreads,
        provisioner: &target,
        observer: &EventLog::default(),
        options: CycleOptions { max_removals: Some(100), ..CycleOptions::default() },
    };
    assert!(cycle.run().1.unwrap_err().to_string().contains("line 9"));
    assert_eq!(target.take_operations(), [""; 0]);
}

#[test]
fn users_without_guid_or_with_the_same_guid_stop_the_run() {
    let (bench, target) = (Bench::new(), Target::default());
    let mut duplicate = Directory::of(&["ada"]);
    duplicate.add("ada", "eve", &[]);
    assert!(
        bench
            .run_error(&duplicate, &target)
            .to_string()
            .contains("uid=eve,dc=x has the same entryUUID as another user")
    );
    let mut without = Directory::of(&["ada"]);
    without.add("", "eve", &[]);
    assert!(bench.run_error(&without, &target).to_string().contains("uid=eve,dc=x has no entryUUID"));
    assert!(!bench.path().exists());
}

#[test]
fn only_the_first_of_two_records_with_the_same_identifier_is_sent() {
    let (bench, target) = (Bench::new(), Target::default());
    let mut source = Directory::of(&["ada"]);
    source.add("other", "ADA", &[]);
    let (events, summary, _) = bench.cycle(&source, &target);
    assert_eq!(summary.failed(), 1);
    let failed = events.iter().find_map(|e| e.result.as_ref().err()).unwrap();
    assert_eq!(failed.code(), "conflict");
    assert_eq!(target.take_operations(), ["create ada"]);
}

#[test]
fn a_record_without_identifier_fails_and_is_not_a_removal() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.take_operations();
    let mut source = Directory::of(&["ada"]);
    let mut entry = Entry::new("cn=bob,dc=x");
    entry.push("objectClass", Value::from("person"));
    entry.push("entryUUID", Value::from("bob"));
    source.0.push(entry);
    assert_eq!(bench.run(&source, &target).failed(), 1);
    assert_eq!(target.take_operations(), [""; 0]);
    assert_eq!(target.active_users(), ["ada", "bob"]);
}

#[test]
fn an_account_that_belongs_to_a_new_record_is_not_removed_with_the_old_record() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.take_operations();
    let mut moved = Directory::of(&["bob"]);
    moved.add("new", "ada", &[]);
    let (events, _, result) = bench.cycle(&moved, &target);
    result.unwrap();
    assert_eq!(target.take_operations(), ["update ada"]);
    assert_eq!(target.active_users(), ["ada", "bob"]);
    let old = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone().unwrap();
    assert_eq!(old.outcome, Outcome::PassedOn);
    assert!(old.warnings[0].contains("new"));
    assert_eq!((bench.row("ada"), bench.row("new").unwrap().target_id.as_deref()), (None, Some("t-ada")));
    assert_eq!(bench.closed(), [("t-ada".to_owned(), "passed-on".to_owned())]);
}

#[test]
fn an_account_is_kept_while_its_new_record_cannot_be_linked() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    let mut moved = Directory::of(&["bob"]);
    moved.add("new", "ada", &[]);
    target.fail("ada", Failure::Rejected("no".into()));
    assert_eq!(bench.run(&moved, &target).failed(), 2);
    assert_eq!(target.active_users(), ["ada", "bob"]);
    target.stop_failing();
    bench.run(&moved, &target);
    assert_eq!(target.active_users(), ["ada", "bob"]);
    assert_eq!(bench.row("ada"), None);
}

#[test]
fn an_account_of_a_record_is_not_linked_to_another_record() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    // A new record has Ada's identifier while the update of her own identifier fails, so the account stays hers.
    target.take_operations();
    target.fail("eve", Failure::Rejected("no".into()));
    let mut source = Directory::default();
    source.add("ada", "eve", &[]);
    source.add("new", "ada", &[]);
    source.add("bob", "bob", &[]);
    let (events, ..) = bench.cycle(&source, &target);
    let taken = events.iter().find(|e| e.source_id == "new").unwrap().result.clone().unwrap_err();
    assert_eq!(taken.code(), "conflict");
    assert_eq!(target.take_operations(), ["update eve"]);
}

#[test]
fn a_renamed_user_whose_account_is_gone_does_not_get_the_account_of_another_record() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.take_operations();
    target.users.lock().unwrap().remove("t-ada");
    // Ada gets the identifier of Bob, whose rename the target rejects, so the account `bob` is still his.
    target.fail("rob", Failure::Rejected("no".into()));
    let mut source = Directory::default();
    source.add("ada", "bob", &[]);
    source.add("bob", "rob", &[]);
    let (events, ..) = bench.cycle(&source, &target);
    let ada = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone();
    assert_eq!(target.take_operations(), ["update rob"], "{ada:?}");
    assert_eq!(ada.unwrap_err().code(), "conflict");
}

#[test]
fn a_renamed_user_takes_over_the_account_of_the_old_identifier_only_with_the_guid() {
    let external_id = json!([{"fieldName": "externalId", "saasFieldInfo": {"attributeNames": ["entryUUID"]}}]);
    for (guid, expected) in [("ada", "update ada.new"), ("other", "create ada.new")] {
        let (bench, target) = (Bench::with(external_id.clone()), Target::default());
        bench.run(&Directory::of(&["ada"]), &target);
        target.take_operations();
        let mut users = target.users.lock().unwrap();
        let mut account = users.remove("t-ada").unwrap();
        account.fields.insert("externalId".into(), vec![guid.to_owned()]);
        users.insert("t-moved".to_owned(), account);
        drop(users);
        let mut renamed = Directory::default();
        renamed.add("ada", "ada.new", &[]);
        bench.run(&renamed, &target);
        assert_eq!(target.take_operations(), [expected]);
    }
}

#[test]
fn a_disabled_user_whose_identifier_another_record_has_by_now_is_passed_on() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.users.lock().unwrap().remove("t-ada");
    // The account of Bob has the identifier that Ada's account had.
    let name = ("userName".to_owned(), vec!["ada".to_owned()]);
    target.users.lock().unwrap().get_mut("t-bob").unwrap().fields.extend([name]);
    target.take_operations();
    let mut source = Directory::of(&["bob"]);
    source.add("ada", "ada", &[("locked", "true")]);
    let (events, ..) = bench.cycle(&source, &target);
    let ada = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone().unwrap();
    assert_eq!((ada.outcome, ada.id.as_deref()), (Outcome::PassedOn, Some("t-ada")));
    assert_eq!(target.take_operations(), [""; 0]);
    assert_eq!(bench.row("ada").unwrap().target_id, None);
}

#[test]
fn a_disabled_user_whose_account_is_gone_is_an_update_with_the_stored_id() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada"]), &target);
    target.users.lock().unwrap().clear();
    target.take_operations();
    let mut source = Directory::default();
    source.add("ada", "ada", &[("locked", "true")]);
    bench.cycle(&source, &target).2.unwrap();
    assert_eq!(target.take_operations(), ["update ada"]);
}

#[test]
fn what_is_learnt_about_the_target_is_kept_in_the_state() {
    let (bench, target) = (Bench::new(), Target::default());
    for expected in ["", "+", "++"] {
        target.learnt.lock().unwrap().clear();
        bench.run(&Directory::of(&["ada"]), &target);
        assert_eq!(*target.learnt.lock().unwrap(), expected);
    }
}

#[test]
fn a_renamed_group_that_is_gone_does_not_get_the_group_of_the_old_name() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    bench.run(&with_groups(&["ada"], &[("s", "staff", &["ada"])]), &target);
    // Others delete the group, and make one of their own with its name.
    let mut groups = target.groups.lock().unwrap();
    let foreign = groups.remove("t-staff").unwrap();
    groups.insert("t-foreign".to_owned(), foreign);
    drop(groups);
    target.take_operations();
    bench.run(&with_groups(&["ada"], &[("s", "crew", &["ada"])]), &target);
    assert_eq!(target.take_operations(), ["create #crew"]);
    assert_eq!(target.groups.lock().unwrap()["t-foreign"].name, "staff");
}

#[test]
fn a_failure_that_stops_the_session_ends_the_cycle_and_keeps_the_state_correct() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["leaver"]), &target);
    bench.options.max_removals = Some(1);
    target.take_operations();
    target.fail("bob", Failure::AuthFailed("no".into()));
    let source = Directory::of(&["ada", "bob"]);
    let (_, summary, result) = bench.cycle(&source, &target);
    assert!(matches!(result, Err(Error::Stopped(message)) if message.text().contains("auth_failed")));
    assert_eq!(summary.failed(), 1);
    assert!(!target.take_operations().contains(&"remove leaver".to_owned()));
    target.stop_failing();
    bench.run(&source, &target);
    assert_eq!(target.active_users(), ["ada", "bob"]);
}

#[test]
fn a_run_with_an_unreachable_target_creates_no_state_file() {
    let (bench, target) = (Bench::new(), Target::default());
    target.fail("check", Failure::transport("refused"));
    assert!(matches!(bench.run_error(&Directory::of(&["ada"]), &target), Error::Stopped(_)));
    target.fail("check", Failure::Config("SCIM URL: no".into()));
    assert!(matches!(bench.run_error(&Directory::of(&["ada"]), &target), Error::Configuration(_)));
    assert!(!bench.path().exists());
}

#[test]
fn a_skipped_user_is_sent_again_only_after_the_settings_change() {
    let (mut bench, target) = (Bench::new(), Target::default());
    let source = Directory::of(&["ada"]);
    target.skipping.store(true, Ordering::Relaxed);
    assert_eq!(count(&bench.run(&source, &target), Outcome::Skipped), 1);
    target.take_operations();
    bench.run(&source, &target);
    assert_eq!(target.take_operations(), [""; 0]);
    target.skipping.store(false, Ordering::Relaxed);
    bench.settings = settings(&[("RESULTS_PER_PAGE", "7")]);
    bench.run(&source, &target);
    assert_eq!(target.take_operations(), ["create ada"]);
}

#[test]
fn a_preview_runs_the_same_operations_and_writes_no_state() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.options.preview = true;
    bench.run(&Directory::of(&["ada"]), &target);
    assert_eq!(target.take_operations(), ["create ada"]);
    assert!(!bench.path().exists());
}

#[test]
fn a_preview_shows_all_operations_and_then_returns_the_error_of_the_guard() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::numbered(30), &target);
    bench.options.preview = true;
    let before = std::fs::read(bench.path()).unwrap();
    let (_, summary, result) = bench.cycle(&Directory::numbered(5), &target);
    assert!(matches!(result, Err(Error::Guard(_))));
    assert_eq!(count(&summary, Outcome::Disabled), 25);
    assert_eq!(std::fs::read(bench.path()).unwrap(), before);
}

#[test]
fn a_user_who_was_never_linked_is_gone_if_a_search_shows_it() {
    let (mut bench, target) = (Bench::new(), Target::default());
    target.fail("ada", Failure::transport("lost"));
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.stop_failing();
    target.take_operations();
    bench.options.max_removals = Some(5);
    let (events, ..) = bench.cycle(&Directory::of(&["bob"]), &target);
    assert_eq!(target.take_operations(), ["remove ada"]);
    let left = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone().unwrap();
    assert_eq!(left.outcome, Outcome::AlreadyGone, "a search has shown that the target has no account");
    assert_eq!(bench.row("ada"), None);
}

#[test]
fn a_user_who_left_before_a_lost_create_was_linked_stays_reported() {
    let (mut bench, target) = (Bench::new(), Target::default());
    target.fail("ada", Failure::transport("lost"));
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.stop_failing();
    target.users.lock().unwrap().insert("t-lost".to_owned(), user("ada"));
    target.take_operations();
    bench.options.max_removals = Some(5);
    for _ in 0..2 {
        let (events, ..) = bench.cycle(&Directory::of(&["bob"]), &target);
        assert_eq!(target.take_operations(), ["remove ada"]);
        let left = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone().unwrap_err();
        assert_eq!(left.code(), "not_found");
        assert!(left.message().text().contains("account t-lost"), "{left}");
        assert!(bench.row("ada").unwrap().dirty);
    }
}

#[test]
fn a_user_who_was_gone_and_whose_new_account_was_lost_stays_reported_after_leaving() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    // The account is gone and the user disabled, so the row has no id.
    target.users.lock().unwrap().remove("t-ada");
    let mut disabled = Directory::of(&["bob"]);
    disabled.add("ada", "ada", &[("locked", "true")]);
    bench.run(&disabled, &target);
    // The user comes back, and the response to the create is lost.
    target.fail("ada", Failure::transport("lost"));
    bench.cycle(&Directory::of(&["ada", "bob"]), &target).2.unwrap();
    target.stop_failing();
    target.users.lock().unwrap().insert("t-lost".to_owned(), user("ada"));
    for _ in 0..2 {
        let (events, ..) = bench.cycle(&Directory::of(&["bob"]), &target);
        let left = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone().unwrap_err();
        assert_eq!(left.code(), "not_found");
    }
}

#[test]
fn a_row_is_closed_as_passed_on_only_if_the_other_account_is_linked_to_a_record_in_scope() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    // The target gives the identifier to another account.
    let mut users = target.users.lock().unwrap();
    let account = users.remove("t-ada").unwrap();
    users.insert("t-other".to_owned(), account);
    drop(users);
    for _ in 0..2 {
        let (events, ..) = bench.cycle(&Directory::of(&["bob"]), &target);
        let left = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone().unwrap_err();
        assert_eq!(left.code(), "not_found");
        assert!(bench.row("ada").unwrap().dirty, "it stays a leaver");
    }
    let mut moved = Directory::of(&["bob"]);
    moved.add("new", "ada", &[]);
    let (events, _, result) = bench.cycle(&moved, &target);
    result.unwrap();
    let left = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone().unwrap();
    assert_eq!((left.outcome, left.id.as_deref()), (Outcome::PassedOn, Some("t-ada")));
    assert!(left.warnings[0].contains("new"), "{left:?}");
    assert_eq!((bench.row("ada"), bench.row("new").unwrap().target_id.as_deref()), (None, Some("t-other")));
    assert_eq!(bench.closed(), [("t-ada".to_owned(), "passed-on".to_owned())]);
    assert_eq!(target.active_users(), ["ada", "bob"]);
}

#[test]
fn a_new_identifier_counts_when_the_target_has_confirmed_it() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.run(&Directory::of(&["ada", "bob"]), &target);
    target.fail("ada.new", Failure::transport("lost"));
    let mut renamed = Directory::of(&["bob"]);
    renamed.add("ada", "ada.new", &[]);
    bench.cycle(&renamed, &target).2.unwrap();
    assert_eq!(bench.row("ada").unwrap().identifier, "ada");
    target.stop_failing();
    bench.run(&renamed, &target);
    assert_eq!(bench.row("ada").unwrap().identifier, "ada.new");
}

fn group_count(summary: &Summary, outcome: Outcome) -> usize {
    summary.groups.outcomes.get(&outcome).copied().unwrap_or(0)
}

#[test]
fn groups_are_sent_after_their_users_and_the_next_cycle_sends_nothing() {
    let (bench, target) = (Bench::for_groups(&[]), Target::with(&[("t-1", "ada")]));
    let source = with_groups(&["ada", "bob"], &[("s", "staff", &["ada", "bob", "outsider"])]);
    let summary = bench.run(&source, &target);
    assert_eq!(target.take_operations(), ["create #staff", "create bob", "update ada"]);
    assert_eq!(target.members("t-staff"), ["t-1", "t-bob"]);
    assert_eq!((group_count(&summary, Outcome::Created), count(&summary, Outcome::Created)), (1, 1));
    let summary = bench.run(&source, &target);
    assert_eq!(target.take_operations(), [""; 0]);
    assert_eq!(group_count(&summary, Outcome::Unchanged), 1);
}

#[test]
fn a_membership_counts_from_both_sides_and_the_last_member_is_removed() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    let mut source = with_groups(&["ada"], &[("s", "staff", &["ada"])]);
    bench.run(&source, &target);
    source.add("bob", "bob", &[("memberOf", "CN=Staff,DC=X")]);
    bench.run(&source, &target);
    assert_eq!(target.members("t-staff"), ["t-ada", "t-bob"]);
    target.take_operations();
    bench.run(&with_groups(&["ada", "bob"], &[("s", "staff", &[])]), &target);
    assert_eq!(target.take_operations(), ["update #staff"]);
    assert_eq!(target.members("t-staff"), [""; 0]);
}

#[test]
fn merged_groups_lose_only_members_that_were_sent_before() {
    let mut bench = Bench::for_groups(&[]);
    bench.channel.merge_groups = true;
    let target = Target::default();
    let unlisted_members = || target.groups.lock().unwrap().values().next().unwrap().unlisted_members.clone();
    bench.run(&with_groups(&["ada", "bob"], &[("s", "Staff", &["ada", "bob"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::KEEP_ALL, "no members were sent before");
    target.fail("#Staff", Failure::transport("away"));
    bench.run(&with_groups(&["ada", "bob"], &[("s", "Staff", &["ada"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::KEEP_ALL, "the last group was not confirmed");
    target.stop_failing();
    bench.run(&with_groups(&["ada", "bob"], &[("s", "Staff", &["ada"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::Keep { except: vec!["t-bob".into()] });
    bench.run(&with_groups(&["ada", "bob"], &[("s", "Team", &["ada"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::KEEP_ALL, "bob was removed before");
    bench.channel.merge_groups = false;
    bench.run(&with_groups(&["ada", "bob"], &[("s", "Staff", &["ada"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::Remove);
}

#[test]
fn a_renamed_group_is_updated_and_keeps_its_id() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    bench.run(&with_groups(&["ada"], &[("s", "staff", &["ada"])]), &target);
    target.take_operations();
    bench.run(&with_groups(&["ada"], &[("s", "team", &["ada"])]), &target);
    assert_eq!(target.take_operations(), ["update #team"]);
    assert_eq!(target.memberships()["t-staff"].0, "team");
}

#[test]
fn the_name_of_a_group_is_its_cn_or_its_dn() {
    let (bench, target) = (Bench::for_groups(&[("GROUP_NAME_SOURCE", "Distinguished Name")]), Target::default());
    bench.run(&with_groups(&["ada"], &[("s", "staff", &[])]), &target);
    assert_eq!(target.take_operations(), ["create #cn=staff,dc=x", "create ada"]);
}

#[test]
fn nested_groups_stay_nested_and_are_sent_before_the_groups_that_contain_them() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    let source = with_groups(
        &["ada"],
        &[("1", "all", &["#staff", "#elsewhere"]), ("2", "staff", &["#team"]), ("3", "team", &["ada", "#team"])],
    );
    bench.run(&source, &target);
    let created: Vec<_> = target.memberships().into_values().map(|(_, members)| members).collect();
    assert_eq!(created, [["t-staff"], ["t-team"], ["t-ada"]]);
    let all = target.groups.lock().unwrap()["t-all"].members.clone().unwrap();
    assert!(all[0].is_group);
}

#[test]
fn groups_that_contain_each_other_are_completed_in_the_same_cycle() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    let source =
        with_groups(&[], &[("1", "a", &["#b"]), ("2", "b", &["#c"]), ("3", "c", &["#a"]), ("4", "d", &["#a"])]);
    let (events, ..) = bench.cycle(&source, &target);
    for (parent, member) in [("t-a", "t-b"), ("t-b", "t-c"), ("t-c", "t-a"), ("t-d", "t-a")] {
        assert_eq!(target.members(parent), [member]);
    }
    assert!(events.iter().all(|e| e.result.as_ref().unwrap().warnings.is_empty()));
    target.take_operations();
    bench.run(&source, &target);
    assert_eq!(target.take_operations(), [""; 0]);
}

#[test]
fn a_member_without_account_is_named_and_added_when_it_has_an_account() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    let source = with_groups(&["ada", "bob"], &[("s", "staff", &["ada", "bob"])]);
    target.fail("bob", Failure::Rejected("no".into()));
    let (events, ..) = bench.cycle(&source, &target);
    let staff = events.iter().find(|e| e.kind == RecordKind::Group).unwrap().result.clone().unwrap();
    assert_eq!(staff.warnings, ["members without a target id were not sent (1): bob"]);
    assert_eq!(target.members("t-staff"), ["t-ada"]);
    target.stop_failing();
    bench.run(&source, &target);
    assert_eq!(target.members("t-staff"), ["t-ada", "t-bob"]);
}

#[test]
fn a_leaver_is_removed_from_groups_and_a_user_without_record_stays_a_member() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    bench.run(&with_groups(&["ada", "bob"], &[("s", "staff", &["ada", "bob"])]), &target);
    let mut source = with_groups(&[], &[("s", "staff", &["ada", "bob"])]);
    let mut entry = Entry::new("uid=bob,dc=x");
    entry.push("objectClass", Value::from("person"));
    entry.push("entryUUID", Value::from("bob"));
    source.0.push(entry);
    assert_eq!(bench.run(&source, &target).users.failed, 1);
    assert_eq!(target.members("t-staff"), ["t-bob"]);
}

#[test]
fn a_group_that_left_the_scope_is_deleted_by_its_stored_id() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    bench.run(&with_groups(&["ada"], &[("s", "staff", &["ada"]), ("t", "team", &[])]), &target);
    target.take_operations();
    let summary = bench.run(&with_groups(&["ada"], &[("t", "team", &[])]), &target);
    assert_eq!(target.take_operations(), ["delete #staff"]);
    assert_eq!(group_count(&summary, Outcome::Deleted), 1);
    assert_eq!(bench.closed(), [("t-staff".to_owned(), "deleted".to_owned())]);
    bench.run(&with_groups(&["ada"], &[("t", "team", &[])]), &target);
    assert_eq!(target.take_operations(), [""; 0]);
}

#[test]
fn a_failed_group_is_sent_again_and_a_failed_deletion_is_repeated() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    let both = with_groups(&["ada"], &[("s", "staff", &["ada"]), ("t", "team", &[])]);
    target.fail("#staff", Failure::Rejected("no".into()));
    let summary = bench.run(&both, &target);
    assert_eq!((summary.users.failed, summary.groups.failed), (0, 1));
    target.stop_failing();
    target.take_operations();
    bench.run(&both, &target);
    assert_eq!(target.take_operations(), ["create #staff"]);
    let left = with_groups(&["ada"], &[("t", "team", &[])]);
    target.fail("#staff", Failure::Rejected("no".into()));
    bench.run(&left, &target);
    target.stop_failing();
    target.take_operations();
    bench.run(&left, &target);
    assert_eq!(target.take_operations(), ["delete #staff"]);
}

#[test]
fn members_that_were_not_confirmed_are_sent_again_even_if_the_old_members_return() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    let before = with_groups(&["ada"], &[("s", "staff", &["ada"])]);
    bench.run(&before, &target);
    target.fail("#staff", Failure::transport("lost"));
    bench.run(&with_groups(&["ada"], &[("s", "staff", &[])]), &target);
    target.stop_failing();
    target.take_operations();
    bench.run(&before, &target);
    assert_eq!(target.take_operations(), ["update #staff"]);
}

#[test]
fn deleted_groups_count_in_the_guard_and_are_named() {
    let (mut bench, target) = (Bench::for_groups(&[]), Target::default());
    let groups: Vec<_> = (0..12).map(|n| (format!("g{n}"), format!("team{n}"))).collect();
    let some = |from: usize| -> Directory {
        let groups: Vec<(&str, &str, &[&str])> =
            groups[from..].iter().map(|(guid, name)| (guid.as_str(), name.as_str(), &[][..])).collect();
        with_groups(&["ada"], &groups)
    };
    bench.run(&some(0), &target);
    target.take_operations();
    let line = bench.run_error(&some(11), &target).to_string();
    assert!(line.starts_with("removal guard: 11 of 13 known users and groups"), "{line}");
    assert!(line.contains("group team10"), "{line}");
    assert_eq!(target.take_operations(), [""; 0]);
    let line = bench.run_error(&with_groups(&["ada"], &[]), &target).to_string();
    assert!(line.starts_with("removal guard: the source contains none of the 12 known groups"), "{line}");
    bench.options.max_removals = Some(12);
    bench.run(&with_groups(&["ada"], &[]), &target);
    assert!(target.memberships().is_empty());
}

#[test]
fn without_a_group_location_no_group_is_sent_or_deleted() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    bench.run(&with_groups(&["ada"], &[("s", "staff", &["ada"])]), &target);
    target.take_operations();
    let bench = bench.with_group_location(json!({"filter": " ", "groupDN": ""}));
    bench.run(&with_groups(&["ada"], &[]), &target);
    assert_eq!(target.take_operations(), [""; 0]);
    let bench = bench.with_group_location(json!({"filter": "(cn=*)"}));
    let summary = bench.run(&with_groups(&["ada"], &[("s", "staff", &["ada"])]), &target);
    assert_eq!(group_count(&summary, Outcome::Unchanged), 1);
}

#[test]
fn a_group_that_cannot_be_sent_keeps_its_members_and_stops_no_other_group() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    let good = with_groups(&["ada"], &[("s", "staff", &["ada"]), ("t", "team", &["ada"])]);
    bench.run(&good, &target);
    target.take_operations();
    let mut bad = with_groups(&["ada"], &[("s", "staff", &[]), ("t", "team", &[]), ("u", "STAFF", &[])]);
    let at = bad.0.iter().position(|e| e.dn == "cn=staff,dc=x").unwrap();
    bad.0[at].push("member", Value::new(vec![0xff]));
    let (events, summary, result) = bench.cycle(&bad, &target);
    result.unwrap();
    assert_eq!(target.take_operations(), ["create #STAFF", "update #team"]);
    assert_eq!((summary.groups.failed, target.members("t-staff")), (1, vec!["t-ada".to_owned()]));
    let failure = events.iter().find_map(|e| e.result.as_ref().err()).unwrap();
    assert!(failure.to_string().contains("Group Member Attribute"), "{failure}");

    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    let twins = with_groups(&["ada"], &[("s", "staff", &[]), ("u", "STAFF", &[])]);
    let (events, ..) = bench.cycle(&twins, &target);
    assert_eq!(events.iter().find_map(|e| e.result.as_ref().err()).unwrap().code(), "conflict");
    assert_eq!(target.take_operations(), ["create #staff", "create ada"]);
}

#[test]
fn groups_without_guid_or_with_the_same_guid_stop_the_run() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    let duplicate = with_groups(&["ada"], &[("s", "staff", &[]), ("s", "team", &[])]);
    assert!(
        bench
            .run_error(&duplicate, &target)
            .to_string()
            .contains("cn=team,dc=x has the same entryUUID as another group")
    );
    let without = with_groups(&["ada"], &[("", "staff", &[])]);
    assert!(bench.run_error(&without, &target).to_string().contains("cn=staff,dc=x has no entryUUID"));
    assert_eq!(target.take_operations(), [""; 0]);
}

#[test]
fn a_group_dn_selects_the_groups_in_it() {
    let source = with_groups(
        &["ada"],
        &[("1", "top", &["#staff"]), ("2", "staff", &["#team"]), ("3", "team", &["ada"]), ("4", "other", &["ada"])],
    );
    for (location, created) in [
        (json!({"groupDN": "cn=top,dc=x"}), &["t-staff"][..]),
        (json!({"groupDN": "cn=top,dc=x", "nestedSearch": true}), &["t-staff", "t-team"]),
        (json!({"groupDN": "cn=top,dc=x", "nestedSearch": true, "filter": "(cn=t*)"}), &["t-team"]),
    ] {
        let (bench, target) = (Bench::new().with_group_location(location), Target::default());
        bench.run(&source, &target);
        assert_eq!(target.memberships().into_keys().collect::<Vec<_>>(), created);
    }
    for (location, label) in [
        (json!({"groupDN": "cn=typo,dc=x"}), "Groups Group DN"),
        (json!({"groupDN": "typo"}), "Groups Group DN"),
        (json!({"filter": "(x"}), "Groups Filter"),
    ] {
        let bench = Bench::new().with_group_location(location);
        assert!(bench.run_error(&source, &Target::default()).to_string().contains(label));
    }
}

#[test]
fn a_group_that_belongs_to_a_new_entry_is_not_deleted_with_the_old_entry() {
    let (bench, target) = (Bench::for_groups(&[]), Target::default());
    bench.run(&with_groups(&["ada"], &[("old", "staff", &["ada"])]), &target);
    target.take_operations();
    let (events, _, result) = bench.cycle(&with_groups(&["ada"], &[("new", "staff", &["ada"])]), &target);
    result.unwrap();
    assert_eq!(target.take_operations(), ["update #staff"]);
    let old = events.iter().find(|e| e.source_id == "old").unwrap().result.clone().unwrap();
    assert!(old.warnings[0].contains("new"), "{old:?}");
    bench.run(&with_groups(&["ada"], &[("new", "staff", &["ada"])]), &target);
    assert_eq!(target.take_operations(), [""; 0]);
}

#[test]
fn a_preview_of_groups_lists_the_members_that_the_run_would_create() {
    /// Creates nothing, and so returns no ids of new groups and users.
    struct PreviewTarget(Target);
    impl Provisioner for PreviewTarget {
        fn check(&self) -> Result<Vec<String>, Failure> {
            self.0.check()
        }
        fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
            self.0.find(id, identifier)
        }
        fn create(&self, _: &Record) -> Result<OperationResult, Failure> {
            Ok(Report::new(Outcome::Created, None).into())
        }
        fn update(&self, record: &Record) -> Result<OperationResult, Failure> {
            result(Outcome::Updated, record.known_id().unwrap())
        }
        fn remove(&self, record: &Record) -> Result<OperationResult, Failure> {
            result(Outcome::Disabled, record.known_id().unwrap())
        }
        fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
            self.0.find_group(id, name)
        }
        fn create_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
            let added = group.members.iter().flatten().filter_map(|m| m.known_id().map(str::to_owned)).collect();
            let members = MemberChanges { added, removed: Vec::new() };
            Ok(OperationResult { members, ..Report::new(Outcome::Created, None).into() })
        }
        fn update_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
            let before = self.0.members(group.known_id().unwrap());
            let listed: Vec<_> =
                group.members.iter().flatten().filter_map(|m| m.known_id().map(str::to_owned)).collect();
            let members = MemberChanges {
                added: listed.iter().filter(|id| !before.contains(id)).cloned().collect(),
                removed: before.iter().filter(|id| !listed.contains(id)).cloned().collect(),
            };
            let outcome = if members == MemberChanges::default() { Outcome::Unchanged } else { Outcome::Updated };
            Ok(OperationResult { members, ..result(outcome, group.known_id().unwrap())? })
        }
        fn delete_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
            result(Outcome::Deleted, group.known_id().unwrap())
        }
        fn close(&self) -> Vec<String> {
            Vec::new()
        }
    }
    let (mut bench, target) = (Bench::for_groups(&[]), Target::default());
    let before = with_groups(&["ada", "bob"], &[("1", "staff", &["ada", "bob"]), ("2", "old", &[]), ("3", "all", &[])]);
    bench.run(&before, &target);
    bench.options.preview = true;
    let after = with_groups(
        &["ada", "eve"],
        &[("1", "staff", &["ada", "eve", "bob"]), ("3", "all", &["#new", "#staff"]), ("4", "new", &["eve", "#all"])],
    );
    let (events, summary, result) = bench.cycle(&after, &PreviewTarget(target));
    result.unwrap();
    let members = |name: &str| events.iter().find(|e| e.identifier == name).unwrap().members.clone();
    let changes = |added: &[&str], removed: &[&str]| MemberChanges {
        added: added.iter().map(|s| (*s).to_owned()).collect(),
        removed: removed.iter().map(|s| (*s).to_owned()).collect(),
    };
    assert_eq!(members("staff"), changes(&["eve"], &["bob"]));
    assert_eq!(members("all"), changes(&["new", "staff"], &[]));
    assert_eq!(members("new"), changes(&["all", "eve"], &[]));
    assert_eq!(summary.groups.outcomes, [(Outcome::Created, 1), (Outcome::Updated, 2), (Outcome::Deleted, 1)].into());
    assert!(events.iter().all(|e| e.result.as_ref().unwrap().warnings.is_empty()));
}
