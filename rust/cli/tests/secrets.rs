//! Whatever goes wrong, and however a secret was handed in: nothing that the program prints or writes holds one, and
//! nothing that a target says steers the terminal.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;

use common::{Server, answer, connection, nobody, nowhere, program};
use serde_json::{Value, json};

/// The secret that is handed in, the one that a token endpoint gives, and a user's own.
const SECRET: &str = "hunter2+handed/in=";
const ISSUED: &str = "issued.t0ken-by.the-server";
const PASSWORD: &str = "correct-horse-battery";
/// `admin:` and the secret, as Basic authentication sends it.
const BASIC: &str = "YWRtaW46aHVudGVyMitoYW5kZWQvaW49";
/// The secret as a form sends it.
const FORM: &str = "hunter2%2Bhanded%2Fin%3D";

const USERS: &str =
    "dn: uid=ada,dc=x\nobjectClass: person\nentryUUID: 1\nuid: ada\nsn: Lovelace\npwd: correct-horse-battery\n";

/// How a target goes wrong, or does not.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Target {
    Gone,
    Good,
    Html,
    /// Refuses, and repeats all that it was sent.
    Echo(u16),
    /// Lets everything be read, and refuses writes, repeating them.
    EchoWrites,
}

const TARGETS: [Target; 7] = [
    Target::Gone,
    Target::Good,
    Target::Html,
    Target::Echo(400),
    Target::Echo(401),
    Target::Echo(500),
    Target::EchoWrites,
];

/// Control characters, a line break and a directional override, as JSON and HTML carry them.
const STEERING: &str = "\u{1b}[31mred\u{7}\n\u{202e}bidi\u{9b}2J";

fn reply(target: Target, request: &str) -> String {
    let error = |status: u16| {
        let detail = format!("{STEERING} {request}");
        answer(status, "application/scim+json", &json!({"detail": detail, "error": detail}).to_string())
    };
    match target {
        Target::Html => answer(200, "text/html", &format!("<html>{STEERING}{request}</html>")),
        Target::Echo(status) if !request.starts_with("POST /scim/token") || status == 400 => error(status),
        _ if request.starts_with("POST /scim/token") => {
            answer(200, "application/json", &json!({"access_token": ISSUED, "expires_in": 3600}).to_string())
        }
        Target::EchoWrites if !request.starts_with("GET ") => error(400),
        _ if request.starts_with("GET ") => nobody(),
        _ => {
            let body = request.split_once("\r\n\r\n").unwrap().1;
            let mut user: Value = serde_json::from_str(body).unwrap();
            user["id"] = STEERING.into();
            answer(201, "application/scim+json", &user.to_string())
        }
    }
}

/// The settings of a method, and the name of its secret.
fn method(name: &str, token_endpoint: &str) -> (Vec<Value>, &'static str) {
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

/// Where the program gets the secret from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
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

fn clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in [SECRET, ISSUED, PASSWORD, BASIC, FORM] {
        assert!(!text.contains(secret), "{what} holds {secret}:\n{text}");
    }
}

fn printable(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(steers), "{what} steers the terminal:\n{text:?}");
    assert!(!text.contains("panicked"), "{what}:\n{text}");
}

/// Runs every command against one target.
fn run(target: Target, method_name: &str, form: Form, folder: &Path) {
    let server = (target != Target::Gone).then(|| Server::start(move |request| reply(target, request)));
    let url = server.as_ref().map_or_else(nowhere, Server::url);
    let (mut settings, secret) = method(method_name, &format!("{url}/token"));
    let mut handed = Vec::new();
    match form {
        Form::Connection => settings.push(json!({"name": secret, "value": SECRET})),
        Form::Environment => handed.push(format!("{secret}=env:PFSCIM_SECRET")),
        Form::File => handed.push(format!("{secret}=file:secret.txt")),
    }
    if form != Form::Connection {
        settings.push(json!({"name": secret, "encryptedValue": "OBF:JWE:x"}));
    }
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("c.json", &connection(&url, &settings).to_string());
    write("u.ldif", USERS);
    write("secret.txt", &format!("{SECRET}\n"));
    for command in COMMANDS {
        let mut args = command.to_vec();
        handed.iter().for_each(|place| args.extend(["--secret", place]));
        args.push("-v");
        let output = program(folder, &args, &[("PFSCIM_SECRET", SECRET)]);
        let what = format!("{target:?}, {method_name}, {form:?}, {command:?}");
        for bytes in [&output.stdout, &output.stderr] {
            clean(&what, bytes);
            printable(&what, bytes);
        }
    }
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_file() && !["c.json", "u.ldif", "secret.txt"].contains(&name) {
            clean(&format!("{target:?}, {method_name}: the file {name}"), &std::fs::read(&path).unwrap());
        }
    }
    if let Some(server) = server {
        let sent = match method_name {
            "Basic Authentication" => BASIC,
            "OAuth 2 Bearer Token" => SECRET,
            _ => FORM,
        };
        let basic_form = "Y2xpZW50Omh1bnRlcjIlMkJoYW5kZWQlMkZpbiUzRA==";
        let used = server.heard().iter().any(|request| request.contains(sent) || request.contains(basic_form));
        assert!(used, "{target:?}, {method_name}: the secret was never sent, so this shows nothing");
    }
}

#[test]
fn no_secret_is_ever_printed_or_written_and_no_target_steers_the_terminal() {
    let methods = [
        ("Basic Authentication", Form::Connection),
        ("OAuth 2 Bearer Token", Form::Environment),
        ("OAuth 2 Client Credentials", Form::File),
    ];
    // Most of the time goes into waiting for another try.
    std::thread::scope(|scope| {
        for (method, form) in methods {
            for target in TARGETS {
                scope.spawn(move || run(target, method, form, tempfile::tempdir().unwrap().path()));
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
        clean(&format!("{command:?}"), &output.stdout);
        clean(&format!("{command:?}"), &output.stderr);
    }
}

#[test]
fn an_imported_secret_goes_where_it_belongs_and_into_no_note() {
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
    clean("a note", &output.stderr);
    let new: Value = serde_json::from_slice(&output.stdout).unwrap();
    let settings = new["outboundProvision"]["targetSettings"].as_array().unwrap();
    assert!(settings.contains(&json!({"name": "BASIC_AUTH_PASSWORD", "value": SECRET})), "{settings:?}");
}
