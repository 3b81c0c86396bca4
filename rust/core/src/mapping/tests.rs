//! Tests the mapping with examples and with generated users.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::catalogue::{CORE_1, CORE_2};
use super::resource::Object;
use super::*;
use crate::Record;
use crate::scim::Version;

const VERSIONS: [Version; 2] = [Version::V1_1, Version::V2_0];

fn record<const N: usize>(fields: [(&str, &[&str]); N]) -> Record {
    Record {
        enabled: true,
        fields: fields
            .into_iter()
            .map(|(code, values)| (code.to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
            .collect(),
        ..Record::default()
    }
}

/// Returns the resource after an update with a record.
fn updated(current: &Value, source: &Record, clearable: &[&str]) -> Value {
    let catalogue = Catalogue::standard(Version::V2_0);
    let clearable: Vec<String> = clearable.iter().map(|c| (*c).to_owned()).collect();
    let changes = catalogue.changes(current, source, &clearable).unwrap();
    catalogue.put_body(current, &changes, None).unwrap()
}

fn codes(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.code.as_str()).collect()
}

/// Returns a user of SCIM 2.0 with every attribute of RFC 7643 section 4.
fn full_user() -> Value {
    json!({
        "schemas": [CORE_2, fields::ENTERPRISE_2],
        "id": "7d4a0c11",
        "externalId": "e-1201",
        "userName": "ines.ferreira@example.org",
        "name": {
            "formatted": "Dra. Inês Maria Ferreira Neto",
            "familyName": "Ferreira",
            "givenName": "Inês",
            "middleName": "Maria",
            "honorificPrefix": "Dra.",
            "honorificSuffix": "Neto"
        },
        "displayName": "Inês Ferreira",
        "nickName": "Nê",
        "profileUrl": "https://people.example.org/ines",
        "emails": [
            {"value": "ines@home.example", "type": "home"},
            {"value": "ines.ferreira@example.org", "type": "work", "primary": true},
            {"value": "if@other.example", "type": "other"}
        ],
        "addresses": [
            {
                "type": "work", "streetAddress": "Rua do Carmo 7", "locality": "Lisboa", "region": "Lisboa",
                "postalCode": "1200-093", "country": "PT", "formatted": "Rua do Carmo 7\n1200-093 Lisboa", "primary": true
            },
            {"type": "home", "streetAddress": "Rua da Praia 2", "locality": "Faro", "country": "PT"}
        ],
        "phoneNumbers": [
            {"value": "tel:+351-21-555-0101", "type": "work"},
            {"value": "tel:+351-91-555-0102", "type": "mobile"}
        ],
        "ims": [{"value": "ines.f", "type": "xmpp"}],
        "photos": [
            {"value": "https://people.example.org/ines.jpg", "type": "photo"},
            {"value": "https://people.example.org/ines-s.jpg", "type": "thumbnail"}
        ],
        "userType": "Employee",
        "title": "Geologist",
        "preferredLanguage": "pt-PT",
        "locale": "pt-PT",
        "timezone": "Europe/Lisbon",
        "active": true,
        "groups": [{"value": "g-1", "$ref": "../Groups/g-1", "display": "Field Team"}],
        "entitlements": [{"value": "lab-3"}],
        "roles": [{"value": "surveyor", "display": "Surveyor"}, {"value": "editor"}],
        "x509Certificates": [{"value": "MIIBszCCARygAwIBAgIBADA="}],
        fields::ENTERPRISE_2: {
            "employeeNumber": "1201",
            "costCenter": "CC-40",
            "organization": "Survey",
            "division": "South",
            "department": "Field",
            "manager": {"value": "26118915", "$ref": "../Users/26118915", "displayName": "Rui Dias"}
        },
        "meta": {"resourceType": "User", "version": "W/\"3\"", "location": "https://scim.example.org/v2/Users/7d4a0c11"}
    })
}

#[test]
fn there_are_63_standard_fields_in_both_versions() {
    for version in VERSIONS {
        let catalogue = Catalogue::standard(version);
        assert_eq!(catalogue.fields().len(), 63);
        let required: Vec<_> = catalogue.fields().iter().filter(|f| f.required).map(|f| f.code.as_str()).collect();
        assert_eq!(required, ["userName"]);
        let lists: Vec<_> = catalogue.fields().iter().filter(|f| f.multi_valued).map(|f| f.code.as_str()).collect();
        assert_eq!(lists, ["entitlements", "roles", "certificates"]);
    }
}

#[test]
fn each_field_has_its_own_code_and_path() {
    for version in VERSIONS {
        let catalogue = Catalogue::standard(version);
        let mut names = BTreeSet::new();
        for field in catalogue.fields() {
            assert!(std::iter::once(&field.code).chain(&field.aliases).all(|name| names.insert(name.clone())));
        }
        let paths: BTreeSet<_> = catalogue.paths.iter().map(ToString::to_string).collect();
        assert_eq!(paths.len(), 63);
    }
}

#[test]
fn a_user_with_all_attributes_is_read_field_by_field() {
    let read = Catalogue::standard(Version::V2_0).record(&full_user());
    assert_eq!(read.id.as_deref(), Some("7d4a0c11"));
    assert!(read.enabled);
    for (code, value) in [
        ("userName", "ines.ferreira@example.org"),
        ("formattedName", "Dra. Inês Maria Ferreira Neto"),
        ("honorificSuffix", "Neto"),
        ("workEmail", "ines.ferreira@example.org"),
        ("homeEmail", "ines@home.example"),
        ("mobilePhone", "tel:+351-91-555-0102"),
        ("workFormattedAddress", "Rua do Carmo 7\n1200-093 Lisboa"),
        ("homeCity", "Faro"),
        ("xmppIm", "ines.f"),
        ("profileThumbnailUrl", "https://people.example.org/ines-s.jpg"),
        ("department", "Field"),
        ("manager", "26118915"),
    ] {
        assert_eq!(read.first(code), Some(value), "{code}");
    }
    assert_eq!(read.fields["roles"], ["surveyor", "editor"]);
    assert_eq!(read.first("homePhone"), None);
    assert_eq!(read.fields.len(), 42);
}

#[test]
fn a_created_user_has_one_primary_entry_and_lists_only_used_schemas() {
    let source = record([
        ("userName", &["ada"]),
        ("homeEmail", &["ada@home.example"]),
        ("workEmail", &["ada@example.org"]),
        ("workStreet", &["Main Street 1"]),
        ("title", &[""]),
        ("nickName", &[]),
    ]);
    let created = Catalogue::standard(Version::V2_0).resource(&source, true).unwrap();
    assert_eq!(
        created,
        json!({
            "schemas": [CORE_2],
            "userName": "ada",
            "emails": [
                {"value": "ada@example.org", "type": "work", "primary": true},
                {"value": "ada@home.example", "type": "home"}
            ],
            "addresses": [{"streetAddress": "Main Street 1", "type": "work", "primary": true}],
            "active": true
        })
    );
}

#[test]
fn each_version_uses_only_its_own_schemas() {
    let source = record([("userName", &["ada"]), ("manager", &["m-1"]), ("department", &["Field"])]);
    let scim2 = Catalogue::standard(Version::V2_0).resource(&source, false).unwrap();
    assert_eq!(
        scim2,
        json!({
            "schemas": [CORE_2, fields::ENTERPRISE_2],
            "userName": "ada",
            fields::ENTERPRISE_2: {"department": "Field", "manager": {"value": "m-1"}},
            "active": false
        })
    );
    let scim1 = Catalogue::standard(Version::V1_1).resource(&source, false).unwrap();
    assert_eq!(
        scim1,
        json!({
            "schemas": [CORE_1, fields::ENTERPRISE_1],
            "userName": "ada",
            fields::ENTERPRISE_1: {"department": "Field", "manager": {"managerId": "m-1"}},
            "active": false
        })
    );
}

#[test]
fn a_user_without_a_required_field_is_rejected_by_name() {
    let failure = Catalogue::standard(Version::V2_0).resource(&record([("userName", &[""])]), true).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "rejected: userName: is required, but the user has no value for it; check the mapping of userName"
    );
}

