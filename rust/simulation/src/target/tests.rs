//! Tests the model target: one test for each verb and each quirk.
//! Does not know: pfscim.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::plan::{Owner, Quirk, ThirdParty};

const AT: Duration = Duration::from_secs(100);
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn request(method: &'static str, path: &str, body: Value) -> Sent {
    Sent { method, path: path.into(), query: Vec::new(), if_match: None, body }
}

fn later(seconds: u64) -> Duration {
    AT + Duration::from_secs(seconds)
}

impl Target {
    fn send(&mut self, method: &'static str, path: &str, body: Value) -> Answer {
        self.respond(&request(method, path, body), AT)
    }

    fn get(&mut self, path: &str, query: &[(&str, &str)], now: Duration) -> Answer {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.respond(&Sent { query, ..request("GET", path, Value::Null) }, now)
    }

    fn patch(&mut self, path: &str, operations: Value) -> Answer {
        self.send("PATCH", path, json!({"schemas": [], "Operations": operations}))
    }

    /// Returns the ids that a list shows.
    fn listed(&mut self, path: &str, query: &[(&str, &str)], now: Duration) -> Vec<String> {
        let answer = self.get(path, query, now);
        assert_eq!(answer.status, 200);
        let resources = answer.body["Resources"].as_array().unwrap();
        resources.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// Returns a target with the users `a` (u1), `b` (u2), `stranger` (u3) and the group `team` (g1) with all of them.
fn target(quirks: &[Quirk]) -> Target {
    let mut target = Target::new(quirks);
    for name in ["a", "b", "stranger"] {
        target.add(Kind::User, json!({"userName": name, "emails": [{"type": "work", "value": format!("{name}@x")}]}));
    }
    let members = json!([{"value": "u1"}, {"value": "u2"}, {"value": "u3"}]);
    assert_eq!(target.add(Kind::Group, json!({"displayName": "team", "members": members})), "g1");
    target
}

fn error(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.body["status"], answer.status.to_string());
    (answer.status, answer.body["scimType"].as_str().unwrap_or_default())
}

#[test]
fn a_read_shows_the_resource_and_its_meta() {
    let mut target = target(&[]);
    let answer = target.get("/Users/u1", &[], AT);
    assert_eq!((answer.status, answer.headers), (200, vec![]));
    assert_eq!(answer.body["userName"], "a");
    assert_eq!(answer.body["active"], true);
    assert_eq!(answer.body["meta"], json!({"resourceType": "User", "location": "http://target.invalid/v2/Users/u1"}));
    assert_eq!(target.get("/Groups/g1", &[], AT).body["members"][2], json!({"value": "u3"}));
}

#[test]
fn unknown_ids_and_paths_are_404_with_any_verb() {
    let mut target = target(&[]);
    for path in ["/Users/u9", "/Groups/u1", "/Users/", "/Usersx", "/Schemas", ""] {
        for method in ["GET", "PUT", "PATCH", "DELETE", "POST"] {
            assert_eq!(error(&target.send(method, path, json!({"userName": "x"}))), (404, ""), "{method} {path}");
        }
    }
    assert_eq!(target.send("DELETE", "/Users", Value::Null).status, 405);
    assert_eq!(target.send("POST", "/Users/u1", Value::Null).status, 405);
}

#[test]
fn a_list_is_filtered_by_equality() {
    let mut target = target(&[]);
    target
        .add(Kind::User, json!({"userName": "q\"]", "externalId": "E", "emails": [{"type": "home", "value": "h@x"}]}));
    for (filter, ids) in [
        ("userName eq \"A\"", vec!["u1"]),
        ("USERNAME EQ \"q\\\"]\"", vec!["u4"]),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"b\"", vec!["u2"]),
        ("externalId eq \"E\"", vec!["u4"]),
        ("externalId eq \"e\"", vec![]),
        ("id eq \"u2\"", vec!["u2"]),
        ("emails eq \"B@x\"", vec!["u2"]),
        ("emails.value eq \"h@x\"", vec!["u4"]),
        ("emails[type eq \"work\"].value eq \"h@x\"", vec![]),
        ("emails[type eq \"home\"].value eq \"h@x\"", vec!["u4"]),
    ] {
        assert_eq!(target.listed("/Users", &[("filter", filter)], AT), ids, "{filter}");
    }
    assert_eq!(target.listed("/Groups", &[("filter", "displayName eq \"TEAM\"")], AT), ["g1"]);
    for filter in ["", "userName", "userName co \"a\"", "title eq \"a\"", "userName eq \"a\" or id pr", "userName eq a"]
    {
        assert_eq!(error(&target.get("/Users", &[("filter", filter)], AT)), (400, "invalidFilter"), "{filter}");
    }
}

