//! Cycles against a target in memory.

use std::path::PathBuf;

use pfscim_core::mapping::Catalogue;
use pfscim_core::target::Version;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::*;
use crate::source::{Entry, Search, Value};
use crate::state::Owner;

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

/// A target that keeps users by id, notes what it was asked, and fails where it is told to.
#[derive(Default)]
struct Target {
    users: Mutex<BTreeMap<String, Record>>,
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

    fn note(&self, call: &str, record: &Record) -> Result<(), Failure> {
        let name = record.first("userName").unwrap_or_default();
        self.asked.lock().unwrap().push(format!("{call} {name}"));
        self.failing.lock().unwrap().get(name).cloned().map_or(Ok(()), Err)
    }
}

fn user(name: &str) -> Record {
    Record { enabled: true, fields: [("userName".to_owned(), vec![name.to_owned()])].into(), ..Record::default() }
}

fn done(outcome: Outcome, id: &str) -> Result<Done, Failure> {
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

    fn create(&self, record: &Record) -> Result<Done, Failure> {
        self.note("create", record)?;
        if self.skipping.load(Ordering::Relaxed) {
            return Ok(Report::new(Outcome::Skipped, None).into());
        }
        let id = format!("t-{}", record.first("userName").unwrap());
        self.users.lock().unwrap().insert(id.clone(), record.clone());
        done(Outcome::Created, &id)
    }

    fn update(&self, record: &Record) -> Result<Done, Failure> {
        self.note("update", record)?;
        let id = record.id.clone().unwrap();
        self.users.lock().unwrap().insert(id.clone(), record.clone());
        done(if record.enabled { Outcome::Updated } else { Outcome::Disabled }, &id)
    }

    fn remove(&self, record: &Record) -> Result<Done, Failure> {
        self.note("remove", record)?;
        let id = record.id.clone().unwrap();
        match self.users.lock().unwrap().get_mut(&id) {
            Some(user) => user.enabled = false,
            None => return done(Outcome::AlreadyGone, &id),
        }
        done(Outcome::Disabled, &id)
    }

    fn close(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What was told of a cycle.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Watch for Told {
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
    options: Options<'static>,
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
        Self { channel, settings: settings(&[]), folder, options: Options::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn owner() -> Owner {
        Owner { connection: "c".into(), channel: "corp".into(), scim_url: "u".into() }
    }

    fn cycle(&self, source: &Directory, target: &Target) -> (Vec<Event>, Summary, Result<(), Error>) {
        let open = if self.options.preview { State::preview } else { State::open };
        let state = open(&self.path(), &Self::owner()).unwrap();
        let rules = Rules::new(&self.channel, &Catalogue::standard(Version::V2_0), "userName").unwrap();
        let told = Told::default();
        let cycle = Cycle {
            channel: &self.channel,
            rules: &rules,
            settings: &self.settings,
            source,
            state: &state,
            provisioner: target,
            watch: &told,
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

    fn known(&self, guid: &str) -> Option<User> {
        let state = State::preview(&self.path(), &Self::owner()).unwrap();
        state.users(&self.settings.digest()).unwrap().remove(guid)
    }
}

fn settings(more: &[(&str, &str)]) -> Settings {
    let pairs = [("SCIM_URL", "http://127.0.0.1/"), ("REMOVE_ACTION", "Disable")];
    Settings::parse(pairs.iter().chain(more).copied()).unwrap()
}

fn count(summary: &Summary, outcome: Outcome) -> usize {
    summary.outcomes.get(&outcome).copied().unwrap_or(0)
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
    assert_eq!((summary.failed, result), (1, Ok(())));
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
        matches!(&told, Error::Guard(text) if text.starts_with("11 of 30 ") && text.contains("u29") && text.contains("--max-removals 11")),
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
    let rules = Rules::new(&bench.channel, &Catalogue::standard(Version::V2_0), "userName").unwrap();
    let cycle = Cycle {
        channel: &bench.channel,
        rules: &rules,
        settings: &bench.settings,
        source: &Broken,
        state: &state,
        provisioner: &target,
        watch: &Told::default(),
        options: Options { max_removals: Some(100), ..Options::default() },
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
    assert_eq!(summary.failed, 1);
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
    assert_eq!(bench.runs(&source, &target).failed, 1);
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
    let old = events.iter().find(|e| e.source == "ada").unwrap().result.clone().unwrap();
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
    assert_eq!(bench.runs(&moved, &target).failed, 2);
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
    let taken = events.iter().find(|e| e.source == "new").unwrap().result.clone().unwrap_err();
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
    assert!(matches!(result, Err(Error::Stopped(text)) if text.contains("auth_failed")));
    assert_eq!(summary.failed, 1);
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
    let left = events.iter().find(|e| e.source == "ada").unwrap().result.clone().unwrap();
    assert!(left.warnings[0].contains("not known"));
    assert_eq!(bench.known("ada"), None);
}
