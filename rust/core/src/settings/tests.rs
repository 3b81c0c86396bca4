//! Tests which values the Target tab accepts and rejects, and the messages.

use std::time::Duration;

use url::Url;

use super::*;
use crate::Failure;
use crate::scim::{Identifier, Version};

const URL: (&str, &str) = ("SCIM_URL", "https://scim.example.com/v2");

/// Parses the pairs, with a URL if they contain none.
fn settings_with(pairs: &[(&str, &str)]) -> Result<Settings, Failure> {
    let url = if pairs.iter().any(|(name, _)| *name == "SCIM_URL") { None } else { Some(URL) };
    Settings::parse(url.into_iter().chain(pairs.iter().copied()))
}

/// Returns a valid value of a text setting.
fn valid_value(name: &str) -> &'static str {
    match name {
        "SCIM_URL" | "OAUTH_TOKEN_REQUEST" => "https://scim.example.com/v2",
        "USER_FILTER" => "userName eq \"%s\"",
        "RESULTS_PER_PAGE" | "MAX_REMOVALS_PER_CYCLE" | "MAX_REQUESTS_PER_SECOND" | "REQUEST_TIMEOUT_SECONDS" => "7",
        "SCHEMA_EXTENSION_URNS" => "urn:example:a:2.0:User",
        "CLEARABLE_ATTRIBUTES" => "title",
        _ => "word",
    }
}

#[test]
fn a_url_alone_takes_every_default() {
    let settings = settings_with(&[]).unwrap();
    assert_eq!(
        settings,
        Settings {
            scim_url: Url::parse("https://scim.example.com/v2").unwrap(),
            version: Version::V2_0,
            authentication: Authentication::None,
            identifier: Identifier::UserName,
            filter: "userName eq \"%s\"".into(),
            authorization_type: None,
            users_path: "/Users".into(),
            groups_path: "/Groups".into(),
            results_per_page: Some(1000),
            create: true,
            update: true,
            remove: true,
            provision_disabled: false,
            remove_action: RemoveAction::Disable,
            group_name_source: GroupNameSource::CommonName,
            group_patch: false,
            extension_urns: Vec::new(),
            update_method: UpdateMethod::Put,
            max_removals: None,
            clearable: Vec::new(),
            max_requests_per_second: None,
            request_timeout: Duration::from_secs(30),
        }
    );
}

#[test]
fn every_setting_is_read() {
    let settings = settings_with(&[
        ("SCIM_URL", "http://[::1]:8080/scim/v1/?tenant=a%20b"),
        ("SCIM_VERSION", "1.1"),
        ("AUTHENTICATION_METHOD", "OAuth 2 Client Credentials"),
        ("OAUTH_TOKEN_REQUEST", "https://login.example.com/token?x=1"),
        ("OAUTH_CLIENT_ID", "client"),
        ("OAUTH_CLIENT_SECRET", " secret "),
        ("OAUTH_SCOPE", "users.read, users.write,,groups"),
        ("UNIQUE_USER_IDENTIFIER", "workEmail"),
        ("AUTHORIZATION_TYPE", "oauth2"),
        ("USERS_RESOURCE", "people/all/"),
        ("GROUPS_RESOURCE", "/Teams"),
        ("RESULTS_PER_PAGE", "-1"),
        ("CREATE_USERS_PROV_OPT", "FALSE"),
        ("UPDATE_USERS_PROV_OPT", "false"),
        ("REMOVE_USERS_PROV_OPT", "False"),
        ("PROVISION_DISABLED_USERS_PROV_OPT", "True"),
        ("REMOVE_ACTION", "delete"),
        ("GROUP_NAME_SOURCE", "DISTINGUISHED NAME"),
        ("GROUP_PATCH_PROV_OPT", "true"),
        ("SCHEMA_EXTENSION_URNS", "urn:example:a:2.0:User, URN:Example:A:2.0:User, urn:ietf:params:scim:x"),
        ("USER_UPDATE_METHOD", "automatic"),
        ("MAX_REMOVALS_PER_CYCLE", "5"),
        ("CLEARABLE_ATTRIBUTES", "title, workStreet,title"),
        ("MAX_REQUESTS_PER_SECOND", "20"),
        ("REQUEST_TIMEOUT_SECONDS", "300"),
    ])
    .unwrap();
    assert_eq!(
        settings,
        Settings {
            scim_url: Url::parse("http://[::1]:8080/scim/v1?tenant=a%20b").unwrap(),
            version: Version::V1_1,
            authentication: Authentication::ClientCredentials {
                endpoint: Url::parse("https://login.example.com/token?x=1").unwrap(),
                client_id: "client".into(),
                client_secret: Secret::new(" secret "),
                scopes: vec!["users.read".into(), "users.write".into(), "groups".into()],
            },
            identifier: Identifier::WorkEmail,
            filter: "emails eq \"%s\"".into(),
            authorization_type: Some("oauth2".into()),
            users_path: "/people/all".into(),
            groups_path: "/Teams".into(),
            results_per_page: None,
            create: false,
            update: false,
            remove: false,
            provision_disabled: true,
            remove_action: RemoveAction::Delete,
            group_name_source: GroupNameSource::DistinguishedName,
            group_patch: true,
            extension_urns: vec!["urn:example:a:2.0:User".into(), "urn:ietf:params:scim:x".into()],
            update_method: UpdateMethod::Automatic,
            max_removals: Some(5),
            clearable: vec!["title".into(), "workStreetAddress".into()],
            max_requests_per_second: Some(20),
            request_timeout: Duration::from_secs(300),
        }
    );
}