#[test]
fn a_list_has_pages_in_order_of_creation() {
    let mut target = Target::new(&[]);
    for number in 1..=120 {
        target.add(Kind::User, json!({"userName": number.to_string()}));
    }
    assert_eq!(target.listed("/Users", &[], AT).len(), 100);
    assert_eq!(target.listed("/Users", &[("startIndex", "101")], AT).len(), 20);
    assert_eq!(target.listed("/Users", &[("startIndex", "9"), ("count", "3")], AT), ["u9", "u10", "u11"]);
    let answer = target.get("/Users", &[("count", "-1"), ("startIndex", "0")], AT);
    assert_eq!((&answer.body["totalResults"], &answer.body["Resources"]), (&json!(120), &json!([])));
    assert_eq!(error(&target.get("/Users", &[("count", "x")], AT)), (400, "invalidValue"));
}

#[test]
fn a_create_assigns_id_and_active_and_keeps_values() {
    let mut target = target(&[]);
    let body = json!({"id": "mine", "meta": {}, "groups": [1], "username": "c", "x": {"f": 1.50, "n": null, "e": []}});
    let answer = target.send("POST", "/Users", body);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers, [("location", "http://target.invalid/v2/Users/u4".to_owned())]);
    let stored = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "u4", "userName": "c", "x": {"f": 1.5}, "active": true,
    });
    assert_eq!(target.users()["u4"], stored);
    let [write] = target.writes() else { panic!("one write") };
    assert_eq!((write.at, write.writer, write.kind, write.id.as_str()), (AT, Writer::Connector, Kind::User, "u4"));
    assert_eq!((&write.before, write.after.as_ref(), write.had_tag), (&None, Some(&stored), false));
}

#[test]
fn a_create_is_refused_for_a_taken_or_missing_name() {
    let mut target = target(&[]);
    assert_eq!(error(&target.send("POST", "/Users", json!({"userName": "A"}))), (409, "uniqueness"));
    assert_eq!(error(&target.send("POST", "/Groups", json!({"displayName": "Team"}))), (409, "uniqueness"));
    assert_eq!(error(&target.send("POST", "/Users", json!({"displayName": "x"}))), (400, "invalidValue"));
    assert_eq!(error(&target.send("POST", "/Groups", json!({"displayName": ""}))), (400, "invalidValue"));
    assert_eq!(error(&target.send("POST", "/Users", json!([]))), (400, "invalidSyntax"));
    for wrong in [json!({"active": "true"}), json!({"emails": {"value": "x"}}), json!({"name": "x"})] {
        let mut body = wrong.clone();
        body["userName"] = "c".into();
        assert_eq!(error(&target.send("POST", "/Users", body)), (400, "invalidValue"), "{wrong}");
    }
    assert!(target.writes().is_empty());
}

#[test]
fn a_put_replaces_the_resource() {
    let mut target = target(&[]);
    let answer = target.send("PUT", "/Users/u1", json!({"id": "u2", "userName": "A", "active": false, "title": "t"}));
    assert_eq!((answer.status, &answer.body["title"]), (200, &json!("t")));
    let stored = &target.users()["u1"];
    assert_eq!((&stored["id"], &stored["userName"], stored.get("emails")), (&json!("u1"), &json!("A"), None));
    assert_eq!(error(&target.send("PUT", "/Users/u1", json!({"userName": "B"}))), (409, "uniqueness"));
    assert_eq!(target.send("PUT", "/Groups/g1", json!({"displayName": "t", "members": []})).status, 200);
    assert_eq!(target.groups()["g1"].get("members"), None);
}

#[test]
fn a_write_that_changes_nothing_is_not_logged() {
    let mut target = target(&[]);
    let shown = target.get("/Users/u1", &[], AT).body;
    assert_eq!(target.send("PUT", "/Users/u1", shown).status, 200);
    assert_eq!(target.patch("/Users/u1", json!([{"op": "replace", "path": "active", "value": true}])).status, 200);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": "u1", "type": "User"}]}]);
    assert_eq!(target.patch("/Groups/g1", add).status, 204);
    assert!(target.writes().is_empty());
}

