//! Opens a state, and computes the keyed hashes that records are compared by.
//! Does not know: what its rows mean, what an operation does.
//!
//! - The state contains values as keyed hashes only.
//! - A file is created completely or not at all, readable by its owner only.
//! - A run locks the file, and every change is one transaction.
//! - A damaged file is an error. It never counts as empty.
//! - Times in the state come from the clock that the caller passes in.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use hmac::{Hmac, KeyInit as _, Mac as _};
use pfscim_core::environment::Clock;
use pfscim_core::sync::lock_ignoring_poison;
use pfscim_core::text::printable;
use pfscim_core::{Message, Record};
use rusqlite::Connection;
use sha2::Sha256;

use super::file::{
    Owner, about_value, check_database, check_not_empty, copy_to_memory, file_name, open_locked, sqlite_error,
};
use super::migration::{create_schema, migrate};
use crate::Error;

/// An open state. Many threads may use it.
pub struct State {
    pub(super) name: String,
    owner: Owner,
    clock: Arc<dyn Clock>,
    key: Vec<u8>,
    db: Mutex<Connection>,
    /// The path of a file that does not exist yet. The first [`State::begin`] creates it.
    pub(super) path_to_create: Mutex<Option<PathBuf>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("name", &self.name).finish_non_exhaustive()
    }
}

impl State {
    /// Opens the file for a run. `clock` gives the times of rows, and the age of entry versions.
    ///
    /// A file of an earlier layout is migrated, after a copy beside it. A missing file is created by the first
    /// [`State::begin`], so a run with an unusable source or target leaves none.
    ///
    /// # Errors
    /// The file belongs to another channel, is in use, is damaged or is not writable.
    pub fn open(path: &Path, owner: &Owner, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        if !path.exists() {
            let path_to_create = Mutex::new(Some(path.to_owned()));
            return Ok(Self { path_to_create, ..Self::preview(path, owner, clock)? });
        }
        let name = file_name(path);
        check_not_empty(path, &name)?;
        let db = open_locked(path).map_err(|e| sqlite_error(&name, &e))?;
        Self::from_database(db, name, Some(path), owner, clock)
    }

    /// Copies the file into memory, for a preview that leaves the file unchanged. A missing file is an empty state.
    ///
    /// # Errors
    /// As [`State::open`].
    pub fn preview(path: &Path, owner: &Owner, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let name = file_name(path);
        if path.exists() {
            return Self::from_database(copy_to_memory(path, &name)?, name, None, owner, clock);
        }
        Ok(Self { name, ..Self::in_memory(owner, clock)? })
    }

    /// Returns an empty state that never becomes a file, for previews, tests and simulations.
    ///
    /// # Errors
    /// The system has no memory or no random numbers.
    pub fn in_memory(owner: &Owner, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let name = "state in memory".to_owned();
        let mut empty = Connection::open_in_memory().map_err(|e| sqlite_error(&name, &e))?;
        create_schema(&mut empty, owner).map_err(|e| sqlite_error(&name, &e))?;
        Self::from_database(empty, name, None, owner, clock)
    }

    /// Returns the state as a new process would find it, with what was committed and nothing else.
    ///
    /// With this, tests and simulations end a process without a file.
    ///
    /// # Errors
    /// As [`State::open`].
    pub fn reopen(self) -> Result<Self, Error> {
        let Self { name, owner, clock, db, path_to_create, .. } = self;
        let db = db.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !db.is_autocommit() {
            db.execute_batch("ROLLBACK").map_err(|e| sqlite_error(&name, &e))?;
        }
        Ok(Self { path_to_create, ..Self::from_database(db, name, None, &owner, clock)? })
    }

    /// Checks that the database is undamaged and belongs to this channel and target, and migrates it. `file`: as for
    /// [`migrate`].
    fn from_database(
        mut db: Connection,
        name: String,
        file: Option<&Path>,
        owner: &Owner,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        check_database(&db, &name)?;
        for (what, expected) in owner.about() {
            let found = about_value(&db, &name, what)?;
            if found != expected.as_bytes() {
                let text = format!(
                    "the state file belongs to the {what} `{}`, not to `{}`",
                    printable(&String::from_utf8_lossy(&found)),
                    printable(expected)
                );
                return Err(Error::unusable(Message::new(text).with_hint("use another state file").at(name)));
            }
        }
        let key = about_value(&db, &name, "key")?;
        migrate(&mut db, &name, file)?;
        Ok(Self { name, owner: owner.clone(), clock, key, db: Mutex::new(db), path_to_create: Mutex::new(None) })
    }

    /// Returns the keyed hash of what an update of this record would send. The key is in the file.
    ///
    /// Hashes are equal for equal records only. A field without values counts, because the target clears it.
    pub fn hash(&self, record: &Record) -> Vec<u8> {
        self.keyed_hash(|mac| {
            mac.update(&[u8::from(record.enabled)]);
            for (code, values) in &record.fields {
                update_with_length(mac, code);
                mac.update(&(values.len() as u64).to_be_bytes());
                values.iter().for_each(|value| update_with_length(mac, value));
            }
        })
    }

    /// Returns the keyed hash of a group with these members: whether each is a group, and its target id.
    ///
    /// The order of the members does not count.
    pub fn group_hash(&self, name: &str, members: &[(bool, &str)]) -> Vec<u8> {
        let members: BTreeSet<_> = members.iter().collect();
        self.keyed_hash(|mac| {
            update_with_length(mac, name);
            for (is_group, id) in members {
                mac.update(&[u8::from(*is_group)]);
                update_with_length(mac, id);
            }
        })
    }

    /// Returns the keyed hash of settings or of the version of an entry.
    pub fn digest(&self, bytes: &[u8]) -> Vec<u8> {
        self.keyed_hash(|mac| mac.update(bytes))
    }

    fn keyed_hash(&self, feed: impl FnOnce(&mut Hmac<Sha256>)) -> Vec<u8> {
        // HMAC accepts keys of any length (RFC 2104), so this error never happens.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return Vec::new() };
        feed(&mut mac);
        mac.finalize().into_bytes().to_vec()
    }

    pub(super) fn db(&self) -> MutexGuard<'_, Connection> {
        // Every use is one transaction, so a panic in another thread leaves no part of a change.
        lock_ignoring_poison(&self.db)
    }

    /// Returns the time of the clock in seconds since 1970, the form in which SQL receives it.
    pub(crate) fn unix_time(&self) -> i64 {
        unix_time(&*self.clock)
    }

    /// Returns the error that stops a run which has already begun.
    pub(super) fn stopped(&self, error: &rusqlite::Error) -> Error {
        Error::Stopped(sqlite_error(&self.name, error).message().clone().at("stopped"))
    }
}

/// Returns the time of a clock in seconds since 1970.
pub(super) fn unix_time(clock: &dyn Clock) -> i64 {
    let time = clock.system_time().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// Adds a text with its length, so that the hash depends on where each text ends.
fn update_with_length(mac: &mut Hmac<Sha256>, text: &str) {
    mac.update(&(text.len() as u64).to_be_bytes());
    mac.update(text.as_bytes());
}