#[test]
fn trailing_slashes_make_no_difference() {
    for (typed, parsed) in [
        ("https://scim.example.com/v2///", "https://scim.example.com/v2"),
        ("HTTPS://scim.example.com", "https://scim.example.com/"),
        (" https://scim.example.com/ ", "https://scim.example.com/"),
        ("https://scim.example.com/v2/?a=b", "https://scim.example.com/v2?a=b"),
    ] {
        assert_eq!(settings_with(&[("SCIM_URL", typed)]).unwrap().scim_url.as_str(), parsed);
    }
}

#[test]
fn a_blank_value_takes_the_default() {
    for setting in catalogue() {
        let blank = settings_with(&[(setting.name, "")]);
        if setting.name == "SCIM_URL" {
            assert_eq!(blank.unwrap_err().to_string(), "config: SCIM URL: is missing; enter a value");
        } else {
            assert_eq!(blank, settings_with(&[]), "{}", setting.name);
        }
    }
}

#[test]
fn labels_aliases_and_stored_headings_are_known_names() {
    let settings = settings_with(&[
        ("Provisioning Options", ""),
        ("Provisioning Options", "twice"),
        ("HEADING_BASIC", ""),
        ("User Create", "false"),
        ("disableNewUsers", "false"),
        ("removeAction", "Delete"),
    ])
    .unwrap();
    assert_eq!((settings.create, settings.remove, settings.remove_action), (false, false, RemoveAction::Delete));
}

#[test]
fn settings_of_other_methods_are_ignored() {
    let nonsense = [
        ("BASIC_AUTH_USER", "a:b\n"),
        ("OAUTH_ACCESS_TOKEN", "a b\n"),
        ("OAUTH_TOKEN_REQUEST", "nowhere"),
        ("OAUTH_SCOPE", "\"\\\""),
    ];
    assert_eq!(settings_with(&nonsense), settings_with(&[]));
    let mut basic = vec![("AUTHENTICATION_METHOD", "basic authentication"), ("BASIC_AUTH_PASSWORD", "p")];
    basic.extend_from_slice(&nonsense[1..]);
    basic.push(("BASIC_AUTH_USER", "admin"));
    let password = Secret::new("p");
    assert_eq!(settings_with(&basic).unwrap().authentication, Authentication::Basic { user: "admin".into(), password });
}

