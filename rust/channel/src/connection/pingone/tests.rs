//! Tests of reading a PingOne file.

use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::Version;
use pfscim_core::settings::{Secret, Settings};
use serde_json::{Value, json};

use super::rule::{CLIENT_SECRET, NamedObjects};
use crate::connection::*;
use crate::directory::{Entry, Value as Text};
use crate::mapping::RecordMapper;
use crate::prepare::inspect::inspect;

fn file() -> Value {
    json!({
        "store": {
            "type": "scim", "id": "s1", "name": "Code42", "status": "ACTIVE", "_links": {},
            "configuration": {
                "SCIM_URL": "https://scim.example.com", "SCIM_VERSION": "2.0", "USERS_RESOURCE": "/Users",
                "AUTHENTICATION_METHOD": "OAuth 2 Bearer Token", "OAUTH_ACCESS_TOKEN": "t0p-s3cret",
                "AUTHORIZATION_TYPE": "Bearer", "USER_FILTER": "username Eq \"%s\"",
                "UNIQUE_USER_IDENTIFIER": "userName", "CREATE_USERS": true
            }
        },
        "rule": {
            "name": "Backup", "active": true,
            "userFilter": {"all": [{"attribute": "Population Name", "operator": "Equals", "value": "Employees"}]}
        },
        "source": {"files": ["users.json"]}
    })
}

fn read(file: &Value) -> Result<Connection, String> {
    Connection::read_all(&file.to_string()).map_err(|errors| errors.join("\n"))
}

/// Returns the settings of the target, with these keys added to the configuration.
fn settings(more: Value) -> Settings {
    let mut file = file();
    file["store"]["configuration"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let pairs = read(&file).unwrap().pairs(&[]).unwrap();
    Settings::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.expose()))).unwrap()
}

/// Returns the errors of the file with one value changed.
fn errors_with(pointer: &str, value: Value) -> String {
    let mut file = file();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    file.pointer_mut(parent).unwrap()[name] = value;
    let errors = read(&file).unwrap_err();
    assert!(!errors.contains("s3cret"), "{errors}");
    errors
}

#[test]
fn a_file_becomes_a_connection_with_one_channel() {
    let connection = read(&file()).unwrap();
    assert_eq!((connection.id.as_str(), connection.name.as_str()), ("s1", "Code42"));
    let channel = connection.channel(None).unwrap();
    assert_eq!(channel.name, "Backup");
    let rule = connection.rule.as_ref().unwrap();
    assert_eq!(rule.named, NamedObjects { populations: vec!["Employees".into()], groups: Vec::new() });
    assert_eq!((rule.inactive_reason.as_deref(), rule.active), (None, true));
    assert!(channel.channel_source.group_location().is_none());
    assert_eq!(inspect(&file().to_string(), &[]), crate::prepare::inspect::Findings::default());
}

#[test]
fn keys_of_the_store_are_settings_of_the_target() {
    let filter = settings(json!({})).filter;
    assert_eq!(filter, "username Eq \"%s\"", "unchanged");
    let options = settings(
        json!({"createNewUsers": true, "updateNewUsers": "false", "DISABLE_USERS": false, "REMOVE_ACTION": "Delete"}),
    );
    assert_eq!((options.create, options.update, options.remove), (true, false, false));
    for (header_type, header, expected) in [
        ("Basic", "", None),
        ("Bearer", "", Some("Bearer")),
        ("OAuth Client Credentials", "", None),
        ("Custom", " SSWS ", Some("SSWS")),
        ("Token", "", Some("Token")),
    ] {
        let settings = settings(json!({"AUTHORIZATION_TYPE": header_type, "CUSTOM_HEADER": header}));
        assert_eq!(settings.authorization_type.as_deref(), expected, "{header_type}");
    }
    for (handling, merge) in [("Merge", true), ("Overwrite", false), ("", false)] {
        let mut file = file();
        file["store"]["configuration"]["GROUP_MEMBERSHIP_HANDLING"] = handling.into();
        assert_eq!(read(&file).unwrap().channels[0].merge_groups, merge, "{handling}");
    }
}

