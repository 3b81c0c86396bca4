//! Writes PingOne files: the connection and rule of a preset, and the store of an SP connection's settings.
//! Does not know: how a PingOne file is read.
//!
//! Values that only the administrator knows are placeholders.

use std::collections::BTreeMap;

use pfscim_core::scim::Identifier;
use pfscim_core::settings::{FieldSource, PLACEHOLDER, Preset, setting};
use serde_json::{Map, Value, json};

use crate::connection::pingone::CUSTOM_HEADER;
use crate::connection::pingone::attributes::{self, Attribute, DEFAULT_MAPPING};

/// The keys of a store's configuration, in the order of the console, with the names of the settings.
const KEYS: [(&str, &str); 20] = [
    ("SCIM_URL", "SCIM_URL"),
    ("USERS_RESOURCE", "USERS_RESOURCE"),
    ("GROUPS_RESOURCE", "GROUPS_RESOURCE"),
    ("SCIM_VERSION", "SCIM_VERSION"),
    ("AUTHENTICATION_METHOD", "AUTHENTICATION_METHOD"),
    ("BASIC_AUTH_USER", "BASIC_AUTH_USER"),
    ("BASIC_AUTH_PASSWORD", "BASIC_AUTH_PASSWORD"),
    ("OAUTH_ACCESS_TOKEN", "OAUTH_ACCESS_TOKEN"),
    ("OAUTH_TOKEN_REQUEST", "OAUTH_TOKEN_REQUEST"),
    ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_ID"),
    ("OAUTH_CLIENT_SECRET", "OAUTH_CLIENT_SECRET"),
    ("AUTHORIZATION_TYPE", "AUTHORIZATION_TYPE"),
    ("USER_FILTER", "USER_FILTER"),
    ("UNIQUE_USER_IDENTIFIER", "UNIQUE_USER_IDENTIFIER"),
    ("CREATE_USERS", "CREATE_USERS_PROV_OPT"),
    ("UPDATE_USERS", "UPDATE_USERS_PROV_OPT"),
    ("DISABLE_USERS", "REMOVE_USERS_PROV_OPT"),
    ("REMOVE_ACTION", "REMOVE_ACTION"),
    ("GROUP_NAME_SOURCE", "GROUP_NAME_SOURCE"),
    ("SCHEMA_EXTENSION_URNS", "SCHEMA_EXTENSION_URNS"),
];
/// Values that PingOne's API requires, for settings that may be blank here.
const REQUIRED_VALUES: [(&str, &str); 2] = [("USERS_RESOURCE", "/Users"), ("GROUPS_RESOURCE", "/Groups")];

/// Returns the connection and rule of a preset.
pub fn file(preset: &Preset) -> Value {
    let (mut configuration, more) = configuration(&preset.settings);
    // PingOne does not have these settings, but pfscim reads them from the store.
    configuration.extend(more.into_iter().map(|(name, value)| (name, value.into())));
    parts(store(None, &preset.title, true, configuration), rule(&preset.name, true), mappings(&preset.mapping))
}

/// Returns a complete file. The source of its users is PingOne's API.
pub(super) fn parts(store: Value, rule: Value, mappings: Vec<Value>) -> Value {
    json!({
        "store": store,
        "rule": rule,
        "mappings": mappings,
        "source": {
            "apiPath": format!("https://api.pingone.{PLACEHOLDER}/v1"),
            "authPath": format!("https://auth.pingone.{PLACEHOLDER}"),
            "environment": PLACEHOLDER,
            "clientId": PLACEHOLDER,
        },
    })
}

pub(super) fn store(id: Option<&str>, name: &str, active: bool, configuration: Map<String, Value>) -> Value {
    let mut store = Map::from_iter([("type".to_owned(), "scim".into())]);
    store.extend(id.map(|id| ("id".to_owned(), id.into())));
    store.insert("name".into(), name.into());
    store.insert("status".into(), if active { "ACTIVE" } else { "INACTIVE" }.into());
    store.insert("configuration".into(), configuration.into());
    store.into()
}

/// Returns a rule with a placeholder for the population.
pub(super) fn rule(name: &str, active: bool) -> Value {
    json!({
        "name": name,
        "active": active,
        "userFilter": {
            "all": [{"attribute": "Population Name", "operator": "Equals", "value": PLACEHOLDER}],
        },
        "groups": [],
    })
}

