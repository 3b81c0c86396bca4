//! What a channel remembers of its last cycles, one SQLite file a channel: PingFederate's columns for users
//! and groups, and whose file it is. Values are kept as keyed hashes only. May not know what an operation does.
//!
//! A file is made whole or not at all, readable by its owner only; it is locked while a run uses it; every change is
//! one transaction. A damaged file is an error, never an empty one.

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use pfscim_core::Record;
use pfscim_core::text::printable;
use rusqlite::backup::StepResult;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, params};
use sha2::Sha256;

use crate::Error;

/// `pfsc`: tells our files from other SQLite files.
const APPLICATION_ID: i32 = 0x7066_7363;
/// The layout below.
const LAYOUT: i32 = 4;
const SCHEMA: &str = "
    CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE user (
        source_id TEXT PRIMARY KEY, target_id TEXT, identifier TEXT NOT NULL, values_hash BLOB,
        in_scope INTEGER NOT NULL, enabled INTEGER NOT NULL, dirty INTEGER NOT NULL, skipped INTEGER NOT NULL,
        created TEXT NOT NULL, modified TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX user_target ON user (target_id);
    CREATE TABLE entry_version (source_id TEXT PRIMARY KEY, version BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE user_group (
        source_id TEXT PRIMARY KEY, target_id TEXT, name TEXT NOT NULL, values_hash BLOB,
        in_scope INTEGER NOT NULL, dirty INTEGER NOT NULL, members TEXT NOT NULL, created TEXT NOT NULL,
        modified TEXT NOT NULL
    ) WITHOUT ROWID;
";

/// Whose state it is. A file of another channel or target would remove strangers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The connection's id.
    pub connection: String,
    /// The channel's name.
    pub channel: String,
    /// *SCIM URL*.
    pub scim_url: String,
}

/// What is known of one user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The entry GUID.
    pub source_id: String,
    /// The target's id; none until an account is linked.
    pub target_id: Option<String>,
    /// The value of the unique user identifier.
    pub identifier: String,
    /// The keyed hash of the values that were sent; none until something was.
    pub values_hash: Option<Vec<u8>>,
    /// Selected by the source location.
    pub in_scope: bool,
    /// The account status that was sent.
    pub enabled: bool,
    /// Has to be sent (again).
    pub dirty: bool,
    /// The last operation was held back by a provisioning option.
    pub skipped: bool,
}

/// What is known of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// The entry GUID.
    pub source_id: String,
    /// The target's id; none until a group is linked.
    pub target_id: Option<String>,
    /// Its name at the target.
    pub name: String,
    /// The keyed hash of name and members that were sent; none until something was.
    pub values_hash: Option<Vec<u8>>,
    /// Selected by the source location.
    pub in_scope: bool,
    /// Has to be sent (again).
    pub dirty: bool,
    /// Target ids of the members that were sent, or may have been: those that may be taken out again.
    pub members: BTreeSet<String>,
}

/// An open state. Serves many threads.
#[derive(Debug)]
pub struct State {
    name: String,
    key: Vec<u8>,
    db: Mutex<Connection>,
    /// Where the file is to be made by the first [`State::begin`].
    unborn: Mutex<Option<PathBuf>>,
}

impl State {
    /// Opens the file for a run. One that is not there yet is made by the first [`State::begin`]: a run that finds
    /// its source or target unusable leaves nothing behind.
    ///
    /// # Errors
    /// It is another channel's, in use, damaged or not writable.
    pub fn open(path: &Path, owner: &Owner) -> Result<Self, Error> {
        if !path.exists() {
            let mut state = Self::preview(path, owner)?;
            state.unborn = Mutex::new(Some(path.to_owned()));
            return Ok(state);
        }
        let name = shown(path);
        not_empty(path, &name)?;
        let db = locked(path).map_err(|e| unusable(&name, &e))?;
        Self::examined(db, name, owner)
    }

