//! A connection as PingFederate's administrative API gives it: `SpConnection` with its `outboundProvision`. Reads what
//! a channel needs and tolerates the rest. May not know what the settings and fields mean, only where they stand.
//!
//! Shapes: `SpConnection`, `OutboundProvision`, `Channel`, `ChannelSource`, `SaasAttributeMapping` of the API's
//! OpenAPI description (PingFederate 12).

use std::time::Duration;

use pfscim_core::settings::{Secret, Setting, setting};
use pfscim_core::text::excerpt;
use serde::Deserialize;
use serde_json::Value;

use crate::connection::pingone::{self, Rule};
use crate::directory::filter::Filter as Condition;

/// The plugin type that this program works for.
pub const PLUGIN_TYPE: &str = "PfScim";
/// The setting that says which secrets are looked at.
const METHOD: &str = "AUTHENTICATION_METHOD";

/// A connection with outbound provisioning to a SCIM target.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The API's `id`, or the entity id where a file has none.
    pub id: String,
    /// What the console calls it.
    pub name: String,
    /// The Target tab.
    pub target_settings: Vec<TargetSetting>,
    /// The Manage Channels tab.
    pub channels: Vec<Channel>,
    /// With a PingOne rule: what it is beside its settings and its channel.
    pub rule: Option<Rule>,
}

/// One name/value pair of the Target tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSetting {
    /// The setting's name: `SCIM_URL`.
    pub name: String,
    /// Its value, whatever it is: some are secrets.
    pub value: SettingValue,
}

/// What a file says about a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// Its value.
    Given(Secret),
    /// A value that only the PingFederate server which wrote the file can read.
    Encrypted,
    /// Nothing: section headings are stored so.
    Missing,
}

/// One source feeding the target.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// *Channel Status*.
    #[serde(default)]
    pub active: Option<bool>,
    /// *Channel Name*.
    pub name: String,
    /// *Source*, *Source Settings* and *Source Location*.
    pub channel_source: SourceSettings,
    /// *Attribute Mapping*.
    pub attribute_mapping: Vec<Mapping>,
    /// *Max Threads*.
    #[serde(default)]
    max_threads: Option<u16>,
    /// *Timeout*, in seconds.
    #[serde(default)]
    timeout: Option<u32>,
    /// Of several values the first is sent, whatever the field takes.
    #[serde(skip)]
    pub(crate) single_valued: bool,
    /// Members that a group has at the target already stay in it.
    #[serde(skip)]
    pub merge_groups: bool,
}

impl Channel {
    /// How many operations run at a time; 1 where it is not said.
    pub fn threads(&self) -> usize {
        usize::from(self.max_threads.unwrap_or(1).clamp(1, 64))
    }

    /// The source attributes that any field is mapped from.
    pub fn mapped_attributes(&self) -> impl Iterator<Item = &str> {
        self.attribute_mapping.iter().flat_map(|m| m.saas_field_info.attributes()).map(String::as_str)
    }

    /// How long one operation may take; 60 s where it is not said.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.filter(|t| *t > 0).unwrap_or(60).into())
    }
}

/// *Source Settings* and *Source Location*.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceSettings {
    /// *Entry GUID Attribute*.
    pub guid_attribute_name: String,
    /// *GUID Type* is binary.
    #[serde(default)]
    pub guid_binary: bool,
    /// Object classes (and what live directories are asked for changes by).
    pub change_detection_settings: ChangeDetection,
    /// How groups and members find each other.
    #[serde(default)]
    pub group_membership_detection: GroupMembership,
    /// *Account Status ...*.
    pub account_management_settings: AccountManagement,
    /// *Base DN*.
    pub base_dn: String,
    /// *Users*.
    pub user_source_location: Location,
    /// *Groups*.
    #[serde(default)]
    group_source_location: Option<Location>,
}

impl SourceSettings {
    /// *Groups*; `None` where nothing says which, so that groups are left alone.
    pub fn group_location(&self) -> Option<&Location> {
        self.group_source_location.as_ref().filter(|location| !location.is_everything())
    }

