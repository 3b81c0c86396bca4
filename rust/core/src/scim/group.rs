//! Compares and builds groups (RFC 7643 section 4.2): `displayName` and `members`.
//! Does not know: which HTTP method is sent.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::json::{self, member};
use super::version::Version;

/// One `PATCH` changes this many members at most, because some targets drop or reject more.
pub const PATCH_MEMBERS_MAX: usize = 100;

/// The message schema of RFC 7644 section 3.5.2.
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A member that a group should have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemberId {
    /// The target id.
    pub id: String,
    /// True for a nested group.
    pub is_group: bool,
}

impl MemberId {
    fn entry(&self) -> Value {
        if self.is_group { json!({"value": self.id, "type": "Group"}) } else { json!({"value": self.id}) }
    }
}

/// The differences that an update writes to a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupDifferences {
    /// The new name, if it differs.
    pub name: Option<String>,
    /// Members to add.
    pub add: Vec<MemberId>,
    /// Ids of members to remove.
    pub remove: Vec<String>,
}

impl GroupDifferences {
    /// Compares a group of the target with the name and members that it should have.
    ///
    /// `members`: `None` if they are unknown, then no member changes.
    /// `removable_ids`: `None` if each member that is not in `members` is removed, otherwise only those with these ids.
    /// The time is proportional to the number of members.
    pub fn between(
        current: &Value,
        name: &str,
        members: Option<&[MemberId]>,
        removable_ids: Option<&[String]>,
    ) -> Self {
        let current_name = display_name(current);
        let mut changes = Self { name: (current_name != Some(name)).then(|| name.to_owned()), ..Self::default() };
        let Some(members) = members else { return changes };
        let present = member_ids(current);
        let present_set: HashSet<&str> = present.iter().map(String::as_str).collect();
        let mut desired_ids = HashSet::new();
        for member in members {
            if desired_ids.insert(member.id.as_str()) && !present_set.contains(member.id.as_str()) {
                changes.add.push(member.clone());
            }
        }
        let removable: Option<HashSet<&str>> = removable_ids.map(|ids| ids.iter().map(String::as_str).collect());
        let mut removed = HashSet::new();
        let removed = present.iter().filter(|id| {
            !desired_ids.contains(id.as_str())
                && removable.as_ref().is_none_or(|removable| removable.contains(id.as_str()))
                && removed.insert(id.as_str())
        });
        changes.remove = removed.cloned().collect();
        changes
    }

    /// Returns true if nothing differs.
    pub fn is_empty(&self) -> bool {
        self.name.is_none() && self.add.is_empty() && self.remove.is_empty()
    }

    /// Returns the bodies of the `PATCH` requests in order, each with at most [`PATCH_MEMBERS_MAX`] changes.
    pub fn patches(&self, version: Version) -> Vec<Value> {
        let mut group_changes: Vec<GroupChange<'_>> = self.name.as_deref().map(GroupChange::Name).into_iter().collect();
        group_changes.extend(self.add.iter().map(GroupChange::Add));
        group_changes.extend(self.remove.iter().map(|id| GroupChange::Remove(id)));
        let body = |batch: &[GroupChange<'_>]| match version {
            Version::V2_0 => patch_op_body(batch),
            Version::V1_1 => partial_group_body(batch),
        };
        // Some SCIM 1.1 targets do not remove the only member if the same request adds another one.
        let split =
            if version == Version::V1_1 { group_changes.len() - self.remove.len() } else { group_changes.len() };
        let (first, rest) = group_changes.split_at(split);
        first.chunks(PATCH_MEMBERS_MAX).chain(rest.chunks(PATCH_MEMBERS_MAX)).map(body).collect()
    }

