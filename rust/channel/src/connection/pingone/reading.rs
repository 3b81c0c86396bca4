//! PingOne's own way of saying the same: a SCIM store (the connection), a propagation rule and its mappings, as PingOne's
//! API gives them, in one file with a word about where users come from. Read into what the rest of this crate works
//! with: settings, a channel, a source.
//!
//! Shapes: `store`, `plan`, `rule` and `mappings` are those of PingOne's platform API (propagation stores, plans, rules,
//! mappings). Ours, because the API has nothing for it: `userFilter` of a rule (what the console shows, by its labels),
//! `defaultValue` of a mapping, `CUSTOM_HEADER` of a store, `customAttributes` and `source`.

use std::path::PathBuf;

use pfscim_core::settings::{Secret, setting};
use pfscim_core::text::excerpt;
use serde_json::{Map, Value, json};

use super::attributes::{self, DEFAULT_MAPPING, ENABLED, GROUP_CLASS, GROUP_MEMBER, GROUP_NAME, ID, USER_CLASS};
use super::conditions::{Chosen, Reader, unknown_attribute};
use super::rule::{Access, Origin, Rule};
use crate::connection::model::{Channel, Connection, Location, SettingValue, TargetSetting};
use crate::directory::Filter;

/// What a store's *Custom Header* is called here: PingOne's API documents no name for it.
pub(crate) const CUSTOM_HEADER: &str = "CUSTOM_HEADER";
/// The parts of a file.
const PARTS: [&str; 6] = ["store", "plan", "rule", "mappings", "customAttributes", "source"];
/// Whether the JSON is a store, with or without its rule.
pub fn is_pingone(json: &Value) -> bool {
    json.get("store").is_some() || is_store(json)
}

/// Whether the JSON is a store by itself.
fn is_store(json: &Value) -> bool {
    json.get("configuration").is_some_and(Value::is_object) && json.get("type").is_some_and(Value::is_string)
}

/// Reads a file.
///
/// # Errors
/// Everything that does not fit, one line each, never none. Values of settings are never repeated.
pub(crate) fn read(json: &Value) -> Result<Connection, Vec<String>> {
    if is_store(json) {
        return Err(vec![
            "is a PingOne store without a rule: put it into a file as {\"store\": ..., \"rule\": ..., \"mappings\": ..., \"source\": ...}".into(),
        ]);
    }
    let mut errors = Vec::new();
    let unknown = json.as_object().into_iter().flat_map(Map::keys).filter(|key| !PARTS.contains(&key.as_str()));
    errors.extend(
        unknown.map(|key| format!("`{}` is no part of a PingOne file, only {}", excerpt(key), PARTS.join(", "))),
    );
    let nothing = Value::Null;
    let part = |name: &str| json.get(name).unwrap_or(&nothing);
    let (store, rule) = (part("store"), part("rule"));
    if let Some(kind) = store["type"].as_str().filter(|kind| *kind != "scim") {
        return Err(vec![format!("store.type is `{}`, not `scim`", excerpt(kind))]);
    }
    if !rule.is_object() {
        errors.push("rule: is missing: a connection provisions nobody without a rule".into());
    }
    let (target_settings, merge) = settings(&store["configuration"], &mut errors);
    let custom = custom_attributes(part("customAttributes"), &mut errors);
    let chosen = chosen(rule, &custom, &mut errors);
    let groups = groups(rule, &target_settings, &mut errors);
    let mapping = mapping(part("mappings"), &custom, &mut errors);
    let origin = origin(part("source"), &mut errors);
    let theirs = rule["targetStore"]["id"].as_str().zip(store["id"].as_str());
    if theirs.is_some_and(|(target, store)| target != store) {
        errors.push("rule.targetStore: is another store than the one in this file".into());
    }
    let from = rule["sourceStore"]["id"].as_str().zip(store["id"].as_str());
    if from.is_some_and(|(source, store)| source == store) {
        errors
            .push("rule.sourceStore: is the store itself: rules that bring users into PingOne are not run here".into());
    }
    let (active, off) = switches(json, store, rule);
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let id = text(&store["id"]).or_else(|| text(&store["name"]));
    if id.is_none() {
        errors.push("store: has neither id nor name".into());
    }
    let name = text(&rule["name"]).unwrap_or_else(|| "rule".into());
    match (chosen, origin, id, errors.is_empty()) {
        (Some(Chosen { filter, named }), Some(origin), Some(id), true) => {
            let mut channel = channel(&name, &mapping).map_err(|error| vec![error])?;
            channel.single_valued = true;
            channel.merge_groups = merge;
            let is = |group: &String| [ID, GROUP_NAME].map(|a| Filter::Equal(a.to_owned(), group.as_bytes().to_vec()));
            let provisioned =
                (!groups.is_empty()).then(|| Location::of(Filter::Or(groups.iter().flat_map(is).collect())));
            channel.channel_source.choose(Location::of(filter), provisioned);
            Ok(Connection {
                name: text(&store["name"]).unwrap_or_else(|| id.clone()),
                id,
                target_settings,
                channels: vec![channel],
                rule: Some(Rule { active, off, named, groups, origin }),
            })
        }
        _ => Err(errors),
    }
}