#[test]
fn an_unknown_field_is_a_configuration_error_that_names_it() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let source = record([("userName", &["ada"]), ("shoe\nSize", &["42"])]);
    for failure in
        [catalogue.resource(&source, true).unwrap_err(), catalogue.changes(&full_user(), &source, &[]).unwrap_err()]
    {
        assert!(
            failure.to_string().starts_with(
                "config: shoe\\u{a}Size: is not a field of this target; remove it from the Attribute Mapping tab"
            ),
            "{failure}"
        );
    }
}

#[test]
fn a_field_with_a_value_goes_before_its_alias_and_an_alias_before_an_empty_field() {
    let catalogue = Catalogue::standard(Version::V2_0);
    for source in [
        record([("userName", &["ada"]), ("workStreetAddress", &["Main Street 1"]), ("workStreet", &["Old Street 9"])]),
        record([("userName", &["ada"]), ("workStreetAddress", &[]), ("workStreetAddeess", &["Main Street 1"])]),
    ] {
        let created = catalogue.resource(&source, true).unwrap();
        assert_eq!(created["addresses"][0]["streetAddress"], "Main Street 1");
    }
}

#[test]
fn an_unchanged_user_has_no_changes() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let read = catalogue.record(&full_user());
    assert_eq!(catalogue.changes(&full_user(), &read, &[]).unwrap(), []);
}

#[test]
fn letter_case_of_identifiers_and_types_is_ignored() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let current = json!({
        "USERNAME": "Ada@Example.org",
        "Emails": [{"Value": "ADA@example.org", "Type": "Work"}],
        "phoneNumbers": [{"value": "1", "type": "WORK"}],
        "displayName": "ada"
    });
    let source = record([
        ("userName", &["ada@example.org"]),
        ("workEmail", &["ada@example.org"]),
        ("workPhone", &["1"]),
        ("displayName", &["Ada"]),
    ]);
    let changes = catalogue.changes(&current, &source, &[]).unwrap();
    assert_eq!(changes, [Change { code: "displayName".into(), old: vec!["ada".into()], new: vec!["Ada".into()] }]);
}

