//! Shows and changes a state file for an administrator, as PingFederate's `provmgr` does.
//! Does not know: the target. It sends nothing.

use std::collections::BTreeMap;
use std::path::Path;

use pfscim_core::environment::Clock;
use rusqlite::{Connection, Row};

use super::file::{
    Owner, about_value, check_database, check_not_empty, copy_to_memory, file_name, open_locked, sqlite_error,
};
use super::migration::migrate;
use super::rows::close_row;
use super::store::unix_time;
use crate::Error;

/// Selects users and groups, with the columns in the order of [`state_entry`].
const ENTRIES_QUERY: &str = "
    SELECT 0 AS is_group, source_id, target_id, identifier, values_hash IS NOT NULL AS sent, in_scope, enabled, dirty,
           skipped, created, modified FROM user
    UNION ALL
    SELECT 1, source_id, target_id, name, values_hash IS NOT NULL, in_scope, 1, dirty, 0, created, modified
    FROM user_group";
/// Replaces the hash of values that were sent. No values have this hash, so they are compared again.
const RESET_HASH: &[u8] = &[];
/// What closed a row that an administrator deleted.
const FORGOTTEN: &str = "forgotten";

/// An open state file of any channel.
#[derive(Debug)]
pub struct StateMaintenance {
    name: String,
    db: Connection,
    /// The channel and target that the file belongs to.
    pub owner: Owner,
}

/// How many users, or groups, are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateCounts {
    /// All of them.
    pub known: u32,
    /// Those that the source location selected in the last cycle.
    pub in_scope: u32,
    /// Those with an account or group at the target.
    pub linked: u32,
    /// Those that must be sent (again).
    pub dirty: u32,
    /// Those whose last operation a provisioning option prevented; users only.
    pub skipped: u32,
}

/// A user or a group of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateEntry {
    /// Group, or user.
    pub is_group: bool,
    /// The entry GUID.
    pub source_id: String,
    /// The target id; `None` until an account or group is linked.
    pub target_id: Option<String>,
    /// The value of the unique user identifier, or the name of the group.
    pub identifier: String,
    /// Whether values were sent.
    pub sent: bool,
    /// Whether the source location selected it in the last cycle.
    pub in_scope: bool,
    /// The account status that was sent; true for groups.
    pub enabled: bool,
    /// Whether it must be sent (again).
    pub dirty: bool,
    /// Whether a provisioning option prevented the last operation.
    pub skipped: bool,
    /// When the row was first written (RFC 3339, UTC).
    pub created: String,
    /// When the row was last written (RFC 3339, UTC).
    pub modified: String,
}

