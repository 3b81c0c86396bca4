//! An open state and the keyed hashes that it compares with.
//! Does not know: what its rows mean, what an operation does.
//!
//! Values are kept as keyed hashes only. A file is made whole or not at all, readable by its owner only; it is locked
//! while a run uses it; every change is one transaction. A damaged file is an error, never an empty one.

use pfscim_core::sync::lock_ignoring_poison;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use hmac::{Hmac, KeyInit as _, Mac as _};
use pfscim_core::Record;
use pfscim_core::text::printable;
use rusqlite::Connection;
use sha2::Sha256;

use super::file::{Owner, about, copied, lay_out, locked, not_empty, shown, unusable, whole};
use crate::Error;

/// An open state. Serves many threads.
#[derive(Debug)]
pub struct State {
    pub(super) name: String,
    key: Vec<u8>,
    db: Mutex<Connection>,
    /// Where the file is to be made by the first [`State::begin`].
    pub(super) unborn: Mutex<Option<PathBuf>>,
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

    pub(super) fn db(&self) -> MutexGuard<'_, Connection> {
        // Every use is one transaction, so a panic elsewhere leaves nothing half done.
        lock_ignoring_poison(&self.db)
    }

    pub(super) fn stopped(&self, error: &rusqlite::Error) -> Error {
        Error::Stopped(format!("stopped: {}", unusable(&self.name, error)).into())
    }
}

fn framed(mac: &mut Hmac<Sha256>, text: &str) {
    mac.update(&(text.len() as u64).to_be_bytes());
    mac.update(text.as_bytes());
}
