//! What was read of a PingOne environment, as its API has it.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

/// What was read, as PingOne's API has it.
#[derive(Debug, Default)]
pub(super) struct Tenant {
    pub(super) users: Vec<Json>,
    /// `None` where nothing was read of them.
    pub(super) populations: Option<Vec<Json>>,
    pub(super) groups: Option<Vec<Json>>,
    /// Ids of users to ids of their groups; `None` where groups were not asked for their members.
    pub(super) members: Option<HashMap<String, BTreeSet<String>>>,
}

/// A text that is not empty.
pub(super) fn text<'j>(object: &'j Json, name: &str) -> Option<&'j str> {
    object[name].as_str().filter(|text| !text.is_empty())
}

/// The texts of a list.
pub(super) fn texts<'j>(object: &'j Json, name: &str) -> impl Iterator<Item = &'j str> {
    object[name].as_array().into_iter().flatten().filter_map(Json::as_str)
}
