//! Checks a connection file, without directory, target or network.
//! Does not know: the rules themselves. They are in core's settings, [`crate::mapping`] and [`crate::selection`].

use std::collections::BTreeSet;

use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::Version;
use pfscim_core::settings::{PLACEHOLDER, Secret, Settings};
use pfscim_core::text::excerpt;
use serde_json::Value;

use crate::connection::pingone::Rule;
use crate::connection::{Channel, Connection, Mapping};
use crate::mapping::RecordMapper;
use crate::selection;

/// The findings, one line each, in the order of the file. A line is `place: text` or `place: text; hint`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The connection does not work with these.
    pub errors: Vec<String>,
    /// The administrator should review these.
    pub warnings: Vec<String>,
}

/// Checks the text of a connection file. `secrets` override its settings, as in [`Connection::pairs`].
pub fn inspect(text: &str, secrets: &[(String, Secret)]) -> Findings {
    let mut findings = Findings::default();
    let connection = match Connection::read_all(text) {
        Ok(connection) => connection,
        Err(errors) => {
            findings.errors = errors;
            return findings;
        }
    };
    let settings = settings(&connection, secrets, &mut findings);
    if let Some(rule) = &connection.rule {
        inspect_rule(rule, secrets, &mut findings);
    }
    if connection.channels.is_empty() {
        findings.errors.push("the connection has no channel, so no users are provisioned; add a channel".into());
    }
    let mut names = BTreeSet::new();
    for channel in &connection.channels {
        if !names.insert(&channel.name) {
            findings
                .errors
                .push(format!("channel `{}`: several channels have this name; rename one", excerpt(&channel.name)));
        }
    }
    placeholders(text, &mut findings.errors);
    for channel in &connection.channels {
        inspect_channel(channel, settings.as_ref(), &mut findings);
    }
    findings
}

fn settings(connection: &Connection, secrets: &[(String, Secret)], findings: &mut Findings) -> Option<Settings> {
    // PingFederate can decrypt its own values, so they are not errors. Replacements let the other checks run.
    let mut replaced = secrets.to_vec();
    for setting in connection.encrypted() {
        if !secrets.iter().any(|(name, _)| setting.is_called(name)) {
            findings.warnings.push(format!(
                "{}: the value is encrypted for PingFederate; for pfscim, supply it with --secret {}=env:VARIABLE",
                setting.label, setting.name
            ));
            replaced.push((setting.name.to_owned(), Secret::new("encrypted")));
        }
    }
    let pairs = match connection.pairs(&replaced) {
        Ok(pairs) => pairs,
        Err(error) => {
            findings.errors.push(error);
            return None;
        }
    };
    match Settings::examine(pairs.iter().map(|(name, value)| (name.as_str(), value.expose()))) {
        Ok(settings) => {
            findings.warnings.extend(settings.warnings());
            Some(settings)
        }
        Err(errors) => {
            findings.errors.extend(errors.iter().map(|failure| failure.message().to_string()));
            None
        }
    }
}

/// A rule that is off is a warning. A rule that is on but cannot run is an error.
fn inspect_rule(rule: &Rule, secrets: &[(String, Secret)], findings: &mut Findings) {
    let findings_of_rule = if rule.active { &mut findings.errors } else { &mut findings.warnings };
    findings_of_rule.extend(rule.inactive_reason.clone());
    findings.warnings.extend(rule.warnings(secrets));
}

