//! Converts a connection of another connector, or a PingOne SCIM store, to a connection of this connector.
//! Does not know: what a value means. Secrets are copied unread.
//!
//! The other connector is PingFederate's bundled SCIM 1.1 plugin, or another connector of the vendor. Core converts the
//! settings, and the tables below convert the fields. Everything else stays unchanged. A note names each setting and
//! field that cannot be converted.

use std::collections::BTreeSet;

use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::Version;
use pfscim_core::settings::{PLACEHOLDER, catalogue, import_settings};
use pfscim_core::text::excerpt;
use serde_json::{Map, Value, json};

use crate::connection::pingone::CUSTOM_HEADER;
use crate::connection::{FieldInfo, PLUGIN_TYPE};
use crate::prepare::template::{self, DirectoryType};

/// A converted connection.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvertedConnection {
    /// The connection, as JSON of the product that it is for.
    pub connection: Value,
    /// What the administrator must review, one line each, without values.
    pub notes: Vec<String>,
}

/// Fields of the bundled plugin whose type is in another field (`email` and `emailType`). The fields of this connector
/// have the type in their name.
struct TypedFields {
    /// The field with the type.
    type_field: &'static str,
    /// The type if the type field is not mapped.
    default: Option<&'static str>,
    /// The types, and their part of the names of the fields here.
    types: &'static [(&'static str, &'static str)],
    /// The fields of the plugin, and the fields here with `*` for the type.
    fields: &'static [(&'static str, &'static str)],
}