    /// Sets both locations.
    pub(crate) fn choose(&mut self, users: Location, groups: Option<Location>) {
        self.user_source_location = users;
        self.group_source_location = groups;
    }
}

/// *Changed Users/Groups Algorithm*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeAlgorithm {
    /// *Active Directory USN*.
    ActiveDirectoryUsn,
    /// *Timestamp*.
    Timestamp,
    /// *Timestamp No Negation*.
    TimestampNoNegation,
}

/// The object classes, and how a live directory says that an entry changed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeDetection {
    /// *User objectClass*.
    pub user_object_class: String,
    /// *Group objectClass*.
    pub group_object_class: String,
    /// *Changed Users/Groups Algorithm*.
    #[serde(default)]
    pub changed_users_algorithm: Option<ChangeAlgorithm>,
    #[serde(default)]
    usn_attribute_name: Option<String>,
    #[serde(default)]
    time_stamp_attribute_name: Option<String>,
}

impl ChangeDetection {
    /// The attribute that is another one after every change of an entry: *USN Attribute* or *Timestamp Attribute*,
    /// as the algorithm has it.
    pub fn marker(&self) -> Option<&str> {
        match self.changed_users_algorithm? {
            ChangeAlgorithm::ActiveDirectoryUsn => filled(self.usn_attribute_name.as_deref()),
            ChangeAlgorithm::Timestamp | ChangeAlgorithm::TimestampNoNegation => {
                filled(self.time_stamp_attribute_name.as_deref())
            }
        }
    }
}

/// *Member of Group Attribute* and *Group Member Attribute*.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupMembership {
    /// On users: the names of their groups.
    #[serde(default)]
    pub member_of_group_attribute_name: Option<String>,
    /// On groups: the names (or GUIDs) of their members.
    #[serde(default)]
    pub group_member_attribute_name: Option<String>,
}

/// *Account Status Algorithm*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum StatusAlgorithm {
    /// *Active Directory Bitmap*.
    #[serde(rename = "ACCOUNT_STATUS_ALGORITHM_AD")]
    Bitmap,
    /// *Flag*.
    #[serde(rename = "ACCOUNT_STATUS_ALGORITHM_FLAG")]
    Flag,
}

/// How the source says that an account is enabled.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountManagement {
    /// *Account Status Attribute*.
    pub account_status_attribute_name: String,
    /// *Account Status Algorithm*.
    pub account_status_algorithm: StatusAlgorithm,
    /// *Flag Comparison Value*.
    #[serde(default)]
    pub flag_comparison_value: Option<String>,
    #[serde(default)]
    flag_comparison_status: Option<bool>,
    #[serde(default)]
    default_status: Option<bool>,
}

impl AccountManagement {
    /// *Flag Comparison Status*: enabled, or not, where the value matches.
    pub fn flag_comparison_status(&self) -> bool {
        self.flag_comparison_status.unwrap_or(true)
    }

    /// *Default Status*: where the attribute is absent.
    pub fn default_status(&self) -> bool {
        self.default_status.unwrap_or(true)
    }
}

/// A part of the directory: members of a group, what a filter finds, or both.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    #[serde(default, rename = "groupDN")]
    group_dn: Option<String>,
    #[serde(default)]
    filter: Option<String>,
    #[serde(default)]
    nested_search: Option<bool>,
    /// Instead of both: a condition that was read already.
    #[serde(skip)]
    condition: Option<Condition>,
}

impl Location {
    /// What a condition finds.
    pub(crate) fn of(condition: Condition) -> Self {
        Self { condition: Some(condition), ..Self::default() }
    }