    /// A copy in memory: what a run would start with, without a trace in the file. A file that is not there yet is
    /// an empty state.
    ///
    /// # Errors
    /// As [`State::open`].
    pub fn preview(path: &Path, owner: &Owner) -> Result<Self, Error> {
        let name = shown(path);
        if path.exists() {
            return Self::examined(copied(path, &name)?, name, owner);
        }
        let mut empty = Connection::open_in_memory().map_err(|e| unusable(&name, &e))?;
        lay_out(&mut empty, owner).map_err(|e| unusable(&name, &e))?;
        Self::examined(empty, name, owner)
    }

    /// Whether the database is whole, ours and this channel's.
    fn examined(db: Connection, name: String, owner: &Owner) -> Result<Self, Error> {
        whole(&db, &name)?;
        for (what, expected) in owner.about() {
            let found = about(&db, &name, what)?;
            if found != expected.as_bytes() {
                return Err(Error::unusable(format!(
                    "{name}: belongs to the {what} `{}`, not to `{}`; use another state file",
                    printable(&String::from_utf8_lossy(&found)),
                    printable(expected)
                )));
            }
        }
        let key = about(&db, &name, "key")?;
        Ok(Self { name, key, db: Mutex::new(db), unborn: Mutex::new(None) })
    }

    /// Everybody who is known, by source id. Where the target settings are not those of the last run, everybody whom
    /// a switch held back then is to be tried again, so dirty.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn users(&self, settings: &[u8]) -> Result<HashMap<String, User>, Error> {
        let digest = self.digest(settings);
        let db = self.db();
        let read = || -> rusqlite::Result<HashMap<String, User>> {
            let known: Option<Vec<u8>> =
                db.query_row("SELECT value FROM about WHERE name = 'settings'", [], |row| row.get(0)).optional()?;
            // Without any, nobody but single users was ever tried.
            let changed = known.is_none_or(|known| known != digest);
            let mut query = db.prepare(
                "SELECT source_id, target_id, identifier, values_hash, in_scope, enabled, dirty, skipped FROM user",
            )?;
            let users = query.query_map([], |row| {
                Ok(User {
                    source_id: row.get(0)?,
                    target_id: row.get(1)?,
                    identifier: row.get(2)?,
                    values_hash: row.get(3)?,
                    in_scope: row.get(4)?,
                    enabled: row.get(5)?,
                    dirty: row.get(6)?,
                    skipped: row.get(7)?,
                })
            })?;
            users
                .map(|user| {
                    let user = user?;
                    Ok((user.source_id.clone(), User { dirty: user.dirty || (changed && user.skipped), ..user }))
                })
                .collect()
        };
        read().map_err(|e| unusable(&self.name, &e))
    }

    /// The source id of the record in scope, other than `source_id`, that is linked to this account.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn holder(&self, target_id: &str, source_id: &str) -> Result<Option<String>, Error> {
        self.db()
            .query_row(
                "SELECT source_id FROM user WHERE target_id = ?1 AND source_id <> ?2 AND in_scope LIMIT 1",
                [target_id, source_id],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| self.stopped(&e))
    }

    /// The target ids of the users in scope, by source id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn linked(&self) -> Result<HashMap<String, String>, Error> {
        self.pairs("SELECT source_id, target_id FROM user WHERE in_scope AND target_id IS NOT NULL")
    }

    /// What everybody at the target is called, users and groups, by target id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn names(&self) -> Result<HashMap<String, String>, Error> {
        self.pairs(
            "SELECT target_id, identifier FROM user WHERE target_id IS NOT NULL
             UNION ALL SELECT target_id, name FROM user_group WHERE target_id IS NOT NULL",
        )
    }

    fn pairs(&self, query: &str) -> Result<HashMap<String, String>, Error> {
        let db = self.db();
        let read = || -> rusqlite::Result<HashMap<String, String>> {
            db.prepare(query)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(|e| self.stopped(&e))
    }

    /// Every group that is known, by source id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn groups(&self) -> Result<HashMap<String, Group>, Error> {
        let db = self.db();
        let read = || -> rusqlite::Result<HashMap<String, Group>> {
            let mut query = db.prepare(&format!("{GROUPS} ORDER BY source_id"))?;
            query.query_map([], group)?.map(|group| group.map(|g| (g.source_id.clone(), g))).collect()
        };
        read().map_err(|e| unusable(&self.name, &e))
    }

    /// What is known of one group.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn group(&self, source_id: &str) -> Result<Option<Group>, Error> {
        self.db()
            .query_row(&format!("{GROUPS} WHERE source_id = ?1"), [source_id], group)
            .optional()
            .map_err(|e| self.stopped(&e))
    }

    /// The source id of the group in scope, other than `source_id`, that is linked to this group of the target.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn group_holder(&self, target_id: &str, source_id: &str) -> Result<Option<String>, Error> {
        self.db()
            .query_row(
                "SELECT source_id FROM user_group WHERE target_id = ?1 AND source_id <> ?2 AND in_scope LIMIT 1",
                [target_id, source_id],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| self.stopped(&e))
    }

    /// Writes what is known of a group now.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_group(&self, group: &Group) -> Result<(), Error> {
        let members = serde_json::json!(group.members).to_string();
        let values = params![
            group.source_id,
            group.target_id,
            group.name,
            group.values_hash,
            group.in_scope,
            group.dirty,
            members
        ];
        let db = self.db();
        let write = || {
            db.prepare_cached(
                "INSERT INTO user_group
                 (source_id, target_id, name, values_hash, in_scope, dirty, members, created, modified)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, strftime('%FT%TZ'), strftime('%FT%TZ'))
                 ON CONFLICT (source_id) DO UPDATE SET target_id = ?2, name = ?3, values_hash = ?4, in_scope = ?5,
                 dirty = ?6, members = ?7, modified = strftime('%FT%TZ')",
            )?
            .execute(values)
        };
        write().map(|_| ()).map_err(|e| self.stopped(&e))
    }

    /// Forgets a group.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget_group(&self, source_id: &str) -> Result<(), Error> {
        self.db()
            .execute("DELETE FROM user_group WHERE source_id = ?1", [source_id])
            .map(|_| ())
            .map_err(|e| self.stopped(&e))
    }

    /// Whether a user has an account at the target.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn is_linked(&self, source_id: &str) -> Result<bool, Error> {
        self.db()
            .query_row("SELECT target_id IS NOT NULL FROM user WHERE source_id = ?1", [source_id], |row| row.get(0))
            .optional()
            .map(|linked| linked.unwrap_or(false))
            .map_err(|e| self.stopped(&e))
    }

    /// Writes down, before anything is sent, with which settings and for whom: whatever happens, it is sent again
    /// until it is known to have arrived.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn begin<'u>(&self, settings: &[u8], users: impl IntoIterator<Item = &'u User>) -> Result<(), Error> {
        self.write_down(Some(self.digest(settings)), users)
    }

    /// The same for a run that is not about everybody: with which settings the others were last tried stays.
    ///
    /// # Errors
    /// As [`State::begin`].
    pub fn begin_some<'u>(&self, users: impl IntoIterator<Item = &'u User>) -> Result<(), Error> {
        self.write_down(None, users)
    }

    fn write_down<'u>(
        &self,
        settings: Option<Vec<u8>>,
        users: impl IntoIterator<Item = &'u User>,
    ) -> Result<(), Error> {
        let mut db = self.db();
        if let Some(path) = self.unborn.lock().unwrap_or_else(PoisonError::into_inner).take() {
            *db = create(&path, &db, &self.name)?;
        }
        let write = || {
            let transaction = db.transaction()?;
            if let Some(digest) = &settings {
                transaction.execute("INSERT OR REPLACE INTO about (name, value) VALUES ('settings', ?1)", [digest])?;
            }
            for user in users {
                put(&transaction, &User { dirty: true, ..user.clone() })?;
            }
            transaction.commit()
        };
        write().map_err(|e| self.stopped(&e))
    }

    /// The names of the groups that the source held in the last cycle.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn source_groups(&self) -> Result<BTreeSet<String>, Error> {
        let text: Option<String> = self
            .db()
            .query_row("SELECT CAST(value AS TEXT) FROM about WHERE name = 'groups'", [], |row| row.get(0))
            .optional()
            .map_err(|e| self.stopped(&e))?;
        Ok(text.unwrap_or_default().lines().map(str::to_owned).collect())
    }

    /// Writes the names of the groups that the source holds now. Such a name is one line: [`crate::directory::dn::Dn::key`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_source_groups(&self, groups: &BTreeSet<String>) -> Result<(), Error> {
        let text = groups.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        self.db()
            .execute("INSERT OR REPLACE INTO about (name, value) VALUES ('groups', ?1)", [text])
            .map(|_| ())
            .map_err(|e| self.stopped(&e))
    }

    /// Writes what is known of a user now.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put(&self, user: &User) -> Result<(), Error> {
        put(&self.db(), user).map_err(|e| self.stopped(&e))
    }

    /// Forgets a user.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget(&self, source_id: &str) -> Result<(), Error> {
        self.db()
            .execute("DELETE FROM user WHERE source_id = ?1", [source_id])
            .map(|_| ())
            .map_err(|e| self.stopped(&e))
    }

    /// The versions in which entries were last read, as hashes by source id. None where they were read in another way
    /// (`reading`), or where everything was last read more than a day ago: whatever a directory fails to tell is
    /// noticed then.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn versions(&self, reading: &[u8]) -> Result<HashMap<String, Vec<u8>>, Error> {
        let db = self.db();
        let read = || -> rusqlite::Result<HashMap<String, Vec<u8>>> {
            let valid: i64 = db.query_row(
                "SELECT count(*) FROM about WHERE (name = 'reading' AND value = ?1)
                 OR (name = 'read_whole' AND unixepoch() - value BETWEEN 0 AND 86400)",
                [reading],
                |row| row.get(0),
            )?;
            if valid < 2 || reading.is_empty() {
                return Ok(HashMap::new());
            }
            let mut query = db.prepare("SELECT source_id, version FROM entry_version")?;
            query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(|e| unusable(&self.name, &e))
    }

    /// Writes down in which versions entries were read and how, instead of what stood there; `whole` where every entry
    /// was read. Follows [`State::begin`]: what is dirty is read again anyway.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remember(&self, reading: &[u8], versions: &HashMap<String, Vec<u8>>, whole: bool) -> Result<(), Error> {
        let mut db = self.db();
        let mut write = || {
            let transaction = db.transaction()?;
            transaction.execute("INSERT OR REPLACE INTO about (name, value) VALUES ('reading', ?1)", [reading])?;
            if whole {
                let now = "INSERT OR REPLACE INTO about (name, value) VALUES ('read_whole', unixepoch())";
                transaction.execute(now, [])?;
            }
            transaction.execute("DELETE FROM entry_version", [])?;
            let mut insert = transaction.prepare("INSERT INTO entry_version (source_id, version) VALUES (?1, ?2)")?;
            for (source_id, version) in versions {
                insert.execute(params![source_id, version])?;
            }
            drop(insert);
            transaction.commit()
        };
        write().map_err(|e| self.stopped(&e))
    }

    /// The hash of what an update of this record would send. Equal for equal records only, and of no use without
    /// the file. A field without values counts: it is cleared at the target.
    pub fn hash(&self, record: &Record) -> Vec<u8> {
        self.keyed(|mac| {
            mac.update(&[u8::from(record.enabled)]);
            for (code, values) in &record.fields {
                framed(mac, code);
                mac.update(&(values.len() as u64).to_be_bytes());
                values.iter().for_each(|value| framed(mac, value));
            }
        })
    }

    /// The hash of a group with these members: target ids, and whether each is a group. Their order does not count.
    pub fn group_hash(&self, name: &str, members: &[(bool, &str)]) -> Vec<u8> {
        let members: BTreeSet<_> = members.iter().collect();
        self.keyed(|mac| {
            framed(mac, name);
            for (is_group, id) in members {
                mac.update(&[u8::from(*is_group)]);
                framed(mac, id);
            }
        })
    }

    /// The hash of settings or of the version of an entry, to compare with an earlier one.
    pub fn digest(&self, settings: &[u8]) -> Vec<u8> {
        self.keyed(|mac| mac.update(settings))
    }

    fn keyed(&self, feed: impl FnOnce(&mut Hmac<Sha256>)) -> Vec<u8> {
        // HMAC takes keys of any length (RFC 2104); the type of the error cannot say so.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return Vec::new() };
        feed(&mut mac);
        mac.finalize().into_bytes().to_vec()
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        // Every use is one transaction, so a panic elsewhere leaves nothing half done.
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self, error: &rusqlite::Error) -> Error {
        Error::Stopped(format!("stopped: {}", unusable(&self.name, error)))
    }
}