#[test]
fn lists_are_compared_as_sets_and_written_whole() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let same = record([("roles", &["editor", "surveyor", "editor"])]);
    assert_eq!(catalogue.changes(&full_user(), &same, &[]).unwrap(), []);
    let body = updated(&full_user(), &record([("roles", &["editor", "auditor"])]), &[]);
    assert_eq!(body["roles"], json!([{"value": "editor"}, {"value": "auditor"}]));
}

#[test]
fn a_list_of_plain_values_stays_a_list_of_plain_values() {
    let current = json!({"userName": "ada", "roles": ["editor"]});
    assert_eq!(updated(&current, &record([("roles", &["auditor"])]), &[])["roles"], json!(["auditor"]));
}

#[test]
fn passwords_are_only_in_creates_and_never_compared() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let source = record([("userName", &["ada"]), ("password", &["s3cret"])]);
    assert_eq!(catalogue.resource(&source, true).unwrap()["password"], "s3cret");
    let current = json!({"userName": "ada", "Password": "{SSHA}leaked"});
    assert_eq!(catalogue.changes(&current, &source, &["password".into()]).unwrap(), []);
    let body = catalogue.put_body(&current, &[], None).unwrap();
    assert!(!body.to_string().contains("leaked"));
    assert!(catalogue.record(&current).masked.contains("password"));
}

#[test]
fn an_empty_value_clears_only_clearable_fields() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let empty = record([("title", &[""]), ("department", &[]), ("userName", &[])]);
    assert_eq!(catalogue.changes(&full_user(), &empty, &[]).unwrap(), []);
    let clearable = ["title", "department", "userName", "workStreet"].map(str::to_owned);
    let changes = catalogue.changes(&full_user(), &empty, &clearable).unwrap();
    assert_eq!(codes(&changes), ["title", "workStreetAddress", "department"]);
    assert!(changes.iter().all(|change| change.new.is_empty() && !change.old.is_empty()));
    let body = catalogue.put_body(&full_user(), &changes, None).unwrap();
    assert_eq!(body.get("title"), None);
    assert_eq!(body["addresses"][0].get("streetAddress"), None);
    assert_eq!(body["addresses"][0]["locality"], "Lisboa");
    assert_eq!(body[fields::ENTERPRISE_2].get("department"), None);
}

#[test]
fn a_put_omits_what_the_target_computes() {
    let body = updated(&full_user(), &Record::default(), &[]);
    assert_eq!(body.get("meta"), None);
    assert_eq!(body.get("groups"), None);
    assert_eq!(body["roles"], json!([{"value": "surveyor"}, {"value": "editor"}]));
    assert_eq!(body[fields::ENTERPRISE_2]["manager"], json!({"value": "26118915", "displayName": "Rui Dias"}));
    assert_eq!(body["displayName"], "Inês Ferreira");
    assert_eq!(body["id"], "7d4a0c11");
}

#[test]
fn a_put_keeps_the_schemas_of_the_target_and_adds_used_schemas() {
    let custom = "urn:example:params:scim:schemas:extension:survey:2.0:User";
    let current = json!({"schemas": [CORE_2, custom], "userName": "ada", custom: {"badge": 7}});
    let body = updated(&current, &record([("department", &["Field"])]), &[]);
    assert_eq!(body["schemas"], json!([CORE_2, custom, fields::ENTERPRISE_2]));
    assert_eq!(body[custom], json!({"badge": 7}));
}

#[test]
fn active_is_written_as_a_boolean_and_read_in_every_form() {
    let catalogue = Catalogue::standard(Version::V2_0);
    for (form, active) in [
        (json!(true), true),
        (json!("True"), true),
        (json!(1), true),
        (json!(false), false),
        (json!("False"), false),
        (json!("false"), false),
        (json!(0), false),
        (Value::Null, true),
    ] {
        let current = json!({"userName": "ada", "active": form});
        assert_eq!(catalogue.record(&current).enabled, active, "{form}");
        assert_eq!(catalogue.put_body(&current, &[], None).unwrap()["active"], json!(active), "{form}");
        assert_eq!(catalogue.put_body(&current, &[], Some(false)).unwrap()["active"], json!(false));
    }
    assert!(catalogue.record(&json!({"userName": "ada"})).enabled);
}

#[test]
fn an_update_keeps_the_primary_entry_and_other_members_of_an_entry() {
    let current = json!({"userName": "ada", "emails": [
        {"value": "ada@home.example", "type": "home", "primary": true, "verified": true},
        {"value": "old@example.org", "type": "Work", "verified": true}
    ]});
    let body =
        updated(&current, &record([("workEmail", &["new@example.org"]), ("otherEmail", &["x@example.org"])]), &[]);
    assert_eq!(
        body["emails"],
        json!([
            {"value": "ada@home.example", "type": "home", "primary": true, "verified": true},
            {"value": "new@example.org", "type": "Work", "verified": true},
            {"value": "x@example.org", "type": "other"}
        ])
    );
}

