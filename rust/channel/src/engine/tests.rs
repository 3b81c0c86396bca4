//! Cycles against a target in memory.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use pfscim_core::connector::{GroupRecord, UnlistedMembers};
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
use crate::mapping::Rules;
use crate::provisioner::{MemberChanges, OperationResult, Provisioner};
use crate::source::Source;
use crate::state::{Owner, State, UserRow};

/// A directory of `name=status` entries.
#[derive(Default)]
struct Directory(Vec<Entry>);

impl Directory {
    fn of(users: &[&str]) -> Self {
        let mut all = Self::default();
        users.iter().for_each(|user| all.add(user, user, &[]));
        all
    }

    fn add(&mut self, guid: &str, uid: &str, more: &[(&str, &str)]) {
        let mut entry = Entry::new(format!("uid={uid},dc=x"));
        for (name, value) in
            [("objectClass", "person"), ("entryUUID", guid), ("uid", uid), ("sn", uid)].iter().chain(more)
        {
            entry.push(name, Value::from(*value));
        }
        self.0.push(entry);
    }

    fn numbered(count: usize) -> Self {
        let mut all = Self::default();
        (0..count).for_each(|n| all.add(&format!("g{n}"), &format!("u{n}"), &[]));
        all
    }
}

impl Source for Directory {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.0.iter().cloned().try_for_each(each)
    }
}

/// Groups of a directory, by GUID: name and members (users as `ada`, groups as `#staff`).
fn with_groups(users: &[&str], groups: &[(&str, &str, &[&str])]) -> Directory {
    let mut all = Directory::of(users);
    for (guid, name, members) in groups {
        let mut entry = Entry::new(format!("cn={name},dc=x"));
        for (attribute, value) in [("objectClass", "group"), ("entryUUID", guid), ("cn", name)] {
            entry.push(attribute, Value::from(value));
        }
        for member in *members {
            let dn = member.strip_prefix('#').map_or(format!("uid={member},dc=x"), |group| format!("CN={group}, DC=x"));
            entry.push("member", Value::from(dn.as_str()));
        }
        all.0.push(entry);
    }
    all
}

/// A target that keeps users by id, notes what it was asked, and fails where it is told to.
#[derive(Default)]
struct Target {
    users: Mutex<BTreeMap<String, Record>>,
    groups: Mutex<BTreeMap<String, GroupRecord>>,
    asked: Mutex<Vec<String>>,
    /// Identifier (or `check`) to the failure of every operation on it.
    failing: Mutex<HashMap<String, Failure>>,
    skipping: AtomicBool,
}

impl Target {
    fn with(users: &[(&str, &str)]) -> Self {
        let target = Self::default();
        for (id, name) in users {
            target.users.lock().unwrap().insert((*id).to_owned(), user(name));
        }
        target
    }

    fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.sort();
        asked
    }

    fn active(&self) -> Vec<String> {
        let users = self.users.lock().unwrap();
        let mut active: Vec<_> =
            users.values().filter(|r| r.enabled).map(|r| r.first("userName").unwrap().to_owned()).collect();
        active.sort();
        active
    }

    fn fail(&self, what: &str, failure: Failure) {
        self.failing.lock().unwrap().insert(what.to_owned(), failure);
    }

    fn heal(&self) {
        self.failing.lock().unwrap().clear();
    }

    /// What the groups are called and who is in them, by id.
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

    fn note(&self, call: &str, record: &Record) -> Result<(), Failure> {
        self.noted(call, record.first("userName").unwrap_or_default())
    }

    fn noted(&self, call: &str, name: &str) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(format!("{call} {name}"));
        self.failing.lock().unwrap().get(name).cloned().map_or(Ok(()), Err)
    }
}

fn user(name: &str) -> Record {
    Record { enabled: true, fields: [("userName".to_owned(), vec![name.to_owned()])].into(), ..Record::default() }
}

