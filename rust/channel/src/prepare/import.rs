//! Connections to other connectors, moved over: the `SpConnection` of PingFederate's bundled SCIM 1.1 plugin or another
//! of the vendor's connectors, or a PingOne SCIM store, becomes an `SpConnection` of ours. What is not said otherwise
//! stays as it is; what cannot be moved over is told, nothing is lost silently. Settings are core's to translate, fields
//! are the table below. May not know what a value means: secrets are handed on unread.

use std::collections::BTreeSet;

use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::Version;
use pfscim_core::settings::{PLACEHOLDER, catalogue, import as import_settings};
use pfscim_core::text::excerpt;
use serde_json::{Map, Value, json};

use crate::connection::pingone::CUSTOM_HEADER;
use crate::connection::{FieldInfo, PLUGIN_TYPE};
use crate::prepare::template::{self, SourceType};

/// What came of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The connection, an `SpConnection`.
    pub connection: Value,
    /// What somebody has to look at, one line each and without values.
    pub notes: Vec<String>,
}

/// Fields of the bundled plugin that share a field with their type (`email` and `emailType`), while each of ours has
/// its type in its name.
struct Family {
    /// The field that holds the type.
    kind: &'static str,
    /// The type where nothing says another one.
    default: Option<&'static str>,
    /// The types, and what they are called in the names of our fields.
    types: &'static [(&'static str, &'static str)],
    /// Its fields, and ours with `*` for the type.
    fields: &'static [(&'static str, &'static str)],
}

const FAMILIES: &[Family] = &[
    Family {
        kind: "emailType",
        default: Some("work"),
        types: &[("work", "work"), ("home", "home"), ("other", "other")],
        fields: &[("email", "*Email")],
    },
    Family {
        kind: "phoneNumberType",
        default: Some("work"),
        types: &[
            ("work", "work"),
            ("home", "home"),
            ("mobile", "mobile"),
            ("fax", "fax"),
            ("pager", "pager"),
            ("other", "other"),
        ],
        fields: &[("phoneNumber", "*Phone")],
    },
    Family {
        kind: "addressType",
        default: Some("home"),
        types: &[("work", "work"), ("home", "home"), ("other", "other")],
        fields: &[
            ("formattedAddress", "*FormattedAddress"),
            ("streetAddress", "*StreetAddress"),
            ("locality", "*City"),
            ("region", "*State"),
            ("postalCode", "*PostalCode"),
            ("country", "*Country"),
        ],
    },
    Family {
        kind: "imsType",
        default: None,
        types: &[
            ("aim", "aim"),
            ("gtalk", "gtalk"),
            ("icq", "icq"),
            ("xmpp", "xmpp"),
            ("msn", "msn"),
            ("skype", "skype"),
            ("qq", "qq"),
            ("yahoo", "yahoo"),
        ],
        fields: &[("ims", "*Im")],
    },
    Family {
        kind: "photoType",
        default: Some("photo"),
        types: &[("photo", "Photo"), ("thumbnail", "Thumbnail")],
        fields: &[("photo", "profile*Url")],
    },
];

/// Fields of the bundled plugin that only have another name here.
const RENAMED: &[(&str, &str)] = &[("x509Certificates", "certificates"), ("managerId", "manager")];

/// Reads the text of a file: an `SpConnection` with outbound provisioning, or a PingOne SCIM store.
///
/// # Errors
/// One line: what the file is not.
pub fn import(text: &str) -> Result<Imported, String> {
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|e| format!("is not JSON: {}", excerpt(&e.to_string())))?;
    let Value::Object(object) = json else {
        return Err(NEITHER.into());
    };
    if object.get("outboundProvision").is_some_and(Value::is_object) {
        return sp_connection(object);
    }
    if object.contains_key("store") {
        return Err("is a PingOne connection with its rule: turn it into an SP connection with `pfscim convert`".into());
    }
    match (object.get("configuration"), object.get("type").and_then(Value::as_str)) {
        (Some(Value::Object(_)), Some("scim")) => Ok(store(object)),
        (Some(Value::Object(_)), Some(other)) => {
            Err(format!("is a PingOne store of type `{}`, not of type `scim`", excerpt(other)))
        }
        _ => Err(NEITHER.into()),
    }
}

const NEITHER: &str = "is neither an SP connection with outboundProvision nor a PingOne SCIM store";

