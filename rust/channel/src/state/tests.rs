//! Tests opening, reading and writing a state.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pfscim_core::environment::Clock;
use pfscim_core::{Outcome, Record};
use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::Error;

fn owner() -> Owner {
    Owner { connection: "code42".into(), channel: "corp".into(), scim_url: "https://scim.example/".into() }
}

/// The start of 2001, in seconds since 1970.
const YEAR_2001: u64 = 978_307_200;

/// A clock that shows the time of the test, in seconds since 1970.
pub(super) struct ManualClock(Mutex<u64>);

impl ManualClock {
    pub(super) fn of_2001() -> Arc<Self> {
        Arc::new(Self(Mutex::new(YEAR_2001)))
    }

    pub(super) fn set(&self, seconds_after_2001: i64) {
        *self.0.lock().unwrap() = YEAR_2001.saturating_add_signed(seconds_after_2001);
    }
}

impl Clock for ManualClock {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn system_time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(*self.0.lock().unwrap())
    }

    fn sleep(&self, _: Duration) {}
}

fn clock() -> Arc<dyn Clock> {
    ManualClock::of_2001()
}

fn temporary_path() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.state");
    (folder, path)
}

fn jane() -> UserRow {
    UserRow {
        source_id: "1".into(),
        target_id: Some("t1".into()),
        identifier: "jane".into(),
        values_hash: Some(vec![1, 2]),
        in_scope: true,
        enabled: true,
        shown_at: Some(3),
        sent_at: Some(4),
        ..UserRow::default()
    }
}

/// Returns an open state with an existing file.
fn created(path: &Path) -> State {
    let state = State::open(path, &owner(), clock()).unwrap();
    state.begin(b"", []).unwrap();
    state
}

fn error_line(result: Result<State, Error>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn written_rows_are_read_by_the_next_run() {
    let (_folder, path) = temporary_path();
    let state = State::open(&path, &owner(), clock()).unwrap();
    assert!(!path.exists());
    state.begin(b"", [&jane()]).unwrap();
    assert!(state.users(b"").unwrap()["1"].dirty);
    state.put_user(&jane()).unwrap();
    drop(state);
    let state = State::open(&path, &owner(), clock()).unwrap();
    assert_eq!(state.users(b"").unwrap()["1"], jane());
    assert_eq!(state.other_linked_user("t1", "2").unwrap().as_deref(), Some("1"));
    assert_eq!(state.other_linked_user("t1", "1").unwrap(), None);
    state.forget_user("1", Outcome::Deleted).unwrap();
    assert!(state.users(b"").unwrap().is_empty());
}

#[test]
fn groups_and_users_with_the_same_source_id_are_separate() {
    let (_folder, path) = temporary_path();
    let staff = GroupRow {
        source_id: "1".into(),
        target_id: Some("g1".into()),
        name: "Staff".into(),
        values_hash: Some(vec![3]),
        in_scope: true,
        dirty: true,
        members: ["t1\n".to_owned(), "t2".to_owned()].into(),
        shown_at: Some(5),
        sent_at: Some(6),
    };
    let state = created(&path);
    state.put_user(&jane()).unwrap();
    state.put_group(&staff).unwrap();
    state.put_group(&GroupRow { dirty: false, ..staff.clone() }).unwrap();
    drop(state);
    let state = State::open(&path, &owner(), clock()).unwrap();
    assert_eq!(state.groups().unwrap()["1"], GroupRow { dirty: false, ..staff.clone() });
    assert_eq!(state.group("1").unwrap().unwrap().name, "Staff");
    assert_eq!(state.other_linked_group("g1", "2").unwrap().as_deref(), Some("1"));
    assert_eq!(state.other_linked_group("g1", "1").unwrap(), None);
    assert_eq!(state.target_ids().unwrap(), [("1".to_owned(), "t1".to_owned())].into());
    assert_eq!(state.names().unwrap().len(), 2);
    state.forget_group("1", Outcome::Deleted).unwrap();
    assert_eq!(state.group("1").unwrap(), None);
    assert_eq!(state.users(b"").unwrap().len(), 1);
}

#[test]
fn the_hash_of_a_group_depends_on_its_name_and_the_set_of_its_members() {
    let hash = |name: &str, members: &[(bool, &str)]| HASHING.group_hash(name, members);
    let staff = hash("Staff", &[(false, "a"), (true, "b")]);
    assert_eq!(staff, hash("Staff", &[(true, "b"), (false, "a"), (false, "a")]));
    for other in [
        hash("Team", &[(false, "a"), (true, "b")]),
        hash("Staff", &[(false, "a"), (false, "b")]),
        hash("Staff", &[(false, "a")]),
        hash("Staff", &[(false, "ab")]),
    ] {
        assert_ne!(staff, other);
    }
}

#[test]
fn the_times_of_a_row_come_from_the_clock() {
    let (_folder, path) = temporary_path();
    let clock = ManualClock::of_2001();
    let state = State::open(&path, &owner(), clock.clone()).unwrap();
    state.begin(b"", [&jane()]).unwrap();
    let staff = GroupRow { source_id: "9".into(), name: "Staff".into(), ..GroupRow::default() };
    state.put_group(&staff).unwrap();
    state.put_versions(b"ldap", &HashMap::new(), true).unwrap();
    clock.set(60);
    state.put_user(&jane()).unwrap();
    state.put_group(&staff).unwrap();
    drop(state);
    let file = StateMaintenance::read(&path).unwrap();
    assert_eq!(file.watermarks().unwrap()["source read whole"], "2001-01-01T00:00:00Z");
    let entries = file.entries().unwrap();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!((entry.created.as_str(), entry.modified.as_str()), ("2001-01-01T00:00:00Z", "2001-01-01T00:01:00Z"));
    }
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_or_write_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path) = temporary_path();
    created(&path);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_second_run_is_rejected() {
    let (_folder, path) = temporary_path();
    let first = created(&path);
    assert!(error_line(State::open(&path, &owner(), clock())).contains("another run"));
    assert!(error_line(State::preview(&path, &owner(), clock())).contains("another run"));
    drop(first);
    State::open(&path, &owner(), clock()).unwrap();
}

