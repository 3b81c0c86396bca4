//! Looking after a state file by hand, as PingFederate's `provmgr` does: what is in it, whom it knows, what has to be
//! sent (again); and making it forget. Never touches the target.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, Row};

use super::{Owner, User, about, copied, locked, not_empty, shown, unusable, whole};
use crate::Error;

/// Columns of a user, in the order of [`kept`].
const COLUMNS: &str =
    "source_id, target_id, identifier, values_hash, in_scope, enabled, dirty, skipped, created, modified";
/// Stands for values that were sent, and is the hash of none: they are compared again.
const UNLIKE_ANY: &[u8] = &[];

/// An open state file, whatever channel it belongs to.
#[derive(Debug)]
pub struct Upkeep {
    name: String,
    db: Connection,
    /// Whose file it is.
    pub owner: Owner,
}

/// How many users are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Everybody who is known.
    pub users: u32,
    /// Selected by the source location.
    pub in_scope: u32,
    /// With an account at the target.
    pub linked: u32,
    /// To be sent (again).
    pub dirty: u32,
    /// Held back by a provisioning option.
    pub skipped: u32,
    /// Groups that are known.
    pub groups: u32,
    /// Groups to be sent (again).
    pub dirty_groups: u32,
}

/// A user and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What is known.
    pub user: User,
    /// When the user was first written down (RFC 3339, UTC).
    pub created: String,
    /// When the user was last written down.
    pub modified: String,
}

impl Upkeep {
    /// Reads a file, without a trace in it.
    ///
    /// # Errors
    /// It is not there, in use or damaged.
    pub fn look(path: &Path) -> Result<Self, Error> {
        let name = shown(path);
        Self::examined(copied(path, &name)?, name)
    }

    /// Opens a file to change it; nobody else can use it meanwhile.
    ///
    /// # Errors
    /// As [`Upkeep::look`].
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

    /// How many users there are.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn counts(&self) -> Result<Counts, Error> {
        let count = |column: &str| format!("coalesce(sum({column}), 0)");
        let columns = ["in_scope", "target_id IS NOT NULL", "dirty", "skipped"].map(count).join(", ");
        let groups = "(SELECT count(*) FROM user_group), (SELECT count(*) FROM user_group WHERE dirty)";
        self.told(self.db.query_row(&format!("SELECT count(*), {columns}, {groups} FROM user"), [], |row| {
            Ok(Counts {
                users: row.get(0)?,
                in_scope: row.get(1)?,
                linked: row.get(2)?,
                dirty: row.get(3)?,
                skipped: row.get(4)?,
                groups: row.get(5)?,
                dirty_groups: row.get(6)?,
            })
        }))
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

