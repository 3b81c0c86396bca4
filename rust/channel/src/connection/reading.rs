//! Reads the JSON of a connection of PingFederate or PingOne, and ignores keys that a channel does not need.
//! Does not know: files, what the settings and fields mean.

use pfscim_core::settings::Secret;
use pfscim_core::text::excerpt;
use serde::Deserialize;
use serde_json::Value;

use super::model::{Channel, Connection, PLUGIN_TYPE, SettingValue, StatusAlgorithm, TargetSetting, filled};
use super::pingone;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpConnection {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    entity_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    outbound_provision: Option<OutboundProvision>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutboundProvision {
    r#type: String,
    // Not deserialized by serde, because its error message may repeat a secret value.
    #[serde(default)]
    target_settings: Value,
    // Deserialized after the type was checked, because other plugins have other channels.
    #[serde(default)]
    channels: Value,
}

impl Connection {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// The first error, on one line, with its place. Errors never contain values of settings.
    pub fn read(text: &str) -> Result<Self, String> {
        // `read_all` fails with at least one error.
        Self::read_all(text).map_err(|mut errors| errors.swap_remove(0))
    }

    /// Reads the text of a file, and returns all errors.
    ///
    /// # Errors
    /// At least one, one line each.
    pub fn read_all(text: &str) -> Result<Self, Vec<String>> {
        let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| vec![not_json(&e)])?;
        if pingone::is_pingone(&json) {
            return pingone::read(&json);
        }
        let (id, name, provision) = outbound(json).map_err(|error| vec![error])?;
        let mut errors = Vec::new();
        let target_settings = target_settings(&provision.target_settings, &mut errors);
        let mut channels = Vec::new();
        match provision.channels {
            Value::Array(values) => {
                for (position, value) in values.into_iter().enumerate() {
                    channel(position, value).map_or_else(|error| errors.push(error), |channel| channels.push(channel));
                }
            }
            _ => errors.push("outboundProvision.channels: is missing or not a list".into()),
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { id, name, target_settings, channels, rule: None })
    }
}

/// Returns id, name and provisioning of a connection whose type is [`PLUGIN_TYPE`].
fn outbound(json: Value) -> Result<(String, String, OutboundProvision), String> {
    let connection: SpConnection = serde_json::from_value(json).map_err(|e| not_json(&e))?;
    let id = filled(connection.id.as_deref()).or(filled(connection.entity_id.as_deref()));
    let id = id
        .ok_or("the file is not an SP connection (`id` and `entityId` are missing); export it with GET /idp/spConnections/{id}")?
        .to_owned();
    let provision = connection.outbound_provision.ok_or(
        "outboundProvision: is missing; configure Outbound Provisioning in this connection, and export it again",
    )?;
    if provision.r#type != PLUGIN_TYPE {
        return Err(format!(
            "outboundProvision.type: is `{}`, not `{PLUGIN_TYPE}`; convert the connection with `pfscim import`",
            excerpt(&provision.r#type)
        ));
    }
    Ok((id.clone(), connection.name.unwrap_or(id), provision))
}

fn not_json(error: &serde_json::Error) -> String {
    format!("the file is not the JSON of an SP connection: {}", excerpt(&error.to_string()))
}

fn channel(position: usize, value: Value) -> Result<Channel, String> {
    let name = value.get("name").and_then(Value::as_str).map(excerpt);
    let place = name.map_or_else(|| format!("channel {}", position + 1), |name| format!("channel `{name}`"));
    let channel: Channel =
        serde_json::from_value(value).map_err(|e| format!("{place}: {}", excerpt(&e.to_string())))?;
    let status = &channel.channel_source.account_management_settings;
    if status.account_status_algorithm == StatusAlgorithm::Flag
        && filled(status.flag_comparison_value.as_deref()).is_none()
    {
        return Err(format!(
            "{place}: flagComparisonValue is empty; set the value with which the Flag algorithm compares"
        ));
    }
    if filled(Some(&channel.channel_source.guid_attribute_name)).is_none() {
        return Err(format!("{place}: guidAttributeName is empty; set the attribute that identifies an entry"));
    }
    Ok(channel)
}