const TYPED_FIELDS: &[TypedFields] = &[
    TypedFields {
        type_field: "emailType",
        default: Some("work"),
        types: &[("work", "work"), ("home", "home"), ("other", "other")],
        fields: &[("email", "*Email")],
    },
    TypedFields {
        type_field: "phoneNumberType",
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
    TypedFields {
        type_field: "addressType",
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
    TypedFields {
        type_field: "imsType",
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
    TypedFields {
        type_field: "photoType",
        default: Some("photo"),
        types: &[("photo", "Photo"), ("thumbnail", "Thumbnail")],
        fields: &[("photo", "profile*Url")],
    },
];

/// Fields of the bundled plugin that have another name here.
const RENAMED_FIELDS: &[(&str, &str)] = &[("x509Certificates", "certificates"), ("managerId", "manager")];

/// Reads the text of a file: an `SpConnection` with outbound provisioning, or a PingOne SCIM store.
///
/// # Errors
/// One line: the file has another format.
pub fn import(text: &str) -> Result<ConvertedConnection, String> {
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|e| format!("the file is not JSON: {}", excerpt(&e.to_string())))?;
    let Value::Object(object) = json else {
        return Err(UNKNOWN_FORMAT.into());
    };
    if object.get("outboundProvision").is_some_and(Value::is_object) {
        return sp_connection(object);
    }
    if object.contains_key("store") {
        return Err("the file is a PingOne connection with its rule; convert it with `pfscim convert`".into());
    }
    match (object.get("configuration"), object.get("type").and_then(Value::as_str)) {
        (Some(Value::Object(_)), Some("scim")) => Ok(store(object)),
        (Some(Value::Object(_)), Some(other)) => {
            Err(format!("the file is a PingOne store of type `{}`, not `scim`", excerpt(other)))
        }
        _ => Err(UNKNOWN_FORMAT.into()),
    }
}

const UNKNOWN_FORMAT: &str = "the file is neither an SP connection with outboundProvision nor a PingOne SCIM store";

fn sp_connection(mut connection: Map<String, Value>) -> Result<ConvertedConnection, String> {
    let mut notes = Vec::new();
    let provision = connection.get_mut("outboundProvision").and_then(Value::as_object_mut).ok_or(UNKNOWN_FORMAT)?;
    let kind = provision.get("type").and_then(Value::as_str).ok_or("outboundProvision.type: is missing")?.to_owned();
    if kind == PLUGIN_TYPE {
        notes.push(format!("the type is already {PLUGIN_TYPE}, so nothing was changed"));
        return Ok(ConvertedConnection { connection: connection.into(), notes });
    }
    let Some(Value::Array(entries)) = provision.get("targetSettings") else {
        return Err("outboundProvision.targetSettings: is missing or not a list".into());
    };
    let settings = settings(entries, &mut notes)?;
    let urns = settings.iter().any(|s| s["name"] == "SCHEMA_EXTENSION_URNS");
    provision.insert("type".into(), PLUGIN_TYPE.into());
    provision.insert("targetSettings".into(), settings.into());
    // Only the bundled plugin has a custom schema. A PingFederate server rejects it for other plugins.
    let schema = provision.remove("customSchema").unwrap_or_default();
    if schema["attributes"].as_array().is_some_and(|attributes| !attributes.is_empty()) {
        notes.push(
            "customSchema: left out, because custom attributes come from the schemas of the target (SCIM 2.0 only)"
                .into(),
        );
    }
    match provision.get_mut("channels") {
        Some(Value::Array(channels)) => {
            for (position, channel) in channels.iter_mut().enumerate() {
                fields(position, channel, urns, &mut notes);
            }
        }
        _ => return Err("outboundProvision.channels: is missing or not a list".into()),
    }
    if let Some(target) = connection.get_mut("connectionTargetType").filter(|target| *target != "STANDARD") {
        notes
            .push("connectionTargetType: changed to STANDARD, the value of every connector that is not bundled".into());
        *target = "STANDARD".into();
    }
    Ok(ConvertedConnection { connection: connection.into(), notes })
}

/// Converts a PingOne store. Its source is PingOne itself, so the connection gets a channel to fill in.
fn store(mut store: Map<String, Value>) -> ConvertedConnection {
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
        notes.push(format!("{}: left out, because PingFederate does not have it", excerpt(name)));
    }
    notes.push(format!(
        "a PingOne store has no channel, so a channel from Active Directory with the default mapping was added; fill in every {PLACEHOLDER}"
    ));
    let name = name.or_else(|| id.clone()).unwrap_or_else(|| "pingone-scim".into());
    let connection = template::sp_connection(
        &id.unwrap_or_else(|| name.clone()),
        &name,
        status.as_deref() == Some("ACTIVE"),
        json!({
            "type": PLUGIN_TYPE,
            "targetSettings": settings,
            "channels": [template::channel(DirectoryType::ActiveDirectory, &[])],
        }),
    );
    ConvertedConnection { connection, notes }
}

/// Converts the target settings, in screen order.
fn settings(entries: &[Value], notes: &mut Vec<String>) -> Result<Vec<Value>, String> {
    // Core converts names and values. For an encrypted value it gets the position in the list instead.
    let mut pairs = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let name = entry.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| format!("targetSettings: entry {}: name is missing", position + 1))?;
        let value = match (entry.get("value"), entry.get("encryptedValue")) {
            (Some(Value::String(value)), _) => value.clone(),
            (Some(value @ (Value::Bool(_) | Value::Number(_))), _) => value.to_string(),
            (None | Some(Value::Null), Some(Value::String(_))) => position_mark(position),
            (None | Some(Value::Null), _) => String::new(),
            _ => {
                notes.push(format!("{}: left out, because the value is not text", excerpt(name)));
                continue;
            }
        };
        pairs.push((name, value));
    }
    let (converted, setting_notes) = import_settings(pairs);
    notes.extend(setting_notes);
    let mut settings = Vec::new();
    for setting in catalogue() {
        let Some((_, value)) = converted.iter().find(|(name, _)| name == setting.name) else { continue };
        let encrypted = (0..entries.len()).find(|position| position_mark(*position) == *value);
        settings.push(match encrypted {
            Some(position) => json!({"name": setting.name, "encryptedValue": entries[position]["encryptedValue"]}),
            None => json!({"name": setting.name, "value": value}),
        });
    }
    if !converted.iter().any(|(name, _)| name == "SCIM_URL") {
        notes.push(format!("SCIM URL: is not in the connection; replace {PLACEHOLDER}"));
        settings.insert(0, json!({"name": "SCIM_URL", "value": PLACEHOLDER}));
    }
    Ok(settings)
}

/// Returns a mark for the value at this position. Values cannot contain its control character.
fn position_mark(position: usize) -> String {
    format!("\u{1}{position}")
}

