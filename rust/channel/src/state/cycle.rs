//! What a cycle writes down before it sends anything, and how far it read the source.
//! Does not know: what an operation does.

use pfscim_core::sync::lock_ignoring_poison;
use std::collections::{BTreeSet, HashMap};

use rusqlite::{OptionalExtension as _, params};

use super::file::{create, unusable};
use super::rows::{UserRow, put};
use super::store::State;
use crate::Error;

impl State {
    /// Writes down, before anything is sent, with which settings and for whom: whatever happens, it is sent again
    /// until it is known to have arrived.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn begin<'u>(&self, settings: &[u8], users: impl IntoIterator<Item = &'u UserRow>) -> Result<(), Error> {
        self.write_down(Some(self.digest(settings)), users)
    }

    /// The same for a run that is not about everybody: with which settings the others were last tried stays.
    ///
    /// # Errors
    /// As [`State::begin`].
    pub fn begin_some<'u>(&self, users: impl IntoIterator<Item = &'u UserRow>) -> Result<(), Error> {
        self.write_down(None, users)
    }

    fn write_down<'u>(
        &self,
        settings: Option<Vec<u8>>,
        users: impl IntoIterator<Item = &'u UserRow>,
    ) -> Result<(), Error> {
        let mut db = self.db();
        if let Some(path) = lock_ignoring_poison(&self.unborn).take() {
            *db = create(&path, &db, &self.name)?;
        }
        let write = || {
            let transaction = db.transaction()?;
            if let Some(digest) = &settings {
                transaction.execute("INSERT OR REPLACE INTO about (name, value) VALUES ('settings', ?1)", [digest])?;
            }
            for user in users {
                put(&transaction, &UserRow { dirty: true, ..user.clone() })?;
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

    /// Writes the names of the groups that the source holds now. Such a name is one line: [`crate::directory::Dn::key`].
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
}