fn inspect_channel(channel: &Channel, settings: Option<&Settings>, findings: &mut Findings) {
    let place = format!("channel `{}`", excerpt(&channel.name));
    let source = &channel.channel_source;
    let errors = selection::setting_errors(source).into_iter().filter(|error| !error.contains(PLACEHOLDER));
    findings.errors.extend(errors.map(|error| format!("{place}: {error}")));
    if source.user_source_location.is_everything() {
        findings.warnings.push(format!(
            "{place}: Users has no Group DN and no Filter, so all users below the Base DN are provisioned; set one of them"
        ));
    }

    let version = settings.map_or(Version::V2_0, |settings| settings.version);
    let identifier = settings.map_or("userName", |settings| settings.identifier.code());
    let standard = Catalogue::standard(version);
    let mut channel = channel.clone();
    if version == Version::V2_0 {
        // Custom attributes are defined in the schemas of the target. The file contains only the names of the schemas.
        let has_urns = settings.is_some_and(|settings| !settings.extension_urns.is_empty());
        let unknown = |row: &Mapping| standard.field(&row.field_name).is_none();
        let mapped = channel.attribute_mapping.iter().filter(|row| row.saas_field_info.is_mapped());
        for name in mapped.filter(|row| unknown(row)).map(|row| excerpt(&row.field_name)) {
            if has_urns {
                findings.warnings.push(format!(
                    "{place}: {name} is not a standard field; run `pfscim test` to check that the target has it"
                ));
            } else {
                findings.errors.push(format!(
                    "{place}: `{name}` is mapped, but is not a standard field; see `pfscim describe fields`, or list the \
                     schema of a custom attribute under Custom Attribute Schema URNs"
                ));
            }
        }
        channel.attribute_mapping.retain(|row| !unknown(row));
    }
    let (mapper, errors) = RecordMapper::examine(&channel, &standard, identifier);
    findings.errors.extend(errors);
    findings.warnings.extend(mapper.omitted_fields);
    for row in channel.attribute_mapping.iter().filter(|row| row.saas_field_info.is_mapped()) {
        let info = &row.saas_field_info;
        let Some(field) = standard.field(&row.field_name) else { continue };
        if field.write_only && !(info.create_only() && info.masked()) {
            findings.warnings.push(format!(
                "{place}: {}: Create Only and Mask Log Values are not both selected; select both",
                field.code
            ));
        }
        if field.code == "manager" && info.attributes().iter().any(|name| name.eq_ignore_ascii_case("manager")) {
            findings.warnings.push(format!(
                "{place}: manager: the attribute manager contains a DN; map an attribute with the id of the manager at the target"
            ));
        }
    }
}

/// Finds placeholders outside the settings. Core checks the settings, but only those that it reads.
fn placeholders(text: &str, errors: &mut Vec<String>) {
    let Ok(mut json) = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) else { return };
    for path in ["/outboundProvision/targetSettings", "/store/configuration"] {
        json.pointer_mut(path).map(Value::take);
    }
    find_placeholders(&json, "", errors);
}

