//! Keeps what was learnt about a target for a day: one JSON value, which a host may store between runs.
//! Does not know: how it was learnt, where a host stores it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::scim::{Capabilities, Filter};
use crate::sync::lock_ignoring_poison;

/// What was learnt is forgotten after this time, because a target may change.
const AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What a target does with the filter of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FilterUse {
    /// A filter returned fewer resources than the target is known to have, and all of them matched.
    Honoured,
    /// A filter returned resources that do not match, twice.
    Ignored,
}

/// What was learnt about one target. Many threads may use it.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    items: Mutex<BTreeMap<String, Item>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    value: Value,
    /// When it was learnt, in seconds since 1970.
    at: u64,
}

const WHOLE_PATHS: &str = "patch-paths-whole";
const CONFIGURATION: &str = "configuration";

impl Learnt {
    /// Adds what a host has stored. Of two items with one name, the younger one stays.
    pub(crate) fn add(&self, json: &str) {
        let stored: BTreeMap<String, Item> = match serde_json::from_str(json) {
            Ok(stored) => stored,
            Err(_) => {
                log::warn!("what was learnt about the target cannot be read, so the connector learns it again");
                return;
            }
        };
        let mut items = lock_ignoring_poison(&self.items);
        for (name, item) in stored {
            if items.get(&name).is_none_or(|known| known.at < item.at) {
                items.insert(name, item);
            }
        }
    }

    /// Returns what is known at this time, for a host to store.
    pub(crate) fn json(&self, now: SystemTime) -> String {
        let now = seconds(now);
        let items = lock_ignoring_poison(&self.items);
        let valid: BTreeMap<_, _> = items.iter().filter(|(_, item)| is_valid(item, now)).collect();
        serde_json::to_string(&valid).unwrap_or_default()
    }

    /// What the target does with this filter, if it is known. It may know one attribute and ignore another.
    pub(crate) fn filter_use(&self, filter: &Filter, now: SystemTime) -> Option<FilterUse> {
        self.item(&name_of(filter), now)
    }

    pub(crate) fn learn_filter_use(&self, filter: &Filter, filters: FilterUse, now: SystemTime) {
        self.learn(&name_of(filter), filters, now);
    }

    /// Whether the target rejected a `PATCH` with filtered paths and accepted one without them.
    pub(crate) fn rejects_filtered_paths(&self, now: SystemTime) -> bool {
        self.item(WHOLE_PATHS, now) == Some(true)
    }

    pub(crate) fn learn_to_patch_without_filtered_paths(&self, now: SystemTime) {
        self.learn(WHOLE_PATHS, true, now);
    }

    /// The service provider configuration. The inner `None` means that the target has none.
    pub(crate) fn configuration(&self, now: SystemTime) -> Option<Option<Capabilities>> {
        self.item(CONFIGURATION, now)
    }

    pub(crate) fn learn_configuration(&self, configuration: Option<Capabilities>, now: SystemTime) {
        self.learn(CONFIGURATION, configuration, now);
    }

    fn item<T: DeserializeOwned>(&self, name: &str, now: SystemTime) -> Option<T> {
        let items = lock_ignoring_poison(&self.items);
        let item = items.get(name).filter(|item| is_valid(item, seconds(now)))?;
        serde_json::from_value(item.value.clone()).ok()
    }

    fn learn(&self, name: &str, value: impl Serialize, now: SystemTime) {
        let Ok(value) = serde_json::to_value(value) else { return };
        lock_ignoring_poison(&self.items).insert(name.to_owned(), Item { value, at: seconds(now) });
    }
}

fn name_of(filter: &Filter) -> String {
    format!("filter: {}", filter.expression())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// An item of the future is not valid either: the clock was wrong then, or is wrong now.
fn is_valid(item: &Item, now: u64) -> bool {
    now.checked_sub(item.at).is_some_and(|age| age < AGE_MAX.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Identifier;

    fn filter(attribute: &str) -> Filter {
        Filter::parse(&format!("{attribute} eq \"%s\""), Identifier::UserName)
    }

    fn day(day: u64) -> SystemTime {
        UNIX_EPOCH + AGE_MAX * u32::try_from(day).unwrap()
    }

    #[test]
    fn what_was_learnt_is_stored_read_and_forgotten_after_a_day() {
        let learnt = Learnt::default();
        let patch = Some(Capabilities { patch: true, max_results: Some(200), ..Capabilities::default() });
        learnt.learn_filter_use(&filter("userName"), FilterUse::Ignored, day(9));
        learnt.learn_to_patch_without_filtered_paths(day(9));
        learnt.learn_configuration(patch, day(9));
        let later = Learnt::default();
        later.add(&learnt.json(day(9)));
        assert_eq!(later.filter_use(&filter("userName"), day(9)), Some(FilterUse::Ignored));
        assert_eq!(later.filter_use(&filter("externalId"), day(9)), None);
        assert!(later.rejects_filtered_paths(day(9)));
        assert_eq!(later.configuration(day(9)), Some(patch));
        for now in [day(10), day(8)] {
            assert_eq!(later.filter_use(&filter("userName"), now), None);
            assert_eq!(later.configuration(now), None);
            assert_eq!(later.json(now), "{}");
        }
    }

    #[test]
    fn that_a_target_has_no_configuration_is_known_too() {
        let learnt = Learnt::default();
        assert_eq!(learnt.configuration(day(9)), None);
        learnt.learn_configuration(None, day(9));
        assert_eq!(learnt.configuration(day(9)), Some(None));
    }

    #[test]
    fn the_younger_item_stays_and_an_unreadable_value_changes_nothing() {
        let learnt = Learnt::default();
        learnt.learn_filter_use(&filter("userName"), FilterUse::Ignored, day(9));
        let older = Learnt::default();
        older.learn_filter_use(&filter("userName"), FilterUse::Honoured, day(9) - Duration::from_secs(1));
        learnt.add(&older.json(day(9)));
        learnt.add("not JSON");
        learnt.add(r#"{"filter: userName eq \"%s\"": {"value": "unknown to this version", "at": 1}}"#);
        assert_eq!(learnt.filter_use(&filter("userName"), day(9)), Some(FilterUse::Ignored));
    }
}