fn sp_connection(mut connection: Map<String, Value>) -> Result<Imported, String> {
    let mut notes = Vec::new();
    let provision = connection.get_mut("outboundProvision").and_then(Value::as_object_mut).ok_or(NEITHER)?;
    let kind = provision.get("type").and_then(Value::as_str).ok_or("outboundProvision.type is missing")?.to_owned();
    if kind == PLUGIN_TYPE {
        notes.push(format!("is of type {PLUGIN_TYPE} already; nothing was changed"));
        return Ok(Imported { connection: connection.into(), notes });
    }
    let Some(Value::Array(entries)) = provision.get("targetSettings") else {
        return Err("outboundProvision.targetSettings is missing or is not a list".into());
    };
    let settings = settings(entries, &mut notes)?;
    let urns = settings.iter().any(|s| s["name"] == "SCHEMA_EXTENSION_URNS");
    provision.insert("type".into(), PLUGIN_TYPE.into());
    provision.insert("targetSettings".into(), settings.into());
    // Only the bundled plugin has one; a PingFederate server refuses it for any other.
    let schema = provision.remove("customSchema").unwrap_or_default();
    if schema["attributes"].as_array().is_some_and(|attributes| !attributes.is_empty()) {
        notes.push(
            "customSchema: was left out: custom attributes are read off the target's own schemas, SCIM 2.0 only".into(),
        );
    }
    match provision.get_mut("channels") {
        Some(Value::Array(channels)) => {
            for (position, channel) in channels.iter_mut().enumerate() {
                fields(position, channel, urns, &mut notes);
            }
        }
        _ => return Err("outboundProvision.channels is missing or is not a list".into()),
    }
    if let Some(target) = connection.get_mut("connectionTargetType").filter(|target| *target != "STANDARD") {
        notes.push("connectionTargetType: is STANDARD now, as for every connector that is not bundled".into());
        *target = "STANDARD".into();
    }
    Ok(Imported { connection: connection.into(), notes })
}

/// A store has no source: that is PingOne itself.
fn store(mut store: Map<String, Value>) -> Imported {
    let mut notes = Vec::new();
    let mut entries = Vec::new();
    if let Some(Value::Object(mut configuration)) = store.remove("configuration") {
        if configuration.get("AUTHORIZATION_TYPE").is_some_and(|kind| kind == "Custom")
            && let Some(header) = configuration.remove(CUSTOM_HEADER)
        {
            configuration.insert("AUTHORIZATION_TYPE".into(), header);
        }
        entries.extend(configuration.into_iter().map(|(name, value)| json!({"name": name, "value": value})));
    }
    let settings = settings(&entries, &mut notes).unwrap_or_default();
    store.remove("type");
    let mut text = |name: &str| match store.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let (id, name, status) = (text("id"), text("name"), text("status"));
    for name in store.keys().filter(|name| !name.starts_with('_')) {
        notes.push(format!("{}: has no counterpart and was left out", excerpt(name)));
    }
    notes.push(format!(
        "a PingOne store has no channel: one from Active Directory with the default mapping was put in; fill in every {PLACEHOLDER}"
    ));
    let name = name.or_else(|| id.clone()).unwrap_or_else(|| "pingone-scim".into());
    let connection = template::sp_connection(
        &id.unwrap_or_else(|| name.clone()),
        &name,
        status.as_deref() == Some("ACTIVE"),
        json!({
            "type": PLUGIN_TYPE,
            "targetSettings": settings,
            "channels": [template::channel(SourceType::ActiveDirectory, &[])],
        }),
    );
    Imported { connection, notes }
}

