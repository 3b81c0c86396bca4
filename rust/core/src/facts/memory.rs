//! Remembers for a session what the target has shown: resources, lookups, whole lists.
//! Does not know: requests, which operation asks.
//!
//! Each fact has its time and is used for 60 s. A write removes what was read before it. Resources, lookups
//! and lists are bounded in bytes; what the session wrote is not.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use super::presence::{NoMatch, Shown, doubt};
use super::whole::Whole;
use crate::Failure;
use crate::scim::ResourceType;
use crate::sync::lock_ignoring_poison;

/// A fact is used for this time.
const AGE_MAX: Duration = Duration::from_secs(60);
/// The facts of a session, and a list, have this many bytes at most: 64 MiB.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a session remembers. Many threads may use it.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    facts: Mutex<Facts>,
}

type Key = (ResourceType, String);

#[derive(Debug, Default)]
struct Facts {
    /// Resources by id.
    shown: HashMap<Key, Fact<Shown>>,
    /// Lookups by the key of the identifier or name.
    lookups: HashMap<Key, Fact<Remembered>>,
    /// The bytes of both.
    bytes: usize,
    lists: HashMap<ResourceType, List>,
    /// How often a list was forgotten. One that began before is too old to be kept.
    forgets: HashMap<ResourceType, u64>,
    /// What this session wrote under a key: time, id and spelling. A list that began before does not show it.
    written: HashMap<Key, Vec<(Duration, String, String)>>,
    /// The kinds of which the target has returned a list.
    listed: HashSet<ResourceType>,
    /// Two ids at most of each kind: whether the target has no, one, or several resources.
    known_ids: HashMap<ResourceType, Vec<String>>,
}

#[derive(Debug)]
struct Fact<T> {
    at: Duration,
    size: usize,
    value: T,
}

/// The result of a lookup by the identifier or name.
#[derive(Debug, Clone)]
pub(crate) enum Remembered {
    /// The resource with this id.
    Id(String),
    NoMatch(NoMatch),
}

/// The resources of a whole list by the key of their identifier or name: id, and the spelling at the target.
#[derive(Debug)]
pub(crate) struct NameIndex {
    ids: HashMap<String, Vec<(String, String)>>,
    bytes: usize,
}

/// The resources of a whole list with one key: id, and the spelling at the target.
pub(crate) type Listed = (Vec<(String, String)>, Whole);

#[derive(Debug)]
struct List {
    /// The index, or why the list proves nothing.
    content: Result<(Arc<NameIndex>, Whole), Failure>,
    started_at: Duration,
    valid_until: Duration,
}

impl NameIndex {
    pub(crate) fn new() -> Self {
        Self { ids: HashMap::new(), bytes: 0 }
    }

    /// Adds a resource. The same resource may be added again.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] if the index is larger than an index may be.
    pub(crate) fn add(&mut self, key: String, id: &str, spelling: String) -> Result<(), Failure> {
        const OVERHEAD: usize = 100;
        self.bytes += key.len() + id.len() + spelling.len() + OVERHEAD;
        if self.bytes > BYTES_MAX {
            let mib = BYTES_MAX / (1024 * 1024);
            return Err(doubt(format!("the list of the target has more names and ids than fit into {mib} MiB")));
        }
        let ids = self.ids.entry(key).or_default();
        if ids.iter().all(|(known, _)| known != id) {
            ids.push((id.to_owned(), spelling));
        }
        Ok(())
    }
}

