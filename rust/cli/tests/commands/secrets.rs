//! Checks every command: no output and no file contains a secret, and no text of a target controls the terminal.

use std::path::Path;

use crate::common::{Server, connection, empty_list, program, response, unreachable_url};
use serde_json::{Value, json};

/// The secret of the target settings.
const SECRET: &str = "hunter2+handed/in=";
/// The token of the token endpoint.
const ISSUED: &str = "issued.t0ken-by.the-server";
/// The password of a user.
const PASSWORD: &str = "correct-horse-battery";
/// `admin:` and the secret, as Basic authentication sends it.
const BASIC: &str = "YWRtaW46aHVudGVyMitoYW5kZWQvaW49";
/// The secret as a form sends it.
const FORM: &str = "hunter2%2Bhanded%2Fin%3D";

const USERS: &str =
    "dn: uid=ada,dc=x\nobjectClass: person\nentryUUID: 1\nuid: ada\nsn: Lovelace\npwd: correct-horse-battery\n";

/// The behaviour of a target.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Target {
    Unreachable,
    Compliant,
    Html,
    /// Rejects each request with this status, and repeats it in the response.
    Echo(u16),
    /// Responds to reads, and rejects writes with the request in the response.
    EchoWrites,
}

const TARGETS: [Target; 7] = [
    Target::Unreachable,
    Target::Compliant,
    Target::Html,
    Target::Echo(400),
    Target::Echo(401),
    Target::Echo(500),
    Target::EchoWrites,
];

/// Control characters, a line break and a directional override, as JSON and HTML carry them.
const CONTROLS: &str = "\u{1b}[31mred\u{7}\n\u{202e}bidi\u{9b}2J";

fn respond(target: Target, request: &str) -> String {
    let error = |status: u16| {
        let detail = format!("{CONTROLS} {request}");
        response(status, "application/scim+json", &json!({"detail": detail, "error": detail}).to_string())
    };
    match target {
        Target::Html => response(200, "text/html", &format!("<html>{CONTROLS}{request}</html>")),
        Target::Echo(status) if !request.starts_with("POST /scim/token") || status == 400 => error(status),
        _ if request.starts_with("POST /scim/token") => {
            response(200, "application/json", &json!({"access_token": ISSUED, "expires_in": 3600}).to_string())
        }
        Target::EchoWrites if !request.starts_with("GET ") => error(400),
        _ if request.starts_with("GET ") => empty_list(),
        _ => {
            let body = request.split_once("\r\n\r\n").unwrap().1;
            let mut user: Value = serde_json::from_str(body).unwrap();
            user["id"] = CONTROLS.into();
            response(201, "application/scim+json", &user.to_string())
        }
    }
}

/// Returns the settings of an authentication method, and the name of its secret.
fn method_settings(name: &str, token_endpoint: &str) -> (Vec<Value>, &'static str) {
    let setting = |name: &str, value: &str| json!({"name": name, "value": value});
    match name {
        "Basic Authentication" => {
            (vec![setting("AUTHENTICATION_METHOD", name), setting("BASIC_AUTH_USER", "admin")], "BASIC_AUTH_PASSWORD")
        }
        "OAuth 2 Bearer Token" => (vec![setting("AUTHENTICATION_METHOD", name)], "OAUTH_ACCESS_TOKEN"),
        _ => (
            vec![
                setting("AUTHENTICATION_METHOD", name),
                setting("OAUTH_TOKEN_REQUEST", token_endpoint),
                setting("OAUTH_CLIENT_ID", "client"),
            ],
            "OAUTH_CLIENT_SECRET",
        ),
    }
}

/// The location of the secret.
#[derive(Debug, Clone, Copy, PartialEq)]
enum SecretLocation {
    Connection,
    Environment,
    File,
}

const COMMANDS: &[&[&str]] = &[
    &["check", "c.json"],
    &["check", "c.json", "--json"],
    &["test", "c.json"],
    &["test", "c.json", "--json"],
    &["plan", "c.json", "--source", "ldif:u.ldif"],
    &["plan", "c.json", "--source", "ldif:u.ldif", "--json"],
    &["sync", "c.json", "--source", "ldif:u.ldif"],
    &["sync", "c.json", "--source", "ldif:u.ldif", "--json", "--state", "second.state"],
    &["test", "c.json", "--channel", "nowhere"],
];

fn assert_no_secret(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in [SECRET, ISSUED, PASSWORD, BASIC, FORM] {
        assert!(!text.contains(secret), "{what} contains {secret}:\n{text}");
    }
}

fn assert_printable(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let is_control = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(is_control), "{what} controls the terminal:\n{text:?}");
    assert!(!text.contains("panicked"), "{what}:\n{text}");
}

