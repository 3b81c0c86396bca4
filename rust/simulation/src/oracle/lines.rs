//! Judges each line: invariant 5.
//! Does not know: the end of the run.

use std::collections::BTreeSet;

use pfscim_core::{Outcome, Report};
use serde_json::Value;

use super::facts::{Facts, is_active, member_ids, text};
use super::symptom::{LINKS, Symptom, Violation};
use crate::history::Printed;
use crate::plan::Quirk;
use crate::source::members_now;
use crate::target::{Kind, Writer};

/// Invariant 5: what a line says was so at some moment between the first request for the record and the line.
pub(super) fn judge(facts: &Facts<'_>, violations: &mut Vec<Violation>) {
    for line in facts.history.printed.iter().filter(|line| line.sent) {
        let Ok(report) = &line.result else { continue };
        let symptom = match line.kind {
            Kind::User => user(facts, line, report),
            Kind::Group => group(facts, line, report),
        };
        if let Some(symptom) = symptom {
            let text = format!("cycle {} printed `{line}`, and it was not so", line.cycle);
            violations.push(Violation { symptom, text });
        }
    }
}

fn user(facts: &Facts<'_>, line: &Printed, report: &Report) -> Option<Symptom> {
    let id = report.id.as_deref();
    match report.outcome {
        Outcome::Created | Outcome::Adopted | Outcome::Updated | Outcome::ReEnabled | Outcome::Unchanged => {
            let person = facts.history.source.get(line.cycle)?.people.get(line.number)?;
            let is_so = |account: &Value| facts.has_values(account, person) && is_active(account) == person.enabled;
            // A third party may have changed the account again before the write.
            let was_so = || was(facts, line, id, |account| account.is_some_and(is_so));
            (!has_third_write(facts, line) && !was_so()).then_some(Symptom::ClaimedWritten)
        }
        Outcome::Disabled | Outcome::AlreadyDisabled | Outcome::Deleted
            if id.is_some_and(|id| facts.owner(Kind::User, id) != Some(line.number)) =>
        {
            Some(Symptom::ClaimedClosed)
        }
        Outcome::Disabled | Outcome::AlreadyDisabled => {
            let was_so = was(facts, line, id, |account| account.is_none_or(|account| !is_active(account)));
            (!was_so).then_some(Symptom::ClaimedClosed)
        }
        Outcome::Deleted => {
            (!was(facts, line, id, |account| is_gone(facts, account))).then_some(Symptom::ClaimedClosed)
        }
        Outcome::AlreadyGone => (!was_gone(facts, line, id)).then_some(Symptom::ClaimedGone),
        _ => None,
    }
}

fn group(facts: &Facts<'_>, line: &Printed, report: &Report) -> Option<Symptom> {
    let id = report.id.as_deref();
    match report.outcome {
        Outcome::Deleted => (!was(facts, line, id, |group| group.is_none())).then_some(Symptom::ClaimedClosed),
        Outcome::AlreadyGone => (!was_gone(facts, line, id)).then_some(Symptom::ClaimedGone),
        Outcome::Created | Outcome::Adopted | Outcome::Updated | Outcome::Unchanged => {
            let snapshot = facts.history.source.get(line.cycle)?;
            let group = snapshot.groups.get(line.number)?;
            let expected: BTreeSet<&str> =
                members_now(snapshot, group).filter_map(|person| linked(facts, line, person)).collect();
            // A member of a merged group may come from anywhere, and a stranger from a third party.
            let is_allowed = |member: &&str| {
                let owner = facts.owner(Kind::User, member);
                facts.plan.merge_groups
                    || owner.is_none_or(|owner| members_now(snapshot, group).any(|one| one == owner))
            };
            let is_so = |stored: &Value| {
                let members = member_ids(stored);
                text(stored, "displayName") == Some(&group.name)
                    && expected.is_subset(&members)
                    && members.iter().all(is_allowed)
            };
            (!was(facts, line, id, |stored| stored.is_some_and(is_so))).then_some(Symptom::ClaimedGroup)
        }
        _ => None,
    }
}

/// Returns the account that the host linked to a person before the line, and that exists at the line.
fn linked<'f>(facts: &'f Facts<'_>, line: &Printed, person: usize) -> Option<&'f str> {
    // What the host knew if a line about the person was printed meanwhile is unknown.
    if facts.lines(Kind::User, person).any(|other| (line.since..=line.at).contains(&other.at)) {
        return None;
    }
    let before = facts.lines(Kind::User, person).take_while(|other| other.at < line.since);
    let report = before.filter_map(|other| other.result.as_ref().ok()).last()?;
    let id = report.id.as_deref().filter(|_| LINKS.contains(&report.outcome))?;
    facts.states(Kind::User, id, line.since, line.at).all(|account| account.is_some()).then_some(id)
}

/// Returns whether the resource of this id was in such a state at some moment; without an id, any of the record.
fn was(facts: &Facts<'_>, line: &Printed, id: Option<&str>, is_so: impl Fn(Option<&Value>) -> bool) -> bool {
    match id {
        Some(id) => facts.states(line.kind, id, line.since, line.at).any(is_so),
        None => {
            facts.ids(line.kind, line.number).any(|id| facts.states(line.kind, id, line.since, line.at).any(&is_so))
        }
    }
}

/// Returns whether a third party wrote to the account of the record while the host worked on it.
fn has_third_write(facts: &Facts<'_>, line: &Printed) -> bool {
    facts.target.writes().iter().any(|write| {
        write.writer == Writer::ThirdParty
            && write.kind == line.kind
            && facts.owner(write.kind, &write.id) == Some(line.number)
            && (line.since..=line.at).contains(&write.at)
    })
}

/// Returns whether the resource of this id did not exist at some moment. Without an id: those that pfscim created for the
/// record, and those with the name that the record has in this cycle.
fn was_gone(facts: &Facts<'_>, line: &Printed, id: Option<&str>) -> bool {
    let was_gone = |id: &str, is_meant: &dyn Fn(&Value) -> bool| {
        let mut states = facts.states(line.kind, id, line.since, line.at);
        states.any(|state| is_gone(facts, state) || !state.is_some_and(is_meant))
    };
    let Some(id) = id else {
        let snapshot = facts.history.source.get(line.cycle);
        let (attribute, name) = match line.kind {
            Kind::User => ("userName", snapshot.and_then(|s| s.people.get(line.number)).map(|p| p.user_name.as_str())),
            Kind::Group => ("displayName", snapshot.and_then(|s| s.groups.get(line.number)).map(|g| g.name.as_str())),
        };
        let has_name = |resource: &Value| {
            text(resource, attribute).zip(name).is_some_and(|(shown, name)| shown.eq_ignore_ascii_case(name))
        };
        return facts.ids(line.kind, line.number).all(|id| {
            let is_ours = is_created_by_us(facts, line.kind, id);
            was_gone(id, &|resource| is_ours || has_name(resource))
        });
    };
    was_gone(id, &|_| true)
}

fn is_created_by_us(facts: &Facts<'_>, kind: Kind, id: &str) -> bool {
    facts.target.writes().iter().any(|write| {
        write.kind == kind && write.id == id && write.before.is_none() && write.writer == Writer::Connector
    })
}

/// Returns whether a resource is gone, or looks so.
fn is_gone(facts: &Facts<'_>, state: Option<&Value>) -> bool {
    state.is_none_or(|resource| facts.has(Quirk::InactiveHidden) && !is_active(resource))
}