/// Connection, plan and rule have a switch each.
fn switches(json: &Value, store: &Value, rule: &Value) -> (bool, Option<String>) {
    let active = rule["active"] == true;
    let is_on = |status: &Value| status == "ACTIVE";
    let off = if !is_on(&store["status"]) {
        Some("the connection is disabled (store.status is not ACTIVE): enable it, and its rule can run")
    } else if json.get("plan").is_some_and(|plan| !is_on(&plan["status"])) {
        Some("the plan is disabled (plan.status is not ACTIVE): enable it, and its rules can run")
    } else if !active {
        Some("the rule is off (rule.active is not true): turn it on, and it can run")
    } else {
        None
    };
    (active, off.map(str::to_owned))
}

/// The settings of the target, and whether members that a group has at the target stay in it (*Merge*).
fn settings(configuration: &Value, errors: &mut Vec<String>) -> (Vec<TargetSetting>, bool) {
    let Value::Object(configuration) = configuration else {
        errors.push("store.configuration: is missing: it holds the settings of the target".into());
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
                errors.push(format!("store.configuration: the value of {} is not text", excerpt(name)));
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
                let value = SettingValue::Given(Secret::new(text));
                match settings.iter().find(|other| other.name == known) {
                    None => settings.push(TargetSetting { name: known.to_owned(), value }),
                    // A store that was saved by an older console has a key under its old and its new name.
                    Some(other) if other.value == value => {}
                    Some(_) => errors.push(format!("{}: two names of {known} have different values", excerpt(name))),
                }
            }
        }
    }
    authorization_type(&mut settings, header, errors);
    (settings, merge)
}

/// *Auth Type Header*: what it says is the word that our setting takes, or that there is nothing to say.
fn authorization_type(settings: &mut Vec<TargetSetting>, header: Option<String>, errors: &mut Vec<String>) {
    const NAME: &str = "AUTHORIZATION_TYPE";
    let header = header.map(|header| header.trim().to_owned()).filter(|header| !header.is_empty());
    let Some(at) = settings.iter().position(|setting| setting.name == NAME) else { return };
    let SettingValue::Given(word) = settings[at].value.clone() else { return };
    match word.expose() {
        // The method of authentication has its own word.
        "Basic" | "OAuth Client Credentials" => drop(settings.remove(at)),
        "Custom" => match header {
            Some(header) => settings[at].value = SettingValue::Given(Secret::new(header)),
            None => errors.push(format!("{NAME}: is Custom, which needs {CUSTOM_HEADER} (Custom Header) beside it")),
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
        errors.push("customAttributes: is no list of names".into());
        Vec::new()
    })
}

/// *User Filter*, in one of its three forms.
fn chosen(rule: &Value, custom: &[String], errors: &mut Vec<String>) -> Option<Chosen> {
    if !rule.is_object() {
        return None;
    }
    let sets = rule.get("userFilter").filter(|filter| !filter.is_null());
    let expression = rule["populationExpression"].as_str().filter(|text| !text.trim().is_empty());
    let id = |value: &Value| value.as_str().or_else(|| value["id"].as_str()).map(str::to_owned);
    let populations = rule["populations"].as_array().filter(|list| !list.is_empty());
    let populations = populations.map(|list| list.iter().map(id).collect::<Option<Vec<_>>>());
    let chosen = match (sets, expression, populations) {
        (Some(sets), None, None) => Reader::new(custom).sets(sets),
        (None, Some(text), None) => Reader::new(custom).expression(text),
        (None, None, Some(Some(ids))) => Ok(Reader::new(custom).populations(&ids)),
        (None, None, Some(None)) => Err("populations: is no list of ids".into()),
        (None, None, None) => {
            Err("has no user filter: say with userFilter or populationExpression which population or group it is about"
                .into())
        }
        _ => Err("has more than one user filter: keep userFilter, populationExpression or populations".into()),
    };
    chosen.map_err(|error| errors.push(format!("rule.{error}").replacen("rule.has", "rule: has", 1))).ok()
}

