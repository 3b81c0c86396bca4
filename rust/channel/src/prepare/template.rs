//! Writes a connection from a preset, in the format of PingFederate's administrative API (`SpConnection`).
//! Does not know: the presets; they are in core.
//!
//! Values that only the administrator knows are placeholders.

use pfscim_core::mapping::{DefaultMapping, default_mappings};
use pfscim_core::settings::{FieldSource, PLACEHOLDER, Preset, SettingKind, catalogue};
use serde_json::{Map, Value, json};

use crate::connection::PLUGIN_TYPE;

/// The kind of directory that a channel reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryType {
    /// Active Directory.
    ActiveDirectory,
    /// Another LDAP directory with the operational attributes of RFC 4512 and 4530.
    Ldap,
}

impl DirectoryType {
    fn channel_name(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "corp-ad",
            Self::Ldap => "corp-ldap",
        }
    }

    /// Returns *Source Settings* with the defaults of PingFederate for this kind of directory.
    fn source_settings(self) -> Value {
        match self {
            Self::ActiveDirectory => json!({
                "dataSource": {"id": PLACEHOLDER},
                "guidAttributeName": "objectGUID",
                "guidBinary": true,
                "changeDetectionSettings": {
                    "userObjectClass": "user",
                    "groupObjectClass": "group",
                    "changedUsersAlgorithm": "ACTIVE_DIRECTORY_USN",
                    "usnAttributeName": "uSNChanged",
                    "timeStampAttributeName": "whenChanged",
                },
                "groupMembershipDetection": {
                    "memberOfGroupAttributeName": "memberOf",
                    "groupMemberAttributeName": "member",
                },
                "accountManagementSettings": {
                    "accountStatusAttributeName": "userAccountControl",
                    "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_AD",
                    "defaultStatus": true,
                },
            }),
            Self::Ldap => json!({
                "dataSource": {"id": PLACEHOLDER},
                "guidAttributeName": "entryUUID",
                "guidBinary": false,
                "changeDetectionSettings": {
                    "userObjectClass": "inetOrgPerson",
                    "groupObjectClass": "groupOfNames",
                    "changedUsersAlgorithm": "TIMESTAMP_NO_NEGATION",
                    "timeStampAttributeName": "modifyTimestamp",
                },
                "groupMembershipDetection": {"groupMemberAttributeName": "member"},
                // Only a locked account has the attribute, so an account without it is enabled.
                "accountManagementSettings": {
                    "accountStatusAttributeName": "nsAccountLock",
                    "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG",
                    "flagComparisonValue": "true",
                    "flagComparisonStatus": false,
                    "defaultStatus": true,
                },
            }),
        }
    }
}

/// Returns the connection of a preset. It is inactive, and the administrator must replace every [`PLACEHOLDER`].
pub fn connection(preset: &Preset, source: DirectoryType) -> Value {
    let settings = catalogue().iter().filter(|setting| setting.kind != SettingKind::Heading).map(|setting| {
        let value = preset.settings.get(setting.name).map_or(setting.default, String::as_str);
        json!({"name": setting.name, "value": value})
    });
    sp_connection(
        &preset.name,
        &preset.title,
        false,
        json!({
            "type": PLUGIN_TYPE,
            "targetSettings": settings.collect::<Value>(),
            "channels": [channel(source, &preset.mapping)],
        }),
    )
}

/// Returns a connection with this `outboundProvision`.
pub(crate) fn sp_connection(id: &str, name: &str, active: bool, provision: Value) -> Value {
    json!({
        "type": "SP",
        "id": id,
        "entityId": id,
        "name": name,
        "active": active,
        "loggingMode": "STANDARD",
        "connectionTargetType": "STANDARD",
        "credentials": {"certs": []},
        "outboundProvision": provision,
    })
}

/// Returns a channel from a directory. Without a mapping it has the default mappings.
pub(crate) fn channel(source: DirectoryType, mapping: &[FieldSource]) -> Value {
    let mut settings = source.source_settings();
    settings["baseDn"] = PLACEHOLDER.into();
    settings["userSourceLocation"] = json!({"groupDN": PLACEHOLDER, "nestedSearch": false});
    settings["groupSourceLocation"] = json!({"filter": "", "nestedSearch": false});
    let rows: Vec<Value> = if mapping.is_empty() {
        default_mappings().iter().filter_map(|row| default_row(row, source)).collect()
    } else {
        mapping.iter().filter_map(|row| preset_row(row, source)).collect()
    };
    json!({
        "name": source.channel_name(),
        "active": true,
        "maxThreads": 1,
        "timeout": 60,
        "channelSource": settings,
        "attributeMapping": rows,
    })
}

fn row(field: &str, attribute: Option<&str>, details: Map<String, Value>) -> Value {
    let mut info = json!({"attributeNames": attribute.as_slice()});
    if let Value::Object(info) = &mut info {
        info.extend(details);
    }
    json!({"fieldName": field, "saasFieldInfo": info})
}