#[test]
fn errors_in_the_store_are_named_without_values() {
    let key = |name: &str, value: Value| errors_with(&format!("/store/configuration/{name}"), value);
    assert!(key("createNewUsers", json!(false)).contains("two names of CREATE_USERS_PROV_OPT have different values"));
    assert!(key("OAUTH_ACCESS_TOKEN", json!(["t0p-s3cret"])).contains("OAUTH_ACCESS_TOKEN: the value is not text"));
    assert!(key("AUTHORIZATION_TYPE", json!("Custom")).contains("CUSTOM_HEADER is missing; set CUSTOM_HEADER"));
    assert!(key("GROUP_MEMBERSHIP_HANDLING", json!("Add")).contains("must be one of Merge, Overwrite"));
    assert!(errors_with("/store/type", json!("ldap")).contains("store.type: is `ldap`"));
    assert!(errors_with("/store/configuration", json!(null)).contains("store.configuration: is missing"));
    let mut unknown = file();
    unknown["store"]["configuration"]["SCIM_URI"] = "x".into();
    assert!(inspect(&unknown.to_string(), &[]).errors[0].contains("unknown setting \"SCIM_URI\""));
    let store = file()["store"].clone();
    assert!(read(&store).unwrap_err().contains("a PingOne store without a rule"));
}

#[test]
fn all_errors_in_the_rule_are_named_together() {
    assert!(errors_with("/rule", json!(null)).contains("rule: is missing"));
    assert!(errors_with("/rule/userFilter", json!(null)).contains("rule: has no user filter"));
    assert!(
        errors_with("/rule/populationExpression", json!("population.id eq \"p\""))
            .contains("more than one user filter")
    );
    assert!(errors_with("/rule/userFilter", json!({"all": []})).contains("rule.userFilter.all: is not a list"));
    assert!(errors_with("/rule/targetStore", json!({"id": "other"})).contains("not the store in this file"));
    assert!(errors_with("/rule/sourceStore", json!({"id": "s1"})).contains("bring users into PingOne"));
    assert!(errors_with("/rule/groups", json!([{}])).contains("a group has no id and no name"));
    assert!(errors_with("/rules", json!([])).contains("`rules` is not a key of a PingOne file"));
    assert!(errors_with("/source", json!(null)).contains("source: is missing"));
    assert!(errors_with("/source/files", json!([])).contains("source.files"));
    assert!(errors_with("/source", json!({"apiPath": "x", "clientID": "y"})).contains("`clientID` is not a key"));
    let mut many = file();
    many["rule"]["userFilter"] = json!({});
    many["source"] = json!({});
    many["mappings"] = json!([{"targetAttribute": "x"}]);
    assert_eq!(read(&many).unwrap_err().lines().count(), 6, "{}", read(&many).unwrap_err());
    let mut grouped = file();
    grouped["rule"]["groups"] = json!([{"name": "Staff"}]);
    grouped["store"]["configuration"]["GROUP_NAME_SOURCE"] = "Distinguished Name".into();
    assert!(read(&grouped).unwrap_err().contains("choose Common Name"));
}

#[test]
fn the_filter_of_the_api_is_read() {
    let mut file = file();
    file["rule"].as_object_mut().unwrap().remove("userFilter");
    file["rule"]["populationExpression"] = "population.id eq \"p1\"".into();
    assert_eq!(read(&file).unwrap().rule.unwrap().named.populations, ["p1"]);
    file["rule"]["populationExpression"] = "".into();
    file["rule"]["populations"] = json!([{"id": "p1"}, "p2"]);
    assert_eq!(read(&file).unwrap().rule.unwrap().named.populations, ["p1", "p2"]);
}

#[test]
fn a_disabled_connection_plan_or_rule_is_named() {
    for (pointer, value, expected, is_error) in [
        ("/store/status", json!("INACTIVE"), "the connection is disabled", true),
        ("/plan", json!({"status": "INACTIVE"}), "the plan is disabled", true),
        ("/rule/active", json!(false), "the rule is off", false),
    ] {
        let mut file = file();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        file.pointer_mut(parent).unwrap()[name] = value;
        let reason = read(&file).unwrap().rule.unwrap().inactive_reason.unwrap();
        assert!(reason.starts_with(expected), "{reason}");
        let findings = inspect(&file.to_string(), &[]);
        assert_eq!(if is_error { findings.errors } else { findings.warnings }, [reason]);
    }
}

/// Returns the record of a user with these values, mapped with these rows.
fn mapped(mappings: Value, user: &[(&str, &str)]) -> std::collections::BTreeMap<String, Vec<String>> {
    let mut file = file();
    file["mappings"] = mappings;
    let connection = read(&file).unwrap();
    let mut entry = Entry::row(String::new());
    for (name, value) in user {
        entry.push(name, Text::from(*value));
    }
    let catalogue = Catalogue::standard(Version::V2_0);
    let mapper = RecordMapper::new(&connection.channels[0], &catalogue, "userName", None).unwrap();
    mapper.record(&entry, true).unwrap().0.fields
}