/// Settings with invalid values, and a part of the message.
const INVALID: &[(&str, &[&str], &str)] = &[
    (
        "SCIM_URL",
        &[
            "scim.example.com",
            "ftp://scim.example.com",
            "https:/scim.example.com",
            "https://",
            "//host/x",
            "https://a b/",
            "https://h/\\x",
            "https://h:99999/",
        ],
        "must be an absolute http:// or https:// URL",
    ),
    (
        "SCIM_URL",
        &["https://me:S3CRET@scim.example.com", "https://S3CRET@h/"],
        "; remove them and enter them under Authentication Methods",
    ),
    ("SCIM_URL", &["https://scim.example.com/#S3CRET"], "fragment"),
    ("SCIM_VERSION", &["2", "3.0"], "must be one of 2.0, 1.1"),
    ("AUTHENTICATION_METHOD", &["Digest", "Bearer"], "must be one of None, Basic Authentication,"),
    ("BASIC_AUTH_USER", &["a:S3CRET"], "colon"),
    ("BASIC_AUTH_USER", &["a\r\nS3CRET", "a\tb"], "control character"),
    ("BASIC_AUTH_PASSWORD", &["S3CRET\n", "\u{0}"], "control character"),
    ("OAUTH_ACCESS_TOKEN", &["Bearer S3CRET", " S3CRET"], "white space"),
    ("OAUTH_ACCESS_TOKEN", &["S3CRET\r\nX: y"], "control character"),
    ("OAUTH_ACCESS_TOKEN", &["S3CRETé"], "HTTP header"),
    ("OAUTH_TOKEN_REQUEST", &["login.example.com/token", "javascript:x"], "must be an absolute"),
    ("OAUTH_TOKEN_REQUEST", &["https://a:S3CRET@h/"], "user name or password"),
    ("OAUTH_CLIENT_ID", &["a\nb"], "control character"),
    ("OAUTH_CLIENT_SECRET", &["S3CRET\n"], "control character"),
    ("OAUTH_SCOPE", &["a\"b", "a\\b", "é"], "scope"),
    ("UNIQUE_USER_IDENTIFIER", &["homeEmail", "id"], "must be one of userName, workEmail"),
    ("USER_FILTER", &["userName eq S3CRET", "userName eq \"S3CRET\""], "does not contain %s"),
    ("USER_FILTER", &["a eq \"%s\" or b eq \"%s\""], "more than once"),
    (
        "USER_FILTER",
        &[
            "%s",
            "userName %s",
            "eq \"%s\"",
            "userName eq '%s'",
            "userName eq \"x%s\"",
            "a eq b and userName eq \"%s\"",
            "userName eq \"%s\" x",
            "a[b eq \"%s\"",
        ],
        "must have three parts",
    ),
    ("USER_FILTER", &["userName is \"%s\"", "userName = %s"], "must have one of eq, ne, co"),
    ("USER_FILTER", &["userName\neq \"%s\""], "control character"),
    ("AUTHORIZATION_TYPE", &["OAuth Client", "Bearer:", "B\r\nX", "é"], "single word"),
    ("USERS_RESOURCE", &["/Users?x=y", "/Users#x", "/My Users", "\\Users"], "without ?, #,"),
    ("USERS_RESOURCE", &["/../Users", "/a/./b", "/a//b", "/", "//"], "without empty, . and .. parts"),
    ("USERS_RESOURCE", &["https://h/Users"], "not a whole URL"),
    ("GROUPS_RESOURCE", &["/Groups?x=y", "/../x"], "; enter a path such as /Users"),
    ("RESULTS_PER_PAGE", &["0", "-2", "many", "1.5", "99999999999"], "or -1"),
    ("CREATE_USERS_PROV_OPT", &["yes", "1"], "must be true or false"),
    ("UPDATE_USERS_PROV_OPT", &["on"], "must be true or false"),
    ("REMOVE_USERS_PROV_OPT", &["off"], "must be true or false"),
    ("PROVISION_DISABLED_USERS_PROV_OPT", &["no"], "must be true or false"),
    ("REMOVE_ACTION", &["Suspend"], "must be one of Disable, Delete"),
    ("GROUP_NAME_SOURCE", &["CN"], "must be one of Common Name, Distinguished Name"),
    ("GROUP_PATCH_PROV_OPT", &["t"], "must be true or false"),
    (
        "SCHEMA_EXTENSION_URNS",
        &["example", "urn:x", "urn:a b:c", "urn:example:", "https://example.com/schema"],
        "must list URNs",
    ),
    ("USER_UPDATE_METHOD", &["POST"], "must be one of PUT, PATCH, Automatic"),
    ("MAX_REMOVALS_PER_CYCLE", &["-1", "none", "99999999999"], "must be a whole number from 0"),
    ("CLEARABLE_ATTRIBUTES", &["title,5", "title;locale"], "a name that is not a field; enter field names"),
    ("CLEARABLE_ATTRIBUTES", &["title,userName"], "contains userName, which cannot be cleared; remove it"),
    ("CLEARABLE_ATTRIBUTES", &["password"], "contains password, which cannot be cleared; remove it"),
    ("MAX_REQUESTS_PER_SECOND", &["0", "-5", "fast"], "must be a whole number from 1"),
    ("REQUEST_TIMEOUT_SECONDS", &["0", "301", "30s"], "must be a whole number from 1 to 300"),
];

