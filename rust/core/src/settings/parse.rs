//! Parses name/value pairs into [`Settings`], through the catalogue.
//! Does not know: where the pairs come from.
//!
//! A message about the value of a setting begins with the label of the setting.

use std::time::Duration;

use super::catalogue::{METHOD_BASIC, METHOD_BEARER, METHOD_CLIENT, PLACEHOLDER, Setting, SettingKind, catalogue};
use super::check;
use super::model::{Authentication, GroupNameSource, RemoveAction, Settings, UpdateMethod};
use super::secret::Secret;
use crate::mapping::Catalogue;
use crate::scim::{Identifier, Version};
use crate::text::excerpt;
use crate::{Failure, Message};

impl Settings {
    /// Parses and validates name/value pairs of a console, an API or a file. A missing or blank setting takes its
    /// default. The settings of an authentication method that is not chosen are ignored.
    ///
    /// # Errors
    /// [`Failure::Config`] for the first setting that is invalid, with its label and what to do.
    pub fn parse<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, Failure>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        Self::examine(pairs).map_err(|mut failures| failures.swap_remove(0))
    }

    /// As [`Settings::parse`], but returns all failures.
    ///
    /// # Errors
    /// [`Failure::Config`] for every setting that is invalid: names first, then values in screen order. Never empty.
    pub fn examine<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, Vec<Failure>>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let (values, mut failures) = SettingValues::collect(pairs);
        failures.extend(values.check());
        if failures.is_empty() { to_settings(&values).map_err(|failure| vec![failure]) } else { Err(failures) }
    }
}

fn invalid(setting: &Setting, message: impl Into<Message>) -> Failure {
    Failure::Config(message.into().at(setting.label))
}

/// The value of each row of the catalogue, at the same index. A missing or blank value is `None`.
struct SettingValues(Vec<Option<String>>);

impl SettingValues {
    /// Returns the values, and a failure for each name that is unknown or repeated.
    fn collect<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> (Self, Vec<Failure>) {
        let mut failures = Vec::new();
        let mut values = vec![None; catalogue().len()];
        let mut seen = vec![false; catalogue().len()];
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            let Some(index) = catalogue().iter().position(|s| s.is_called(name)) else {
                let message = Message::new(format!("unknown setting {:?}", excerpt(name)));
                failures.push(Failure::Config(message.with_hint("remove it or correct its name")));
                continue;
            };
            let setting = &catalogue()[index];
            // Consoles store headings like settings, some of them more than once.
            if setting.kind == SettingKind::Heading {
                continue;
            }
            if std::mem::replace(&mut seen[index], true) {
                let message = Message::new("is set more than once").with_hint("remove all but one of its values");
                failures.push(invalid(setting, message));
                continue;
            }
            // Spaces around a value are typing errors. Only a secret may begin or end with one.
            let value = if setting.is_secret() { value } else { value.trim_matches(' ') };
            values[index] = (!value.is_empty()).then(|| value.to_owned());
        }
        (Self(values), failures)
    }

    fn row(&self, name: &str) -> Option<(&'static Setting, Option<&str>)> {
        let index = catalogue().iter().position(|s| s.name == name)?;
        Some((&catalogue()[index], self.0[index].as_deref()))
    }

    /// Returns the value, otherwise the default, otherwise an empty text.
    fn text(&self, name: &str) -> &str {
        self.row(name).map_or("", |(setting, value)| value.unwrap_or(setting.default))
    }

    fn parsed<T>(&self, name: &str, parse: impl FnOnce(&str) -> Result<T, Message>) -> Result<T, Failure> {
        let (setting, value) =
            self.row(name).ok_or_else(|| Failure::Config(format!("unknown setting {name}").into()))?;
        parse(value.unwrap_or(setting.default)).map_err(|message| invalid(setting, message))
    }

    fn optional<T>(&self, name: &str, parse: impl FnOnce(&str) -> Result<T, Message>) -> Result<Option<T>, Failure> {
        if self.text(name).is_empty() { Ok(None) } else { self.parsed(name, parse).map(Some) }
    }

    fn is_selected(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    /// Returns the chosen option of a select, in the catalogue's spelling.
    fn chosen_option(&self, name: &str) -> &'static str {
        self.row(name).and_then(|(setting, value)| option(setting, value.unwrap_or(setting.default))).unwrap_or("")
    }

    /// Checks the settings that the authentication method uses, in screen order.
    fn check(&self) -> Vec<Failure> {
        let method = self.chosen_option("AUTHENTICATION_METHOD");
        let rows = catalogue().iter().zip(&self.0).filter(|(setting, _)| setting.method.is_none_or(|m| m == method));
        rows.filter_map(|(setting, value)| {
            let checked = match value.as_deref() {
                None if setting.required && setting.default.is_empty() => {
                    Err(Message::new("is missing").with_hint("enter a value"))
                }
                None => Ok(()),
                Some(value) if value.contains(PLACEHOLDER) => {
                    let text = format!("contains the placeholder {PLACEHOLDER}");
                    Err(Message::new(text).with_hint("enter a value"))
                }
                Some(value) => check_setting(setting, value),
            };
            checked.err().map(|message| invalid(setting, message))
        })
        .collect()
    }
}

/// Returns the option that equals a value, exactly or without letter case.
fn option(setting: &Setting, value: &str) -> Option<&'static str> {
    let options = || setting.options.iter().copied();
    options().find(|o| *o == value).or_else(|| options().find(|o| o.eq_ignore_ascii_case(value)))
}