/// Renames the fields of a channel, and removes fields that do not exist here.
fn fields(position: usize, channel: &mut Value, urns: bool, notes: &mut Vec<String>) {
    let place = channel.get("name").and_then(Value::as_str).map(excerpt);
    let place = place.map_or_else(|| format!("channel {}", position + 1), |name| format!("channel `{name}`"));
    // A channel without a list is not changed. `pfscim check` reports it.
    let Some(Value::Array(rows)) = channel.get_mut("attributeMapping") else { return };
    let old_rows = std::mem::take(rows);
    let standard = Catalogue::standard(Version::V2_0);
    let mut codes = BTreeSet::new();
    for mut row in old_rows.iter().cloned() {
        let name = row.get("fieldName").and_then(Value::as_str).unwrap_or_default().to_owned();
        let label = excerpt(&name);
        let code = if let Some(field) = standard.field(&name) {
            Some(field.code.clone())
        } else if !is_mapped(&row) || TYPED_FIELDS.iter().any(|group| group.type_field == name) {
            // Empty rows are the plugin's list of fields. Types are converted with the fields that they belong to.
            None
        } else if let Some((_, new)) = RENAMED_FIELDS.iter().find(|(old, _)| *old == name) {
            Some((*new).to_owned())
        } else if let Some((group, new)) = typed_fields(&name) {
            typed_code(&place, &label, group, new, &old_rows, notes)
        } else if urns {
            notes.push(format!("{place}: {label}: is not a standard field, so it stays as a custom attribute; check that the target has it"));
            Some(name)
        } else {
            notes.push(format!("{place}: {label}: left out, because this connector does not have the field"));
            None
        };
        let Some(code) = code else { continue };
        if !codes.insert(code.clone()) {
            if is_mapped(&row) {
                notes.push(format!("{place}: {label}: left out, because {code} is already mapped"));
            }
            continue;
        }
        row["fieldName"] = code.into();
        rows.push(row);
    }
}

fn typed_fields(name: &str) -> Option<(&'static TypedFields, &'static str)> {
    TYPED_FIELDS
        .iter()
        .find_map(|group| group.fields.iter().find(|(old, _)| *old == name).map(|(_, new)| (group, *new)))
}

/// Returns the code of the field here, for the type that the channel maps.
fn typed_code(
    place: &str,
    label: &str,
    group: &TypedFields,
    new: &str,
    rows: &[Value],
    notes: &mut Vec<String>,
) -> Option<String> {
    let row = rows.iter().find(|row| row["fieldName"] == group.type_field);
    let info = row.map(info).unwrap_or_default();
    let from_source = !info.attributes().is_empty() || info.expression().is_some();
    let type_name = info.default_value().map(str::trim);
    let find_type = |name: &str| group.types.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let found = match type_name {
        Some(name) => find_type(name),
        None => group.default.and_then(find_type),
    };
    let Some((kind, name)) = found else {
        notes.push(format!(
            "{place}: {label}: left out, because {} is not one of {}; map the field of its type",
            group.type_field,
            group.types.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ")
        ));
        return None;
    };
    let code = new.replace('*', name);
    if from_source {
        notes.push(format!(
            "{place}: {label}: {} comes from the source, but a field has a fixed type here, so the field became {code} (type {kind}); check the type",
            group.type_field
        ));
    }
    Some(code)
}

fn info(row: &Value) -> FieldInfo {
    row.get("saasFieldInfo").cloned().and_then(|info| serde_json::from_value(info).ok()).unwrap_or_default()
}

