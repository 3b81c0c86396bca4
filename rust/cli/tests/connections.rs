//! `pfscim presets`, `init`, `check`, `test` and `import` from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;
use std::process::Output;

use common::{Server, answer, connection, nobody, nowhere, program};
use serde_json::{Value, json};
use tempfile::TempDir;

const PRESETS: [&str; 10] = [
    "code42",
    "code42-pingone",
    "contentful",
    "pingone",
    "aws-identity-center",
    "atlassian",
    "github-emu",
    "slack",
    "zscaler",
    "generic",
];

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn run(folder: &Path, args: &[&str]) -> Output {
    program(folder, args, &[("TOKEN", "hunter2")])
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The one line that the program complained with.
fn told(output: &Output, status: i32) -> String {
    let text = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{text}");
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.len() == 1 && lines[0].starts_with("pfscim: "), "{text}");
    lines[0].to_owned()
}

fn bearer() -> [Value; 2] {
    [
        json!({"name": "AUTHENTICATION_METHOD", "value": "OAuth 2 Bearer Token"}),
        json!({"name": "OAUTH_ACCESS_TOKEN", "value": "hunter2"}),
    ]
}

/// A folder with a connection to that URL.
fn with(url: &str) -> TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("c.json"), connection(url, &bearer()).to_string()).unwrap();
    folder
}

