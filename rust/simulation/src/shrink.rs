//! Makes a plan smaller as long as the same symptom occurs.
//! Does not know: what symptoms mean.

use crate::generate::FIRST_CHANGE;
use crate::hosts::{self, Ran};
use crate::oracle::{self, Symptom};
use crate::plan::{Edit, Host, Plan};

/// The most runs of one shrinking.
const RUNS_MAX: usize = 400;

/// A plan in which no part can be left out.
pub struct Shrunk {
    /// The plan.
    pub plan: Plan,
    /// Its run, with a trace.
    pub ran: Ran,
}

/// Returns a smaller plan with the same symptom. `None` if the plan does not show it.
pub fn shrink(plan: &Plan, symptom: Symptom) -> Option<Shrunk> {
    let plan = smallest(plan, &|candidate| shows(candidate, symptom))?;
    let ran = hosts::run(&plan, true).ok()?;
    Some(Shrunk { plan, ran })
}

/// Leaves out parts of a plan as long as `is_like` is true. `None` if it is not true for the plan itself.
fn smallest(plan: &Plan, is_like: &dyn Fn(&Plan) -> bool) -> Option<Plan> {
    let mut best = plan.clone();
    let mut runs = 1;
    if !is_like(&best) {
        return None;
    }
    loop {
        let smaller = candidates(&best).into_iter().find(|candidate| {
            runs += 1;
            runs <= RUNS_MAX && is_like(candidate)
        });
        match smaller {
            Some(smaller) => best = smaller,
            None => return Some(best),
        }
    }
}

fn shows(plan: &Plan, symptom: Symptom) -> bool {
    let violations = hosts::run(plan, false).map(|ran| oracle::judge(plan, &ran)).unwrap_or_default();
    violations.iter().any(|violation| violation.symptom == symptom)
}

/// Returns plans with one part less, or with a simpler part.
fn candidates(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Plan)| {
        let mut candidate = plan.clone();
        change(&mut candidate);
        if candidate != *plan {
            all.push(candidate);
        }
    };
    (0..plan.incidents.len()).for_each(|at| add(&|plan| _ = plan.incidents.remove(at)));
    (0..plan.quirks.len()).for_each(|at| add(&|plan| _ = plan.quirks.remove(at)));
    (0..plan.settings.len()).for_each(|at| add(&|plan| _ = plan.settings.remove(at)));
    add(&|plan| plan.host = Host::Engine { keeps_process: false });
    add(&|plan| plan.host = simpler(plan.host));
    add(&|plan| plan.threads = 1);
    add(&|plan| plan.merge_groups = false);
    (0..plan.people.len()).for_each(|number| add(&|plan| without_person(plan, number)));
    add(&without_last_group);
    (0..plan.changes.len()).for_each(|at| add(&|plan| _ = plan.changes.remove(at)));
    (0..plan.accounts.len()).for_each(|at| add(&|plan| _ = plan.accounts.remove(at)));
    (0..plan.start_groups.len()).for_each(|at| add(&|plan| _ = plan.start_groups.remove(at)));
    add(&without_last_gap);
    (0..plan.incidents.len()).for_each(|at| add(&|plan| plan.incidents[at].nth = 0));
    all
}

fn simpler(host: Host) -> Host {
    match host {
        Host::Spi { passes_identifier, looks_up_leavers, .. } => Host::Spi {
            stores_found_ids: true,
            passes_identifier,
            looks_up_leavers,
            trusts_stored_ids: false,
            uses_two_sessions: false,
            gives_up_after: None,
        },
        engine => engine,
    }
}

/// Takes a person out of the source. The numbers of the others stay.
fn without_person(plan: &mut Plan, number: usize) {
    if let Some(person) = plan.people.get_mut(number) {
        person.in_scope = false;
    }
    plan.changes.retain(|change| person_of(&change.edit) != Some(number));
    plan.groups.iter_mut().for_each(|group| group.members.retain(|member| *member != number));
    plan.accounts.retain(|account| account.person != Some(number));
}

fn person_of(edit: &Edit) -> Option<usize> {
    match edit {
        Edit::Join(person)
        | Edit::Leave(person)
        | Edit::Enable(person)
        | Edit::Disable(person)
        | Edit::Rename(person, _)
        | Edit::Title(person, _)
        | Edit::Add { person, .. }
        | Edit::Remove { person, .. } => Some(*person),
        Edit::RenameGroup(..) | Edit::DropGroup(_) => None,
    }
}

fn group_of(edit: &Edit) -> Option<usize> {
    match edit {
        Edit::Add { group, .. } | Edit::Remove { group, .. } | Edit::RenameGroup(group, _) | Edit::DropGroup(group) => {
            Some(*group)
        }
        _ => None,
    }
}

fn without_last_group(plan: &mut Plan) {
    plan.groups.pop();
    let left = plan.groups.len();
    plan.changes.retain(|change| group_of(&change.edit).is_none_or(|group| group < left));
    plan.start_groups.retain(|start| start.group.is_none_or(|group| group < left));
}

fn without_last_gap(plan: &mut Plan) {
    if plan.gaps.len() > FIRST_CHANGE + 1 {
        plan.gaps.pop();
        let left = plan.gaps.len();
        plan.changes.retain(|change| change.cycle < left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    #[test]
    fn only_the_parts_that_are_needed_stay() {
        let plan = (0..500).map(generate::plan).find(|plan| {
            plan.quirks.len() == 3 && plan.incidents.len() > 1 && plan.changes.len() > 2 && !plan.groups.is_empty()
        });
        let plan = plan.unwrap();
        let (quirk, incident) = (plan.quirks[1], plan.incidents[1].name());
        let has_both =
            |plan: &Plan| plan.quirks.contains(&quirk) && plan.incidents.iter().any(|other| other.name() == incident);
        let small = smallest(&plan, &has_both).unwrap();
        assert_eq!((small.quirks.as_slice(), small.incidents.len()), ([quirk].as_slice(), 1));
        assert_eq!(small.seed, plan.seed);
        assert!(small.settings.is_empty() && small.changes.is_empty() && small.groups.is_empty());
        assert!(small.people.iter().all(|person| !person.in_scope));
        assert_eq!((small.host, small.threads), (Host::Engine { keeps_process: false }, 1));
    }

    #[test]
    fn a_plan_that_does_not_show_the_symptom_is_not_shrunk() {
        assert!(shrink(&generate::plan(1), Symptom::TooLong).is_none());
    }
}
