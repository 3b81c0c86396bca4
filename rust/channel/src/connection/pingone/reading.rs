//! Reads a PingOne file into settings, a channel and a source.
//! Does not know: files, PingOne's API.
//!
//! Shapes: `store`, `plan`, `rule` and `mappings` are those of PingOne's platform API (propagation stores, plans, rules,
//! mappings). The API has nothing for these keys of pfscim: `userFilter` of a rule (with the labels of the console),
//! `defaultValue` of a mapping, `CUSTOM_HEADER` of a store, `customAttributes` and `source`.

use std::path::PathBuf;

use pfscim_core::settings::{Secret, setting};
use pfscim_core::text::excerpt;
use serde_json::{Map, Value, json};

use super::attributes::{self, DEFAULT_MAPPING, ENABLED, GROUP_CLASS, GROUP_MEMBER, GROUP_NAME, ID, USER_CLASS};
use super::conditions::{FilterParser, UserFilter, unknown_attribute};
use super::rule::{ApiAccess, Rule, RuleSource};
use crate::connection::model::{Channel, Connection, Location, SettingValue, TargetSetting};
use crate::directory::Filter;

/// The key of a store's *Custom Header*. PingOne's API documents no name for it.
pub(crate) const CUSTOM_HEADER: &str = "CUSTOM_HEADER";
/// The keys of a file.
const FILE_KEYS: [&str; 6] = ["store", "plan", "rule", "mappings", "customAttributes", "source"];

/// Returns whether the JSON is a PingOne store, with or without its rule.
pub fn is_pingone(json: &Value) -> bool {
    json.get("store").is_some() || is_store(json)
}

/// Returns whether the JSON is a store without a rule.
fn is_store(json: &Value) -> bool {
    json.get("configuration").is_some_and(Value::is_object) && json.get("type").is_some_and(Value::is_string)
}

/// Reads a file.
///
/// # Errors
/// At least one, one line each. Errors never contain values of settings.
pub(crate) fn read(json: &Value) -> Result<Connection, Vec<String>> {
    if is_store(json) {
        return Err(vec![
            "the file is a PingOne store without a rule; put it into a file as {\"store\": ..., \"rule\": ..., \"mappings\": ..., \"source\": ...}".into(),
        ]);
    }
    let mut errors = Vec::new();
    let unknown = json.as_object().into_iter().flat_map(Map::keys).filter(|key| !FILE_KEYS.contains(&key.as_str()));
    errors.extend(
        unknown.map(|key| {
            format!("`{}` is not a key of a PingOne file; use one of {}", excerpt(key), FILE_KEYS.join(", "))
        }),
    );
    let null = Value::Null;
    let part = |name: &str| json.get(name).unwrap_or(&null);
    let (store, rule) = (part("store"), part("rule"));
    if let Some(kind) = store["type"].as_str().filter(|kind| *kind != "scim") {
        return Err(vec![format!("store.type: is `{}`, not `scim`", excerpt(kind))]);
    }
    if !rule.is_object() {
        errors.push("rule: is missing, and a connection provisions no users without a rule; add it".into());
    }
    let (target_settings, merge) = settings(&store["configuration"], &mut errors);
    let custom = custom_attributes(part("customAttributes"), &mut errors);
    let user_filter = user_filter(rule, &custom, &mut errors);
    let groups = groups(rule, &target_settings, &mut errors);
    let mapping = mapping(part("mappings"), &custom, &mut errors);
    let source = rule_source(part("source"), &mut errors);
    let target_store = rule["targetStore"]["id"].as_str().zip(store["id"].as_str());
    if target_store.is_some_and(|(target, store)| target != store) {
        errors.push("rule.targetStore: is not the store in this file; use the rule of this store".into());
    }
    let source_store = rule["sourceStore"]["id"].as_str().zip(store["id"].as_str());
    if source_store.is_some_and(|(source, store)| source == store) {
        errors.push(
            "rule.sourceStore: is the store in this file, but pfscim does not run rules that bring users into PingOne; use a rule with this store as targetStore".into(),
        );
    }
    let (active, inactive_reason) = status(json, store, rule);
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let id = text(&store["id"]).or_else(|| text(&store["name"]));
    if id.is_none() {
        errors.push("store: id and name are missing; set one of them".into());
    }
    let name = text(&rule["name"]).unwrap_or_else(|| "rule".into());
    match (user_filter, source, id, errors.is_empty()) {
        (Some(UserFilter { filter, named }), Some(source), Some(id), true) => {
            let mut channel = channel(&name, &mapping).map_err(|error| vec![error])?;
            channel.single_valued = true;
            channel.merge_groups = merge;
            let matches_group =
                |group: &String| [ID, GROUP_NAME].map(|a| Filter::Equal(a.to_owned(), group.as_bytes().to_vec()));
            let provisioned =
                (!groups.is_empty()).then(|| Location::of(Filter::Or(groups.iter().flat_map(matches_group).collect())));
            channel.channel_source.set_locations(Location::of(filter), provisioned);
            Ok(Connection {
                name: text(&store["name"]).unwrap_or_else(|| id.clone()),
                id,
                target_settings,
                channels: vec![channel],
                rule: Some(Rule { active, inactive_reason, named, groups, source }),
            })
        }
        _ => Err(errors),
    }
}

