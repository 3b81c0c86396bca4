//! The groups of a cycle, after its users: members are the target ids that the state holds by then. A group goes out
//! only where its name or members differ from what was sent last.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use pfscim_core::connector::{Group, Member, Others};
use pfscim_core::text::printable;
use pfscim_core::{Failure, Outcome, Report};

use super::cycle::{Counts, Cycle, Event, Kind, Operation, settled};
use crate::Error;
use crate::provisioner::{Done, MemberChanges};
use crate::selection::{Person, Roster};
use crate::state;

/// A group of the source that can be provisioned.
struct Wanted {
    source: String,
    name: String,
    people: Vec<Arc<Person>>,
    /// Source ids and names of the groups in it.
    nested: Vec<(String, String)>,
}

/// What is to be done for groups.
#[derive(Default)]
pub(super) struct GroupPlan {
    wanted: Vec<Wanted>,
    /// Places of the wanted groups: those of one step do not hold each other.
    steps: Vec<Vec<usize>>,
    /// Places of groups that went before a group in them: there is a circle.
    early: BTreeSet<usize>,
    leavers: Vec<state::Group>,
    /// Name to source id, of every group in scope.
    names: HashMap<String, String>,
    /// Groups that nothing is asked for: not fit to be sent.
    pub(super) settled: Vec<Event>,
    /// Linked groups in scope before this cycle.
    pub(super) known: usize,
    /// Groups in scope now.
    pub(super) selected: usize,
}

/// The members of a group, looked up.
struct Members {
    members: Vec<Member>,
    /// Names of those who would have an id by now, were this not a preview.
    promised: Vec<String>,
}

/// What the state holds once the users are done.
struct Known {
    users: HashMap<String, String>,
    /// Target id to name; in previews, which tell who comes and goes.
    names: HashMap<String, String>,
}

impl GroupPlan {
    pub(super) fn operations(&self) -> usize {
        self.wanted.len() + self.leavers.len()
    }

    /// The names of the groups that the target would lose.
    pub(super) fn removals(&self) -> impl Iterator<Item = String> {
        let lost = |group: &&state::Group| group.target_id.is_some() && self.successor(group).is_none();
        self.leavers.iter().filter(lost).map(|group| format!("group {}", group.name))
    }

    /// The group in scope that has this one's name now.
    fn successor(&self, leaver: &state::Group) -> Option<&str> {
        self.names.get(&leaver.name.to_lowercase()).map(String::as_str)
    }
}