/// The target settings as ours, in screen order.
fn settings(entries: &[Value], notes: &mut Vec<String>) -> Result<Vec<Value>, String> {
    // Core translates names and values. An encrypted value is no value yet, so its place in the list goes along instead.
    let mut pairs = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let name = entry.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| format!("targetSettings: entry {} has no name", position + 1))?;
        let value = match (entry.get("value"), entry.get("encryptedValue")) {
            (Some(Value::String(value)), _) => value.clone(),
            (Some(value @ (Value::Bool(_) | Value::Number(_))), _) => value.to_string(),
            (None | Some(Value::Null), Some(Value::String(_))) => stand_in(position),
            (None | Some(Value::Null), _) => String::new(),
            _ => {
                notes.push(format!("{}: its value is not text; it was left out", excerpt(name)));
                continue;
            }
        };
        pairs.push((name, value));
    }
    let (ours, told) = import_settings(pairs);
    notes.extend(told);
    let mut settings = Vec::new();
    for setting in catalogue() {
        let Some((_, value)) = ours.iter().find(|(name, _)| name == setting.name) else { continue };
        let encrypted = (0..entries.len()).find(|position| stand_in(*position) == *value);
        settings.push(match encrypted {
            Some(position) => json!({"name": setting.name, "encryptedValue": entries[position]["encryptedValue"]}),
            None => json!({"name": setting.name, "value": value}),
        });
    }
    if !ours.iter().any(|(name, _)| name == "SCIM_URL") {
        notes.push(format!("SCIM URL: nothing in the connection says it; {PLACEHOLDER} was put in"));
        settings.insert(0, json!({"name": "SCIM_URL", "value": PLACEHOLDER}));
    }
    Ok(settings)
}

/// No setting has a value with this control character in it.
fn stand_in(position: usize) -> String {
    format!("\u{1}{position}")
}

/// Renames the fields of a channel, and leaves out those that are not there any more.
fn fields(position: usize, channel: &mut Value, urns: bool, notes: &mut Vec<String>) {
    let place = channel.get("name").and_then(Value::as_str).map(excerpt);
    let place = place.map_or_else(|| format!("channel {}", position + 1), |name| format!("channel `{name}`"));
    // A channel without a list stays what it is; `pfscim check` says what it lacks.
    let Some(Value::Array(rows)) = channel.get_mut("attributeMapping") else { return };
    let given = std::mem::take(rows);
    let standard = Catalogue::standard(Version::V2_0);
    let mut taken = BTreeSet::new();
    for mut row in given.iter().cloned() {
        let name = row.get("fieldName").and_then(Value::as_str).unwrap_or_default().to_owned();
        let told = excerpt(&name);
        let code = if let Some(field) = standard.field(&name) {
            Some(field.code.clone())
        } else if !is_mapped(&row) || FAMILIES.iter().any(|family| family.kind == name) {
            // Empty rows are only the plugin's list of fields, and types go along with the fields that they belong to.
            None
        } else if let Some((_, ours)) = RENAMED.iter().find(|(theirs, _)| *theirs == name) {
            Some((*ours).to_owned())
        } else if let Some((family, ours)) = family(&name) {
            typed(&place, &told, family, ours, &given, notes)
        } else if urns {
            notes.push(format!(
                "{place}: {told}: is no standard field; it was kept as a custom attribute of the target"
            ));
            Some(name)
        } else {
            notes.push(format!("{place}: {told}: is no field of this connector; its mapping was left out"));
            None
        };
        let Some(code) = code else { continue };
        if !taken.insert(code.clone()) {
            if is_mapped(&row) {
                notes.push(format!("{place}: {told}: {code} is mapped already; this mapping was left out"));
            }
            continue;
        }
        row["fieldName"] = code.into();
        rows.push(row);
    }
}

fn family(name: &str) -> Option<(&'static Family, &'static str)> {
    FAMILIES
        .iter()
        .find_map(|family| family.fields.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| (family, *ours)))
}

/// Our field for one of a family, by the type that the channel gives it.
fn typed(
    place: &str,
    told: &str,
    family: &Family,
    ours: &str,
    rows: &[Value],
    notes: &mut Vec<String>,
) -> Option<String> {
    let row = rows.iter().find(|row| row["fieldName"] == family.kind);
    let info = row.map(info).unwrap_or_default();
    let from_source = !info.attributes().is_empty() || info.expression().is_some();
    let said = info.default_value().map(str::trim);
    let known = |kind: &str| family.types.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(kind));
    let chosen = match said {
        Some(said) => known(said),
        None => family.default.and_then(known),
    };
    let Some((kind, name)) = chosen else {
        notes.push(format!(
            "{place}: {told}: {} is not one of {}, so its mapping was left out; map the field of its type",
            family.kind,
            family.types.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ")
        ));
        return None;
    };
    let code = ours.replace('*', name);
    if from_source {
        notes.push(format!(
            "{place}: {told}: {} comes from the directory, but each field has one type here; it became {code} (type {kind})",
            family.kind
        ));
    }
    Some(code)
}

