//! Judges the end of a run: invariants 1, 2 and 4.
//! Does not know: how the target came to have what it has.

use std::collections::BTreeSet;
use std::time::Duration;

use pfscim_core::Outcome;

use super::facts::{Facts, is_active, member_ids, text};
use super::symptom::{LINKS, Symptom, Violation, name};
use crate::history::PersonNow;
use crate::plan::{Host, Quirk};
use crate::source::members_now;
use crate::target::{Kind, Writer};
use crate::world::SETTLED_AFTER;

/// Invariants 1 and 2.
pub(super) fn people(facts: &Facts<'_>, violations: &mut Vec<Violation>) {
    for (number, person) in facts.last.people.iter().enumerate() {
        if facts.is_reported(Kind::User, number) {
            continue;
        }
        let mut violate = |symptom, text: String| violations.push(Violation { symptom, text });
        if let Some(text) = two_accounts(facts, number).filter(|_| person.in_scope) {
            violate(Symptom::TwoAccounts, text);
        } else if person.in_scope
            && (person.enabled || facts.is_written_while_disabled(number))
            && let Some((symptom, text)) = wrong_account(facts, number, person)
        {
            violate(symptom, text);
        }
        if (!person.in_scope || !person.enabled)
            && let Some((symptom, text)) = open_account(facts, number, person)
        {
            violate(symptom, text);
        }
    }
}

/// Returns why a person has two accounts, if pfscim created one while another one existed and could be found.
fn two_accounts(facts: &Facts<'_>, number: usize) -> Option<String> {
    let existing = facts.existing(Kind::User, number);
    let exists = |id: &str| existing.iter().any(|(other, _)| *other == id);
    let creates = facts.writes().enumerate().filter(|(_, (write, record))| {
        write.writer == Writer::Connector
            && write.before.is_none()
            && *record == Some((Kind::User, number))
            && facts.owner(Kind::User, &write.id) == Some(number)
            && exists(&write.id)
    });
    for (index, (create, _)) in creates {
        for (other, _) in existing.iter().filter(|(other, _)| *other != create.id) {
            let other_began = facts.target.versions(Kind::User, other).next().and_then(|(began, _)| began);
            let Some(before) = facts.states(Kind::User, other, create.at, create.at).next().flatten() else { continue };
            if other_began.is_some_and(|began| began > create.at) {
                continue;
            }
            // Such an account looks deleted.
            let looks_deleted = facts.has(Quirk::InactiveHidden) && !is_active(before);
            // An account that pfscim never knew can be found by the name of this cycle only.
            let has_name = facts.name_at(number, create.at).is_some_and(|name| text(before, "userName") == Some(name));
            if looks_deleted || !(has_name || is_responsible(facts, Kind::User, number, other)) {
                continue;
            }
            // Names are not unique here. A create less than a minute after another one cannot be noticed if lists lag,
            // or if one of them arrived late.
            let since = create.at.saturating_sub(other_began.unwrap_or(Duration::ZERO));
            let is_recent = other_began.is_some() && since < SETTLED_AFTER;
            // Nor can one that a third party created after the search.
            let is_foreign = facts.target.writes().iter().any(|write| {
                write.writer == Writer::ThirdParty
                    && write.before.is_none()
                    && write.kind == Kind::User
                    && write.id == *other
            });
            if is_recent && (is_foreign || facts.has(Quirk::ListsLag) || facts.history.late.contains(&index)) {
                continue;
            }
            return Some(format!(
                "{} has accounts {other} and {}, which was created at {:.1} s",
                name(Kind::User, number),
                create.id,
                create.at.as_secs_f64()
            ));
        }
    }
    None
}

/// Returns what is wrong with the account of a user who must have one.
fn wrong_account(facts: &Facts<'_>, number: usize, person: &PersonNow) -> Option<(Symptom, String)> {
    if facts.is_touched(Kind::User, number) {
        return None;
    }
    let name = name(Kind::User, number);
    let (creates, updates) = (facts.is_set("CREATE_USERS_PROV_OPT", true), facts.is_set("UPDATE_USERS_PROV_OPT", true));
    match facts.existing(Kind::User, number).as_slice() {
        [] if creates => Some((Symptom::NoAccount, format!("{name} has no account"))),
        // Such an account cannot be found: it has another name and was never linked, or it is not shown.
        [(id, account)]
            if (text(account, "userName") != Some(&person.user_name) && !is_linked(facts, Kind::User, number, id))
                || (facts.has(Quirk::InactiveHidden) && !is_active(account) && !creates) =>
        {
            None
        }
        [(id, account)] if updates => {
            if let Some(attribute) = facts.wrong_value(account, person) {
                return Some((Symptom::WrongValues, format!("{name}: account {id} has another {attribute}")));
            }
            (person.enabled && !is_active(account))
                .then(|| (Symptom::NotActive, format!("{name}: account {id} is inactive")))
        }
        _ => None,
    }
}

