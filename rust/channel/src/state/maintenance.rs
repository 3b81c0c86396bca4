//! Looking after a state file by hand, as PingFederate's `provmgr` does: what is in it, whom it knows, what has to be
//! sent (again); and making it forget. Never touches the target.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, Row};

use super::file::{Owner, about, copied, locked, not_empty, shown, unusable, whole};
use crate::Error;

/// Users and groups alike, in the order of [`kept`].
const ENTRIES_QUERY: &str = "
    SELECT 0 AS is_group, source_id, target_id, identifier, values_hash IS NOT NULL AS sent, in_scope, enabled, dirty,
           skipped, created, modified FROM user
    UNION ALL
    SELECT 1, source_id, target_id, name, values_hash IS NOT NULL, in_scope, 1, dirty, 0, created, modified
    FROM user_group";
/// Stands for values that were sent, and is the hash of none: they are compared again.
const UNLIKE_ANY: &[u8] = &[];

/// An open state file, whatever channel it belongs to.
#[derive(Debug)]
pub struct StateMaintenance {
    name: String,
    db: Connection,
    /// Whose file it is.
    pub owner: Owner,
}

/// How many users or groups are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateCounts {
    /// All that are known.
    pub known: u32,
    /// Selected by the source location.
    pub in_scope: u32,
    /// With an account or group at the target.
    pub linked: u32,
    /// To be sent (again).
    pub dirty: u32,
    /// Held back by a provisioning option; users only.
    pub skipped: u32,
}

/// A user or a group of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateEntry {
    /// A group, no user.
    pub is_group: bool,
    /// The entry GUID.
    pub source_id: String,
    /// The target's id; none until something is linked.
    pub target_id: Option<String>,
    /// The value of the unique user identifier, or the name of the group.
    pub identifier: String,
    /// Something was sent.
    pub sent: bool,
    /// Selected by the source location.
    pub in_scope: bool,
    /// The account status that was sent; true for groups.
    pub enabled: bool,
    /// To be sent (again).
    pub dirty: bool,
    /// The last operation was held back by a provisioning option.
    pub skipped: bool,
    /// First written down then (RFC 3339, UTC).
    pub created: String,
    /// Last written down then (RFC 3339, UTC).
    pub modified: String,
}

impl StateMaintenance {
    /// Reads a file, without a trace in it.
    ///
    /// # Errors
    /// It is not there, in use or damaged.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = shown(path);
        Self::examined(copied(path, &name)?, name)
    }

    /// Opens a file to change it; nobody else can use it meanwhile.
    ///
    /// # Errors
    /// As [`StateMaintenance::read`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = shown(path);
        not_empty(path, &name)?;
        let db = locked(path).map_err(|e| unusable(&name, &e))?;
        Self::examined(db, name)
    }

    fn examined(db: Connection, name: String) -> Result<Self, Error> {
        whole(&db, &name)?;
        let text = |what: &str| about(&db, &name, what).map(|value| String::from_utf8_lossy(&value).into_owned());
        let owner = Owner { connection: text("connection")?, channel: text("channel")?, scim_url: text("SCIM URL")? };
        Ok(Self { name, db, owner })
    }

    /// How many users there are, and how many groups.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn counts(&self) -> Result<(StateCounts, StateCounts), Error> {
        let of = |is_group: bool| {
            let count = |column: &str| format!("coalesce(sum({column}), 0)");
            let columns = ["in_scope", "target_id IS NOT NULL", "dirty", "skipped"].map(count).join(", ");
            let query = format!("SELECT count(*), {columns} FROM ({ENTRIES_QUERY}) WHERE is_group = ?1");
            self.told(self.db.query_row(&query, [is_group], |row| {
                Ok(StateCounts {
                    known: row.get(0)?,
                    in_scope: row.get(1)?,
                    linked: row.get(2)?,
                    dirty: row.get(3)?,
                    skipped: row.get(4)?,
                })
            }))
        };
        Ok((of(false)?, of(true)?))
    }

    /// How far the source was read, by name: when it was last read whole (RFC 3339, UTC), and of how many entries the
    /// version is known.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn watermarks(&self) -> Result<BTreeMap<&'static str, String>, Error> {
        let query = "SELECT (SELECT strftime('%FT%TZ', value, 'unixepoch') FROM about WHERE name = 'read_whole'),
                     (SELECT count(*) FROM entry_version)";
        let (whole, entries): (Option<String>, u32) =
            self.told(self.db.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))))?;
        let whole = whole.map(|time| ("source read whole", time));
        Ok(whole.into_iter().chain([("entry versions", entries.to_string())]).collect())
    }

    /// Every user and group with this identifier or name, source id or target id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, who: &str) -> Result<Vec<StateEntry>, Error> {
        // SQLite compares letters of ASCII only without case.
        let folded = who.to_lowercase();
        let is = |kept: &StateEntry| {
            kept.source_id == who || kept.target_id.as_deref() == Some(who) || kept.identifier.to_lowercase() == folded
        };
        Ok(self.entries()?.into_iter().filter(is).collect())
    }

    /// Every user and group, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn entries(&self) -> Result<Vec<StateEntry>, Error> {
        let read = || -> rusqlite::Result<Vec<StateEntry>> {
            let query = format!("{ENTRIES_QUERY} ORDER BY is_group, identifier, source_id");
            self.db.prepare(&query)?.query_map([], kept)?.collect()
        };
        self.told(read())
    }

    /// Has every user and group compared with the target again in the next cycle; `watermarks` also forgets how far
    /// the source was read. Returns how many there are that something was sent for.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn reset(&mut self, watermarks: bool) -> Result<usize, Error> {
        let mut write = || {
            let transaction = self.db.transaction()?;
            let mut count = 0;
            for table in ["user", "user_group"] {
                let update = format!("UPDATE {table} SET values_hash = ?1 WHERE values_hash IS NOT NULL");
                count += transaction.execute(&update, [UNLIKE_ANY])?;
            }
            // An entry that is told unchanged would not be compared.
            transaction.execute("DELETE FROM entry_version", [])?;
            if watermarks {
                transaction.execute("DELETE FROM about WHERE name IN ('reading', 'read_whole')", [])?;
            }
            transaction.commit()?;
            Ok(count)
        };
        let written = write();
        self.told(written)
    }

    /// Takes users and groups out of the file; the target keeps theirs.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget(&mut self, these: &[StateEntry]) -> Result<(), Error> {
        let mut write = || {
            let transaction = self.db.transaction()?;
            for kept in these {
                let table = if kept.is_group { "user_group" } else { "user" };
                transaction.execute(&format!("DELETE FROM {table} WHERE source_id = ?1"), [&kept.source_id])?;
                transaction.execute("DELETE FROM entry_version WHERE source_id = ?1", [&kept.source_id])?;
            }
            transaction.commit()
        };
        let written = write();
        self.told(written)
    }

    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, Error> {
        result.map_err(|e| unusable(&self.name, &e))
    }
}