#[test]
fn one_of_two_primary_entries_stays_primary() {
    let current = json!({"userName": "ada", "emails": [
        {"value": "a@home.example", "type": "home", "primary": true},
        {"value": "a@example.org", "type": "work", "primary": "true"}
    ]});
    let body = updated(&current, &record([("title", &["Geologist"])]), &[]);
    assert_eq!(body["emails"][0]["primary"], json!(false));
    assert_eq!(body["emails"][1]["primary"], json!("true"));
}

#[test]
fn removing_the_primary_entry_makes_another_entry_primary() {
    let current = json!({"userName": "ada", "emails": [
        {"value": "o@example.org", "type": "other"},
        {"value": "h@example.org", "type": "home"},
        {"value": "w@example.org", "type": "work", "primary": true}
    ]});
    let body = updated(&current, &Record::default(), &["workEmail"]);
    assert_eq!(
        body["emails"],
        json!([
            {"value": "o@example.org", "type": "other"},
            {"value": "h@example.org", "type": "home", "primary": true}
        ])
    );
}

#[test]
fn a_single_or_primary_entry_without_type_is_the_work_entry_and_is_replaced() {
    let catalogue = Catalogue::standard(Version::V2_0);
    for emails in [
        json!([{"value": "old@example.org"}]),
        json!([{"value": "x@example.org", "type": "home"}, {"value": "old@example.org", "primary": true}]),
        json!({"value": "old@example.org"}),
        json!("old@example.org"),
        json!([null, {"value": "old@example.org", "type": null}]),
    ] {
        let current = json!({"userName": "ada", "emails": emails});
        assert_eq!(catalogue.record(&current).first("workEmail"), Some("old@example.org"), "{emails}");
        let body = updated(&current, &record([("workEmail", &["new@example.org"])]), &[]);
        let entries = body["emails"].as_array().unwrap();
        assert!(!body.to_string().contains("old@"), "{body}");
        assert_eq!(entries.iter().filter(|e| e["type"] == "work" && e["value"] == "new@example.org").count(), 1);
    }
}

#[test]
fn a_target_that_drops_types_gets_no_further_updates() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let source = record([("workEmail", &["w@example.org"]), ("homeEmail", &["h@example.org"])]);
    let current = json!({"userName": "ada", "emails": [{"value": "w@example.org"}, {"value": "h@example.org"}]});
    assert_eq!(catalogue.changes(&current, &source, &[]).unwrap(), []);
}

#[test]
fn an_instant_message_address_without_type_is_not_read() {
    let current = json!({"userName": "ada", "ims": [{"value": "ada42"}]});
    assert_eq!(Catalogue::standard(Version::V2_0).record(&current).fields.len(), 1);
}

#[test]
fn a_patch_contains_only_the_changes() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let source = record([
        ("title", &["Chief Geologist"]),
        ("middleName", &[]),
        ("workEmail", &["ines@example.org"]),
        ("homePhone", &["5"]),
        ("homeCity", &["Évora"]),
        ("homePostalCode", &["7000"]),
        ("otherCity", &["Porto"]),
        ("otherCountry", &["PT"]),
        ("xmppIm", &[]),
        ("roles", &["surveyor"]),
        ("department", &["Office"]),
        ("manager", &["77"]),
    ]);
    let clearable = ["middleName", "xmppIm", "homeStreetAddress"].map(str::to_owned);
    let changes = catalogue.changes(&full_user(), &source, &clearable).unwrap();
    let patch = catalogue.patch_body(&full_user(), &changes, Some(false), PatchPaths::Filtered).unwrap();
    let enterprise = fields::ENTERPRISE_2;
    assert_eq!(
        patch,
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "remove", "path": "name.middleName"},
                {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "ines@example.org"},
                {"op": "replace", "path": "title", "value": "Chief Geologist"},
                // No phone is primary yet. The work phone is preferred, so the added entry is not primary.
                {"op": "add", "path": "phoneNumbers", "value": [{"value": "5", "type": "home"}]},
                {"op": "remove", "path": "addresses[type eq \"home\"].streetAddress"},
                {"op": "replace", "path": "addresses[type eq \"home\"].locality", "value": "Évora"},
                {"op": "replace", "path": "addresses[type eq \"home\"].postalCode", "value": "7000"},
                {"op": "add", "path": "addresses", "value": [{"locality": "Porto", "type": "other", "country": "PT"}]},
                {"op": "remove", "path": "ims[type eq \"xmpp\"]"},
                {"op": "replace", "path": "roles", "value": [{"value": "surveyor"}]},
                {"op": "replace", "path": format!("{enterprise}:department"), "value": "Office"},
                {"op": "replace", "path": format!("{enterprise}:manager"), "value": {"value": "77"}},
                {"op": "replace", "path": "active", "value": false}
            ]
        })
    );
}