impl Owner {
    fn about(&self) -> [(&'static str, &str); 3] {
        [("connection", &self.connection), ("channel", &self.channel), ("SCIM URL", &self.scim_url)]
    }
}

/// Whether the database is one of this program, and undamaged.
pub(super) fn whole(db: &Connection, name: &str) -> Result<(), Error> {
    let pragma = |pragma: &str| db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0));
    let id = pragma("application_id").map_err(|e| unusable(name, &e))?;
    let layout = pragma("user_version").map_err(|e| unusable(name, &e))?;
    if id != APPLICATION_ID || layout != LAYOUT {
        return Err(Error::unusable(format!("{name}: is not a state file of this version of pfscim")));
    }
    let check: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|e| unusable(name, &e))?;
    if check == "ok" { Ok(()) } else { Err(damaged(name)) }
}

/// What the file says of itself.
pub(super) fn about(db: &Connection, name: &str, what: &str) -> Result<Vec<u8>, Error> {
    db.query_row("SELECT value FROM about WHERE name = ?1", [what], |row| row.get(0))
        .optional()
        .map_err(|e| unusable(name, &e))?
        .ok_or_else(|| damaged(name))
}

fn put(db: &Connection, user: &User) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO user (source_id, target_id, identifier, values_hash, in_scope, enabled, dirty, skipped, created, modified)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, strftime('%FT%TZ'), strftime('%FT%TZ'))
         ON CONFLICT (source_id) DO UPDATE SET target_id = ?2, identifier = ?3, values_hash = ?4, in_scope = ?5,
         enabled = ?6, dirty = ?7, skipped = ?8, modified = strftime('%FT%TZ')",
    )?
    .execute(params![
        user.source_id,
        user.target_id,
        user.identifier,
        user.values_hash,
        user.in_scope,
        user.enabled,
        user.dirty,
        user.skipped
    ])
    .map(|_| ())
}

