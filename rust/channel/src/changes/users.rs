//! Compares the users of the source with the state: who is new, changed or gone, and what cannot be sent.
//! Does not know: the target.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use pfscim_core::settings::Settings;
use pfscim_core::text::{excerpt, printable};
use pfscim_core::{Failure, Outcome, Record, Report};

use super::groups::{GroupChanges, group_changes};
use super::record::{Operation, RecordKind, UnsentRecord};
use crate::Error;
use crate::connection::Channel;
use crate::directory::Entry;
use crate::mapping::Rules;
use crate::selection::{self, MemberUser, SelectedUser, Selection, SourceGroups, VersionLookup};
use crate::source::Source;
use crate::state::{State, UserRow};

/// A user of the source.
pub(crate) struct Present {
    pub(crate) source_id: String,
    pub(crate) record: Record,
    pub(crate) identifier: String,
    pub(crate) hash: Vec<u8>,
    /// What the state knows.
    pub(crate) known: Option<UserRow>,
    /// What the mapping tells.
    pub(crate) warnings: Vec<String>,
}

impl Present {
    pub(crate) fn row(&self) -> UserRow {
        let known = self.known.clone().unwrap_or_default();
        UserRow { source_id: self.source_id.clone(), identifier: self.identifier.clone(), in_scope: true, ..known }
    }
}

/// What is to be done in a cycle.
#[derive(Default)]
pub(crate) struct ChangeSet {
    pub(crate) pushes: Vec<Present>,
    pub(crate) leavers: Vec<UserRow>,
    /// Records that nothing is asked for: unchanged, or not fit to be sent.
    pub(crate) settled: Vec<UnsentRecord>,
    /// Identifier to source id, of everybody in scope.
    pub(crate) identifiers: HashMap<String, String>,
    /// Whom the target would lose: identifiers.
    pub(crate) removals: Vec<String>,
    /// Linked users in scope before this cycle.
    pub(crate) known: usize,
    /// Users in scope now.
    pub(crate) selected: usize,
    /// How the source was read; empty for a file.
    pub(crate) reading: Vec<u8>,
    /// In which version the entries were read, by source id.
    pub(crate) versions: HashMap<String, Vec<u8>>,
    /// Every entry was read, not only those that changed.
    pub(crate) whole: bool,
    /// The groups of the source location that a file holds.
    pub(crate) source_groups: BTreeSet<String>,
    /// Why a file may be cut off.
    pub(crate) doubt: Option<String>,
    /// What is to be done for groups.
    pub(crate) groups: GroupChanges,
}

/// What is compared: a source with a state, by the settings of a channel.
pub(crate) struct Comparison<'a> {
    /// The channel.
    pub(crate) channel: &'a Channel,
    /// Its mapping.
    pub(crate) rules: &'a Rules<'a>,
    /// The Target tab.
    pub(crate) settings: &'a Settings,
    /// Where users come from.
    pub(crate) source: &'a dyn Source,
    /// What is known of them.
    pub(crate) state: &'a State,
    /// Reads every entry, also those that a directory says are as before.
    pub(crate) full: bool,
    /// This user only (identifier, source id or target id), whether anything changed or not.
    pub(crate) only_user: Option<&'a str>,
    /// Ends the comparison early.
    pub(crate) stop: Option<&'a AtomicBool>,
}

