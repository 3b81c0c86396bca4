//! Contains the collections that were read of a PingOne environment, in the JSON of its API.
//! Does not know: files, requests.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

/// The collections that were read of an environment.
#[derive(Debug, Default)]
pub(super) struct Tenant {
    pub(super) users: Vec<Json>,
    /// `None` if the populations were not read.
    pub(super) populations: Option<Vec<Json>>,
    /// `None` if the groups were not read.
    pub(super) groups: Option<Vec<Json>>,
    /// Ids of users to ids of their groups; `None` if the members of groups were not read.
    pub(super) members: Option<HashMap<String, BTreeSet<String>>>,
}

/// Returns the text of a member of an object; `None` if it is not a text or empty.
pub(super) fn text<'j>(object: &'j Json, name: &str) -> Option<&'j str> {
    object[name].as_str().filter(|text| !text.is_empty())
}

/// Returns the texts of a member of an object that is a list.
pub(super) fn texts<'j>(object: &'j Json, name: &str) -> impl Iterator<Item = &'j str> {
    object[name].as_array().into_iter().flatten().filter_map(Json::as_str)
}