const GROUPS: &str = "SELECT source_id, target_id, name, values_hash, in_scope, dirty, members FROM user_group";

fn group(row: &Row<'_>) -> rusqlite::Result<Group> {
    Ok(Group {
        source_id: row.get(0)?,
        target_id: row.get(1)?,
        name: row.get(2)?,
        values_hash: row.get(3)?,
        in_scope: row.get(4)?,
        dirty: row.get(5)?,
        members: serde_json::from_str(&row.get::<_, String>(6)?)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, e.into()))?,
    })
}

fn framed(mac: &mut Hmac<Sha256>, text: &str) {
    mac.update(&(text.len() as u64).to_be_bytes());
    mac.update(text.as_bytes());
}

/// Opens a file and locks it: the lock is taken by the first transaction and kept until the file is closed.
pub(super) fn locked(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;")?;
    Ok(db)
}

/// Makes the file beside its place and moves it there when it is whole, so that nothing half made is ever found.
fn create(path: &Path, content: &Connection, name: &str) -> Result<Connection, Error> {
    let told = |e: &dyn std::fmt::Display| Error::unusable(format!("{name}: the state file cannot be made: {e}"));
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Temporary files are readable by their owner only.
    let file = tempfile::Builder::new().prefix(".pfscim-").tempfile_in(folder).map_err(|e| told(&e))?;
    let mut db = Connection::open(file.path()).map_err(|e| told(&e))?;
    copy(content, &mut db).map_err(|e| told(&e))?;
    db.close().map_err(|(_, e)| told(&e))?;
    // Closing a file ends all locks that the process has on it (POSIX fcntl), so it is closed before it is locked.
    match file.persist_noclobber(path).map(drop) {
        Ok(()) => locked(path).map_err(|e| unusable(name, &e)),
        Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Error::unusable(format!("{name}: another run has made this state file meanwhile; start again")))
        }
        Err(e) => Err(told(&e.error)),
    }
}

