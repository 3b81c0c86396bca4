//! Creates, opens, locks, copies and checks a state file.
//! Does not know: users, groups, cycles.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use pfscim_core::Message;
use pfscim_core::text::{excerpt, printable};
use rusqlite::backup::StepResult;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};
use tempfile::NamedTempFile;

use crate::Error;

/// `pfsc`: the application id that distinguishes state files from other SQLite files.
pub(super) const APPLICATION_ID: i32 = 0x7066_7363;
/// The earliest layout that this version reads.
pub(super) const FIRST_LAYOUT: i32 = 4;
/// The layout that this version writes.
pub(super) const LAYOUT: i32 = 5;

/// The channel and target that a state belongs to. With the state of another channel, a run would remove wrong users.
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
    /// Returns the rows of the table `about` that identify the owner.
    pub(super) fn about(&self) -> [(&'static str, &str); 3] {
        [("connection", &self.connection), ("channel", &self.channel), ("SCIM URL", &self.scim_url)]
    }
}

/// Checks that the database is a state file of this layout or one that can be migrated, and undamaged.
pub(super) fn check_database(db: &Connection, name: &str) -> Result<(), Error> {
    let (id, layout) = (pragma(db, name, "application_id")?, layout_of(db, name)?);
    if id == APPLICATION_ID && layout > LAYOUT {
        let program = about_value(db, name, "program").map(|version| String::from_utf8_lossy(&version).into_owned());
        let writer =
            program.map_or_else(|_| "a newer version".to_owned(), |version| format!("version {}", excerpt(&version)));
        let message = Message::new(format!("{writer} of pfscim wrote this state file, in layout {layout}"));
        return Err(Error::unusable(message.with_hint("use that version or a newer one").at(name)));
    }
    if id != APPLICATION_ID || layout < FIRST_LAYOUT {
        let message = Message::new("not a state file of this version of pfscim");
        return Err(Error::unusable(message.with_hint("use another state file").at(name)));
    }
    let check: String =
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|e| sqlite_error(name, &e))?;
    if check == "ok" { Ok(()) } else { Err(damaged(name)) }
}

/// Returns the number of the layout of a database.
pub(super) fn layout_of(db: &Connection, name: &str) -> Result<i32, Error> {
    pragma(db, name, "user_version")
}

fn pragma(db: &Connection, name: &str, pragma: &str) -> Result<i32, Error> {
    db.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).map_err(|e| sqlite_error(name, &e))
}

/// Returns a value of the table `about`. `key` is its name, `name` the file.
pub(super) fn about_value(db: &Connection, name: &str, key: &str) -> Result<Vec<u8>, Error> {
    db.query_row("SELECT CAST(value AS BLOB) FROM about WHERE name = ?1", [key], |row| row.get(0))
        .optional()
        .map_err(|e| sqlite_error(name, &e))?
        .ok_or_else(|| damaged(name))
}

/// Opens a file and locks it until it is closed. SQLite takes the lock with the first transaction.
pub(super) fn open_locked(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    db.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;")?;
    Ok(db)
}

/// Creates the file under a temporary name and then renames it, so the final name never shows an incomplete file.
pub(super) fn create(path: &Path, content: &Connection, name: &str) -> Result<Connection, Error> {
    let error = |e: &dyn std::fmt::Display| Error::unusable(format!("{name}: cannot create the state file: {e}"));
    let file = temporary_file_beside(path).map_err(|e| error(&e))?;
    let mut db = Connection::open(file.path()).map_err(|e| error(&e))?;
    copy(content, &mut db).map_err(|e| error(&e))?;
    db.close().map_err(|(_, e)| error(&e))?;
    // Closing a file releases all locks of the process on it (POSIX fcntl), so this closes first and locks then.
    match file.persist_noclobber(path).map(drop) {
        Ok(()) => open_locked(path).map_err(|e| sqlite_error(name, &e)),
        Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => {
            let message = Message::new("another run created this state file at the same time");
            Err(Error::unusable(message.with_hint("start the run again").at(name)))
        }
        Err(e) => Err(error(&e.error)),
    }
}

/// Creates a temporary file in the folder of `path`, readable by its owner only.
pub(super) fn temporary_file_beside(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix(".pfscim-").tempfile_in(folder)
}

/// Returns the path with `suffix` at the end of its file name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}

fn copy(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    const ALL_PAGES: i32 = -1;
    match rusqlite::backup::Backup::new(from, to)?.step(ALL_PAGES)? {
        StepResult::Done => Ok(()),
        // Another run has the lock until it ends, so waiting does not help.
        _ => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)),
    }
}

/// Copies the content of a file into memory. The file stays unchanged.
pub(super) fn copy_to_memory(path: &Path, name: &str) -> Result<Connection, Error> {
    check_not_empty(path, name)?;
    let mut copy = Connection::open_in_memory().map_err(|e| sqlite_error(name, &e))?;
    match read_into(path, &mut copy) {
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::ReadOnly) => recover(path, &mut copy, name)?,
        other => other.map_err(|e| sqlite_error(name, &e))?,
    }
    Ok(copy)
}

fn read_into(path: &Path, copy: &mut Connection) -> rusqlite::Result<()> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    self::copy(&file, copy)
}

/// Reads a file whose run was killed inside a transaction.
///
/// Such a run leaves a journal, which a reader must not play back. So SQLite plays it back in a copy of both files.
fn recover(path: &Path, copy: &mut Connection, name: &str) -> Result<(), Error> {
    let error = |e: &dyn std::fmt::Display| Error::unusable(format!("{name}: cannot read the state file: {e}"));
    let folder = tempfile::tempdir().map_err(|e| error(&e))?;
    let private_copy = folder.path().join("state");
    for suffix in ["", "-journal"] {
        let bytes = std::fs::read(with_suffix(path, suffix)).map_err(|e| error(&e))?;
        std::fs::File::create_new(with_suffix(&private_copy, suffix))
            .and_then(|mut f| f.write_all(&bytes))
            .map_err(|e| error(&e))?;
    }
    let file = Connection::open_with_flags(&private_copy, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|e| sqlite_error(name, &e))?;
    self::copy(&file, copy).map_err(|e| sqlite_error(name, &e))
}

/// Checks that the file has bytes.
///
/// SQLite reads an empty file as a new database, but an empty state file lost its content.
pub(super) fn check_not_empty(path: &Path, name: &str) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(data) if data.len() == 0 => Err(damaged(name)),
        Ok(_) => Ok(()),
        Err(e) => Err(Error::unusable(format!("{name}: cannot read the state file: {e}"))),
    }
}

/// Returns the path as printable text, for messages.
pub(super) fn file_name(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn damaged(name: &str) -> Error {
    let hint =
        "restore it from a backup, or move it away to start over (pfscim then links accounts again by identifier)";
    Error::unusable(Message::new("the state file is damaged").with_hint(hint).at(name))
}

/// Returns the error for an error of SQLite. `name` is the file.
pub(super) fn sqlite_error(name: &str, error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::unusable(
            Message::new("another run is using this state file").with_hint("wait until it ends").at(name),
        ),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => damaged(name),
        _ => Error::unusable(format!("{name}: cannot use the state file: {}", printable(&error.to_string()))),
    }
}