/// Returns which account of a leaver, or of a disabled user, is not closed.
fn open_account(facts: &Facts<'_>, number: usize, person: &PersonNow) -> Option<(Symptom, String)> {
    if !facts.is_set("REMOVE_USERS_PROV_OPT", true) || facts.is_touched(Kind::User, number) {
        return None;
    }
    let name = name(Kind::User, number);
    let what = if person.in_scope { "is disabled" } else { "left" };
    for (id, account) in facts.existing(Kind::User, number) {
        if !is_responsible(facts, Kind::User, number, id) {
            continue;
        }
        if is_active(account) {
            return Some((Symptom::LeaverActive, format!("{name} {what}, and account {id} is active")));
        }
        // Row 5a: an account that was never linked is not deleted.
        if facts.deletes() && !facts.has_outcome(Kind::User, number, Outcome::Skipped) {
            return Some((Symptom::LeaverKept, format!("{name} {what}, and account {id} is not deleted")));
        }
    }
    None
}

/// Returns whether pfscim wrote to the account or group, or linked it.
fn is_responsible(facts: &Facts<'_>, kind: Kind, number: usize, id: &str) -> bool {
    let is_written = facts.writes().any(|(write, record)| {
        write.writer == Writer::Connector && write.kind == kind && write.id == id && record.is_some()
    });
    is_written || is_linked(facts, kind, number, id)
}

/// Returns whether a line says that the account or group belongs to the record.
fn is_linked(facts: &Facts<'_>, kind: Kind, number: usize, id: &str) -> bool {
    facts.lines(kind, number).filter(|line| line.sent && !line.blocked).any(|line| {
        let report = line.result.as_ref().ok();
        report.is_some_and(|report| LINKS.contains(&report.outcome) && report.id.as_deref() == Some(id))
    })
}

/// Invariant 4.
pub(super) fn groups(facts: &Facts<'_>, violations: &mut Vec<Violation>) {
    for (number, group) in facts.last.groups.iter().enumerate() {
        if facts.is_reported(Kind::Group, number) || facts.is_touched(Kind::Group, number) {
            continue;
        }
        let mut violate = |symptom, text: &str| {
            violations.push(Violation { symptom, text: format!("{} {text}", name(Kind::Group, number)) });
        };
        let existing = facts.existing(Kind::Group, number);
        let (ours, others): (Vec<_>, Vec<_>) =
            existing.into_iter().partition(|(id, _)| is_responsible(facts, Kind::Group, number, id));
        if !group.in_scope {
            if let Some((id, _)) = ours.first() {
                violate(Symptom::GroupKept, &format!("left, and group {id} exists"));
            }
            continue;
        }
        let (id, members) = match (ours.as_slice(), others.as_slice()) {
            ([], []) => {
                violate(Symptom::NoGroup, "does not exist");
                continue;
            }
            // Another group has or had its name, and pfscim has not linked it.
            ([], _) => continue,
            ([(id, stored)], _) => (*id, member_ids(stored)),
            _ => {
                violate(Symptom::TwoGroups, "exists twice");
                continue;
            }
        };
        let people: BTreeSet<usize> = members_now(facts.last, group).collect();
        for person in &people {
            if let Some(account) = expected_member(facts, *person)
                && !members.contains(account)
            {
                violate(Symptom::MemberMissing, &format!("({id}) lacks p{person}, account {account}"));
            }
        }
        // A merge through the SPI does not say which members left.
        if facts.plan.merge_groups && matches!(facts.plan.host, Host::Spi { .. }) {
            continue;
        }
        for member in members {
            let owner = facts.owner(Kind::User, member);
            let is_right = owner.is_some_and(|owner| people.contains(&owner) || facts.is_touched(Kind::User, owner));
            if !is_right && facts.is_put_in(id, member) {
                violate(Symptom::MemberKept, &format!("({id}) has account {member}, which the source does not have"));
            }
        }
    }
}

/// Returns the account that a group must contain, if it is beyond doubt.
fn expected_member<'f>(facts: &'f Facts<'_>, number: usize) -> Option<&'f str> {
    let person = facts.last.people.get(number)?;
    let is_certain = person.enabled && !facts.is_touched(Kind::User, number) && !facts.is_reported(Kind::User, number);
    match facts.existing(Kind::User, number).as_slice() {
        [(id, _)] if is_certain && is_responsible(facts, Kind::User, number, id) => Some(id),
        _ => None,
    }
}