#[test]
fn a_patch_changes_attributes_of_users() {
    let mut target = target(&[]);
    let (department, manager) = (format!("{ENTERPRISE}:department"), format!("{ENTERPRISE}:manager"));
    for (operation, attribute, expected) in [
        (json!({"op": "Add", "path": "TITLE", "value": "t"}), "TITLE", json!("t")),
        (json!({"op": "replace", "path": "title", "value": "s"}), "TITLE", json!("s")),
        (json!({"op": "remove", "path": "title"}), "TITLE", Value::Null),
        (json!({"op": "replace", "path": "name.givenName", "value": "g"}), "name", json!({"givenName": "g"})),
        (
            json!({"op": "replace", "path": "name", "value": {"familyName": "f"}}),
            "name",
            json!({"givenName": "g", "familyName": "f"}),
        ),
        (json!({"op": "remove", "path": "name.givenName"}), "name", json!({"familyName": "f"})),
        (
            json!({"op": "replace", "value": {"name.familyName": "h", "nickName": "n"}}),
            "name",
            json!({"familyName": "h"}),
        ),
        (json!({"op": "add", "path": department, "value": "d"}), ENTERPRISE, json!({"department": "d"})),
        (
            json!({"op": "replace", "path": manager, "value": {"value": "m"}}),
            ENTERPRISE,
            json!({"department": "d", "manager": {"value": "m"}}),
        ),
        (
            json!({"op": "replace", "path": format!("{manager}.value"), "value": "k"}),
            ENTERPRISE,
            json!({"department": "d", "manager": {"value": "k"}}),
        ),
        (json!({"op": "remove", "path": department}), ENTERPRISE, json!({"manager": {"value": "k"}})),
        (json!({"op": "add", "value": {ENTERPRISE: {"manager": null, "x": 1}}}), ENTERPRISE, json!({"x": 1})),
        (json!({"op": "remove", "path": ENTERPRISE}), ENTERPRISE, Value::Null),
        (
            json!({"op": "replace", "path": "emails[type eq \"WORK\"].value", "value": "c@x"}),
            "emails",
            json!([{"type": "work", "value": "c@x"}]),
        ),
        (
            json!({"op": "add", "path": "emails", "value": {"type": "home", "value": "h@x"}}),
            "emails",
            json!([{"type": "work", "value": "c@x"}, {"type": "home", "value": "h@x"}]),
        ),
        (
            json!({"op": "remove", "path": "emails[type eq \"work\"]"}),
            "emails",
            json!([{"type": "home", "value": "h@x"}]),
        ),
        (json!({"op": "replace", "path": "emails", "value": [{"value": "z"}]}), "emails", json!([{"value": "z"}])),
        (json!({"op": "remove", "path": "emails"}), "emails", Value::Null),
        (json!({"op": "replace", "path": "roles", "value": {"value": "r"}}), "roles", json!([{"value": "r"}])),
    ] {
        let answer = target.patch("/Users/u1", json!([operation]));
        assert_eq!((answer.status, &answer.body[attribute]), (200, &expected), "{operation}");
    }
    assert_eq!(target.users()["u1"]["nickName"], "n");
}

#[test]
fn a_new_primary_entry_is_the_only_one() {
    let mut target = target(&[]);
    target.patch("/Users/u1", json!([{"op": "replace", "path": "emails[type eq \"work\"].primary", "value": true}]));
    target.patch("/Users/u1", json!([{"op": "add", "path": "emails", "value": [{"value": "h", "primary": true}]}]));
    let emails = json!([{"type": "work", "value": "a@x", "primary": false}, {"value": "h", "primary": true}]);
    assert_eq!(target.users()["u1"]["emails"], emails);
}

#[test]
fn a_patch_has_all_of_its_effects_or_none() {
    let mut target = target(&[]);
    for (operation, scim_type) in [
        (json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": "x"}), "noTarget"),
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "move", "path": "title"}), "invalidSyntax"),
        (json!({"op": "add", "path": "title"}), "invalidValue"),
        (json!({"op": "add", "path": "a b", "value": 1}), "invalidPath"),
        (json!({"op": "add", "path": "emails[type pr]", "value": 1}), "invalidFilter"),
        (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        (json!({"op": "remove", "path": "userName"}), "invalidValue"),
        (json!({"op": "replace", "path": "userName.x", "value": "x"}), "invalidPath"),
    ] {
        let answer = target.patch("/Users/u1", json!([{"op": "add", "path": "title", "value": "t"}, operation]));
        assert_eq!(error(&answer), (400, scim_type), "{operation}");
    }
    let rename = json!([{"op": "replace", "path": "userName", "value": "B"}]);
    assert_eq!(error(&target.patch("/Users/u1", rename)), (409, "uniqueness"));
    assert!(target.writes().is_empty());
}