    /// What is evaluated on entries in memory.
    ///
    /// # Errors
    /// One line: no filter, or one that only a directory can evaluate.
    pub(crate) fn condition(&self) -> Result<Option<Condition>, String> {
        match &self.condition {
            Some(condition) => Ok(Some(condition.clone())),
            None => self.filter().map(Condition::parse).transpose(),
        }
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_everything(&self) -> bool {
        self.group_dn().is_none() && self.filter().is_none() && self.condition.is_none()
    }

    /// *Group DN*.
    pub fn group_dn(&self) -> Option<&str> {
        filled(self.group_dn.as_deref())
    }

    /// *Filter*.
    pub fn filter(&self) -> Option<&str> {
        filled(self.filter.as_deref())
    }

    /// *Nested Search*.
    pub fn nested(&self) -> bool {
        self.nested_search.unwrap_or(false)
    }
}

/// One row of the Attribute Mapping tab.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mapping {
    /// The field's code.
    pub field_name: String,
    /// The mapping details; empty for a field that is not mapped.
    #[serde(default)]
    pub saas_field_info: FieldInfo,
}

/// *Upper Case / Lower Case / None*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CharacterCase {
    /// As it is.
    #[default]
    None,
    /// To lower case.
    Lower,
    /// To upper case.
    Upper,
}

/// *Parsing*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Parser {
    /// As it is.
    #[default]
    None,
    /// *Extract CN from DN*.
    ExtractCnFromDn,
    /// *Extract Username from Email*.
    ExtractUsernameFromEmail,
}

/// The mapping details of one field.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldInfo {
    #[serde(default)]
    attribute_names: Option<Vec<String>>,
    #[serde(default)]
    default_value: Option<String>,
    #[serde(default)]
    expression: Option<String>,
    #[serde(default)]
    create_only: Option<bool>,
    #[serde(default)]
    trim: Option<bool>,
    #[serde(default)]
    character_case: Option<CharacterCase>,
    #[serde(default)]
    parser: Option<Parser>,
    #[serde(default)]
    masked: Option<bool>,
}

impl FieldInfo {
    /// The source attributes.
    pub fn attributes(&self) -> &[String] {
        self.attribute_names.as_deref().unwrap_or(&[])
    }

    /// *Default Value*.
    pub fn default_value(&self) -> Option<&str> {
        self.default_value.as_deref().filter(|v| !v.is_empty())
    }

    /// *Expression*.
    pub fn expression(&self) -> Option<&str> {
        filled(self.expression.as_deref())
    }

    /// *Create Only*.
    pub fn create_only(&self) -> bool {
        self.create_only.unwrap_or(false)
    }

    /// *Trim*.
    pub fn trim(&self) -> bool {
        self.trim.unwrap_or(false)
    }

    /// *Upper Case / Lower Case / None*.
    pub fn character_case(&self) -> CharacterCase {
        self.character_case.unwrap_or_default()
    }

    /// *Parsing*.
    pub fn parser(&self) -> Parser {
        self.parser.unwrap_or_default()
    }

    /// *Mask Log Values*.
    pub fn masked(&self) -> bool {
        self.masked.unwrap_or(false)
    }

    /// Whether the field is mapped at all.
    pub fn is_mapped(&self) -> bool {
        !self.attributes().is_empty() || self.default_value().is_some() || self.expression().is_some()
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|t| !t.is_empty())
}

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
    // Read by hand: a message of the JSON library may repeat the value that does not fit.
    #[serde(default)]
    target_settings: Value,
    // Read after the type is known to be ours.
    #[serde(default)]
    channels: Value,
}

impl Connection {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// One line: what does not fit, and where. Values of settings are never repeated.
    pub fn read(text: &str) -> Result<Self, String> {
        // There is at least one, or it would not have failed.
        Self::read_all(text).map_err(|mut errors| errors.swap_remove(0))
    }

