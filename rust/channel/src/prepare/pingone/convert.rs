//! Converts a PingOne connection and rule to an `SpConnection` for PingFederate, and back.
//! Does not know: files.
//!
//! Settings and mapped attributes are converted. The selection and the source of users differ between the products, so
//! the result contains placeholders for them and notes that name them.

use std::collections::BTreeMap;

use pfscim_core::settings::{PLACEHOLDER, SettingKind, catalogue, setting};
use pfscim_core::text::excerpt;
use serde_json::{Value, json};

use super::write::{configuration, mapping, parts, rule, store};
use crate::connection::pingone::{CUSTOM_HEADER, attributes};
use crate::connection::{Channel, CharacterCase, Connection, FieldInfo, PLUGIN_TYPE, Parser, SettingValue};
use crate::prepare::import::ConvertedConnection;
use crate::prepare::template::{self, DirectoryType};

/// Converts the text of a file to a connection for the other product. `channel` chooses one of several channels.
///
/// # Errors
/// One line: the file cannot be read, or the channel does not exist.
pub fn convert(text: &str, channel: Option<&str>) -> Result<ConvertedConnection, String> {
    let connection = Connection::read(text)?;
    let channel = connection.channel(channel)?;
    Ok(match &connection.rule {
        Some(_) => to_pingfederate(&connection, channel),
        None => to_pingone(&connection, channel),
    })
}

/// Returns the settings that have a value, by name, and adds a note for each encrypted value.
fn clear_settings(connection: &Connection, notes: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for known in &connection.target_settings {
        let Some(setting) = setting(&known.name).filter(|setting| setting.kind != SettingKind::Heading) else {
            continue;
        };
        match &known.value {
            SettingValue::Clear(value) => {
                settings.insert(setting.name.to_owned(), value.expose().to_owned());
            }
            SettingValue::Encrypted => {
                notes.push(format!("{}: the value is encrypted and was left out; enter it", setting.label))
            }
            SettingValue::Missing => {}
        }
    }
    settings
}

fn to_pingfederate(connection: &Connection, channel: &Channel) -> ConvertedConnection {
    let mut notes = Vec::new();
    let values = clear_settings(connection, &mut notes);
    let settings = catalogue().iter().filter_map(|setting| {
        let value = values.get(setting.name)?;
        Some(json!({"name": setting.name, "value": value}))
    });
    let settings: Value = settings.collect();
    let mut rows = Vec::new();
    for row in &channel.attribute_mapping {
        let info = &row.saas_field_info;
        let source = info.attributes().first();
        let attribute = source.map(|path| attributes::attribute(path).and_then(|attribute| attribute.active_directory));
        let label = || source.map(|path| attributes::attribute(path).map_or(path.as_str(), |a| a.label));
        if attribute == Some(None) {
            notes.push(format!(
                "mappings: {}: no attribute of Active Directory is known for {}; map an attribute",
                excerpt(&row.field_name),
                excerpt(label().unwrap_or_default())
            ));
        }
        let attribute = attribute.flatten();
        if attribute.is_some() || info.default_value().is_some() {
            let mut details = json!({"attributeNames": attribute.as_slice()});
            if let Some(default) = info.default_value() {
                details["defaultValue"] = default.into();
            }
            rows.push(json!({"fieldName": row.field_name, "saasFieldInfo": details}));
        }
    }
    let mut new_channel = template::channel(DirectoryType::ActiveDirectory, &[]);
    new_channel["name"] = channel.name.as_str().into();
    new_channel["attributeMapping"] = rows.into();
    let rule = connection.rule.as_ref();
    new_channel["active"] = rule.is_some_and(|rule| rule.active).into();
    notes.push(
        "rule: the user filter was left out, because PingFederate selects by group or LDAP filter; fill in Users"
            .into(),
    );
    if rule.is_some_and(|rule| !rule.groups.is_empty()) {
        notes.push("rule.groups: left out; fill in Groups of the channel's Source Location".into());
    }
    if channel.merge_groups {
        notes.push(
            "GROUP_MEMBERSHIP_HANDLING: Merge was left out, because PingFederate overwrites the members of a group"
                .into(),
        );
    }
    notes.push(format!(
        "source: left out, because PingFederate reads a directory (the new channel reads Active Directory); fill in every {PLACEHOLDER}"
    ));
    let active = rule.is_some_and(|rule| rule.active && rule.inactive_reason.is_none());
    let provision = json!({"type": PLUGIN_TYPE, "targetSettings": settings, "channels": [new_channel]});
    ConvertedConnection {
        connection: template::sp_connection(&connection.id, &connection.name, active, provision),
        notes,
    }
}

