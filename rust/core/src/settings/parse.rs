//! Name/value pairs to [`Settings`], through the catalogue. Every message begins with the label of the setting.

use std::time::Duration;

use super::catalogue::{METHOD_BASIC, METHOD_BEARER, METHOD_CLIENT, PLACEHOLDER, Setting, SettingKind, catalogue};
use super::check;
use super::model::{Authentication, GroupNameSource, RemoveAction, Settings, UpdateMethod};
use super::secret::Secret;
use crate::Failure;
use crate::mapping::Catalogue;
use crate::scim::{Identifier, Version};
use crate::text::excerpt;

impl Settings {
    /// Parses and validates name/value pairs as a console, an API or a file gives them. Settings of an authentication
    /// method that is not chosen are ignored; a missing one takes its default.
    ///
    /// # Errors
    /// [`Failure::Config`] naming the first setting that is wrong, by its label, and what to do.
    pub fn parse<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, Failure>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        // There is at least one, or it would not have failed.
        Self::examine(pairs).map_err(|mut wrongs| wrongs.swap_remove(0))
    }

    /// As [`Settings::parse`], but told everything that is wrong.
    ///
    /// # Errors
    /// [`Failure::Config`] for every setting that is wrong, unknown names first, then in screen order; never empty.
    pub fn examine<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, Vec<Failure>>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let (given, mut wrongs) = Given::collect(pairs);
        wrongs.extend(given.check());
        if wrongs.is_empty() { typed(&given).map_err(|wrong| vec![wrong]) } else { Err(wrongs) }
    }
}

fn wrong(setting: &Setting, reason: impl std::fmt::Display) -> Failure {
    Failure::Config(format!("{}: {reason}", setting.label).into())
}

/// The values that were given, one place per row of the catalogue; blank ones are left out.
struct Given(Vec<Option<String>>);

impl Given {
    /// The values, and what is wrong with the names.
    fn collect<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> (Self, Vec<Failure>) {
        let mut wrongs = Vec::new();
        let mut values = vec![None; catalogue().len()];
        let mut seen = vec![false; catalogue().len()];
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            let Some(at) = catalogue().iter().position(|s| s.is_called(name)) else {
                wrongs.push(Failure::Config(
                    format!("unknown setting {:?}: remove it, or correct its name", excerpt(name)).into(),
                ));
                continue;
            };
            let (setting, slot) = (&catalogue()[at], &mut values[at]);
            // Consoles store headings like settings, some of them more than once.
            if setting.kind == SettingKind::Heading {
                continue;
            }
            if std::mem::replace(&mut seen[at], true) {
                wrongs.push(wrong(setting, "is there more than once; keep one of them"));
                continue;
            }
            // White space around what is typed means nothing, but in a secret it may.
            let value = if setting.is_secret() { value } else { value.trim_matches(' ') };
            *slot = (!value.is_empty()).then(|| value.to_owned());
        }
        (Self(values), wrongs)
    }

    fn row(&self, name: &str) -> Option<(&'static Setting, Option<&str>)> {
        let at = catalogue().iter().position(|s| s.name == name)?;
        Some((&catalogue()[at], self.0[at].as_deref()))
    }

    /// The value, or the default; empty where there is neither.
    fn text(&self, name: &str) -> &str {
        self.row(name).map_or("", |(setting, given)| given.unwrap_or(setting.default))
    }

    fn typed<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Failure> {
        let (setting, given) =
            self.row(name).ok_or_else(|| Failure::Config(format!("unknown setting {name}").into()))?;
        read(given.unwrap_or(setting.default)).map_err(|reason| wrong(setting, reason))
    }

    fn optional<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, Failure> {
        if self.text(name).is_empty() { Ok(None) } else { self.typed(name, read).map(Some) }
    }

    fn on(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    /// The option that a select stands on, in the catalogue's spelling.
    fn choice(&self, name: &str) -> &'static str {
        self.row(name).and_then(|(setting, given)| option(setting, given.unwrap_or(setting.default))).unwrap_or("")
    }

    /// Holds every setting that counts against its row, in screen order.
    fn check(&self) -> Vec<Failure> {
        let method = self.choice("AUTHENTICATION_METHOD");
        let rows = catalogue().iter().zip(&self.0).filter(|(setting, _)| setting.method.is_none_or(|m| m == method));
        rows.filter_map(|(setting, given)| {
            let refused = match given.as_deref() {
                None if setting.required && setting.default.is_empty() => Err("is missing; enter a value".into()),
                None => Ok(()),
                Some(value) if value.contains(PLACEHOLDER) => {
                    Err(format!("still holds the placeholder {PLACEHOLDER}; enter a value"))
                }
                Some(value) => fits(setting, value),
            };
            refused.err().map(|reason| wrong(setting, reason))
        })
        .collect()
    }
}

/// The option that a value means: exactly, then without letter case.
fn option(setting: &Setting, value: &str) -> Option<&'static str> {
    let options = || setting.options.iter().copied();
    options().find(|o| *o == value).or_else(|| options().find(|o| o.eq_ignore_ascii_case(value)))
}

