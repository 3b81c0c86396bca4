//! Derives what the judges use from a run: whose each account is, who touched it, what was reported.
//! Does not know: what is right.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pfscim_core::Outcome;
use serde_json::Value;

use super::symptom::LINKS;
use crate::history::{CycleEnd, History, PersonNow, Printed, Snapshot};
use crate::hosts::Ran;
use crate::plan::{Plan, Quirk};
use crate::source::mail;
use crate::target::{Kind, Target, Write, Writer};

/// What the judges use.
pub(super) struct Facts<'r> {
    pub(super) plan: &'r Plan,
    pub(super) history: &'r History,
    pub(super) target: &'r Target,
    /// The source in the last cycle.
    pub(super) last: &'r Snapshot,
    /// Whose each account and group is: the record that had its name when it was created.
    owners: BTreeMap<(Kind, String), Option<usize>>,
    /// The records whose account or group a third party wrote to, with the time of the last such write. What is not
    /// mapped does not count, nor does a group that loses a deleted user.
    touched: BTreeMap<(Kind, usize), Duration>,
}

impl<'r> Facts<'r> {
    pub(super) fn new(plan: &'r Plan, ran: &'r Ran) -> Self {
        let Ran { history, target } = ran;
        let last_cycle = history.began.len().saturating_sub(1).min(history.source.len().saturating_sub(1));
        let owners = owners(history, target);
        let touched = touches(target, &owners);
        static NOTHING: Snapshot = Snapshot { people: Vec::new(), groups: Vec::new() };
        let last = history.source.get(last_cycle).unwrap_or(&NOTHING);
        Self { plan, history, target, last, owners, touched }
    }

    /// Returns the record to which an account or group belongs; `None` for that of a stranger.
    pub(super) fn owner(&self, kind: Kind, id: &str) -> Option<usize> {
        self.owners.get(&(kind, id.to_owned())).copied().flatten()
    }

    /// Returns the ids of all accounts or groups that a record ever had.
    pub(super) fn ids(&self, kind: Kind, number: usize) -> impl Iterator<Item = &str> {
        let owned = move |(key, owner): &(&(Kind, String), &Option<usize>)| key.0 == kind && **owner == Some(number);
        self.owners.iter().filter(owned).map(|((_, id), _)| id.as_str())
    }

    /// Returns the existing accounts or groups of a record.
    pub(super) fn existing(&self, kind: Kind, number: usize) -> Vec<(&str, &Value)> {
        let resources = if kind == Kind::User { self.target.users() } else { self.target.groups() };
        self.ids(kind, number).filter_map(|id| Some((id, resources.get(id)?))).collect()
    }

    /// Returns whether a third party wrote to an account or group of the record, and no later operation brought it back
    /// to what the source has.
    pub(super) fn is_touched(&self, kind: Kind, number: usize) -> bool {
        let Some(at) = self.touched.get(&(kind, number)) else { return false };
        !self.lines(kind, number).any(|line| {
            line.sent && line.since > *at && line.outcome().is_some_and(|outcome| outcome != Outcome::Skipped)
        })
    }

    /// Returns whether row 10 applied to a disabled person last: the account gets the mapped values and stays inactive.
    pub(super) fn is_written_while_disabled(&self, number: usize) -> bool {
        let is_provisioned = self.is_set("PROVISION_DISABLED_USERS_PROV_OPT", false) && !self.deletes();
        let last = self.lines(Kind::User, number).filter(|line| line.sent).last().and_then(Printed::outcome);
        is_provisioned && last.is_some_and(|outcome| LINKS.contains(&outcome))
    }