impl Cycle<'_> {
    /// Compares the groups of the source with the state.
    pub(super) fn plan_groups(&self, roster: Roster<'_>) -> Result<GroupPlan, Error> {
        let mut known = self.state.groups()?;
        let mut plan = GroupPlan {
            known: known.values().filter(|g| g.in_scope && g.target_id.is_some()).count(),
            ..GroupPlan::default()
        };
        let groups = roster.into_groups();
        plan.selected = groups.len();
        let named: Vec<_> = groups
            .iter()
            .map(|group| (group.source.clone(), group.name.clone().unwrap_or_else(|_| group.label.clone())))
            .collect();
        for group in groups {
            let linked = known.remove(&group.source).is_some_and(|g| g.target_id.is_some());
            let operation = if linked { Operation::Update } else { Operation::Create };
            let fit = group.name.and_then(|name| match plan.names.get(&name.to_lowercase()) {
                None => Ok(name),
                Some(other) => Err(Failure::Conflict(format!(
                    "source group {} has the same name; only that one is provisioned",
                    printable(other)
                ))),
            });
            match fit {
                Ok(name) => {
                    plan.names.insert(name.to_lowercase(), group.source.clone());
                    let nested = group.nested.iter().filter_map(|at| named.get(*at).cloned()).collect();
                    plan.wanted.push(Wanted { source: group.source, name, people: group.people, nested });
                }
                Err(failure) => {
                    plan.settled.push(settled(Kind::Group, &group.source, &group.label, operation, Err(failure)));
                }
            }
        }
        (plan.steps, plan.early) = steps(&plan.wanted);
        plan.leavers = known.into_values().filter(|g| g.in_scope || g.dirty).collect();
        plan.leavers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(plan)
    }

    /// Brings the groups to the target, those in others first, and takes those out that left.
    pub(super) fn groups(&self, counts: &Counts, plan: &GroupPlan) -> Result<(), Error> {
        if plan.operations() == 0 {
            return Ok(());
        }
        // Before anything is sent: a group of the target that one of these has is free for another.
        for leaver in &plan.leavers {
            self.state.put_group(&state::Group { in_scope: false, dirty: true, ..leaver.clone() })?;
        }
        let names = if self.options.preview { self.state.names()? } else { HashMap::new() };
        let known = Known { users: self.state.linked()?, names };
        let all = |places: &[usize], completes: bool| {
            self.in_threads(places.len(), |i| match places.get(i).and_then(|at| plan.wanted.get(*at)) {
                Some(group) => {
                    let early = !completes && places.get(i).is_some_and(|at| plan.early.contains(at));
                    self.push_group(counts, plan, &known, group, early, completes)
                }
                None => Ok(()),
            })
        };
        plan.steps.iter().try_for_each(|step| all(step, false))?;
        if !self.options.preview {
            let early: Vec<_> = plan.early.iter().copied().collect();
            all(&early, true)?;
        }
        self.in_threads(plan.leavers.len(), |i| {
            plan.leavers.get(i).map_or(Ok(()), |leaver| self.remove_group(counts, plan, leaver))
        })
    }

    /// One group. `early`: a group in it comes later and is no reason for a warning; `completes`: that one has come.
    fn push_group(
        &self,
        counts: &Counts,
        plan: &GroupPlan,
        known: &Known,
        wanted: &Wanted,
        early: bool,
        completes: bool,
    ) -> Result<(), Error> {
        let row = self.state.group(&wanted.source)?.unwrap_or_default();
        let Members { members, promised } = self.members(counts, plan, known, wanted, early)?;
        let ids: Vec<_> = members.iter().filter_map(|m| Some((m.is_group, m.known_id()?))).collect();
        let hash = self.state.group_hash(&wanted.name, &ids);
        let same = row.in_scope && row.values_hash.as_ref() == Some(&hash) && promised.is_empty();
        if completes && (same || row.dirty) {
            return Ok(());
        }
        if same && !row.dirty {
            let report = Report::new(Outcome::Unchanged, row.target_id.as_deref());
            self.tell(counts, &settled(Kind::Group, &wanted.source, &wanted.name, Operation::Update, Ok(report)));
            return Ok(());
        }
        let now: BTreeSet<_> = ids.iter().map(|(_, id)| (*id).to_owned()).collect();
        let others = match self.channel.merge_groups {
            true => Others::Kept { but: row.members.difference(&now).cloned().collect() },
            false => Others::Removed,
        };
        // Whatever happens from here on, it is sent again until it is known to have arrived.
        let row = state::Group {
            source_id: wanted.source.clone(),
            name: wanted.name.clone(),
            in_scope: true,
            dirty: true,
            members: row.members.union(&now).cloned().collect(),
            ..row
        };
        self.state.put_group(&row)?;
        let group = Group { id: row.target_id.clone(), name: wanted.name.clone(), members: Some(members), others };
        let (operation, result) = self.send_group(&row, &group)?;
        if let Ok(done) = &result {
            if self.options.preview && done.report.id.is_none() {
                counts.promise(&wanted.source);
            }
            let target_id = done.report.id.clone().or_else(|| row.target_id.clone());
            let sent = state::Group { target_id, values_hash: Some(hash), dirty: false, members: now, ..row };
            self.state.put_group(&sent)?;
        }
        let result = result.map(|done| told(done, known, promised));
        self.ended(counts, (Kind::Group, &wanted.source, &wanted.name), operation, result)
    }

    /// Looks up, then creates or updates, as PingFederate does.
    fn send_group(&self, row: &state::Group, group: &Group) -> Result<(Operation, Result<Done, Failure>), Error> {
        let linked = if row.target_id.is_some() { Operation::Update } else { Operation::Create };
        Ok(match self.provisioner.find_group(row.target_id.as_deref(), &group.name) {
            Err(failure) => (linked, Err(failure)),
            Ok(None) => (Operation::Create, self.provisioner.create_group(&Group { id: None, ..group.clone() })),
            Ok(Some(id)) => {
                let result = match self.state.group_holder(&id, &row.source_id)? {
                    Some(other) => Err(Failure::Conflict(format!(
                        "the group {} is linked to source group {} already",
                        printable(&id),
                        printable(&other)
                    ))),
                    None => self.provisioner.update_group(&Group { id: Some(id), ..group.clone() }),
                };
                (Operation::Update, result)
            }
        })
    }

    fn members(
        &self,
        counts: &Counts,
        plan: &GroupPlan,
        known: &Known,
        wanted: &Wanted,
        early: bool,
    ) -> Result<Members, Error> {
        let mut found = Members { members: Vec::with_capacity(wanted.people.len()), promised: Vec::new() };
        for person in &wanted.people {
            let id = known.users.get(&person.source).cloned();
            if id.is_none() && counts.is_promised(&person.source) {
                found.promised.push(person.name.clone());
            } else {
                found.members.push(Member { id, name: person.name.clone(), is_group: false });
            }
        }
        for (source, name) in &wanted.nested {
            let id = self.state.group(source)?.and_then(|group| group.target_id);
            let comes = early && plan.names.get(&name.to_lowercase()) == Some(source);
            if id.is_none() && (comes || counts.is_promised(source)) {
                if self.options.preview {
                    found.promised.push(name.clone());
                }
            } else {
                found.members.push(Member { id, name: name.clone(), is_group: true });
            }
        }
        Ok(found)
    }

    /// Takes a group that left out of the target, unless it is another one's by now.
    fn remove_group(&self, counts: &Counts, plan: &GroupPlan, leaver: &state::Group) -> Result<(), Error> {
        let gone = |warning: &str| {
            Ok(Done::from(Report::new(Outcome::AlreadyGone, leaver.target_id.as_deref()).warn(warning)))
        };
        let result = match &leaver.target_id {
            None => gone("left before a group was linked; whether one was made is not known"),
            Some(id) => match (self.state.group_holder(id, &leaver.source_id)?, plan.successor(leaver)) {
                (Some(other), _) => {
                    gone(&format!("the group belongs to source group {} now and is kept", printable(&other)))
                }
                (None, Some(other)) if self.state.group(other)?.is_none_or(|g| g.target_id.is_none()) => {
                    Err(Failure::Conflict(format!(
                        "source group {} has the same name and is not linked yet; the group is kept",
                        printable(other)
                    )))
                }
                _ => self.provisioner.delete_group(&Group {
                    id: Some(id.clone()),
                    name: leaver.name.clone(),
                    ..Group::default()
                }),
            },
        };
        if result.as_ref().is_ok_and(|done| matches!(done.report.outcome, Outcome::Deleted | Outcome::AlreadyGone)) {
            self.state.forget_group(&leaver.source_id)?;
        }
        self.ended(counts, (Kind::Group, &leaver.source_id, &leaver.name), Operation::Remove, result)
    }
}

/// What a person reads: names for ids, and with those whom only a preview has no id for.
fn told(done: Done, known: &Known, promised: Vec<String>) -> Done {
    let Done { mut report, changes, members } = done;
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
    Done { report, changes, members }
}

/// In which order groups go out: those in others first. Where they hold each other in a circle, one goes early.
fn steps(wanted: &[Wanted]) -> (Vec<Vec<usize>>, BTreeSet<usize>) {
    let places: HashMap<&str, usize> = wanted.iter().enumerate().map(|(at, g)| (g.source.as_str(), at)).collect();
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