const ADA: [(&str, &str); 8] = [
    ("username", "ada"),
    ("name.given", "Ada"),
    ("name.family", "King"),
    ("email", "ada@example.com"),
    ("primaryPhone", "+1"),
    ("address.streetAddress", "Main Street 1"),
    ("skills", "Math"),
    ("skills", "Poetry"),
];

fn row(source: &str, target: &str) -> Value {
    json!({"sourceAttribute": source, "targetAttribute": target})
}

#[test]
fn a_rule_without_mappings_has_the_five_default_rows() {
    for empty in [json!(null), json!([]), json!({"_embedded": {"mappings": []}})] {
        let fields = mapped(empty, &ADA);
        let pairs: Vec<_> = fields.iter().map(|(code, values)| (code.as_str(), values[0].as_str())).collect();
        let expected = [
            ("familyName", "King"),
            ("givenName", "Ada"),
            ("userName", "ada"),
            ("workEmail", "ada@example.com"),
            ("workPhone", "+1"),
        ];
        assert_eq!(pairs, expected);
    }
}

#[test]
fn attributes_are_mapped_by_label_or_path_with_defaults_and_their_first_value() {
    let rows = |more: Vec<Value>| {
        let mut rows = vec![
            row("Username", "userName"),
            row("name.family", "familyName"),
            row("Given Name", "givenName"),
            row("email", "workEmail"),
        ];
        rows.extend(more);
        json!(rows)
    };
    let mut defaulted = row("Type", "userType");
    defaulted["defaultValue"] = "Employee".into();
    for spelling in ["workStreetAddress", "workStreetAddeess"] {
        let rows = rows(vec![defaulted.clone(), row("Street Address", spelling)]);
        let fields = mapped(rows, &ADA);
        assert_eq!(fields["userType"], ["Employee"]);
        assert_eq!(fields["workStreetAddress"], ["Main Street 1"], "{spelling}");
    }
    let mut custom = file();
    custom["mappings"] = rows(vec![row("skills", "roles")]);
    assert!(read(&custom).unwrap_err().contains("`skills` is not an attribute"));
    custom["customAttributes"] = json!(["skills"]);
    let connection = read(&custom).unwrap();
    let mut entry = Entry::row(String::new());
    ADA.iter().for_each(|(name, value)| entry.push(name, Text::from(*value)));
    let catalogue = Catalogue::standard(Version::V2_0);
    let mapper = RecordMapper::new(&connection.channels[0], &catalogue, "userName", None).unwrap();
    assert_eq!(mapper.record(&entry, true).unwrap().0.fields["roles"], ["Math"]);
}

#[test]
fn rows_that_cannot_be_mapped_are_errors() {
    for (row, expected) in [
        (json!({"sourceAttribute": "Username"}), "mappings[0]: targetAttribute: is missing"),
        (row("Shoe Size", "title"), "mappings[0]: sourceAttribute: `Shoe Size` is not an attribute"),
        (row("Group", "title"), "Group can be used in a filter only"),
        (
            json!({"expression": "user.x", "targetAttribute": "title"}),
            "title: pfscim does not evaluate PingOne's expressions",
        ),
        (json!({"targetAttribute": "title"}), "title: sourceAttribute and defaultValue are missing"),
        (
            json!({"attributeMappingType": "groupAttributeMapping", "sourceAttribute": "description", "targetAttribute": "x"}),
            "only the name of a group",
        ),
    ] {
        let error = errors_with("/mappings", json!([row]));
        assert!(error.contains(expected), "{error}");
    }
    let mut name = row("name", "displayName");
    name["attributeMappingType"] = "groupAttributeMapping".into();
    assert_eq!(mapped(json!([name]), &ADA).len(), 5, "rows of groups leave the default rows of users");
}

#[test]
fn the_secret_of_the_worker_application_is_not_a_setting_of_the_target() {
    let mut live = file();
    live["source"] = json!({"apiPath": "https://api.pingone.example/v1", "authPath": "https://auth.pingone.example", "environment": "e1", "clientId": "w"});
    let findings = inspect(&live.to_string(), &[]);
    assert!(
        findings.errors.is_empty() && findings.warnings[0].contains("--secret PINGONE_CLIENT_SECRET="),
        "{findings:?}"
    );
    let secret = [(CLIENT_SECRET.to_owned(), Secret::new("x"))];
    assert_eq!(inspect(&live.to_string(), &secret), crate::prepare::inspect::Findings::default());
    live["source"]["clientSecret"] = json!(7);
    assert!(read(&live).unwrap_err().contains("source.clientSecret: is missing or not a text"));
}