#[test]
fn a_patch_changes_members() {
    let mut target = target(&[]);
    for (operation, ids) in [
        (json!({"op": "remove", "path": "members[value eq \"u1\"]"}), vec!["u2", "u3"]),
        (json!({"op": "remove", "path": "members[value eq \"u1\"]"}), vec!["u2", "u3"]),
        (json!({"op": "remove", "path": "members", "value": [{"value": "u3"}]}), vec!["u2"]),
        (json!({"op": "add", "path": "members", "value": [{"value": "no"}, {"value": "u2"}]}), vec!["u2", "no"]),
        (json!({"op": "replace", "path": "members", "value": [{"value": "u3"}]}), vec!["u3"]),
        (json!({"op": "remove", "path": "members"}), vec![]),
        (json!({"op": "add", "path": "members", "value": {"value": "u1"}}), vec!["u1"]),
    ] {
        assert_eq!(target.patch("/Groups/g1", json!([operation])).status, 204);
        let members = json::members(&target.groups()["g1"]).iter().map(|m| m["value"].as_str().unwrap());
        assert_eq!(members.collect::<Vec<_>>(), ids, "{operation}");
    }
}

#[test]
fn a_deleted_user_leaves_its_groups() {
    let mut target = target(&[]);
    let answer = target.send("DELETE", "/Users/u2", Value::Null);
    assert_eq!((answer.status, answer.body), (204, Value::Null));
    assert_eq!(target.get("/Users/u2", &[], AT).status, 404);
    assert_eq!(target.listed("/Users", &[], AT), ["u1", "u3"]);
    assert_eq!(target.groups()["g1"]["members"], json!([{"value": "u1"}, {"value": "u3"}]));
    assert_eq!(target.writes().iter().map(|w| w.id.as_str()).collect::<Vec<_>>(), ["u2", "g1"]);
    assert_eq!(target.send("POST", "/Users", json!({"userName": "b"})).body["id"], "u4");
}

#[test]
fn a_quirk_is_met_by_a_request_for_which_it_matters() {
    let mut target = target(&[Quirk::NoPut]);
    target.send("PATCH", "/Users/u1", json!({"Operations": []}));
    assert!(!target.has_met(Quirk::NoPut));
    target.send("PUT", "/Users/u1", json!({"userName": "z"}));
    assert!(target.has_met(Quirk::NoPut) && !target.has_met(Quirk::NoDelete));
}

#[test]
fn every_version_of_a_resource_is_known() {
    let mut target = target(&[]);
    target.respond(&request("PUT", "/Users/u1", json!({"userName": "z"})), later(1));
    target.respond(&request("DELETE", "/Users/u1", Value::Null), later(2));
    let versions = target.versions(Kind::User, "u1").map(|(since, user)| (since, user.map(|u| u["userName"].clone())));
    let expected = [(None, Some(json!("a"))), (Some(later(1)), Some(json!("z"))), (Some(later(2)), None)];
    assert_eq!(versions.collect::<Vec<_>>(), expected);
    assert_eq!(target.versions(Kind::User, "u9").count(), 0);
}

#[test]
fn the_configuration_follows_the_quirks() {
    for (quirks, patch, filter, etag) in [
        (vec![], true, true, false),
        (vec![Quirk::NoPatch, Quirk::EntityTags], false, true, true),
        (vec![Quirk::PatchAnnounced, Quirk::FilterIgnored], true, false, false),
    ] {
        let body = Target::new(&quirks).get("/ServiceProviderConfig", &[], AT).body;
        let supported = ["patch", "filter", "etag", "bulk"].map(|name| body[name]["supported"] == true);
        assert_eq!(supported, [patch, filter, etag, false], "{quirks:?}");
    }
}