/// Returns `None` if this kind of directory has no attribute for the field, and the field has no details. Details such as
/// *Create Only* are kept, because the administrator is likely to map the field.
fn default_row(mapping: &DefaultMapping, source: DirectoryType) -> Option<Value> {
    let attribute = match source {
        DirectoryType::ActiveDirectory => mapping.active_directory.or(mapping.ldap),
        DirectoryType::Ldap => mapping.ldap,
    };
    let mut details = Map::new();
    for (key, set) in [("createOnly", mapping.create_only), ("masked", mapping.masked)] {
        if set {
            details.insert(key.into(), true.into());
        }
    }
    (attribute.is_some() || !details.is_empty()).then(|| row(mapping.code, attribute, details))
}

fn preset_row(mapping: &FieldSource, source: DirectoryType) -> Option<Value> {
    let attribute = match source {
        DirectoryType::ActiveDirectory => mapping.active_directory(),
        DirectoryType::Ldap => mapping.ldap(),
    };
    let mut details = Map::new();
    if let Some(default) = &mapping.default {
        details.insert("defaultValue".into(), default.as_str().into());
    }
    if mapping.trim_and_lower_case {
        details.insert("trim".into(), true.into());
        details.insert("characterCase".into(), "LOWER".into());
    }
    (attribute.is_some() || mapping.default.is_some()).then(|| row(&mapping.field, attribute, details))
}

#[cfg(test)]
mod tests {
    use pfscim_core::settings::{preset, presets};

    use super::*;
    use crate::prepare::inspect::inspect;

    const SOURCES: [DirectoryType; 2] = [DirectoryType::ActiveDirectory, DirectoryType::Ldap];

    /// Returns the connection with all placeholders replaced.
    fn filled(preset: &Preset, source: DirectoryType) -> String {
        let mut connection = connection(preset, source);
        let source = &mut connection["outboundProvision"]["channels"][0]["channelSource"];
        source["baseDn"] = "dc=example".into();
        source["userSourceLocation"]["groupDN"] = "cn=users,dc=example".into();
        connection.to_string().replace(PLACEHOLDER, "filled")
    }

    #[test]
    fn every_connection_of_a_preset_has_no_findings_after_it_is_filled_in() {
        for preset in presets() {
            for source in SOURCES {
                let findings = inspect(&filled(preset, source), &[]);
                assert_eq!(findings.errors, Vec::<String>::new(), "{} {source:?}", preset.name);
                assert_eq!(findings.warnings, Vec::<String>::new(), "{} {source:?}", preset.name);
            }
        }
    }

    #[test]
    fn every_placeholder_is_named() {
        for preset in presets() {
            for source in SOURCES {
                let text = connection(preset, source).to_string();
                let findings = inspect(&text, &[]);
                let placeholders = preset.settings.values().filter(|value| value.contains(PLACEHOLDER)).count();
                assert_eq!(findings.errors.len(), placeholders + 3, "{}: {:?}", preset.name, findings.errors);
                assert!(findings.errors.iter().all(|e| e.contains(PLACEHOLDER)), "{:?}", findings.errors);
            }
        }
    }

    #[test]
    fn settings_are_in_screen_order_with_the_values_of_the_preset() {
        let connection = connection(preset("contentful").unwrap(), DirectoryType::Ldap);
        let settings = connection["outboundProvision"]["targetSettings"].as_array().unwrap();
        let names: Vec<_> = settings.iter().map(|s| s["name"].as_str().unwrap()).collect();
        let expected: Vec<_> = catalogue().iter().filter(|s| s.kind != SettingKind::Heading).map(|s| s.name).collect();
        assert_eq!(names, expected);
        let value = |name: &str| settings.iter().find(|s| s["name"] == name).unwrap()["value"].as_str().unwrap();
        assert_eq!(value("UPDATE_USERS_PROV_OPT"), "false");
        assert_eq!(value("REMOVE_ACTION"), "Delete");
        assert_eq!(value("RESULTS_PER_PAGE"), "1000");
    }

    #[test]
    fn each_kind_of_directory_has_its_own_attributes() {
        let source_of = |preset_name: &str, source, field: &str| {
            let connection = connection(preset(preset_name).unwrap(), source);
            let rows = connection["outboundProvision"]["channels"][0]["attributeMapping"].as_array().unwrap().clone();
            rows.into_iter().find(|row| row["fieldName"] == field).map(|row| row["saasFieldInfo"].clone())
        };
        let attributes = |info: Option<Value>| info.map(|info| info["attributeNames"].clone());
        let ad = DirectoryType::ActiveDirectory;
        assert_eq!(attributes(source_of("code42", ad, "externalId")), Some(json!(["objectGUID"])));
        assert_eq!(attributes(source_of("code42", DirectoryType::Ldap, "externalId")), Some(json!(["entryUUID"])));
        assert_eq!(attributes(source_of("code42", DirectoryType::Ldap, "division")), None);
        assert_eq!(attributes(source_of("generic", ad, "userName")), Some(json!(["sAMAccountName"])));
        assert_eq!(attributes(source_of("generic", DirectoryType::Ldap, "userName")), Some(json!(["uid"])));
        assert_eq!(attributes(source_of("generic", DirectoryType::Ldap, "middleName")), None);
        assert_eq!(
            source_of("generic", ad, "password"),
            Some(json!({"attributeNames": [], "createOnly": true, "masked": true}))
        );
        assert_eq!(source_of("code42", ad, "userName").unwrap()["characterCase"], "LOWER");
    }
}
