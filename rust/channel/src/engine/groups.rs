//! Sends the groups of a cycle, after its users, because members are the target ids that the state contains by then.
//! Does not know: how an operation is carried out.
//!
//! A group is sent only if its name or its members differ from what was sent last.

use std::collections::{BTreeSet, HashMap};

use pfscim_core::connector::{GroupMember, GroupRecord, UnlistedMembers};
use pfscim_core::text::printable;
use pfscim_core::{Failure, Message, Outcome, Report};

use super::cycle::Cycle;
use super::events::{CycleProgress, Event};
use crate::Error;
use crate::changes::{GroupChanges, Operation, PresentGroup, RecordKind, UnsentRecord};
use crate::provisioner::{MemberChanges, OperationResult};
use crate::state::GroupRow;

/// The members of a group, as the target knows them.
struct ResolvedMembers {
    members: Vec<GroupMember>,
    /// The names of members without target id that the run would create, in previews.
    to_create: Vec<String>,
}

/// What the state contains after the users of the cycle.
struct LinkedUsers {
    /// Source id to target id.
    target_ids: HashMap<String, String>,
    /// Target id to name, of users and groups. Empty except in previews, which show the changed members of a group.
    names: HashMap<String, String>,
}

/// The pass over the groups. Groups that contain each other in a circle need two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// A group that is sent early may lack a group that comes later.
    First,
    /// The groups that were sent early are sent again, with all members.
    Completing,
}