/// Returns whether the rule itself is on, and why the rule does not run, with what to do. Connection, plan and rule are
/// enabled separately.
fn status(json: &Value, store: &Value, rule: &Value) -> (bool, Option<String>) {
    let active = rule["active"] == true;
    let is_on = |status: &Value| status == "ACTIVE";
    let inactive_reason = if !is_on(&store["status"]) {
        Some("the connection is disabled (store.status is not ACTIVE); enable it to run its rule")
    } else if json.get("plan").is_some_and(|plan| !is_on(&plan["status"])) {
        Some("the plan is disabled (plan.status is not ACTIVE); enable it to run its rules")
    } else if !active {
        Some("the rule is off (rule.active is not true); turn it on to run it")
    } else {
        None
    };
    (active, inactive_reason.map(str::to_owned))
}

/// Returns the settings of the target, and whether members that a group already has stay (*Merge*).
fn settings(configuration: &Value, errors: &mut Vec<String>) -> (Vec<TargetSetting>, bool) {
    let Value::Object(configuration) = configuration else {
        errors.push("store.configuration: is missing; add the settings of the target".into());
        return (Vec::new(), false);
    };
    let mut settings: Vec<TargetSetting> = Vec::new();
    let (mut merge, mut header) = (false, None);
    for (name, value) in configuration {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::Null => continue,
            _ => {
                errors.push(format!("store.configuration.{}: the value is not text", excerpt(name)));
                continue;
            }
        };
        match name.as_str() {
            "GROUP_MEMBERSHIP_HANDLING" => match text.as_str() {
                "Merge" => merge = true,
                "Overwrite" | "" => {}
                _ => errors.push("GROUP_MEMBERSHIP_HANDLING: must be one of Merge, Overwrite".into()),
            },
            CUSTOM_HEADER => header = Some(text),
            _ => {
                let known = setting(name).map_or(name.as_str(), |setting| setting.name);
                let value = SettingValue::Clear(Secret::new(text));
                match settings.iter().find(|other| other.name == known) {
                    None => settings.push(TargetSetting { name: known.to_owned(), value }),
                    // An older console saves some keys under their old and their new name.
                    Some(other) if other.value == value => {}
                    Some(_) => errors
                        .push(format!("{}: two names of {known} have different values; remove one", excerpt(name))),
                }
            }
        }
    }
    authorization_type(&mut settings, header, errors);
    (settings, merge)
}

/// Replaces *Auth Type Header* by the scheme of the `Authorization` header, or removes it.
fn authorization_type(settings: &mut Vec<TargetSetting>, header: Option<String>, errors: &mut Vec<String>) {
    const NAME: &str = "AUTHORIZATION_TYPE";
    let header = header.map(|header| header.trim().to_owned()).filter(|header| !header.is_empty());
    let Some(at) = settings.iter().position(|setting| setting.name == NAME) else { return };
    let SettingValue::Clear(header_type) = settings[at].value.clone() else { return };
    match header_type.expose() {
        // The authentication method sets the scheme of these two.
        "Basic" | "OAuth Client Credentials" => drop(settings.remove(at)),
        "Custom" => match header {
            Some(header) => settings[at].value = SettingValue::Clear(Secret::new(header)),
            None => errors.push(format!(
                "{NAME}: is Custom, but {CUSTOM_HEADER} is missing; set {CUSTOM_HEADER} (Custom Header)"
            )),
        },
        _ => {}
    }
}