impl StateMaintenance {
    /// Reads a copy of a file, which stays unchanged.
    ///
    /// # Errors
    /// The file is missing, in use or damaged.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = file_name(path);
        Self::from_database(copy_to_memory(path, &name)?, name, None)
    }

    /// Opens a file to change it, and locks it. A file of an earlier layout is migrated, after a copy beside it.
    ///
    /// # Errors
    /// As [`StateMaintenance::read`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = file_name(path);
        check_not_empty(path, &name)?;
        let db = open_locked(path).map_err(|e| sqlite_error(&name, &e))?;
        Self::from_database(db, name, Some(path))
    }

    fn from_database(mut db: Connection, name: String, file: Option<&Path>) -> Result<Self, Error> {
        check_database(&db, &name)?;
        let text = |key: &str| about_value(&db, &name, key).map(|value| String::from_utf8_lossy(&value).into_owned());
        let owner = Owner { connection: text("connection")?, channel: text("channel")?, scim_url: text("SCIM URL")? };
        migrate(&mut db, &name, file)?;
        Ok(Self { name, db, owner })
    }

    /// Returns the counts of users, and the counts of groups.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn counts(&self) -> Result<(StateCounts, StateCounts), Error> {
        let counts = |is_group: bool| {
            let sum = |column: &str| format!("coalesce(sum({column}), 0)");
            let columns = ["in_scope", "target_id IS NOT NULL", "dirty", "skipped"].map(sum).join(", ");
            let query = format!("SELECT count(*), {columns} FROM ({ENTRIES_QUERY}) WHERE is_group = ?1");
            self.with_file_name(self.db.query_row(&query, [is_group], |row| {
                Ok(StateCounts {
                    known: row.get(0)?,
                    in_scope: row.get(1)?,
                    linked: row.get(2)?,
                    dirty: row.get(3)?,
                    skipped: row.get(4)?,
                })
            }))
        };
        Ok((counts(false)?, counts(true)?))
    }

    /// Returns how many closed users and groups the file remembers, each with the account or group it was linked to.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn closed(&self) -> Result<u32, Error> {
        self.with_file_name(self.db.query_row("SELECT count(*) FROM tombstone", [], |row| row.get(0)))
    }

    /// Returns the watermarks, which show how far the source was read, by name.
    ///
    /// `source read whole` is the time of the last read of all entries (RFC 3339, UTC), `entry versions` a number.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn watermarks(&self) -> Result<BTreeMap<&'static str, String>, Error> {
        let query = "SELECT (SELECT strftime('%FT%TZ', value, 'unixepoch') FROM about WHERE name = 'read_whole'),
                     (SELECT count(*) FROM entry_version)";
        let (whole, entries): (Option<String>, u32) =
            self.with_file_name(self.db.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))))?;
        let whole = whole.map(|time| ("source read whole", time));
        Ok(whole.into_iter().chain([("entry versions", entries.to_string())]).collect())
    }

    /// Returns every user and group with this identifier or name, source id or target id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, text: &str) -> Result<Vec<StateEntry>, Error> {
        // SQLite ignores the case of ASCII letters only, so the comparison is here.
        let lower = text.to_lowercase();
        let matches = |entry: &StateEntry| {
            entry.source_id == text
                || entry.target_id.as_deref() == Some(text)
                || entry.identifier.to_lowercase() == lower
        };
        Ok(self.entries()?.into_iter().filter(matches).collect())
    }

    /// Returns every user and group: users first, each sorted by identifier.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn entries(&self) -> Result<Vec<StateEntry>, Error> {
        let read = || -> rusqlite::Result<Vec<StateEntry>> {
            let query = format!("{ENTRIES_QUERY} ORDER BY is_group, identifier, source_id");
            self.db.prepare(&query)?.query_map([], state_entry)?.collect()
        };
        self.with_file_name(read())
    }

    /// Makes the next cycle compare every user and group with the target again. Returns their number.
    ///
    /// `watermarks`: the next cycle also reads the source as if for the first time.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn reset(&mut self, watermarks: bool) -> Result<usize, Error> {
        let mut write = || {
            let transaction = self.db.transaction()?;
            let mut count = 0;
            for table in ["user", "user_group"] {
                let update = format!("UPDATE {table} SET values_hash = ?1 WHERE values_hash IS NOT NULL");
                count += transaction.execute(&update, [RESET_HASH])?;
            }
            // A user whose entry version is known would not be compared.
            transaction.execute("DELETE FROM entry_version", [])?;
            if watermarks {
                transaction.execute("DELETE FROM about WHERE name IN ('reading', 'read_whole')", [])?;
            }
            transaction.commit()?;
            Ok(count)
        };
        let written = write();
        self.with_file_name(written)
    }

    /// Deletes the rows of users and groups, and writes tombstones of the linked ones, at the time of `clock`.
    ///
    /// Their accounts and groups at the target stay.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget(&mut self, entries: &[StateEntry], clock: &dyn Clock) -> Result<(), Error> {
        let now = unix_time(clock);
        let mut write = || {
            let transaction = self.db.transaction()?;
            for entry in entries {
                close_row(&transaction, entry.is_group, &entry.source_id, FORGOTTEN, now)?;
                transaction.execute("DELETE FROM entry_version WHERE source_id = ?1", [&entry.source_id])?;
            }
            transaction.commit()
        };
        let written = write();
        self.with_file_name(written)
    }

    fn with_file_name<T>(&self, result: rusqlite::Result<T>) -> Result<T, Error> {
        result.map_err(|e| sqlite_error(&self.name, &e))
    }
}

