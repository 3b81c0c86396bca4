//! A PingOne connection and rule as an `SpConnection` for PingFederate, and back. Settings and mapped attributes go over;
//! who is chosen and where users come from is another thing in each of the two, so that is told and left to be filled in.

use std::collections::BTreeMap;

use pfscim_core::settings::{PLACEHOLDER, SettingKind, catalogue, setting};
use pfscim_core::text::excerpt;
use serde_json::{Value, json};

use super::write::{configuration, mapping, parts, rule, store};
use crate::connection::pingone::{CUSTOM_HEADER, attributes};
use crate::connection::{Channel, CharacterCase, Connection, FieldInfo, PLUGIN_TYPE, Parser, SettingValue};
use crate::prepare::import::Imported;
use crate::prepare::template::{self, SourceType};

/// Turns the text of a file into one of the other product. `channel` names one of an `SpConnection` that has several.
///
/// # Errors
/// One line: what cannot be read.
pub fn convert(text: &str, channel: Option<&str>) -> Result<Imported, String> {
    let connection = Connection::read(text)?;
    let channel = connection.channel(channel)?;
    Ok(match &connection.rule {
        Some(_) => to_pingfederate(&connection, channel),
        None => to_pingone(&connection, channel),
    })
}

/// The settings that have a value, by name; those whose value only a PingFederate server can read are told.
fn given(connection: &Connection, notes: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut given = BTreeMap::new();
    for known in &connection.target_settings {
        let Some(setting) = setting(&known.name).filter(|setting| setting.kind != SettingKind::Heading) else {
            continue;
        };
        match &known.value {
            SettingValue::Given(value) => {
                given.insert(setting.name.to_owned(), value.expose().to_owned());
            }
            SettingValue::Encrypted => notes.push(format!(
                "{}: is encrypted for the PingFederate server that exported it and was left out; enter it",
                setting.label
            )),
            SettingValue::Missing => {}
        }
    }
    given
}

