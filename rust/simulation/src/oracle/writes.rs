//! Judges each change at the target: invariants 3 and 6.
//! Does not know: what was printed.

use std::time::Duration;

use serde_json::{Map, Value};

use super::facts::{Facts, is_active, mapped_names, member_ids, text};
use super::symptom::{LINKS, Symptom, Violation, name};
use crate::target::{Kind, Write, Writer};

/// A write of a third party this long before one of ours may lie between our read and our write.
const READ_BEFORE_WRITE: Duration = Duration::from_secs(60);

/// Invariants 3 and 6.
pub(super) fn judge(facts: &Facts<'_>, violations: &mut Vec<Violation>) {
    for (write, record) in facts.writes().filter(|(write, _)| write.writer == Writer::Connector) {
        let Some(before) = &write.before else { continue };
        let place = format!("{} at {:.1} s", write.id, write.at.as_secs_f64());
        let actor = record.map_or("the check".to_owned(), |(kind, number)| name(kind, number));
        let owner = facts.owner(write.kind, &write.id);
        // A user who is deleted leaves its groups.
        let is_follow_up = write.kind == Kind::Group && record.is_some_and(|(kind, _)| kind == Kind::User);
        if is_follow_up {
            continue;
        }
        match owner {
            None => violations.push(Violation {
                symptom: Symptom::StrangerChanged,
                text: format!("{actor} changed {place}, which belongs to no record of the source"),
            }),
            Some(owner) if record != Some((write.kind, owner)) => violations.push(Violation {
                symptom: Symptom::AnotherChanged,
                text: format!("{actor} changed {place}, which belongs to {}", name(write.kind, owner)),
            }),
            Some(_) if is_made_by_others(facts, write, record) => violations.push(Violation {
                symptom: Symptom::StrangerChanged,
                text: format!("{actor} closed {place}, which others made after the linked account was gone"),
            }),
            Some(_) => {
                let changed = write.after.as_ref().and_then(|after| {
                    let is_foreign = |member: &&str| {
                        facts.plan.merge_groups
                            && facts.owner(Kind::User, member).is_none()
                            && !facts.is_put_in(&write.id, member)
                    };
                    let left = members_left(before, after).into_iter().find(is_foreign);
                    left.map(|_| "members".to_owned()).or_else(|| changed_unmapped(write.kind, before, after))
                });
                if let Some(attribute) = changed
                    && !may_be_overwritten(facts, write, &attribute)
                {
                    let text = format!("{actor} changed `{attribute}` of {place}, which is not mapped");
                    violations.push(Violation { symptom: Symptom::UnmappedChanged, text });
                }
            }
        }
    }
}

/// Returns whether a write closes an account that a third party made with the user name of the person, although pfscim
/// linked the person to another account. Nothing proves that it belongs to the person.
fn is_made_by_others(facts: &Facts<'_>, write: &Write, record: Option<(Kind, usize)>) -> bool {
    let Some((Kind::User, number)) = record else { return false };
    let is_closed = write.after.as_ref().is_none_or(|after| !is_active(after));
    let is_active_before = write.before.as_ref().is_some_and(is_active);
    let mut creates = facts.target.writes().iter().filter(|other| other.kind == Kind::User && other.before.is_none());
    let is_foreign = creates.any(|create| create.id == write.id && create.writer == Writer::ThirdParty);
    let linked = || {
        let before = facts.lines(Kind::User, number).take_while(|line| line.at < write.at);
        let links =
            before.filter_map(|line| line.result.as_ref().ok()).filter(|report| LINKS.contains(&report.outcome));
        links.last().and_then(|report| report.id.as_deref())
    };
    is_closed && is_active_before && is_foreign && linked().is_some_and(|linked| linked != write.id)
}

/// Returns the members that a group has no longer.
fn members_left<'v>(before: &'v Value, after: &Value) -> Vec<&'v str> {
    let stay = member_ids(after);
    member_ids(before).into_iter().filter(|member| !stay.contains(member)).collect()
}

/// Returns whether a third party changed the attribute just before this write, which had no entity tag.
fn may_be_overwritten(facts: &Facts<'_>, write: &Write, attribute: &str) -> bool {
    let is_near = |at: Duration| at <= write.at && write.at.saturating_sub(at) <= READ_BEFORE_WRITE;
    let value = |body: &Option<Value>| body.as_ref().and_then(|body| body.get(attribute)).cloned();
    let mut others = facts.target.writes().iter().filter(|other| other.writer == Writer::ThirdParty);
    !write.had_tag
        && others.any(|other| {
            (other.kind, &other.id) == (write.kind, &write.id)
                && is_near(other.at)
                && value(&other.before) != value(&other.after)
        })
}

/// Returns the first attribute that is not mapped and that changed.
fn changed_unmapped(kind: Kind, before: &Value, after: &Value) -> Option<String> {
    let (before, after) = (unmapped(kind, before), unmapped(kind, after));
    before
        .iter()
        .find(|(name, value)| after.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .or_else(|| after.keys().find(|name| !before.contains_key(*name)).cloned())
}

/// Returns what is not mapped of a resource.
fn unmapped(kind: Kind, resource: &Value) -> Map<String, Value> {
    let mut rest = resource.as_object().cloned().unwrap_or_default();
    let mapped = mapped_names(kind).iter().filter(|name| !["name", "emails"].contains(name));
    mapped.chain(&["id", "meta", "schemas", "groups"]).for_each(|name| _ = rest.shift_remove(*name));
    if let Some(Value::Object(name)) = rest.get_mut("name") {
        name.shift_remove("givenName");
        name.shift_remove("familyName");
    }
    if let Some(Value::Array(emails)) = rest.get_mut("emails") {
        // Of the entry for work, the value is mapped, and the type selects it.
        let work = emails.iter_mut().filter(|email| text(email, "type") == Some("work"));
        for email in work.filter_map(Value::as_object_mut) {
            email.shift_remove("value");
            // The first address is the primary one.
            email.shift_remove("primary");
        }
        emails.retain(|email| email.as_object().is_none_or(|email| email.len() > 1));
    }
    rest.retain(|_, value| match value {
        Value::Object(object) => !object.is_empty(),
        Value::Array(array) => !array.is_empty(),
        Value::Null => false,
        _ => true,
    });
    rest
}
