//! Lists the settings of the Target tab as data, one row each, in screen order.
//! Does not know: the values of a connection.
//!
//! The console, `pfscim describe`, the parser and the import read this table. None of them lists settings itself.
//! The vendor's SCIM Connector settings reference defines labels, order, defaults and meaning of the first 24 settings.
//! The last five, below *Advanced*, are additions of pfscim. Names and labels are a public contract: never rename them.

/// Replaces, in a prepared connection, a value that only the administrator knows. The parser rejects a setting that
/// contains it.
pub const PLACEHOLDER: &str = "REPLACE-ME";

/// How the console shows a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SettingKind {
    /// A line of text between settings. The console stores it like a setting. Its value has no meaning.
    Heading,
    /// One line of text.
    Text,
    /// One line of text, hidden on the screen and encrypted where it is stored.
    Secret,
    /// One of [`Setting::options`].
    Select,
    /// `true` or `false`.
    Checkbox,
}

impl SettingKind {
    /// Returns the name in `pfscim describe settings`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heading => "heading",
            Self::Text => "text",
            Self::Secret => "secret",
            Self::Select => "select",
            Self::Checkbox => "checkbox",
        }
    }
}

/// The form of the value of a text setting. Blank is always valid here; see [`Setting::required`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueCheck {
    /// Any text without control characters.
    Text,
    /// An absolute `http` or `https` URL without credentials and fragment.
    Url,
    /// A whole number in a range.
    Integer {
        /// Smallest value, inclusive.
        low: i64,
        /// Largest value, inclusive.
        high: i64,
    },
    /// -1, or a whole number from 1.
    PageSize,
    /// A user name of RFC 7617 section 2: without a colon.
    UserName,
    /// Credentials after the scheme of an `Authorization` header: ASCII without control characters and white space.
    Credential,
    /// A token of RFC 9110 section 5.6.2.
    Token,
    /// Scopes of RFC 6749 section 3.3, separated by commas.
    Scopes,
    /// `<attribute> <operation> "%s"`.
    Filter,
    /// A path below the SCIM URL.
    Path,
    /// URNs of RFC 8141, separated by commas.
    Urns,
    /// Codes of fields that can be cleared, separated by commas.
    FieldCodes,
}

/// One row of the Target tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The stored name.
    pub name: &'static str,
    /// The text on the screen.
    pub label: &'static str,
    /// How the console shows it.
    pub kind: SettingKind,
    /// The label of the heading above it. Empty for the settings above the first heading.
    pub section: &'static str,
    /// The help text on the screen: one to three short sentences. Empty for a heading.
    pub description: &'static str,
    /// The value of a setting that is missing or blank. Empty if it has no default.
    pub default: &'static str,
    /// The values of a select, in order.
    pub options: &'static [&'static str],
    /// Whether it needs a value or a default. A setting with [`Setting::method`] needs one only with that method.
    pub required: bool,
    /// Whether it is in the *Advanced* section.
    pub advanced: bool,
    /// The value of *Authentication Methods* that it belongs to. With any other value the setting is ignored.
    pub method: Option<&'static str>,
    /// The form of a text value.
    pub check: ValueCheck,
    /// Other names for the same values, from the vendor's other products and older screens.
    pub aliases: &'static [&'static str],
}

impl Setting {
    /// Returns whether its value must not be shown.
    pub fn is_secret(&self) -> bool {
        self.kind == SettingKind::Secret
    }

    /// Returns whether `name` is the setting's name, its label or one of its aliases.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.label == name || self.aliases.contains(&name)
    }
}

/// *Authentication Methods*: none.
pub(super) const METHOD_NONE: &str = "None";
/// *Authentication Methods*: Basic.
pub(super) const METHOD_BASIC: &str = "Basic Authentication";
/// *Authentication Methods*: bearer token.
pub(super) const METHOD_BEARER: &str = "OAuth 2 Bearer Token";
/// *Authentication Methods*: client credentials.
pub(super) const METHOD_CLIENT: &str = "OAuth 2 Client Credentials";

const OVERRIDES: &str = "SCIM Overrides";
const OPTIONS: &str = "Provisioning Options";
const ADVANCED: &str = "Advanced";

/// A text setting without default. Each row below states only how it differs.
const TEXT_SETTING: Setting = Setting {
    name: "",
    label: "",
    kind: SettingKind::Text,
    section: "",
    description: "",
    default: "",
    options: &[],
    required: false,
    advanced: false,
    method: None,
    check: ValueCheck::Text,
    aliases: &[],
};

const fn heading(name: &'static str, label: &'static str, advanced: bool) -> Setting {
    Setting { name, label, kind: SettingKind::Heading, section: label, advanced, ..TEXT_SETTING }
}

