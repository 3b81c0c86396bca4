//! Reads and writes the rows of a state: users and groups, with PingFederate's columns.
//! Does not know: what an operation does.

use std::collections::{BTreeSet, HashMap};

use pfscim_core::Outcome;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::file::sqlite_error;
use super::store::State;
use crate::Error;

/// One user of the state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserRow {
    /// The entry GUID.
    pub source_id: String,
    /// The target id; `None` until an account is linked.
    pub target_id: Option<String>,
    /// The value of the unique user identifier.
    pub identifier: String,
    /// The keyed hash of the values that were sent; `None` until then.
    pub values_hash: Option<Vec<u8>>,
    /// Whether the source location selected it in the last cycle.
    pub in_scope: bool,
    /// The account status that was sent.
    pub enabled: bool,
    /// Whether it must be sent (again).
    pub dirty: bool,
    /// Whether a provisioning option prevented the last operation.
    pub skipped: bool,
    /// When the target last showed the account, in seconds since 1970; `None`: never.
    pub shown_at: Option<i64>,
    /// When a create was sent whose result is unknown, in seconds since 1970; `None`: there is none.
    pub sent_at: Option<i64>,
}

/// One group of the state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupRow {
    /// The entry GUID.
    pub source_id: String,
    /// The target id; `None` until a group is linked.
    pub target_id: Option<String>,
    /// The name at the target.
    pub name: String,
    /// The keyed hash of the name and the members that were sent; `None` until then.
    pub values_hash: Option<Vec<u8>>,
    /// Whether the source location selected it in the last cycle.
    pub in_scope: bool,
    /// Whether it must be sent (again).
    pub dirty: bool,
    /// Target ids of the members that were sent, or may have been sent. Only these may be removed again.
    pub members: BTreeSet<String>,
    /// When the target last showed the group, in seconds since 1970; `None`: never.
    pub shown_at: Option<i64>,
    /// When a create was sent whose result is unknown, in seconds since 1970; `None`: there is none.
    pub sent_at: Option<i64>,
}

impl State {
    /// Returns every user of the state, by source id.
    ///
    /// If the target settings changed since the last cycle, every skipped user is dirty. The option that prevented its
    /// operation may be different now.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn users(&self, settings: &[u8]) -> Result<HashMap<String, UserRow>, Error> {
        let digest = self.digest(settings);
        let db = self.db();
        let read = || -> rusqlite::Result<HashMap<String, UserRow>> {
            let stored: Option<Vec<u8>> =
                db.query_row("SELECT value FROM about WHERE name = 'settings'", [], |row| row.get(0)).optional()?;
            // Without stored settings, only runs for one user have taken place.
            let is_changed = stored.is_none_or(|stored| stored != digest);
            let mut query = db.prepare(
                "SELECT source_id, target_id, identifier, values_hash, in_scope, enabled, dirty, skipped, shown_at,
                 sent_at FROM user",
            )?;
            let users = query.query_map([], |row| {
                Ok(UserRow {
                    source_id: row.get(0)?,
                    target_id: row.get(1)?,
                    identifier: row.get(2)?,
                    values_hash: row.get(3)?,
                    in_scope: row.get(4)?,
                    enabled: row.get(5)?,
                    dirty: row.get(6)?,
                    skipped: row.get(7)?,
                    shown_at: row.get(8)?,
                    sent_at: row.get(9)?,
                })
            })?;
            users
                .map(|user| {
                    let user = user?;
                    Ok((user.source_id.clone(), UserRow { dirty: user.dirty || (is_changed && user.skipped), ..user }))
                })
                .collect()
        };
        read().map_err(|e| sqlite_error(&self.name, &e))
    }

    /// Returns the source id of another user in scope, not `source_id`, that is linked to this account.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn other_linked_user(&self, target_id: &str, source_id: &str) -> Result<Option<String>, Error> {
        self.db()
            .query_row(
                "SELECT source_id FROM user WHERE target_id = ?1 AND source_id <> ?2 AND in_scope LIMIT 1",
                [target_id, source_id],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| self.stopped(&e))
    }

    /// Returns the target ids of the users in scope, by source id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn target_ids(&self) -> Result<HashMap<String, String>, Error> {
        self.pairs("SELECT source_id, target_id FROM user WHERE in_scope AND target_id IS NOT NULL")
    }

    /// Returns the identifiers of users and the names of groups, by target id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn names(&self) -> Result<HashMap<String, String>, Error> {
        self.pairs(
            "SELECT target_id, identifier FROM user WHERE target_id IS NOT NULL
             UNION ALL SELECT target_id, name FROM user_group WHERE target_id IS NOT NULL",
        )
    }

    fn pairs(&self, query: &str) -> Result<HashMap<String, String>, Error> {
        let db = self.db();
        let read = || -> rusqlite::Result<HashMap<String, String>> {
            db.prepare(query)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        read().map_err(|e| self.stopped(&e))
    }

    /// Returns every group of the state, by source id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn groups(&self) -> Result<HashMap<String, GroupRow>, Error> {
        let db = self.db();
        let read = || -> rusqlite::Result<HashMap<String, GroupRow>> {
            let mut query = db.prepare(&format!("{SELECT_GROUPS} ORDER BY source_id"))?;
            query.query_map([], group_row)?.map(|group| group.map(|g| (g.source_id.clone(), g))).collect()
        };
        read().map_err(|e| sqlite_error(&self.name, &e))
    }

    /// Returns one group of the state.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn group(&self, source_id: &str) -> Result<Option<GroupRow>, Error> {
        self.db()
            .query_row(&format!("{SELECT_GROUPS} WHERE source_id = ?1"), [source_id], group_row)
            .optional()
            .map_err(|e| self.stopped(&e))
    }

    /// Returns the source id of another group in scope, not `source_id`, that is linked to this group of the target.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn other_linked_group(&self, target_id: &str, source_id: &str) -> Result<Option<String>, Error> {
        self.db()
            .query_row(
                "SELECT source_id FROM user_group WHERE target_id = ?1 AND source_id <> ?2 AND in_scope LIMIT 1",
                [target_id, source_id],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| self.stopped(&e))
    }

    /// Writes the row of a group.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_group(&self, group: &GroupRow) -> Result<(), Error> {
        let members = serde_json::json!(group.members).to_string();
        let values = params![
            group.source_id,
            group.target_id,
            group.name,
            group.values_hash,
            group.in_scope,
            group.dirty,
            members,
            self.unix_time(),
            group.shown_at,
            group.sent_at
        ];
        let db = self.db();
        let write = || {
            db.prepare_cached(
                "INSERT INTO user_group
                 (source_id, target_id, name, values_hash, in_scope, dirty, members, created, modified, shown_at,
                 sent_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, strftime('%FT%TZ', ?8, 'unixepoch'),
                 strftime('%FT%TZ', ?8, 'unixepoch'), ?9, ?10)
                 ON CONFLICT (source_id) DO UPDATE SET target_id = ?2, name = ?3, values_hash = ?4, in_scope = ?5,
                 dirty = ?6, members = ?7, modified = strftime('%FT%TZ', ?8, 'unixepoch'), shown_at = ?9,
                 sent_at = ?10",
            )?
            .execute(values)
        };
        write().map(|_| ()).map_err(|e| self.stopped(&e))
    }

    /// Deletes the row of a group, and writes a tombstone if it was linked. `closed`: the outcome that closed the row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget_group(&self, source_id: &str, closed: Outcome) -> Result<(), Error> {
        self.forget(true, source_id, closed)
    }

    /// Returns whether a user is linked to an account.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn is_linked(&self, source_id: &str) -> Result<bool, Error> {
        self.db()
            .query_row("SELECT target_id IS NOT NULL FROM user WHERE source_id = ?1", [source_id], |row| row.get(0))
            .optional()
            .map(|linked| linked.unwrap_or(false))
            .map_err(|e| self.stopped(&e))
    }

    /// Writes the row of a user.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_user(&self, user: &UserRow) -> Result<(), Error> {
        let now = self.unix_time();
        put_user(&self.db(), user, now).map_err(|e| self.stopped(&e))
    }

    /// Deletes the row of a user, and writes a tombstone if it was linked. `closed`: the outcome that closed the row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget_user(&self, source_id: &str, closed: Outcome) -> Result<(), Error> {
        self.forget(false, source_id, closed)
    }

    fn forget(&self, is_group: bool, source_id: &str, closed: Outcome) -> Result<(), Error> {
        let now = self.unix_time();
        let mut db = self.db();
        let mut write = || {
            let transaction = db.transaction()?;
            close_row(&transaction, is_group, source_id, closed.as_str(), now)?;
            transaction.commit()
        };
        write().map_err(|e| self.stopped(&e))
    }
}