    /// Returns the body of a merge `PUT`: the group of the target with the changes.
    pub fn merged(&self, current: &Value) -> Value {
        let mut group = current.as_object().cloned().unwrap_or_default();
        group.retain(|name, _| {
            !["meta", "members", "displayName"].iter().any(|excluded| name.eq_ignore_ascii_case(excluded))
        });
        // An attribute without a value is unassigned (RFC 7643 section 2.5).
        group.retain(|_, value| !value.is_null() && value != "");
        let name = self.name.as_deref().or_else(|| display_name(current)).unwrap_or_default();
        group.insert("displayName".into(), name.into());
        let removed: HashSet<&str> = self.remove.iter().map(String::as_str).collect();
        let mut members: Vec<Value> = Vec::new();
        for entry in entries(current) {
            match member_id(entry) {
                Some(id) if !removed.contains(id.as_str()) => members.push(without_read_only(entry)),
                _ => {}
            }
        }
        members.extend(self.add.iter().map(MemberId::entry));
        group.insert("members".into(), Value::Array(members));
        Value::Object(group)
    }
}

/// One change in a `PATCH`.
enum GroupChange<'c> {
    Name(&'c str),
    Add(&'c MemberId),
    Remove(&'c str),
}

fn patch_op_body(batch: &[GroupChange<'_>]) -> Value {
    let mut operations = Vec::new();
    let mut added = Vec::new();
    for change in batch {
        match change {
            GroupChange::Name(name) => operations.push(json!({"op": "replace", "path": "displayName", "value": name})),
            GroupChange::Add(member) => added.push(member.entry()),
            // Every target with `PATCH` supports one filtered path per member, also for the last member.
            GroupChange::Remove(id) => {
                let path = format!("members[value eq {}]", Value::from(*id));
                operations.push(json!({"op": "remove", "path": path}));
            }
        }
    }
    if !added.is_empty() {
        operations.push(json!({"op": "add", "path": "members", "value": added}));
    }
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

/// Builds a `PATCH` of SCIM 1.1: a partial resource, in which a removed member has `operation`.
fn partial_group_body(batch: &[GroupChange<'_>]) -> Value {
    let mut body = Map::from_iter([("schemas".to_owned(), json!([schema(Version::V1_1)]))]);
    let mut members = Vec::new();
    for change in batch {
        match change {
            GroupChange::Name(name) => {
                body.insert("displayName".into(), (*name).into());
            }
            GroupChange::Add(member) => members.push(member.entry()),
            GroupChange::Remove(id) => members.push(json!({"value": id, "operation": "delete"})),
        }
    }
    if !members.is_empty() {
        body.insert("members".into(), members.into());
    }
    Value::Object(body)
}

/// Returns the body of a create, without `members` if they are unknown.
pub fn new_group_body(version: Version, name: &str, members: Option<&[MemberId]>) -> Value {
    let mut body = json!({"schemas": [schema(version)], "displayName": name});
    if let (Some(members), Some(object)) = (members, body.as_object_mut()) {
        let mut seen = HashSet::new();
        let entries = members.iter().filter(|m| seen.insert(m.id.as_str())).map(MemberId::entry);
        object.insert("members".into(), entries.collect());
    }
    body
}

/// Returns the name of a group.
pub fn display_name(group: &Value) -> Option<&str> {
    member(group, "displayName")?.as_str()
}

fn schema(version: Version) -> &'static str {
    match version {
        Version::V1_1 => "urn:scim:schemas:core:1.0",
        Version::V2_0 => "urn:ietf:params:scim:schemas:core:2.0:Group",
    }
}

fn entries(group: &Value) -> &[Value] {
    json::entries(member(group, "members"))
}

fn member_id(entry: &Value) -> Option<String> {
    json::text(if entry.is_object() { member(entry, "value")? } else { entry })
}

fn member_ids(group: &Value) -> Vec<String> {
    entries(group).iter().filter_map(member_id).collect()
}

/// Returns a member without `display` and `$ref`, which are read-only. Its `value` stays a number if it is one.
fn without_read_only(entry: &Value) -> Value {
    let value = member(entry, "value").unwrap_or(entry);
    let mut result = Map::from_iter([("value".to_owned(), value.clone())]);
    if let Some(kind) = member(entry, "type").filter(|kind| kind.is_string()) {
        result.insert("type".into(), kind.clone());
    }
    Value::Object(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> MemberId {
        MemberId { id: id.into(), is_group: false }
    }

    fn group(name: &str, members: &[&str]) -> Value {
        let members: Vec<_> = members.iter().map(|id| json!({"value": id, "display": "x", "$ref": "y"})).collect();
        json!({"id": "g", "displayName": name, "members": members, "meta": {}, "externalId": "e"})
    }

    #[test]
    fn only_differences_are_written() {
        let changes = GroupDifferences::between(&group("A", &["1", "2"]), "A", Some(&[user("2"), user("3")]), None);
        assert_eq!((&changes.name, &changes.add, &changes.remove), (&None, &vec![user("3")], &vec!["1".to_owned()]));
        let merged = GroupDifferences::between(&group("A", &["1", "2"]), "A", Some(&[user("2"), user("3")]), Some(&[]));
        assert!(merged.remove.is_empty());
        assert!(GroupDifferences::between(&group("A", &["1"]), "A", Some(&[user("1"), user("1")]), None).is_empty());
        assert!(GroupDifferences::between(&group("A", &["1"]), "A", None, None).is_empty());
    }

    #[test]
    fn an_empty_list_removes_the_last_member() {
        let changes = GroupDifferences::between(&group("A", &["1"]), "A", Some(&[]), None);
        assert_eq!(
            changes.patches(Version::V2_0)[0]["Operations"],
            json!([{"op": "remove", "path": "members[value eq \"1\"]"}])
        );
        assert_eq!(
            changes.patches(Version::V1_1)[0],
            json!({"schemas": ["urn:scim:schemas:core:1.0"], "members": [{"value": "1", "operation": "delete"}]})
        );
        assert_eq!(changes.merged(&group("A", &["1"]))["members"], json!([]));
    }

    #[test]
    fn in_scim_1_1_one_request_adds_and_another_removes() {
        let changes = GroupDifferences::between(&group("A", &["1"]), "A", Some(&[user("2")]), None);
        assert_eq!(changes.patches(Version::V2_0).len(), 1);
        let members: Vec<_> = changes.patches(Version::V1_1).iter().map(|body| body["members"].clone()).collect();
        assert_eq!(members, [json!([{"value": "2"}]), json!([{"value": "1", "operation": "delete"}])]);
    }

    #[test]
    fn a_merge_put_keeps_other_attributes_and_omits_read_only_attributes() {
        let changes = GroupDifferences::between(&group("A", &["1"]), "B", Some(&[user("1"), user("2")]), None);
        assert_eq!(
            changes.merged(&group("A", &["1"])),
            json!({"id": "g", "externalId": "e", "displayName": "B", "members": [{"value": "1"}, {"value": "2"}]})
        );
    }

    #[test]
    fn ten_thousand_members_are_added_in_batches_of_100() {
        let many: Vec<_> = (0..10_000).map(|n| user(&n.to_string())).collect();
        let changes = GroupDifferences::between(&group("A", &[]), "A", Some(&many), None);
        let patches = changes.patches(Version::V2_0);
        assert_eq!(patches.len(), 100);
        assert!(patches.iter().all(|p| p["Operations"][0]["value"].as_array().unwrap().len() == PATCH_MEMBERS_MAX));
    }

    #[test]
    fn members_in_other_shapes_are_read() {
        for members in [json!([{"VALUE": "1"}, null, {"value": true}, {}]), json!([1]), json!({"value": 1})] {
            assert_eq!(member_ids(&json!({"Members": members})), ["1"]);
        }
    }

    #[test]
    fn a_nested_group_has_the_type_group() {
        let nested = MemberId { id: "g2".into(), is_group: true };
        let body = new_group_body(Version::V2_0, "A", Some(&[nested, user("1")]));
        assert_eq!(body["members"], json!([{"value": "g2", "type": "Group"}, {"value": "1"}]));
        assert_eq!(new_group_body(Version::V1_1, "A", None).get("members"), None);
    }
}