fn to_pingfederate(connection: &Connection, channel: &Channel) -> Imported {
    let mut notes = Vec::new();
    let given = given(connection, &mut notes);
    let settings = catalogue().iter().filter_map(|setting| {
        let value = given.get(setting.name)?;
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
                "mappings: {}: Active Directory has nothing that is known to be {}; map its attribute",
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
    let mut theirs = template::channel(SourceType::ActiveDirectory, &[]);
    theirs["name"] = channel.name.as_str().into();
    theirs["attributeMapping"] = rows.into();
    let rule = connection.rule.as_ref();
    theirs["active"] = rule.is_some_and(|rule| rule.active).into();
    notes
        .push("rule: its user filter was left out: PingFederate chooses by group or LDAP filter; fill in Users".into());
    if rule.is_some_and(|rule| !rule.groups.is_empty()) {
        notes.push("rule.groups: were left out: fill in Groups of the channel's Source Location".into());
    }
    if channel.merge_groups {
        notes.push(
            "GROUP_MEMBERSHIP_HANDLING: Merge has no counterpart: PingFederate overwrites the members of a group"
                .into(),
        );
    }
    notes.push(format!(
        "source: was left out: PingFederate reads a directory, so the channel is one from Active Directory; fill in every {PLACEHOLDER}"
    ));
    let active = rule.is_some_and(|rule| rule.active && rule.off.is_none());
    let provision = json!({"type": PLUGIN_TYPE, "targetSettings": settings, "channels": [theirs]});
    Imported { connection: template::sp_connection(&connection.id, &connection.name, active, provision), notes }
}

fn to_pingone(connection: &Connection, channel: &Channel) -> Imported {
    let mut notes = Vec::new();
    let (configuration, more) = configuration(&given(connection, &mut notes));
    for setting in more.iter().filter_map(|(name, _)| setting(name)) {
        notes.push(format!("{}: PingOne has no such setting; it was left out", setting.label));
    }
    if configuration.contains_key(CUSTOM_HEADER) {
        notes.push("CUSTOM_HEADER: holds the Authorization Header Type; the name is this program's, enter the value as Custom Header in PingOne".into());
    }
    let mut rows = Vec::new();
    for row in channel.attribute_mapping.iter().filter(|row| row.saas_field_info.is_mapped()) {
        let (info, field) = (&row.saas_field_info, excerpt(&row.field_name));
        if info.expression().is_some() {
            notes.push(format!("mapping: {field}: its expression is none of PingOne's; it was left out"));
            continue;
        }
        let source = info.attributes().first();
        let label = source.and_then(|name| attributes::of_directory(name)).map(|attribute| attribute.label);
        if let (Some(name), None) = (source, label) {
            notes.push(format!(
                "mapping: {field}: nothing of a PingOne user is known to be `{}`; map an attribute",
                excerpt(name)
            ));
        }
        let lost = lost(info);
        if !lost.is_empty() {
            notes.push(format!("mapping: {field}: {} cannot be said in PingOne", lost.join(", ")));
        }
        if label.is_some() || info.default_value().is_some() {
            rows.push(mapping(label, &row.field_name, info.default_value()));
        }
    }
    let location = &channel.channel_source.user_source_location;
    let what = [(location.group_dn().is_some(), "Group DN"), (location.filter().is_some(), "Filter")];
    let what: Vec<_> = what.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
    notes.push(format!(
        "Users{}: cannot be carried over: a PingOne rule chooses by population or group; fill in rule.userFilter",
        if what.is_empty() { String::new() } else { format!(" ({})", what.join(", ")) }
    ));
    if channel.channel_source.group_location().is_some() {
        notes.push("Groups: cannot be carried over: name the groups of PingOne under rule.groups".into());
    }
    notes.push(format!("source: PingOne reads its own users; fill in every {PLACEHOLDER}"));
    if connection.channels.len() > 1 {
        notes.push(format!("channel `{}` was taken; each channel becomes a rule of its own", excerpt(&channel.name)));
    }
    let active = channel.active.unwrap_or(true);
    let store = store(Some(&connection.id), &connection.name, true, configuration);
    Imported { connection: parts(store, rule(&channel.name, active), rows), notes }
}

/// The details of a mapping that PingOne does not have.
fn lost(info: &FieldInfo) -> Vec<&'static str> {
    let details = [
        (info.create_only(), "Create Only"),
        (info.trim(), "Trim"),
        (info.character_case() != CharacterCase::None, "Upper Case / Lower Case"),
        (info.parser() != Parser::None, "Parsing"),
        (info.masked(), "Mask Log Values"),
    ];
    details.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect()
}

#[cfg(test)]
mod tests {
    use pfscim_core::settings::preset;

    use super::*;
    use crate::prepare::pingone::write;

    fn told(converted: &Imported, part: &str) -> bool {
        converted.notes.iter().any(|note| note.contains(part))
    }

    fn there_and_back(file: &Value) -> (Imported, Imported) {
        let there = convert(&file.to_string(), None).unwrap();
        let back = convert(&there.connection.to_string(), None).unwrap();
        (there, back)
    }

    #[test]
    fn settings_and_mapping_come_back_as_they_were() {
        let mut file = write::file(preset("code42-pingone").unwrap());
        file["store"]["configuration"]["OAUTH_ACCESS_TOKEN"] = "t0p-s3cret".into();
        let (there, back) = there_and_back(&file);
        assert_eq!(back.connection["store"]["configuration"], file["store"]["configuration"]);
        let rows = |file: &Value| file["mappings"].as_array().unwrap().clone();
        let mut wanted = rows(&file);
        wanted.retain(|row| row["targetAttribute"] != "nickName");
        assert_eq!(rows(&back.connection), wanted);
        assert_eq!(there.connection["outboundProvision"]["type"], PLUGIN_TYPE);
        let notes = there.notes.concat() + &back.notes.concat();
        assert!(!notes.contains("s3cret"), "{notes}");
        for part in ["nickName: Active Directory has nothing", "user filter was left out", "source: was left out"] {
            assert!(told(&there, part), "{part}: {:?}", there.notes);
        }
        assert!(told(&back, "Users (Group DN): cannot be carried over") && told(&back, "source: PingOne reads"));
    }

    #[test]
    fn what_only_one_of_the_two_has_is_named() {
        let mut file = write::file(preset("generic").unwrap());
        file["store"]["configuration"]["AUTHORIZATION_TYPE"] = "Custom".into();
        file["store"]["configuration"]["CUSTOM_HEADER"] = "SSWS".into();
        file["store"]["configuration"]["GROUP_MEMBERSHIP_HANDLING"] = "Merge".into();
        file["rule"]["groups"] = json!([{"name": "Staff"}]);
        file["rule"]["active"] = false.into();
        let (there, back) = there_and_back(&file);
        assert!(told(&there, "Merge has no counterpart") && told(&there, "rule.groups: were left out"));
        assert_eq!(there.connection["active"], false);
        assert_eq!(back.connection["rule"]["active"], false);
        assert_eq!(back.connection["store"]["configuration"]["CUSTOM_HEADER"], "SSWS");
        assert!(told(&back, "CUSTOM_HEADER: "));

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
            "Use PATCH for Group Updates: PingOne has no such setting",
            "Client Secret: is encrypted",
            "title: Create Only, Trim cannot be said",
            "division: nothing of a PingOne user",
            "displayName: its expression",
            "Groups: cannot be carried over",
        ] {
            assert!(told(&back, part), "{part}: {:?}", back.notes);
        }
        assert!(!told(&back, "Results Per Page") && !told(&back, "nickName"));
    }

    #[test]
    fn a_file_that_is_neither_is_refused() {
        assert!(convert("{}", None).unwrap_err().contains("is no SP connection"));
        assert!(convert("{", None).is_err());
    }
}