fn target_settings(list: &Value, errors: &mut Vec<String>) -> Vec<TargetSetting> {
    let Value::Array(list) = list else {
        errors.push("outboundProvision.targetSettings: is missing or not a list".into());
        return Vec::new();
    };
    let settings = list.iter().enumerate().map(|(position, entry)| target_setting(position, entry));
    settings.filter_map(|setting| setting.map_err(|error| errors.push(error)).ok()).collect()
}

fn target_setting(position: usize, entry: &Value) -> Result<TargetSetting, String> {
    let name = entry.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| format!("targetSettings: entry {}: name is missing", position + 1))?.to_owned();
    let value = match (entry.get("value"), entry.get("encryptedValue")) {
        (Some(Value::String(value)), _) => SettingValue::Clear(Secret::new(value.clone())),
        (None | Some(Value::Null), Some(Value::String(_))) => SettingValue::Encrypted,
        (None | Some(Value::Null), _) => SettingValue::Missing,
        // A handwritten file may contain `true` or `443`.
        (Some(Value::Bool(value)), _) => SettingValue::Clear(Secret::new(value.to_string())),
        (Some(Value::Number(value)), _) => SettingValue::Clear(Secret::new(value.to_string())),
        _ => return Err(format!("targetSettings: {}: the value is not text", excerpt(&name))),
    };
    Ok(TargetSetting { name, value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::connection::model::{CharacterCase, Parser};
    use crate::connection::secrets::METHOD;
    use std::time::Duration;

    fn example() -> Value {
        json!({
            "entityId": "code42", "name": "Code42", "virtualEntityIds": [],
            "outboundProvision": {
                "type": "PfScim", "customSchema": {},
                "targetSettings": [
                    {"name": "SCIM_URL", "value": "https://scim.example"},
                    {"name": "Provisioning Options"},
                    {"name": "OAUTH_ACCESS_TOKEN", "encryptedValue": "OBF:JWE:x", "inherited": false},
                    {"name": "CREATE_USERS_PROV_OPT", "value": true}
                ],
                "channels": [{
                    "active": true, "name": "corp", "maxThreads": 4, "timeout": 30,
                    "channelSource": {
                        "dataSource": {"id": "ldap"}, "guidAttributeName": "entryUUID", "guidBinary": false,
                        "changeDetectionSettings": {
                            "userObjectClass": "inetOrgPerson", "groupObjectClass": "groupOfNames",
                            "changedUsersAlgorithm": "TIMESTAMP", "timeStampAttributeName": "modifyTimestamp"
                        },
                        "groupMembershipDetection": {"groupMemberAttributeName": "member"},
                        "accountManagementSettings": {
                            "accountStatusAttributeName": "nsAccountLock",
                            "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG", "flagComparisonValue": "true"
                        },
                        "baseDn": "dc=x",
                        "userSourceLocation": {"groupDN": "", "filter": "(uid=*)"},
                        "groupSourceLocation": null
                    },
                    "attributeMapping": [
                        {"fieldName": "userName", "saasFieldInfo": {"attributeNames": ["mail"], "characterCase": "LOWER", "parser": "EXTRACT_CN_FROM_DN"}},
                        {"fieldName": "nickName", "saasFieldInfo": {}}
                    ]
                }]
            }
        })
    }

    fn read(json: &Value) -> Result<Connection, String> {
        Connection::read(&json.to_string())
    }

    #[test]
    fn an_export_of_the_api_is_read() {
        let connection = read(&example()).unwrap();
        assert_eq!(connection.id, "code42");
        let values: Vec<_> = connection.target_settings.iter().map(|s| s.value.clone()).collect();
        assert_eq!(values[0], SettingValue::Clear(Secret::new("https://scim.example")));
        assert_eq!(values[1], SettingValue::Missing);
        assert_eq!(values[2], SettingValue::Encrypted);
        assert_eq!(values[3], SettingValue::Clear(Secret::new("true")));
        let channel = connection.channel(None).unwrap();
        assert_eq!((channel.threads(), channel.timeout()), (4, Duration::from_secs(30)));
        assert_eq!(channel.channel_source.user_source_location.group_dn(), None);
        assert_eq!(channel.channel_source.user_source_location.filter(), Some("(uid=*)"));
        let [user_name, nick_name] = channel.attribute_mapping.as_slice() else { panic!("two rows") };
        assert_eq!(user_name.saas_field_info.character_case(), CharacterCase::Lower);
        assert_eq!(user_name.saas_field_info.parser(), Parser::ExtractCnFromDn);
        assert!(!nick_name.saas_field_info.is_mapped());
    }

    #[test]
    fn a_connection_of_another_plugin_names_pfscim_import() {
        let mut json = example();
        json["outboundProvision"]["type"] = "PingOne".into();
        json["outboundProvision"]["channels"] = "not a list".into();
        assert!(read(&json).unwrap_err().contains("`pfscim import`"));
        json["outboundProvision"] = Value::Null;
        assert!(read(&json).unwrap_err().contains("outboundProvision: is missing"));
    }

    #[test]
    fn an_error_names_its_place_and_contains_no_value() {
        let mut json = example();
        json["outboundProvision"]["channels"][0]["channelSource"].as_object_mut().unwrap().remove("baseDn");
        assert!(read(&json).unwrap_err().contains("channel `corp`: missing field `baseDn`"));

        let mut json = example();
        json["outboundProvision"]["targetSettings"][0]["value"] = json!(["hunter2"]);
        let error = read(&json).unwrap_err();
        assert!(error.contains("SCIM_URL") && !error.contains("hunter2"), "{error}");

        let mut json = example();
        json["outboundProvision"]["channels"][0]["channelSource"]["accountManagementSettings"]["flagComparisonValue"] =
            "".into();
        assert!(read(&json).unwrap_err().contains("flagComparisonValue"));

        assert!(Connection::read("{}").unwrap_err().contains("entityId"));
        assert!(Connection::read("{").unwrap_err().contains("line 1"));
    }

    #[test]
    fn an_encrypted_value_must_be_supplied_if_it_is_needed() {
        let mut json = example();
        let connection = read(&json).unwrap();
        let error = connection.pairs(&[]).unwrap_err();
        assert!(error.starts_with("Access Token: ") && error.contains("--secret OAUTH_ACCESS_TOKEN="), "{error}");
        let secret = |name: &str| vec![(name.to_owned(), Secret::new("s"))];
        for name in ["OAUTH_ACCESS_TOKEN", "Access Token"] {
            let pairs = connection.pairs(&secret(name)).unwrap();
            assert!(pairs.contains(&("OAUTH_ACCESS_TOKEN".into(), Secret::new("s"))));
        }
        assert!(connection.pairs(&secret("NO_SUCH")).unwrap_err().contains("NO_SUCH"));

        json["outboundProvision"]["targetSettings"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": METHOD, "value": "None"}));
        assert!(read(&json).unwrap().pairs(&[]).is_ok());
    }

    #[test]
    fn one_of_several_channels_is_chosen_by_name() {
        let mut json = example();
        let mut other = json["outboundProvision"]["channels"][0].clone();
        other["name"] = "lab".into();
        json["outboundProvision"]["channels"].as_array_mut().unwrap().push(other);
        let connection = read(&json).unwrap();
        assert!(connection.channel(None).unwrap_err().contains("`corp`, `lab`"));
        assert_eq!(connection.channel(Some("lab")).unwrap().name, "lab");
        assert!(connection.channel(Some("x")).is_err());
    }
}
