//! Converts the settings of the vendor's other connectors, and notes what the administrator must review.
//! Does not know: the connection file.
//!
//! The connectors are rows of data. A setting of the catalogue passes unchanged.

use url::Url;

use super::catalogue::{METHOD_BASIC, METHOD_CLIENT, METHOD_NONE, SettingKind, setting};
use super::check;
use crate::text::excerpt;

/// How to convert one setting of another connector.
enum Conversion {
    /// To a setting with other values. Each pair is an old value, whose letter case is ignored, and its new value. A
    /// value without a pair passes unchanged.
    Values(&'static str, &'static [(&'static str, &'static str)]),
    /// To a setting with the same value.
    Rename(&'static str),
    /// From the whole URL of an endpoint to *SCIM URL* and this setting of a path.
    Endpoint(&'static str),
    /// To nothing. The note is omitted if the value is one of these.
    Skip(&'static [&'static str], &'static str),
}

use Conversion::{Endpoint, Rename, Skip, Values};

/// One setting of another connector. Several rows of the same name convert it to several settings.
struct ImportRow {
    name: &'static str,
    conversion: Conversion,
    note: &'static str,
}

const fn row(name: &'static str, conversion: Conversion) -> ImportRow {
    ImportRow { name, conversion, note: "" }
}

const NO_COUNTERPART: &str = "was left out, because the connector has no such setting";

const IMPORT_ROWS: &[ImportRow] = &[
    // PingFederate's bundled SCIM 1.1 plugin.
    row("usersUrl", Endpoint("USERS_RESOURCE")),
    row("groupsUrl", Endpoint("GROUPS_RESOURCE")),
    row(
        "authentication",
        Values(
            "AUTHENTICATION_METHOD",
            &[("none", METHOD_NONE), ("basic", METHOD_BASIC), ("oauth_bearer_token", METHOD_CLIENT)],
        ),
    ),
    row("basicAuthUser", Rename("BASIC_AUTH_USER")),
    row("basicAuthPass", Rename("BASIC_AUTH_PASSWORD")),
    row("clientId", Rename("OAUTH_CLIENT_ID")),
    row("clientSecret", Rename("OAUTH_CLIENT_SECRET")),
    ImportRow {
        name: "tokenEndpoint",
        conversion: Rename("OAUTH_TOKEN_REQUEST"),
        note: "the connector uses the client credentials grant; allow this grant for the client at the target",
    },
    row("isPatchSupported", Values("USER_UPDATE_METHOD", &[("true", "PATCH"), ("false", "PUT")])),
    row("isPatchSupported", Rename("GROUP_PATCH_PROV_OPT")),
    row("useDnAsGroupName", Values("GROUP_NAME_SOURCE", &[("true", "Distinguished Name"), ("false", "Common Name")])),
    row("deprovisionMethod", Values("REMOVE_ACTION", &[("deleteUser", "Delete"), ("disableUser", "Disable")])),
    row(
        "rateLimitErrorCode",
        Skip(&["429"], "was left out, because the connector waits after status 429 and 503 only"),
    ),
    row(
        "enableEntExt",
        Skip(
            &["true"],
            "was left out, because the connector sends the enterprise extension if one of its fields is mapped; remove these fields from the mapping",
        ),
    ),
    // PingOne's SCIM store. Its other names are names or aliases of the catalogue.
    row(
        "AUTHORIZATION_TYPE",
        Values("AUTHORIZATION_TYPE", &[("Basic", ""), ("Bearer", "Bearer"), ("OAuth Client Credentials", "")]),
    ),
    row(
        "GROUP_MEMBERSHIP_HANDLING",
        Skip(
            &["Overwrite"],
            "was left out, because the members of a group at the source replace the members at the target",
        ),
    ),
    // PingFederate's connectors for PingOne and PingID. Their provisioning options are aliases of the catalogue.
    row("PINGONE_ENVIRONMENT", Skip(&[], NO_COUNTERPART)),
    row("DEFAULT_AUTH_METHOD", Skip(&[], NO_COUNTERPART)),
    row("MFA_USER_DEVICE_MANAGEMENT", Skip(&[], NO_COUNTERPART)),
    row("manageDevices", Skip(&[], NO_COUNTERPART)),
    row("primaryDevice", Skip(&[], NO_COUNTERPART)),
    row("PingID Properties", Skip(&[""], NO_COUNTERPART)),
    row("base64Key", Skip(&[], NO_COUNTERPART)),
    row("token", Skip(&[], NO_COUNTERPART)),
    row("domain", Skip(&[], NO_COUNTERPART)),
    row("orgAlias", Skip(&[], NO_COUNTERPART)),
];

/// Converts the settings of another connector. Returns name/value pairs for
/// [`Settings::parse`](super::Settings::parse), and notes for the administrator: one line each, without values. Checks
/// only the URLs of endpoints. Other values, such as secrets, pass unchecked.
pub fn import_settings<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> (Vec<(String, String)>, Vec<String>)
where
    N: AsRef<str>,
    V: AsRef<str>,
{
    let mut import = SettingsImport::default();
    for (name, value) in pairs {
        import.convert(name.as_ref(), value.as_ref());
    }
    import.split_endpoints();
    (import.pairs, import.notes)
}

#[derive(Default)]
struct SettingsImport {
    pairs: Vec<(String, String)>,
    notes: Vec<String>,
    /// Name of the setting in the other connector, setting of the path here, URL.
    endpoints: Vec<(&'static str, &'static str, Url)>,
}

impl SettingsImport {
    fn note(&mut self, name: &str, note: &str) {
        self.notes.push(format!("{}: {note}", excerpt(name)));
    }

    fn convert(&mut self, name: &str, value: &str) {
        let rows: Vec<&ImportRow> = IMPORT_ROWS.iter().filter(|row| row.name == name).collect();
        if rows.is_empty() {
            match setting(name) {
                Some(setting) if setting.kind == SettingKind::Heading => {}
                Some(setting) => self.put(setting.name, value),
                None => self.note(name, "was left out, because it is not a known setting"),
            }
        }
        for row in rows {
            match &row.conversion {
                Rename(setting) => self.put(setting, value),
                Values(setting, values) => {
                    let pair = values.iter().find(|(old, _)| old.eq_ignore_ascii_case(value));
                    self.put(setting, pair.map_or(value, |(_, new)| new));
                }
                Endpoint(path) if !value.is_empty() => match check::url(value) {
                    Ok(url) => self.endpoints.push((row.name, path, url)),
                    Err(message) => self.note(name, &message.to_string()),
                },
                Endpoint(_) => {}
                Skip(values_without_note, note) => {
                    if !values_without_note.iter().any(|known| known.eq_ignore_ascii_case(value)) {
                        self.note(name, note);
                    }
                }
            }
            if !row.note.is_empty() && !value.is_empty() {
                self.note(name, row.note);
            }
        }
    }

    /// Skips a blank value, so that the setting takes its default.
    fn put(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        match self.pairs.iter().find(|(known, _)| known == name) {
            None => self.pairs.push((name.to_owned(), value.to_owned())),
            Some((_, known)) if known == value => {}
            Some(_) => self.note(
                name,
                "is set more than once with different values, and the first value was kept; check the value",
            ),
        }
    }

    /// Splits the URLs of endpoints into the longest base URL that they share, and a path each.
    fn split_endpoints(&mut self) {
        let endpoints = std::mem::take(&mut self.endpoints);
        let Some((_, _, first)) = endpoints.first() else { return };
        // Only the bundled plugin has such URLs, and it supports only SCIM 1.1.
        self.put("SCIM_VERSION", "1.1");
        // The defaults of that plugin that differ from the catalogue.
        for (name, value) in
            [("AUTHENTICATION_METHOD", METHOD_BASIC), ("USER_UPDATE_METHOD", "PATCH"), ("GROUP_PATCH_PROV_OPT", "true")]
        {
            if !self.pairs.iter().any(|(known, _)| known == name) {
                self.put(name, value);
            }
        }
        let (same_server, other_servers): (Vec<_>, Vec<_>) =
            endpoints.iter().partition(|(_, _, url)| url.origin() == first.origin());
        for (name, _, _) in other_servers {
            self.note(name, "was left out, because all endpoints must be on the server of SCIM URL");
        }
        let segments = |url: &Url| -> Vec<String> {
            url.path().split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
        };
        let paths: Vec<_> = same_server.iter().map(|(_, _, url)| segments(url)).collect();
        let shortest = paths.iter().map(Vec::len).min().unwrap_or(0);
        let shared =
            (0..shortest.saturating_sub(1)).take_while(|i| paths.iter().all(|p| p[*i] == paths[0][*i])).count();
        let mut base = first.clone();
        base.set_path(&paths[0][..shared].join("/"));
        self.put("SCIM_URL", base.as_str());
        for ((name, setting, _), path) in same_server.iter().zip(&paths) {
            if path.is_empty() {
                self.note(name, "has no path, so the connector uses the default path");
            } else {
                self.put(setting, &format!("/{}", path[shared..].join("/")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Version;
    use crate::settings::{Authentication, GroupNameSource, RemoveAction, Settings, UpdateMethod};

    fn imported(pairs: &[(&str, &str)]) -> (Settings, Vec<String>) {
        let (pairs, notes) = import_settings(pairs.iter().copied());
        (Settings::parse(pairs).unwrap(), notes)
    }

    #[test]
    fn a_connection_of_the_bundled_plugin_is_converted() {
        let (settings, notes) = imported(&[
            ("usersUrl", "https://example.com/scim/v1/Users"),
            ("groupsUrl", "https://example.com/scim/v1/Teams/"),
            ("authentication", "basic"),
            ("basicAuthUser", "admin"),
            ("basicAuthPass", "p w"),
            ("clientId", ""),
            ("isPatchSupported", "true"),
            ("useDnAsGroupName", "true"),
            ("deprovisionMethod", "disableUser"),
            ("rateLimitErrorCode", "429"),
            ("enableEntExt", "true"),
        ]);
        assert_eq!(settings.scim_url.as_str(), "https://example.com/scim/v1");
        assert_eq!((settings.users_path.as_str(), settings.groups_path.as_str()), ("/Users", "/Teams"));
        assert_eq!(settings.version, Version::V1_1);
        assert!(matches!(&settings.authentication, Authentication::Basic { user, .. } if user == "admin"));
        assert_eq!(settings.update_method, UpdateMethod::Patch);
        assert!(settings.group_patch);
        assert_eq!(settings.group_name_source, GroupNameSource::DistinguishedName);
        assert_eq!(settings.remove_action, RemoveAction::Disable);
        assert_eq!(notes, Vec::<String>::new());
    }

    #[test]
    fn missing_settings_take_the_defaults_of_the_bundled_plugin() {
        let (pairs, _) = import_settings([("usersUrl", "https://example.com/v1/Users")]);
        for (name, value) in [("AUTHENTICATION_METHOD", METHOD_BASIC), ("USER_UPDATE_METHOD", "PATCH")] {
            assert!(pairs.contains(&(name.into(), value.into())), "{name}");
        }
    }

    #[test]
    fn endpoints_share_their_longest_common_base_url() {
        let (settings, _) = imported(&[
            ("usersUrl", "https://example.com/scim/people/Users?tenant=7"),
            ("groupsUrl", "https://example.com/scim/Groups"),
            ("authentication", "none"),
            ("deprovisionMethod", "deleteUser"),
        ]);
        assert_eq!(settings.scim_url.as_str(), "https://example.com/scim?tenant=7");
        assert_eq!((settings.users_path.as_str(), settings.groups_path.as_str()), ("/people/Users", "/Groups"));
        assert_eq!(settings.remove_action, RemoveAction::Delete);
    }

    #[test]
    fn skipped_settings_are_noted_without_values() {
        let (pairs, notes) = import_settings([
            ("usersUrl", "https://example.com/v1/Users"),
            ("groupsUrl", "https://elsewhere.example/v1/Groups"),
            ("authentication", "oauth_bearer_token"),
            ("tokenEndpoint", "https://example.com/token"),
            ("rateLimitErrorCode", "503"),
            ("enableEntExt", "false"),
            ("token", "t0p-s3cret"),
            ("colour", "t0p-s3cret"),
        ]);
        assert!(pairs.contains(&("AUTHENTICATION_METHOD".into(), "OAuth 2 Client Credentials".into())));
        assert!(!pairs.iter().any(|(name, _)| name == "GROUPS_RESOURCE"));
        let names: Vec<_> = notes.iter().filter_map(|note| note.split(": ").next()).collect();
        assert_eq!(names, ["tokenEndpoint", "rateLimitErrorCode", "enableEntExt", "token", "colour", "groupsUrl"]);
        assert!(!notes.concat().contains("s3cret"));
    }

    #[test]
    fn a_pingone_store_is_converted() {
        let (settings, notes) = imported(&[
            ("SCIM_URL", "https://scim.example.com/v2/"),
            ("SCIM_VERSION", "2.0"),
            ("AUTHENTICATION_METHOD", "OAuth 2 Client Credentials"),
            ("OAUTH_TOKEN_REQUEST", "https://login.example.com/token"),
            ("OAUTH_CLIENT_ID", "c"),
            ("OAUTH_CLIENT_SECRET", "s"),
            ("AUTHORIZATION_TYPE", "OAuth Client Credentials"),
            ("USERS_RESOURCE", "/Users"),
            ("USER_FILTER", "username Eq \"%s\""),
            ("CREATE_USERS", "true"),
            ("createNewUsers", "true"),
            ("UPDATE_USERS", "false"),
            ("DISABLE_USERS", "true"),
            ("REMOVE_ACTION", "Delete"),
            ("GROUP_MEMBERSHIP_HANDLING", "Overwrite"),
        ]);
        assert_eq!(settings.authorization_type, None);
        assert_eq!(settings.filter, "username Eq \"%s\"");
        assert_eq!((settings.create, settings.update, settings.remove), (true, false, true));
        assert_eq!(notes, Vec::<String>::new());
    }

    #[test]
    fn the_first_of_two_values_for_a_setting_is_kept_with_a_note() {
        let (pairs, notes) =
            import_settings([("CREATE_USERS", "true"), ("createNewUsers", "false"), ("Provisioning Options", "")]);
        assert_eq!(pairs, [("CREATE_USERS_PROV_OPT".to_owned(), "true".to_owned())]);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("CREATE_USERS_PROV_OPT: "));
    }

    #[test]
    fn every_row_names_an_existing_setting() {
        for row in IMPORT_ROWS {
            let name = match &row.conversion {
                Values(name, _) | Rename(name) | Endpoint(name) => name,
                Skip(..) => continue,
            };
            let setting = setting(name).unwrap_or_else(|| panic!("{}: {name} does not exist", row.name));
            if let Values(_, values) = &row.conversion
                && setting.kind == SettingKind::Select
            {
                assert!(values.iter().all(|(_, value)| setting.options.contains(value)), "{}", row.name);
            }
        }
    }
}