#[test]
fn a_disable_is_one_operation() {
    let patch =
        Catalogue::standard(Version::V2_0).patch_body(&full_user(), &[], Some(false), PatchPaths::Filtered).unwrap();
    assert_eq!(patch["Operations"], json!([{"op": "replace", "path": "active", "value": false}]));
    let patch =
        Catalogue::standard(Version::V1_1).patch_body(&full_user(), &[], Some(false), PatchPaths::Filtered).unwrap();
    assert_eq!(patch, json!({"active": false, "schemas": [CORE_1]}));
}

#[test]
fn a_target_without_filtered_paths_gets_whole_attributes() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let changes = catalogue.changes(&full_user(), &record([("homeEmail", &["new@home.example"])]), &[]).unwrap();
    let patch = catalogue.patch_body(&full_user(), &changes, None, PatchPaths::Whole).unwrap();
    assert_eq!(
        patch["Operations"],
        json!([{"op": "replace", "path": "emails", "value": [
            {"value": "new@home.example", "type": "home"},
            {"value": "ines.ferreira@example.org", "type": "work", "primary": true},
            {"value": "if@other.example", "type": "other"}
        ]}])
    );
}

#[test]
fn a_filtered_path_has_the_spelling_of_the_target_and_matches_one_entry() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let operations = |emails: Value| {
        let current = json!({"userName": "ada", "emails": emails});
        let changes = catalogue.changes(&current, &record([("workEmail", &["new@example.org"])]), &[]).unwrap();
        catalogue.patch_body(&current, &changes, None, PatchPaths::Filtered).unwrap()["Operations"].clone()
    };
    let matched_once = operations(json!([{"value": "a@example.org", "type": "Work"}]));
    assert_eq!(
        matched_once,
        json!([{"op": "replace", "path": "emails[type eq \"Work\"].value", "value": "new@example.org"}])
    );
    let matched_twice =
        operations(json!([{"value": "a@example.org", "type": "work"}, {"value": "b@example.org", "type": "WORK"}]));
    assert_eq!(matched_twice[0]["path"], "emails");
    let unmatched = operations(json!([{"value": "a@example.org"}]));
    assert_eq!(unmatched[0]["path"], "emails");
}

#[test]
fn a_patch_of_scim_1_1_is_a_partial_user_with_the_cleared_attributes() {
    let catalogue = Catalogue::standard(Version::V1_1);
    let current = json!({
        "schemas": [CORE_1], "id": "5", "userName": "ada", "title": "Geologist", "name": {"givenName": "Ada"},
        "emails": [{"value": "a@example.org", "type": "work", "primary": true, "display": "a"}],
        fields::ENTERPRISE_1: {"department": "Field", "division": "South"}
    });
    let source = record([("familyName", &["Byron"]), ("homeEmail", &["h@example.org"]), ("division", &["North"])]);
    let changes = catalogue.changes(&current, &source, &["title".into(), "department".into()]).unwrap();
    let patch = catalogue.patch_body(&current, &changes, None, PatchPaths::Filtered).unwrap();
    assert_eq!(
        patch,
        json!({
            "name": {"familyName": "Byron"},
            "emails": [
                {"value": "a@example.org", "type": "work", "primary": true},
                {"value": "h@example.org", "type": "home"}
            ],
            fields::ENTERPRISE_1: {"division": "North"},
            "meta": {"attributes": ["emails", "title", format!("{}:department", fields::ENTERPRISE_1)]},
            "schemas": [CORE_1, fields::ENTERPRISE_1]
        })
    );
}

#[test]
fn custom_fields_are_written_with_their_json_type_and_come_last() {
    let urn = "urn:example:survey:2.0:User";
    let custom = |code: &str, path: &str, value_type, multi_valued| Field {
        code: code.into(),
        label: code.into(),
        required: false,
        unique: false,
        multi_valued,
        write_only: false,
        case_insensitive: false,
        value_type,
        scim2: format!("{urn}:{path}"),
        scim1: None,
        notes: Vec::new(),
        options: Vec::new(),
        aliases: Vec::new(),
    };
    let fields = [
        custom("badge", "badge", ValueType::Integer, false),
        custom("onCall", "duty.onCall", ValueType::Boolean, false),
        custom("sites", "sites", ValueType::String, true),
        custom("kit.tent.size", "kit[type eq \"tent\"].size", ValueType::Decimal, false),
    ];
    assert_eq!(Catalogue::standard(Version::V1_1).with_fields(fields.clone()).fields().len(), 63);
    let catalogue = Catalogue::standard(Version::V2_0).with_fields(fields);
    assert_eq!(catalogue.fields()[63].code, "badge");
    let source = record([
        ("userName", &["ada"]),
        ("badge", &["7"]),
        ("onCall", &["TRUE"]),
        ("sites", &["faro", "beja"]),
        ("kit.tent.size", &["2.5"]),
    ]);
    let created = catalogue.resource(&source, true).unwrap();
    assert_eq!(created["schemas"], json!([CORE_2, urn]));
    assert_eq!(
        created[urn],
        json!({
            "badge": 7,
            "duty": {"onCall": true},
            "sites": ["faro", "beja"],
            "kit": [{"size": 2.5, "type": "tent"}]
        })
    );
    assert_eq!(catalogue.changes(&created, &source, &[]).unwrap(), []);
    let wrong = record([("userName", &["ada"]), ("badge", &["seven"])]);
    let failure = catalogue.resource(&wrong, true).unwrap_err();
    assert_eq!(failure.to_string(), "rejected: badge: the value is not a whole number");
    assert_eq!(catalogue.changes(&created, &wrong, &[]).unwrap_err(), failure);
}