/// Runs every command against one target.
fn run(target: Target, method_name: &str, location: SecretLocation, folder: &Path) {
    let server = (target != Target::Unreachable).then(|| Server::start(move |request| respond(target, request)));
    let url = server.as_ref().map_or_else(unreachable_url, Server::url);
    let (mut settings, secret) = method_settings(method_name, &format!("{url}/token"));
    let mut secret_arguments = Vec::new();
    match location {
        SecretLocation::Connection => settings.push(json!({"name": secret, "value": SECRET})),
        SecretLocation::Environment => secret_arguments.push(format!("{secret}=env:PFSCIM_SECRET")),
        SecretLocation::File => secret_arguments.push(format!("{secret}=file:secret.txt")),
    }
    if location != SecretLocation::Connection {
        settings.push(json!({"name": secret, "encryptedValue": "OBF:JWE:x"}));
    }
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("c.json", &connection(&url, &settings).to_string());
    write("u.ldif", USERS);
    write("secret.txt", &format!("{SECRET}\n"));
    for command in COMMANDS {
        let mut args = command.to_vec();
        secret_arguments.iter().for_each(|place| args.extend(["--secret", place]));
        args.push("-v");
        let output = program(folder, &args, &[("PFSCIM_SECRET", SECRET)]);
        let what = format!("{target:?}, {method_name}, {location:?}, {command:?}");
        for bytes in [&output.stdout, &output.stderr] {
            assert_no_secret(&what, bytes);
            assert_printable(&what, bytes);
        }
    }
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !["c.json", "u.ldif", "secret.txt"].contains(&name) {
            assert_no_secret(&format!("{target:?}, {method_name}: the file {name}"), &std::fs::read(&path).unwrap());
        }
    }
    if let Some(server) = server {
        let encoded = match method_name {
            "Basic Authentication" => BASIC,
            "OAuth 2 Bearer Token" => SECRET,
            _ => FORM,
        };
        let basic_form = "Y2xpZW50Omh1bnRlcjIlMkJoYW5kZWQlMkZpbiUzRA==";
        let was_sent =
            server.requests().iter().any(|request| request.contains(encoded) || request.contains(basic_form));
        assert!(was_sent, "{target:?}, {method_name}: the secret was never sent, so this test shows nothing");
    }
}

#[test]
fn no_secret_is_printed_or_written_and_no_target_controls_the_terminal() {
    let methods = [
        ("Basic Authentication", SecretLocation::Connection),
        ("OAuth 2 Bearer Token", SecretLocation::Environment),
        ("OAuth 2 Client Credentials", SecretLocation::File),
    ];
    // In parallel, because most of the time is waiting between attempts.
    std::thread::scope(|scope| {
        for (method, location) in methods {
            for target in TARGETS {
                scope.spawn(move || run(target, method, location, tempfile::tempdir().unwrap().path()));
            }
        }
    });
}

#[test]
fn a_secret_in_a_wrong_place_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = connection(
        "https://scim.example",
        &[
            json!({"name": "RESULTS_PER_PAGE", "value": SECRET}),
            json!({"name": "AUTHENTICATION_METHOD", "value": SECRET}),
            json!({"name": "USER_FILTER", "value": SECRET}),
            json!({"name": "OAUTH_TOKEN_REQUEST", "value": [SECRET]}),
        ],
    );
    std::fs::write(folder.path().join("c.json"), wrong.to_string()).unwrap();
    std::fs::write(folder.path().join("u.ldif"), USERS).unwrap();
    for command in COMMANDS {
        let output = program(folder.path(), command, &[]);
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        assert_no_secret(&format!("{command:?}"), &output.stdout);
        assert_no_secret(&format!("{command:?}"), &output.stderr);
    }
}

#[test]
fn an_imported_secret_is_in_its_setting_and_in_no_note() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = connection(
        "https://scim.example",
        &[
            json!({"name": "basicAuthPass", "value": SECRET}),
            json!({"name": "token", "value": ISSUED}),
            json!({"name": "usersUrl", "value": format!("ftp://{PASSWORD}")}),
        ],
    );
    old["outboundProvision"]["type"] = "SCIM11".into();
    std::fs::write(folder.path().join("old.json"), old.to_string()).unwrap();
    let output = program(folder.path(), &["import", "old.json", "-v"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_no_secret("a note", &output.stderr);
    let new: Value = serde_json::from_slice(&output.stdout).unwrap();
    let settings = new["outboundProvision"]["targetSettings"].as_array().unwrap();
    assert!(settings.contains(&json!({"name": "BASIC_AUTH_PASSWORD", "value": SECRET})), "{settings:?}");
}