#[test]
fn invalid_values_are_rejected_with_label_and_reason_but_without_the_value() {
    for (name, values, reason) in INVALID {
        let setting = setting(name).unwrap();
        for value in *values {
            let mut pairs: Vec<(&str, &str)> = vec![(name, value)];
            let method = setting.method.unwrap_or("None");
            if *name != "AUTHENTICATION_METHOD" {
                pairs.push(("AUTHENTICATION_METHOD", method));
            }
            let rest = catalogue().iter().filter(|s| s.method == Some(method) && s.name != *name);
            pairs.extend(rest.map(|s| (s.name, valid_value(s.name))));
            let message = settings_with(&pairs).unwrap_err().to_string();
            assert!(message.starts_with(&format!("config: {}: ", setting.label)), "{value:?}: {message}");
            assert!(message.contains(reason), "{value:?}: {message}");
            assert!(!message.contains("S3CRET") && !message.contains('\n'), "{message}");
        }
    }
}

#[test]
fn every_setting_has_an_invalid_value_in_the_table() {
    for setting in catalogue().iter().filter(|s| s.kind != SettingKind::Heading) {
        assert!(INVALID.iter().any(|(name, ..)| *name == setting.name), "{}", setting.name);
    }
}

#[test]
fn required_settings_of_a_method_must_not_be_missing() {
    for method in ["Basic Authentication", "OAuth 2 Bearer Token", "OAuth 2 Client Credentials"] {
        let needed: Vec<_> = catalogue().iter().filter(|s| s.method == Some(method)).collect();
        for missing in needed.iter().filter(|s| s.required) {
            let mut pairs = vec![("AUTHENTICATION_METHOD", method)];
            pairs.extend(needed.iter().filter(|s| s.name != missing.name).map(|s| (s.name, valid_value(s.name))));
            let message = settings_with(&pairs).unwrap_err().to_string();
            assert_eq!(message, format!("config: {}: is missing; enter a value", missing.label));
        }
    }
}

#[test]
fn filters_are_kept_as_typed() {
    for filter in [
        "userName eq \"%s\"",
        "username Eq \"%s\"",
        "email co %s",
        "emails[type eq \"work\"].value eq \"%s\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"%s\"",
        "userName  eq  \"%s\"",
    ] {
        assert_eq!(settings_with(&[("USER_FILTER", filter)]).unwrap().filter, filter);
    }
}

#[test]
fn an_unknown_setting_is_rejected_by_name() {
    let message = settings_with(&[("SCIM_URI\n", "S3CRET")]).unwrap_err().to_string();
    assert_eq!(message, "config: unknown setting \"SCIM_URI\"; remove it or correct its name");
}