#[test]
fn a_preview_changes_no_file() {
    let (folder, path) = temporary_path();
    let missing = State::preview(&path, &owner(), clock()).unwrap();
    missing.begin(b"", [&jane()]).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    created(&path).put_user(&jane()).unwrap();
    let before = std::fs::read(&path).unwrap();
    let preview = State::preview(&path, &owner(), clock()).unwrap();
    assert_eq!(preview.users(b"").unwrap().len(), 1);
    preview.forget_user("1", Outcome::Deleted).unwrap();
    preview.begin(b"x", []).unwrap();
    drop(preview);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_of_another_channel_or_target_is_rejected() {
    let (_folder, path) = temporary_path();
    created(&path);
    for (other, found) in [
        (Owner { connection: "x".into(), ..owner() }, "connection `code42`"),
        (Owner { channel: "x".into(), ..owner() }, "channel `corp`"),
        (Owner { scim_url: "x".into(), ..owner() }, "SCIM URL `https://scim.example/`"),
    ] {
        assert!(error_line(State::open(&path, &other, clock())).contains(found));
        assert!(error_line(State::preview(&path, &other, clock())).contains(found));
    }
}

#[test]
fn a_damaged_file_does_not_count_as_empty() {
    let (_folder, path) = temporary_path();
    let state = created(&path);
    let many: Vec<_> = (0..500).map(|n| UserRow { source_id: n.to_string(), ..jane() }).collect();
    state.begin(b"", &many).unwrap();
    drop(state);
    let intact = std::fs::read(&path).unwrap();
    let mut overwritten = intact.clone();
    let middle = intact.len() / 2;
    overwritten[middle..middle + 2000].fill(0x5a);
    for content in [Vec::new(), intact[..intact.len() / 2].to_vec(), b"not a database at all".repeat(100), overwritten]
    {
        std::fs::write(&path, &content).unwrap();
        assert!(error_line(State::open(&path, &owner(), clock())).contains("damaged"));
        assert!(error_line(State::preview(&path, &owner(), clock())).contains("damaged"));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

#[test]
fn a_run_killed_inside_a_transaction_leaves_the_rows_from_before() {
    let (folder, path) = temporary_path();
    let many: Vec<_> = (0..2000).map(|n| UserRow { source_id: n.to_string(), ..jane() }).collect();
    created(&path).begin(b"", &many).unwrap();
    // A killed process leaves the files as they are in the middle of a transaction.
    let killed = folder.path().join("killed.state");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA cache_size = 1; BEGIN; UPDATE user SET target_id = 'half';").unwrap();
    for suffix in ["", "-journal"] {
        std::fs::copy(format!("{}{suffix}", path.display()), format!("{}{suffix}", killed.display())).unwrap();
    }
    drop(db);
    let journal = format!("{}-journal", killed.display());
    let files = || [killed.display().to_string(), journal.clone()].map(|f| std::fs::read(f).unwrap());
    let before = files();
    let preview = State::preview(&killed, &owner(), clock()).unwrap();
    assert!(preview.users(b"").unwrap().values().all(|u| u.target_id.as_deref() == Some("t1")));
    assert_eq!(files(), before);
    let state = State::open(&killed, &owner(), clock()).unwrap();
    assert!(state.users(b"").unwrap().values().all(|u| u.target_id.as_deref() == Some("t1")));
}

/// Returns the tombstones of a state: source id, target id, identifier, `left_at`, what closed it.
fn tombstones(state: &State) -> Vec<(String, String, String, i64, String)> {
    let db = state.db();
    let mut query = db
        .prepare("SELECT source_id, target_id, identifier, left_at, closed FROM tombstone ORDER BY kind, target_id")
        .unwrap();
    let rows =
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_forgotten_row_leaves_a_tombstone_for_400_days_if_it_was_linked() {
    let clock = ManualClock::of_2001();
    let state = State::in_memory(&owner(), clock.clone()).unwrap();
    let second = UserRow { target_id: Some("t2".into()), ..jane() };
    let never_linked = UserRow { source_id: "2".into(), target_id: None, ..jane() };
    for (user, closed) in [
        (&jane(), Outcome::Deleted),
        (&second, Outcome::Deleted),
        (&never_linked, Outcome::Skipped),
        (&second, Outcome::AlreadyGone),
    ] {
        state.put_user(user).unwrap();
        state.forget_user(&user.source_id, closed).unwrap();
    }
    let staff =
        GroupRow { source_id: "1".into(), target_id: Some("g1".into()), name: "Staff".into(), ..GroupRow::default() };
    state.put_group(&staff).unwrap();
    state.forget_group("1", Outcome::Deleted).unwrap();
    assert!(state.users(b"").unwrap().is_empty() && state.groups().unwrap().is_empty());
    let left_at = i64::try_from(YEAR_2001).unwrap();
    let expected =
        [("1", "t1", "jane", "deleted"), ("1", "t2", "jane", "already-gone"), ("1", "g1", "Staff", "deleted")]
            .map(|(source, target, name, closed)| (source.into(), target.into(), name.into(), left_at, closed.into()));
    assert_eq!(tombstones(&state), expected);

    clock.set(400 * 86_400);
    state.begin(b"", []).unwrap();
    assert_eq!(tombstones(&state).len(), 3);
    clock.set(400 * 86_400 + 1);
    state.begin_on_demand([]).unwrap();
    assert_eq!(tombstones(&state).len(), 3, "a cycle did not begin");
    state.begin(b"", []).unwrap();
    assert_eq!(tombstones(&state), []);
}

#[test]
fn a_row_and_its_tombstone_change_together() {
    let state = State::in_memory(&owner(), clock()).unwrap();
    state.put_user(&jane()).unwrap();
    let reject = "CREATE TRIGGER x BEFORE DELETE ON user BEGIN SELECT RAISE(ABORT, 'test'); END";
    state.db().execute_batch(reject).unwrap();
    state.forget_user("1", Outcome::Deleted).unwrap_err();
    assert_eq!(tombstones(&state), []);
    assert_eq!(state.users(b"").unwrap()["1"], jane());
}

#[test]
fn counted_events_are_deleted_after_a_day() {
    let clock = ManualClock::of_2001();
    let state = State::in_memory(&owner(), clock.clone()).unwrap();
    let event = format!("INSERT INTO event (at, kind, n) VALUES ({YEAR_2001}, 'x', 2)");
    state.db().execute_batch(&event).unwrap();
    for (seconds, expected) in [(86_400, 1), (86_401, 0)] {
        clock.set(seconds);
        state.begin(b"", []).unwrap();
        let count: i64 = state.db().query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap();
        assert_eq!(count, expected, "{seconds}");
    }
}

#[test]
fn what_core_learnt_is_returned_as_it_was_written() {
    let state = State::in_memory(&owner(), clock()).unwrap();
    assert_eq!(state.learnt().unwrap(), None);
    for json in [r#"{"a":1}"#, r#"{"b":"ü"}"#] {
        state.put_learnt(json).unwrap();
        assert_eq!(state.learnt().unwrap().as_deref(), Some(json));
    }
}

#[test]
fn writing_a_row_keeps_the_hashes_that_it_does_not_have() {
    let state = State::in_memory(&owner(), clock()).unwrap();
    let staff = GroupRow { source_id: "9".into(), name: "Staff".into(), ..GroupRow::default() };
    state.put_user(&jane()).unwrap();
    state.put_group(&staff).unwrap();
    state
        .db()
        .execute_batch("UPDATE user SET field_hashes = x'01', not_kept = x'02'; UPDATE user_group SET not_kept = x'03'")
        .unwrap();
    state.put_user(&UserRow { dirty: true, ..jane() }).unwrap();
    state.begin(b"", [&jane()]).unwrap();
    state.put_group(&GroupRow { dirty: true, ..staff }).unwrap();
    let query = "SELECT hex(field_hashes) || hex(not_kept) || (SELECT hex(not_kept) FROM user_group) FROM user";
    let hashes: String = state.db().query_row(query, [], |row| row.get(0)).unwrap();
    assert_eq!(hashes, "010203");
}

#[test]
fn a_file_names_the_version_that_last_opened_it_to_write() {
    let (_folder, path) = temporary_path();
    drop(created(&path));
    let program = |db: &Connection| -> String {
        db.query_row("SELECT value FROM about WHERE name = 'program'", [], |row| row.get(0)).unwrap()
    };
    let open: [fn(&Path); 2] = [
        |path| drop(State::open(path, &owner(), clock()).unwrap()),
        |path| drop(StateMaintenance::open(path).unwrap()),
    ];
    for open in open {
        let db = Connection::open(&path).unwrap();
        assert_eq!(program(&db), env!("CARGO_PKG_VERSION"));
        db.execute_batch("UPDATE about SET value = '0.0.1' WHERE name = 'program'").unwrap();
        drop(db);
        drop(State::preview(&path, &owner(), clock()).unwrap());
        assert_eq!(program(&Connection::open(&path).unwrap()), "0.0.1");
        open(&path);
    }
    assert_eq!(program(&Connection::open(&path).unwrap()), env!("CARGO_PKG_VERSION"));
}

#[test]
fn after_a_change_of_settings_skipped_users_are_dirty() {
    let (_folder, path) = temporary_path();
    let state = created(&path);
    state.begin(b"one", []).unwrap();
    state.put_user(&UserRow { skipped: true, ..jane() }).unwrap();
    state.put_user(&UserRow { source_id: "2".into(), ..jane() }).unwrap();
    assert!(state.users(b"one").unwrap().values().all(|u| !u.dirty));
    let users = state.users(b"two").unwrap();
    assert!(users["1"].dirty && !users["2"].dirty);
}

#[test]
fn versions_are_returned_for_the_same_reading_and_for_a_day() {
    let (_folder, path) = temporary_path();
    let clock = ManualClock::of_2001();
    let state = State::open(&path, &owner(), clock.clone()).unwrap();
    state.begin(b"", []).unwrap();
    let versions = HashMap::from([("1".to_owned(), b"v1".to_vec())]);
    assert!(state.versions(b"ldap").unwrap().is_empty());
    state.put_versions(b"ldap", &versions, true).unwrap();
    assert_eq!(state.versions(b"ldap").unwrap(), versions);
    assert!(state.versions(b"another mapping").unwrap().is_empty());
    state.put_versions(b"ldap", &versions, false).unwrap();
    assert_eq!(state.versions(b"ldap").unwrap(), versions);

    // A clock goes back when it is corrected.
    for (seconds, is_valid) in [(86_400, true), (86_401, false), (-1, false)] {
        clock.set(seconds);
        assert_eq!(!state.versions(b"ldap").unwrap().is_empty(), is_valid, "{seconds}");
    }

    state.put_versions(b"ldap", &versions, true).unwrap();
    state.put_versions(b"", &HashMap::new(), true).unwrap();
    assert!(state.versions(b"ldap").unwrap().is_empty(), "a file was read in between");
    assert!(state.versions(b"").unwrap().is_empty());
}

#[test]
fn a_reopened_state_has_what_was_committed() {
    let (_folder, path) = temporary_path();
    for state in [created(&path), State::in_memory(&owner(), clock()).unwrap()] {
        state.put_user(&jane()).unwrap();
        let record = Record { enabled: true, ..Record::default() };
        let hash = state.hash(&record);
        state.db().execute_batch("BEGIN; UPDATE user SET target_id = 'half';").unwrap();
        let state = state.reopen().unwrap();
        assert_eq!(state.users(b"").unwrap()["1"], jane());
        assert_eq!(state.hash(&record), hash);
        state.db().execute_batch("UPDATE about SET value = X'78' WHERE name = 'channel'").unwrap();
        assert!(error_line(state.reopen()).contains("channel `x`"), "the checks of `open`");
    }
}

#[test]
fn a_reopened_state_without_a_file_still_creates_it() {
    let (_folder, path) = temporary_path();
    let state = State::open(&path, &owner(), clock()).unwrap().reopen().unwrap();
    assert!(!path.exists());
    state.begin(b"", []).unwrap();
    assert!(path.exists());
}

#[test]
fn the_slower_of_two_first_runs_is_rejected() {
    let (_folder, path) = temporary_path();
    let slow = State::open(&path, &owner(), clock()).unwrap();
    created(&path);
    assert!(slow.begin(b"", []).unwrap_err().to_string().contains("another run"));
}

#[test]
fn two_files_hash_the_same_record_differently() {
    let (_a, first) = temporary_path();
    let (_b, second) = temporary_path();
    let record = Record { enabled: true, ..Record::default() };
    let hashes = [first, second].map(|p| State::open(&p, &owner(), clock()).unwrap().hash(&record));
    assert_ne!(hashes[0], hashes[1]);
}

static HASHING: LazyLock<State> = LazyLock::new(|| State::preview(Path::new("nowhere"), &owner(), clock()).unwrap());

fn records() -> impl Strategy<Value = Record> {
    let fields = proptest::collection::btree_map("[ab]{1,2}", proptest::collection::vec("[ab]{0,2}", 0..3), 0..3);
    (any::<bool>(), fields).prop_map(|(enabled, fields)| Record { enabled, fields, ..Record::default() })
}

proptest! {
    #[test]
    fn hashes_are_equal_for_equal_records_only(a in records(), b in records()) {
        let state = &*HASHING;
        prop_assert_eq!(state.hash(&a), state.hash(&a.clone()));
        prop_assert_eq!(state.hash(&a) == state.hash(&b), (a.enabled, a.fields) == (b.enabled, b.fields));
    }
}