/// Returns the configuration of a store for these settings (by name), and the settings that a store does not have and
/// that differ from their defaults.
pub(super) fn configuration(settings: &BTreeMap<String, String>) -> (Map<String, Value>, Vec<(String, String)>) {
    let value_of = |name: &str| match settings.get(name).map_or("", String::as_str) {
        "" => setting(name).map_or("", |setting| setting.default),
        value => value,
    };
    let method = value_of("AUTHENTICATION_METHOD").to_owned();
    let mut configuration = Map::new();
    for (key, name) in KEYS {
        let Some(setting) = setting(name) else { continue };
        // Settings of another authentication method have no effect.
        if setting.method.is_some_and(|required| required != method) {
            continue;
        }
        let value = match (name, value_of(name)) {
            ("AUTHORIZATION_TYPE", scheme) => {
                let (kind, header) = authorization_type(scheme, &method);
                configuration.extend(header.map(|header| (CUSTOM_HEADER.to_owned(), header.into())));
                kind.to_owned()
            }
            ("USER_FILTER", "") if value_of("UNIQUE_USER_IDENTIFIER") == "workEmail" => {
                Identifier::WorkEmail.default_filter().to_owned()
            }
            ("USER_FILTER", "") => Identifier::UserName.default_filter().to_owned(),
            (_, "") => {
                REQUIRED_VALUES.iter().find(|(required, _)| *required == name).map_or("", |(_, value)| value).to_owned()
            }
            (_, value) => value.to_owned(),
        };
        let is_option = name.ends_with("_PROV_OPT");
        match value.as_str() {
            "" => {}
            _ if is_option => drop(configuration.insert(key.into(), value.eq_ignore_ascii_case("true").into())),
            _ => drop(configuration.insert(key.into(), value.into())),
        }
    }
    configuration.insert("GROUP_MEMBERSHIP_HANDLING".into(), "Overwrite".into());
    let has_key = |name: &str| KEYS.iter().any(|(_, setting)| *setting == name);
    let differs = |name: &str, value: &str| setting(name).is_some_and(|s| !value.is_empty() && s.default != value);
    let more = settings.iter().filter(|(name, value)| !has_key(name) && differs(name, value));
    (configuration, more.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Returns *Auth Type Header*, and *Custom Header* if it is Custom.
fn authorization_type<'s>(scheme: &'s str, method: &str) -> (&'static str, Option<&'s str>) {
    match (scheme, method) {
        ("", "OAuth 2 Bearer Token") | ("Bearer", _) => ("Bearer", None),
        ("", "OAuth 2 Client Credentials") => ("OAuth Client Credentials", None),
        ("", _) => ("Basic", None),
        (scheme, _) => ("Custom", Some(scheme)),
    }
}

fn mappings(rows: &[FieldSource]) -> Vec<Value> {
    if rows.is_empty() {
        return DEFAULT_MAPPING.iter().map(|(field, label)| mapping(Some(label), field, None)).collect();
    }
    let to_mapping = |row: &FieldSource| {
        let directory = || row.active_directory().or(row.ldap()).and_then(attributes::of_directory);
        let attribute = row.ping_one.as_deref().and_then(attributes::attribute).or_else(directory);
        let source = attribute.map(|Attribute { label, .. }| *label);
        (source.is_some() || row.default.is_some()).then(|| mapping(source, &row.field, row.default.as_deref()))
    };
    rows.iter().filter_map(to_mapping).collect()
}

/// Returns one row in the format of PingOne's API, plus `defaultValue`.
pub(super) fn mapping(source: Option<&str>, target: &str, default: Option<&str>) -> Value {
    let mut row = Map::new();
    row.extend(source.map(|source| ("sourceAttribute".to_owned(), source.into())));
    row.insert("targetAttribute".into(), target.into());
    row.extend(default.map(|default| ("defaultValue".to_owned(), default.into())));
    row.into()
}

#[cfg(test)]
mod tests {
    use pfscim_core::settings::{preset, presets};

    use super::*;
    use crate::prepare::inspect::{Findings, inspect};

    #[test]
    fn the_file_of_every_preset_has_no_findings_after_it_is_filled_in() {
        for preset in presets() {
            let text = file(preset).to_string();
            let findings = inspect(&text, &[]);
            let placeholders = preset.settings.values().filter(|value| value.contains(PLACEHOLDER)).count();
            assert_eq!(findings.errors.len(), placeholders + 5, "{}: {:?}", preset.name, findings.errors);
            assert!(findings.errors.iter().all(|e| e.contains(PLACEHOLDER)), "{:?}", findings.errors);
            let secret =
                [(crate::connection::pingone::CLIENT_SECRET.to_owned(), pfscim_core::settings::Secret::new("x"))];
            assert_eq!(inspect(&text.replace(PLACEHOLDER, "filled"), &secret), Findings::default(), "{}", preset.name);
        }
    }

    #[test]
    fn code42_has_the_settings_and_the_mapping_of_its_guide() {
        let file = file(preset("code42-pingone").unwrap());
        let configuration = &file["store"]["configuration"];
        for (key, value) in [
            ("AUTHORIZATION_TYPE", json!("Bearer")),
            ("USER_FILTER", json!("username Eq \"%s\"")),
            ("UNIQUE_USER_IDENTIFIER", json!("userName")),
            ("REMOVE_ACTION", json!("Disable")),
            ("CREATE_USERS", json!(true)),
            ("GROUP_MEMBERSHIP_HANDLING", json!("Overwrite")),
        ] {
            assert_eq!(configuration[key], value, "{key}");
        }
        assert_eq!(configuration.get("OAUTH_CLIENT_ID"), None, "of another method");
        let rows = file["mappings"].as_array().unwrap();
        let source = |target: &str| {
            let row = rows.iter().find(|row| row["targetAttribute"] == target).unwrap();
            row["sourceAttribute"].as_str().unwrap().to_owned()
        };
        for (target, label) in [
            ("userName", "Username"),
            ("givenName", "Given Name"),
            ("familyName", "Family Name"),
            ("workPhone", "Primary Phone"),
            ("workEmail", "Email Address"),
            ("externalId", "External ID"),
            ("workCity", "Locality"),
            ("workStreetAddress", "Street Address"),
            ("workCountry", "Country Code"),
            ("workPostalCode", "Postal Code"),
            ("userType", "Type"),
            ("title", "Title"),
            ("nickName", "Nickname"),
            ("formattedName", "Formatted"),
        ] {
            assert_eq!(source(target), label);
        }
        assert_eq!(rows.len(), 14);
    }

    #[test]
    fn the_authorization_scheme_becomes_the_auth_type_header() {
        for (scheme, method, kind, header) in [
            ("", "None", "Basic", None),
            ("", "OAuth 2 Client Credentials", "OAuth Client Credentials", None),
            ("Bearer", "OAuth 2 Client Credentials", "Bearer", None),
            ("SSWS", "OAuth 2 Bearer Token", "Custom", Some("SSWS")),
        ] {
            assert_eq!(authorization_type(scheme, method), (kind, header));
        }
    }
}