    /// As [`Connection::read`], but told everything that is wrong.
    ///
    /// # Errors
    /// One line each, never none.
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
            Value::Array(given) => {
                for (position, value) in given.into_iter().enumerate() {
                    channel(position, value).map_or_else(|error| errors.push(error), |channel| channels.push(channel));
                }
            }
            _ => errors.push("outboundProvision.channels is missing or is not a list".into()),
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { id, name, target_settings, channels, rule: None })
    }

    /// The secrets that only the server which wrote the file can read, and that are read with the chosen method.
    pub fn encrypted(&self) -> impl Iterator<Item = &'static Setting> {
        let settings = self.target_settings.iter().filter(|setting| setting.value == SettingValue::Encrypted);
        settings
            .filter_map(|known| setting(&known.name))
            .filter(|setting| setting.secret() && self.reads(Some(setting)))
    }

    /// Settings of a method that is not chosen are not looked at by anybody.
    fn reads(&self, its: Option<&Setting>) -> bool {
        let method = self.target_settings.iter().find(|s| setting(&s.name).is_some_and(|s| s.name == METHOD));
        match (its.and_then(|s| s.method), method.map(|m| &m.value)) {
            (Some(its), Some(SettingValue::Given(method))) => its == method.expose(),
            _ => true,
        }
    }

    /// The target settings as name/value pairs; `secrets` (by name, label or alias) go before what the file says.
    ///
    /// # Errors
    /// One line: a value that only the server which wrote the file can read, a secret for no setting.
    pub fn pairs(&self, secrets: &[(String, Secret)]) -> Result<Vec<(String, Secret)>, String> {
        let mut given = Vec::new();
        for (name, value) in secrets {
            // Not the target's: it is for reading users.
            if self.rule.is_some() && name == pingone::CLIENT_SECRET {
                continue;
            }
            let setting = setting(name).ok_or_else(|| {
                format!("--secret: `{}` is no setting of the connector (see `pfscim describe settings`)", excerpt(name))
            })?;
            given.push((setting, value));
        }
        let overridden = |name: &str| given.iter().any(|(setting, _)| setting.is_called(name));
        let mut pairs = Vec::new();
        for TargetSetting { name, value } in self.target_settings.iter().filter(|s| !overridden(&s.name)) {
            match value {
                SettingValue::Given(value) => pairs.push((name.clone(), value.clone())),
                SettingValue::Missing => {}
                SettingValue::Encrypted => {
                    let setting = setting(name);
                    if self.reads(setting) {
                        return Err(format!(
                            "{}: the value is encrypted for the PingFederate server that exported it; give it with --secret {}=env:VARIABLE or --secret {}=file:PATH",
                            setting.map_or_else(|| excerpt(name), |s| s.label.to_owned()),
                            excerpt(name),
                            excerpt(name)
                        ));
                    }
                }
            }
        }
        pairs.extend(given.into_iter().map(|(setting, value)| (setting.name.to_owned(), value.clone())));
        Ok(pairs)
    }

    /// The channel of that name, or the only one there is.
    ///
    /// # Errors
    /// One line naming the channels.
    pub fn channel(&self, name: Option<&str>) -> Result<&Channel, String> {
        let names = || self.channels.iter().map(|c| format!("`{}`", excerpt(&c.name))).collect::<Vec<_>>().join(", ");
        match (name, self.channels.as_slice()) {
            (_, []) => Err("the connection has no channel".into()),
            (None, [only]) => Ok(only),
            (None, _) => Err(format!("the connection has several channels, choose one with --channel: {}", names())),
            (Some(name), all) => all
                .iter()
                .find(|c| c.name == name)
                .ok_or_else(|| format!("the connection has no channel `{}`, only {}", excerpt(name), names())),
        }
    }
}

/// Id, name and provisioning of a connection, once that is known to be ours.
fn outbound(json: Value) -> Result<(String, String, OutboundProvision), String> {
    let connection: SpConnection = serde_json::from_value(json).map_err(|e| not_json(&e))?;
    let id = filled(connection.id.as_deref()).or(filled(connection.entity_id.as_deref()));
    let id = id.ok_or("is no SP connection: it has neither id nor entityId")?.to_owned();
    let provision = connection
        .outbound_provision
        .ok_or("has no outboundProvision: outbound provisioning is not configured in this connection")?;
    if provision.r#type != PLUGIN_TYPE {
        return Err(format!(
            "outboundProvision.type is `{}`, not `{PLUGIN_TYPE}`: convert the connection with `pfscim import` first",
            excerpt(&provision.r#type)
        ));
    }
    Ok((id.clone(), connection.name.unwrap_or(id), provision))
}

