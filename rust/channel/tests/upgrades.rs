//! What earlier versions wrote: one connection for each released version, with every setting and every field that it had,
//! is read by this one, and means what it meant.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use pfscim_channel::connection::{Connection, SettingValue};
use pfscim_channel::mapping::Rules;
use pfscim_core::mapping::Catalogue;
use pfscim_core::target::{
    Authentication, GroupNameSource, Identifier, RemoveAction, Settings, UpdateMethod, Version, catalogue, setting,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/upgrades")
}

fn released(version: &str) -> Connection {
    Connection::read(&std::fs::read_to_string(folder().join(format!("{version}.json"))).unwrap()).unwrap()
}

/// The versions that there is a connection of.
fn versions() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The Target tab, with another value here and there.
fn pairs(connection: &Connection, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let given = connection.target_settings.iter().filter_map(|setting| match &setting.value {
        SettingValue::Given(value) => Some((setting.name.clone(), value.expose().to_owned())),
        SettingValue::Encrypted | SettingValue::Missing => None,
    });
    let mut pairs: Vec<_> = given.collect();
    for (name, value) in changes {
        pairs.iter_mut().find(|(known, _)| known == name).unwrap().1 = (*value).to_owned();
    }
    pairs
}

#[test]
fn this_version_is_among_them_with_each_of_its_settings_and_fields() {
    let this = released(env!("CARGO_PKG_VERSION"));
    for row in catalogue() {
        assert!(this.target_settings.iter().any(|setting| setting.name == row.name), "{} is not there", row.name);
    }
    for field in Catalogue::standard(Version::V2_0).fields() {
        let mapped = this.channels[0].attribute_mapping.iter().any(|row| row.field_name == field.code);
        assert!(mapped, "{} is not there", field.code);
    }
}

#[test]
fn every_setting_of_every_version_still_counts() {
    for version in versions() {
        let connection = released(&version);
        for method in setting("AUTHENTICATION_METHOD").unwrap().options {
            let chosen = ("AUTHENTICATION_METHOD", *method);
            let whole = Settings::examine(pairs(&connection, &[chosen])).expect(&version);
            for (name, _) in pairs(&connection, &[]) {
                let row = setting(&name).expect(&name);
                if name != chosen.0 && row.method.is_none_or(|m| m == *method) {
                    let without = Settings::examine(pairs(&connection, &[chosen, (&name, "")]));
                    assert_ne!(without.ok(), Some(whole.clone()), "{version}: {name} means nothing any more");
                }
            }
        }
    }
}

#[test]
fn every_channel_of_every_version_maps_the_same_fields() {
    for version in versions() {
        let connection = released(&version);
        for scim in [Version::V1_1, Version::V2_0] {
            for channel in &connection.channels {
                let (rules, wrong) = Rules::examine(channel, &Catalogue::standard(scim), "userName");
                assert_eq!((wrong, rules.left_out), (vec![], vec![]), "{version}");
            }
        }
    }
}

#[test]
fn the_settings_of_0_1_0_mean_what_they_meant() {
    let connection = released("0.1.0");
    let settings = Settings::parse(pairs(&connection, &[])).unwrap();
    assert_eq!(settings.scim_url.as_str(), "https://scim.example.com/v2");
    assert_eq!(settings.version, Version::V1_1);
    let Authentication::ClientCredentials { endpoint, client_id, client_secret, scopes } = &settings.authentication
    else {
        unreachable!("the connection signs in with client credentials")
    };
    assert_eq!(endpoint.as_str(), "https://login.example.com/as/token.oauth2");
    assert_eq!((client_id.as_str(), client_secret.expose()), ("pfscim", "client-secret"));
    assert_eq!(scopes, &["scim:read", "scim:write"]);
    assert_eq!(settings.identifier, Identifier::WorkEmail);
    assert_eq!(settings.filter, "emails.value eq \"%s\"");
    assert_eq!(settings.authorization_type.as_deref(), Some("Token"));
    assert_eq!((settings.users_path.as_str(), settings.groups_path.as_str()), ("/People", "/Teams"));
    assert_eq!(settings.results_per_page, Some(200));
    assert!(!settings.create && !settings.update && !settings.remove && settings.provision_disabled);
    assert_eq!(settings.remove_action, RemoveAction::Delete);
    assert_eq!(settings.group_name_source, GroupNameSource::DistinguishedName);
    assert!(settings.group_patch);
    assert_eq!(settings.extension_urns, ["urn:example:badge:1.0:User"]);
    assert_eq!(settings.update_method, UpdateMethod::Patch);
    assert_eq!(settings.max_removals, Some(25));
    assert_eq!(settings.clearable, ["title", "department"]);
    assert_eq!(settings.max_requests_per_second, Some(8));
    assert_eq!(settings.request_timeout, Duration::from_secs(12));

    let basic = Settings::parse(pairs(&connection, &[("AUTHENTICATION_METHOD", "Basic Authentication")])).unwrap();
    let Authentication::Basic { user, password } = &basic.authentication else {
        unreachable!("the connection signs in by name and password")
    };
    assert_eq!((user.as_str(), password.expose()), ("svc-scim", "basic-secret"));
    let bearer = Settings::parse(pairs(&connection, &[("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token")])).unwrap();
    let Authentication::Bearer { token } = &bearer.authentication else {
        unreachable!("the connection signs in with a token")
    };
    assert_eq!(token.expose(), "bearer-secret");

    let channel = &connection.channels[0];
    assert_eq!((channel.threads(), channel.timeout()), (4, Duration::from_secs(90)));
}