fn to_pingone(connection: &Connection, channel: &Channel) -> ConvertedConnection {
    let mut notes = Vec::new();
    let (configuration, more) = configuration(&clear_settings(connection, &mut notes));
    for setting in more.iter().filter_map(|(name, _)| setting(name)) {
        notes.push(format!("{}: left out, because PingOne does not have this setting", setting.label));
    }
    if configuration.contains_key(CUSTOM_HEADER) {
        notes.push("CUSTOM_HEADER: contains the Authorization Header Type, in a key of pfscim; enter the value as Custom Header in PingOne".into());
    }
    let mut rows = Vec::new();
    for row in channel.attribute_mapping.iter().filter(|row| row.saas_field_info.is_mapped()) {
        let (info, field) = (&row.saas_field_info, excerpt(&row.field_name));
        if info.expression().is_some() {
            notes.push(format!("mapping: {field}: the expression was left out, because PingOne has other expressions"));
            continue;
        }
        let source = info.attributes().first();
        let label = source.and_then(|name| attributes::of_directory(name)).map(|attribute| attribute.label);
        if let (Some(name), None) = (source, label) {
            notes.push(format!(
                "mapping: {field}: no attribute of a PingOne user is known for `{}`; map an attribute",
                excerpt(name)
            ));
        }
        let unsupported = unsupported_details(info);
        if !unsupported.is_empty() {
            notes.push(format!(
                "mapping: {field}: {} left out, because PingOne does not have it",
                unsupported.join(", ")
            ));
        }
        if label.is_some() || info.default_value().is_some() {
            rows.push(mapping(label, &row.field_name, info.default_value()));
        }
    }
    let location = &channel.channel_source.user_source_location;
    let parts_used = [(location.group_dn().is_some(), "Group DN"), (location.filter().is_some(), "Filter")];
    let parts_used: Vec<_> = parts_used.into_iter().filter(|(is_set, _)| *is_set).map(|(_, part)| part).collect();
    notes.push(format!(
        "Users{}: left out, because a PingOne rule selects by population or group; fill in rule.userFilter",
        if parts_used.is_empty() { String::new() } else { format!(" ({})", parts_used.join(", ")) }
    ));
    if channel.channel_source.group_location().is_some() {
        notes.push("Groups: left out; name the groups of PingOne under rule.groups".into());
    }
    notes.push(format!("source: PingOne reads its own users; fill in every {PLACEHOLDER}"));
    if connection.channels.len() > 1 {
        notes.push(format!(
            "channel `{}` was converted; convert each other channel to a rule of its own",
            excerpt(&channel.name)
        ));
    }
    let active = channel.active.unwrap_or(true);
    let store = store(Some(&connection.id), &connection.name, true, configuration);
    ConvertedConnection { connection: parts(store, rule(&channel.name, active), rows), notes }
}

/// Returns the details of a mapping that PingOne does not have.
fn unsupported_details(info: &FieldInfo) -> Vec<&'static str> {
    let details = [
        (info.create_only(), "Create Only"),
        (info.trim(), "Trim"),
        (info.character_case() != CharacterCase::None, "Upper Case / Lower Case"),
        (info.parser() != Parser::None, "Parsing"),
        (info.masked(), "Mask Log Values"),
    ];
    details.into_iter().filter(|(is_set, _)| *is_set).map(|(_, label)| label).collect()
}

#[cfg(test)]
mod tests {
    use pfscim_core::settings::preset;

    use super::*;
    use crate::prepare::pingone::write;

    fn has_note(converted: &ConvertedConnection, part: &str) -> bool {
        converted.notes.iter().any(|note| note.contains(part))
    }