#[test]
fn default_mappings_name_existing_fields_in_order() {
    let catalogue = Catalogue::standard(Version::V2_0);
    let mut at = 0;
    for mapping in default_mappings() {
        let position = catalogue.position(mapping.code).unwrap();
        assert!(position >= at, "{} is out of order", mapping.code);
        at = position;
        assert_eq!(mapping.create_only, catalogue.fields()[position].write_only);
        assert_eq!(mapping.masked, catalogue.fields()[position].write_only);
    }
    assert_eq!(default_mappings()[0].code, "userName");
}

// ---- generated users ----

/// Generates a record with values for some fields.
fn any_record() -> impl Strategy<Value = Record> {
    let fields = Catalogue::standard(Version::V2_0).fields().to_vec();
    let chosen: Vec<_> = fields
        .into_iter()
        .map(|field| {
            let value = "[a-zA-Z0-9@ \\\\\"ßé.]{1,6}";
            let values_max = if field.multi_valued { 3 } else { 1 };
            let values = proptest::collection::btree_set(value, 1..=values_max);
            proptest::option::weighted(0.3, values.prop_map(move |v| (field.code.clone(), Vec::from_iter(v))))
        })
        .collect();
    (chosen, any::<bool>(), "[a-z]{1,6}").prop_map(|(fields, enabled, user_name)| {
        let mut fields: BTreeMap<_, _> = fields.into_iter().flatten().collect();
        fields.entry("userName".to_owned()).or_insert_with(|| vec![user_name]);
        Record { enabled, fields, ..Record::default() }
    })
}

fn any_text() -> impl Strategy<Value = Value> {
    prop_oneof![3 => "[a-c@]{0,2}".prop_map(Value::from), 1 => Just(Value::Null), 1 => any::<i8>().prop_map(Value::from)]
}

fn any_entry(subs: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        2 => Just(None),
        6 => proptest::sample::select(vec!["work", "Work", "home", "other", "mobile", "photo", "desk", ""]).prop_map(|k| Some(json!(k))),
        1 => Just(Some(Value::Null)),
    ];
    let primary = proptest::option::of(prop_oneof![Just(json!(true)), Just(json!(false)), Just(json!("true"))]);
    let parts = proptest::collection::vec((proptest::sample::select(subs), any_text()), 0..3);
    let object = (kind, primary, parts, any::<bool>()).prop_map(|(kind, primary, parts, extra)| {
        let mut entry = Object::new();
        entry.extend(parts.into_iter().map(|(sub, value)| (sub.to_owned(), value)));
        entry.extend(kind.map(|kind| ("type".to_owned(), kind)));
        entry.extend(primary.map(|primary| ("primary".to_owned(), primary)));
        if extra {
            entry.insert("x-verified".into(), json!({"by": ["hand"]}));
            entry.insert("display".into(), json!("shown"));
        }
        Value::Object(entry)
    });
    prop_oneof![8 => object, 1 => any_text()]
}

/// Generates a multi-valued attribute with a right or wrong structure.
fn any_list(subs: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => proptest::collection::vec(any_entry(subs), 0..4).prop_map(Value::from),
        1 => any_entry(subs),
    ]
}

