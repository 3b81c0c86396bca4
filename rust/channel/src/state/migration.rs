//! Creates the tables of a state, and changes a file of an earlier layout into one of this layout.
//! Does not know: users, groups, cycles.
//!
//! - The tables of a new file are those of layout 4 with every step, so new and migrated files have the same layout.
//! - A file is copied before, and changed in one transaction. A killed process leaves one layout, never a mixture.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use pfscim_core::Message;
use rusqlite::{Connection, params};

use super::file::{
    APPLICATION_ID, FIRST_LAYOUT, LAYOUT, Owner, file_name, layout_of, sqlite_error, temporary_file_beside, with_suffix,
};
use crate::Error;

/// The version that writes itself into a file that it opens for writing.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The tables of layout 4.
const FIRST_SCHEMA: &str = "
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

/// The step from each layout to the next, from [`FIRST_LAYOUT`] on.
const STEPS: [&str; (LAYOUT - FIRST_LAYOUT) as usize] = [TO_LAYOUT_5];

/// What was shown and sent, closed rows, and counted events. Times are in seconds since 1970.
///
/// - `shown_at`: when the target last showed the account or group; NULL: never.
/// - `sent_at`: when a create was sent whose result is unknown; NULL: there is none.
/// - `field_hashes`: 8 bytes a mapped field; NULL: unknown until the next write.
/// - `not_kept`: the hash that was sent, then the hash that the target showed; NULL: the target kept what was sent.
/// - `tombstone`: a row that was deleted, with what closed it. `kind` is 0 for a user, 1 for a group.
/// - `event`: what happened `n` times at that time.
const TO_LAYOUT_5: &str = "
    ALTER TABLE user ADD COLUMN shown_at INTEGER;
    ALTER TABLE user ADD COLUMN sent_at INTEGER;
    ALTER TABLE user ADD COLUMN field_hashes BLOB;
    ALTER TABLE user ADD COLUMN not_kept BLOB;
    ALTER TABLE user_group ADD COLUMN shown_at INTEGER;
    ALTER TABLE user_group ADD COLUMN sent_at INTEGER;
    ALTER TABLE user_group ADD COLUMN not_kept BLOB;
    CREATE TABLE tombstone (
        kind INTEGER NOT NULL, source_id TEXT NOT NULL, target_id TEXT NOT NULL, identifier TEXT NOT NULL,
        left_at INTEGER NOT NULL, closed TEXT NOT NULL, PRIMARY KEY (kind, source_id, target_id)
    ) WITHOUT ROWID;
    CREATE TABLE event (at INTEGER NOT NULL, kind TEXT NOT NULL, n INTEGER NOT NULL);
";

/// Creates the tables of an empty state, with a new random key.
pub(super) fn create_schema(db: &mut Connection, owner: &Owner) -> rusqlite::Result<()> {
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.to_string().into()))?;
    let transaction = db.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.execute_batch(FIRST_SCHEMA)?;
    take_steps(&transaction, FIRST_LAYOUT)?;
    let about = owner.about().map(|(key, value)| (key, value.as_bytes().to_vec()));
    for (name, value) in about.into_iter().chain([("key", key.to_vec())]) {
        transaction.execute("INSERT INTO about (name, value) VALUES (?1, ?2)", params![name, value])?;
    }
    transaction.commit()
}

/// Changes a checked database into one of this layout, and writes this version into it.
///
/// `file` is the locked file of the database, which is copied before a change of its layout; `None` is a database in
/// memory.
///
/// # Errors
/// The copy or the file cannot be written. The file is unchanged then.
pub(super) fn migrate(db: &mut Connection, name: &str, file: Option<&Path>) -> Result<(), Error> {
    let layout = layout_of(db, name)?;
    let copy = file.filter(|_| layout < LAYOUT).map(|path| copy_beside(db, path, layout)).transpose()?;
    let mut write = || {
        let transaction = db.transaction()?;
        take_steps(&transaction, layout)?;
        transaction.commit()
    };
    write().map_err(|e| sqlite_error(name, &e))?;
    if let Some(copy) = copy {
        log::warn!(
            "{name}: changed from layout {layout} to {LAYOUT}; the copy {} is the file from before",
            file_name(&copy)
        );
    }
    Ok(())
}