impl Comparison<'_> {
    /// Compares the source with the state.
    pub(crate) fn changes(&self) -> Result<ChangeSet, Error> {
        let mut users = self.state.users(&self.settings.digest())?;
        let mut changes = ChangeSet {
            // Most of a cycle's users are as they were.
            settled: Vec::with_capacity(users.len()),
            known: users.values().filter(|u| u.in_scope && u.target_id.is_some()).count(),
            ..ChangeSet::default()
        };
        let selection = Selection::new(&self.channel.channel_source, self.source)?;
        changes.reading = self.reading()?;
        let mut versions = if self.full || self.only_user.is_some() {
            HashMap::new()
        } else {
            self.state.versions(&changes.reading)?
        };
        // What has to be sent again has to be read again.
        versions.retain(|id, _| users.get(id).is_some_and(|u| u.in_scope && !u.dirty && u.values_hash.is_some()));
        let known = |id: &str, version: &[u8]| versions.get(id) == Some(&self.state.digest(version));
        let known: Option<VersionLookup<'_>> = if versions.is_empty() { None } else { Some(&known) };
        changes.whole = true;
        let mapped: Vec<_> = self.channel.mapped_attributes().collect();
        let naming = self.settings.group_name_source;
        // Who is in a group takes all users, so a run for one user leaves groups alone.
        let groups = self.channel.channel_source.group_location().filter(|_| self.only_user.is_none());
        let mut roster = match groups {
            Some(location) => SourceGroups::read(location, &self.channel.channel_source, naming, self.source)?,
            None => SourceGroups::default(),
        };
        let mut seen = BTreeSet::new();
        selection.users(self.source, &mapped, known, &mut |found| {
            if self.is_stopped() {
                return Err(Error::stopped_as_asked());
            }
            let (entry, version) = match found {
                SelectedUser::Unchanged(source, entry) => {
                    changes.whole = false;
                    changes.versions.extend(versions.get(&source).map(|version| (source.clone(), version.clone())));
                    if let Some(user) = users.remove(&source) {
                        if let Some(entry) = entry {
                            roster.add(&entry, MemberUser { source_id: source.clone(), name: user.identifier.clone() });
                        }
                        self.same(&mut changes, user);
                    }
                    seen.insert(source);
                    return Ok(());
                }
                SelectedUser::Entry(entry, version) => (entry, version),
            };
            let source = selection::guid(&entry, &self.channel.channel_source).ok_or_else(|| {
                Error::unusable(format!(
                    "{}: {} has no {}; users are told apart by it, so the source has to give it for everyone (operational attributes are exported on request only)",
                    entry.place,
                    excerpt(entry.label()),
                    self.channel.channel_source.guid_attribute_name
                ))
            })?;
            if !seen.insert(source.clone()) {
                let text = format!("{}: {} has a GUID that another user has too", entry.place, excerpt(entry.label()));
                return Err(Error::unusable(text));
            }
            changes.versions.extend(version.map(|version| (source.clone(), self.state.digest(&version))));
            let name = self.place(&mut changes, users.remove(&source), source.clone(), &entry);
            roster.add(&entry, MemberUser { source_id: source, name });
            Ok(())
        })?;
        // A record that could not be made is to be told again in the next cycle.
        for settled in changes.settled.iter().filter(|settled| settled.result.is_err()) {
            changes.versions.remove(&settled.source_id);
        }
        changes.selected = seen.len();
        selection.finish(changes.selected)?;
        changes.source_groups = selection.groups();
        changes.doubt = selection.doubt(&self.state.source_groups()?);
        for user in users.into_values().filter(|u| u.in_scope || u.dirty) {
            let replaced = changes.identifiers.contains_key(&user.identifier.to_lowercase());
            if user.target_id.is_some() && !replaced && self.settings.remove {
                changes.removals.push(user.identifier.clone());
            }
            changes.leavers.push(UserRow { in_scope: false, ..user });
        }
        changes.leavers.sort_by(|a, b| a.identifier.cmp(&b.identifier));
        if groups.is_some() {
            changes.groups = group_changes(self.state, roster)?;
        }
        changes.removals.sort_unstable();
        changes.removals.extend(changes.groups.removals());
        if let Some(asked) = self.only_user {
            changes.keep_only(asked)?;
        }
        Ok(changes)
    }

    /// What a version was read with: another server, mapping, setting or program may make another record of the same
    /// entry. Empty for a file.
    fn reading(&self) -> Result<Vec<u8>, Error> {
        let Some(server) = self.source.server()? else { return Ok(Vec::new()) };
        let how = (env!("CARGO_PKG_VERSION"), server, self.channel, self.rules);
        Ok(self.state.digest(format!("{how:?}").as_bytes()))
    }

    /// A user of the source whose entry is as it was sent.
    fn same(&self, changes: &mut ChangeSet, user: UserRow) {
        changes.identifiers.insert(user.identifier.to_lowercase(), user.source_id.clone());
        let operation = if user.target_id.is_some() { Operation::Update } else { Operation::Create };
        let report = Report::new(Outcome::Unchanged, user.target_id.as_deref());
        let settled = UnsentRecord::new(RecordKind::User, &user.source_id, &user.identifier, operation, Ok(report));
        changes.settled.push(UnsentRecord { blocked_by_option: user.skipped, ..settled });
    }

    /// Decides what one user of the source needs; returns what the user is called.
    fn place(&self, changes: &mut ChangeSet, known: Option<UserRow>, source: String, entry: &Entry) -> String {
        let operation =
            if known.as_ref().is_some_and(|u| u.target_id.is_some()) { Operation::Update } else { Operation::Create };
        let settled =
            |identifier: &str, result| UnsentRecord::new(RecordKind::User, &source, identifier, operation, result);
        let rules = &self.channel.channel_source.account_management_settings;
        let mapped = selection::is_enabled(entry, rules).and_then(|enabled| self.rules.record(entry, enabled));
        let identified = mapped.and_then(|(record, warnings)| {
            let identifier = self.rules.identifier(&record)?.to_owned();
            Ok((record, warnings, identifier))
        });
        let (record, warnings, identifier) = match identified {
            Ok(identified) => identified,
            Err(failure) => {
                changes.settled.push(settled(entry.label(), Err(failure)));
                return entry.label().to_owned();
            }
        };
        if let Some(other) = changes.identifiers.get(&identifier.to_lowercase()) {
            let text = format!(
                "source record {} has the same {}; only that one is provisioned",
                printable(other),
                self.rules.identifier_code()
            );
            changes.settled.push(settled(&identifier, Err(Failure::Conflict(text.into()))));
            return identifier;
        }
        if !warnings.is_empty() {
            // To be told again in the next cycle.
            changes.versions.remove(&source);
        }
        changes.identifiers.insert(identifier.to_lowercase(), source.clone());
        let hash = self.state.hash(&self.rules.without_create_only(&record));
        if let Some(user) = &known {
            let asked =
                self.only_user.is_some_and(|asked| is_asked(asked, &source, &identifier, user.target_id.as_deref()));
            if user.in_scope && !user.dirty && user.values_hash.as_ref() == Some(&hash) && !asked {
                let report = Report { warnings, ..Report::new(Outcome::Unchanged, user.target_id.as_deref()) };
                changes
                    .settled
                    .push(UnsentRecord { blocked_by_option: user.skipped, ..settled(&identifier, Ok(report)) });
                return identifier;
            }
            if user.in_scope && user.enabled && !record.enabled && user.target_id.is_some() && self.settings.remove {
                changes.removals.push(identifier.clone());
            }
        }
        changes.pushes.push(Present {
            source_id: source,
            record,
            identifier: identifier.clone(),
            hash,
            known,
            warnings,
        });
        identifier
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }
}