    /// Everybody with this identifier, source id or target id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, who: &str) -> Result<Vec<Kept>, Error> {
        // SQLite compares letters of ASCII only without case.
        let folded = who.to_lowercase();
        let is = |user: &User| {
            user.source_id == who || user.target_id.as_deref() == Some(who) || user.identifier.to_lowercase() == folded
        };
        Ok(self.users("1")?.into_iter().filter(|kept| is(&kept.user)).collect())
    }

    /// Everybody who has to be sent (again).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn dirty(&self) -> Result<Vec<Kept>, Error> {
        self.users("dirty")
    }

    /// Everybody.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn everybody(&self) -> Result<Vec<Kept>, Error> {
        self.users("1")
    }

    /// Has everybody, and every group, compared with the target again in the next cycle; `watermarks` also forgets how far the source
    /// was read. Returns how many users there are.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn reset(&mut self, watermarks: bool) -> Result<usize, Error> {
        let mut write = || {
            let transaction = self.db.transaction()?;
            let users =
                transaction.execute("UPDATE user SET values_hash = ?1 WHERE values_hash IS NOT NULL", [UNLIKE_ANY])?;
            transaction
                .execute("UPDATE user_group SET values_hash = ?1 WHERE values_hash IS NOT NULL", [UNLIKE_ANY])?;
            // An entry that is told unchanged would not be compared.
            transaction.execute("DELETE FROM entry_version", [])?;
            if watermarks {
                transaction.execute("DELETE FROM about WHERE name IN ('reading', 'read_whole')", [])?;
            }
            transaction.commit()?;
            Ok(users)
        };
        let written = write();
        self.told(written)
    }

    /// Takes users out of the file, by source id; the target keeps their accounts.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget<'i>(&mut self, source_ids: impl IntoIterator<Item = &'i str>) -> Result<(), Error> {
        let write = || {
            let transaction = self.db.transaction()?;
            for source_id in source_ids {
                transaction.execute("DELETE FROM user WHERE source_id = ?1", [source_id])?;
                transaction.execute("DELETE FROM entry_version WHERE source_id = ?1", [source_id])?;
            }
            transaction.commit()
        };
        let written = write();
        self.told(written)
    }

    fn users(&self, condition: &str) -> Result<Vec<Kept>, Error> {
        let read = || -> rusqlite::Result<Vec<Kept>> {
            let query = format!("SELECT {COLUMNS} FROM user WHERE {condition} ORDER BY identifier, source_id");
            self.db.prepare(&query)?.query_map([], kept)?.collect()
        };
        self.told(read())
    }

    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, Error> {
        result.map_err(|e| unusable(&self.name, &e))
    }
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept {
        user: User {
            source_id: row.get(0)?,
            target_id: row.get(1)?,
            identifier: row.get(2)?,
            values_hash: row.get(3)?,
            in_scope: row.get(4)?,
            enabled: row.get(5)?,
            dirty: row.get(6)?,
            skipped: row.get(7)?,
        },
        created: row.get(8)?,
        modified: row.get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Group, State};

    fn owner() -> Owner {
        Owner { connection: "c".into(), channel: "corp".into(), scim_url: "https://scim.example/".into() }
    }

    fn user(id: &str, name: &str) -> User {
        User {
            source_id: id.into(),
            target_id: Some(format!("t{id}")),
            identifier: name.into(),
            values_hash: Some(vec![7]),
            in_scope: true,
            enabled: true,
            ..User::default()
        }
    }

    /// A file with Ada, who is up to date, and Bob, who is dirty.
    fn file(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("x.state");
        let state = State::open(&path, &owner()).unwrap();
        state.begin(b"", [&user("2", "Bob")]).unwrap();
        state.put(&user("1", "Ada")).unwrap();
        state.remember(b"usn", &[("1".to_owned(), vec![1]), ("2".to_owned(), vec![2])].into(), true).unwrap();
        path
    }

    #[test]
    fn a_file_tells_whose_it_is_and_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let before = std::fs::read(&path).unwrap();
        let state = Upkeep::look(&path).unwrap();
        assert_eq!(state.owner, owner());
        assert_eq!(state.counts().unwrap(), Counts { users: 2, in_scope: 2, linked: 2, dirty: 1, ..Counts::default() });
        let marks = state.watermarks().unwrap();
        assert_eq!(marks["entry versions"], "2");
        assert!(marks["source read whole"].starts_with("20") && marks["source read whole"].ends_with('Z'));
        assert_eq!(state.dirty().unwrap()[0].user.identifier, "Bob");
        for who in ["ADA", "1", "t1"] {
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
        let staff = Group { source_id: "s".into(), values_hash: Some(vec![7]), dirty: true, ..Group::default() };
        State::open(&path, &owner()).unwrap().put_group(&staff).unwrap();
        let counts = Upkeep::look(&path).unwrap().counts().unwrap();
        assert_eq!((counts.groups, counts.dirty_groups), (1, 1));
        assert_eq!(Upkeep::open(&path).unwrap().reset(false).unwrap(), 2);
        assert!(Upkeep::look(&path).unwrap().watermarks().unwrap().contains_key("source read whole"));
        let state = State::open(&path, &owner()).unwrap();
        let users = state.users(b"").unwrap();
        assert!(users.values().all(|u| u.target_id.is_some() && u.values_hash.as_deref() == Some(UNLIKE_ANY)));
        assert!(state.versions(b"usn").unwrap().is_empty());
        assert_eq!(state.group("s").unwrap().unwrap().values_hash.as_deref(), Some(UNLIKE_ANY));
        drop(state);
        Upkeep::open(&path).unwrap().reset(true).unwrap();
        assert!(!Upkeep::look(&path).unwrap().watermarks().unwrap().contains_key("source read whole"));
    }

    #[test]
    fn whoever_is_forgotten_is_gone_from_the_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let mut state = Upkeep::open(&path).unwrap();
        state.forget(["1", "nobody"]).unwrap();
        let left = state.everybody().unwrap();
        assert_eq!(left.iter().map(|k| k.user.identifier.as_str()).collect::<Vec<_>>(), ["Bob"]);
        assert_eq!(state.watermarks().unwrap()["entry versions"], "1");
    }

    #[test]
    fn a_file_in_use_missing_or_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path());
        let refused = |path: &Path, words: &str| {
            for told in [Upkeep::look(path).unwrap_err(), Upkeep::open(path).unwrap_err()] {
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