const CATALOGUE: &[Setting] = &[
    Setting {
        name: "SCIM_URL",
        label: "SCIM URL",
        description: "The base URL of the target's SCIM service, for example https://scim.example.com/v2. A slash at the end makes no difference.",
        required: true,
        check: ValueCheck::Url,
        aliases: &["SCIM base URL"],
        ..TEXT_SETTING
    },
    Setting {
        name: "SCIM_VERSION",
        label: "SCIM Version",
        kind: SettingKind::Select,
        description: "The version of the SCIM standard that the target supports.",
        default: "2.0",
        options: &["2.0", "1.1"],
        required: true,
        aliases: &["SCIM version"],
        ..TEXT_SETTING
    },
    Setting {
        name: "AUTHENTICATION_METHOD",
        label: "Authentication Methods",
        kind: SettingKind::Select,
        description: "How the connector authenticates to the target. The connector ignores the settings of the other methods.",
        default: METHOD_NONE,
        options: &[METHOD_NONE, METHOD_BASIC, METHOD_BEARER, METHOD_CLIENT],
        required: true,
        aliases: &["Authentication Method", "Authentication method"],
        ..TEXT_SETTING
    },
    heading("HEADING_BASIC", METHOD_BASIC, false),
    Setting {
        name: "BASIC_AUTH_USER",
        label: "Basic Authentication Username",
        section: METHOD_BASIC,
        description: "The user name of an account that may manage users at the target.",
        required: true,
        method: Some(METHOD_BASIC),
        check: ValueCheck::UserName,
        aliases: &["Basic Auth User"],
        ..TEXT_SETTING
    },
    Setting {
        name: "BASIC_AUTH_PASSWORD",
        label: "Basic Authentication Password",
        kind: SettingKind::Secret,
        section: METHOD_BASIC,
        description: "The password of the account in Basic Authentication Username.",
        required: true,
        method: Some(METHOD_BASIC),
        aliases: &["Basic Auth Password"],
        ..TEXT_SETTING
    },
    heading("HEADING_BEARER", METHOD_BEARER, false),
    Setting {
        name: "OAUTH_ACCESS_TOKEN",
        label: "Access Token",
        kind: SettingKind::Secret,
        section: METHOD_BEARER,
        description: "The access token that the target issued. Do not enter the word Bearer before it.",
        required: true,
        method: Some(METHOD_BEARER),
        check: ValueCheck::Credential,
        aliases: &["OAuth Access Token"],
        ..TEXT_SETTING
    },
    heading("HEADING_CLIENT_CREDENTIALS", METHOD_CLIENT, false),
    Setting {
        name: "OAUTH_TOKEN_REQUEST",
        label: "Token Request Endpoint",
        section: METHOD_CLIENT,
        description: "The URL where the connector requests an access token, for example https://login.example.com/as/token.oauth2.",
        required: true,
        method: Some(METHOD_CLIENT),
        check: ValueCheck::Url,
        aliases: &["OAuth 2 Token Request Endpoint", "OAuth Token Request"],
        ..TEXT_SETTING
    },
    Setting {
        name: "OAUTH_CLIENT_ID",
        label: "Client ID",
        section: METHOD_CLIENT,
        description: "The ID of the OAuth client that is registered for this connector.",
        required: true,
        method: Some(METHOD_CLIENT),
        aliases: &["OAuth 2 Client ID", "OAuth Client ID"],
        ..TEXT_SETTING
    },
    Setting {
        name: "OAUTH_CLIENT_SECRET",
        label: "Client Secret",
        kind: SettingKind::Secret,
        section: METHOD_CLIENT,
        description: "The secret of the OAuth client in Client ID.",
        required: true,
        method: Some(METHOD_CLIENT),
        aliases: &["OAuth 2 Client Secret", "OAuth Client Secret"],
        ..TEXT_SETTING
    },
    Setting {
        name: "OAUTH_SCOPE",
        label: "Scope",
        section: METHOD_CLIENT,
        description: "The scopes to request, separated by commas. If blank, the connector requests no scopes.",
        method: Some(METHOD_CLIENT),
        check: ValueCheck::Scopes,
        ..TEXT_SETTING
    },
    heading("HEADING_OVERRIDES", OVERRIDES, false),
    Setting {
        name: "UNIQUE_USER_IDENTIFIER",
        label: "Unique User Identifier",
        kind: SettingKind::Select,
        section: OVERRIDES,
        description: "The field that identifies an existing user at the target. To change it later, delete the connection, restart PingFederate and create the connection again.",
        default: "userName",
        options: &["userName", "workEmail"],
        required: true,
        aliases: &["User Identifier"],
        ..TEXT_SETTING
    },
    Setting {
        name: "USER_FILTER",
        label: "Filter Expression",
        section: OVERRIDES,
        description: "The filter that finds a user, in three parts, for example userName eq \"%s\". The connector replaces %s with the value of the Unique User Identifier. If blank, the filter is userName eq \"%s\", or emails eq \"%s\" if the identifier is workEmail.",
        check: ValueCheck::Filter,
        aliases: &["User Filter Expression"],
        ..TEXT_SETTING
    },
    Setting {
        name: "AUTHORIZATION_TYPE",
        label: "Authorization Header Type",
        section: OVERRIDES,
        description: "The word before the access token in the Authorization header. If blank, the word is Bearer. Basic Authentication ignores this setting.",
        check: ValueCheck::Token,
        aliases: &["Auth Type Header"],
        ..TEXT_SETTING
    },
    Setting {
        name: "USERS_RESOURCE",
        label: "Users API Path",
        section: OVERRIDES,
        description: "The path of the users below the SCIM URL. If blank, the path is /Users.",
        check: ValueCheck::Path,
        aliases: &["Users resource", "Users Resource"],
        ..TEXT_SETTING
    },
    Setting {
        name: "GROUPS_RESOURCE",
        label: "Groups Path API",
        section: OVERRIDES,
        description: "The path of the groups below the SCIM URL. If blank, the path is /Groups.",
        check: ValueCheck::Path,
        aliases: &["Groups API Path", "Groups Resource"],
        ..TEXT_SETTING
    },
    Setting {
        name: "RESULTS_PER_PAGE",
        label: "Results Per Page",
        section: OVERRIDES,
        description: "How many groups the connector requests per page when it searches for a group. With -1 the target decides.",
        default: "1000",
        check: ValueCheck::PageSize,
        ..TEXT_SETTING
    },
    heading("HEADING_PROVISIONING", OPTIONS, false),
    Setting {
        name: "CREATE_USERS_PROV_OPT",
        label: "User Create",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "The connector creates users who do not exist at the target.",
        default: "true",
        aliases: &["CREATE_USERS", "createNewUsers"],
        ..TEXT_SETTING
    },
    Setting {
        name: "UPDATE_USERS_PROV_OPT",
        label: "User Update",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "The connector updates users who exist at the target. It also enables inactive users again if they are enabled at the source.",
        default: "true",
        aliases: &["UPDATE_USERS", "updateNewUsers"],
        ..TEXT_SETTING
    },
    Setting {
        name: "REMOVE_USERS_PROV_OPT",
        label: "User Disable / Delete",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "The connector removes users who are disabled, deleted or no longer selected at the source. Remove User Action defines how.",
        default: "true",
        aliases: &["DISABLE_USERS", "disableNewUsers"],
        ..TEXT_SETTING
    },
    Setting {
        name: "PROVISION_DISABLED_USERS_PROV_OPT",
        label: "Provision Disabled Users",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "The connector also creates users who are disabled at the source. It creates them as inactive.",
        default: "false",
        aliases: &["provisionDisabledUsers"],
        ..TEXT_SETTING
    },
    Setting {
        name: "REMOVE_ACTION",
        label: "Remove User Action",
        kind: SettingKind::Select,
        section: OPTIONS,
        description: "How the connector removes a user. Disable makes the user inactive and keeps everything else. Delete deletes the user.",
        default: "Disable",
        options: &["Disable", "Delete"],
        required: true,
        aliases: &["removeAction", "Remove Action"],
        ..TEXT_SETTING
    },
    Setting {
        name: "GROUP_NAME_SOURCE",
        label: "Group Name Source",
        kind: SettingKind::Select,
        section: OPTIONS,
        description: "The name of a group at the target. It is the common name (CN) or the whole distinguished name (DN) of the source group.",
        default: "Common Name",
        options: &["Common Name", "Distinguished Name"],
        required: true,
        ..TEXT_SETTING
    },
    Setting {
        name: "GROUP_PATCH_PROV_OPT",
        label: "Use PATCH for Group Updates",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "The connector updates a group with PATCH, which sends only the differences. If cleared, it sends the whole group with PUT.",
        default: "false",
        ..TEXT_SETTING
    },
    Setting {
        name: "SCHEMA_EXTENSION_URNS",
        label: "Custom Attribute Schema URNs",
        section: OPTIONS,
        description: "Further schemas with custom user attributes, separated by commas. Schemas of the form urn:ietf:params:scim:schemas:extension:NAME:2.0:User need no entry.",
        check: ValueCheck::Urns,
        ..TEXT_SETTING
    },
    heading("HEADING_ADVANCED", ADVANCED, true),
    Setting {
        name: "USER_UPDATE_METHOD",
        label: "User Update Method",
        kind: SettingKind::Select,
        section: ADVANCED,
        description: "How the connector updates users. PUT sends the target's own user with the changes in it. PATCH sends only the changes. Automatic uses PATCH if the target supports it, otherwise PUT.",
        default: "PUT",
        options: &["PUT", "PATCH", "Automatic"],
        required: true,
        advanced: true,
        ..TEXT_SETTING
    },
    Setting {
        name: "MAX_REMOVALS_PER_CYCLE",
        label: "Maximum Removals Per Cycle",
        section: ADVANCED,
        description: "How many users and groups one provisioning cycle may remove. All further removals fail. If blank, the number is not limited.",
        advanced: true,
        check: ValueCheck::Integer { low: 0, high: i32::MAX as i64 },
        ..TEXT_SETTING
    },
    Setting {
        name: "CLEARABLE_ATTRIBUTES",
        label: "Clear Attributes When Empty",
        section: ADVANCED,
        description: "The fields that the connector clears at the target if they have no value at the source, separated by commas. All other fields keep their last value.",
        advanced: true,
        check: ValueCheck::FieldCodes,
        ..TEXT_SETTING
    },
    Setting {
        name: "MAX_REQUESTS_PER_SECOND",
        label: "Maximum Requests Per Second",
        section: ADVANCED,
        description: "How many requests the connector sends in one second at most. If blank, the number is not limited.",
        advanced: true,
        check: ValueCheck::Integer { low: 1, high: 10_000 },
        ..TEXT_SETTING
    },
    Setting {
        name: "REQUEST_TIMEOUT_SECONDS",
        label: "Request Timeout",
        section: ADVANCED,
        description: "How many seconds the connector waits for a complete response to a request.",
        default: "30",
        advanced: true,
        check: ValueCheck::Integer { low: 1, high: 300 },
        ..TEXT_SETTING
    },
];

