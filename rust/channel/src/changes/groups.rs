//! Compares the groups of the source with the state, and puts them in the order in which they are sent.
//! Does not know: the target.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use pfscim_core::Failure;
use pfscim_core::text::printable;

use super::record::{Operation, RecordKind, UnsentRecord};
use crate::Error;
use crate::selection::{MemberUser, SourceGroups};
use crate::state::{self, State};

/// A group of the source that can be provisioned.
pub(crate) struct Wanted {
    pub(crate) source_id: String,
    pub(crate) name: String,
    pub(crate) people: Vec<Arc<MemberUser>>,
    /// Source ids and names of the groups in it.
    pub(crate) nested: Vec<(String, String)>,
}

/// What is to be done for groups.
#[derive(Default)]
pub(crate) struct GroupChanges {
    pub(crate) wanted: Vec<Wanted>,
    /// Places of the wanted groups: those of one step do not hold each other.
    pub(crate) steps: Vec<Vec<usize>>,
    /// Places of groups that went before a group in them: there is a circle.
    pub(crate) early: BTreeSet<usize>,
    pub(crate) leavers: Vec<state::GroupRow>,
    /// Name to source id, of every group in scope.
    pub(crate) names: HashMap<String, String>,
    /// Groups that nothing is asked for: not fit to be sent.
    pub(crate) settled: Vec<UnsentRecord>,
    /// Linked groups in scope before this cycle.
    pub(crate) known: usize,
    /// Groups in scope now.
    pub(crate) selected: usize,
}

impl GroupChanges {
    pub(crate) fn operations(&self) -> usize {
        self.wanted.len() + self.leavers.len()
    }

    /// The names of the groups that the target would lose.
    pub(crate) fn removals(&self) -> impl Iterator<Item = String> {
        let lost = |group: &&state::GroupRow| group.target_id.is_some() && self.successor(group).is_none();
        self.leavers.iter().filter(lost).map(|group| format!("group {}", group.name))
    }

    /// The group in scope that has this one's name now.
    pub(crate) fn successor(&self, leaver: &state::GroupRow) -> Option<&str> {
        self.names.get(&leaver.name.to_lowercase()).map(String::as_str)
    }
}

/// Compares the groups of the source with the state.
pub(super) fn group_changes(state: &State, roster: SourceGroups<'_>) -> Result<GroupChanges, Error> {
    let mut known = state.groups()?;
    let mut changes = GroupChanges {
        known: known.values().filter(|g| g.in_scope && g.target_id.is_some()).count(),
        ..GroupChanges::default()
    };
    let groups = roster.into_groups();
    changes.selected = groups.len();
    let named: Vec<_> = groups
        .iter()
        .map(|group| (group.source_id.clone(), group.name.clone().unwrap_or_else(|_| group.label.clone())))
        .collect();
    for group in groups {
        let linked = known.remove(&group.source_id).is_some_and(|g| g.target_id.is_some());
        let operation = if linked { Operation::Update } else { Operation::Create };
        let fit = group.name.and_then(|name| match changes.names.get(&name.to_lowercase()) {
            None => Ok(name),
            Some(other) => Err(Failure::Conflict(
                format!("source group {} has the same name; only that one is provisioned", printable(other)).into(),
            )),
        });
        match fit {
            Ok(name) => {
                changes.names.insert(name.to_lowercase(), group.source_id.clone());
                let nested = group.nested.iter().filter_map(|at| named.get(*at).cloned()).collect();
                changes.wanted.push(Wanted { source_id: group.source_id, name, people: group.people, nested });
            }
            Err(failure) => {
                changes.settled.push(UnsentRecord::new(
                    RecordKind::Group,
                    &group.source_id,
                    &group.label,
                    operation,
                    Err(failure),
                ));
            }
        }
    }
    (changes.steps, changes.early) = steps(&changes.wanted);
    changes.leavers = known.into_values().filter(|g| g.in_scope || g.dirty).collect();
    changes.leavers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(changes)
}

/// In which order groups go out: those in others first. Where they hold each other in a circle, one goes early.
fn steps(wanted: &[Wanted]) -> (Vec<Vec<usize>>, BTreeSet<usize>) {
    let places: HashMap<&str, usize> = wanted.iter().enumerate().map(|(at, g)| (g.source_id.as_str(), at)).collect();
    let mut waits = vec![0_usize; wanted.len()];
    let mut holders = vec![Vec::new(); wanted.len()];
    for (at, group) in wanted.iter().enumerate() {
        for nested in group.nested.iter().filter_map(|(source, _)| places.get(source.as_str())) {
            waits[at] += 1;
            holders[*nested].push(at);
        }
    }
    let (mut steps, mut early) = (Vec::new(), BTreeSet::new());
    let mut done = vec![false; wanted.len()];
    let mut step: Vec<usize> = (0..wanted.len()).filter(|at| waits[*at] == 0).collect();
    let mut first = 0;
    loop {
        if step.is_empty() {
            while done.get(first) == Some(&true) {
                first += 1;
            }
            if first == wanted.len() {
                return (steps, early);
            }
            early.insert(first);
            step.push(first);
        }
        step.iter().for_each(|at| done[*at] = true);
        let mut next = Vec::new();
        for holder in step.iter().flat_map(|at| &holders[*at]) {
            waits[*holder] -= 1;
            if waits[*holder] == 0 && !done[*holder] {
                next.push(*holder);
            }
        }
        steps.push(std::mem::replace(&mut step, next));
    }
}