fn done(outcome: Outcome, id: &str) -> Result<OperationResult, Failure> {
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
        self.note("create", record)?;
        if self.skipping.load(Ordering::Relaxed) {
            return Ok(Report::new(Outcome::Skipped, None).into());
        }
        let id = format!("t-{}", record.first("userName").unwrap());
        self.users.lock().unwrap().insert(id.clone(), record.clone());
        done(Outcome::Created, &id)
    }

    fn update(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.note("update", record)?;
        let id = record.id.clone().unwrap();
        self.users.lock().unwrap().insert(id.clone(), record.clone());
        done(if record.enabled { Outcome::Updated } else { Outcome::Disabled }, &id)
    }

    fn remove(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.note("remove", record)?;
        let id = record.id.clone().unwrap();
        match self.users.lock().unwrap().get_mut(&id) {
            Some(user) => user.enabled = false,
            None => return done(Outcome::AlreadyGone, &id),
        }
        done(Outcome::Disabled, &id)
    }

    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        let groups = self.groups.lock().unwrap();
        let by_name = || groups.iter().find(|(_, g)| g.name == name).map(|(id, _)| id.clone());
        Ok(id.filter(|id| groups.contains_key(*id)).map(str::to_owned).or_else(by_name))
    }

    fn create_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.noted("create", &format!("#{}", group.name))?;
        self.put(&format!("t-{}", group.name), group, Outcome::Created)
    }

    fn update_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.noted("update", &format!("#{}", group.name))?;
        self.put(group.id.as_deref().unwrap(), group, Outcome::Updated)
    }

    fn delete_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.noted("delete", &format!("#{}", group.name))?;
        let id = group.id.clone().unwrap();
        let gone = self.groups.lock().unwrap().remove(&id).is_none();
        done(if gone { Outcome::AlreadyGone } else { Outcome::Deleted }, &id)
    }

    fn close(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What was told of a cycle.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl CycleObserver for Told {
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
}

impl Bench {
    fn new() -> Self {
        Self::with(json!([{"fieldName": "title", "saasFieldInfo": {"attributeNames": ["title"]}}]))
    }

    fn with(more: Json) -> Self {
        let mut rows = vec![
            json!({"fieldName": "userName", "saasFieldInfo": {"attributeNames": ["uid"]}}),
            json!({"fieldName": "workEmail", "saasFieldInfo": {"attributeNames": ["uid"]}}),
            json!({"fieldName": "givenName", "saasFieldInfo": {"attributeNames": ["sn"]}}),
            json!({"fieldName": "familyName", "saasFieldInfo": {"attributeNames": ["sn"]}}),
        ];
        rows.extend(more.as_array().unwrap().iter().cloned());
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
        Self { channel, settings: settings(&[]), folder, options: CycleOptions::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Provisions groups too: those that the filter finds.
    fn grouped(settings: &[(&str, &str)]) -> Self {
        let bench = Self { settings: self::settings(settings), ..Self::new() };
        bench.located(json!({"filter": "(cn=*)"}))
    }

    fn located(mut self, location: Json) -> Self {
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

    fn cycle(&self, source: &Directory, target: &Target) -> (Vec<Event>, Summary, Result<(), Error>) {
        self.cycle_with(source, target)
    }

    fn cycle_with(&self, source: &Directory, target: &dyn Provisioner) -> (Vec<Event>, Summary, Result<(), Error>) {
        let open = if self.options.preview { State::preview } else { State::open };
        let state = open(&self.path(), &Self::owner()).unwrap();
        let rules = Rules::new(&self.channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap();
        let told = Told::default();
        let cycle = Cycle {
            channel: &self.channel,
            rules: &rules,
            settings: &self.settings,
            source,
            state: &state,
            provisioner: target,
            observer: &told,
            options: self.options,
        };
        let (summary, result) = cycle.run();
        (told.0.into_inner().unwrap(), summary, result)
    }

    fn runs(&self, source: &Directory, target: &Target) -> Summary {
        let (_, summary, result) = self.cycle(source, target);
        result.unwrap();
        summary
    }

    fn refused(&self, source: &Directory, target: &Target) -> Error {
        self.cycle(source, target).2.unwrap_err()
    }

    fn known(&self, guid: &str) -> Option<UserRow> {
        let state = State::preview(&self.path(), &Self::owner()).unwrap();
        state.users(&self.settings.digest()).unwrap().remove(guid)
    }
}

fn settings(more: &[(&str, &str)]) -> Settings {
    let pairs = [("SCIM_URL", "http://127.0.0.1/"), ("REMOVE_ACTION", "Disable")];
    Settings::parse(pairs.iter().chain(more).copied()).unwrap()
}

fn count(summary: &Summary, outcome: Outcome) -> usize {
    summary.users.outcomes.get(&outcome).copied().unwrap_or(0)
}

#[test]
fn a_first_cycle_creates_and_links_and_the_next_one_sends_nothing() {
    let (bench, target) = (Bench::new(), Target::with(&[("t-1", "ada")]));
    let source = Directory::of(&["ada", "bob"]);
    bench.runs(&source, &target);
    assert_eq!(target.asked(), ["create bob", "update ada"]);
    assert_eq!(bench.known("ada").unwrap().target_id.as_deref(), Some("t-1"));
    let summary = bench.runs(&source, &target);
    assert_eq!(target.asked(), [""; 0]);
    assert_eq!(count(&summary, Outcome::Unchanged), 2);
}

#[test]
fn only_what_changed_is_sent() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    target.asked();
    let mut changed = Directory::of(&["ada"]);
    changed.add("bob", "bob", &[("title", "Dr")]);
    bench.runs(&changed, &target);
    assert_eq!(target.asked(), ["update bob"]);
}

#[test]
fn the_state_file_contains_no_value_but_the_identifier() {
    let (bench, target) = (Bench::new(), Target::default());
    let mut source = Directory::default();
    source.add("g1", "ada", &[("title", "Analytical Engineer")]);
    bench.runs(&source, &target);
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
    bench.runs(&source, &target);
    assert_eq!(target.users.lock().unwrap()["t-ada"].first("title"), Some("Ms"));
    target.asked();
    let mut changed = Directory::default();
    changed.add("ada", "ada", &[("title", "Dr")]);
    bench.runs(&changed, &target);
    assert_eq!(target.asked(), [""; 0]);
}

#[test]
fn a_leaver_is_removed_by_the_stored_id_and_comes_back_to_the_same_account() {
    let (bench, target) = (Bench::new(), Target::with(&[("t-1", "ada")]));
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    target.asked();
    bench.runs(&Directory::of(&["bob"]), &target);
    assert_eq!(target.asked(), ["remove ada"]);
    assert_eq!(target.active(), ["bob"]);
    bench.runs(&Directory::of(&["bob"]), &target);
    assert_eq!(target.asked(), [""; 0]);
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    assert_eq!(target.asked(), ["update ada"]);
    assert_eq!(target.active(), ["ada", "bob"]);
}

#[test]
fn a_user_disabled_in_the_source_is_updated_as_disabled() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    target.asked();
    let mut source = Directory::of(&["bob"]);
    source.add("ada", "ada", &[("locked", "TRUE")]);
    let summary = bench.runs(&source, &target);
    assert_eq!(target.asked(), ["update ada"]);
    assert_eq!(count(&summary, Outcome::Disabled), 1);
    assert_eq!(target.active(), ["bob"]);
}

#[test]
fn what_failed_is_tried_again() {
    let (bench, target) = (Bench::new(), Target::default());
    let source = Directory::of(&["ada", "bob"]);
    target.fail("ada", Failure::Rejected("no".into()));
    let (events, summary, result) = bench.cycle(&source, &target);
    assert_eq!((summary.failed(), result), (1, Ok(())));
    assert!(events.iter().any(|e| e.identifier == "ada" && e.result.is_err()));
    target.heal();
    target.asked();
    bench.runs(&source, &target);
    assert_eq!(target.asked(), ["create ada"]);

    target.fail("ada", Failure::Rejected("no".into()));
    bench.runs(&Directory::of(&["bob"]), &target);
    target.heal();
    target.asked();
    bench.runs(&Directory::of(&["bob"]), &target);
    assert_eq!(target.asked(), ["remove ada"]);
}

#[test]
fn values_that_were_sent_but_not_confirmed_are_sent_again_even_if_they_go_back() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["ada"]), &target);
    let mut changed = Directory::default();
    changed.add("ada", "ada", &[("title", "Dr")]);
    target.fail("ada", Failure::transport("lost"));
    bench.runs(&changed, &target);
    target.heal();
    target.asked();
    bench.runs(&Directory::of(&["ada"]), &target);
    assert_eq!(target.asked(), ["update ada"]);
}

