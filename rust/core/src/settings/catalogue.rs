//! The settings of the Target tab as data: one row each, in screen order. The console, `pfscim describe`, the parser
//! and the import all read this table; none of them knows a setting of its own.
//!
//! Labels, order, defaults and meaning of the first 24 settings are those of the vendor's SCIM Connector settings
//! reference; the last five, below *Advanced*, are ours. Names and labels are a public contract: never rename.

/// Stands in a prepared connection for what only the administrator knows. A setting that holds it is refused.
pub const PLACEHOLDER: &str = "REPLACE-ME";

/// How the console shows a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SettingKind {
    /// A line of text between settings. The console stores it like a setting; its value means nothing.
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
    /// The word used in `pfscim describe settings`.
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

/// What the value of a text setting has to look like. Blank is always allowed here; see [`Setting::required`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// Any text without control characters.
    Text,
    /// An absolute `http` or `https` URL without credentials and fragment.
    Url,
    /// A whole number between the two, inclusive.
    Integer {
        /// Smallest value.
        low: i64,
        /// Largest value.
        high: i64,
    },
    /// -1, or a whole number from 1 on.
    PageSize,
    /// A user name as RFC 7617 section 2 allows it: no colon.
    UserName,
    /// What an `Authorization` header can carry behind its scheme: visible ASCII, no white space.
    Credential,
    /// A token of RFC 9110 section 5.6.2.
    Token,
    /// Scopes of RFC 6749 section 3.3, comma-delimited.
    Scopes,
    /// `<attribute> <operation> "%s"`.
    Filter,
    /// A path below the SCIM URL.
    Path,
    /// URNs of RFC 8141, comma-delimited.
    Urns,
    /// Codes of fields that can be cleared, comma-delimited.
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
    /// The heading above it; empty for the first settings, which stand above every heading.
    pub section: &'static str,
    /// One sentence for the administrator.
    pub description: &'static str,
    /// The value of a setting that is missing or blank; empty for none.
    pub default: &'static str,
    /// The values of a select, in order.
    pub options: &'static [&'static str],
    /// May not be blank. A setting with [`Setting::method`] is required, if at all, only with that method.
    pub required: bool,
    /// Stands in the *Advanced* section.
    pub advanced: bool,
    /// The value of *Authentication Methods* that it belongs to. With any other value it is not even looked at.
    pub method: Option<&'static str>,
    /// What a text value has to look like.
    pub check: Check,
    /// Other names of it that hold the same values, from the vendor's other products and older screens.
    pub aliases: &'static [&'static str],
}

impl Setting {
    /// Whether its value may not be shown.
    pub fn is_secret(&self) -> bool {
        self.kind == SettingKind::Secret
    }