    fn there_and_back(file: &Value) -> (ConvertedConnection, ConvertedConnection) {
        let there = convert(&file.to_string(), None).unwrap();
        let back = convert(&there.connection.to_string(), None).unwrap();
        (there, back)
    }

    #[test]
    fn settings_and_mapping_are_the_same_after_both_conversions() {
        let mut file = write::file(preset("code42-pingone").unwrap());
        file["store"]["configuration"]["OAUTH_ACCESS_TOKEN"] = "t0p-s3cret".into();
        let (there, back) = there_and_back(&file);
        assert_eq!(back.connection["store"]["configuration"], file["store"]["configuration"]);
        let rows = |file: &Value| file["mappings"].as_array().unwrap().clone();
        let mut expected = rows(&file);
        expected.retain(|row| row["targetAttribute"] != "nickName");
        assert_eq!(rows(&back.connection), expected);
        assert_eq!(there.connection["outboundProvision"]["type"], PLUGIN_TYPE);
        let notes = there.notes.concat() + &back.notes.concat();
        assert!(!notes.contains("s3cret"), "{notes}");
        for part in ["nickName: no attribute of Active Directory", "user filter was left out", "source: left out"] {
            assert!(has_note(&there, part), "{part}: {:?}", there.notes);
        }
        assert!(has_note(&back, "Users (Group DN): left out") && has_note(&back, "source: PingOne reads"));
    }

    #[test]
    fn settings_of_only_one_product_are_in_the_notes() {
        let mut file = write::file(preset("generic").unwrap());
        file["store"]["configuration"]["AUTHORIZATION_TYPE"] = "Custom".into();
        file["store"]["configuration"]["CUSTOM_HEADER"] = "SSWS".into();
        file["store"]["configuration"]["GROUP_MEMBERSHIP_HANDLING"] = "Merge".into();
        file["rule"]["groups"] = json!([{"name": "Staff"}]);
        file["rule"]["active"] = false.into();
        let (there, back) = there_and_back(&file);
        assert!(has_note(&there, "Merge was left out") && has_note(&there, "rule.groups: left out"));
        assert_eq!(there.connection["active"], false);
        assert_eq!(back.connection["rule"]["active"], false);
        assert_eq!(back.connection["store"]["configuration"]["CUSTOM_HEADER"], "SSWS");
        assert!(has_note(&back, "CUSTOM_HEADER: "));

        let mut connection = there.connection;
        let provision = &mut connection["outboundProvision"];
        provision["targetSettings"].as_array_mut().unwrap().extend([
            json!({"name": "GROUP_PATCH_PROV_OPT", "value": "true"}),
            json!({"name": "RESULTS_PER_PAGE", "value": "1000"}),
            json!({"name": "OAUTH_CLIENT_SECRET", "encryptedValue": "x"}),
        ]);
        let channel = &mut provision["channels"][0];
        channel["channelSource"]["groupSourceLocation"]["filter"] = "(cn=*)".into();
        channel["attributeMapping"].as_array_mut().unwrap().extend([
            json!({"fieldName": "title", "saasFieldInfo": {"attributeNames": ["title"], "trim": true, "createOnly": true}}),
            json!({"fieldName": "division", "saasFieldInfo": {"attributeNames": ["division"]}}),
            json!({"fieldName": "displayName", "saasFieldInfo": {"attributeNames": ["a"], "expression": "#a"}}),
            json!({"fieldName": "nickName", "saasFieldInfo": {"attributeNames": []}}),
        ]);
        let back = convert(&connection.to_string(), None).unwrap();
        for part in [
            "Use PATCH for Group Updates: left out",
            "Client Secret: the value is encrypted",
            "title: Create Only, Trim left out",
            "division: no attribute of a PingOne user",
            "displayName: the expression",
            "Groups: left out",
        ] {
            assert!(has_note(&back, part), "{part}: {:?}", back.notes);
        }
        assert!(!has_note(&back, "Results Per Page") && !has_note(&back, "nickName"));
    }

    #[test]
    fn other_files_are_errors() {
        assert!(convert("{}", None).unwrap_err().contains("not an SP connection"));
        assert!(convert("{", None).is_err());
    }
}