#[test]
fn every_new_command_has_help_with_examples() {
    let folder = folder();
    for command in ["check", "test", "init", "import", "convert", "presets"] {
        let output = run(folder.path(), &[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        let help = text(&output.stdout);
        assert!(help.contains("Examples:") && help.contains(&format!("pfscim {command}")), "{help}");
    }
}

#[test]
fn presets_are_listed_for_people_and_programs() {
    let folder = folder();
    let list = text(&run(folder.path(), &["presets"]).stdout);
    let json: Value = serde_json::from_slice(&run(folder.path(), &["presets", "--json"]).stdout).unwrap();
    for name in PRESETS {
        assert!(list.contains(&format!("{name}: ")), "{name}");
        let row = json.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
        assert!(row["title"].is_string() && !row["limits"].as_array().unwrap().is_empty(), "{row}");
        assert!(list.contains(row["limits"][0].as_str().unwrap()), "{name}");
    }
}

#[test]
fn a_connection_of_every_preset_passes_once_it_is_filled_in() {
    let folder = folder();
    for name in PRESETS {
        for source in ["ad", "ldap"] {
            let file = format!("{name}-{source}.json");
            let output = run(folder.path(), &["init", "--preset", name, "--source-type", source, "--out", &file]);
            assert_eq!(output.status.code(), Some(0));
            assert!(output.stdout.is_empty());
            let notes = text(&output.stderr);
            assert!(notes.contains("note: ") && notes.contains("to do: SCIM URL: "), "{notes}");

            let before = run(folder.path(), &["check", &file]);
            assert_eq!(before.status.code(), Some(2), "{name}");
            assert!(text(&before.stdout).contains("error: SCIM URL: still holds the placeholder REPLACE-ME"));

            let path = folder.path().join(&file);
            let mut json: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let source = &mut json["outboundProvision"]["channels"][0]["channelSource"];
            source["baseDn"] = "dc=example".into();
            source["userSourceLocation"]["groupDN"] = "cn=users,dc=example".into();
            std::fs::write(&path, json.to_string().replace("REPLACE-ME", "filled")).unwrap();
            let after = run(folder.path(), &["check", &file]);
            assert_eq!(after.status.code(), Some(0), "{}", text(&after.stdout));
            assert_eq!(text(&after.stdout), format!("{file}: no errors\n"));
        }
    }
}

#[test]
fn init_prints_the_connection_and_never_overwrites_a_file() {
    let folder = folder();
    let output = run(folder.path(), &["init", "--preset", "code42"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["outboundProvision"]["type"], "PfScim");

    std::fs::write(folder.path().join("there.json"), "mine").unwrap();
    let line = told(&run(folder.path(), &["init", "--preset", "code42", "--out", "there.json"]), 2);
    assert!(line.contains("there.json exists"), "{line}");
    assert_eq!(std::fs::read_to_string(folder.path().join("there.json")).unwrap(), "mine");

    let line = told(&run(folder.path(), &["init", "--preset", "code42", "--out", "no/such/folder.json"]), 2);
    assert!(line.contains("no/such/folder.json"), "{line}");
}

#[cfg(unix)]
#[test]
fn a_new_connection_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    run(folder.path(), &["init", "--preset", "slack", "--out", "s.json"]);
    assert_eq!(folder.path().join("s.json").metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_mistyped_is_one_line_and_status_2() {
    let folder = folder();
    std::fs::write(folder.path().join("html.json"), "<html>").unwrap();
    std::fs::write(folder.path().join("list.json"), "[]").unwrap();
    for (args, words) in [
        (&["init", "--preset", "myspace"][..], "unknown preset (see `pfscim presets`)"),
        (&["init"], "--preset"),
        (&["init", "--preset", "code42", "--source-type", "nis"], "ad, ldap or pingone"),
        (&["check"], "CONNECTION.json"),
        (&["check", "nowhere.json"], "nowhere.json"),
        (&["check", "."], ".: "),
        (&["test", "nowhere.json"], "nowhere.json"),
        (&["test", "html.json"], "html.json: is not the JSON"),
        (&["test", "html.json", "--host", "x.jar"], "--plugin"),
        (&["import", "nowhere.json"], "nowhere.json"),
        (&["import", "html.json"], "html.json: is not JSON"),
        (&["import", "list.json"], "list.json: is neither"),
    ] {
        let output = run(folder.path(), args);
        let line = told(&output, 2);
        assert!(line.contains(words), "{args:?}: {line}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn check_tells_all_errors_as_lines_and_as_json() {
    let folder = with("ftp://scim.example");
    let path = folder.path().join("c.json");
    let mut json: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let provision = &mut json["outboundProvision"];
    provision["targetSettings"].as_array_mut().unwrap().push(json!({"name": "SCIM_VERSION", "value": "3.0"}));
    let rows = provision["channels"][0]["attributeMapping"].as_array_mut().unwrap();
    rows.push(json!({"fieldName": "shoeSize", "saasFieldInfo": {"attributeNames": ["x"]}}));
    rows.push(json!({"fieldName": "title", "saasFieldInfo": {"attributeNames": ["x", "y"]}}));
    std::fs::write(&path, json.to_string()).unwrap();
    let output = run(folder.path(), &["check", "c.json"]);
    assert_eq!(output.status.code(), Some(2));
    let lines = text(&output.stdout);
    let starts = [
        "error: SCIM URL: ",
        "error: SCIM Version: ",
        "error: channel `corp`: `shoeSize`",
        "error: channel `corp`: title: ",
    ];
    assert_eq!(lines.lines().count(), starts.len(), "{lines}");
    assert!(lines.lines().zip(starts).all(|(line, start)| line.starts_with(start)), "{lines}");

    let output = run(folder.path(), &["check", "c.json", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["errors"].as_array().unwrap().len(), &json["warnings"]), (4, &json!([])));

    std::fs::write(&path, "<html>").unwrap();
    let output = run(folder.path(), &["check", "c.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).starts_with("error: is not the JSON of an SP connection"));
}

#[test]
fn warnings_alone_are_no_failure() {
    let folder = with("http://scim.example");
    let output = run(folder.path(), &["check", "c.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("warning: SCIM URL: credentials"), "{}", text(&output.stdout));
}

#[test]
fn check_sends_nothing() {
    let server = Server::start(|_| nobody());
    run(with(&server.url()).path(), &["check", "c.json"]);
    assert_eq!(server.heard(), Vec::<String>::new());
}

#[test]
fn test_tells_facts_and_warnings_and_writes_nothing() {
    let server = Server::start(|request| {
        if request.contains("/ServiceProviderConfig") {
            let claims = json!({"patch": {"supported": true}, "filter": {"supported": true, "maxResults": 50}});
            return answer(200, "application/scim+json", &claims.to_string());
        }
        nobody()
    });
    let folder = with(&server.url());
    let output = run(folder.path(), &["test", "c.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    assert!(lines.starts_with("credentials: accepted\n") && lines.contains("warning: Results Per Page"), "{lines}");
    let json: Value = serde_json::from_slice(&run(folder.path(), &["test", "c.json", "--json"]).stdout).unwrap();
    assert_eq!((&json["facts"][0], &json["error"]), (&json!("credentials: accepted"), &Value::Null));
    let heard = server.heard();
    assert!(heard.iter().all(|request| request.starts_with("GET ")), "{heard:?}");
    assert!(heard.iter().all(|request| request.contains("Bearer hunter2")), "{heard:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_target_that_gives_no_usable_answer_is_status_3() {
    let html = Server::start(|_| answer(200, "text/html", "<html>welcome</html>"));
    let closed = Server::start(|_| answer(401, "application/scim+json", r#"{"detail":"go away"}"#));
    let elsewhere = Server::start(|_| {
        "HTTP/1.1 302 Found\r\nlocation: https://login.example/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            .into()
    });
    for (url, code) in [
        (nowhere(), "transport"),
        (html.url(), "protocol"),
        (closed.url(), "auth_failed"),
        (elsewhere.url(), "protocol"),
    ] {
        let folder = with(&url);
        let line = told(&run(folder.path(), &["test", "c.json"]), 3);
        assert!(line.starts_with(&format!("pfscim: {code}: ")), "{line}");
        let output = run(folder.path(), &["test", "c.json", "--json"]);
        assert_eq!(output.status.code(), Some(3));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["error"]["code"], code);
        assert!(line.ends_with(json["error"]["message"].as_str().unwrap()), "{json}");
    }
}

#[test]
fn a_connection_that_does_not_fit_is_status_2_and_nothing_is_sent() {
    let server = Server::start(|_| nobody());
    let folder = with(&server.url());
    let path = folder.path().join("c.json");
    let good = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, good.replace("hunter2", "REPLACE-ME")).unwrap();
    assert!(told(&run(folder.path(), &["test", "c.json"]), 2).contains("Access Token: still holds the placeholder"));
    std::fs::write(&path, good.replace(r#""type":"PfScim""#, r#""type":"SCIM11""#)).unwrap();
    assert!(told(&run(folder.path(), &["test", "c.json"]), 2).contains("`pfscim import`"));
    assert_eq!(server.heard(), Vec::<String>::new());
    std::fs::write(&path, good.replace(r#""userName""#, r#""nickName""#)).unwrap();
    assert!(told(&run(folder.path(), &["test", "c.json"]), 2).contains("not mapped: userName"));
}

#[test]
fn a_folder_without_the_plugin_is_named() {
    let server = Server::start(|_| nobody());
    let folder = with(&server.url());
    std::fs::write(folder.path().join("host.jar"), "").unwrap();
    std::fs::create_dir(folder.path().join("deploy")).unwrap();
    let output = run(folder.path(), &["test", "c.json", "--plugin", "deploy", "--host", "host.jar"]);
    let line = told(&output, 2);
    assert!(line.contains("--plugin: deploy holds no jar"), "{line}");
    assert!(text(&output.stdout).contains("credentials: accepted"));
}

#[test]
fn an_import_can_be_imported_again_without_a_change() {
    let folder = folder();
    let old = json!({
        "id": "old", "entityId": "old", "name": "Old", "extra": [1],
        "outboundProvision": {
            "type": "SCIM11",
            "targetSettings": [
                {"name": "usersUrl", "value": "https://scim.example/v1/Users"},
                {"name": "authentication", "value": "basic"},
                {"name": "basicAuthUser", "value": "admin"},
                {"name": "basicAuthPass", "encryptedValue": "OBF:JWE:x"},
                {"name": "enableEntExt", "value": "false"}
            ],
            "channels": connection("x", &[])["outboundProvision"]["channels"]
        }
    });
    std::fs::write(folder.path().join("old.json"), old.to_string()).unwrap();
    let first = run(folder.path(), &["import", "old.json"]);
    assert!(told(&first, 0).contains("note: enableEntExt: "));
    std::fs::write(folder.path().join("new.json"), &first.stdout).unwrap();
    let second = run(folder.path(), &["import", "new.json"]);
    assert_eq!(text(&second.stdout), text(&first.stdout));
    let json: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(json["extra"], json!([1]));
    assert_eq!(run(folder.path(), &["check", "new.json"]).status.code(), Some(0));
}

/// A folder with the scenario of a PingOne rule, whose target is at that URL.
fn with_rule(url: &str) -> TempDir {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/pingone");
    let folder = folder();
    for name in ["connection.json", "users.json", "populations.json"] {
        let text = std::fs::read_to_string(scenario.join(name)).unwrap();
        std::fs::write(folder.path().join(name), text.replace("http://127.0.0.1:8042/v2", url)).unwrap();
    }
    folder
}

/// The scenario's file with one part changed.
fn changed(folder: &Path, pointer: &str, value: Value) {
    let path = folder.join("connection.json");
    let mut json: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
    std::fs::write(path, json.to_string()).unwrap();
}

const SECRET: [&str; 2] = ["--secret", "OAUTH_ACCESS_TOKEN=env:TOKEN"];

#[test]
fn a_pingone_connection_and_rule_of_a_preset_names_what_is_left_to_fill_in() {
    let folder = folder();
    let output = run(folder.path(), &["init", "--preset", "code42-pingone", "--out", "p.json"]);
    assert_eq!(output.status.code(), Some(0));
    let notes = text(&output.stderr);
    assert!(notes.contains("to do: rule.userFilter.all[0].value: still holds"), "{notes}");
    let check = run(folder.path(), &["check", "p.json"]);
    assert_eq!(check.status.code(), Some(2));
    let path = folder.path().join("p.json");
    let filled = std::fs::read_to_string(&path).unwrap().replace("REPLACE-ME", "filled");
    std::fs::write(path, filled).unwrap();
    let check = run(folder.path(), &["check", "p.json", "--secret", "PINGONE_CLIENT_SECRET=env:TOKEN"]);
    assert_eq!((check.status.code(), text(&check.stdout).as_str()), (Some(0), "p.json: no errors\n"));
}

#[test]
fn a_rule_is_planned_from_its_own_files_and_counted_as_pingone_does() {
    let server = Server::start(|_| nobody());
    let folder = with_rule(&server.url());
    let output = run(folder.path(), &[&["plan", "connection.json", "--json"], &SECRET[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let counters = json!({"impacted": 5, "success": 4, "partiallySynced": 0, "unsynced": 1, "failed": 0});
    assert_eq!(lines.last().unwrap()["sync"]["users"], counters);
    let heard = server.heard().join("\n");
    assert!(heard.contains("filter=username%20Eq%20%22ada.king%40example.com%22"), "{heard}");
}

#[test]
fn a_rule_that_cannot_run_is_refused_before_anything_is_sent() {
    let server = Server::start(|_| nobody());
    for (pointer, value, expected) in [
        ("/store/status", json!("INACTIVE"), "the connection is disabled"),
        ("/plan/status", json!("INACTIVE"), "the plan is disabled"),
        ("/rule/active", json!(false), "the rule is off"),
        ("/rule/userFilter", json!(null), "rule: has no user filter"),
        ("/rule/userFilter/all/0/value", json!("Nobody"), "`Nobody`, which PingOne does not have"),
        ("/rule/userFilter/all/0/operator", json!("Contains"), "`Contains` is not known"),
        ("/rule/userFilter/all/0/attribute", json!("Shoe Size"), "`Shoe Size` is no attribute"),
        ("/source/files", json!(["gone.json"]), "gone.json: "),
    ] {
        let folder = with_rule(&server.url());
        changed(folder.path(), pointer, value);
        let output = run(folder.path(), &[&["sync", "connection.json"], &SECRET[..]].concat());
        let told = told(&output, 2);
        assert!(told.contains(expected), "{told}");
    }
    let folder = with_rule(&server.url());
    let output = run(folder.path(), &[&["sync", "connection.json", "--source", "csv:x.csv"], &SECRET[..]].concat());
    assert!(told(&output, 2).contains("remove --source"));
    assert_eq!(server.heard(), Vec::<String>::new());
}

#[test]
fn a_disabled_connection_can_be_tested() {
    let server =
        Server::start(
            |request| {
                if request.contains("ServiceProviderConfig") { answer(404, "text/plain", "") } else { nobody() }
            },
        );
    let folder = with_rule(&server.url());
    changed(folder.path(), "/store/status", json!("INACTIVE"));
    let output = run(folder.path(), &[&["test", "connection.json"], &SECRET[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_rule_goes_over_to_pingfederate_and_back_and_what_does_not_is_named() {
    let folder = with_rule("https://scim.example.com");
    let there = run(folder.path(), &["convert", "connection.json"]);
    assert_eq!(there.status.code(), Some(0));
    assert!(text(&there.stderr).contains("note: rule: its user filter was left out"));
    let connection: Value = serde_json::from_slice(&there.stdout).unwrap();
    assert_eq!(connection["outboundProvision"]["type"], "PfScim");
    std::fs::write(folder.path().join("sp.json"), &there.stdout).unwrap();
    let back = run(folder.path(), &["convert", "sp.json"]);
    let file: Value = serde_json::from_slice(&back.stdout).unwrap();
    assert_eq!(file["store"]["configuration"]["USER_FILTER"], "username Eq \"%s\"");
    assert!(text(&back.stderr).contains("note: Users (Group DN): cannot be carried over"));
    assert!(told(&run(folder.path(), &["import", "connection.json"]), 2).contains("`pfscim convert`"));
}