#[test]
fn names_not_unique() {
    let mut target = target(&[Quirk::NamesNotUnique]);
    assert_eq!(target.send("POST", "/Users", json!({"userName": "a"})).status, 201);
    assert_eq!(target.send("POST", "/Groups", json!({"displayName": "team"})).status, 409);
}

#[test]
fn filter_ignored() {
    let mut target = target(&[Quirk::FilterIgnored]);
    assert_eq!(target.listed("/Users", &[("filter", "userName eq \"a\"")], AT).len(), 3);
}

#[test]
fn lists_lag() {
    let mut target = target(&[Quirk::ListsLag]);
    target.send("POST", "/Users", json!({"userName": "c"}));
    target.send("DELETE", "/Users/u1", Value::Null);
    target.send("PUT", "/Users/u2", json!({"userName": "bb"}));
    assert_eq!(target.get("/Users/u4", &[], AT).status, 200);
    assert_eq!(target.get("/Users/u1", &[], AT).status, 404);
    assert_eq!(target.listed("/Users", &[], later(59)), ["u1", "u2", "u3"]);
    assert_eq!(target.listed("/Users", &[("filter", "userName eq \"b\"")], later(59)), ["u2"]);
    assert_eq!(target.listed("/Users", &[], later(60)), ["u2", "u3", "u4"]);
    assert_eq!(target.listed("/Users", &[("filter", "userName eq \"bb\"")], later(60)), ["u2"]);
}

#[test]
fn small_pages() {
    let mut target = target(&[Quirk::SmallPages]);
    let answer = target.get("/Users", &[("count", "50")], AT);
    assert_eq!((&answer.body["totalResults"], &answer.body["itemsPerPage"]), (&json!(3), &json!(2)));
    assert_eq!(target.listed("/Users", &[("startIndex", "3")], AT), ["u3"]);
}

#[test]
fn no_total() {
    assert_eq!(target(&[Quirk::NoTotal]).get("/Users", &[], AT).body.get("totalResults"), None);
}

#[test]
fn lists_count_only() {
    let mut target = target(&[Quirk::ListsCountOnly]);
    let answer = target.get("/Users", &[], AT);
    assert_eq!((&answer.body["totalResults"], &answer.body["Resources"]), (&json!(3), &json!([])));
}

#[test]
fn no_patch_and_patch_announced() {
    for (quirk, status) in [(Quirk::NoPatch, 501), (Quirk::PatchAnnounced, 405)] {
        for path in ["/Users/u1", "/Groups/g1"] {
            assert_eq!(target(&[quirk]).patch(path, json!([])).status, status);
        }
    }
}

#[test]
fn patch_ignored() {
    let mut target = target(&[Quirk::PatchIgnored]);
    let operations = json!([{"op": "replace", "path": "displayName", "value": "x"}]);
    assert_eq!(target.patch("/Users/u1", operations.clone()).status, 204);
    assert!(target.writes().is_empty());
    target.patch("/Groups/g1", operations);
    assert_eq!(target.groups()["g1"]["displayName"], "x");
}

#[test]
fn no_put_and_no_delete() {
    let mut target = target(&[Quirk::NoPut, Quirk::NoDelete]);
    assert_eq!(target.send("PUT", "/Users/u1", json!({"userName": "x"})).status, 405);
    assert_eq!(target.send("DELETE", "/Users/u1", Value::Null).status, 405);
    assert_eq!(target.send("PUT", "/Groups/g1", json!({"displayName": "x"})).status, 200);
    assert_eq!(target.send("DELETE", "/Groups/g1", Value::Null).status, 204);
}

#[test]
fn filtered_path_ignored() {
    let mut target = target(&[Quirk::FilteredPathIgnored]);
    let remove = json!({"op": "remove", "path": "members[value eq \"u1\"]"});
    let rename = json!({"op": "replace", "path": "displayName", "value": "x"});
    assert_eq!(target.patch("/Groups/g1", json!([remove, rename])).status, 204);
    let group = &target.groups()["g1"];
    assert_eq!((&group["displayName"], json::members(group).len()), (&json!("x"), 3));
}