/// Returns every setting and heading, in screen order.
pub fn catalogue() -> &'static [Setting] {
    CATALOGUE
}

/// Returns the setting or heading with this name, label or alias.
pub fn setting(name: &str) -> Option<&'static Setting> {
    CATALOGUE.iter().find(|s| s.is_called(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_screen_shows_the_24_settings_of_the_vendor_and_then_five_additions() {
        let labels: Vec<_> = catalogue().iter().filter(|s| s.kind != SettingKind::Heading).map(|s| s.label).collect();
        assert_eq!(
            labels,
            [
                "SCIM URL",
                "SCIM Version",
                "Authentication Methods",
                "Basic Authentication Username",
                "Basic Authentication Password",
                "Access Token",
                "Token Request Endpoint",
                "Client ID",
                "Client Secret",
                "Scope",
                "Unique User Identifier",
                "Filter Expression",
                "Authorization Header Type",
                "Users API Path",
                "Groups Path API",
                "Results Per Page",
                "User Create",
                "User Update",
                "User Disable / Delete",
                "Provision Disabled Users",
                "Remove User Action",
                "Group Name Source",
                "Use PATCH for Group Updates",
                "Custom Attribute Schema URNs",
                "User Update Method",
                "Maximum Removals Per Cycle",
                "Clear Attributes When Empty",
                "Maximum Requests Per Second",
                "Request Timeout",
            ]
        );
    }

    #[test]
    fn a_section_is_the_heading_above() {
        let mut above = "";
        for setting in catalogue() {
            if setting.kind == SettingKind::Heading {
                above = setting.label;
            }
            assert_eq!(setting.section, above, "{}", setting.name);
            assert_eq!(setting.advanced, above == ADVANCED, "{}", setting.name);
        }
    }

    #[test]
    fn each_name_belongs_to_one_setting() {
        let mut seen = BTreeSet::new();
        for setting in catalogue() {
            for name in [setting.name, setting.label].iter().chain(setting.aliases) {
                assert!(seen.insert(*name), "{name} occurs twice");
            }
        }
    }

    #[test]
    fn every_setting_has_a_description_and_every_select_has_a_valid_default() {
        for setting in catalogue() {
            assert_eq!(setting.description.is_empty(), setting.kind == SettingKind::Heading, "{}", setting.name);
            assert_eq!(setting.options.is_empty(), setting.kind != SettingKind::Select, "{}", setting.name);
            if setting.kind == SettingKind::Select {
                assert!(setting.options.contains(&setting.default), "{}", setting.name);
            }
        }
    }
}