fn custom_attributes(list: &Value, errors: &mut Vec<String>) -> Vec<String> {
    let names: Option<Vec<String>> = match list {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    names.unwrap_or_else(|| {
        errors.push("customAttributes: is not a list of names".into());
        Vec::new()
    })
}

/// Reads *User Filter* in one of its three forms.
fn user_filter(rule: &Value, custom: &[String], errors: &mut Vec<String>) -> Option<UserFilter> {
    if !rule.is_object() {
        return None;
    }
    let sets = rule.get("userFilter").filter(|filter| !filter.is_null());
    let expression = rule["populationExpression"].as_str().filter(|text| !text.trim().is_empty());
    let id = |value: &Value| value.as_str().or_else(|| value["id"].as_str()).map(str::to_owned);
    let populations = rule["populations"].as_array().filter(|list| !list.is_empty());
    let populations = populations.map(|list| list.iter().map(id).collect::<Option<Vec<_>>>());
    let user_filter = match (sets, expression, populations) {
        (Some(sets), None, None) => FilterParser::new(custom).sets(sets),
        (None, Some(text), None) => FilterParser::new(custom).expression(text),
        (None, None, Some(Some(ids))) => Ok(FilterParser::new(custom).populations(&ids)),
        (None, None, Some(None)) => Err("populations: is not a list of ids".into()),
        (None, None, None) => {
            Err("has no user filter; name a population or group with userFilter or populationExpression".into())
        }
        _ => Err("has more than one user filter; keep one of userFilter, populationExpression and populations".into()),
    };
    user_filter.map_err(|error| errors.push(format!("rule.{error}").replacen("rule.has", "rule: has", 1))).ok()
}

/// Returns the groups to provision: `{"id"}` of the API, or `{"name"}`.
fn groups(rule: &Value, settings: &[TargetSetting], errors: &mut Vec<String>) -> Vec<String> {
    let list = match &rule["groups"] {
        Value::Null => return Vec::new(),
        Value::Array(list) => list,
        _ => {
            errors.push("rule.groups: is not a list of groups".into());
            return Vec::new();
        }
    };
    let name = |group: &Value| {
        let text = group["id"].as_str().or_else(|| group["name"].as_str());
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let groups: Vec<_> = list.iter().filter_map(name).collect();
    if groups.len() < list.len() {
        errors.push("rule.groups: a group has no id and no name; set one of them".into());
    }
    let distinguished_name = SettingValue::Clear(Secret::new("Distinguished Name"));
    if !groups.is_empty() && settings.iter().any(|s| s.name == "GROUP_NAME_SOURCE" && s.value == distinguished_name) {
        errors.push("GROUP_NAME_SOURCE: groups of PingOne have no distinguished name; choose Common Name".into());
    }
    groups
}

/// Returns *Attribute Mapping* as rows of a channel; without rows, the default mapping.
fn mapping(mappings: &Value, custom: &[String], errors: &mut Vec<String>) -> Vec<Value> {
    let rows = match mappings {
        Value::Null => &[][..],
        Value::Array(rows) => rows,
        // The response of GET .../mappings.
        page => match page["_embedded"]["mappings"].as_array() {
            Some(rows) => rows,
            None => {
                errors.push("mappings: is not a list of mappings".into());
                return Vec::new();
            }
        },
    };
    let users: Vec<_> = rows.iter().enumerate().filter(|(at, row)| !is_group_row(*at, row, errors)).collect();
    if users.is_empty() {
        let path = |label| attributes::attribute(label).map(|attribute| attribute.path);
        return DEFAULT_MAPPING.iter().map(|(field, label)| mapped(field, path(label), None)).collect();
    }
    let read =
        |(at, row): &(usize, &Value)| mapping_row(row, custom).map_err(|error| format!("mappings[{at}]: {error}"));
    users.iter().filter_map(|row| read(row).map_err(|error| errors.push(error)).ok()).collect()
}

/// Returns whether the row maps an attribute of groups. Only their name can be mapped; any other row is an error.
fn is_group_row(at: usize, row: &Value, errors: &mut Vec<String>) -> bool {
    if row["attributeMappingType"] != "groupAttributeMapping" {
        return false;
    }
    let source = row["sourceAttribute"].as_str().unwrap_or_default();
    if !(source.eq_ignore_ascii_case("name") && row["targetAttribute"] == "displayName") {
        errors.push(format!("mappings[{at}]: only the name of a group can be mapped, to displayName; remove this row"));
    }
    true
}

fn mapping_row(row: &Value, custom: &[String]) -> Result<Value, String> {
    let text = |name: &str| row[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    let field = text("targetAttribute").ok_or("targetAttribute: is missing")?;
    if text("expression").is_some() {
        return Err(format!(
            "{}: pfscim does not evaluate PingOne's expressions; map an attribute or a defaultValue, or remove the row",
            excerpt(field)
        ));
    }
    let default = row["defaultValue"].as_str().filter(|text| !text.is_empty());
    let path = match text("sourceAttribute") {
        None if default.is_some() => None,
        None => {
            return Err(format!("{}: sourceAttribute and defaultValue are missing; set one of them", excerpt(field)));
        }
        Some(name) => match attributes::attribute(name) {
            Some(attribute) if attribute.mapped => Some(attribute.path),
            Some(attribute) => {
                return Err(format!(
                    "sourceAttribute: {} can be used in a filter only; remove the row",
                    attribute.label
                ));
            }
            None if custom.iter().any(|custom| custom == name) => Some(name),
            None => return Err(unknown_attribute("sourceAttribute", name)),
        },
    };
    Ok(mapped(field, path, default))
}

/// Returns one row of a channel.
fn mapped(field: &str, path: Option<&str>, default: Option<&str>) -> Value {
    json!({"fieldName": field, "saasFieldInfo": {"attributeNames": path.as_slice(), "defaultValue": default}})
}

fn channel(name: &str, mapping: &[Value]) -> Result<Channel, String> {
    let channel = json!({
        "name": name,
        "active": true,
        "channelSource": {
            "guidAttributeName": ID,
            "changeDetectionSettings": {"userObjectClass": USER_CLASS, "groupObjectClass": GROUP_CLASS},
            "groupMembershipDetection": {"groupMemberAttributeName": GROUP_MEMBER},
            "accountManagementSettings": {
                "accountStatusAttributeName": ENABLED,
                "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG",
                "flagComparisonValue": "true",
                "flagComparisonStatus": true,
                "defaultStatus": true,
            },
            "baseDn": "",
            "userSourceLocation": {},
        },
        "attributeMapping": mapping,
    });
    serde_json::from_value(channel).map_err(|error| format!("rule: {}", excerpt(&error.to_string())))
}

/// Reads `{"files": [...]}`, or address and credentials of the API.
fn rule_source(source: &Value, errors: &mut Vec<String>) -> Option<RuleSource> {
    const FILES: &str = "files";
    const KEYS: [&str; 5] = ["apiPath", "authPath", "environment", "clientId", "clientSecret"];
    let Value::Object(object) = source else {
        errors
            .push("source: is missing; set {\"files\": [...]}, or apiPath, authPath, environment and clientId".into());
        return None;
    };
    let earlier_errors = errors.len();
    for key in object.keys().filter(|key| *key != FILES && !KEYS.contains(&key.as_str())) {
        errors.push(format!(
            "source: `{}` is not a key of a source; use {FILES}, or {}",
            excerpt(key),
            KEYS.join(", ")
        ));
    }
    let rule_source = if let Some(files) = object.get(FILES) {
        let names = files.as_array().filter(|files| !files.is_empty());
        let names: Option<Vec<_>> = names.and_then(|f| f.iter().map(|file| file.as_str().map(PathBuf::from)).collect());
        if object.len() > 1 {
            errors.push("source: has files and an API; keep one of them".into());
        }
        names.map(RuleSource::Files).or_else(|| {
            errors.push("source.files: is not a list of file names".into());
            None
        })
    } else {
        let mut text = |name: &str| {
            let text = object.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned).or_else(|| {
                errors.push(format!("source.{name}: is missing or not a text"));
                None
            })
        };
        let [api, authorization, environment, client_id] = [text(KEYS[0]), text(KEYS[1]), text(KEYS[2]), text(KEYS[3])];
        let client_secret = object.contains_key(KEYS[4]).then(|| text(KEYS[4])).flatten().map(Secret::new);
        match (api, authorization, environment, client_id) {
            (Some(api), Some(authorization), Some(environment), Some(client_id)) => {
                Some(RuleSource::Api(ApiAccess { api, authorization, environment, client_id, client_secret }))
            }
            _ => None,
        }
    };
    rule_source.filter(|_| errors.len() == earlier_errors)
}
