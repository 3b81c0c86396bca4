//! Tests that this version reads the files of earlier versions with the same meaning.
//!
//! There is one connection for each version, with every setting and every field of that version, and one state file
//! for each layout from 4 on, which is migrated.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pfscim_channel::Error;
use pfscim_channel::connection::{Connection, SettingValue};
use pfscim_channel::mapping::RecordMapper;
use pfscim_channel::state::{GroupRow, Owner, State, StateCounts, StateMaintenance, UserRow};
use pfscim_core::Record;
use pfscim_core::environment::Clock;
use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::{Identifier, Version};
use pfscim_core::settings::{
    Authentication, GroupNameSource, RemoveAction, Settings, UpdateMethod, catalogue, setting,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/upgrades")
}

fn connections() -> PathBuf {
    folder().join("connections")
}

fn connection(version: &str) -> Connection {
    Connection::read(&std::fs::read_to_string(connections().join(format!("{version}.json"))).unwrap()).unwrap()
}

/// Returns the versions that have a connection file.
fn versions() -> Vec<String> {
    let files = std::fs::read_dir(connections()).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Returns the settings of the Target tab, with these changes.
fn pairs(connection: &Connection, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let values = connection.target_settings.iter().filter_map(|setting| match &setting.value {
        SettingValue::Clear(value) => Some((setting.name.clone(), value.expose().to_owned())),
        SettingValue::Encrypted | SettingValue::Missing => None,
    });
    let mut pairs: Vec<_> = values.collect();
    for (name, value) in changes {
        pairs.iter_mut().find(|(setting, _)| setting == name).unwrap().1 = (*value).to_owned();
    }
    pairs
}

#[test]
fn the_connection_of_this_version_has_every_setting_and_field() {
    let current = connection(env!("CARGO_PKG_VERSION"));
    for row in catalogue() {
        assert!(current.target_settings.iter().any(|setting| setting.name == row.name), "{} is missing", row.name);
    }
    for field in Catalogue::standard(Version::V2_0).fields() {
        let mapped = current.channels[0].attribute_mapping.iter().any(|row| row.field_name == field.code);
        assert!(mapped, "{} is missing", field.code);
    }
}

#[test]
fn every_setting_of_every_version_has_an_effect() {
    for version in versions() {
        let connection = connection(&version);
        for method in setting("AUTHENTICATION_METHOD").unwrap().options {
            let chosen = ("AUTHENTICATION_METHOD", *method);
            let complete = Settings::examine(pairs(&connection, &[chosen])).expect(&version);
            for (name, _) in pairs(&connection, &[]) {
                let row = setting(&name).expect(&name);
                if name != chosen.0 && row.method.is_none_or(|m| m == *method) {
                    let without = Settings::examine(pairs(&connection, &[chosen, (&name, "")]));
                    assert_ne!(without.ok(), Some(complete.clone()), "{version}: {name} has no effect");
                }
            }
        }
    }
}

#[test]
fn every_channel_of_every_version_maps_the_same_fields() {
    for version in versions() {
        let connection = connection(&version);
        for scim in [Version::V1_1, Version::V2_0] {
            for channel in &connection.channels {
                let (mapper, errors) = RecordMapper::examine(channel, &Catalogue::standard(scim), "userName");
                assert_eq!((errors, mapper.omitted_fields), (vec![], vec![]), "{version}");
            }
        }
    }
}

#[test]
fn the_settings_of_0_1_0_have_the_same_meaning() {
    let connection = connection("0.1.0");
    let settings = Settings::parse(pairs(&connection, &[])).unwrap();
    assert_eq!(settings.scim_url.as_str(), "https://scim.example.com/v2");
    assert_eq!(settings.version, Version::V1_1);
    let Authentication::ClientCredentials { endpoint, client_id, client_secret, scopes } = &settings.authentication
    else {
        unreachable!("the connection signs in with client credentials")
    };
    assert_eq!(endpoint.as_str(), "https://login.example.com/as/token.oauth2");
    assert_eq!((client_id.as_str(), client_secret.expose()), ("pfscim", "client-secret"));
    assert_eq!(scopes, &["scim:read", "scim:write"]);
    assert_eq!(settings.identifier, Identifier::WorkEmail);
    assert_eq!(settings.filter, "emails.value eq \"%s\"");
    assert_eq!(settings.authorization_type.as_deref(), Some("Token"));
    assert_eq!((settings.users_path.as_str(), settings.groups_path.as_str()), ("/People", "/Teams"));
    assert_eq!(settings.results_per_page, Some(200));
    assert!(!settings.create && !settings.update && !settings.remove && settings.provision_disabled);
    assert_eq!(settings.remove_action, RemoveAction::Delete);
    assert_eq!(settings.group_name_source, GroupNameSource::DistinguishedName);
    assert!(settings.group_patch);
    assert_eq!(settings.extension_urns, ["urn:example:badge:1.0:User"]);
    assert_eq!(settings.update_method, UpdateMethod::Patch);
    assert_eq!(settings.max_removals, Some(25));
    assert_eq!(settings.clearable, ["title", "department"]);
    assert_eq!(settings.max_requests_per_second, Some(8));
    assert_eq!(settings.request_timeout, Duration::from_secs(12));

    let basic = Settings::parse(pairs(&connection, &[("AUTHENTICATION_METHOD", "Basic Authentication")])).unwrap();
    let Authentication::Basic { user, password } = &basic.authentication else {
        unreachable!("the connection signs in by name and password")
    };
    assert_eq!((user.as_str(), password.expose()), ("svc-scim", "basic-secret"));
    let bearer = Settings::parse(pairs(&connection, &[("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token")])).unwrap();
    let Authentication::Bearer { token } = &bearer.authentication else {
        unreachable!("the connection signs in with a token")
    };
    assert_eq!(token.expose(), "bearer-secret");

    let channel = &connection.channels[0];
    assert_eq!((channel.threads(), channel.timeout()), (4, Duration::from_secs(90)));
}

// Version 0.1.0 wrote `states/layout-4.state` in three cycles, with slapd as the source and scim2-server as the target.
// Bob left in the second cycle. Before the third cycle, Cleo's account got the identifier of Frank at the target, and
// the group `staff` got the name of `night shift`. So in the third cycle the user Frank and the group `night shift`
// failed, which were new.
const ADA: &str = "75d4a31a-7faa-1041-87a8-bf6b82d4c543";
const BOB: &str = "75d4a37e-7faa-1041-87a9-bf6b82d4c543";
const CLEO: &str = "75d4a3c4-7faa-1041-87aa-bf6b82d4c543";
const DAN: &str = "75d4a414-7faa-1041-87ab-bf6b82d4c543";
const EVE: &str = "75d4a8ec-7faa-1041-87ac-bf6b82d4c543";
const FRANK: &str = "c712061e-7faa-1041-8330-d780aa49b4f7";
const STAFF: &str = "75d4a96e-7faa-1041-87ad-bf6b82d4c543";
const NIGHT_SHIFT: &str = "c712a6b4-7faa-1041-8331-d780aa49b4f7";
const ADA_ACCOUNT: &str = "99ab830264a64286805063ec2d88a959";

/// The digest of the target settings of the last cycle, as 0.1.0 computed it.
const SETTINGS: [u8; 32] = [
    150, 56, 38, 177, 250, 187, 85, 248, 152, 179, 133, 69, 254, 15, 35, 80, 135, 241, 210, 46, 136, 221, 218, 74, 196,
    240, 148, 76, 153, 67, 225, 255,
];

fn owner() -> Owner {
    let [connection, channel, scim_url] = ["walk", "staff", "http://127.0.0.1:18043/v2"].map(str::to_owned);
    Owner { connection, channel, scim_url }
}

/// A clock that shows the hour in which the committed file was written.
struct HourOfFile;

impl Clock for HourOfFile {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn system_time(&self) -> SystemTime {
        // 2026-11-28T20:00:00Z
        UNIX_EPOCH + Duration::from_secs(1_795_896_000)
    }

    fn sleep(&self, _: Duration) {}
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(HourOfFile)
}

/// Returns a copy of the committed file: opening a state locks it and may change it.
fn layout_4() -> (tempfile::TempDir, PathBuf) {
    let folder_of_copy = tempfile::tempdir().unwrap();
    let copy = folder_of_copy.path().join("layout-4.state");
    std::fs::copy(folder().join("states/layout-4.state"), &copy).unwrap();
    (folder_of_copy, copy)
}

/// All columns of a user, with the presence of the hash only.
fn columns(user: &UserRow) -> (Option<&str>, &str, [bool; 5]) {
    let flags = [user.values_hash.is_some(), user.in_scope, user.enabled, user.dirty, user.skipped];
    (user.target_id.as_deref(), &user.identifier, flags)
}

#[test]
fn every_user_and_group_of_layout_4_is_read() {
    let (_folder, path) = layout_4();
    let state = State::open(&path, &owner(), clock()).unwrap();
    let users = state.users(b"other settings").unwrap();
    assert_eq!(users.len(), 6);
    let user = |id: &str| columns(&users[id]);
    assert_eq!(user(ADA), (Some(ADA_ACCOUNT), "ada.king@example.com", [true, true, true, false, false]));
    let bob = (Some("05ec61c4c39f4faf9ed72f23bcea8fe7"), "bob.stone@example.com", [true, false, false, false, false]);
    assert_eq!(user(BOB), bob);
    // The settings differ from those of the last run, so a skipped user is sent again.
    assert_eq!(user(DAN), (None, "dan.gone@example.com", [true, true, false, true, true]));
    assert_eq!(user(FRANK), (None, "frank.field@example.com", [false, true, false, true, false]));

    let groups = state.groups().unwrap();
    assert_eq!(groups.len(), 2);
    let staff = &groups[STAFF];
    assert_eq!((staff.target_id.as_deref(), staff.name.as_str()), (Some("c89e805c234f4d9190ffc8170d9f4c61"), "staff"));
    assert_eq!((staff.in_scope, staff.dirty, staff.members.len()), (true, false, 3));
    assert!(staff.members.contains(ADA_ACCOUNT) && staff.members.contains(users[CLEO].target_id.as_deref().unwrap()));
    let night_shift = &groups[NIGHT_SHIFT];
    assert_eq!((night_shift.target_id.as_deref(), night_shift.dirty), (None, true));
    assert_eq!(night_shift.members, [ADA_ACCOUNT.to_owned()].into());
}

/// Opens the file in every way that changes it, or in every way that does not, and returns the errors.
fn errors(path: &Path, opening: Opening) -> Vec<Error> {
    let results = match opening {
        Opening::ToWrite => [State::open(path, &owner(), clock()).map(drop), StateMaintenance::open(path).map(drop)],
        Opening::ToRead => [State::preview(path, &owner(), clock()).map(drop), StateMaintenance::read(path).map(drop)],
    };
    results.into_iter().filter_map(Result::err).collect()
}

#[derive(Clone, Copy)]
enum Opening {
    ToWrite,
    ToRead,
}

#[test]
fn a_file_of_another_layout_is_rejected_and_not_changed() {
    let not_ours = ("not a state file of this version of pfscim", "use another state file");
    let use_newer = "use that version or a newer one";
    for (layout, program, (text, hint)) in [
        (3, None, not_ours),
        (6, None, ("a newer version of pfscim wrote this state file, in layout 6", use_newer)),
        (6, Some("0.9.1"), ("version 0.9.1 of pfscim wrote this state file, in layout 6", use_newer)),
    ] {
        let (folder, path) = layout_4();
        let db = rusqlite::Connection::open(&path).unwrap();
        db.pragma_update(None, "user_version", layout).unwrap();
        if let Some(program) = program {
            db.execute("INSERT INTO about (name, value) VALUES ('program', ?1)", [program]).unwrap();
        }
        drop(db);
        let before = std::fs::read(&path).unwrap();
        let errors = [errors(&path, Opening::ToWrite), errors(&path, Opening::ToRead)].concat();
        assert_eq!(errors.len(), 4);
        for error in errors {
            assert!(error.message().text().ends_with(text), "{error}");
            assert_eq!(error.message().hint(), Some(hint));
        }
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

/// Returns all rows of layout 4, with every column of layout 4.
fn rows_of_layout_4(path: &Path) -> Vec<Vec<rusqlite::types::Value>> {
    let db = rusqlite::Connection::open(path).unwrap();
    let rows = [
        "SELECT name, value FROM about WHERE name <> 'program' ORDER BY name",
        "SELECT source_id, target_id, identifier, values_hash, in_scope, enabled, dirty, skipped, created, modified
         FROM user ORDER BY source_id",
        "SELECT source_id, version FROM entry_version ORDER BY source_id",
        "SELECT source_id, target_id, name, values_hash, in_scope, dirty, members, created, modified
         FROM user_group ORDER BY source_id",
    ]
    .map(|query| {
        let mut query = db.prepare(query).unwrap();
        let columns = query.column_count();
        let rows = query.query_map([], |row| (0..columns).map(|i| row.get(i)).collect()).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    });
    rows.concat()
}

fn layout(path: &Path) -> i32 {
    let db = rusqlite::Connection::open(path).unwrap();
    db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn copy_of_layout_4(path: &Path) -> PathBuf {
    path.with_file_name("layout-4.state.layout4")
}

#[test]
fn a_file_of_layout_4_is_copied_and_then_migrated_with_all_rows() {
    let open: [fn(&Path); 2] = [
        |path| drop(State::open(path, &owner(), clock()).unwrap()),
        |path| drop(StateMaintenance::open(path).unwrap()),
    ];
    for open in open {
        let (folder, path) = layout_4();
        let (before, rows) = (std::fs::read(&path).unwrap(), rows_of_layout_4(&path));
        open(&path);
        assert_eq!(layout(&path), 5);
        assert_eq!(rows_of_layout_4(&path), rows);
        let copy = copy_of_layout_4(&path);
        assert!(std::fs::read(&copy).unwrap() == before, "the copy differs from the file");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);

        // The second time it is a file of layout 5: it is not copied or changed.
        std::fs::remove_file(&copy).unwrap();
        let migrated = std::fs::read(&path).unwrap();
        open(&path);
        assert!(std::fs::read(&path).unwrap() == migrated, "the file was changed again");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_migrated_file_stays_locked() {
    const FILE: &str = "PFSCIM_TEST_LOCKED_FILE";
    // Locks are those of a process, so this test runs itself as another process.
    if let Some(path) = std::env::var_os(FILE) {
        let error = State::open(Path::new(&path), &owner(), clock()).unwrap_err();
        assert!(error.to_string().contains("another run is using this state file"), "{error}");
        return;
    }
    let (_folder, path) = layout_4();
    let _state = State::open(&path, &owner(), clock()).unwrap();
    let mut other = std::process::Command::new(std::env::current_exe().unwrap());
    let other = other.args(["--exact", "a_migrated_file_stays_locked"]).env(FILE, &path).output().unwrap();
    assert!(other.status.success(), "{}", String::from_utf8_lossy(&other.stdout));
}

#[test]
fn reading_a_file_of_layout_4_changes_no_file() {
    let (folder, path) = layout_4();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(errors(&path, Opening::ToRead), []);
    let preview = State::preview(&path, &owner(), clock()).unwrap();
    preview.put_user(&preview.users(b"").unwrap()[ADA].clone()).unwrap();
    assert!(std::fs::read(&path).unwrap() == before, "the file was changed");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_migration_that_fails_changes_nothing_but_leaves_the_copy() {
    let (_folder, path) = layout_4();
    // The last step of the migration fails, after tables were changed.
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE event (other)").unwrap();
    let before = std::fs::read(&path).unwrap();
    for error in errors(&path, Opening::ToWrite) {
        assert!(error.to_string().contains("table event already exists"), "{error}");
    }
    assert!(std::fs::read(&path).unwrap() == before, "the file was changed");
    assert!(std::fs::read(copy_of_layout_4(&path)).unwrap() == before, "the copy differs from the file");
    assert_eq!(errors(&path, Opening::ToWrite).len(), 2);
}

#[test]
fn without_its_copy_a_file_is_not_migrated() {
    let (_folder, path) = layout_4();
    let before = std::fs::read(&path).unwrap();
    let copy = copy_of_layout_4(&path);
    std::fs::write(&copy, "another file").unwrap();
    for error in errors(&path, Opening::ToWrite) {
        let text = "layout-4.state.layout4: the copy of layout 4 exists, and is not the state file of now";
        assert!(error.message().text().ends_with(text), "{error}");
    }
    assert_eq!(std::fs::read(&copy).unwrap(), b"another file");
    std::fs::remove_file(&copy).unwrap();
    std::fs::create_dir(&copy).unwrap();
    assert_eq!(errors(&path, Opening::ToWrite).len(), 2);
    assert!(std::fs::read(&path).unwrap() == before, "the file was changed");
    assert_eq!(errors(&path, Opening::ToRead), []);

    // The copy of an attempt that was killed before the migration.
    std::fs::remove_dir(&copy).unwrap();
    std::fs::write(&copy, &before).unwrap();
    assert_eq!(errors(&path, Opening::ToWrite), []);
    assert_eq!(layout(&path), 5);
}

#[test]
fn the_file_of_another_channel_is_not_migrated() {
    let (folder, path) = layout_4();
    let before = std::fs::read(&path).unwrap();
    let other = Owner { channel: "another".into(), ..owner() };
    State::open(&path, &other, clock()).unwrap_err();
    assert!(std::fs::read(&path).unwrap() == before, "the file was changed");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_hashes_of_layout_4_match_the_same_records() {
    let (_folder, path) = layout_4();
    let state = State::open(&path, &owner(), clock()).unwrap();
    let users = state.users(b"").unwrap();
    let sent = |title: &str| Record {
        id: None,
        enabled: true,
        fields: [
            ("userName", "ada.king@example.com"),
            ("workEmail", "ada.king@example.com"),
            ("givenName", "Ada"),
            ("familyName", "King"),
            ("displayName", "Ada King"),
            ("title", title),
            ("externalId", ADA),
        ]
        .map(|(code, value)| (code.to_owned(), vec![value.to_owned()]))
        .into(),
        masked: Default::default(),
        external_guid: None,
    };
    assert_eq!(users[ADA].values_hash, Some(state.hash(&sent("Principal Engineer"))));
    assert_ne!(users[ADA].values_hash, Some(state.hash(&sent("Engineer"))));
    let staff = state.group(STAFF).unwrap().unwrap();
    let members: Vec<_> = staff.members.iter().map(|id| (false, id.as_str())).collect();
    assert_eq!(staff.values_hash, Some(state.group_hash("staff", &members)));
}

#[test]
fn a_file_of_layout_4_is_written_and_shown() {
    let (_folder, path) = layout_4();
    let state = State::open(&path, &owner(), clock()).unwrap();
    let frank = UserRow { target_id: Some("f1".into()), dirty: false, ..state.users(b"").unwrap()[FRANK].clone() };
    state.put_user(&frank).unwrap();
    state.put_group(&GroupRow { dirty: false, ..state.group(NIGHT_SHIFT).unwrap().unwrap() }).unwrap();
    drop(state);
    let file = StateMaintenance::read(&path).unwrap();
    assert_eq!(file.owner, owner());
    let users = StateCounts { known: 6, in_scope: 5, linked: 5, dirty: 0, skipped: 1 };
    let groups = StateCounts { known: 2, in_scope: 2, linked: 1, dirty: 0, skipped: 0 };
    assert_eq!(file.counts().unwrap(), (users, groups));
    let read = [("entry versions", "3".to_owned()), ("source read whole", "2026-11-28T19:08:01Z".to_owned())];
    assert_eq!(file.watermarks().unwrap(), read.into());
}

#[test]
fn the_settings_and_entry_versions_of_the_last_cycle_are_read() {
    let (_folder, path) = layout_4();
    let about = |sql: &str| -> Vec<u8> {
        let file = rusqlite::Connection::open(&path).unwrap();
        file.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let reading = about("SELECT value FROM about WHERE name = 'reading'");
    let state = State::open(&path, &owner(), clock()).unwrap();
    // With the same settings, a skipped user is not sent again.
    assert!(!state.users(&SETTINGS).unwrap()[DAN].dirty);
    let versions = state.versions(&reading).unwrap();
    let mut source_ids: Vec<_> = versions.keys().map(String::as_str).collect();
    source_ids.sort_unstable();
    assert_eq!(source_ids, [CLEO, DAN, EVE]);
    assert!(state.versions(b"another reading").unwrap().is_empty());
    let staff = "cn\u{2}staff\u{1}ou\u{2}groups\u{1}dc\u{2}example\u{1}dc\u{2}com";
    assert_eq!(state.source_groups().unwrap(), [staff.to_owned()].into());
}
