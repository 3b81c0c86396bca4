//! Writes what a cycle is about to send, and which entry versions it read.
//! Does not know: what an operation does.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{OptionalExtension as _, params};

use super::file::{create, sqlite_error};
use super::rows::{UserRow, put_user};
use super::store::State;
use crate::Error;
use pfscim_core::sync::lock_ignoring_poison;

/// How long a closed row is remembered: 400 days.
const TOMBSTONE_SECONDS: i64 = 400 * 86_400;
/// How long a counted event is kept: 24 hours.
const EVENT_SECONDS: i64 = 86_400;

impl State {
    /// Writes the settings of a cycle and its users as dirty, before the first request.
    ///
    /// A dirty user is sent in each cycle until the target has confirmed it. Tombstones of more than 400 days and counted
    /// events of more than 24 hours are deleted.
    ///
    /// # Errors
    /// The file cannot be created or written.
    pub fn begin<'u>(&self, settings: &[u8], users: impl IntoIterator<Item = &'u UserRow>) -> Result<(), Error> {
        self.put_dirty(Some(self.digest(settings)), users)
    }

    /// Writes the rows of a run for one user as dirty. The stored settings stay those of the last cycle for all users.
    ///
    /// # Errors
    /// As [`State::begin`].
    pub fn begin_on_demand<'u>(&self, users: impl IntoIterator<Item = &'u UserRow>) -> Result<(), Error> {
        self.put_dirty(None, users)
    }

    fn put_dirty<'u>(
        &self,
        settings: Option<Vec<u8>>,
        users: impl IntoIterator<Item = &'u UserRow>,
    ) -> Result<(), Error> {
        let now = self.unix_time();
        let mut db = self.db();
        if let Some(path) = lock_ignoring_poison(&self.path_to_create).take() {
            *db = create(&path, &db, &self.name)?;
        }
        let write = || {
            let transaction = db.transaction()?;
            if let Some(digest) = &settings {
                transaction.execute("DELETE FROM tombstone WHERE ?1 - left_at > ?2", [now, TOMBSTONE_SECONDS])?;
                transaction.execute("DELETE FROM event WHERE ?1 - at > ?2", [now, EVENT_SECONDS])?;
                transaction.execute("INSERT OR REPLACE INTO about (name, value) VALUES ('settings', ?1)", [digest])?;
            }
            for user in users {
                put_user(&transaction, &UserRow { dirty: true, ..user.clone() }, now)?;
            }
            transaction.commit()
        };
        write().map_err(|e| self.stopped(&e))
    }

    /// Returns the groups of the source location that the source contained in the last cycle, in comparable form.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn source_groups(&self) -> Result<BTreeSet<String>, Error> {
        let text = self.about_text("groups")?;
        Ok(text.unwrap_or_default().lines().map(str::to_owned).collect())
    }

    /// Writes the groups of the source location that the source contains now.
    ///
    /// Each is one line, because its comparable form is [`crate::directory::Dn::key`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_source_groups(&self, groups: &BTreeSet<String>) -> Result<(), Error> {
        self.put_about_text("groups", &groups.iter().map(String::as_str).collect::<Vec<_>>().join("\n"))
    }

    /// Returns what core learnt about the target, as [`State::put_learnt`] wrote it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn learnt(&self) -> Result<Option<String>, Error> {
        self.about_text("learnt")
    }

    /// Writes what core learnt about the target, as JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_learnt(&self, json: &str) -> Result<(), Error> {
        self.put_about_text("learnt", json)
    }

    fn about_text(&self, name: &str) -> Result<Option<String>, Error> {
        self.db()
            .query_row("SELECT CAST(value AS TEXT) FROM about WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .map_err(|e| self.stopped(&e))
    }

    fn put_about_text(&self, name: &str, text: &str) -> Result<(), Error> {
        self.db()
            .execute("INSERT OR REPLACE INTO about (name, value) VALUES (?1, ?2)", [name, text])
            .map(|_| ())
            .map_err(|e| self.stopped(&e))
    }

    /// Returns the versions in which entries were last read, as digests by source id.
    ///
    /// The result is empty if another `reading_digest` was written, or if all entries were last read more than a day
    /// ago. So a change that a directory does not show is found within a day.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn versions(&self, reading_digest: &[u8]) -> Result<HashMap<String, Vec<u8>>, Error> {
        let now = self.unix_time();
        let db = self.db();
        let read = || -> rusqlite::Result<HashMap<String, Vec<u8>>> {
            let valid: i64 = db.query_row(
                "SELECT count(*) FROM about WHERE (name = 'reading' AND value = ?1)
                 OR (name = 'read_whole' AND ?2 - value BETWEEN 0 AND 86400)",
                params![reading_digest, now],
                |row| row.get(0),
            )?;
            if valid < 2 || reading_digest.is_empty() {
                return Ok(HashMap::new());
            }
            let mut query = db.prepare("SELECT source_id, version FROM entry_version")?;
            query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(|e| sqlite_error(&self.name, &e))
    }

    /// Replaces the versions of all entries. `whole`: every entry was read, not only changed ones.
    ///
    /// Call it after [`State::begin`]: the entry of a dirty user is read again even if its version is stored.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_versions(
        &self,
        reading_digest: &[u8],
        versions: &HashMap<String, Vec<u8>>,
        whole: bool,
    ) -> Result<(), Error> {
        let now = self.unix_time();
        let mut db = self.db();
        let mut write = || {
            let transaction = db.transaction()?;
            transaction
                .execute("INSERT OR REPLACE INTO about (name, value) VALUES ('reading', ?1)", [reading_digest])?;
            if whole {
                transaction.execute("INSERT OR REPLACE INTO about (name, value) VALUES ('read_whole', ?1)", [now])?;
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
}