fn copy(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    const ALL: i32 = -1;
    match rusqlite::backup::Backup::new(from, to)?.step(ALL)? {
        StepResult::Done => Ok(()),
        // Somebody holds the lock, and does so for a whole run: waiting is of no use.
        _ => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)),
    }
}

fn lay_out(db: &mut Connection, owner: &Owner) -> rusqlite::Result<()> {
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.to_string().into()))?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.pragma_update(None, "user_version", LAYOUT)?;
    let transaction = db.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    let about = owner.about().map(|(what, value)| (what, value.as_bytes().to_vec()));
    for (what, value) in about.into_iter().chain([("key", key.to_vec())]) {
        transaction.execute("INSERT INTO about (name, value) VALUES (?1, ?2)", params![what, value])?;
    }
    transaction.commit()
}

/// The content of a file in memory: reading it there leaves no trace.
pub(super) fn copied(path: &Path, name: &str) -> Result<Connection, Error> {
    not_empty(path, name)?;
    let mut copy = Connection::open_in_memory().map_err(|e| unusable(name, &e))?;
    match read_into(path, &mut copy) {
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::ReadOnly) => recovered(path, &mut copy, name)?,
        other => other.map_err(|e| unusable(name, &e))?,
    }
    Ok(copy)
}

fn read_into(path: &Path, copy: &mut Connection) -> rusqlite::Result<()> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    self::copy(&file, copy)
}