fn find_placeholders(value: &Value, place: &str, errors: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(PLACEHOLDER) => {
            errors.push(format!("{place}: contains the placeholder {PLACEHOLDER}; enter a value"));
        }
        Value::Array(values) => {
            for (position, value) in values.iter().enumerate() {
                find_placeholders(value, &format!("{place}[{position}]"), errors);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                let name = excerpt(name);
                find_placeholders(value, &if place.is_empty() { name } else { format!("{place}.{name}") }, errors);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::prepare::template::{DirectoryType, connection};

    fn correct_connection() -> Value {
        let preset = pfscim_core::settings::preset("code42").unwrap();
        let text = connection(preset, DirectoryType::ActiveDirectory).to_string();
        let mut json: Value = serde_json::from_str(&text.replace(PLACEHOLDER, "dc=filled")).unwrap();
        set(&mut json, "SCIM_URL", json!("https://scim.example"));
        set(&mut json, "OAUTH_ACCESS_TOKEN", json!("t0p-s3cret"));
        json
    }

    fn set(connection: &mut Value, name: &str, value: Value) {
        let settings = connection["outboundProvision"]["targetSettings"].as_array_mut().unwrap();
        settings.iter_mut().find(|setting| setting["name"] == name).unwrap()["value"] = value;
    }

    fn channel(connection: &mut Value) -> &mut Value {
        &mut connection["outboundProvision"]["channels"][0]
    }

    fn findings_of(connection: &Value) -> Findings {
        inspect(&connection.to_string(), &[])
    }

    #[test]
    fn a_correct_connection_has_no_findings() {
        assert_eq!(findings_of(&correct_connection()), Findings::default());
    }

    #[test]
    fn all_errors_are_listed_together_without_values() {
        let mut json = correct_connection();
        set(&mut json, "SCIM_URL", json!("ftp://t0p-s3cret"));
        set(&mut json, "RESULTS_PER_PAGE", json!("0"));
        let source = &mut channel(&mut json)["channelSource"];
        source["baseDn"] = "nowhere".into();
        source["userSourceLocation"] = json!({"filter": "(unclosed"});
        let rows = channel(&mut json)["attributeMapping"].as_array_mut().unwrap();
        rows.retain(|row| row["fieldName"] != "userName");
        rows.push(json!({"fieldName": "shoeSize", "saasFieldInfo": {"attributeNames": ["x"]}}));
        rows.push(json!({"fieldName": "nickName", "saasFieldInfo": {"attributeNames": ["x", "y"]}}));
        let findings = findings_of(&json);
        let expected = [
            "SCIM URL: ",
            "Results Per Page: ",
            "channel `corp-ad`: Base DN: ",
            "channel `corp-ad`: Users Filter: ",
            "channel `corp-ad`: `shoeSize` is mapped",
            "channel `corp-ad`: nickName: several attributes are mapped",
            "channel `corp-ad`: required fields are not mapped: userName",
        ];
        assert_eq!(findings.errors.len(), expected.len(), "{:?}", findings.errors);
        for (line, start) in findings.errors.iter().zip(expected) {
            assert!(line.starts_with(start) && !line.contains("s3cret"), "{line}");
        }
    }

    #[test]
    fn every_channel_is_checked_and_names_must_differ() {
        let mut json = correct_connection();
        let mut second = channel(&mut json).clone();
        second["attributeMapping"] = json!([]);
        json["outboundProvision"]["channels"].as_array_mut().unwrap().push(second);
        let errors = findings_of(&json).errors;
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].contains("several channels") && errors[1].contains("not mapped"), "{errors:?}");
        json["outboundProvision"]["channels"] = json!([]);
        assert!(findings_of(&json).errors[0].contains("no channel"));
    }

    #[test]
    fn unreadable_channels_and_settings_are_all_listed() {
        let mut json = correct_connection();
        channel(&mut json)["channelSource"].as_object_mut().unwrap().remove("baseDn");
        json["outboundProvision"]["channels"].as_array_mut().unwrap().push(json!({"name": "second"}));
        set(&mut json, "SCIM_URL", json!(["t0p-s3cret"]));
        let errors = findings_of(&json).errors;
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors.iter().all(|line| !line.contains("s3cret")), "{errors:?}");
        assert!(inspect("<html>", &[]).errors[0].contains("not the JSON"));
    }

    #[test]
    fn an_encrypted_secret_is_a_warning() {
        let mut json = correct_connection();
        let settings = json["outboundProvision"]["targetSettings"].as_array_mut().unwrap();
        let token = settings.iter_mut().find(|setting| setting["name"] == "OAUTH_ACCESS_TOKEN").unwrap();
        *token = json!({"name": "OAUTH_ACCESS_TOKEN", "encryptedValue": "OBF:JWE:x"});
        let findings = findings_of(&json);
        assert_eq!(findings.errors, Vec::<String>::new());
        assert!(findings.warnings[0].contains("--secret OAUTH_ACCESS_TOKEN="), "{:?}", findings.warnings);
        let secret = ("Access Token".to_owned(), Secret::new("t0p-s3cret"));
        assert_eq!(inspect(&json.to_string(), &[secret]), Findings::default());
        set(&mut json, "AUTHENTICATION_METHOD", json!("None"));
        assert_eq!(findings_of(&json), Findings::default());
    }

    #[test]
    fn risky_mappings_are_warnings() {
        let mut json = correct_connection();
        channel(&mut json)["channelSource"]["userSourceLocation"] = json!({});
        let rows = channel(&mut json)["attributeMapping"].as_array_mut().unwrap();
        rows.retain(|row| row["fieldName"] != "manager");
        rows.push(json!({"fieldName": "manager", "saasFieldInfo": {"attributeNames": ["manager"]}}));
        rows.push(json!({"fieldName": "password", "saasFieldInfo": {"attributeNames": ["pwd"], "masked": true}}));
        rows.push(json!({"fieldName": "displayName", "saasFieldInfo": {"expression": "#a + #b"}}));
        let findings = findings_of(&json);
        assert_eq!(findings.errors, Vec::<String>::new());
        let expected = ["all users below", "expressions", "contains a DN", "Create Only"];
        assert_eq!(findings.warnings.len(), expected.len(), "{:?}", findings.warnings);
        for (line, part) in findings.warnings.iter().zip(expected) {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn custom_attributes_are_warnings_if_their_schemas_are_named() {
        let mut json = correct_connection();
        let rows = channel(&mut json)["attributeMapping"].as_array_mut().unwrap();
        rows.push(json!({"fieldName": "shoeSize", "saasFieldInfo": {"attributeNames": ["x"]}}));
        assert_eq!(findings_of(&json).errors.len(), 1);
        set(&mut json, "SCHEMA_EXTENSION_URNS", json!("urn:example:a:2.0:User"));
        let findings = findings_of(&json);
        assert_eq!(findings.errors, Vec::<String>::new());
        assert!(findings.warnings[0].contains("`pfscim test`"), "{:?}", findings.warnings);
    }
}