/// The groups to be provisioned: `{"id"}` as the API has it, or `{"name"}`.
fn groups(rule: &Value, settings: &[TargetSetting], errors: &mut Vec<String>) -> Vec<String> {
    let list = match &rule["groups"] {
        Value::Null => return Vec::new(),
        Value::Array(list) => list,
        _ => {
            errors.push("rule.groups: is no list of groups".into());
            return Vec::new();
        }
    };
    let name = |group: &Value| {
        let text = group["id"].as_str().or_else(|| group["name"].as_str());
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let groups: Vec<_> = list.iter().filter_map(name).collect();
    if groups.len() < list.len() {
        errors.push("rule.groups: a group has neither id nor name".into());
    }
    let distinguished = SettingValue::Given(Secret::new("Distinguished Name"));
    if !groups.is_empty() && settings.iter().any(|s| s.name == "GROUP_NAME_SOURCE" && s.value == distinguished) {
        errors.push("GROUP_NAME_SOURCE: PingOne's own groups have no distinguished name; choose Common Name".into());
    }
    groups
}

/// *Attribute Mapping* as rows of a channel; the default rows where there are none.
fn mapping(mappings: &Value, custom: &[String], errors: &mut Vec<String>) -> Vec<Value> {
    let rows = match mappings {
        Value::Null => &[][..],
        Value::Array(rows) => rows,
        // As GET .../mappings answers.
        page => match page["_embedded"]["mappings"].as_array() {
            Some(rows) => rows,
            None => {
                errors.push("mappings: is no list of mappings".into());
                return Vec::new();
            }
        },
    };
    let users: Vec<_> = rows.iter().enumerate().filter(|(at, row)| !of_groups(*at, row, errors)).collect();
    if users.is_empty() {
        let path = |label| attributes::attribute(label).map(|attribute| attribute.path);
        return DEFAULT_MAPPING.iter().map(|(field, label)| mapped(field, path(label), None)).collect();
    }
    let read =
        |(at, row): &(usize, &Value)| mapping_row(row, custom).map_err(|error| format!("mappings[{at}]: {error}"));
    users.iter().filter_map(|row| read(row).map_err(|error| errors.push(error)).ok()).collect()
}

/// Groups have a name, and nothing else is mapped of them.
fn of_groups(at: usize, row: &Value, errors: &mut Vec<String>) -> bool {
    if row["attributeMappingType"] != "groupAttributeMapping" {
        return false;
    }
    let source = row["sourceAttribute"].as_str().unwrap_or_default();
    if !(source.eq_ignore_ascii_case("name") && row["targetAttribute"] == "displayName") {
        errors
            .push(format!("mappings[{at}]: of groups only the name is provisioned, as displayName; take this row out"));
    }
    true
}

fn mapping_row(row: &Value, custom: &[String]) -> Result<Value, String> {
    let text = |name: &str| row[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    let field = text("targetAttribute").ok_or("targetAttribute: is missing")?;
    if text("expression").is_some() {
        return Err(format!(
            "{}: PingOne's expressions are not evaluated here; map an attribute or a defaultValue, or take the row out",
            excerpt(field)
        ));
    }
    let default = row["defaultValue"].as_str().filter(|text| !text.is_empty());
    let path = match text("sourceAttribute") {
        None if default.is_some() => None,
        None => return Err(format!("{}: has neither sourceAttribute nor defaultValue", excerpt(field))),
        Some(name) => match attributes::attribute(name) {
            Some(attribute) if attribute.mapped => Some(attribute.path),
            Some(attribute) => {
                return Err(format!("sourceAttribute: {} chooses users and cannot be mapped", attribute.label));
            }
            None if custom.iter().any(|custom| custom == name) => Some(name),
            None => return Err(unknown_attribute("sourceAttribute", name)),
        },
    };
    Ok(mapped(field, path, default))
}

/// One row of a channel.
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

/// `{"files": [...]}`, or how the API is reached.
fn origin(source: &Value, errors: &mut Vec<String>) -> Option<Origin> {
    const FILES: &str = "files";
    const KEYS: [&str; 5] = ["apiPath", "authPath", "environment", "clientId", "clientSecret"];
    let Value::Object(object) = source else {
        errors.push("source: is missing: where users come from, as {\"files\": [...]} or with apiPath, authPath, environment and clientId".into());
        return None;
    };
    let before = errors.len();
    for key in object.keys().filter(|key| *key != FILES && !KEYS.contains(&key.as_str())) {
        errors.push(format!("source: `{}` is not known, only {FILES}, {}", excerpt(key), KEYS.join(", ")));
    }
    let origin = if let Some(files) = object.get(FILES) {
        let names = files.as_array().filter(|files| !files.is_empty());
        let names: Option<Vec<_>> = names.and_then(|f| f.iter().map(|file| file.as_str().map(PathBuf::from)).collect());
        if object.len() > 1 {
            errors.push("source: users come from files or from the API; keep one of them".into());
        }
        names.map(Origin::Files).or_else(|| {
            errors.push("source.files: is no list of file names".into());
            None
        })
    } else {
        let mut text = |name: &str| {
            let text = object.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned).or_else(|| {
                errors.push(format!("source.{name}: is missing or is no text"));
                None
            })
        };
        let [api, authorization, environment, client_id] = [text(KEYS[0]), text(KEYS[1]), text(KEYS[2]), text(KEYS[3])];
        let client_secret = object.contains_key(KEYS[4]).then(|| text(KEYS[4])).flatten().map(Secret::new);
        match (api, authorization, environment, client_id) {
            (Some(api), Some(authorization), Some(environment), Some(client_id)) => {
                Some(Origin::Api(Access { api, authorization, environment, client_id, client_secret }))
            }
            _ => None,
        }
    };
    origin.filter(|_| errors.len() == before)
}