    /// Whether `name` is this setting's name, its label or one of its aliases.
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

const ROW: Setting = Setting {
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
    check: Check::Text,
    aliases: &[],
};

const fn heading(name: &'static str, label: &'static str, advanced: bool) -> Setting {
    Setting { name, label, kind: SettingKind::Heading, section: label, advanced, ..ROW }
}

const CATALOGUE: &[Setting] = &[
    Setting {
        name: "SCIM_URL",
        label: "SCIM URL",
        description: "The base URL of the target's SCIM service, for example https://scim.example.com/v2/; a trailing slash makes no difference.",
        required: true,
        check: Check::Url,
        aliases: &["SCIM base URL"],
        ..ROW
    },
    Setting {
        name: "SCIM_VERSION",
        label: "SCIM Version",
        kind: SettingKind::Select,
        description: "The version of the SCIM standard that the target speaks.",
        default: "2.0",
        options: &["2.0", "1.1"],
        required: true,
        aliases: &["SCIM version"],
        ..ROW
    },
    Setting {
        name: "AUTHENTICATION_METHOD",
        label: "Authentication Methods",
        kind: SettingKind::Select,
        description: "How the connector proves itself to the target; only the settings of the chosen method are read.",
        default: METHOD_NONE,
        options: &[METHOD_NONE, METHOD_BASIC, METHOD_BEARER, METHOD_CLIENT],
        required: true,
        aliases: &["Authentication Method", "Authentication method"],
        ..ROW
    },
    heading("HEADING_BASIC", METHOD_BASIC, false),
    Setting {
        name: "BASIC_AUTH_USER",
        label: "Basic Authentication Username",
        section: METHOD_BASIC,
        description: "The name of an account at the target that may manage users.",
        required: true,
        method: Some(METHOD_BASIC),
        check: Check::UserName,
        aliases: &["Basic Auth User"],
        ..ROW
    },
    Setting {
        name: "BASIC_AUTH_PASSWORD",
        label: "Basic Authentication Password",
        kind: SettingKind::Secret,
        section: METHOD_BASIC,
        description: "The password of that account.",
        required: true,
        method: Some(METHOD_BASIC),
        aliases: &["Basic Auth Password"],
        ..ROW
    },
    heading("HEADING_BEARER", METHOD_BEARER, false),
    Setting {
        name: "OAUTH_ACCESS_TOKEN",
        label: "Access Token",
        kind: SettingKind::Secret,
        section: METHOD_BEARER,
        description: "The access token that the target issued, without the word Bearer before it.",
        required: true,
        method: Some(METHOD_BEARER),
        check: Check::Credential,
        aliases: &["OAuth Access Token"],
        ..ROW
    },
    heading("HEADING_CLIENT_CREDENTIALS", METHOD_CLIENT, false),
    Setting {
        name: "OAUTH_TOKEN_REQUEST",
        label: "Token Request Endpoint",
        section: METHOD_CLIENT,
        description: "The URL at which the connector asks for an access token, for example https://login.example.com/as/token.oauth2.",
        required: true,
        method: Some(METHOD_CLIENT),
        check: Check::Url,
        aliases: &["OAuth 2 Token Request Endpoint", "OAuth Token Request"],
        ..ROW
    },
    Setting {
        name: "OAUTH_CLIENT_ID",
        label: "Client ID",
        section: METHOD_CLIENT,
        description: "The identifier of the OAuth client that the target registered for this connector.",
        required: true,
        method: Some(METHOD_CLIENT),
        aliases: &["OAuth 2 Client ID", "OAuth Client ID"],
        ..ROW
    },
    Setting {
        name: "OAUTH_CLIENT_SECRET",
        label: "Client Secret",
        kind: SettingKind::Secret,
        section: METHOD_CLIENT,
        description: "The secret of that OAuth client.",
        required: true,
        method: Some(METHOD_CLIENT),
        aliases: &["OAuth 2 Client Secret", "OAuth Client Secret"],
        ..ROW
    },
    Setting {
        name: "OAUTH_SCOPE",
        label: "Scope",
        section: METHOD_CLIENT,
        description: "The scopes to ask for, separated by commas; blank asks for none.",
        method: Some(METHOD_CLIENT),
        check: Check::Scopes,
        ..ROW
    },
    heading("HEADING_OVERRIDES", OVERRIDES, false),
    Setting {
        name: "UNIQUE_USER_IDENTIFIER",
        label: "Unique User Identifier",
        kind: SettingKind::Select,
        section: OVERRIDES,
        description: "The field by which an existing user is found at the target; to change it later, delete the connection, restart PingFederate and create the connection again.",
        default: "userName",
        options: &["userName", "workEmail"],
        required: true,
        aliases: &["User Identifier"],
        ..ROW
    },
    Setting {
        name: "USER_FILTER",
        label: "Filter Expression",
        section: OVERRIDES,
        description: "The filter that finds a user, in three parts, for example userName eq \"%s\", where %s stands for the value of the Unique User Identifier; blank takes the usual one.",
        check: Check::Filter,
        aliases: &["User Filter Expression"],
        ..ROW
    },
    Setting {
        name: "AUTHORIZATION_TYPE",
        label: "Authorization Header Type",
        section: OVERRIDES,
        description: "The word before the credentials in the Authorization header; blank takes the usual one, Bearer for tokens.",
        check: Check::Token,
        aliases: &["Auth Type Header"],
        ..ROW
    },
    Setting {
        name: "USERS_RESOURCE",
        label: "Users API Path",
        section: OVERRIDES,
        description: "The path of the users below the SCIM URL; blank means /Users.",
        check: Check::Path,
        aliases: &["Users resource", "Users Resource"],
        ..ROW
    },
    Setting {
        name: "GROUPS_RESOURCE",
        label: "Groups Path API",
        section: OVERRIDES,
        description: "The path of the groups below the SCIM URL; blank means /Groups.",
        check: Check::Path,
        aliases: &["Groups API Path", "Groups Resource"],
        ..ROW
    },
    Setting {
        name: "RESULTS_PER_PAGE",
        label: "Results Per Page",
        section: OVERRIDES,
        description: "How many groups to ask for at a time when a group is searched for; -1 takes as many as the target gives.",
        default: "1000",
        check: Check::PageSize,
        ..ROW
    },
    heading("HEADING_PROVISIONING", OPTIONS, false),
    Setting {
        name: "CREATE_USERS_PROV_OPT",
        label: "User Create",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "Users that are missing at the target are created there.",
        default: "true",
        aliases: &["CREATE_USERS", "createNewUsers"],
        ..ROW
    },
    Setting {
        name: "UPDATE_USERS_PROV_OPT",
        label: "User Update",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "Users that exist at the target are kept up to date and, where they were disabled, enabled again.",
        default: "true",
        aliases: &["UPDATE_USERS", "updateNewUsers"],
        ..ROW
    },
    Setting {
        name: "REMOVE_USERS_PROV_OPT",
        label: "User Disable / Delete",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "Users that are disabled, deleted or no longer selected at the source are removed as Remove User Action says.",
        default: "true",
        aliases: &["DISABLE_USERS", "disableNewUsers"],
        ..ROW
    },
    Setting {
        name: "PROVISION_DISABLED_USERS_PROV_OPT",
        label: "Provision Disabled Users",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "Users that are disabled at the source are created at the target too, as disabled.",
        default: "false",
        aliases: &["provisionDisabledUsers"],
        ..ROW
    },
    Setting {
        name: "REMOVE_ACTION",
        label: "Remove User Action",
        kind: SettingKind::Select,
        section: OPTIONS,
        description: "What removing a user means: Disable sets the user to inactive and keeps everything else, Delete deletes the user.",
        default: "Disable",
        options: &["Disable", "Delete"],
        required: true,
        aliases: &["removeAction", "Remove Action"],
        ..ROW
    },
    Setting {
        name: "GROUP_NAME_SOURCE",
        label: "Group Name Source",
        kind: SettingKind::Select,
        section: OPTIONS,
        description: "What names a group at the target: its common name or its whole distinguished name.",
        default: "Common Name",
        options: &["Common Name", "Distinguished Name"],
        required: true,
        ..ROW
    },
    Setting {
        name: "GROUP_PATCH_PROV_OPT",
        label: "Use PATCH for Group Updates",
        kind: SettingKind::Checkbox,
        section: OPTIONS,
        description: "Groups are updated by sending the differences instead of the whole group.",
        default: "false",
        ..ROW
    },
    Setting {
        name: "SCHEMA_EXTENSION_URNS",
        label: "Custom Attribute Schema URNs",
        section: OPTIONS,
        description: "Further schemas with custom user attributes, separated by commas; needed only where a URN is not of the form urn:ietf:params:scim:schemas:extension:NAME:2.0:User.",
        check: Check::Urns,
        ..ROW
    },
    heading("HEADING_ADVANCED", ADVANCED, true),
    Setting {
        name: "USER_UPDATE_METHOD",
        label: "User Update Method",
        kind: SettingKind::Select,
        section: ADVANCED,
        description: "How users are updated: PUT sends the target's own user with the changes laid over it, PATCH only the changes, Automatic what the target says that it supports.",
        default: "PUT",
        options: &["PUT", "PATCH", "Automatic"],
        required: true,
        advanced: true,
        ..ROW
    },
    Setting {
        name: "MAX_REMOVALS_PER_CYCLE",
        label: "Maximum Removals Per Cycle",
        section: ADVANCED,
        description: "How many users and groups one provisioning cycle may remove before all further removals are refused; blank means no limit.",
        advanced: true,
        check: Check::Integer { low: 0, high: i32::MAX as i64 },
        ..ROW
    },
    Setting {
        name: "CLEARABLE_ATTRIBUTES",
        label: "Clear Attributes When Empty",
        section: ADVANCED,
        description: "The fields, separated by commas, that are cleared at the target when they have no value at the source; all others keep their last value.",
        advanced: true,
        check: Check::FieldCodes,
        ..ROW
    },
    Setting {
        name: "MAX_REQUESTS_PER_SECOND",
        label: "Maximum Requests Per Second",
        section: ADVANCED,
        description: "How many requests the target gets in one second at most; blank means no limit.",
        advanced: true,
        check: Check::Integer { low: 1, high: 10_000 },
        ..ROW
    },
    Setting {
        name: "REQUEST_TIMEOUT_SECONDS",
        label: "Request Timeout",
        section: ADVANCED,
        description: "After how many seconds without a complete answer a request is given up.",
        default: "30",
        advanced: true,
        check: Check::Integer { low: 1, high: 300 },
        ..ROW
    },
];

/// Every setting and heading, in screen order.
pub fn catalogue() -> &'static [Setting] {
    CATALOGUE
}

/// The setting or heading that goes by this name, label or alias.
pub fn setting(name: &str) -> Option<&'static Setting> {
    CATALOGUE.iter().find(|s| s.is_called(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_screen_shows_the_vendors_24_settings_and_then_five_of_ours() {
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
    fn no_name_leads_to_two_settings() {
        let mut seen = BTreeSet::new();
        for setting in catalogue() {
            for name in [setting.name, setting.label].iter().chain(setting.aliases) {
                assert!(seen.insert(*name), "{name} is there twice");
            }
        }
    }

    #[test]
    fn every_setting_says_what_it_is_for_and_defaults_to_a_value_it_accepts() {
        for setting in catalogue() {
            assert_eq!(setting.description.is_empty(), setting.kind == SettingKind::Heading, "{}", setting.name);
            assert_eq!(setting.options.is_empty(), setting.kind != SettingKind::Select, "{}", setting.name);
            if setting.kind == SettingKind::Select {
                assert!(setting.options.contains(&setting.default), "{}", setting.name);
            }
        }
    }
}