#[test]
fn active_not_shown_and_active_as_text() {
    let mut hiding = target(&[Quirk::ActiveNotShown]);
    assert_eq!(hiding.get("/Users/u1", &[], AT).body.get("active"), None);
    assert_eq!(hiding.get("/Users", &[], AT).body["Resources"][0].get("active"), None);
    assert_eq!(hiding.send("PUT", "/Users/u1", json!({"userName": "x"})).body.get("active"), None);
    let mut texts = target(&[Quirk::ActiveAsText]);
    assert_eq!(texts.get("/Users/u1", &[], AT).body["active"], "True");
    texts.patch("/Users/u1", json!([{"op": "replace", "path": "active", "value": "False"}]));
    assert_eq!(texts.users()["u1"]["active"], false);
    assert_eq!(texts.shown(Kind::User, &texts.users()["u1"])["active"], "False");
}

#[test]
fn inactive_hidden() {
    let mut target = target(&[Quirk::InactiveHidden]);
    let disable = json!([{"op": "replace", "path": "active", "value": false}]);
    assert_eq!(target.patch("/Users/u1", disable.clone()).status, 200);
    assert_eq!(target.get("/Users/u1", &[], AT).status, 404);
    assert_eq!(target.listed("/Users", &[], AT), ["u2", "u3"]);
    assert_eq!(target.patch("/Users/u1", disable).status, 404);
    assert_eq!(target.send("PUT", "/Users/u1", json!({"userName": "a"})).status, 404);
    assert_eq!(target.send("DELETE", "/Users/u1", Value::Null).status, 404);
    assert_eq!(target.send("POST", "/Users", json!({"userName": "a"})).status, 409);
}

#[test]
fn create_ignores_active() {
    let mut target = target(&[Quirk::CreateIgnoresActive]);
    let answer = target.send("POST", "/Users", json!({"userName": "c", "active": false}));
    assert_eq!((&answer.body["active"], &target.users()["u4"]["active"]), (&json!(true), &json!(true)));
}

#[test]
fn no_content() {
    let mut target = target(&[Quirk::NoContent]);
    let answer = target.send("POST", "/Users", json!({"userName": "c"}));
    assert_eq!((answer.status, answer.headers.len(), answer.body), (201, 1, Value::Null));
    for path in ["/Users/u1", "/Groups/g1"] {
        let put = target.send("PUT", path, json!({"userName": "x", "displayName": "x"}));
        assert_eq!((put.status, put.body), (204, Value::Null));
        assert_eq!(target.patch(path, json!([])).status, 204);
    }
}

#[test]
fn create_says_nothing() {
    let mut target = target(&[Quirk::CreateSaysNothing]);
    let answer = target.send("POST", "/Users", json!({"userName": "c"}));
    assert_eq!(answer, Answer { status: 200, headers: vec![], body: Value::Null });
    assert!(target.users().contains_key("u4"));
}

#[test]
fn members_on_request() {
    let mut target = target(&[Quirk::MembersOnRequest]);
    assert_eq!(target.get("/Groups/g1", &[], AT).body.get("members"), None);
    assert_eq!(target.get("/Groups", &[], AT).body["Resources"][0].get("members"), None);
    let requested = target.get("/Groups/g1", &[("attributes", "members")], AT).body;
    assert_eq!(requested.as_object().unwrap().len(), 4);
    assert_eq!((&requested["displayName"], &requested["members"][0]), (&json!("team"), &json!({"value": "u1"})));
    let list = target.get("/Groups", &[("attributes", "id,members")], AT).body;
    assert_eq!(list["Resources"][0]["members"].as_array().unwrap().len(), 3);
    let put = target.send("PUT", "/Groups/g1", json!({"displayName": "t", "members": [{"value": "u1"}]}));
    assert_eq!((put.status, put.body.get("members")), (200, None));
}

#[test]
fn members_cut() {
    let mut target = target(&[Quirk::MembersCut, Quirk::MembersOnRequest]);
    let shown = target.get("/Groups/g1", &[("attributes", "members")], AT).body;
    assert_eq!(shown["members"], json!([{"value": "u1"}, {"value": "u2"}]));
    assert_eq!(json::members(&target.groups()["g1"]).len(), 3);
    let target = self::target(&[Quirk::MembersCut]);
    let shown = target.shown(Kind::Group, &target.groups()["g1"]);
    assert_eq!(shown["members"], json!([{"value": "u1"}, {"value": "u2"}]));
}

