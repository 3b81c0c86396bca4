//! Everything that a connection's file can be told wrong by itself, without a directory, a target or a network. The
//! rules stand where they are applied (core's settings, [`crate::mapping`], [`crate::selection`]); this gathers what they
//! say.

use std::collections::BTreeSet;

use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::Version;
use pfscim_core::settings::{PLACEHOLDER, Secret, Settings};
use pfscim_core::text::excerpt;
use serde_json::Value;

use crate::connection::pingone::Rule;
use crate::connection::{Channel, Connection, Mapping};
use crate::mapping::Rules;
use crate::selection;

/// What was found, one line each, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What keeps the connection from working.
    pub errors: Vec<String>,
    /// What deserves a second look.
    pub warnings: Vec<String>,
}

/// Reads the text of a connection's file; `secrets` go before what it says, as in [`Connection::pairs`].
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
        findings.errors.push("the connection has no channel: nobody is provisioned".into());
    }
    let mut names = BTreeSet::new();
    for channel in &connection.channels {
        if !names.insert(&channel.name) {
            findings.errors.push(format!("channel `{}` is there more than once", excerpt(&channel.name)));
        }
    }
    placeholders(text, &mut findings.errors);
    for channel in &connection.channels {
        inspect_channel(channel, settings.as_ref(), &mut findings);
    }
    findings
}

