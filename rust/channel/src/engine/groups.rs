//! The groups of a cycle, after its users: members are the target ids that the state holds by then. A group goes out
//! only where its name or members differ from what was sent last.

use std::collections::{BTreeSet, HashMap};

use pfscim_core::connector::{GroupMember, GroupRecord, UnlistedMembers};
use pfscim_core::text::printable;
use pfscim_core::{Failure, Outcome, Report};

use super::cycle::Cycle;
use super::events::{CycleProgress, Event};
use crate::Error;
use crate::changes::{GroupChanges, Operation, RecordKind, UnsentRecord, Wanted};
use crate::provisioner::{MemberChanges, OperationResult};
use crate::state;

/// The members of a group, looked up.
struct Members {
    members: Vec<GroupMember>,
    /// Names of those who would have an id by now, were this not a preview.
    promised: Vec<String>,
}

/// What the state holds once the users are done.
struct Known {
    users: HashMap<String, String>,
    /// Target id to name; in previews, which tell who comes and goes.
    names: HashMap<String, String>,
}

impl Cycle<'_> {
    /// Brings the groups to the target, those in others first, and takes those out that left.
    pub(super) fn groups(&self, counts: &CycleProgress, changes: &GroupChanges) -> Result<(), Error> {
        if changes.operations() == 0 {
            return Ok(());
        }
        // Before anything is sent: a group of the target that one of these has is free for another.
        for leaver in &changes.leavers {
            self.state.put_group(&state::GroupRow { in_scope: false, dirty: true, ..leaver.clone() })?;
        }
        let names = if self.options.preview { self.state.names()? } else { HashMap::new() };
        let known = Known { users: self.state.linked()?, names };
        let all = |places: &[usize], completes: bool| {
            self.in_threads(places.len(), |i| match places.get(i).and_then(|at| changes.wanted.get(*at)) {
                Some(group) => {
                    let early = !completes && places.get(i).is_some_and(|at| changes.early.contains(at));
                    self.push_group(counts, changes, &known, group, early, completes)
                }
                None => Ok(()),
            })
        };
        changes.steps.iter().try_for_each(|step| all(step, false))?;
        if !self.options.preview {
            let early: Vec<_> = changes.early.iter().copied().collect();
            all(&early, true)?;
        }
        self.in_threads(changes.leavers.len(), |i| {
            changes.leavers.get(i).map_or(Ok(()), |leaver| self.remove_group(counts, changes, leaver))
        })
    }

    /// One group. `early`: a group in it comes later and is no reason for a warning; `completes`: that one has come.
    fn push_group(
        &self,
        counts: &CycleProgress,
        changes: &GroupChanges,
        known: &Known,
        wanted: &Wanted,
        early: bool,
        completes: bool,
    ) -> Result<(), Error> {
        let row = self.state.group(&wanted.source_id)?.unwrap_or_default();
        let Members { members, promised } = self.members(counts, changes, known, wanted, early)?;
        let ids: Vec<_> = members.iter().filter_map(|m| Some((m.is_group, m.known_id()?))).collect();
        let hash = self.state.group_hash(&wanted.name, &ids);
        let same = row.in_scope && row.values_hash.as_ref() == Some(&hash) && promised.is_empty();
        if completes && (same || row.dirty) {
            return Ok(());
        }
        if same && !row.dirty {
            let report = Report::new(Outcome::Unchanged, row.target_id.as_deref());
            let settled =
                UnsentRecord::new(RecordKind::Group, &wanted.source_id, &wanted.name, Operation::Update, Ok(report));
            self.tell(counts, &Event::from(settled));
            return Ok(());
        }
        let now: BTreeSet<_> = ids.iter().map(|(_, id)| (*id).to_owned()).collect();
        let unlisted_members = match self.channel.merge_groups {
            true => UnlistedMembers::Keep { except: row.members.difference(&now).cloned().collect() },
            false => UnlistedMembers::Remove,
        };
        // Whatever happens from here on, it is sent again until it is known to have arrived.
        let row = state::GroupRow {
            source_id: wanted.source_id.clone(),
            name: wanted.name.clone(),
            in_scope: true,
            dirty: true,
            members: row.members.union(&now).cloned().collect(),
            ..row
        };
        self.state.put_group(&row)?;
        let group = GroupRecord {
            id: row.target_id.clone(),
            name: wanted.name.clone(),
            members: Some(members),
            unlisted_members,
        };
        let (operation, result) = self.send_group(&row, &group)?;
        if let Ok(done) = &result {
            if self.options.preview && done.report.id.is_none() {
                counts.promise(&wanted.source_id);
            }
            let target_id = done.report.id.clone().or_else(|| row.target_id.clone());
            let sent = state::GroupRow { target_id, values_hash: Some(hash), dirty: false, members: now, ..row };
            self.state.put_group(&sent)?;
        }
        let result = result.map(|done| told(done, known, promised));
        self.ended(counts, (RecordKind::Group, &wanted.source_id, &wanted.name), operation, result)
    }

    /// Looks up, then creates or updates, as PingFederate does.
    fn send_group(
        &self,
        row: &state::GroupRow,
        group: &GroupRecord,
    ) -> Result<(Operation, Result<OperationResult, Failure>), Error> {
        let linked = if row.target_id.is_some() { Operation::Update } else { Operation::Create };
        Ok(match self.provisioner.find_group(row.target_id.as_deref(), &group.name) {
            Err(failure) => (linked, Err(failure)),
            Ok(None) => (Operation::Create, self.provisioner.create_group(&GroupRecord { id: None, ..group.clone() })),
            Ok(Some(id)) => {
                let result = match self.state.group_holder(&id, &row.source_id)? {
                    Some(other) => Err(Failure::Conflict(
                        format!("the group {} is linked to source group {} already", printable(&id), printable(&other))
                            .into(),
                    )),
                    None => self.provisioner.update_group(&GroupRecord { id: Some(id), ..group.clone() }),
                };
                (Operation::Update, result)
            }
        })
    }

    fn members(
        &self,
        counts: &CycleProgress,
        changes: &GroupChanges,
        known: &Known,
        wanted: &Wanted,
        early: bool,
    ) -> Result<Members, Error> {
        let mut found = Members { members: Vec::with_capacity(wanted.people.len()), promised: Vec::new() };
        for person in &wanted.people {
            let id = known.users.get(&person.source_id).cloned();
            if id.is_none() && counts.is_promised(&person.source_id) {
                found.promised.push(person.name.clone());
            } else {
                found.members.push(GroupMember { id, name: person.name.clone(), is_group: false });
            }
        }
        for (source, name) in &wanted.nested {
            let id = self.state.group(source)?.and_then(|group| group.target_id);
            let comes = early && changes.names.get(&name.to_lowercase()) == Some(source);
            if id.is_none() && (comes || counts.is_promised(source)) {
                if self.options.preview {
                    found.promised.push(name.clone());
                }
            } else {
                found.members.push(GroupMember { id, name: name.clone(), is_group: true });
            }
        }
        Ok(found)
    }

    /// Takes a group that left out of the target, unless it is another one's by now.
    fn remove_group(
        &self,
        counts: &CycleProgress,
        changes: &GroupChanges,
        leaver: &state::GroupRow,
    ) -> Result<(), Error> {
        let gone = |warning: &str| {
            Ok(OperationResult::from(Report::new(Outcome::AlreadyGone, leaver.target_id.as_deref()).warn(warning)))
        };
        let result = match &leaver.target_id {
            None => gone("left before a group was linked; whether one was made is not known"),
            Some(id) => match (self.state.group_holder(id, &leaver.source_id)?, changes.successor(leaver)) {
                (Some(other), _) => {
                    gone(&format!("the group belongs to source group {} now and is kept", printable(&other)))
                }
                (None, Some(other)) if self.state.group(other)?.is_none_or(|g| g.target_id.is_none()) => {
                    Err(Failure::Conflict(
                        format!(
                            "source group {} has the same name and is not linked yet; the group is kept",
                            printable(other)
                        )
                        .into(),
                    ))
                }
                _ => self.provisioner.delete_group(&GroupRecord {
                    id: Some(id.clone()),
                    name: leaver.name.clone(),
                    ..GroupRecord::default()
                }),
            },
        };
        if result.as_ref().is_ok_and(|done| matches!(done.report.outcome, Outcome::Deleted | Outcome::AlreadyGone)) {
            self.state.forget_group(&leaver.source_id)?;
        }
        self.ended(counts, (RecordKind::Group, &leaver.source_id, &leaver.name), Operation::Remove, result)
    }
}

/// What a person reads: names for ids, and with those whom only a preview has no id for.
fn told(done: OperationResult, known: &Known, promised: Vec<String>) -> OperationResult {
    let OperationResult { mut report, changes, members } = done;
    if report.outcome == Outcome::Unchanged && !promised.is_empty() {
        report.outcome = Outcome::Updated;
    }
    let named = |ids: Vec<String>| -> Vec<String> {
        ids.into_iter().map(|id| known.names.get(&id).cloned().unwrap_or(id)).collect()
    };
    let mut members = MemberChanges { added: named(members.added), removed: named(members.removed) };
    members.added.extend(promised);
    members.added.sort_unstable();
    members.removed.sort_unstable();
    OperationResult { report, changes, members }
}
