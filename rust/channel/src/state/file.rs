//! The file of a state: whose it is, its layout, how it is made, opened, locked and copied.
//! Does not know: users, groups, cycles.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use pfscim_core::text::printable;
use rusqlite::backup::StepResult;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, params};

use crate::Error;

/// `pfsc`: tells our files from other SQLite files.
pub(super) const APPLICATION_ID: i32 = 0x7066_7363;
/// The layout below.
pub(super) const LAYOUT: i32 = 4;
pub(super) const SCHEMA: &str = "
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

impl Owner {
    pub(super) fn about(&self) -> [(&'static str, &str); 3] {
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

/// Opens a file and locks it: the lock is taken by the first transaction and kept until the file is closed.
pub(super) fn locked(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;")?;
    Ok(db)
}

/// Makes the file beside its place and moves it there when it is whole, so that nothing half made is ever found.
pub(super) fn create(path: &Path, content: &Connection, name: &str) -> Result<Connection, Error> {
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

pub(super) fn lay_out(db: &mut Connection, owner: &Owner) -> rusqlite::Result<()> {
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