fn check_setting(setting: &Setting, value: &str) -> Result<(), Message> {
    match setting.kind {
        SettingKind::Heading => Ok(()),
        SettingKind::Select if option(setting, value).is_none() => {
            Err(format!("must be one of {}", setting.options.join(", ")).into())
        }
        SettingKind::Select => Ok(()),
        SettingKind::Checkbox if ["true", "false"].iter().any(|text| value.eq_ignore_ascii_case(text)) => Ok(()),
        SettingKind::Checkbox => Err("must be true or false".into()),
        SettingKind::Text | SettingKind::Secret => check::check_value(setting.check, value),
    }
}

fn authentication(values: &SettingValues) -> Result<Authentication, Failure> {
    let secret = |name: &str| Secret::new(values.text(name));
    Ok(match values.chosen_option("AUTHENTICATION_METHOD") {
        METHOD_BASIC => Authentication::Basic {
            user: values.text("BASIC_AUTH_USER").to_owned(),
            password: secret("BASIC_AUTH_PASSWORD"),
        },
        METHOD_BEARER => Authentication::Bearer { token: secret("OAUTH_ACCESS_TOKEN") },
        METHOD_CLIENT => Authentication::ClientCredentials {
            endpoint: values.parsed("OAUTH_TOKEN_REQUEST", check::url)?,
            client_id: values.text("OAUTH_CLIENT_ID").to_owned(),
            client_secret: secret("OAUTH_CLIENT_SECRET"),
            scopes: values.parsed("OAUTH_SCOPE", check::scopes)?,
        },
        _ => Authentication::None,
    })
}

/// Converts values that [`SettingValues::check`] accepted.
fn to_settings(values: &SettingValues) -> Result<Settings, Failure> {
    let mut scim_url = values.parsed("SCIM_URL", check::url)?;
    let path = scim_url.path().trim_end_matches('/').to_owned();
    scim_url.set_path(&path);
    let identifier = match values.chosen_option("UNIQUE_USER_IDENTIFIER") {
        "workEmail" => Identifier::WorkEmail,
        _ => Identifier::UserName,
    };
    let filter = Some(values.text("USER_FILTER")).filter(|filter| !filter.is_empty());
    let number = |name: &str| -> Result<Option<u32>, Failure> {
        values.optional(name, |text| text.parse().map_err(|_| "must be a whole number".into()))
    };
    let settings = Settings {
        scim_url,
        version: if values.chosen_option("SCIM_VERSION") == "1.1" { Version::V1_1 } else { Version::V2_0 },
        authentication: authentication(values)?,
        identifier,
        filter: filter.unwrap_or(identifier.default_filter()).to_owned(),
        authorization_type: values.optional("AUTHORIZATION_TYPE", |text| Ok(text.to_owned()))?,
        users_path: values.optional("USERS_RESOURCE", check::path)?.unwrap_or_else(|| "/Users".into()),
        groups_path: values.optional("GROUPS_RESOURCE", check::path)?.unwrap_or_else(|| "/Groups".into()),
        results_per_page: values.parsed("RESULTS_PER_PAGE", check::page_size)?,
        create: values.is_selected("CREATE_USERS_PROV_OPT"),
        update: values.is_selected("UPDATE_USERS_PROV_OPT"),
        remove: values.is_selected("REMOVE_USERS_PROV_OPT"),
        provision_disabled: values.is_selected("PROVISION_DISABLED_USERS_PROV_OPT"),
        remove_action: match values.chosen_option("REMOVE_ACTION") {
            "Delete" => RemoveAction::Delete,
            _ => RemoveAction::Disable,
        },
        group_name_source: match values.chosen_option("GROUP_NAME_SOURCE") {
            "Distinguished Name" => GroupNameSource::DistinguishedName,
            _ => GroupNameSource::CommonName,
        },
        group_patch: values.is_selected("GROUP_PATCH_PROV_OPT"),
        extension_urns: values.parsed("SCHEMA_EXTENSION_URNS", check::urns)?,
        update_method: match values.chosen_option("USER_UPDATE_METHOD") {
            "PATCH" => UpdateMethod::Patch,
            "Automatic" => UpdateMethod::Automatic,
            _ => UpdateMethod::Put,
        },
        max_removals: number("MAX_REMOVALS_PER_CYCLE")?,
        clearable: values.parsed("CLEARABLE_ATTRIBUTES", check::field_codes)?,
        max_requests_per_second: number("MAX_REQUESTS_PER_SECOND")?,
        request_timeout: Duration::from_secs(
            values
                .parsed("REQUEST_TIMEOUT_SECONDS", |text| text.parse().map_err(|_| "must be a whole number".into()))?,
        ),
    };
    let standard = Catalogue::standard(settings.version);
    if settings.version == Version::V1_1 && settings.clearable.iter().any(|code| standard.field(code).is_none()) {
        let message =
            Message::new("Clear Attributes When Empty: contains a field that is not on the Attribute Mapping tab");
        return Err(Failure::Config(message.with_hint("remove it, or set SCIM Version to 2.0 for custom attributes")));
    }
    let identifier = settings.identifier.code();
    if settings.clearable.iter().any(|code| code == identifier) {
        let text = format!("Clear Attributes When Empty: contains {identifier}, the Unique User Identifier");
        return Err(Failure::Config(Message::new(text).with_hint("remove it")));
    }
    Ok(settings)
}