impl Memory {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        lock_ignoring_poison(&self.facts)
    }

    /// Forgets everything, because a new cycle begins.
    pub(crate) fn clear(&self) {
        *self.facts() = Facts::default();
    }

    /// Remembers a resource that the target has just shown.
    pub(crate) fn remember(&self, shown: &Shown, now: Duration) {
        let size = size_of(shown.resource());
        let mut facts = self.facts();
        facts.note_id(shown.kind(), shown.id());
        facts.make_room(size, now);
        let fact = Fact { at: now, size, value: shown.clone() };
        facts.bytes += size;
        if let Some(old) = facts.shown.insert((shown.kind(), shown.id().to_owned()), fact) {
            facts.bytes -= old.size;
        }
    }

    /// Returns the resource with this id, if it was read in time.
    pub(crate) fn shown(&self, kind: ResourceType, id: &str, now: Duration) -> Option<Shown> {
        let facts = self.facts();
        facts.shown.get(&(kind, id.to_owned())).filter(|fact| fact.is_valid(now)).map(|fact| fact.value.clone())
    }

    /// Remembers the result of a lookup. `key` is [`crate::scim::Filter::key`] of the value.
    pub(crate) fn remember_lookup(&self, kind: ResourceType, key: &str, result: Remembered, now: Duration) {
        let size = 2 * key.len() + 100;
        let mut facts = self.facts();
        facts.make_room(size, now);
        facts.bytes += size;
        if let Some(old) = facts.lookups.insert((kind, key.to_owned()), Fact { at: now, size, value: result }) {
            facts.bytes -= old.size;
        }
    }

    /// Returns the result of a lookup that was made in time, and when it was made.
    pub(crate) fn lookup(&self, kind: ResourceType, key: &str, now: Duration) -> Option<(Remembered, Duration)> {
        let facts = self.facts();
        let fact = facts.lookups.get(&(kind, key.to_owned())).filter(|fact| fact.is_valid(now))?;
        Some((fact.value.clone(), fact.at))
    }

    /// Forgets what was read of a resource before a write to it. A lookup that found it is used no more, because it needs the
    /// resource.
    pub(crate) fn forget(&self, kind: ResourceType, id: &str) {
        let mut facts = self.facts();
        if let Some(old) = facts.shown.remove(&(kind, id.to_owned())) {
            facts.bytes -= old.size;
        }
    }

    /// Notes a write that gave a resource this identifier or name. What was read before is forgotten.
    pub(crate) fn note_written(&self, kind: ResourceType, id: &str, key: &str, spelling: &str, now: Duration) {
        self.forget(kind, id);
        self.forget_lookup(kind, key);
        let mut facts = self.facts();
        facts.note_id(kind, id);
        let written = facts.written.entry((kind, key.to_owned())).or_default();
        written.retain(|(_, known, _)| known != id);
        written.push((now, id.to_owned(), spelling.to_owned()));
    }

    /// Forgets the lookup of an identifier or name, because a create of it is about to be sent.
    pub(crate) fn forget_lookup(&self, kind: ResourceType, key: &str) {
        let mut facts = self.facts();
        if let Some(old) = facts.lookups.remove(&(kind, key.to_owned())) {
            facts.bytes -= old.size;
        }
    }

    /// Returns how often the list was forgotten, for [`Memory::keep_list`].
    pub(crate) fn forgets(&self, kind: ResourceType) -> u64 {
        self.facts().forgets.get(&kind).copied().unwrap_or_default()
    }

    /// Keeps a list that began at `started_at`, or why it proves nothing. It is used for 60 s, or as long as the reading took,
    /// if that is longer: otherwise a long list would be read again for each record.
    ///
    /// Returns false if the list was forgotten since it began.
    pub(crate) fn keep_list(
        &self,
        kind: ResourceType,
        content: Result<(NameIndex, Whole), Failure>,
        (started_at, forgets): (Duration, u64),
        now: Duration,
    ) -> bool {
        let valid_until = now + AGE_MAX.max(now.saturating_sub(started_at));
        let mut facts = self.facts();
        if facts.forgets.get(&kind).copied().unwrap_or_default() != forgets {
            return false;
        }
        let content = content.map(|(index, whole)| (Arc::new(index), whole));
        facts.lists.insert(kind, List { content, started_at, valid_until });
        true
    }

    /// Returns the resources of a valid list with this key: id and spelling. The inner error says why the list proves
    /// nothing.
    pub(crate) fn in_list(&self, kind: ResourceType, key: &str, now: Duration) -> Option<Result<Listed, Failure>> {
        let facts = self.facts();
        let list = facts.lists.get(&kind).filter(|list| now < list.valid_until)?;
        let (index, whole) = match &list.content {
            Ok(content) => content,
            Err(failure) => return Some(Err(failure.clone())),
        };
        let mut found = index.ids.get(key).cloned().unwrap_or_default();
        for (at, id, spelling) in facts.written.get(&(kind, key.to_owned())).into_iter().flatten() {
            if *at >= list.started_at && found.iter().all(|(known, _)| known != id) {
                found.push((id.clone(), spelling.clone()));
            }
        }
        Some(Ok((found, *whole)))
    }

    /// Returns true if a valid list of this kind is kept.
    pub(crate) fn has_list(&self, kind: ResourceType, now: Duration) -> bool {
        self.facts().lists.get(&kind).is_some_and(|list| now < list.valid_until)
    }

    /// Forgets the list, because a response does not fit to it, or because a create may have been carried out since.
    pub(crate) fn forget_list(&self, kind: ResourceType) {
        let mut facts = self.facts();
        facts.lists.remove(&kind);
        *facts.forgets.entry(kind).or_default() += 1;
    }

    /// Notes that the endpoint has returned a list with status 200.
    pub(crate) fn note_listed(&self, kind: ResourceType) {
        self.facts().listed.insert(kind);
    }

    /// Returns true if the endpoint has returned a list with status 200 in this session.
    pub(crate) fn has_listed(&self, kind: ResourceType) -> bool {
        self.facts().listed.contains(&kind)
    }

    /// Returns true if the target is known to have several resources of this kind.
    pub(crate) fn has_several(&self, kind: ResourceType) -> bool {
        self.facts().known_ids.get(&kind).is_some_and(|ids| ids.len() > 1)
    }

    /// Notes that the target has a resource with this id.
    pub(crate) fn note_id(&self, kind: ResourceType, id: &str) {
        self.facts().note_id(kind, id);
    }
}

