//! Defines a connection of PingFederate or PingOne: the Target tab, and channels with source settings and mapping.
//! Does not know: what the settings and fields mean.
//!
//! Shapes: `SpConnection`, `OutboundProvision`, `Channel`, `ChannelSource`, `SaasAttributeMapping` of the OpenAPI
//! description of PingFederate's administrative API (version 12).

use std::time::Duration;

use pfscim_core::Message;
use pfscim_core::settings::Secret;
use pfscim_core::text::excerpt;
use serde::Deserialize;

use super::pingone::Rule;
use crate::directory::Filter as Condition;

/// The value of `outboundProvision.type` of a connection of this connector.
pub const PLUGIN_TYPE: &str = "PfScim";

/// A connection with outbound provisioning to a SCIM target.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The API's `id`; if the file has none, the entity id.
    pub id: String,
    /// The name in the console.
    pub name: String,
    /// The Target tab.
    pub target_settings: Vec<TargetSetting>,
    /// The Manage Channels tab.
    pub channels: Vec<Channel>,
    /// The parts of a PingOne rule that are neither settings nor channel. `None` for PingFederate.
    pub rule: Option<Rule>,
}

impl Connection {
    /// Returns the channel with this name. Without a name, the connection must have exactly one channel.
    ///
    /// # Errors
    /// One line with the names of the channels.
    pub fn channel(&self, name: Option<&str>) -> Result<&Channel, String> {
        let names = || self.channels.iter().map(|c| format!("`{}`", excerpt(&c.name))).collect::<Vec<_>>().join(", ");
        match (name, self.channels.as_slice()) {
            (_, []) => Err("the connection has no channel; add a channel".into()),
            (None, [only]) => Ok(only),
            (None, _) => Err(format!("the connection has several channels: {}; choose one with --channel", names())),
            (Some(name), all) => all.iter().find(|c| c.name == name).ok_or_else(|| {
                format!("the connection has no channel `{}`; choose one of {} with --channel", excerpt(name), names())
            }),
        }
    }
}

/// One name/value pair of the Target tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSetting {
    /// The name of the setting, for example `SCIM_URL`.
    pub name: String,
    /// The value. All values are kept as secrets, because some are.
    pub value: SettingValue,
}

/// The value of a setting in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// A value in clear.
    Clear(Secret),
    /// A value that only the PingFederate server that wrote the file can decrypt.
    Encrypted,
    /// No value. PingFederate stores section headings this way.
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
    /// Only the first value of a field is sent, also for a multi-valued field (PingOne).
    #[serde(skip)]
    pub(crate) single_valued: bool,
    /// *Merge*: a group keeps the members that it already has at the target.
    #[serde(skip)]
    pub merge_groups: bool,
}

impl Channel {
    /// Returns the number of operations that run at the same time, 1 to 64. Default: 1.
    pub fn threads(&self) -> usize {
        usize::from(self.max_threads.unwrap_or(1).clamp(1, 64))
    }

    /// Returns the source attributes of all mapped fields.
    pub fn mapped_attributes(&self) -> impl Iterator<Item = &str> {
        self.attribute_mapping.iter().flat_map(|m| m.saas_field_info.attributes()).map(String::as_str)
    }

    /// Returns the time limit of one operation. Default: 60 s.
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
    /// The object classes, and how a directory marks changed entries.
    pub change_detection_settings: ChangeDetection,
    /// The attributes that link groups and members.
    #[serde(default)]
    pub group_membership_detection: GroupMembership,
    /// *Account Status Attribute*, *Account Status Algorithm* and the rows below.
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
    /// Returns *Groups*. `None` if it selects nothing; groups are then not provisioned.
    pub fn group_location(&self) -> Option<&Location> {
        self.group_source_location.as_ref().filter(|location| !location.is_everything())
    }

    /// Sets both locations.
    pub(crate) fn set_locations(&mut self, users: Location, groups: Option<Location>) {
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

/// The object classes, and how a directory marks changed entries.
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
    /// Returns the attribute whose value changes with every change of an entry: *USN Attribute* or *Timestamp
    /// Attribute*, depending on the algorithm.
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
    /// The attribute of a user that contains the names of its groups.
    #[serde(default)]
    pub member_of_group_attribute_name: Option<String>,
    /// The attribute of a group that contains the names (or GUIDs) of its members.
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

/// How the source marks an enabled account.
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
    /// Returns *Flag Comparison Status*: whether a user is enabled if the value matches. Default: true.
    pub fn flag_comparison_status(&self) -> bool {
        self.flag_comparison_status.unwrap_or(true)
    }

    /// Returns *Default Status*: whether a user is enabled if the attribute is absent. Default: true.
    pub fn default_status(&self) -> bool {
        self.default_status.unwrap_or(true)
    }
}

/// A selection of entries: the members of a group, the matches of a filter, or both.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    #[serde(default, rename = "groupDN")]
    group_dn: Option<String>,
    #[serde(default)]
    filter: Option<String>,
    #[serde(default)]
    nested_search: Option<bool>,
    /// A parsed filter, which replaces both (PingOne).
    #[serde(skip)]
    condition: Option<Condition>,
}

impl Location {
    /// Returns the location of the entries that match a condition.
    pub(crate) fn of(condition: Condition) -> Self {
        Self { condition: Some(condition), ..Self::default() }
    }

    /// Returns the filter for entries in memory. `None` if the location has no filter.
    ///
    /// # Errors
    /// One line: a malformed filter, or one that only a directory can evaluate.
    pub(crate) fn condition(&self) -> Result<Option<Condition>, Message> {
        match &self.condition {
            Some(condition) => Ok(Some(condition.clone())),
            None => self.filter().map(Condition::parse).transpose(),
        }
    }

    /// Returns whether the location has neither a group nor a filter.
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
    /// The code of the field.
    pub field_name: String,
    /// The mapping details; empty for a field that is not mapped.
    #[serde(default)]
    pub saas_field_info: FieldInfo,
}

/// *Upper Case / Lower Case / None*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CharacterCase {
    /// Unchanged.
    #[default]
    None,
    /// Converted to lower case.
    Lower,
    /// Converted to upper case.
    Upper,
}

/// *Parsing*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Parser {
    /// Unchanged.
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
    /// Returns the source attributes.
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

    /// Returns whether the field has an attribute, a default value or an expression.
    pub fn is_mapped(&self) -> bool {
        !self.attributes().is_empty() || self.default_value().is_some() || self.expression().is_some()
    }
}

/// Returns the trimmed text, if it is not blank.
pub(super) fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|t| !t.is_empty())
}