impl ChangeSet {
    /// Drops everything but what is about one user.
    fn keep_only(&mut self, asked: &str) -> Result<(), Error> {
        self.pushes.retain(|p| {
            is_asked(asked, &p.source_id, &p.identifier, p.known.as_ref().and_then(|u| u.target_id.as_deref()))
        });
        self.leavers.retain(|u| is_asked(asked, &u.source_id, &u.identifier, u.target_id.as_deref()));
        self.settled.retain(|e| is_asked(asked, &e.source_id, &e.identifier, None));
        let kept: BTreeSet<_> =
            self.pushes.iter().map(|p| &p.identifier).chain(self.leavers.iter().map(|u| &u.identifier)).collect();
        self.removals.retain(|name| kept.contains(name));
        if self.pushes.is_empty() && self.leavers.is_empty() && self.settled.is_empty() {
            return Err(Error::unusable(format!(
                "--on-demand: `{}` is neither a user of this channel's source (identifier or source id) nor one that the state knows; check the spelling and the Source Location",
                excerpt(asked)
            )));
        }
        Ok(())
    }
}

fn is_asked(asked: &str, source: &str, identifier: &str, target: Option<&str>) -> bool {
    asked == source || target == Some(asked) || asked.to_lowercase() == identifier.to_lowercase()
}