impl Facts {
    fn note_id(&mut self, kind: ResourceType, id: &str) {
        let known = self.known_ids.entry(kind).or_default();
        if known.len() < 2 && known.iter().all(|known| known != id) {
            known.push(id.to_owned());
        }
    }

    /// Removes facts until another one of this size fits: old ones first, then all.
    fn make_room(&mut self, size: usize, now: Duration) {
        if self.bytes + size <= BYTES_MAX {
            return;
        }
        self.shown.retain(|_, fact| fact.is_valid(now));
        self.lookups.retain(|_, fact| fact.is_valid(now));
        self.bytes = self.shown.values().map(|fact| fact.size).sum::<usize>()
            + self.lookups.values().map(|fact| fact.size).sum::<usize>();
        if self.bytes + size > BYTES_MAX {
            (self.shown, self.lookups, self.bytes) = (HashMap::new(), HashMap::new(), 0);
        }
    }
}

impl<T> Fact<T> {
    fn is_valid(&self, now: Duration) -> bool {
        now.saturating_sub(self.at) < AGE_MAX
    }
}

/// Estimates the bytes of a value in memory.
fn size_of(value: &Value) -> usize {
    const NODE: usize = 80;
    NODE + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size_of).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + size_of(value)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const USER: ResourceType = ResourceType::User;
    const START: Duration = Duration::from_secs(1000);

    fn user(id: &str) -> Shown {
        Shown::in_list(USER, json!({"id": id, "userName": "x"})).unwrap()
    }

    fn index(entries: &[(&str, &str)]) -> NameIndex {
        let mut index = NameIndex::new();
        entries.iter().for_each(|(key, id)| index.add((*key).to_owned(), id, (*key).to_owned()).unwrap());
        index
    }

    fn keep(memory: &Memory, entries: &[(&str, &str)], started_at: Duration, now: Duration) {
        let content = Ok((index(entries), Whole::for_test()));
        assert!(memory.keep_list(USER, content, (started_at, memory.forgets(USER)), now));
    }

    #[test]
    fn a_fact_is_used_for_60_seconds() {
        let memory = Memory::default();
        memory.remember(&user("1"), START);
        memory.remember_lookup(USER, "x", Remembered::Id("1".into()), START);
        for (age, expected) in [(0, true), (59, true), (60, false)] {
            let now = START + Duration::from_secs(age);
            assert_eq!(memory.shown(USER, "1", now).is_some(), expected);
            assert_eq!(memory.lookup(USER, "x", now).is_some(), expected);
        }
        assert!(memory.shown(ResourceType::Group, "1", START).is_none());
    }

    #[test]
    fn a_write_removes_what_was_read_before_it() {
        let memory = Memory::default();
        memory.remember(&user("1"), START);
        memory.remember_lookup(USER, "old", Remembered::Id("1".into()), START);
        memory.remember_lookup(USER, "new", Remembered::NoMatch(NoMatch::new()), START);
        memory.remember_lookup(USER, "other", Remembered::Id("2".into()), START);
        memory.note_written(USER, "1", "new", "New", START);
        assert!(memory.shown(USER, "1", START).is_none());
        assert!(memory.lookup(USER, "new", START).is_none());
        assert!(memory.lookup(USER, "other", START).is_some());
    }

    #[test]
    fn a_list_shows_what_was_written_since_it_began() {
        let memory = Memory::default();
        let later = START + Duration::from_secs(5);
        memory.note_written(USER, "0", "before", "before", START - Duration::from_secs(1));
        memory.note_written(USER, "1", "during", "During", START);
        keep(&memory, &[("a", "7")], START, later);
        memory.note_written(USER, "2", "after", "after", later);
        let ids = |key: &str| memory.in_list(USER, key, later).unwrap().unwrap().0;
        assert!(ids("before").is_empty());
        assert_eq!(ids("during"), [("1".to_owned(), "During".to_owned())]);
        assert_eq!((ids("after").len(), ids("a").len()), (1, 1));
        let forgets = memory.forgets(USER);
        memory.forget_list(USER);
        assert!(memory.in_list(USER, "a", later).is_none());
        let content = Ok((index(&[]), Whole::for_test()));
        assert!(
            !memory.keep_list(USER, content, (later, forgets), later),
            "a create may have been carried out meanwhile"
        );
    }

    #[test]
    fn a_list_is_used_for_60_seconds_or_as_long_as_its_reading_took() {
        for (took, valid) in [(1, 60), (200, 200)] {
            let memory = Memory::default();
            let end = START + Duration::from_secs(took);
            keep(&memory, &[], START, end);
            assert!(memory.has_list(USER, end + Duration::from_secs(valid - 1)));
            assert!(!memory.has_list(USER, end + Duration::from_secs(valid)));
        }
    }

    #[test]
    fn the_memory_is_bounded() {
        let memory = Memory::default();
        let large = json!({"id": "1", "x": "y".repeat(BYTES_MAX / 4)});
        for n in 0..20 {
            let mut resource = large.clone();
            resource["id"] = json!(n.to_string());
            memory.remember(&Shown::in_list(USER, resource).unwrap(), START);
            assert!(memory.facts().bytes <= BYTES_MAX);
        }
        memory.clear();
        assert_eq!(memory.facts().bytes, 0);
        let mut index = NameIndex::new();
        let failure = (0..10).find_map(|n| index.add("k".repeat(BYTES_MAX / 8), &n.to_string(), String::new()).err());
        assert_eq!(failure.unwrap().code(), "uncertain");
    }

    #[test]
    fn the_bytes_of_forgotten_facts_are_free() {
        let memory = Memory::default();
        for _ in 0..3 {
            memory.remember(&user("1"), START);
            memory.remember_lookup(USER, "x", Remembered::Id("1".into()), START);
        }
        memory.forget(USER, "1");
        memory.forget_lookup(USER, "x");
        assert_eq!(memory.facts().bytes, 0);
    }
}
