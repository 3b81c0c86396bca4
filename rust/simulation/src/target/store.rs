//! Holds the resources of the target, each version of them, and what lists and reads show.
//! Does not know: requests.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::json as attributes;
use super::message::Kind;
use crate::plan::Quirk;

/// The SCIM URL of the target.
const SCIM_URL: &str = "http://target.invalid/v2";

/// How long a lagging list or read shows an old state.
const LAG: Duration = Duration::from_secs(60);

/// Who writes at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writer {
    /// pfscim, with a request.
    Connector,
    /// An administrator or another program.
    ThirdParty,
}

/// One change of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// When it happened.
    pub at: Duration,
    /// Who wrote.
    pub writer: Writer,
    /// The type of the resource.
    pub kind: Kind,
    /// The id of the resource.
    pub id: String,
    /// The resource before it, as stored: with `id`, without `meta`. `None` for a create.
    pub before: Option<Value>,
    /// The resource after it, as stored. `None` for a delete.
    pub after: Option<Value>,
    /// Whether the request had `If-Match`. A member that leaves a group because its user is deleted has the value of
    /// the delete.
    pub had_tag: bool,
}

/// Who writes, and when.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) at: Duration,
    pub(super) writer: Writer,
    pub(super) had_tag: bool,
}

/// A state of a resource.
#[derive(Clone)]
pub(super) struct Version {
    /// When the state began. `None` before the run.
    since: Option<Duration>,
    /// The resource as stored. `None` after a delete.
    body: Option<Value>,
}

/// A resource with every version of it, the oldest first. There is at least one.
#[derive(Clone)]
pub(super) struct History {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) versions: Vec<Version>,
}

/// The model target.
#[derive(Clone)]
pub struct Target {
    quirks: BTreeSet<Quirk>,
    users: BTreeMap<String, Value>,
    groups: BTreeMap<String, Value>,
    /// In order of creation, also of deleted resources.
    pub(super) histories: Vec<History>,
    writes: Vec<Write>,
    /// How many writes of third parties had a number.
    pub(super) numbered_writes: usize,
    /// How many ids no resource gets.
    skipped_ids: usize,
    /// The quirks that mattered for a request, as bits.
    met: Cell<u32>,
}

impl Target {
    /// Returns a target without resources. The ids are `u1`, `u2`, and `g1`, `g2`, in order of creation.
    pub fn new(quirks: &[Quirk]) -> Self {
        Self {
            quirks: quirks.iter().copied().collect(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            histories: Vec::new(),
            writes: Vec::new(),
            numbered_writes: 0,
            skipped_ids: 0,
            met: Cell::new(0),
        }
    }

    /// Adds a resource that exists before the run and returns its id. This is not a [`Write`].
    pub fn add(&mut self, kind: Kind, body: Value) -> String {
        let id = self.next_id(kind);
        let body = self.complete(kind, &id, body);
        self.resources_mut(kind).insert(id.clone(), body.clone());
        let versions = vec![Version { since: None, body: Some(body) }];
        self.histories.push(History { kind, id: id.clone(), versions });
        id
    }

    /// Uses an id that no resource gets: a create that was not carried out has shown it.
    pub fn skip_id(&mut self) {
        self.skipped_ids += 1;
    }

    /// Returns the users as stored, also hidden ones.
    pub fn users(&self) -> &BTreeMap<String, Value> {
        &self.users
    }

    /// Returns the groups as stored.
    pub fn groups(&self) -> &BTreeMap<String, Value> {
        &self.groups
    }

    /// Returns every change in order, also those of third parties.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Returns the versions of a resource, the oldest first: when each began (`None`: before the run), and the resource
    /// (`None`: it was deleted).
    pub fn versions(&self, kind: Kind, id: &str) -> impl Iterator<Item = (Option<Duration>, Option<&Value>)> {
        let versions = self.history(kind, id).map(|history| history.versions.as_slice()).unwrap_or_default();
        versions.iter().map(|version| (version.since, version.body.as_ref()))
    }

    /// Returns the ids of all resources that ever existed, in order of creation.
    pub fn ids(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.histories.iter().filter(move |history| history.kind == kind).map(|history| history.id.as_str())
    }

    /// Returns the resource as the response to a write shows it, with all quirks of the target. Its entity tag is that
    /// of the last version with this content, or that of the last version.
    pub fn shown(&self, kind: Kind, stored: &Value) -> Value {
        let id = attributes::text(stored, "id").unwrap_or_default();
        let versions = self.history(kind, id).map(|h| h.versions.as_slice()).unwrap_or_default();
        let number = versions.iter().rposition(|v| v.body.as_ref() == Some(stored)).map_or(versions.len(), |n| n + 1);
        self.show(kind, stored, number)
    }

    /// Returns whether the target has a quirk, and notes that a request came where the quirk matters.
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        let has = self.quirks.contains(&quirk);
        if has {
            self.met.set(self.met.get() | 1 << quirk as u32);
        }
        has
    }

    /// Returns whether a request came where the quirk matters.
    pub fn has_met(&self, quirk: Quirk) -> bool {
        self.met.get() & (1 << quirk as u32) != 0
    }

    pub(super) fn resources(&self, kind: Kind) -> &BTreeMap<String, Value> {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }

    pub(super) fn resources_mut(&mut self, kind: Kind) -> &mut BTreeMap<String, Value> {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
        }
    }

    pub(super) fn history(&self, kind: Kind, id: &str) -> Option<&History> {
        self.histories.iter().find(|h| h.kind == kind && h.id == id)
    }

    pub(super) fn next_id(&self, kind: Kind) -> String {
        let letter = if kind == Kind::User { 'u' } else { 'g' };
        let count = self.histories.iter().filter(|h| h.kind == kind).count();
        format!("{letter}{}", count + self.skipped_ids + 1)
    }

    /// Returns the existing resources in order of creation.
    pub(super) fn in_order(&self, kind: Kind) -> impl Iterator<Item = (&str, &Value)> {
        let resources = self.resources(kind);
        let histories = self.histories.iter().filter(move |h| h.kind == kind);
        histories.filter_map(move |h| Some((h.id.as_str(), resources.get(&h.id)?)))
    }

    /// Stores a resource, or deletes it. Returns whether something changed.
    pub(super) fn store(&mut self, origin: Origin, kind: Kind, id: &str, after: Option<Value>) -> bool {
        let before = self.resources(kind).get(id).cloned();
        if before == after {
            return false;
        }
        match &after {
            Some(body) => self.resources_mut(kind).insert(id.to_owned(), body.clone()),
            None => self.resources_mut(kind).remove(id),
        };
        let version = Version { since: Some(origin.at), body: after.clone() };
        match self.histories.iter_mut().find(|h| h.kind == kind && h.id == id) {
            Some(history) => history.versions.push(version),
            None => self.histories.push(History { kind, id: id.to_owned(), versions: vec![version] }),
        }
        let Origin { at, writer, had_tag } = origin;
        self.writes.push(Write { at, writer, kind, id: id.to_owned(), before, after, had_tag });
        true
    }

    /// Deletes a resource. A user leaves its groups.
    pub(super) fn delete(&mut self, origin: Origin, kind: Kind, id: &str) {
        self.store(origin, kind, id, None);
        if kind == Kind::User {
            let groups: Vec<(String, Value)> =
                self.in_order(Kind::Group).map(|(g, v)| (g.to_owned(), v.clone())).collect();
            for (group_id, group) in groups {
                self.store_members(origin, &group_id, &group, |member| attributes::text(member, "value") != Some(id));
            }
        }
    }

    /// Keeps only some members of a group. Returns whether something changed.
    pub(super) fn store_members(
        &mut self,
        origin: Origin,
        id: &str,
        group: &Value,
        keep: impl Fn(&Value) -> bool,
    ) -> bool {
        let members = attributes::members(group).iter().filter(|member| keep(member)).cloned().collect();
        self.set(origin, Kind::Group, id, "members", members)
    }

    /// Gives an attribute of a resource another value. Returns whether something changed.
    pub(super) fn set(&mut self, origin: Origin, kind: Kind, id: &str, name: &str, value: Value) -> bool {
        let Some(mut body) = self.resources(kind).get(id).cloned() else { return false };
        if let Some(body) = body.as_object_mut() {
            body.insert(name.to_owned(), value);
        }
        let body = self.tidied(kind, id, body);
        self.store(origin, kind, id, Some(body))
    }

    /// Returns the version that a read by id or a list shows, and its number from 1.
    pub(super) fn visible<'h>(&self, history: &'h History, now: Duration, in_list: bool) -> Option<(usize, &'h Value)> {
        let is_over = |since: Option<Duration>| since.is_none_or(|since| since.saturating_add(LAG) <= now);
        let mut versions = history.versions.as_slice();
        if in_list && self.has(Quirk::ListsLag) {
            let known = versions.iter().rposition(|v| is_over(v.since))?;
            versions = versions.get(..=known)?;
        }
        if let [before @ .., last] = versions {
            let lags = self.has(Quirk::DeletesLag) && history.kind == Kind::User;
            if lags && last.body.is_none() && !is_over(last.since) {
                versions = before;
            }
        }
        let body = versions.last()?.body.as_ref()?;
        (!self.is_hidden(history.kind, body)).then_some((versions.len(), body))
    }

    pub(super) fn is_hidden(&self, kind: Kind, body: &Value) -> bool {
        kind == Kind::User
            && self.has(Quirk::InactiveHidden)
            && attributes::member(body, "active") == Some(&Value::Bool(false))
    }

    /// Returns a version of a resource as the response to a write shows it.
    pub(super) fn show(&self, kind: Kind, stored: &Value, number: usize) -> Value {
        let mut body = stored.as_object().cloned().unwrap_or_default();
        if kind == Kind::User {
            if self.has(Quirk::ActiveNotShown) {
                body.shift_remove("active");
            } else if self.has(Quirk::ActiveAsText)
                && let Some(Value::Bool(active)) = body.get("active")
            {
                let text = if *active { "True" } else { "False" };
                body.insert("active".into(), text.into());
            }
        } else if self.has(Quirk::MembersOnRequest) {
            body.shift_remove("members");
        }
        self.cut_members(&mut body);
        let id = attributes::text(stored, "id").unwrap_or_default();
        let mut meta = json!({"resourceType": kind.name(), "location": location(kind, id)});
        if self.has(Quirk::EntityTags)
            && let Some(meta) = meta.as_object_mut()
        {
            meta.insert("version".into(), tag(number).into());
        }
        body.insert("meta".into(), meta);
        Value::Object(body)
    }

    pub(super) fn cut_members(&self, body: &mut serde_json::Map<String, Value>) {
        if self.has(Quirk::MembersCut)
            && let Some(Value::Array(members)) = body.get_mut("members")
        {
            members.truncate(2);
        }
    }
}

/// Returns the entity tag of a version.
pub(super) fn tag(number: usize) -> String {
    format!("W/\"{number}\"")
}

/// Returns the address of a resource.
pub(super) fn location(kind: Kind, id: &str) -> String {
    format!("{SCIM_URL}/{}s/{id}", kind.name())
}