fn fits(setting: &Setting, value: &str) -> Result<(), String> {
    match setting.kind {
        SettingKind::Heading => Ok(()),
        SettingKind::Select if option(setting, value).is_none() => {
            Err(format!("must be one of {}", setting.options.join(", ")))
        }
        SettingKind::Select => Ok(()),
        SettingKind::Checkbox if ["true", "false"].iter().any(|word| value.eq_ignore_ascii_case(word)) => Ok(()),
        SettingKind::Checkbox => Err("must be true or false".into()),
        SettingKind::Text | SettingKind::Secret => check::hold(setting.check, value),
    }
}

fn authentication(given: &Given) -> Result<Authentication, Failure> {
    let secret = |name: &str| Secret::new(given.text(name));
    Ok(match given.choice("AUTHENTICATION_METHOD") {
        METHOD_BASIC => Authentication::Basic {
            user: given.text("BASIC_AUTH_USER").to_owned(),
            password: secret("BASIC_AUTH_PASSWORD"),
        },
        METHOD_BEARER => Authentication::Bearer { token: secret("OAUTH_ACCESS_TOKEN") },
        METHOD_CLIENT => Authentication::ClientCredentials {
            endpoint: given.typed("OAUTH_TOKEN_REQUEST", check::url)?,
            client_id: given.text("OAUTH_CLIENT_ID").to_owned(),
            client_secret: secret("OAUTH_CLIENT_SECRET"),
            scopes: given.typed("OAUTH_SCOPE", check::scopes)?,
        },
        _ => Authentication::None,
    })
}

/// Values that have been checked one by one, as [`Settings`].
fn typed(given: &Given) -> Result<Settings, Failure> {
    let mut scim_url = given.typed("SCIM_URL", check::url)?;
    let path = scim_url.path().trim_end_matches('/').to_owned();
    scim_url.set_path(&path);
    let identifier = match given.choice("UNIQUE_USER_IDENTIFIER") {
        "workEmail" => Identifier::WorkEmail,
        _ => Identifier::UserName,
    };
    let filter = Some(given.text("USER_FILTER")).filter(|filter| !filter.is_empty());
    let number = |name: &str| -> Result<Option<u32>, Failure> {
        given.optional(name, |text| text.parse().map_err(|_| "must be a whole number".to_owned()))
    };
    let settings = Settings {
        scim_url,
        version: if given.choice("SCIM_VERSION") == "1.1" { Version::V1_1 } else { Version::V2_0 },
        authentication: authentication(given)?,
        identifier,
        filter: filter.unwrap_or(identifier.usual_filter()).to_owned(),
        authorization_type: given.optional("AUTHORIZATION_TYPE", |text| Ok(text.to_owned()))?,
        users_path: given.optional("USERS_RESOURCE", check::path)?.unwrap_or_else(|| "/Users".into()),
        groups_path: given.optional("GROUPS_RESOURCE", check::path)?.unwrap_or_else(|| "/Groups".into()),
        results_per_page: given.typed("RESULTS_PER_PAGE", check::page_size)?,
        create: given.on("CREATE_USERS_PROV_OPT"),
        update: given.on("UPDATE_USERS_PROV_OPT"),
        remove: given.on("REMOVE_USERS_PROV_OPT"),
        provision_disabled: given.on("PROVISION_DISABLED_USERS_PROV_OPT"),
        remove_action: match given.choice("REMOVE_ACTION") {
            "Delete" => RemoveAction::Delete,
            _ => RemoveAction::Disable,
        },
        group_name_source: match given.choice("GROUP_NAME_SOURCE") {
            "Distinguished Name" => GroupNameSource::DistinguishedName,
            _ => GroupNameSource::CommonName,
        },
        group_patch: given.on("GROUP_PATCH_PROV_OPT"),
        extension_urns: given.typed("SCHEMA_EXTENSION_URNS", check::urns)?,
        update_method: match given.choice("USER_UPDATE_METHOD") {
            "PATCH" => UpdateMethod::Patch,
            "Automatic" => UpdateMethod::Automatic,
            _ => UpdateMethod::Put,
        },
        max_removals: number("MAX_REMOVALS_PER_CYCLE")?,
        clearable: given.typed("CLEARABLE_ATTRIBUTES", check::field_codes)?,
        max_requests_per_second: number("MAX_REQUESTS_PER_SECOND")?,
        request_timeout: Duration::from_secs(
            given.typed("REQUEST_TIMEOUT_SECONDS", |text| text.parse().map_err(|_| "must be a whole number".into()))?,
        ),
    };
    let standard = Catalogue::standard(settings.version);
    if settings.version == Version::V1_1 && settings.clearable.iter().any(|code| standard.field(code).is_none()) {
        return Err(Failure::Config(
            "Clear Attributes When Empty: lists a field that is not on the Attribute Mapping tab; custom attributes need SCIM Version 2.0"
                .into(),
        ));
    }
    let identifier = settings.identifier.code();
    if settings.clearable.iter().any(|code| code == identifier) {
        return Err(Failure::Config(
            format!("Clear Attributes When Empty: may not list {identifier}, the Unique User Identifier").into(),
        ));
    }
    Ok(settings)
}