#[test]
fn a_setting_must_not_be_set_twice_under_any_of_its_names() {
    for second in ["CREATE_USERS_PROV_OPT", "CREATE_USERS", "User Create"] {
        let message = settings_with(&[("CREATE_USERS_PROV_OPT", "true"), (second, "")]).unwrap_err().to_string();
        assert_eq!(message, "config: User Create: is set more than once; remove all but one of its values");
    }
}

#[test]
fn the_identifier_must_not_be_clearable() {
    let pairs = [("UNIQUE_USER_IDENTIFIER", "workEmail"), ("CLEARABLE_ATTRIBUTES", "workEmail")];
    let message = settings_with(&pairs).unwrap_err().to_string();
    let text = "config: Clear Attributes When Empty: contains workEmail, the Unique User Identifier; remove it";
    assert_eq!(message, text);
    assert!(settings_with(&pairs[1..]).is_ok());
}

#[test]
fn secrets_are_never_printed() {
    let settings =
        settings_with(&[("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token"), ("OAUTH_ACCESS_TOKEN", "S3CRET")]).unwrap();
    assert!(format!("{settings:?}").contains("[redacted]"));
    assert!(!format!("{settings:#?}").contains("S3CRET"));
}

#[test]
fn every_setting_changes_the_digest() {
    let method = ("AUTHENTICATION_METHOD", "OAuth 2 Client Credentials");
    let client = [("OAUTH_TOKEN_REQUEST", "https://h/t"), ("OAUTH_CLIENT_ID", "a"), ("OAUTH_CLIENT_SECRET", "b")];
    let mut variants: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("SCIM_URL", "https://scim.example.com/v3")],
        vec![("SCIM_VERSION", "1.1")],
        vec![("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token"), ("OAUTH_ACCESS_TOKEN", "a")],
        vec![("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token"), ("OAUTH_ACCESS_TOKEN", "b")],
        vec![method, client[0], client[1], client[2]],
        vec![method, client[0], ("OAUTH_CLIENT_ID", "ab"), ("OAUTH_CLIENT_SECRET", "c")],
        vec![method, client[0], ("OAUTH_CLIENT_ID", "a"), ("OAUTH_CLIENT_SECRET", "bc")],
        vec![method, client[0], client[1], client[2], ("OAUTH_SCOPE", "x,y")],
        vec![method, client[0], client[1], client[2], ("OAUTH_SCOPE", "xy")],
        vec![("UNIQUE_USER_IDENTIFIER", "workEmail")],
        vec![("REMOVE_ACTION", "Delete")],
        vec![("GROUP_NAME_SOURCE", "Distinguished Name")],
        vec![("USER_UPDATE_METHOD", "PATCH")],
        vec![("RESULTS_PER_PAGE", "-1")],
    ];
    for name in [
        "USER_FILTER",
        "AUTHORIZATION_TYPE",
        "USERS_RESOURCE",
        "GROUPS_RESOURCE",
        "RESULTS_PER_PAGE",
        "SCHEMA_EXTENSION_URNS",
        "MAX_REMOVALS_PER_CYCLE",
        "CLEARABLE_ATTRIBUTES",
        "MAX_REQUESTS_PER_SECOND",
        "REQUEST_TIMEOUT_SECONDS",
    ] {
        variants.push(vec![(name, if name == "USER_FILTER" { "a eq %s" } else { valid_value(name) })]);
    }
    for setting in catalogue().iter().filter(|s| s.kind == SettingKind::Checkbox) {
        variants.push(vec![(setting.name, if setting.default == "true" { "false" } else { "true" })]);
    }
    let digests: std::collections::BTreeSet<_> =
        variants.iter().map(|pairs| settings_with(pairs).unwrap().digest()).collect();
    assert_eq!(digests.len(), variants.len());
    assert_eq!(
        settings_with(&[]).unwrap().digest(),
        settings_with(&[("SCIM_URL", "https://scim.example.com/v2/")]).unwrap().digest()
    );
}