#[test]
fn too_many_removals_stop_the_run_before_anything_is_sent() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::numbered(30), &target);
    target.asked();
    let before = std::fs::read(bench.path()).unwrap();
    let told = bench.refused(&Directory::numbered(19), &target);
    assert!(
        matches!(&told, Error::Guard(_))
            && told.to_string().starts_with("11 of 30 ")
            && told.to_string().contains("u29")
            && told.to_string().contains("--max-removals 11"),
        "{told}"
    );
    assert_eq!(target.asked(), [""; 0]);
    assert_eq!(std::fs::read(bench.path()).unwrap(), before);
    assert_eq!(count(&bench.runs(&Directory::numbered(20), &target), Outcome::Disabled), 10);

    bench.options.max_removals = Some(3);
    assert!(matches!(bench.refused(&Directory::numbered(16), &target), Error::Guard(_)));
    bench.runs(&Directory::numbered(17), &target);
}

#[test]
fn a_fifth_of_many_users_may_leave() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::numbered(100), &target);
    assert!(matches!(bench.refused(&Directory::numbered(79), &target), Error::Guard(_)));
    bench.runs(&Directory::numbered(80), &target);
}

#[test]
fn users_that_a_wrong_status_would_disable_count_as_removals() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::numbered(30), &target);
    let mut locked = Directory::default();
    (0..30).for_each(|n| locked.add(&format!("g{n}"), &format!("u{n}"), &[("locked", "true")]));
    assert!(matches!(bench.refused(&locked, &target), Error::Guard(_)));
}

#[test]
fn a_source_without_any_user_removes_nobody_unless_told_to() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    assert!(matches!(bench.refused(&Directory::default(), &target), Error::Guard(_)));
    assert_eq!(target.active(), ["ada", "bob"]);
    bench.options.max_removals = Some(2);
    bench.runs(&Directory::default(), &target);
    assert_eq!(target.active(), [""; 0]);
}

