//! Compares the users of the source with the state: which are new, changed or gone, and which cannot be sent.
//! Does not know: the target.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use pfscim_core::environment::Clock;
use pfscim_core::settings::Settings;
use pfscim_core::text::{excerpt, printable};
use pfscim_core::{Failure, Message, Outcome, Record, Report};

use super::groups::{GroupChanges, group_changes};
use super::record::{Operation, RecordKind, UnsentRecord};
use crate::Error;
use crate::connection::Channel;
use crate::directory::Entry;
use crate::mapping::RecordMapper;
use crate::selection::{self, MemberUser, SelectedUser, Selection, SourceGroups, VersionLookup};
use crate::source::Source;
use crate::state::{State, UserRow};

/// A user of the source that can be sent.
pub(crate) struct PresentUser {
    pub(crate) source_id: String,
    pub(crate) record: Record,
    pub(crate) identifier: String,
    /// The hash of what an update would send.
    pub(crate) hash: Vec<u8>,
    /// The row of the state; `None` for a new user.
    pub(crate) known: Option<UserRow>,
    /// The warnings of the mapping.
    pub(crate) warnings: Vec<String>,
}

impl PresentUser {
    /// Returns the row of a user in scope, with what the state has about it.
    pub(crate) fn row(&self) -> UserRow {
        let known = self.known.clone().unwrap_or_default();
        UserRow { source_id: self.source_id.clone(), identifier: self.identifier.clone(), in_scope: true, ..known }
    }

    /// Returns the identifier that the target is known to have: of a linked user the stored one.
    pub(crate) fn known_identifier(&self) -> &str {
        let linked = self.known.as_ref().filter(|row| row.target_id.is_some());
        linked.map_or(&self.identifier, |row| &row.identifier)
    }

    /// Returns the row that is written before the user is sent: a new identifier counts when the target has confirmed it.
    pub(crate) fn row_before(&self) -> UserRow {
        UserRow { identifier: self.known_identifier().to_owned(), ..self.row() }
    }
}

/// The changes of a cycle.
#[derive(Default)]
pub(crate) struct ChangeSet {
    /// Users of the source to create or update.
    pub(crate) pushes: Vec<PresentUser>,
    /// Users who left the source location.
    pub(crate) leavers: Vec<UserRow>,
    /// Users that are unchanged or cannot be sent.
    pub(crate) unsent: Vec<UnsentRecord>,
    /// Lower-case identifier to source id, of every user in scope.
    pub(crate) identifiers: HashMap<String, String>,
    /// The users and groups that the target would lose: identifiers and names.
    pub(crate) removals: Vec<String>,
    /// How many linked users were in scope before this cycle.
    pub(crate) known: usize,
    /// How many users are in scope now.
    pub(crate) selected: usize,
    /// The digest of how the source was read; empty for a file.
    pub(crate) reading_digest: Vec<u8>,
    /// The digests of the entry versions that were read, by source id.
    pub(crate) versions: HashMap<String, Vec<u8>>,
    /// Every entry was read, not only changed ones.
    pub(crate) whole: bool,
    /// The groups of the source location that the source contains.
    pub(crate) source_groups: BTreeSet<String>,
    /// Why a file may be incomplete.
    pub(crate) incomplete_reason: Option<String>,
    /// The changes of groups.
    pub(crate) groups: GroupChanges,
}

/// Compares a source with a state, by the settings of a channel.
pub(crate) struct Comparison<'a> {
    /// The channel.
    pub(crate) channel: &'a Channel,
    /// The mapping of the channel.
    pub(crate) mapper: &'a RecordMapper<'a>,
    /// The settings of the Target tab.
    pub(crate) settings: &'a Settings,
    /// The source of users and groups.
    pub(crate) source: &'a dyn Source,
    /// What earlier cycles sent.
    pub(crate) state: &'a State,
    /// Tells how old a timestamp of the source is.
    pub(crate) clock: &'a dyn Clock,
    /// Reads every entry, including entries that the directory reports as unchanged.
    pub(crate) full: bool,
    /// Compares this user only (identifier, source id or target id), and sends it even if unchanged.
    pub(crate) only_user: Option<&'a str>,
    /// The caller sets this to stop the comparison.
    pub(crate) stop: Option<&'a AtomicBool>,
}