/// Details that cannot be parsed count as mapped, because they must not be lost.
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

    fn imported(old: &Value) -> ConvertedConnection {
        import(&old.to_string()).unwrap()
    }

    fn names(imported: &ConvertedConnection) -> Vec<String> {
        let rows = &imported.connection["outboundProvision"]["channels"][0]["attributeMapping"];
        rows.as_array().unwrap().iter().map(|row| row["fieldName"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn an_imported_connection_of_the_bundled_plugin_has_no_errors() {
        let imported = imported(&bundled(json!([row("userName", "uid"), row("email", "mail")])));
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
    fn channels_and_unknown_keys_are_copied() {
        let old = bundled(json!([row("userName", "uid")]));
        let imported = imported(&old);
        assert_eq!(imported.connection["virtualEntityIds"], json!(["v"]));
        let (before, after) =
            (&old["outboundProvision"]["channels"][0], &imported.connection["outboundProvision"]["channels"][0]);
        assert_eq!(before, after);
    }

    #[test]
    fn typed_fields_have_the_type_in_their_code() {
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
        let imported = imported(&bundled(mapping));
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
    fn an_address_without_a_type_is_the_home_address() {
        assert_eq!(
            names(&imported(&bundled(json!([row("locality", "l"), row("photo", "p")])))),
            ["homeCity", "profilePhotoUrl"]
        );
    }

    #[test]
    fn fields_that_cannot_be_converted_are_in_the_notes() {
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
        let imported = imported(&old);
        assert_eq!(names(&imported), ["workEmail", "workPhone"]);
        let expected =
            ["customSchema: ", "workEmail: ", "phoneNumber: ", "ims: ", "ldapAttributesMap: ", "tablets.model: "];
        assert_eq!(imported.notes.len(), expected.len(), "{:?}", imported.notes);
        for (note, part) in imported.notes.iter().zip(expected) {
            assert!(note.contains(part) && !note.contains("s3cret"), "{note}");
        }
    }

    #[test]
    fn a_connection_of_this_connector_is_not_changed() {
        let connection = imported(&bundled(json!([row("userName", "uid")]))).connection;
        let again = imported(&connection);
        assert_eq!(again.connection, connection);
        assert_eq!(again.notes.len(), 1);
    }

    #[test]
    fn another_connector_keeps_its_options_and_needs_a_url() {
        let settings = json!([
            {"name": "PINGONE_ENVIRONMENT", "value": "t0p-s3cret"},
            {"name": "Provisioning Options"},
            {"name": "CREATE_USERS_PROV_OPT", "value": "false"},
            {"name": "REMOVE_ACTION", "value": "Disable"}
        ]);
        let mut old = old(settings, json!([row("userName", "uid")]));
        old["outboundProvision"]["type"] = "PingOne".into();
        let imported = imported(&old);
        let settings = &imported.connection["outboundProvision"]["targetSettings"];
        assert_eq!(settings[0], json!({"name": "SCIM_URL", "value": PLACEHOLDER}));
        assert_eq!(settings[1], json!({"name": "CREATE_USERS_PROV_OPT", "value": "false"}));
        let notes = imported.notes.join("\n");
        assert!(notes.contains("PINGONE_ENVIRONMENT: ") && notes.contains("SCIM URL: "), "{notes}");
        assert!(!notes.contains("s3cret"), "{notes}");
    }

    #[test]
    fn custom_attributes_stay_mapped_if_the_connection_names_their_schemas() {
        let settings = json!([
            {"name": "SCIM URL", "value": "https://scim.example"},
            {"name": "Custom Attribute Schema URNs", "value": "urn:example:a:2.0:User"}
        ]);
        let imported = imported(&old(settings, json!([row("userName", "uid"), row("shoeSize", "shoe")])));
        assert_eq!(names(&imported), ["userName", "shoeSize"]);
        assert!(imported.notes.iter().any(|note| note.contains("shoeSize: ")), "{:?}", imported.notes);
    }

    #[test]
    fn a_pingone_store_gets_a_channel_to_fill_in() {
        let imported = imported(&json!({
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
        for expected in [
            json!({"name": "OAUTH_ACCESS_TOKEN", "value": "t0p-s3cret"}),
            json!({"name": "CREATE_USERS_PROV_OPT", "value": "true"}),
            json!({"name": "REMOVE_USERS_PROV_OPT", "value": "false"}),
            json!({"name": "AUTHORIZATION_TYPE", "value": "SSWS"}),
        ] {
            assert!(settings.contains(&expected), "{expected}");
        }
        let notes = imported.notes.join("\n");
        assert!(notes.contains("managed: ") && notes.contains("no channel") && !notes.contains("s3cret"), "{notes}");
        let errors = inspect(&connection.to_string(), &[]).errors;
        assert!(errors.len() == 3 && errors.iter().all(|e| e.contains(PLACEHOLDER)), "{errors:?}");
    }

    #[test]
    fn other_formats_are_errors() {
        for (text, part) in [
            ("<html>", "the file is not JSON"),
            ("[]", "neither an SP connection"),
            ("{}", "neither an SP connection"),
            (r#"{"type": "slack", "configuration": {}}"#, "`slack`"),
            (r#"{"outboundProvision": {}}"#, "type: is missing"),
            (r#"{"outboundProvision": {"type": "x"}}"#, "targetSettings"),
            (r#"{"outboundProvision": {"type": "x", "targetSettings": []}}"#, "channels"),
            (r#"{"outboundProvision": {"type": "x", "targetSettings": [{}], "channels": []}}"#, "entry 1"),
        ] {
            let error = import(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn every_typed_field_has_an_existing_code() {
        let standard = Catalogue::standard(Version::V2_0);
        for group in TYPED_FIELDS {
            for (_, kind) in group.types {
                for (_, new) in group.fields {
                    let code = new.replace('*', kind);
                    assert!(standard.field(&code).is_some(), "{code}");
                }
            }
            assert!(group.default.is_none_or(|kind| group.types.iter().any(|(known, _)| *known == kind)));
        }
        assert!(RENAMED_FIELDS.iter().all(|(_, new)| standard.field(new).is_some()));
    }
}