/// Takes the steps from this layout on inside a transaction, and writes the new layout and this version.
fn take_steps(transaction: &Connection, layout: i32) -> rusqlite::Result<()> {
    for (step, from) in STEPS.iter().zip(FIRST_LAYOUT..).filter(|(_, from)| *from >= layout) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", from + 1)?;
    }
    // The file of a run with the same version stays as it is.
    transaction
        .execute(
            "INSERT INTO about (name, value) VALUES ('program', ?1)
             ON CONFLICT (name) DO UPDATE SET value = ?1 WHERE value <> ?1",
            [PROGRAM],
        )
        .map(|_| ())
}

/// Copies a locked file, byte for byte, to `FILE.layoutN`, and returns that path.
///
/// The copy of an earlier attempt stays. Another file of that name is an error, because it is not a way back.
fn copy_beside(db: &mut Connection, path: &Path, layout: i32) -> Result<PathBuf, Error> {
    let copy = with_suffix(path, &format!(".layout{layout}"));
    let name = file_name(&copy);
    let error = |e: &dyn std::fmt::Display| {
        Error::unusable(format!("{name}: cannot copy the state file before changing its layout: {e}"))
    };
    // SQLite reads the bytes. If this process opened and closed the file itself, its lock would end (POSIX fcntl).
    let bytes = db.serialize("main").map_err(|e| error(&e))?;
    let mut file = temporary_file_beside(path).map_err(|e| error(&e))?;
    file.write_all(&bytes).and_then(|()| file.as_file().sync_all()).map_err(|e| error(&e))?;
    match file.persist_noclobber(&copy) {
        Ok(_) => Ok(copy),
        Err(e) if e.error.kind() == ErrorKind::AlreadyExists => {
            if std::fs::read(&copy).map_err(|e| error(&e))? == *bytes {
                return Ok(copy);
            }
            let text = format!("the copy of layout {layout} exists, and is not the state file of now");
            Err(Error::unusable(Message::new(text).with_hint("move it away, then start again").at(name)))
        }
        Err(e) => Err(error(&e.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_layout(path: &Path) -> Connection {
        let db = Connection::open(path).unwrap();
        db.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        db.pragma_update(None, "user_version", FIRST_LAYOUT).unwrap();
        db.execute_batch(FIRST_SCHEMA).unwrap();
        db.execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             INSERT INTO user SELECT i, 't', 'jane', NULL, 1, 1, 0, 0, '', '' FROM n",
        )
        .unwrap();
        db
    }

    fn schema(db: &Connection) -> Vec<String> {
        let mut query = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_migrated_file_has_the_tables_of_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut migrated = first_layout(&folder.path().join("x.state"));
        migrate(&mut migrated, "x", None).unwrap();
        let mut created = Connection::open_in_memory().unwrap();
        let [connection, channel, scim_url] = ["c", "corp", "u"].map(str::to_owned);
        create_schema(&mut created, &Owner { connection, channel, scim_url }).unwrap();
        assert_eq!(schema(&migrated), schema(&created));
        assert_eq!([layout_of(&migrated, "").unwrap(), layout_of(&created, "").unwrap()], [LAYOUT; 2]);
    }

    #[test]
    fn a_process_killed_inside_the_migration_leaves_the_layout_from_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.state");
        let mut db = first_layout(&path);
        let before = std::fs::read(&path).unwrap();
        // A killed process leaves the files as they are in the middle of a transaction.
        let killed = folder.path().join("killed.state");
        db.execute_batch("PRAGMA cache_size = 1").unwrap();
        let transaction = db.transaction().unwrap();
        take_steps(&transaction, FIRST_LAYOUT).unwrap();
        transaction.execute_batch("UPDATE user SET shown_at = 1").unwrap();
        for suffix in ["", "-journal"] {
            std::fs::copy(with_suffix(&path, suffix), with_suffix(&killed, suffix)).unwrap();
        }
        assert_ne!(std::fs::read(&killed).unwrap(), before, "the middle of a transaction is in the file");
        let mut db = Connection::open(&killed).unwrap();
        assert_eq!(layout_of(&db, "").unwrap(), FIRST_LAYOUT);
        migrate(&mut db, "x", Some(&killed)).unwrap();
        assert_eq!(layout_of(&db, "").unwrap(), LAYOUT);
        assert!(std::fs::read(with_suffix(&killed, ".layout4")).unwrap() == before);
    }
}