impl Comparison<'_> {
    /// Compares the source with the state.
    ///
    /// # Errors
    /// The source or the state cannot be read, an entry has no unique GUID, or the caller stopped the comparison.
    pub(crate) fn changes(&self) -> Result<ChangeSet, Error> {
        let mut users = self.state.users(&self.settings.digest())?;
        let mut changes = ChangeSet {
            // Most users of a cycle are unchanged.
            unsent: Vec::with_capacity(users.len()),
            known: users.values().filter(|u| u.in_scope && u.target_id.is_some()).count(),
            ..ChangeSet::default()
        };
        let selection = Selection::new(&self.channel.channel_source, self.source, self.clock)?;
        changes.reading_digest = self.reading_digest()?;
        let mut versions = if self.full || self.only_user.is_some() {
            HashMap::new()
        } else {
            self.state.versions(&changes.reading_digest)?
        };
        // A record that must be sent again must be read again.
        versions.retain(|id, _| users.get(id).is_some_and(|u| u.in_scope && !u.dirty && u.values_hash.is_some()));
        let is_known_version = |id: &str, version: &[u8]| versions.get(id) == Some(&self.state.digest(version));
        let lookup: Option<VersionLookup<'_>> = if versions.is_empty() { None } else { Some(&is_known_version) };
        changes.whole = true;
        let mapped: Vec<_> = self.channel.mapped_attributes().collect();
        let name_source = self.settings.group_name_source;
        // The members of a group are known only after all users, so a run for one user does not send groups.
        let group_location = self.channel.channel_source.group_location().filter(|_| self.only_user.is_none());
        let mut source_groups = match group_location {
            Some(location) => SourceGroups::read(location, &self.channel.channel_source, name_source, self.source)?,
            None => SourceGroups::default(),
        };
        let mut seen = BTreeSet::new();
        selection.users(self.source, &mapped, lookup, &mut |selected| {
            if self.is_stopped() {
                return Err(Error::stopped_by_signal());
            }
            let (entry, version) = match selected {
                SelectedUser::Unchanged(source_id, entry) => {
                    changes.whole = false;
                    changes
                        .versions
                        .extend(versions.get(&source_id).map(|version| (source_id.clone(), version.clone())));
                    if let Some(user) = users.remove(&source_id) {
                        if let Some(entry) = entry {
                            let member = MemberUser { source_id: source_id.clone(), name: user.identifier.clone() };
                            source_groups.add(&entry, member);
                        }
                        self.add_unchanged(&mut changes, user);
                    }
                    seen.insert(source_id);
                    return Ok(());
                }
                SelectedUser::Entry(entry, version) => (entry, version),
            };
            let attribute = &self.channel.channel_source.guid_attribute_name;
            let source_id = selection::guid(&entry, &self.channel.channel_source)
                .ok_or_else(|| selection::missing_guid(&entry, attribute, "user"))?;
            if !seen.insert(source_id.clone()) {
                return Err(selection::duplicate_guid(&entry, attribute, "user"));
            }
            changes.versions.extend(version.map(|version| (source_id.clone(), self.state.digest(&version))));
            let name = self.add_entry(&mut changes, users.remove(&source_id), source_id.clone(), &entry);
            source_groups.add(&entry, MemberUser { source_id, name });
            Ok(())
        })?;
        // Without a version, the next cycle reads the entry again and reports its failure again.
        for failed in changes.unsent.iter().filter(|unsent| unsent.result.is_err()) {
            changes.versions.remove(&failed.source_id);
        }
        changes.selected = seen.len();
        selection.check_group(changes.selected)?;
        changes.source_groups = selection.found_groups();
        changes.incomplete_reason = selection.incomplete_reason(&self.state.source_groups()?);
        for user in users.into_values().filter(|u| u.in_scope || u.dirty) {
            let is_replaced = changes.identifiers.contains_key(&user.identifier.to_lowercase());
            if user.target_id.is_some() && !is_replaced && self.settings.remove {
                changes.removals.push(user.identifier.clone());
            }
            changes.leavers.push(UserRow { in_scope: false, ..user });
        }
        // The rows come from a hash map, so equal identifiers need the source id for a fixed order.
        changes.leavers.sort_by(|a, b| (&a.identifier, &a.source_id).cmp(&(&b.identifier, &b.source_id)));
        if group_location.is_some() {
            changes.groups = group_changes(self.state, source_groups)?;
        }
        changes.removals.sort_unstable();
        changes.removals.extend(changes.groups.removals());
        if let Some(user) = self.only_user {
            changes.retain_user(user)?;
        }
        Ok(changes)
    }

    /// Returns the digest of everything that makes the record of an entry: program, server, channel and mapping.
    ///
    /// Entry versions of another digest are not compared. Empty for a file.
    fn reading_digest(&self) -> Result<Vec<u8>, Error> {
        let Some(server) = self.source.server()? else { return Ok(Vec::new()) };
        let inputs = (env!("CARGO_PKG_VERSION"), server, self.channel, self.mapper);
        Ok(self.state.digest(format!("{inputs:?}").as_bytes()))
    }

    /// Adds a user whose entry is unchanged since the last cycle.
    fn add_unchanged(&self, changes: &mut ChangeSet, user: UserRow) {
        changes.identifiers.insert(user.identifier.to_lowercase(), user.source_id.clone());
        let operation = if user.target_id.is_some() { Operation::Update } else { Operation::Create };
        let report = Report::new(Outcome::Unchanged, user.target_id.as_deref());
        let unsent = UnsentRecord::new(RecordKind::User, &user.source_id, &user.identifier, operation, Ok(report));
        changes.unsent.push(UnsentRecord { blocked_by_option: user.skipped, ..unsent });
    }

    /// Adds a user whose entry was read. Returns the identifier, or the DN if the entry has no identifier.
    fn add_entry(&self, changes: &mut ChangeSet, known: Option<UserRow>, source_id: String, entry: &Entry) -> String {
        let is_linked = known.as_ref().is_some_and(|u| u.target_id.is_some());
        let operation = if is_linked { Operation::Update } else { Operation::Create };
        let unsent =
            |identifier: &str, result| UnsentRecord::new(RecordKind::User, &source_id, identifier, operation, result);
        let account_management = &self.channel.channel_source.account_management_settings;
        let mapped =
            selection::is_enabled(entry, account_management).and_then(|enabled| self.mapper.record(entry, enabled));
        let identified = mapped.and_then(|(record, warnings)| {
            let identifier = self.mapper.identifier(&record)?.to_owned();
            Ok((record, warnings, identifier))
        });
        let (record, warnings, identifier) = match identified {
            Ok(identified) => identified,
            Err(failure) => {
                changes.unsent.push(unsent(entry.label(), Err(failure)));
                return entry.label().to_owned();
            }
        };
        if let Some(other) = changes.identifiers.get(&identifier.to_lowercase()) {
            let code = self.mapper.identifier_code();
            let text = format!("not sent, because source record {} has the same {code}", printable(other));
            let message = Message::new(text).with_hint(format!("give each user its own {code}"));
            changes.unsent.push(unsent(&identifier, Err(Failure::Conflict(message))));
            return identifier;
        }
        if !warnings.is_empty() {
            // Without a version, the next cycle reads the entry again and reports its warnings again.
            changes.versions.remove(&source_id);
        }
        changes.identifiers.insert(identifier.to_lowercase(), source_id.clone());
        let hash = self.state.hash(&self.mapper.without_create_only(&record));
        if let Some(row) = &known {
            let is_requested = self
                .only_user
                .is_some_and(|user| matches_user(user, &source_id, &identifier, row.target_id.as_deref()));
            if row.in_scope && !row.dirty && row.values_hash.as_ref() == Some(&hash) && !is_requested {
                let report = Report { warnings, ..Report::new(Outcome::Unchanged, row.target_id.as_deref()) };
                changes.unsent.push(UnsentRecord { blocked_by_option: row.skipped, ..unsent(&identifier, Ok(report)) });
                return identifier;
            }
            if row.in_scope && row.enabled && !record.enabled && row.target_id.is_some() && self.settings.remove {
                changes.removals.push(identifier.clone());
            }
        }
        changes.pushes.push(PresentUser { source_id, record, identifier: identifier.clone(), hash, known, warnings });
        identifier
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

impl ChangeSet {
    /// Drops every record except those of one user.
    ///
    /// # Errors
    /// The change set contains no record of the user.
    fn retain_user(&mut self, user: &str) -> Result<(), Error> {
        self.pushes.retain(|p| {
            let target_id = p.known.as_ref().and_then(|row| row.target_id.as_deref());
            matches_user(user, &p.source_id, &p.identifier, target_id)
        });
        self.leavers.retain(|row| matches_user(user, &row.source_id, &row.identifier, row.target_id.as_deref()));
        self.unsent.retain(|unsent| matches_user(user, &unsent.source_id, &unsent.identifier, None));
        let identifiers: BTreeSet<_> =
            self.pushes.iter().map(|p| &p.identifier).chain(self.leavers.iter().map(|row| &row.identifier)).collect();
        self.removals.retain(|name| identifiers.contains(name));
        if self.pushes.is_empty() && self.leavers.is_empty() && self.unsent.is_empty() {
            let text = format!(
                "`{}` is not the identifier, source id or target id of a user in the source or the state",
                excerpt(user)
            );
            let message = Message::new(text).with_hint("check the spelling and Source Location");
            return Err(Error::unusable(message.at("--on-demand")));
        }
        Ok(())
    }
}

/// Returns whether `user`, from the command line, is the source id, the target id or the identifier of this record.
fn matches_user(user: &str, source_id: &str, identifier: &str, target_id: Option<&str>) -> bool {
    user == source_id || target_id == Some(user) || user.to_lowercase() == identifier.to_lowercase()
}