#[test]
fn a_source_that_breaks_off_changes_nothing() {
    struct Broken;
    impl Source for Broken {
        fn read(&self, search: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
            Directory::of(&["ada"]).read(search, each)?;
            Err(Error::unusable("x.ldif: line 9: cut off"))
        }
    }
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    target.asked();
    let state = State::open(&bench.path(), &Bench::owner()).unwrap();
    let rules = Rules::new(&bench.channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap();
    let cycle = Cycle {
        channel: &bench.channel,
        rules: &rules,
        settings: &bench.settings,
        source: &Broken,
        state: &state,
        provisioner: &target,
        observer: &Told::default(),
        options: CycleOptions { max_removals: Some(100), ..CycleOptions::default() },
    };
    assert!(cycle.run().1.unwrap_err().to_string().contains("line 9"));
    assert_eq!(target.asked(), [""; 0]);
}

#[test]
fn users_without_or_with_the_same_guid_stop_the_run() {
    let (bench, target) = (Bench::new(), Target::default());
    let mut twice = Directory::of(&["ada"]);
    twice.add("ada", "eve", &[]);
    assert!(bench.refused(&twice, &target).to_string().contains("another user has"));
    let mut none = Directory::of(&["ada"]);
    none.add("", "eve", &[]);
    assert!(bench.refused(&none, &target).to_string().contains("uid=eve,dc=x has no entryUUID"));
    assert!(!bench.path().exists());
}

#[test]
fn of_two_records_with_one_identifier_only_the_first_is_provisioned() {
    let (bench, target) = (Bench::new(), Target::default());
    let mut source = Directory::of(&["ada"]);
    source.add("other", "ADA", &[]);
    let (events, summary, _) = bench.cycle(&source, &target);
    assert_eq!(summary.failed(), 1);
    let failed = events.iter().find_map(|e| e.result.as_ref().err()).unwrap();
    assert_eq!(failed.code(), "conflict");
    assert_eq!(target.asked(), ["create ada"]);
}

#[test]
fn a_record_without_identifier_fails_and_is_not_a_removal() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    target.asked();
    let mut source = Directory::of(&["ada"]);
    let mut entry = Entry::new("cn=bob,dc=x");
    entry.push("objectClass", Value::from("person"));
    entry.push("entryUUID", Value::from("bob"));
    source.0.push(entry);
    assert_eq!(bench.runs(&source, &target).failed(), 1);
    assert_eq!(target.asked(), [""; 0]);
    assert_eq!(target.active(), ["ada", "bob"]);
}

#[test]
fn an_account_that_belongs_to_a_new_record_is_not_removed_with_the_old_one() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    target.asked();
    let mut moved = Directory::of(&["bob"]);
    moved.add("new", "ada", &[]);
    let (events, _, result) = bench.cycle(&moved, &target);
    result.unwrap();
    assert_eq!(target.asked(), ["update ada"]);
    assert_eq!(target.active(), ["ada", "bob"]);
    let old = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone().unwrap();
    assert_eq!(old.outcome, Outcome::AlreadyGone);
    assert!(old.warnings[0].contains("new"));
    assert_eq!((bench.known("ada"), bench.known("new").unwrap().target_id.as_deref()), (None, Some("t-ada")));
}

#[test]
fn an_account_is_kept_while_its_new_record_cannot_be_linked() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    let mut moved = Directory::of(&["bob"]);
    moved.add("new", "ada", &[]);
    target.fail("ada", Failure::Rejected("no".into()));
    assert_eq!(bench.runs(&moved, &target).failed(), 2);
    assert_eq!(target.active(), ["ada", "bob"]);
    target.heal();
    bench.runs(&moved, &target);
    assert_eq!(target.active(), ["ada", "bob"]);
    assert_eq!(bench.known("ada"), None);
}

#[test]
fn an_account_of_one_record_is_not_taken_over_by_another() {
    let (bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    // Bob takes Ada's name while she fails to get a new one: her account is still hers.
    target.asked();
    target.fail("eve", Failure::Rejected("no".into()));
    let mut source = Directory::default();
    source.add("ada", "eve", &[]);
    source.add("new", "ada", &[]);
    source.add("bob", "bob", &[]);
    let (events, ..) = bench.cycle(&source, &target);
    let taken = events.iter().find(|e| e.source_id == "new").unwrap().result.clone().unwrap_err();
    assert_eq!(taken.code(), "conflict");
    assert_eq!(target.asked(), ["update eve"]);
}

#[test]
fn a_failure_that_stops_the_session_ends_the_cycle_and_keeps_the_state_true() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::of(&["leaver"]), &target);
    bench.options.max_removals = Some(1);
    target.asked();
    target.fail("bob", Failure::AuthFailed("no".into()));
    let source = Directory::of(&["ada", "bob"]);
    let (_, summary, result) = bench.cycle(&source, &target);
    assert!(matches!(result, Err(Error::Stopped(message)) if message.text().contains("auth_failed")));
    assert_eq!(summary.failed(), 1);
    assert!(!target.asked().contains(&"remove leaver".to_owned()));
    target.heal();
    bench.runs(&source, &target);
    assert_eq!(target.active(), ["ada", "bob"]);
}