fn settings(connection: &Connection, secrets: &[(String, Secret)], findings: &mut Findings) -> Option<Settings> {
    // PingFederate can read its own encrypted values, so they are no mistake; something has to stand in for them.
    let mut given = secrets.to_vec();
    for setting in connection.encrypted() {
        if !secrets.iter().any(|(name, _)| setting.is_called(name)) {
            findings.warnings.push(format!(
                "{}: the value is encrypted for PingFederate; pfscim needs it from --secret {}=env:VARIABLE to reach the target",
                setting.label, setting.name
            ));
            given.push((setting.name.to_owned(), Secret::new("encrypted")));
        }
    }
    let pairs = match connection.pairs(&given) {
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

/// A rule that is off is no mistake, but one that is on and cannot run is.
fn inspect_rule(rule: &Rule, secrets: &[(String, Secret)], findings: &mut Findings) {
    let told = if rule.active { &mut findings.errors } else { &mut findings.warnings };
    told.extend(rule.off.clone());
    findings.warnings.extend(rule.warnings(secrets));
}

fn inspect_channel(channel: &Channel, settings: Option<&Settings>, findings: &mut Findings) {
    let place = format!("channel `{}`", excerpt(&channel.name));
    let source = &channel.channel_source;
    let refused = selection::refused(source).into_iter().filter(|error| !error.contains(PLACEHOLDER));
    findings.errors.extend(refused.map(|error| format!("{place}: {error}")));
    if source.user_source_location.is_everything() {
        findings.warnings.push(format!(
            "{place}: Users has neither a Group DN nor a Filter: everybody below the Base DN is provisioned"
        ));
    }

    let version = settings.map_or(Version::V2_0, |settings| settings.version);
    let identifier = settings.map_or("userName", |settings| settings.identifier.code());
    let standard = Catalogue::standard(version);
    let mut channel = channel.clone();
    if version == Version::V2_0 {
        // Custom attributes stand in the schemas of the target; the file alone says which, not what is in them.
        let named = settings.is_some_and(|settings| !settings.extension_urns.is_empty());
        let unknown = |row: &Mapping| standard.field(&row.field_name).is_none();
        let mapped = channel.attribute_mapping.iter().filter(|row| row.saas_field_info.is_mapped());
        for name in mapped.filter(|row| unknown(row)).map(|row| excerpt(&row.field_name)) {
            if named {
                findings.warnings.push(format!(
                    "{place}: {name} is no standard field; `pfscim test` finds out whether the target has it"
                ));
            } else {
                findings.errors.push(format!(
                    "{place}: `{name}` is mapped, but is no standard field (see `pfscim describe fields`); list the \
                     schema of a custom attribute under Custom Attribute Schema URNs"
                ));
            }
        }
        channel.attribute_mapping.retain(|row| !unknown(row));
    }
    let (rules, errors) = Rules::examine(&channel, &standard, identifier);
    findings.errors.extend(errors);
    findings.warnings.extend(rules.left_out);
    for row in channel.attribute_mapping.iter().filter(|row| row.saas_field_info.is_mapped()) {
        let info = &row.saas_field_info;
        let Some(field) = standard.field(&row.field_name) else { continue };
        if field.write_only && !(info.create_only() && info.masked()) {
            findings
                .warnings
                .push(format!("{place}: {}: Create Only and Mask Log Values are not both selected", field.code));
        }
        if field.code == "manager" && info.attributes().iter().any(|name| name.eq_ignore_ascii_case("manager")) {
            findings.warnings.push(format!(
                "{place}: manager: needs the id that the target gave to the manager; the attribute manager holds a DN"
            ));
        }
    }
}

/// Settings are looked at by core, and only where they are read; whatever else still holds a placeholder is told here.
fn placeholders(text: &str, errors: &mut Vec<String>) {
    let Ok(mut json) = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) else { return };
    for path in ["/outboundProvision/targetSettings", "/store/configuration"] {
        json.pointer_mut(path).map(Value::take);
    }
    look(&json, "", errors);
}

fn look(value: &Value, place: &str, errors: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(PLACEHOLDER) => {
            errors.push(format!("{place}: still holds the placeholder {PLACEHOLDER}; enter a value"));
        }
        Value::Array(values) => {
            for (position, value) in values.iter().enumerate() {
                look(value, &format!("{place}[{position}]"), errors);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                let name = excerpt(name);
                look(value, &if place.is_empty() { name } else { format!("{place}.{name}") }, errors);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::prepare::template::{SourceType, connection};

    fn good() -> Value {
        let preset = pfscim_core::settings::preset("code42").unwrap();
        let text = connection(preset, SourceType::ActiveDirectory).to_string();
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

    fn found(connection: &Value) -> Findings {
        inspect(&connection.to_string(), &[])
    }

    #[test]
    fn a_good_connection_has_no_findings() {
        assert_eq!(found(&good()), Findings::default());
    }

    #[test]
    fn everything_wrong_is_told_in_one_go_and_without_values() {
        let mut json = good();
        set(&mut json, "SCIM_URL", json!("ftp://t0p-s3cret"));
        set(&mut json, "RESULTS_PER_PAGE", json!("0"));
        let source = &mut channel(&mut json)["channelSource"];
        source["baseDn"] = "nowhere".into();
        source["userSourceLocation"] = json!({"filter": "(unclosed"});
        let rows = channel(&mut json)["attributeMapping"].as_array_mut().unwrap();
        rows.retain(|row| row["fieldName"] != "userName");
        rows.push(json!({"fieldName": "shoeSize", "saasFieldInfo": {"attributeNames": ["x"]}}));
        rows.push(json!({"fieldName": "nickName", "saasFieldInfo": {"attributeNames": ["x", "y"]}}));
        let findings = found(&json);
        let wanted = [
            "SCIM URL: ",
            "Results Per Page: ",
            "channel `corp-ad`: Base DN: ",
            "channel `corp-ad`: Users Filter: ",
            "channel `corp-ad`: `shoeSize` is mapped",
            "channel `corp-ad`: nickName: more than one attribute",
            "channel `corp-ad`: required fields are not mapped: userName",
        ];
        assert_eq!(findings.errors.len(), wanted.len(), "{:?}", findings.errors);
        for (line, start) in findings.errors.iter().zip(wanted) {
            assert!(line.starts_with(start) && !line.contains("s3cret"), "{line}");
        }
    }

    #[test]
    fn every_channel_is_looked_at_and_names_must_differ() {
        let mut json = good();
        let mut second = channel(&mut json).clone();
        second["attributeMapping"] = json!([]);
        json["outboundProvision"]["channels"].as_array_mut().unwrap().push(second);
        let errors = found(&json).errors;
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].contains("more than once") && errors[1].contains("not mapped"), "{errors:?}");
        json["outboundProvision"]["channels"] = json!([]);
        assert!(found(&json).errors[0].contains("no channel"));
    }

    #[test]
    fn what_cannot_be_read_is_told_for_all_channels_and_settings() {
        let mut json = good();
        channel(&mut json)["channelSource"].as_object_mut().unwrap().remove("baseDn");
        json["outboundProvision"]["channels"].as_array_mut().unwrap().push(json!({"name": "second"}));
        set(&mut json, "SCIM_URL", json!(["t0p-s3cret"]));
        let errors = found(&json).errors;
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors.iter().all(|line| !line.contains("s3cret")), "{errors:?}");
        assert!(inspect("<html>", &[]).errors[0].contains("is not the JSON"));
    }

    #[test]
    fn an_encrypted_secret_is_no_mistake_but_told() {
        let mut json = good();
        let settings = json["outboundProvision"]["targetSettings"].as_array_mut().unwrap();
        let token = settings.iter_mut().find(|setting| setting["name"] == "OAUTH_ACCESS_TOKEN").unwrap();
        *token = json!({"name": "OAUTH_ACCESS_TOKEN", "encryptedValue": "OBF:JWE:x"});
        let findings = found(&json);
        assert_eq!(findings.errors, Vec::<String>::new());
        assert!(findings.warnings[0].contains("--secret OAUTH_ACCESS_TOKEN="), "{:?}", findings.warnings);
        let secret = ("Access Token".to_owned(), Secret::new("t0p-s3cret"));
        assert_eq!(inspect(&json.to_string(), &[secret]), Findings::default());
        set(&mut json, "AUTHENTICATION_METHOD", json!("None"));
        assert_eq!(found(&json), Findings::default());
    }

    #[test]
    fn risky_mappings_deserve_a_warning() {
        let mut json = good();
        channel(&mut json)["channelSource"]["userSourceLocation"] = json!({});
        let rows = channel(&mut json)["attributeMapping"].as_array_mut().unwrap();
        rows.retain(|row| row["fieldName"] != "manager");
        rows.push(json!({"fieldName": "manager", "saasFieldInfo": {"attributeNames": ["manager"]}}));
        rows.push(json!({"fieldName": "password", "saasFieldInfo": {"attributeNames": ["pwd"], "masked": true}}));
        rows.push(json!({"fieldName": "displayName", "saasFieldInfo": {"expression": "#a + #b"}}));
        let findings = found(&json);
        assert_eq!(findings.errors, Vec::<String>::new());
        let wanted = ["everybody below", "expressions", "holds a DN", "Create Only"];
        assert_eq!(findings.warnings.len(), wanted.len(), "{:?}", findings.warnings);
        for (line, part) in findings.warnings.iter().zip(wanted) {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn custom_attributes_are_left_to_the_target_where_their_schemas_are_named() {
        let mut json = good();
        let rows = channel(&mut json)["attributeMapping"].as_array_mut().unwrap();
        rows.push(json!({"fieldName": "shoeSize", "saasFieldInfo": {"attributeNames": ["x"]}}));
        assert_eq!(found(&json).errors.len(), 1);
        set(&mut json, "SCHEMA_EXTENSION_URNS", json!("urn:example:a:2.0:User"));
        let findings = found(&json);
        assert_eq!(findings.errors, Vec::<String>::new());
        assert!(findings.warnings[0].contains("`pfscim test`"), "{:?}", findings.warnings);
    }
}