/// Generates a resource in which each attribute has a right or wrong structure.
fn any_resource() -> impl Strategy<Value = Value> {
    const VALUE: &[&str] = &["value"];
    const ADDRESS: &[&str] = &["streetAddress", "locality", "region", "Country"];
    let name = prop_oneof![
        3 => proptest::collection::vec((proptest::sample::select(vec!["givenName", "familyName", "x-clan"]), any_text()), 0..3)
            .prop_map(|parts| Value::Object(parts.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        1 => any_text(),
    ];
    let extension = prop_oneof![
        3 => (any_text(), any_text()).prop_map(|(a, b)| json!({"department": a, "manager": {"value": b.clone(), "managerId": b}, "x-desk": 4})),
        1 => any_text(),
    ];
    let members = (
        (any_text(), any_text(), name, extension),
        (any_list(VALUE), any_list(VALUE), any_list(ADDRESS), any_list(VALUE), any_list(VALUE)),
        proptest::collection::vec(any::<bool>(), 10),
        prop_oneof![Just(json!(true)), Just(json!("False")), Just(json!(0)), Just(Value::Null)],
    );
    members.prop_map(|((user, title, name, extension), (emails, phones, addresses, roles, ims), present, active)| {
        let all = [
            ("userName", user),
            ("TITLE", title),
            ("name", name),
            (fields::ENTERPRISE_2, extension.clone()),
            (fields::ENTERPRISE_1, extension),
            ("emails", emails),
            ("phoneNumbers", phones),
            ("addresses", addresses),
            ("Roles", roles),
            ("ims", ims),
        ];
        let mut resource: Object =
            all.into_iter().zip(present).filter(|(_, present)| *present).map(|((k, v), _)| (k.to_owned(), v)).collect();
        resource.insert("active".into(), active);
        resource.insert("id".into(), json!("42"));
        resource.insert("x-unmapped".into(), json!({"deep": [1, {"er": null}]}));
        Value::Object(resource)
    })
}

/// Generates any JSON, with member names that the mapping uses.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,4}".prop_map(Value::from),
        Just(json!("work")),
    ];
    let names = proptest::sample::select(vec![
        "emails",
        "EMAILS",
        "addresses",
        "name",
        "roles",
        "type",
        "value",
        "primary",
        "active",
        "schemas",
        "meta",
        "$ref",
        "id",
        "password",
        "manager",
        "title",
        "locality",
        "",
        fields::ENTERPRISE_1,
        fields::ENTERPRISE_2,
    ]);
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

/// Returns every unmapped member with its path. Skips the entries of roles: the list is written whole, so the members of a
/// removed entry are lost.
fn unmapped(value: &Value) -> Vec<String> {
    fn walk(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    if name == "Roles" {
                        continue;
                    }
                    if name.starts_with("x-") {
                        found.push(format!("{at}/{name}={value}"));
                    } else {
                        walk(&format!("{at}/{name}"), value, found);
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| walk(at, value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk("", value, &mut found);
    found.sort();
    found
}

fn primaries(value: &Value) -> usize {
    value.as_array().map_or(0, |list| list.iter().filter(|entry| resource::is_primary(entry)).count())
}

fn no_two_primaries(resource: &Value) -> bool {
    ["emails", "phoneNumbers", "addresses", "ims", "photos", "Roles", "roles"]
        .iter()
        .all(|name| primaries(&resource[*name]) < 2)
}

/// Applies a patch of SCIM 2.0 as a target does: the part of RFC 7644 section 3.5.2 that the mapping uses.
fn apply(current: &Value, patch: &Value) -> Value {
    let mut resource = current.as_object().unwrap().clone();
    for operation in patch["Operations"].as_array().unwrap() {
        let (op, path) = (operation["op"].as_str().unwrap(), operation["path"].as_str().unwrap());
        let (urn, path) = match path[..path.find('[').unwrap_or(path.len())].rfind(':') {
            Some(at) => (Some(&path[..at]), &path[at + 1..]),
            None => (None, path),
        };
        let container = match urn {
            None => &mut resource,
            Some(urn) => {
                let extension = resource.entry(urn.to_owned()).or_insert(json!({}));
                if !extension.is_object() {
                    *extension = json!({});
                }
                extension.as_object_mut().unwrap()
            }
        };
        let (attribute, filter, sub) = match path.split_once('[') {
            Some((attribute, rest)) => {
                let (filter, sub) = rest.rsplit_once(']').unwrap();
                (attribute, filter.strip_prefix("type eq "), sub.strip_prefix('.'))
            }
            None => path.split_once('.').map_or((path, None, None), |(attribute, sub)| (attribute, None, Some(sub))),
        };
        let key =
            container.keys().find(|key| key.eq_ignore_ascii_case(attribute)).cloned().unwrap_or(attribute.to_owned());
        let value = operation["value"].clone();
        match (op, filter, sub) {
            ("remove", None, None) => drop(container.remove(&key)),
            ("replace", None, None) => drop(container.insert(key, value)),
            ("add", None, None) => {
                let list = container.entry(key).or_insert(json!([]));
                list.as_array_mut().unwrap().extend(value.as_array().unwrap().iter().cloned());
            }
            (_, None, Some(sub)) => {
                let complex = container.entry(key).or_insert(json!({}));
                if !complex.is_object() {
                    *complex = json!({});
                }
                set_member(complex, sub, op, value);
            }
            (_, Some(filter), sub) => {
                let kind: String = serde_json::from_str(filter).unwrap();
                let list = container.get_mut(&key).unwrap().as_array_mut().unwrap();
                let matches = |entry: &Value| entry["type"] == json!(kind);
                assert_eq!(list.iter().filter(|entry| matches(entry)).count(), 1, "a filter must match one entry");
                match sub {
                    None => list.retain(|entry| !matches(entry)),
                    Some(sub) => set_member(list.iter_mut().find(|entry| matches(entry)).unwrap(), sub, op, value),
                }
            }
            other => panic!("{other:?}"),
        }
    }
    Value::Object(resource)
}

fn set_member(object: &mut Value, name: &str, op: &str, value: Value) {
    let object = object.as_object_mut().unwrap();
    object.retain(|key, _| !key.eq_ignore_ascii_case(name));
    if op == "replace" {
        object.insert(name.to_owned(), value);
    }
}

/// Applies a partial resource of SCIM 1.1 as a target does: removes attributes, then merges.
fn apply_partial(current: &Value, partial: &Value) -> Value {
    fn merge(base: &mut Object, changes: &Object) {
        for (name, value) in changes {
            let key = base.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned().unwrap_or(name.clone());
            match (base.get_mut(&key), value) {
                (Some(Value::Object(base)), Value::Object(changes)) => merge(base, changes),
                _ => drop(base.insert(key, value.clone())),
            }
        }
    }
    let mut resource = current.as_object().unwrap().clone();
    for path in partial["meta"]["attributes"].as_array().into_iter().flatten() {
        let path = path.as_str().unwrap();
        let operation = json!({"Operations": [{"op": "remove", "path": path}]});
        resource = apply(&Value::Object(resource), &operation).as_object().unwrap().clone();
    }
    let mut changes = partial.as_object().unwrap().clone();
    changes.remove("meta");
    merge(&mut resource, &changes);
    Value::Object(resource)
}

#[test]
fn a_field_is_written_if_another_field_takes_its_untyped_entry() {
    let current = json!({"id": "42", "userName": "a", "phoneNumbers": ["@"]});
    let source = record([("userName", &["a"][..]), ("workPhone", &["a"]), ("pagerPhone", &["@"])]);
    for version in VERSIONS {
        let catalogue = Catalogue::standard(version);
        let changes = catalogue.changes(&current, &source, &[]).unwrap();
        let body = catalogue.put_body(&current, &changes, None).unwrap();
        assert_eq!(catalogue.changes(&body, &source, &[]).unwrap(), [], "{body}");
    }
}

proptest! {
    // Half of the default number of cases, or of PROPTEST_CASES, because these cases are slow.
    #![proptest_config({
        let default = ProptestConfig::default();
        ProptestConfig { cases: default.cases.div_ceil(2), failure_persistence: None, ..default }
    })]

    #[test]
    fn a_record_is_the_same_after_write_and_read(record in any_record()) {
        for version in VERSIONS {
            let catalogue = Catalogue::standard(version);
            let resource = catalogue.resource(&record, record.enabled).unwrap();
            let read = catalogue.record(&resource);
            prop_assert_eq!(&read.fields, &record.fields);
            prop_assert_eq!(read.enabled, record.enabled);
            prop_assert_eq!(read.id, None);
            prop_assert!(no_two_primaries(&resource));
            for name in ["emails", "phoneNumbers", "addresses", "ims", "photos"] {
                prop_assert_eq!(primaries(&resource[name]), usize::from(resource[name].is_array()));
            }
        }
    }

    #[test]
    fn an_update_keeps_unmapped_members_and_needs_no_second_update(current in any_resource(), record in any_record()) {
        for version in VERSIONS {
            let catalogue = Catalogue::standard(version);
            let changes = catalogue.changes(&current, &record, &[]).unwrap();
            let body = catalogue.put_body(&current, &changes, None).unwrap();
            // A member without a value equals an absent member.
            let mut before = current.clone();
            super::resource::remove_computed_and_empty(&mut before, false);
            prop_assert_eq!(unmapped(&body), unmapped(&before));
            prop_assert!(no_two_primaries(&body), "{}", body);
            prop_assert_eq!(catalogue.changes(&body, &record, &[]).unwrap(), [], "{}", body);
            prop_assert_eq!(catalogue.record(&body).enabled, catalogue.record(&current).enabled);
            let again = catalogue.put_body(&body, &[], None).unwrap();
            prop_assert_eq!(again, body);
        }
    }

    #[test]
    fn a_patch_and_a_put_have_the_same_result(
        current in any_resource(),
        record in any_record(),
        clearable in proptest::sample::subsequence(
            vec!["title", "givenName", "workEmail", "homeEmail", "workPhone", "workCity", "workState", "homeCity", "roles", "department", "manager"], 0..=11),
        active in proptest::option::of(any::<bool>()),
    ) {
        let clearable: Vec<String> = clearable.into_iter().map(str::to_owned).collect();
        for version in VERSIONS {
            let catalogue = Catalogue::standard(version);
            let changes = catalogue.changes(&current, &record, &clearable).unwrap();
            let body = catalogue.put_body(&current, &changes, active).unwrap();
            for paths in [PatchPaths::Filtered, PatchPaths::Whole] {
                let patch = catalogue.patch_body(&current, &changes, active, paths).unwrap();
                let patched = match version {
                    Version::V1_1 => apply_partial(&current, &patch),
                    Version::V2_0 => apply(&current, &patch),
                };
                prop_assert_eq!(catalogue.record(&patched), catalogue.record(&body), "{}", patch);
            }
        }
    }

    #[test]
    fn any_json_is_accepted_as_a_resource(current in any_json(), record in any_record()) {
        for version in VERSIONS {
            let catalogue = Catalogue::standard(version);
            let clearable: Vec<String> = catalogue.fields().iter().map(|field| field.code.clone()).collect();
            catalogue.record(&current);
            let changes = catalogue.changes(&current, &record, &clearable).unwrap();
            catalogue.put_body(&current, &changes, Some(false)).unwrap();
            for paths in [PatchPaths::Filtered, PatchPaths::Whole] {
                catalogue.patch_body(&current, &changes, Some(true), paths).unwrap();
            }
        }
    }
}