    /// Returns the user name of a person in the cycle of this time.
    pub(super) fn name_at(&self, number: usize, at: Duration) -> Option<&'r str> {
        let cycle = self.history.began.iter().rposition(|began| *began <= at)?;
        Some(&self.history.source.get(cycle)?.people.get(number)?.user_name)
    }

    /// Returns the lines about a record.
    pub(super) fn lines(&self, kind: Kind, number: usize) -> impl Iterator<Item = &'r Printed> {
        self.history.printed.iter().filter(move |line| line.kind == kind && line.number == number)
    }

    /// Returns whether the last cycle reported the record as failed, or ended before it with an error.
    pub(super) fn is_reported(&self, kind: Kind, number: usize) -> bool {
        let last_cycle = self.history.ends.len().saturating_sub(1);
        match self.lines(kind, number).filter(|line| line.cycle == last_cycle).last() {
            Some(line) => line.result.is_err(),
            None => matches!(self.history.ends.last(), Some(CycleEnd::Stopped(_))),
        }
    }

    /// Returns whether an operation on the record ended with this outcome.
    pub(super) fn has_outcome(&self, kind: Kind, number: usize, outcome: Outcome) -> bool {
        self.lines(kind, number).any(|line| line.outcome() == Some(outcome))
    }

    /// Returns each change with the record for which it was sent; `None` for a third party.
    pub(super) fn writes(&self) -> impl Iterator<Item = (&'r Write, Option<(Kind, usize)>)> {
        self.target.writes().iter().zip(self.history.writers.iter().copied())
    }

    /// Returns whether pfscim put a member into a group.
    pub(super) fn is_put_in(&self, group: &str, member: &str) -> bool {
        let mut writes = self.target.writes().iter().filter(|write| write.kind == Kind::Group && write.id == group);
        writes.any(|write| {
            let has = |body: &Option<Value>| body.as_ref().is_some_and(|body| member_ids(body).contains(member));
            write.writer == Writer::Connector && !has(&write.before) && has(&write.after)
        })
    }

    /// Returns whether a setting is selected. `default`: the value without the setting.
    pub(super) fn is_set(&self, name: &str, default: bool) -> bool {
        self.setting(name).map_or(default, |value| value == "true")
    }

    /// Returns the value of a setting that differs from its default.
    pub(super) fn setting(&self, name: &str) -> Option<&'r str> {
        self.plan.settings.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    /// Returns whether removed accounts are deleted.
    pub(super) fn deletes(&self) -> bool {
        self.setting("REMOVE_ACTION") == Some("Delete")
    }

    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.plan.quirks.contains(&quirk)
    }

    /// Returns the states that a resource had at some moment from `since` to `at`. `None`: it did not exist.
    pub(super) fn states(
        &self,
        kind: Kind,
        id: &str,
        since: Duration,
        at: Duration,
    ) -> impl Iterator<Item = Option<&'r Value>> {
        let versions: Vec<_> = self.target.versions(kind, id).collect();
        let never = versions.first().is_none_or(|(began, _)| began.is_some_and(|began| began > since));
        let ends: Vec<Option<Duration>> = versions.iter().skip(1).map(|(began, _)| *began).chain([None]).collect();
        let states = versions
            .into_iter()
            .zip(ends)
            .filter(move |((began, _), end)| {
                began.is_none_or(|began| began <= at) && end.is_none_or(|end| end >= since)
            })
            .map(|((_, body), _)| body);
        never.then_some(None).into_iter().chain(states)
    }

    /// Returns whether the account has the mapped values of a person.
    pub(super) fn has_values(&self, account: &Value, person: &PersonNow) -> bool {
        self.wrong_value(account, person).is_none()
    }

    /// Returns the first mapped attribute of an account that differs from the source.
    pub(super) fn wrong_value(&self, account: &Value, person: &PersonNow) -> Option<&'static str> {
        let clears_title = self.setting("CLEARABLE_ATTRIBUTES").is_some();
        let title = account.get("title").and_then(Value::as_str);
        let work_email = account.get("emails").and_then(Value::as_array).into_iter().flatten();
        let mut work_email = work_email.filter(|email| email.get("type").and_then(Value::as_str) == Some("work"));
        let mail = mail(&person.user_name);
        let checks = [
            ("userName", text(account, "userName").is_some_and(|name| name.eq_ignore_ascii_case(&person.user_name))),
            ("name.givenName", account.pointer("/name/givenName").and_then(Value::as_str) == Some(&person.given_name)),
            (
                "name.familyName",
                account.pointer("/name/familyName").and_then(Value::as_str) == Some(&person.family_name),
            ),
            ("emails", work_email.any(|email| text(email, "value") == Some(&mail))),
            ("title", title == person.title.as_deref() || (person.title.is_none() && !clears_title)),
        ];
        checks.into_iter().find(|(_, is_right)| !is_right).map(|(name, _)| name)
    }
}

fn touches(target: &Target, owners: &BTreeMap<(Kind, String), Option<usize>>) -> BTreeMap<(Kind, usize), Duration> {
    let writes = || target.writes().iter().filter(|write| write.writer == Writer::ThirdParty);
    let deletes_user = |at| writes().any(|write| write.kind == Kind::User && write.after.is_none() && write.at == at);
    let mut touches = BTreeMap::new();
    for write in writes() {
        let is_follow_up = write.kind == Kind::Group && deletes_user(write.at);
        let is_mapped = write.before.as_ref().map(|before| mapped(write.kind, before))
            != write.after.as_ref().map(|after| mapped(write.kind, after));
        if let Some(Some(owner)) = owners.get(&(write.kind, write.id.clone()))
            && is_mapped
            && !is_follow_up
        {
            touches.insert((write.kind, *owner), write.at);
        }
    }
    touches
}

/// Returns the names of the attributes that are mapped, or partly mapped.
pub(super) fn mapped_names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::User => &["userName", "active", "title", "name", "emails"],
        Kind::Group => &["displayName", "members"],
    }
}

fn mapped(kind: Kind, resource: &Value) -> Vec<Option<&Value>> {
    mapped_names(kind).iter().map(|name| resource.get(name)).collect()
}

fn owners(history: &History, target: &Target) -> BTreeMap<(Kind, String), Option<usize>> {
    let mut names: BTreeMap<(Kind, String), usize> = BTreeMap::new();
    for snapshot in &history.source {
        for (number, person) in snapshot.people.iter().enumerate() {
            names.insert((Kind::User, person.user_name.to_lowercase()), number);
        }
        for (number, group) in snapshot.groups.iter().enumerate() {
            names.insert((Kind::Group, group.name.to_lowercase()), number);
        }
    }
    let mut owners = BTreeMap::new();
    for (kind, attribute) in [(Kind::User, "userName"), (Kind::Group, "displayName")] {
        for id in target.ids(kind) {
            let created = target.versions(kind, id).next().and_then(|(_, body)| body);
            let name = created.and_then(|body| text(body, attribute)).unwrap_or_default().to_lowercase();
            owners.insert((kind, id.to_owned()), names.get(&(kind, name)).copied());
        }
    }
    owners
}

/// Returns a text attribute.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// Returns whether an account is active, or would count as active.
pub(super) fn is_active(account: &Value) -> bool {
    account.get("active") != Some(&Value::Bool(false))
}

/// Returns the ids of the members of a group.
pub(super) fn member_ids(group: &Value) -> BTreeSet<&str> {
    let members = group.get("members").and_then(Value::as_array).into_iter().flatten();
    members.filter_map(|member| text(member, "value")).collect()
}