#[test]
fn a_target_that_cannot_be_reached_leaves_no_state_behind() {
    let (bench, target) = (Bench::new(), Target::default());
    target.fail("check", Failure::transport("refused"));
    assert!(matches!(bench.refused(&Directory::of(&["ada"]), &target), Error::Stopped(_)));
    target.fail("check", Failure::Config("SCIM URL: no".into()));
    assert!(matches!(bench.refused(&Directory::of(&["ada"]), &target), Error::Configuration(_)));
    assert!(!bench.path().exists());
}

#[test]
fn what_a_switch_held_back_is_clean_until_the_settings_change() {
    let (mut bench, target) = (Bench::new(), Target::default());
    let source = Directory::of(&["ada"]);
    target.skipping.store(true, Ordering::Relaxed);
    assert_eq!(count(&bench.runs(&source, &target), Outcome::Skipped), 1);
    target.asked();
    bench.runs(&source, &target);
    assert_eq!(target.asked(), [""; 0]);
    target.skipping.store(false, Ordering::Relaxed);
    bench.settings = settings(&[("RESULTS_PER_PAGE", "7")]);
    bench.runs(&source, &target);
    assert_eq!(target.asked(), ["create ada"]);
}

#[test]
fn a_preview_asks_the_same_and_keeps_nothing() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.options.preview = true;
    bench.runs(&Directory::of(&["ada"]), &target);
    assert_eq!(target.asked(), ["create ada"]);
    assert!(!bench.path().exists());
}

#[test]
fn a_preview_shows_everything_and_then_that_the_guard_would_refuse() {
    let (mut bench, target) = (Bench::new(), Target::default());
    bench.runs(&Directory::numbered(30), &target);
    bench.options.preview = true;
    let before = std::fs::read(bench.path()).unwrap();
    let (_, summary, result) = bench.cycle(&Directory::numbered(5), &target);
    assert!(matches!(result, Err(Error::Guard(_))));
    assert_eq!(count(&summary, Outcome::Disabled), 25);
    assert_eq!(std::fs::read(bench.path()).unwrap(), before);
}

#[test]
fn a_user_who_was_never_linked_leaves_without_a_call() {
    let (mut bench, target) = (Bench::new(), Target::default());
    target.fail("ada", Failure::transport("lost"));
    bench.runs(&Directory::of(&["ada", "bob"]), &target);
    target.heal();
    target.asked();
    bench.options.max_removals = Some(5);
    let (events, ..) = bench.cycle(&Directory::of(&["bob"]), &target);
    assert_eq!(target.asked(), [""; 0]);
    let left = events.iter().find(|e| e.source_id == "ada").unwrap().result.clone().unwrap();
    assert!(left.warnings[0].contains("not known"));
    assert_eq!(bench.known("ada"), None);
}

fn group_count(summary: &Summary, outcome: Outcome) -> usize {
    summary.groups.outcomes.get(&outcome).copied().unwrap_or(0)
}

#[test]
fn groups_follow_their_users_and_the_next_cycle_sends_nothing() {
    let (bench, target) = (Bench::grouped(&[]), Target::with(&[("t-1", "ada")]));
    let source = with_groups(&["ada", "bob"], &[("s", "staff", &["ada", "bob", "outsider"])]);
    let summary = bench.runs(&source, &target);
    assert_eq!(target.asked(), ["create #staff", "create bob", "update ada"]);
    assert_eq!(target.members("t-staff"), ["t-1", "t-bob"]);
    assert_eq!((group_count(&summary, Outcome::Created), count(&summary, Outcome::Created)), (1, 1));
    let summary = bench.runs(&source, &target);
    assert_eq!(target.asked(), [""; 0]);
    assert_eq!(group_count(&summary, Outcome::Unchanged), 1);
}

#[test]
fn a_membership_counts_from_either_side_and_the_last_member_really_leaves() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    let mut source = with_groups(&["ada"], &[("s", "staff", &["ada"])]);
    bench.runs(&source, &target);
    source.add("bob", "bob", &[("memberOf", "CN=Staff,DC=X")]);
    bench.runs(&source, &target);
    assert_eq!(target.members("t-staff"), ["t-ada", "t-bob"]);
    target.asked();
    bench.runs(&with_groups(&["ada", "bob"], &[("s", "staff", &[])]), &target);
    assert_eq!(target.asked(), ["update #staff"]);
    assert_eq!(target.members("t-staff"), [""; 0]);
}