fn state_entry(row: &Row<'_>) -> rusqlite::Result<StateEntry> {
    Ok(StateEntry {
        is_group: row.get(0)?,
        source_id: row.get(1)?,
        target_id: row.get(2)?,
        identifier: row.get(3)?,
        sent: row.get(4)?,
        in_scope: row.get(5)?,
        enabled: row.get(6)?,
        dirty: row.get(7)?,
        skipped: row.get(8)?,
        created: row.get(9)?,
        modified: row.get(10)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tests::ManualClock;
    use crate::state::{GroupRow, State, UserRow};

    fn owner() -> Owner {
        Owner { connection: "c".into(), channel: "corp".into(), scim_url: "https://scim.example/".into() }
    }

    fn user(id: &str, name: &str) -> UserRow {
        UserRow {
            source_id: id.into(),
            target_id: Some(format!("t{id}")),
            identifier: name.into(),
            values_hash: Some(vec![7]),
            in_scope: true,
            enabled: true,
            ..UserRow::default()
        }
    }

    /// Returns a state file with Ada, who is not dirty, Bob, who is dirty, and a group.
    fn file(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("x.state");
        let state = State::open(&path, &owner(), ManualClock::of_2001()).unwrap();
        state.begin(b"", [&user("2", "Bob")]).unwrap();
        state.put_user(&user("1", "Ada")).unwrap();
        let group =
            GroupRow { source_id: "9".into(), name: "Staff".into(), values_hash: Some(vec![8]), ..GroupRow::default() };
        state.put_group(&group).unwrap();
        state.put_versions(b"usn", &[("1".to_owned(), vec![1]), ("2".to_owned(), vec![2])].into(), true).unwrap();
        path
    }

    #[test]
    fn reading_shows_owner_and_entries_and_leaves_the_file_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let before = std::fs::read(&path).unwrap();
        let state = StateMaintenance::read(&path).unwrap();
        assert_eq!(state.owner, owner());
        let users = StateCounts { known: 2, in_scope: 2, linked: 2, dirty: 1, skipped: 0 };
        assert_eq!(state.counts().unwrap(), (users, StateCounts { known: 1, ..StateCounts::default() }));
        let marks = state.watermarks().unwrap();
        assert_eq!(marks["entry versions"], "2");
        assert_eq!(marks["source read whole"], "2001-01-01T00:00:00Z");
        let dirty: Vec<_> = state.entries().unwrap().into_iter().filter(|e| e.dirty).map(|e| e.identifier).collect();
        assert_eq!(dirty, ["Bob"]);
        for text in ["ADA", "1", "t1", "staff"] {
            assert_eq!(state.find(text).unwrap().len(), 1, "{text}");
        }
        assert!(state.find("T1").unwrap().is_empty());
        drop(state);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_reset_replaces_every_hash_and_keeps_every_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        assert_eq!(StateMaintenance::open(&path).unwrap().reset(false).unwrap(), 3);
        assert!(StateMaintenance::read(&path).unwrap().watermarks().unwrap().contains_key("source read whole"));
        let state = State::open(&path, &owner(), ManualClock::of_2001()).unwrap();
        let users = state.users(b"").unwrap();
        assert!(users.values().all(|u| u.target_id.is_some() && u.values_hash.as_deref() == Some(RESET_HASH)));
        assert_eq!(state.group("9").unwrap().unwrap().values_hash.as_deref(), Some(RESET_HASH));
        assert!(state.versions(b"usn").unwrap().is_empty());
        drop(state);
        StateMaintenance::open(&path).unwrap().reset(true).unwrap();
        assert!(!StateMaintenance::read(&path).unwrap().watermarks().unwrap().contains_key("source read whole"));
    }

    #[test]
    fn a_forgotten_user_or_group_has_no_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let mut state = StateMaintenance::open(&path).unwrap();
        let entries = [state.find("ada").unwrap(), state.find("staff").unwrap()].concat();
        state.forget(&entries, &*ManualClock::of_2001()).unwrap();
        let remaining = state.entries().unwrap();
        assert_eq!(remaining.iter().map(|e| e.identifier.as_str()).collect::<Vec<_>>(), ["Bob"]);
        assert_eq!(state.watermarks().unwrap()["entry versions"], "1");
        // The group was not linked.
        assert_eq!(state.closed().unwrap(), 1);
        let tombstone = "SELECT kind, source_id, target_id, identifier, left_at, closed FROM tombstone";
        let tombstone = state.db.query_row(tombstone, [], |row| {
            let texts: [String; 4] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(5)?];
            Ok((row.get::<_, i64>(0)?, texts, row.get::<_, i64>(4)?))
        });
        assert_eq!(tombstone.unwrap(), (0, ["1", "t1", "Ada", "forgotten"].map(str::to_owned), 978_307_200));
    }

    #[test]
    fn a_file_in_use_missing_or_damaged_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let assert_rejected = |path: &Path, text: &str| {
            for error in [StateMaintenance::read(path).unwrap_err(), StateMaintenance::open(path).unwrap_err()] {
                assert!(error.to_string().contains(text), "{error}");
            }
        };
        let run = State::open(&path, &owner(), ManualClock::of_2001()).unwrap();
        assert_rejected(&path, "another run");
        drop(run);
        assert_rejected(&folder.path().join("nowhere"), "nowhere");
        let junk = folder.path().join("junk");
        for content in [&b""[..], &b"not a database at all".repeat(100)] {
            std::fs::write(&junk, content).unwrap();
            assert_rejected(&junk, "damaged");
        }
    }
}