#[test]
fn deletes_lag() {
    let mut target = target(&[Quirk::DeletesLag]);
    target.send("DELETE", "/Users/u1", Value::Null);
    assert_eq!(target.get("/Users/u1", &[], later(59)).body["userName"], "a");
    assert_eq!(target.listed("/Users", &[], later(59)).len(), 3);
    assert_eq!(target.send("DELETE", "/Users/u1", Value::Null).status, 404);
    assert_eq!(target.send("PUT", "/Users/u1", json!({"userName": "a"})).status, 404);
    assert_eq!(target.get("/Users/u1", &[], later(60)).status, 404);
    assert_eq!(target.listed("/Users", &[], later(60)), ["u2", "u3"]);
    target.send("DELETE", "/Groups/g1", Value::Null);
    assert_eq!(target.get("/Groups/g1", &[], AT).status, 404);
}

#[test]
fn entity_tags() {
    let mut target = target(&[Quirk::EntityTags]);
    let read = target.get("/Users/u1", &[], AT);
    assert_eq!((&read.headers[0], &read.body["meta"]["version"]), (&("etag", "W/\"1\"".to_owned()), &json!("W/\"1\"")));
    let put = |target: &mut Target, name: &str, tag: &str| {
        let body = json!({"userName": name});
        target.respond(&Sent { if_match: Some(tag.into()), ..request("PUT", "/Users/u1", body) }, AT)
    };
    assert_eq!(put(&mut target, "x", "W/\"1\"").headers, [("etag", "W/\"2\"".to_owned())]);
    assert_eq!(error(&put(&mut target, "y", "W/\"1\"")), (412, ""));
    assert_eq!(put(&mut target, "x", "W/\"2\"").body["meta"]["version"], "W/\"2\"");
    assert_eq!(put(&mut target, "z", "*").status, 200);
    assert!(target.writes().iter().all(|write| write.had_tag));
    assert_eq!(target.writes().len(), 2);
    let first = target.versions(Kind::User, "u1").next().unwrap().1.unwrap();
    assert_eq!(target.shown(Kind::User, first)["meta"]["version"], "W/\"1\"");
    let mut without = self::target(&[]);
    assert_eq!(put(&mut without, "x", "W/\"9\"").headers, []);
}

#[test]
fn no_configuration() {
    assert_eq!(target(&[Quirk::NoConfiguration]).get("/ServiceProviderConfig", &[], AT).status, 404);
}

#[test]
fn a_third_party_changes_accounts() {
    let mut target = target(&[]);
    let names = ["A".to_owned(), "new".to_owned()];
    let mut write = |what| target.third_party(&what, &names, AT);
    let (person, missing) = (Owner::Person(0), Owner::Person(7));
    assert!(write(ThirdParty::Disable(person)));
    assert!(!write(ThirdParty::Disable(person)));
    assert!(write(ThirdParty::Enable(person)));
    assert!(write(ThirdParty::ChangeUnmapped(person)));
    assert!(!write(ThirdParty::ChangeUnmapped(missing)));
    assert!(!write(ThirdParty::Create(0)));
    assert!(!write(ThirdParty::Create(7)));
    assert!(write(ThirdParty::Create(1)));
    assert!(write(ThirdParty::MakeAgain(0)));
    assert!(write(ThirdParty::Rename(Owner::Stranger)));
    assert!(write(ThirdParty::Delete(Owner::Person(1))));
    assert!(!write(ThirdParty::Delete(missing)));
    assert_eq!(target.users().keys().collect::<Vec<_>>(), ["u2", "u3", "u5"]);
    assert_eq!(target.users()["u3"]["userName"], "renamed-2");
    let again = &target.users()["u5"];
    assert_eq!((&again["userName"], &again["nickName"]), (&json!("a"), &json!("third-1")));
    assert_eq!((&again["emails"][0]["value"], &again["id"]), (&json!("a@x"), &json!("u5")));
    assert!(target.writes().iter().all(|write| write.writer == Writer::ThirdParty && !write.had_tag));
}

#[test]
fn a_third_party_changes_members() {
    let mut target = target(&[]);
    assert!(target.third_party(&ThirdParty::RemoveMember, &[], AT));
    assert!(!target.third_party(&ThirdParty::AddMember, &[], AT));
    assert!(target.third_party(&ThirdParty::RemoveMember, &[], AT));
    assert!(target.third_party(&ThirdParty::RemoveMember, &[], AT));
    assert!(!target.third_party(&ThirdParty::RemoveMember, &[], AT));
    assert!(target.third_party(&ThirdParty::AddMember, &[], AT));
    assert_eq!(target.groups()["g1"]["members"], json!([{"value": "u3"}]));
}