/// A run that was killed inside a transaction leaves a journal, which a reader may not play back: that happens in a
/// private copy of both files.
fn recovered(path: &Path, copy: &mut Connection, name: &str) -> Result<(), Error> {
    let told = |e: &dyn std::fmt::Display| Error::unusable(format!("{name}: cannot be read: {e}"));
    let folder = tempfile::tempdir().map_err(|e| told(&e))?;
    let twin = folder.path().join("state");
    for end in ["", "-journal"] {
        let with_end = |path: &Path| {
            let mut path = path.as_os_str().to_owned();
            path.push(end);
            PathBuf::from(path)
        };
        let bytes = std::fs::read(with_end(path)).map_err(|e| told(&e))?;
        std::fs::File::create_new(with_end(&twin)).and_then(|mut f| f.write_all(&bytes)).map_err(|e| told(&e))?;
    }
    let file = Connection::open_with_flags(&twin, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|e| unusable(name, &e))?;
    self::copy(&file, copy).map_err(|e| unusable(name, &e))
}

/// SQLite takes a file without bytes for a new database; for us it is one that lost its content.
pub(super) fn not_empty(path: &Path, name: &str) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(data) if data.len() == 0 => Err(damaged(name)),
        Ok(_) => Ok(()),
        Err(e) => Err(Error::unusable(format!("{name}: {e}"))),
    }
}

pub(super) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn damaged(name: &str) -> Error {
    Error::unusable(format!(
        "{name}: the state file is damaged; restore it, or move it away to start over (accounts are then linked again by their identifier)"
    ))
}