impl Cycle<'_> {
    /// Sends the groups, nested groups first, and then deletes the groups that left.
    pub(super) fn groups(&self, progress: &CycleProgress, changes: &GroupChanges) -> Result<(), Error> {
        if changes.operations() == 0 {
            return Ok(());
        }
        // Before the first request: a target group that a leaver is linked to becomes free for another source group.
        for leaver in &changes.leavers {
            self.state.put_group(&GroupRow { in_scope: false, dirty: true, ..leaver.clone() })?;
        }
        let names = if self.options.preview { self.state.names()? } else { HashMap::new() };
        let linked = LinkedUsers { target_ids: self.state.target_ids()?, names };
        let push_all = |positions: &[usize], pass: Pass| {
            self.in_threads(positions.len(), |i| match positions.get(i) {
                Some(position) => self.push_group(progress, changes, &linked, *position, pass),
                None => Ok(()),
            })
        };
        changes.steps.iter().try_for_each(|step| push_all(step, Pass::First))?;
        if !self.options.preview {
            let early: Vec<_> = changes.early.iter().copied().collect();
            push_all(&early, Pass::Completing)?;
        }
        self.in_threads(changes.leavers.len(), |i| {
            changes.leavers.get(i).map_or(Ok(()), |leaver| self.remove_group(progress, changes, leaver))
        })
    }

    /// Sends the group at this position of [`GroupChanges::present`], if it differs from what was sent last.
    fn push_group(
        &self,
        progress: &CycleProgress,
        changes: &GroupChanges,
        linked: &LinkedUsers,
        position: usize,
        pass: Pass,
    ) -> Result<(), Error> {
        let Some(present) = changes.present.get(position) else { return Ok(()) };
        let is_early = pass == Pass::First && changes.early.contains(&position);
        let row = self.state.group(&present.source_id)?.unwrap_or_default();
        let ResolvedMembers { members, to_create } = self.members(progress, changes, linked, present, is_early)?;
        let ids: Vec<_> = members.iter().filter_map(|m| Some((m.is_group, m.known_id()?))).collect();
        let hash = self.state.group_hash(&present.name, &ids);
        let is_same = row.in_scope && row.values_hash.as_ref() == Some(&hash) && to_create.is_empty();
        if pass == Pass::Completing && (is_same || row.dirty) {
            return Ok(());
        }
        if is_same && !row.dirty {
            let report = Report::new(Outcome::Unchanged, row.target_id.as_deref());
            let unsent =
                UnsentRecord::new(RecordKind::Group, &present.source_id, &present.name, Operation::Update, Ok(report));
            self.report(progress, &Event::from(unsent));
            return Ok(());
        }
        let new_ids: BTreeSet<_> = ids.iter().map(|(_, id)| (*id).to_owned()).collect();
        let unlisted_members = match self.channel.merge_groups {
            true => UnlistedMembers::Keep { except: row.members.difference(&new_ids).cloned().collect() },
            false => UnlistedMembers::Remove,
        };
        // The row stays dirty until the target has confirmed the group, so a run that fails here sends it again.
        // A new name counts when the target has confirmed it.
        let known_name = if row.target_id.is_some() { row.name.clone() } else { present.name.clone() };
        let row = GroupRow {
            source_id: present.source_id.clone(),
            name: known_name,
            in_scope: true,
            dirty: true,
            members: row.members.union(&new_ids).cloned().collect(),
            ..row
        };
        self.state.put_group(&row)?;
        let group = GroupRecord {
            id: row.target_id.clone(),
            name: present.name.clone(),
            members: Some(members),
            unlisted_members,
        };
        let (operation, result) = self.send_group(&row, &group)?;
        if let Ok(sent) = &result {
            if self.options.preview && sent.report.id.is_none() {
                progress.add_to_create(&present.source_id);
            }
            let target_id = sent.report.id.clone().or_else(|| row.target_id.clone());
            let shown_at = sent.report.id.as_ref().map(|_| self.state.unix_time());
            let confirmed = GroupRow {
                target_id,
                name: present.name.clone(),
                values_hash: Some(hash),
                dirty: false,
                members: new_ids,
                shown_at,
                ..row
            };
            self.state.put_group(&confirmed)?;
        }
        let result = result.map(|sent| with_member_names(sent, linked, to_create));
        self.report_result(progress, (RecordKind::Group, &present.source_id, &present.name), operation, result)
    }

    /// Searches, then creates or updates, as PingFederate does.
    fn send_group(
        &self,
        row: &GroupRow,
        group: &GroupRecord,
    ) -> Result<(Operation, Result<OperationResult, Failure>), Error> {
        let operation = if row.target_id.is_some() { Operation::Update } else { Operation::Create };
        Ok(match self.find_group(row, &group.name) {
            Err(failure) => (operation, Err(failure)),
            Ok(None) => (Operation::Create, self.provisioner.create_group(&GroupRecord { id: None, ..group.clone() })),
            Ok(Some(id)) => {
                let result = match self.state.other_linked_group(&id, &row.source_id)? {
                    Some(other) => {
                        let text =
                            format!("group {} is already linked to source group {}", printable(&id), printable(&other));
                        let hint = "check the names of both source groups";
                        Err(Failure::Conflict(Message::new(text).with_hint(hint)))
                    }
                    None => self.provisioner.update_group(&GroupRecord { id: Some(id), ..group.clone() }),
                };
                (Operation::Update, result)
            }
        })
    }

    /// Searches by the stored id, and by the name that the target is known to have. The group that has the old name under
    /// another id is not the stored one, so then the new name counts.
    fn find_group(&self, row: &GroupRow, name: &str) -> Result<Option<String>, Failure> {
        let found = self.provisioner.find_group(row.target_id.as_deref(), &row.name)?;
        if row.target_id.is_none() || row.name == name || found == row.target_id {
            return Ok(found);
        }
        self.provisioner.find_group(None, name)
    }

    /// Finds the target ids of the members. `is_early`: a nested group without target id comes later, and is left out.
    fn members(
        &self,
        progress: &CycleProgress,
        changes: &GroupChanges,
        linked: &LinkedUsers,
        present: &PresentGroup,
        is_early: bool,
    ) -> Result<ResolvedMembers, Error> {
        let mut resolved = ResolvedMembers { members: Vec::with_capacity(present.users.len()), to_create: Vec::new() };
        for user in &present.users {
            let id = linked.target_ids.get(&user.source_id).cloned();
            if id.is_none() && progress.would_be_created(&user.source_id) {
                resolved.to_create.push(user.name.clone());
            } else {
                resolved.members.push(GroupMember { id, name: user.name.clone(), is_group: false });
            }
        }
        for (source_id, name) in &present.nested {
            let id = self.state.group(source_id)?.and_then(|group| group.target_id);
            let comes_later = is_early && changes.names.get(&name.to_lowercase()) == Some(source_id);
            if id.is_none() && (comes_later || progress.would_be_created(source_id)) {
                if self.options.preview {
                    resolved.to_create.push(name.clone());
                }
            } else {
                resolved.members.push(GroupMember { id, name: name.clone(), is_group: true });
            }
        }
        Ok(resolved)
    }

    /// Deletes a group that left, unless the target group now belongs to another source group.
    fn remove_group(&self, progress: &CycleProgress, changes: &GroupChanges, leaver: &GroupRow) -> Result<(), Error> {
        let id = leaver.target_id.as_deref();
        let owner = match id {
            Some(id) => self.state.other_linked_group(id, &leaver.source_id)?,
            None => None,
        };
        let result = match (owner, changes.successor(leaver)) {
            (Some(owner), _) => Ok(passed_on(id, &owner)),
            (None, Some(other)) if self.state.group(other)?.is_none_or(|g| g.target_id.is_none()) => {
                Err(Failure::Conflict(
                    format!(
                        "the group is kept, because source group {} has the same name and no link yet",
                        printable(other)
                    )
                    .into(),
                ))
            }
            (None, successor) => {
                let group =
                    GroupRecord { id: leaver.target_id.clone(), name: leaver.name.clone(), ..GroupRecord::default() };
                match self.provisioner.delete_group(&group) {
                    Err(Failure::NotFound(message)) if successor.is_some() => {
                        self.pass_on_group(leaver, Failure::NotFound(message))?
                    }
                    other => other,
                }
            }
        };
        let closed = [Outcome::Deleted, Outcome::AlreadyGone, Outcome::PassedOn];
        if let Some(outcome) = result.as_ref().ok().map(|sent| sent.report.outcome).filter(|o| closed.contains(o)) {
            self.state.forget_group(&leaver.source_id, outcome)?;
        }
        self.report_result(progress, (RecordKind::Group, &leaver.source_id, &leaver.name), Operation::Remove, result)
    }

    /// The target does not have the group that left, and another group has its name. The row may be closed if that group
    /// is linked to a group in scope.
    fn pass_on_group(&self, leaver: &GroupRow, failure: Failure) -> Result<Result<OperationResult, Failure>, Error> {
        let found = match self.provisioner.find_group(None, &leaver.name) {
            Ok(found) => found,
            Err(failure) => return Ok(Err(failure)),
        };
        let owner = match found {
            Some(found) => self.state.other_linked_group(&found, &leaver.source_id)?,
            None => None,
        };
        Ok(owner.map_or(Err(failure), |owner| Ok(passed_on(leaver.target_id.as_deref(), &owner))))
    }
}

/// Reports that the group of a record belongs to another one now.
fn passed_on(id: Option<&str>, owner: &str) -> OperationResult {
    let warning = format!("the group is kept, because it belongs to source group {} now", printable(owner));
    Report::new(Outcome::PassedOn, id).warn(warning).into()
}

/// Replaces the target ids of the member changes by names, and adds the members that a preview has no target id for.
fn with_member_names(sent: OperationResult, linked: &LinkedUsers, to_create: Vec<String>) -> OperationResult {
    let OperationResult { mut report, changes, members } = sent;
    if report.outcome == Outcome::Unchanged && !to_create.is_empty() {
        report.outcome = Outcome::Updated;
    }
    let names = |ids: Vec<String>| -> Vec<String> {
        ids.into_iter().map(|id| linked.names.get(&id).cloned().unwrap_or(id)).collect()
    };
    let mut members = MemberChanges { added: names(members.added), removed: names(members.removed) };
    members.added.extend(to_create);
    members.added.sort_unstable();
    members.removed.sort_unstable();
    OperationResult { report, changes, members }
}
