//! Compares the groups of the source with the state, and puts them in the order in which they are sent.
//! Does not know: the target.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use pfscim_core::text::printable;
use pfscim_core::{Failure, Message};

use super::record::{Operation, RecordKind, UnsentRecord};
use crate::Error;
use crate::selection::{MemberUser, SourceGroups};
use crate::state::{GroupRow, State};

/// A group of the source that can be sent.
pub(crate) struct PresentGroup {
    pub(crate) source_id: String,
    pub(crate) name: String,
    pub(crate) users: Vec<Arc<MemberUser>>,
    /// Source ids and names of the groups that it contains.
    pub(crate) nested: Vec<(String, String)>,
}

/// The changes of groups in a cycle.
#[derive(Default)]
pub(crate) struct GroupChanges {
    pub(crate) present: Vec<PresentGroup>,
    /// Positions in `present`, in the order of sending. Groups of one step do not contain each other.
    pub(crate) steps: Vec<Vec<usize>>,
    /// Positions of the groups in a circle that are sent before a group that they contain.
    pub(crate) early: BTreeSet<usize>,
    pub(crate) leavers: Vec<GroupRow>,
    /// Lower-case name to source id, of every group in scope.
    pub(crate) names: HashMap<String, String>,
    /// Groups that cannot be sent.
    pub(crate) unsent: Vec<UnsentRecord>,
    /// How many linked groups were in scope before this cycle.
    pub(crate) known: usize,
    /// How many groups are in scope now.
    pub(crate) selected: usize,
}

impl GroupChanges {
    /// Returns the largest number of operations that the groups need.
    pub(crate) fn operations(&self) -> usize {
        self.present.len() + self.leavers.len()
    }

    /// Returns the names of the groups that the target would lose.
    pub(crate) fn removals(&self) -> impl Iterator<Item = String> {
        let is_removed = |group: &&GroupRow| group.target_id.is_some() && self.successor(group).is_none();
        self.leavers.iter().filter(is_removed).map(|group| format!("group {}", group.name))
    }

    /// Returns the source id of the group in scope that has the name of this leaver now.
    pub(crate) fn successor(&self, leaver: &GroupRow) -> Option<&str> {
        self.names.get(&leaver.name.to_lowercase()).map(String::as_str)
    }
}

/// Compares the groups of the source with the state.
///
/// # Errors
/// The state cannot be read.
pub(super) fn group_changes(state: &State, source_groups: SourceGroups<'_>) -> Result<GroupChanges, Error> {
    let mut rows = state.groups()?;
    let mut changes = GroupChanges {
        known: rows.values().filter(|g| g.in_scope && g.target_id.is_some()).count(),
        ..GroupChanges::default()
    };
    let groups = source_groups.into_groups();
    changes.selected = groups.len();
    let ids_and_names: Vec<_> = groups
        .iter()
        .map(|group| (group.source_id.clone(), group.name.clone().unwrap_or_else(|_| group.label.clone())))
        .collect();
    for group in groups {
        let is_linked = rows.remove(&group.source_id).is_some_and(|g| g.target_id.is_some());
        let operation = if is_linked { Operation::Update } else { Operation::Create };
        let unique_name = group.name.and_then(|name| match changes.names.get(&name.to_lowercase()) {
            None => Ok(name),
            Some(other) => {
                let text = format!("not sent, because source group {} has the same name", printable(other));
                let hint = "give each group its own name";
                Err(Failure::Conflict(Message::new(text).with_hint(hint)))
            }
        });
        match unique_name {
            Ok(name) => {
                changes.names.insert(name.to_lowercase(), group.source_id.clone());
                let nested = group.nested.iter().filter_map(|position| ids_and_names.get(*position).cloned()).collect();
                changes.present.push(PresentGroup { source_id: group.source_id, name, users: group.users, nested });
            }
            Err(failure) => {
                changes.unsent.push(UnsentRecord::new(
                    RecordKind::Group,
                    &group.source_id,
                    &group.label,
                    operation,
                    Err(failure),
                ));
            }
        }
    }
    (changes.steps, changes.early) = steps(&changes.present);
    changes.leavers = rows.into_values().filter(|g| g.in_scope || g.dirty).collect();
    // The rows come from a hash map, so equal names need the source id for a fixed order.
    changes.leavers.sort_by(|a, b| (&a.name, &a.source_id).cmp(&(&b.name, &b.source_id)));
    Ok(changes)
}

/// Returns the order of sending, nested groups first, and the groups that are sent early.
///
/// In a circle, one group must be sent before a group that it contains: the first unsent group of the list.
fn steps(groups: &[PresentGroup]) -> (Vec<Vec<usize>>, BTreeSet<usize>) {
    let positions: HashMap<&str, usize> =
        groups.iter().enumerate().map(|(position, g)| (g.source_id.as_str(), position)).collect();
    let mut unsent_nested = vec![0_usize; groups.len()];
    let mut parents = vec![Vec::new(); groups.len()];
    for (position, group) in groups.iter().enumerate() {
        for nested in group.nested.iter().filter_map(|(source_id, _)| positions.get(source_id.as_str())) {
            unsent_nested[position] += 1;
            parents[*nested].push(position);
        }
    }
    let (mut steps, mut early) = (Vec::new(), BTreeSet::new());
    let mut sent = vec![false; groups.len()];
    let mut step: Vec<usize> = (0..groups.len()).filter(|position| unsent_nested[*position] == 0).collect();
    let mut first_unsent = 0;
    loop {
        if step.is_empty() {
            while sent.get(first_unsent) == Some(&true) {
                first_unsent += 1;
            }
            if first_unsent == groups.len() {
                return (steps, early);
            }
            early.insert(first_unsent);
            step.push(first_unsent);
        }
        step.iter().for_each(|position| sent[*position] = true);
        let mut next = Vec::new();
        for parent in step.iter().flat_map(|position| &parents[*position]) {
            unsent_nested[*parent] -= 1;
            if unsent_nested[*parent] == 0 && !sent[*parent] {
                next.push(*parent);
            }
        }
        steps.push(std::mem::replace(&mut step, next));
    }
}