fn info(row: &Value) -> FieldInfo {
    row.get("saasFieldInfo").cloned().and_then(|info| serde_json::from_value(info).ok()).unwrap_or_default()
}

/// Details that cannot be read count as some: they must not be lost.
fn is_mapped(row: &Value) -> bool {
    match row.get("saasFieldInfo") {
        None | Some(Value::Null) => false,
        Some(details) => serde_json::from_value::<FieldInfo>(details.clone()).map_or(true, |info| info.is_mapped()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::inspect::inspect;

    fn old(settings: Value, mapping: Value) -> Value {
        let channel = json!({
            "name": "corp", "active": true, "maxThreads": 3, "timeout": 45, "futureKey": {"a": 1},
            "channelSource": {
                "dataSource": {"id": "ldap"}, "guidAttributeName": "objectGUID", "guidBinary": true,
                "changeDetectionSettings": {"userObjectClass": "user", "groupObjectClass": "group"},
                "groupMembershipDetection": {"groupMemberAttributeName": "member"},
                "accountManagementSettings": {
                    "accountStatusAttributeName": "userAccountControl",
                    "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_AD"
                },
                "baseDn": "dc=x", "userSourceLocation": {"filter": "(mail=*)"}
            },
            "attributeMapping": mapping
        });
        json!({
            "type": "SP", "id": "old", "entityId": "old", "name": "Old", "active": true, "virtualEntityIds": ["v"],
            "connectionTargetType": "PINGONE_SCIM11",
            "outboundProvision": {
                "type": "SCIM11", "targetSettings": settings, "channels": [channel],
                "customSchema": {"namespace": "urn:scim:schemas:extension:custom:1.0"}
            }
        })
    }

    fn bundled(mapping: Value) -> Value {
        let settings = json!([
            {"name": "usersUrl", "value": "https://scim.example/v1/Users"},
            {"name": "groupsUrl", "value": "https://scim.example/v1/Groups"},
            {"name": "authentication", "value": "basic"},
            {"name": "basicAuthUser", "value": "admin"},
            {"name": "basicAuthPass", "encryptedValue": "OBF:JWE:abc"},
            {"name": "isPatchSupported", "value": true},
            {"name": "deprovisionMethod", "value": "disableUser"}
        ]);
        old(settings, mapping)
    }

    fn row(field: &str, attribute: &str) -> Value {
        json!({"fieldName": field, "saasFieldInfo": {"attributeNames": [attribute], "trim": true}})
    }

    fn fixed(field: &str, value: &str) -> Value {
        json!({"fieldName": field, "saasFieldInfo": {"defaultValue": value}})
    }

    fn moved(old: &Value) -> Imported {
        import(&old.to_string()).unwrap()
    }

    fn names(imported: &Imported) -> Vec<String> {
        let rows = &imported.connection["outboundProvision"]["channels"][0]["attributeMapping"];
        rows.as_array().unwrap().iter().map(|row| row["fieldName"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_connection_of_the_bundled_plugin_is_faultless_afterwards() {
        let imported = moved(&bundled(json!([row("userName", "uid"), row("email", "mail")])));
        let provision = &imported.connection["outboundProvision"];
        assert_eq!(provision["type"], PLUGIN_TYPE);
        assert_eq!(
            provision["targetSettings"],
            json!([
                {"name": "SCIM_URL", "value": "https://scim.example/v1"},
                {"name": "SCIM_VERSION", "value": "1.1"},
                {"name": "AUTHENTICATION_METHOD", "value": "Basic Authentication"},
                {"name": "BASIC_AUTH_USER", "value": "admin"},
                {"name": "BASIC_AUTH_PASSWORD", "encryptedValue": "OBF:JWE:abc"},
                {"name": "USERS_RESOURCE", "value": "/Users"},
                {"name": "GROUPS_RESOURCE", "value": "/Groups"},
                {"name": "REMOVE_ACTION", "value": "Disable"},
                {"name": "GROUP_PATCH_PROV_OPT", "value": "true"},
                {"name": "USER_UPDATE_METHOD", "value": "PATCH"}
            ])
        );
        assert!(provision.get("customSchema").is_none());
        assert_eq!(imported.notes.len(), 1, "{:?}", imported.notes);
        assert!(imported.notes[0].starts_with("connectionTargetType: "));
        assert_eq!(inspect(&imported.connection.to_string(), &[]).errors, Vec::<String>::new());
    }

    #[test]
    fn channels_and_unknown_keys_are_kept() {
        let old = bundled(json!([row("userName", "uid")]));
        let imported = moved(&old);
        assert_eq!(imported.connection["virtualEntityIds"], json!(["v"]));
        let (before, after) =
            (&old["outboundProvision"]["channels"][0], &imported.connection["outboundProvision"]["channels"][0]);
        assert_eq!(before, after);
    }

    #[test]
    fn typed_fields_are_named_by_their_type() {
        let mapping = json!([
            row("userName", "uid"),
            row("email", "mail"),
            fixed("emailType", "home"),
            row("phoneNumber", "phone"),
            row("streetAddress", "street"),
            row("locality", "l"),
            row("region", "st"),
            row("postalCode", "zip"),
            row("country", "c"),
            row("formattedAddress", "postalAddress"),
            fixed("addressType", "Work"),
            row("ims", "im"),
            fixed("imsType", "skype"),
            row("photo", "jpegUrl"),
            fixed("photoType", "thumbnail"),
            row("x509Certificates", "userCertificate"),
            row("managerId", "managerId"),
            {"fieldName": "nickName", "saasFieldInfo": {}},
            {"fieldName": "phoneNumberType", "saasFieldInfo": {}}
        ]);
        let imported = moved(&bundled(mapping));
        assert_eq!(
            names(&imported),
            [
                "userName",
                "homeEmail",
                "workPhone",
                "workStreetAddress",
                "workCity",
                "workState",
                "workPostalCode",
                "workCountry",
                "workFormattedAddress",
                "skypeIm",
                "profileThumbnailUrl",
                "certificates",
                "manager",
                "nickName"
            ]
        );
        assert_eq!(imported.notes.len(), 1, "{:?}", imported.notes);
        let rows = &imported.connection["outboundProvision"]["channels"][0]["attributeMapping"];
        assert_eq!(rows[1]["saasFieldInfo"], json!({"attributeNames": ["mail"], "trim": true}));
    }

    #[test]
    fn an_address_without_a_type_is_the_home_address_as_the_plugin_had_it() {
        assert_eq!(
            names(&moved(&bundled(json!([row("locality", "l"), row("photo", "p")])))),
            ["homeCity", "profilePhotoUrl"]
        );
    }

    #[test]
    fn what_cannot_be_moved_over_is_told() {
        let mapping = json!([
            row("email", "mail"),
            row("workEmail", "otherMail"),
            row("phoneNumber", "phone"),
            row("phoneNumberType", "phoneKind"),
            row("ims", "im"),
            row("ldapAttributesMap", "all"),
            row("tablets.model", "t0p-s3cret"),
            {"fieldName": "territories", "saasFieldInfo": {}}
        ]);
        let mut old = bundled(mapping);
        old["connectionTargetType"] = "STANDARD".into();
        old["outboundProvision"]["customSchema"]["attributes"] = json!([{"name": "territories"}]);
        let imported = moved(&old);
        assert_eq!(names(&imported), ["workEmail", "workPhone"]);
        let wanted =
            ["customSchema: ", "workEmail: ", "phoneNumber: ", "ims: ", "ldapAttributesMap: ", "tablets.model: "];
        assert_eq!(imported.notes.len(), wanted.len(), "{:?}", imported.notes);
        for (note, part) in imported.notes.iter().zip(wanted) {
            assert!(note.contains(part) && !note.contains("s3cret"), "{note}");
        }
    }

    #[test]
    fn a_connection_of_ours_stays_as_it_is() {
        let ours = moved(&bundled(json!([row("userName", "uid")]))).connection;
        let again = moved(&ours);
        assert_eq!(again.connection, ours);
        assert_eq!(again.notes.len(), 1);
    }

    #[test]
    fn another_connector_keeps_its_switches_and_wants_a_url() {
        let settings = json!([
            {"name": "PINGONE_ENVIRONMENT", "value": "t0p-s3cret"},
            {"name": "Provisioning Options"},
            {"name": "CREATE_USERS_PROV_OPT", "value": "false"},
            {"name": "REMOVE_ACTION", "value": "Disable"}
        ]);
        let mut old = old(settings, json!([row("userName", "uid")]));
        old["outboundProvision"]["type"] = "PingOne".into();
        let imported = moved(&old);
        let settings = &imported.connection["outboundProvision"]["targetSettings"];
        assert_eq!(settings[0], json!({"name": "SCIM_URL", "value": PLACEHOLDER}));
        assert_eq!(settings[1], json!({"name": "CREATE_USERS_PROV_OPT", "value": "false"}));
        let notes = imported.notes.join("\n");
        assert!(notes.contains("PINGONE_ENVIRONMENT: ") && notes.contains("SCIM URL: "), "{notes}");
        assert!(!notes.contains("s3cret"), "{notes}");
    }

    #[test]
    fn custom_attributes_stay_mapped_where_the_connection_names_their_schemas() {
        let settings = json!([
            {"name": "SCIM URL", "value": "https://scim.example"},
            {"name": "Custom Attribute Schema URNs", "value": "urn:example:a:2.0:User"}
        ]);
        let imported = moved(&old(settings, json!([row("userName", "uid"), row("shoeSize", "shoe")])));
        assert_eq!(names(&imported), ["userName", "shoeSize"]);
        assert!(imported.notes.iter().any(|note| note.contains("shoeSize: ")), "{:?}", imported.notes);
    }

    #[test]
    fn a_pingone_store_becomes_a_connection_with_a_channel_to_fill_in() {
        let imported = moved(&json!({
            "_links": {}, "id": "7", "type": "scim", "name": "Code42", "status": "ACTIVE", "managed": true,
            "configuration": {
                "SCIM_URL": "https://scim.example", "SCIM_VERSION": "2.0", "USERS_RESOURCE": "/Users",
                "AUTHENTICATION_METHOD": "OAuth 2 Bearer Token", "OAUTH_ACCESS_TOKEN": "t0p-s3cret",
                "USER_FILTER": "username Eq \"%s\"", "CREATE_USERS": true, "DISABLE_USERS": false,
                "AUTHORIZATION_TYPE": "Custom", "CUSTOM_HEADER": "SSWS"
            }
        }));
        let connection = &imported.connection;
        assert_eq!(
            (&connection["id"], &connection["name"], &connection["active"]),
            (&json!("7"), &json!("Code42"), &json!(true))
        );
        let settings = connection["outboundProvision"]["targetSettings"].as_array().unwrap();
        for wanted in [
            json!({"name": "OAUTH_ACCESS_TOKEN", "value": "t0p-s3cret"}),
            json!({"name": "CREATE_USERS_PROV_OPT", "value": "true"}),
            json!({"name": "REMOVE_USERS_PROV_OPT", "value": "false"}),
            json!({"name": "AUTHORIZATION_TYPE", "value": "SSWS"}),
        ] {
            assert!(settings.contains(&wanted), "{wanted}");
        }
        let notes = imported.notes.join("\n");
        assert!(notes.contains("managed: ") && notes.contains("no channel") && !notes.contains("s3cret"), "{notes}");
        let errors = inspect(&connection.to_string(), &[]).errors;
        assert!(errors.len() == 3 && errors.iter().all(|e| e.contains(PLACEHOLDER)), "{errors:?}");
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, part) in [
            ("<html>", "is not JSON"),
            ("[]", "neither"),
            ("{}", "neither"),
            (r#"{"type": "slack", "configuration": {}}"#, "`slack`"),
            (r#"{"outboundProvision": {}}"#, "type is missing"),
            (r#"{"outboundProvision": {"type": "x"}}"#, "targetSettings"),
            (r#"{"outboundProvision": {"type": "x", "targetSettings": []}}"#, "channels"),
            (r#"{"outboundProvision": {"type": "x", "targetSettings": [{}], "channels": []}}"#, "entry 1"),
        ] {
            let told = import(text).unwrap_err();
            assert!(told.contains(part), "{text}: {told}");
        }
    }

    #[test]
    fn every_field_of_a_family_leads_to_a_field_that_exists() {
        let standard = Catalogue::standard(Version::V2_0);
        for family in FAMILIES {
            for (_, kind) in family.types {
                for (_, ours) in family.fields {
                    let code = ours.replace('*', kind);
                    assert!(standard.field(&code).is_some(), "{code}");
                }
            }
            assert!(family.default.is_none_or(|kind| family.types.iter().any(|(theirs, _)| *theirs == kind)));
        }
        assert!(RENAMED.iter().all(|(_, ours)| standard.field(ours).is_some()));
    }
}