#[test]
fn where_groups_are_merged_only_those_that_were_sent_before_are_taken_out() {
    let mut bench = Bench::grouped(&[]);
    bench.channel.merge_groups = true;
    let target = Target::default();
    let unlisted_members = || target.groups.lock().unwrap().values().next().unwrap().unlisted_members.clone();
    bench.runs(&with_groups(&["ada", "bob"], &[("s", "Staff", &["ada", "bob"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::KEEP_ALL, "nobody was sent before");
    target.fail("#Staff", Failure::transport("away"));
    bench.runs(&with_groups(&["ada", "bob"], &[("s", "Staff", &["ada"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::KEEP_ALL, "it did not arrive");
    target.heal();
    bench.runs(&with_groups(&["ada", "bob"], &[("s", "Staff", &["ada"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::Keep { except: vec!["t-bob".into()] });
    bench.runs(&with_groups(&["ada", "bob"], &[("s", "Team", &["ada"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::KEEP_ALL, "bob is out already");
    bench.channel.merge_groups = false;
    bench.runs(&with_groups(&["ada", "bob"], &[("s", "Staff", &["ada"])]), &target);
    assert_eq!(unlisted_members(), UnlistedMembers::Remove);
}

#[test]
fn a_renamed_group_is_updated_and_keeps_its_id() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    bench.runs(&with_groups(&["ada"], &[("s", "staff", &["ada"])]), &target);
    target.asked();
    bench.runs(&with_groups(&["ada"], &[("s", "team", &["ada"])]), &target);
    assert_eq!(target.asked(), ["update #team"]);
    assert_eq!(target.memberships()["t-staff"].0, "team");
}

#[test]
fn the_name_is_the_cn_or_the_whole_dn() {
    let (bench, target) = (Bench::grouped(&[("GROUP_NAME_SOURCE", "Distinguished Name")]), Target::default());
    bench.runs(&with_groups(&["ada"], &[("s", "staff", &[])]), &target);
    assert_eq!(target.asked(), ["create #cn=staff,dc=x", "create ada"]);
}

#[test]
fn nested_groups_stay_nested_and_come_before_those_that_hold_them() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    let source = with_groups(
        &["ada"],
        &[("1", "all", &["#staff", "#elsewhere"]), ("2", "staff", &["#team"]), ("3", "team", &["ada", "#team"])],
    );
    bench.runs(&source, &target);
    let made: Vec<_> = target.memberships().into_values().map(|(_, members)| members).collect();
    assert_eq!(made, [["t-staff"], ["t-team"], ["t-ada"]]);
    let all = target.groups.lock().unwrap()["t-all"].members.clone().unwrap();
    assert!(all[0].is_group);
}

#[test]
fn groups_that_hold_each_other_are_completed_in_the_same_cycle() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    let source =
        with_groups(&[], &[("1", "a", &["#b"]), ("2", "b", &["#c"]), ("3", "c", &["#a"]), ("4", "d", &["#a"])]);
    let (events, ..) = bench.cycle(&source, &target);
    for (holder, member) in [("t-a", "t-b"), ("t-b", "t-c"), ("t-c", "t-a"), ("t-d", "t-a")] {
        assert_eq!(target.members(holder), [member]);
    }
    assert!(events.iter().all(|e| e.result.as_ref().unwrap().warnings.is_empty()));
    target.asked();
    bench.runs(&source, &target);
    assert_eq!(target.asked(), [""; 0]);
}

#[test]
fn a_member_without_account_is_named_and_joins_once_it_has_one() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    let source = with_groups(&["ada", "bob"], &[("s", "staff", &["ada", "bob"])]);
    target.fail("bob", Failure::Rejected("no".into()));
    let (events, ..) = bench.cycle(&source, &target);
    let staff = events.iter().find(|e| e.kind == RecordKind::Group).unwrap().result.clone().unwrap();
    assert_eq!(staff.warnings, ["1 members without a target id were not sent: bob"]);
    assert_eq!(target.members("t-staff"), ["t-ada"]);
    target.heal();
    bench.runs(&source, &target);
    assert_eq!(target.members("t-staff"), ["t-ada", "t-bob"]);
}

#[test]
fn who_left_is_no_member_any_more_and_a_user_who_cannot_be_read_stays_one() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    bench.runs(&with_groups(&["ada", "bob"], &[("s", "staff", &["ada", "bob"])]), &target);
    let mut source = with_groups(&[], &[("s", "staff", &["ada", "bob"])]);
    let mut entry = Entry::new("uid=bob,dc=x");
    entry.push("objectClass", Value::from("person"));
    entry.push("entryUUID", Value::from("bob"));
    source.0.push(entry);
    assert_eq!(bench.runs(&source, &target).users.failed, 1);
    assert_eq!(target.members("t-staff"), ["t-bob"]);
}

#[test]
fn a_group_that_left_the_scope_is_deleted_by_its_stored_id() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    bench.runs(&with_groups(&["ada"], &[("s", "staff", &["ada"]), ("t", "team", &[])]), &target);
    target.asked();
    let summary = bench.runs(&with_groups(&["ada"], &[("t", "team", &[])]), &target);
    assert_eq!(target.asked(), ["delete #staff"]);
    assert_eq!(group_count(&summary, Outcome::Deleted), 1);
    bench.runs(&with_groups(&["ada"], &[("t", "team", &[])]), &target);
    assert_eq!(target.asked(), [""; 0]);
}

#[test]
fn a_group_that_failed_is_sent_again_and_one_that_could_not_be_deleted_too() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    let both = with_groups(&["ada"], &[("s", "staff", &["ada"]), ("t", "team", &[])]);
    target.fail("#staff", Failure::Rejected("no".into()));
    let summary = bench.runs(&both, &target);
    assert_eq!((summary.users.failed, summary.groups.failed), (0, 1));
    target.heal();
    target.asked();
    bench.runs(&both, &target);
    assert_eq!(target.asked(), ["create #staff"]);
    let left = with_groups(&["ada"], &[("t", "team", &[])]);
    target.fail("#staff", Failure::Rejected("no".into()));
    bench.runs(&left, &target);
    target.heal();
    target.asked();
    bench.runs(&left, &target);
    assert_eq!(target.asked(), ["delete #staff"]);
}

#[test]
fn members_that_were_sent_but_not_confirmed_are_sent_again_even_if_they_go_back() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    let before = with_groups(&["ada"], &[("s", "staff", &["ada"])]);
    bench.runs(&before, &target);
    target.fail("#staff", Failure::transport("lost"));
    bench.runs(&with_groups(&["ada"], &[("s", "staff", &[])]), &target);
    target.heal();
    target.asked();
    bench.runs(&before, &target);
    assert_eq!(target.asked(), ["update #staff"]);
}

#[test]
fn deleted_groups_count_in_the_guard_and_are_named() {
    let (mut bench, target) = (Bench::grouped(&[]), Target::default());
    let groups: Vec<_> = (0..12).map(|n| (format!("g{n}"), format!("team{n}"))).collect();
    let some = |from: usize| -> Directory {
        let groups: Vec<(&str, &str, &[&str])> =
            groups[from..].iter().map(|(guid, name)| (guid.as_str(), name.as_str(), &[][..])).collect();
        with_groups(&["ada"], &groups)
    };
    bench.runs(&some(0), &target);
    target.asked();
    let told = bench.refused(&some(11), &target).to_string();
    assert!(told.starts_with("11 of 13 known users and groups") && told.contains("group team10"), "{told}");
    assert_eq!(target.asked(), [""; 0]);
    let told = bench.refused(&with_groups(&["ada"], &[]), &target).to_string();
    assert!(told.contains("none of the 12 known groups"), "{told}");
    bench.options.max_removals = Some(12);
    bench.runs(&with_groups(&["ada"], &[]), &target);
    assert!(target.memberships().is_empty());
}

#[test]
fn without_a_location_groups_are_left_alone() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    bench.runs(&with_groups(&["ada"], &[("s", "staff", &["ada"])]), &target);
    target.asked();
    let bench = bench.located(json!({"filter": " ", "groupDN": ""}));
    bench.runs(&with_groups(&["ada"], &[]), &target);
    assert_eq!(target.asked(), [""; 0]);
    let bench = bench.located(json!({"filter": "(cn=*)"}));
    let summary = bench.runs(&with_groups(&["ada"], &[("s", "staff", &["ada"])]), &target);
    assert_eq!(group_count(&summary, Outcome::Unchanged), 1);
}

#[test]
fn one_group_that_is_not_fit_stops_no_other_and_is_not_emptied() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    let good = with_groups(&["ada"], &[("s", "staff", &["ada"]), ("t", "team", &["ada"])]);
    bench.runs(&good, &target);
    target.asked();
    let mut bad = with_groups(&["ada"], &[("s", "staff", &[]), ("t", "team", &[]), ("u", "STAFF", &[])]);
    let at = bad.0.iter().position(|e| e.dn == "cn=staff,dc=x").unwrap();
    bad.0[at].push("member", Value::new(vec![0xff]));
    let (events, summary, result) = bench.cycle(&bad, &target);
    result.unwrap();
    assert_eq!(target.asked(), ["create #STAFF", "update #team"]);
    assert_eq!((summary.groups.failed, target.members("t-staff")), (1, vec!["t-ada".to_owned()]));
    let told = events.iter().find_map(|e| e.result.as_ref().err()).unwrap();
    assert!(told.to_string().contains("Group Member Attribute"), "{told}");

    let (bench, target) = (Bench::grouped(&[]), Target::default());
    let twins = with_groups(&["ada"], &[("s", "staff", &[]), ("u", "STAFF", &[])]);
    let (events, ..) = bench.cycle(&twins, &target);
    assert_eq!(events.iter().find_map(|e| e.result.as_ref().err()).unwrap().code(), "conflict");
    assert_eq!(target.asked(), ["create #staff", "create ada"]);
}

#[test]
fn groups_without_or_with_the_same_guid_stop_the_run() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    let twice = with_groups(&["ada"], &[("s", "staff", &[]), ("s", "team", &[])]);
    assert!(bench.refused(&twice, &target).to_string().contains("another group has"));
    let none = with_groups(&["ada"], &[("", "staff", &[])]);
    assert!(bench.refused(&none, &target).to_string().contains("cn=staff,dc=x has no entryUUID"));
    assert_eq!(target.asked(), [""; 0]);
}

#[test]
fn a_group_dn_selects_the_groups_in_it() {
    let source = with_groups(
        &["ada"],
        &[("1", "top", &["#staff"]), ("2", "staff", &["#team"]), ("3", "team", &["ada"]), ("4", "other", &["ada"])],
    );
    for (location, made) in [
        (json!({"groupDN": "cn=top,dc=x"}), &["t-staff"][..]),
        (json!({"groupDN": "cn=top,dc=x", "nestedSearch": true}), &["t-staff", "t-team"]),
        (json!({"groupDN": "cn=top,dc=x", "nestedSearch": true, "filter": "(cn=t*)"}), &["t-team"]),
    ] {
        let (bench, target) = (Bench::new().located(location), Target::default());
        bench.runs(&source, &target);
        assert_eq!(target.memberships().into_keys().collect::<Vec<_>>(), made);
    }
    for (location, words) in [
        (json!({"groupDN": "cn=typo,dc=x"}), "Groups Group DN"),
        (json!({"groupDN": "typo"}), "Groups Group DN"),
        (json!({"filter": "(x"}), "Groups Filter"),
    ] {
        let bench = Bench::new().located(location);
        assert!(bench.refused(&source, &Target::default()).to_string().contains(words));
    }
}

#[test]
fn a_group_of_a_new_entry_is_not_deleted_with_the_old_one() {
    let (bench, target) = (Bench::grouped(&[]), Target::default());
    bench.runs(&with_groups(&["ada"], &[("old", "staff", &["ada"])]), &target);
    target.asked();
    let (events, _, result) = bench.cycle(&with_groups(&["ada"], &[("new", "staff", &["ada"])]), &target);
    result.unwrap();
    assert_eq!(target.asked(), ["update #staff"]);
    let old = events.iter().find(|e| e.source_id == "old").unwrap().result.clone().unwrap();
    assert!(old.warnings[0].contains("new"), "{old:?}");
    bench.runs(&with_groups(&["ada"], &[("new", "staff", &["ada"])]), &target);
    assert_eq!(target.asked(), [""; 0]);
}

#[test]
fn a_preview_of_groups_counts_the_members_that_the_run_would_make() {
    /// Makes nothing, and so has no ids to tell.
    struct Dry(Target);
    impl Provisioner for Dry {
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
            done(Outcome::Updated, record.known_id().unwrap())
        }
        fn remove(&self, record: &Record) -> Result<OperationResult, Failure> {
            done(Outcome::Disabled, record.known_id().unwrap())
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
            let now = self.0.members(group.known_id().unwrap());
            let wanted: Vec<_> =
                group.members.iter().flatten().filter_map(|m| m.known_id().map(str::to_owned)).collect();
            let members = MemberChanges {
                added: wanted.iter().filter(|id| !now.contains(id)).cloned().collect(),
                removed: now.iter().filter(|id| !wanted.contains(id)).cloned().collect(),
            };
            let outcome = if members == MemberChanges::default() { Outcome::Unchanged } else { Outcome::Updated };
            Ok(OperationResult { members, ..done(outcome, group.known_id().unwrap())? })
        }
        fn delete_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
            done(Outcome::Deleted, group.known_id().unwrap())
        }
        fn close(&self) -> Vec<String> {
            Vec::new()
        }
    }
    let (mut bench, target) = (Bench::grouped(&[]), Target::default());
    let before = with_groups(&["ada", "bob"], &[("1", "staff", &["ada", "bob"]), ("2", "old", &[]), ("3", "all", &[])]);
    bench.runs(&before, &target);
    bench.options.preview = true;
    let after = with_groups(
        &["ada", "eve"],
        &[("1", "staff", &["ada", "eve", "bob"]), ("3", "all", &["#new", "#staff"]), ("4", "new", &["eve", "#all"])],
    );
    let (events, summary, result) = bench.cycle_with(&after, &Dry(target));
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