/// Deletes the row of a user or group, and writes a tombstone if it has a target id. `now` is in seconds since 1970.
///
/// A row that is closed again with the same account or group replaces the earlier tombstone.
pub(super) fn close_row(
    transaction: &Connection,
    is_group: bool,
    source_id: &str,
    closed: &str,
    now: i64,
) -> rusqlite::Result<()> {
    let (table, identifier) = if is_group { ("user_group", "name") } else { ("user", "identifier") };
    transaction
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO tombstone (kind, source_id, target_id, identifier, left_at, closed)
             SELECT ?1, source_id, target_id, {identifier}, ?3, ?4 FROM {table}
             WHERE source_id = ?2 AND target_id IS NOT NULL"
        ))?
        .execute(params![is_group, source_id, now, closed])?;
    transaction.prepare_cached(&format!("DELETE FROM {table} WHERE source_id = ?1"))?.execute([source_id])?;
    Ok(())
}

/// Writes the row of a user. Columns that [`UserRow`] does not have stay as they are. `now` is in seconds since 1970.
pub(super) fn put_user(db: &Connection, user: &UserRow, now: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO user (source_id, target_id, identifier, values_hash, in_scope, enabled, dirty, skipped, created, modified,
         shown_at, sent_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, strftime('%FT%TZ', ?9, 'unixepoch'),
         strftime('%FT%TZ', ?9, 'unixepoch'), ?10, ?11)
         ON CONFLICT (source_id) DO UPDATE SET target_id = ?2, identifier = ?3, values_hash = ?4, in_scope = ?5,
         enabled = ?6, dirty = ?7, skipped = ?8, modified = strftime('%FT%TZ', ?9, 'unixepoch'), shown_at = ?10,
         sent_at = ?11",
    )?
    .execute(params![
        user.source_id,
        user.target_id,
        user.identifier,
        user.values_hash,
        user.in_scope,
        user.enabled,
        user.dirty,
        user.skipped,
        now,
        user.shown_at,
        user.sent_at
    ])
    .map(|_| ())
}

const SELECT_GROUPS: &str =
    "SELECT source_id, target_id, name, values_hash, in_scope, dirty, members, shown_at, sent_at FROM user_group";

fn group_row(row: &Row<'_>) -> rusqlite::Result<GroupRow> {
    Ok(GroupRow {
        source_id: row.get(0)?,
        target_id: row.get(1)?,
        name: row.get(2)?,
        values_hash: row.get(3)?,
        in_scope: row.get(4)?,
        dirty: row.get(5)?,
        members: serde_json::from_str(&row.get::<_, String>(6)?)
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, e.into()))?,
        shown_at: row.get(7)?,
        sent_at: row.get(8)?,
    })
}