fn kept(row: &Row<'_>) -> rusqlite::Result<StateEntry> {
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

    /// A file with Ada, who is up to date, Bob, who is dirty, and a group.
    fn file(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("x.state");
        let state = State::open(&path, &owner()).unwrap();
        state.begin(b"", [&user("2", "Bob")]).unwrap();
        state.put(&user("1", "Ada")).unwrap();
        let group =
            GroupRow { source_id: "9".into(), name: "Staff".into(), values_hash: Some(vec![8]), ..GroupRow::default() };
        state.put_group(&group).unwrap();
        state.remember(b"usn", &[("1".to_owned(), vec![1]), ("2".to_owned(), vec![2])].into(), true).unwrap();
        path
    }

    #[test]
    fn a_file_tells_whose_it_is_and_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let before = std::fs::read(&path).unwrap();
        let state = StateMaintenance::read(&path).unwrap();
        assert_eq!(state.owner, owner());
        let users = StateCounts { known: 2, in_scope: 2, linked: 2, dirty: 1, skipped: 0 };
        assert_eq!(state.counts().unwrap(), (users, StateCounts { known: 1, ..StateCounts::default() }));
        let marks = state.watermarks().unwrap();
        assert_eq!(marks["entry versions"], "2");
        assert!(marks["source read whole"].starts_with("20") && marks["source read whole"].ends_with('Z'));
        let dirty: Vec<_> = state.entries().unwrap().into_iter().filter(|k| k.dirty).map(|k| k.identifier).collect();
        assert_eq!(dirty, ["Bob"]);
        for who in ["ADA", "1", "t1", "staff"] {
            assert_eq!(state.find(who).unwrap().len(), 1, "{who}");
        }
        assert!(state.find("T1").unwrap().is_empty());
        drop(state);
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_reset_has_everybody_compared_again_and_forgets_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        assert_eq!(StateMaintenance::open(&path).unwrap().reset(false).unwrap(), 3);
        assert!(StateMaintenance::read(&path).unwrap().watermarks().unwrap().contains_key("source read whole"));
        let state = State::open(&path, &owner()).unwrap();
        let users = state.users(b"").unwrap();
        assert!(users.values().all(|u| u.target_id.is_some() && u.values_hash.as_deref() == Some(UNLIKE_ANY)));
        assert_eq!(state.group("9").unwrap().unwrap().values_hash.as_deref(), Some(UNLIKE_ANY));
        assert!(state.versions(b"usn").unwrap().is_empty());
        drop(state);
        StateMaintenance::open(&path).unwrap().reset(true).unwrap();
        assert!(!StateMaintenance::read(&path).unwrap().watermarks().unwrap().contains_key("source read whole"));
    }

    #[test]
    fn whoever_is_forgotten_is_gone_from_the_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let mut state = StateMaintenance::open(&path).unwrap();
        let these = [state.find("ada").unwrap(), state.find("staff").unwrap()].concat();
        state.forget(&these).unwrap();
        let left = state.entries().unwrap();
        assert_eq!(left.iter().map(|k| k.identifier.as_str()).collect::<Vec<_>>(), ["Bob"]);
        assert_eq!(state.watermarks().unwrap()["entry versions"], "1");
    }

    #[test]
    fn a_file_in_use_missing_or_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let refused = |path: &Path, words: &str| {
            for told in [StateMaintenance::read(path).unwrap_err(), StateMaintenance::open(path).unwrap_err()] {
                assert!(told.to_string().contains(words), "{told}");
            }
        };
        let run = State::open(&path, &owner()).unwrap();
        refused(&path, "another run");
        drop(run);
        refused(&folder.path().join("nowhere"), "nowhere");
        let junk = folder.path().join("junk");
        for content in [&b""[..], &b"not a database at all".repeat(100)] {
            std::fs::write(&junk, content).unwrap();
            refused(&junk, "damaged");
        }
    }
}