#[test]
fn risky_and_useless_combinations_are_reported_by_label() {
    let bearer = ("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token");
    let client = ("AUTHENTICATION_METHOD", "OAuth 2 Client Credentials");
    let token = ("OAUTH_ACCESS_TOKEN", "S3CRET");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("SCIM_URL", "http://scim.example.com"), bearer, token],
            "SCIM URL: credentials and user data go over plain http",
        ),
        (&[("SCIM_URL", "http://scim.example.com")], "SCIM URL: user data goes over plain http"),
        (
            &[
                client,
                ("OAUTH_TOKEN_REQUEST", "http://10.0.0.1/t"),
                ("OAUTH_CLIENT_ID", "c"),
                ("OAUTH_CLIENT_SECRET", "S3CRET"),
            ],
            "Token Request Endpoint: the client secret",
        ),
        (&[("SCIM_URL", "https://h/v2/users")], "SCIM URL: ends with"),
        (&[("GROUPS_RESOURCE", "/Users")], "Groups Path API: is the same"),
        (&[("AUTHORIZATION_TYPE", "oauth2")], "Authorization Header Type: has no effect"),
        (
            &[("CREATE_USERS", "false"), ("UPDATE_USERS", "false"), ("DISABLE_USERS", "false")],
            "User Create, User Update and User Disable / Delete are all cleared",
        ),
        (&[("provisionDisabledUsers", "true"), ("REMOVE_ACTION", "Delete")], "Provision Disabled Users: has no effect"),
        (
            &[("provisionDisabledUsers", "true"), ("CREATE_USERS", "false")],
            "Provision Disabled Users: creates no users",
        ),
        (&[("UPDATE_USERS", "false")], "User Update: is cleared"),
        (&[("MAX_REMOVALS_PER_CYCLE", "0")], "Maximum Removals Per Cycle: is 0"),
        (
            &[("SCIM_VERSION", "1.1"), ("SCHEMA_EXTENSION_URNS", "urn:example:a")],
            "Custom Attribute Schema URNs: has no effect",
        ),
    ];
    for (pairs, start) in cases {
        let warnings = settings_with(pairs).unwrap().warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(start), "{warnings:?}");
        assert!(!warnings[0].contains("S3CRET"));
    }
}

#[test]
fn defaults_and_loopback_urls_produce_no_warning() {
    for url in [
        "https://scim.example.com",
        "http://localhost:1",
        "http://127.0.0.9/",
        "http://[::1]:8080/v2",
        "http://[::ffff:127.0.0.1]/",
    ] {
        let pairs = [("SCIM_URL", url), ("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token"), ("OAUTH_ACCESS_TOKEN", "t")];
        assert_eq!(settings_with(&pairs).unwrap().warnings(), Vec::<String>::new(), "{url}");
    }
}

#[test]
fn all_invalid_settings_are_reported_together() {
    let failures = Settings::examine([
        ("COLOUR", "blue"),
        ("SCIM_URL", "https://REPLACE-ME/v2"),
        ("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token"),
        ("RESULTS_PER_PAGE", "many"),
        ("SCIM_VERSION", "3"),
        ("SCIM_VERSION", "2.0"),
    ])
    .unwrap_err();
    let labels: Vec<_> = failures.iter().map(|failure| failure.message().text().split(':').next().unwrap()).collect();
    assert_eq!(
        labels,
        ["unknown setting \"COLOUR\"", "SCIM Version", "SCIM URL", "SCIM Version", "Access Token", "Results Per Page"]
    );
}

#[test]
fn a_placeholder_is_rejected_only_in_settings_that_are_read() {
    let failure = settings_with(&[("SCIM_URL", "https://scim.REPLACE-ME.example/v2")]).unwrap_err();
    assert_eq!(failure.message().text(), "SCIM URL: contains the placeholder REPLACE-ME");
    assert_eq!(failure.message().hint(), Some("enter a value"));
    assert!(settings_with(&[("OAUTH_ACCESS_TOKEN", PLACEHOLDER)]).is_ok());
}