fn not_json(error: &serde_json::Error) -> String {
    format!("is not the JSON of an SP connection: {}", excerpt(&error.to_string()))
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
            "{place}: flagComparisonValue is empty: the Flag algorithm needs the value to compare with"
        ));
    }
    if filled(Some(&channel.channel_source.guid_attribute_name)).is_none() {
        return Err(format!("{place}: guidAttributeName is empty: users are told apart by it"));
    }
    Ok(channel)
}

fn target_settings(list: &Value, errors: &mut Vec<String>) -> Vec<TargetSetting> {
    let Value::Array(list) = list else {
        errors.push("outboundProvision.targetSettings is missing or is not a list".into());
        return Vec::new();
    };
    let settings = list.iter().enumerate().map(|(position, entry)| target_setting(position, entry));
    settings.filter_map(|setting| setting.map_err(|error| errors.push(error)).ok()).collect()
}

fn target_setting(position: usize, entry: &Value) -> Result<TargetSetting, String> {
    let name = entry.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| format!("targetSettings: entry {} has no name", position + 1))?.to_owned();
    let value = match (entry.get("value"), entry.get("encryptedValue")) {
        (Some(Value::String(value)), _) => SettingValue::Given(Secret::new(value.clone())),
        (None | Some(Value::Null), Some(Value::String(_))) => SettingValue::Encrypted,
        (None | Some(Value::Null), _) => SettingValue::Missing,
        // A file written by hand may hold `true` or `443`.
        (Some(Value::Bool(value)), _) => SettingValue::Given(Secret::new(value.to_string())),
        (Some(Value::Number(value)), _) => SettingValue::Given(Secret::new(value.to_string())),
        _ => return Err(format!("targetSettings: the value of {} is not text", excerpt(&name))),
    };
    Ok(TargetSetting { name, value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
    fn reads_what_the_api_gives() {
        let connection = read(&example()).unwrap();
        assert_eq!(connection.id, "code42");
        let values: Vec<_> = connection.target_settings.iter().map(|s| s.value.clone()).collect();
        assert_eq!(values[0], SettingValue::Given(Secret::new("https://scim.example")));
        assert_eq!(values[1], SettingValue::Missing);
        assert_eq!(values[2], SettingValue::Encrypted);
        assert_eq!(values[3], SettingValue::Given(Secret::new("true")));
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
    fn another_plugin_is_sent_to_import() {
        let mut json = example();
        json["outboundProvision"]["type"] = "PingOne".into();
        json["outboundProvision"]["channels"] = "whatever".into();
        assert!(read(&json).unwrap_err().contains("`pfscim import`"));
        json["outboundProvision"] = Value::Null;
        assert!(read(&json).unwrap_err().contains("no outboundProvision"));
    }

    #[test]
    fn what_does_not_fit_is_named_and_no_value_repeated() {
        let mut json = example();
        json["outboundProvision"]["channels"][0]["channelSource"].as_object_mut().unwrap().remove("baseDn");
        assert!(read(&json).unwrap_err().contains("channel `corp`: missing field `baseDn`"));

        let mut json = example();
        json["outboundProvision"]["targetSettings"][0]["value"] = json!(["hunter2"]);
        let told = read(&json).unwrap_err();
        assert!(told.contains("SCIM_URL") && !told.contains("hunter2"), "{told}");

        let mut json = example();
        json["outboundProvision"]["channels"][0]["channelSource"]["accountManagementSettings"]["flagComparisonValue"] =
            "".into();
        assert!(read(&json).unwrap_err().contains("flagComparisonValue"));

        assert!(Connection::read("{}").unwrap_err().contains("entityId"));
        assert!(Connection::read("{").unwrap_err().contains("line 1"));
    }

    #[test]
    fn an_encrypted_value_has_to_be_given_where_it_is_needed() {
        let mut json = example();
        let connection = read(&json).unwrap();
        let told = connection.pairs(&[]).unwrap_err();
        assert!(told.starts_with("Access Token: ") && told.contains("--secret OAUTH_ACCESS_TOKEN="), "{told}");
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
    fn a_channel_is_chosen_by_name_where_there_are_several() {
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