pub(super) fn unusable(name: &str, error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::unusable(format!("{name}: another run is using this state file; wait for it to end"))
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => damaged(name),
        _ => Error::unusable(format!("{name}: the state file cannot be used: {}", printable(&error.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    fn owner() -> Owner {
        Owner { connection: "code42".into(), channel: "corp".into(), scim_url: "https://scim.example/".into() }
    }

    fn place() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.state");
        (folder, path)
    }

    fn jane() -> User {
        User {
            source_id: "1".into(),
            target_id: Some("t1".into()),
            identifier: "jane".into(),
            values_hash: Some(vec![1, 2]),
            in_scope: true,
            enabled: true,
            ..User::default()
        }
    }

    /// An open state whose file is there.
    fn begun(path: &Path) -> State {
        let state = State::open(path, &owner()).unwrap();
        state.begin(b"", []).unwrap();
        state
    }

    fn told(result: Result<State, Error>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_there_the_next_time() {
        let (_folder, path) = place();
        let state = State::open(&path, &owner()).unwrap();
        assert!(!path.exists());
        state.begin(b"", [&jane()]).unwrap();
        assert!(state.users(b"").unwrap()["1"].dirty);
        state.put(&jane()).unwrap();
        drop(state);
        let state = State::open(&path, &owner()).unwrap();
        assert_eq!(state.users(b"").unwrap()["1"], jane());
        assert_eq!(state.holder("t1", "2").unwrap().as_deref(), Some("1"));
        assert_eq!(state.holder("t1", "1").unwrap(), None);
        state.forget("1").unwrap();
        assert!(state.users(b"").unwrap().is_empty());
    }

    #[test]
    fn groups_are_kept_apart_from_users() {
        let (_folder, path) = place();
        let staff = Group {
            source_id: "1".into(),
            target_id: Some("g1".into()),
            name: "Staff".into(),
            values_hash: Some(vec![3]),
            in_scope: true,
            dirty: true,
            members: ["t1\n".to_owned(), "t2".to_owned()].into(),
        };
        let state = begun(&path);
        state.put(&jane()).unwrap();
        state.put_group(&staff).unwrap();
        state.put_group(&Group { dirty: false, ..staff.clone() }).unwrap();
        drop(state);
        let state = State::open(&path, &owner()).unwrap();
        assert_eq!(state.groups().unwrap()["1"], Group { dirty: false, ..staff.clone() });
        assert_eq!(state.group("1").unwrap().unwrap().name, "Staff");
        assert_eq!(state.group_holder("g1", "2").unwrap().as_deref(), Some("1"));
        assert_eq!(state.group_holder("g1", "1").unwrap(), None);
        assert_eq!(state.linked().unwrap(), [("1".to_owned(), "t1".to_owned())].into());
        assert_eq!(state.names().unwrap().len(), 2);
        state.forget_group("1").unwrap();
        assert_eq!(state.group("1").unwrap(), None);
        assert_eq!(state.users(b"").unwrap().len(), 1);
    }

    #[test]
    fn the_hash_of_a_group_is_that_of_its_name_and_the_set_of_its_members() {
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

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = place();
        begun(&path);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_second_run_is_refused() {
        let (_folder, path) = place();
        let first = begun(&path);
        assert!(told(State::open(&path, &owner())).contains("another run"));
        assert!(told(State::preview(&path, &owner())).contains("another run"));
        drop(first);
        State::open(&path, &owner()).unwrap();
    }

    #[test]
    fn a_preview_leaves_no_trace() {
        let (folder, path) = place();
        let unborn = State::preview(&path, &owner()).unwrap();
        unborn.begin(b"", [&jane()]).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        begun(&path).put(&jane()).unwrap();
        let before = std::fs::read(&path).unwrap();
        let preview = State::preview(&path, &owner()).unwrap();
        assert_eq!(preview.users(b"").unwrap().len(), 1);
        preview.forget("1").unwrap();
        preview.begin(b"x", []).unwrap();
        drop(preview);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_of_somebody_else_is_refused() {
        let (_folder, path) = place();
        begun(&path);
        for (other, word) in [
            (Owner { connection: "x".into(), ..owner() }, "connection `code42`"),
            (Owner { channel: "x".into(), ..owner() }, "channel `corp`"),
            (Owner { scim_url: "x".into(), ..owner() }, "SCIM URL `https://scim.example/`"),
        ] {
            assert!(told(State::open(&path, &other)).contains(word));
            assert!(told(State::preview(&path, &other)).contains(word));
        }
    }

    #[test]
    fn a_damaged_file_is_not_an_empty_one() {
        let (_folder, path) = place();
        let state = begun(&path);
        let many: Vec<_> = (0..500).map(|n| User { source_id: n.to_string(), ..jane() }).collect();
        state.begin(b"", &many).unwrap();
        drop(state);
        let whole = std::fs::read(&path).unwrap();
        let mut overwritten = whole.clone();
        let middle = whole.len() / 2;
        overwritten[middle..middle + 2000].fill(0x5a);
        for content in
            [Vec::new(), whole[..whole.len() / 2].to_vec(), b"not a database at all".repeat(100), overwritten]
        {
            std::fs::write(&path, &content).unwrap();
            assert!(told(State::open(&path, &owner())).contains("damaged"));
            assert!(told(State::preview(&path, &owner())).contains("damaged"));
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_run_that_was_killed_inside_a_transaction_leaves_what_was_before() {
        let (folder, path) = place();
        let many: Vec<_> = (0..2000).map(|n| User { source_id: n.to_string(), ..jane() }).collect();
        begun(&path).begin(b"", &many).unwrap();
        // A copy of the files in the middle of a transaction is what a killed process leaves.
        let killed = folder.path().join("killed.state");
        let db = Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA cache_size = 1; BEGIN; UPDATE user SET target_id = 'half';").unwrap();
        for end in ["", "-journal"] {
            std::fs::copy(format!("{}{end}", path.display()), format!("{}{end}", killed.display())).unwrap();
        }
        drop(db);
        let journal = format!("{}-journal", killed.display());
        let files = || [killed.display().to_string(), journal.clone()].map(|f| std::fs::read(f).unwrap());
        let before = files();
        let preview = State::preview(&killed, &owner()).unwrap();
        assert!(preview.users(b"").unwrap().values().all(|u| u.target_id.as_deref() == Some("t1")));
        assert_eq!(files(), before);
        let state = State::open(&killed, &owner()).unwrap();
        assert!(state.users(b"").unwrap().values().all(|u| u.target_id.as_deref() == Some("t1")));
    }

    #[test]
    fn changed_settings_bring_back_what_was_skipped() {
        let (_folder, path) = place();
        let state = begun(&path);
        state.begin(b"one", []).unwrap();
        state.put(&User { skipped: true, ..jane() }).unwrap();
        state.put(&User { source_id: "2".into(), ..jane() }).unwrap();
        assert!(state.users(b"one").unwrap().values().all(|u| !u.dirty));
        let users = state.users(b"two").unwrap();
        assert!(users["1"].dirty && !users["2"].dirty);
    }

    #[test]
    fn versions_are_of_use_for_the_same_reading_and_for_a_day() {
        let (_folder, path) = place();
        let state = begun(&path);
        let versions = HashMap::from([("1".to_owned(), b"v1".to_vec())]);
        assert!(state.versions(b"ldap").unwrap().is_empty());
        state.remember(b"ldap", &versions, true).unwrap();
        assert_eq!(state.versions(b"ldap").unwrap(), versions);
        assert!(state.versions(b"another mapping").unwrap().is_empty());
        state.remember(b"ldap", &versions, false).unwrap();
        assert_eq!(state.versions(b"ldap").unwrap(), versions);

        // Two days later, and two days before: a clock that was put right.
        for then in [-172_800, 172_800] {
            let sql = format!("UPDATE about SET value = unixepoch() + {then} WHERE name = 'read_whole'");
            state.db().execute(&sql, []).unwrap();
            assert!(state.versions(b"ldap").unwrap().is_empty());
        }

        state.remember(b"ldap", &versions, true).unwrap();
        state.remember(b"", &HashMap::new(), true).unwrap();
        assert!(state.versions(b"ldap").unwrap().is_empty(), "a file was read meanwhile");
        assert!(state.versions(b"").unwrap().is_empty());
    }

    #[test]
    fn of_two_first_runs_the_slower_one_is_refused() {
        let (_folder, path) = place();
        let slow = State::open(&path, &owner()).unwrap();
        begun(&path);
        assert!(slow.begin(b"", []).unwrap_err().to_string().contains("another run"));
    }

    #[test]
    fn two_files_hash_the_same_record_differently() {
        let (_a, first) = place();
        let (_b, second) = place();
        let record = Record { enabled: true, ..Record::default() };
        let hashes = [first, second].map(|p| State::open(&p, &owner()).unwrap().hash(&record));
        assert_ne!(hashes[0], hashes[1]);
    }

    static HASHING: LazyLock<State> = LazyLock::new(|| State::preview(Path::new("nowhere"), &owner()).unwrap());

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
}
