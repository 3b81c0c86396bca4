//! Settings of the vendor's other connectors, moved over: names and values to ours, with a note for whatever an
//! administrator has to look at. The connectors are rows of data; what is already ours passes unchanged.

use url::Url;

use super::catalogue::{METHOD_BASIC, METHOD_CLIENT, METHOD_NONE, SettingKind, setting};
use super::check;
use crate::text::excerpt;

/// What becomes of one foreign setting.
enum Becomes {
    /// One of ours with other values: theirs (without letter case), ours. One that is not listed passes unchanged.
    OneOf(&'static str, &'static [(&'static str, &'static str)]),
    /// One of ours with the same value.
    Same(&'static str),
    /// A whole URL of an endpoint, which is *SCIM URL* and this path setting here.
    Endpoint(&'static str),
    /// Nothing, silently where it has one of these values, else with the note.
    Nothing(&'static [&'static str], &'static str),
}

use Becomes::{Endpoint, Nothing, OneOf, Same};

/// One thing that a foreign name becomes, and what to say about it. A name with several rows becomes several things.
struct Row {
    name: &'static str,
    becomes: Becomes,
    note: &'static str,
}

const fn row(name: &'static str, becomes: Becomes) -> Row {
    Row { name, becomes, note: "" }
}

const NO_COUNTERPART: &str = "has no counterpart and was left out";

const ROWS: &[Row] = &[
    // PingFederate's bundled SCIM 1.1 plugin.
    row("usersUrl", Endpoint("USERS_RESOURCE")),
    row("groupsUrl", Endpoint("GROUPS_RESOURCE")),
    row(
        "authentication",
        OneOf(
            "AUTHENTICATION_METHOD",
            &[("none", METHOD_NONE), ("basic", METHOD_BASIC), ("oauth_bearer_token", METHOD_CLIENT)],
        ),
    ),
    row("basicAuthUser", Same("BASIC_AUTH_USER")),
    row("basicAuthPass", Same("BASIC_AUTH_PASSWORD")),
    row("clientId", Same("OAUTH_CLIENT_ID")),
    row("clientSecret", Same("OAUTH_CLIENT_SECRET")),
    Row {
        name: "tokenEndpoint",
        becomes: Same("OAUTH_TOKEN_REQUEST"),
        note: "is now asked with the client credentials grant; have the target allow it for this client",
    },
    row("isPatchSupported", OneOf("USER_UPDATE_METHOD", &[("true", "PATCH"), ("false", "PUT")])),
    row("isPatchSupported", Same("GROUP_PATCH_PROV_OPT")),
    row("useDnAsGroupName", OneOf("GROUP_NAME_SOURCE", &[("true", "Distinguished Name"), ("false", "Common Name")])),
    row("deprovisionMethod", OneOf("REMOVE_ACTION", &[("deleteUser", "Delete"), ("disableUser", "Disable")])),
    row(
        "rateLimitErrorCode",
        Nothing(&["429"], "was left out: a target limits the rate with status 429 or 503 here, no other"),
    ),
    row(
        "enableEntExt",
        Nothing(
            &["true"],
            "was left out: the enterprise extension is sent where one of its fields is mapped; unmap them",
        ),
    ),
    // PingOne's SCIM store. Its other names are aliases in the catalogue, or the very same.
    row(
        "AUTHORIZATION_TYPE",
        OneOf("AUTHORIZATION_TYPE", &[("Basic", ""), ("Bearer", "Bearer"), ("OAuth Client Credentials", "")]),
    ),
    row(
        "GROUP_MEMBERSHIP_HANDLING",
        Nothing(&["Overwrite"], "was left out: the members of a group at the source replace those at the target"),
    ),
    // PingFederate's connectors for PingOne and PingID: their switches are aliases; what names their own target is not.
    row("PINGONE_ENVIRONMENT", Nothing(&[], NO_COUNTERPART)),
    row("DEFAULT_AUTH_METHOD", Nothing(&[], NO_COUNTERPART)),
    row("MFA_USER_DEVICE_MANAGEMENT", Nothing(&[], NO_COUNTERPART)),
    row("manageDevices", Nothing(&[], NO_COUNTERPART)),
    row("primaryDevice", Nothing(&[], NO_COUNTERPART)),
    row("PingID Properties", Nothing(&[""], NO_COUNTERPART)),
    row("base64Key", Nothing(&[], NO_COUNTERPART)),
    row("token", Nothing(&[], NO_COUNTERPART)),
    row("domain", Nothing(&[], NO_COUNTERPART)),
    row("orgAlias", Nothing(&[], NO_COUNTERPART)),
];

/// Settings of another connector as ours: name/value pairs for [`Settings::parse`](super::Settings::parse), and notes
/// for the administrator, one line each and without values. Nothing is checked but what has to be read; a value that is
/// only handed on (a secret, say) is not even looked at.
pub fn import_settings<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> (Vec<(String, String)>, Vec<String>)
where
    N: AsRef<str>,
    V: AsRef<str>,
{
    let mut import = Import::default();
    for (name, value) in pairs {
        import.take(name.as_ref(), value.as_ref());
    }
    import.join_endpoints();
    (import.pairs, import.notes)
}

#[derive(Default)]
struct Import {
    pairs: Vec<(String, String)>,
    notes: Vec<String>,
    /// Foreign name, path setting, URL.
    endpoints: Vec<(&'static str, &'static str, Url)>,
}

impl Import {
    fn note(&mut self, name: &str, note: &str) {
        self.notes.push(format!("{}: {note}", excerpt(name)));
    }

    fn take(&mut self, name: &str, value: &str) {
        let rows: Vec<&Row> = ROWS.iter().filter(|row| row.name == name).collect();
        if rows.is_empty() {
            match setting(name) {
                Some(ours) if ours.kind == SettingKind::Heading => {}
                Some(ours) => self.put(ours.name, value),
                None => self.note(name, "is not known and was left out"),
            }
        }
        for row in rows {
            match &row.becomes {
                Same(ours) => self.put(ours, value),
                OneOf(ours, values) => {
                    let known = values.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(value));
                    self.put(ours, known.map_or(value, |(_, ours)| ours));
                }
                Endpoint(path) if !value.is_empty() => match check::url(value) {
                    Ok(url) => self.endpoints.push((row.name, path, url)),
                    Err(reason) => self.note(name, &reason),
                },
                Endpoint(_) => {}
                Nothing(silent, note) => {
                    if !silent.iter().any(|known| known.eq_ignore_ascii_case(value)) {
                        self.note(name, note);
                    }
                }
            }
            if !row.note.is_empty() && !value.is_empty() {
                self.note(name, row.note);
            }
        }
    }

    /// Blank values are left out: ours then take their defaults.
    fn put(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        match self.pairs.iter().find(|(known, _)| known == name) {
            None => self.pairs.push((name.to_owned(), value.to_owned())),
            Some((_, known)) if known == value => {}
            Some(_) => self.note(name, "was there more than once with different values; the first one was kept"),
        }
    }

    /// Whole endpoint URLs become the longest base URL that they share, and a path each.
    fn join_endpoints(&mut self) {
        let endpoints = std::mem::take(&mut self.endpoints);
        let Some((_, _, first)) = endpoints.first() else { return };
        // Only the bundled plugin has them, and it speaks nothing else.
        self.put("SCIM_VERSION", "1.1");
        // Its defaults, where they are not ours.
        for (name, value) in
            [("AUTHENTICATION_METHOD", METHOD_BASIC), ("USER_UPDATE_METHOD", "PATCH"), ("GROUP_PATCH_PROV_OPT", "true")]
        {
            if !self.pairs.iter().any(|(known, _)| known == name) {
                self.put(name, value);
            }
        }
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            endpoints.iter().partition(|(_, _, url)| url.origin() == first.origin());
        for (name, _, _) in elsewhere {
            self.note(name, "is not on the server of the users, and one SCIM URL has to serve both; it was left out");
        }
        let segments = |url: &Url| -> Vec<String> {
            url.path().split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
        };
        let paths: Vec<_> = here.iter().map(|(_, _, url)| segments(url)).collect();
        let shortest = paths.iter().map(Vec::len).min().unwrap_or(0);
        let shared =
            (0..shortest.saturating_sub(1)).take_while(|at| paths.iter().all(|p| p[*at] == paths[0][*at])).count();
        let mut base = first.clone();
        base.set_path(&paths[0][..shared].join("/"));
        self.put("SCIM_URL", base.as_str());
        for ((name, setting, _), path) in here.iter().zip(&paths) {
            if path.is_empty() {
                self.note(name, "has no path, so the one of the standard is used");
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
    fn a_connection_of_the_bundled_plugin_moves_over() {
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
    fn what_the_bundled_plugin_leaves_unsaid_takes_its_defaults() {
        let (pairs, _) = import_settings([("usersUrl", "https://example.com/v1/Users")]);
        for (name, value) in [("AUTHENTICATION_METHOD", METHOD_BASIC), ("USER_UPDATE_METHOD", "PATCH")] {
            assert!(pairs.contains(&(name.into(), value.into())), "{name}");
        }
    }

    #[test]
    fn endpoints_below_different_paths_share_what_they_can() {
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
    fn what_does_not_move_over_is_said() {
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
    fn a_pingone_store_moves_over() {
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
    fn two_values_for_one_setting_keep_the_first_and_say_so() {
        let (pairs, notes) =
            import_settings([("CREATE_USERS", "true"), ("createNewUsers", "false"), ("Provisioning Options", "")]);
        assert_eq!(pairs, [("CREATE_USERS_PROV_OPT".to_owned(), "true".to_owned())]);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("CREATE_USERS_PROV_OPT: "));
    }

    #[test]
    fn every_row_leads_to_a_setting_that_exists() {
        for row in ROWS {
            let ours = match &row.becomes {
                OneOf(ours, _) | Same(ours) | Endpoint(ours) => ours,
                Nothing(..) => continue,
            };
            let ours = setting(ours).unwrap_or_else(|| panic!("{} leads nowhere", row.name));
            if let OneOf(_, values) = &row.becomes
                && ours.kind == SettingKind::Select
            {
                assert!(values.iter().all(|(_, value)| ours.options.contains(value)), "{}", row.name);
            }
        }
    }
}
