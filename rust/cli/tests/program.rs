//! The program from outside: arguments, exit status, one line for whoever has to act. Needs no target.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

const USERS: &str =
    "dn: uid=ada,dc=x\nobjectClass: person\nentryUUID: 1\nuid: ada\nsn: Lovelace\nmail: ada@example.com\n";

/// A folder with a connection and a directory, run from inside.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.write("c.json", &connection().to_string());
        bench.write("u.ldif", USERS);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        program(self.folder.path(), args)
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }
}

fn program(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pfscim"))
        .args(args)
        .current_dir(folder)
        .env_remove("http_proxy")
        .env_remove("HTTP_PROXY")
        .env_remove("all_proxy")
        .env_remove("ALL_PROXY")
        .env("TOKEN", "hunter2")
        .output()
        .unwrap()
}

fn connection() -> Value {
    let mapped =
        |field: &str, attribute: &str| json!({"fieldName": field, "saasFieldInfo": {"attributeNames": [attribute]}});
    json!({
        "entityId": "c", "name": "C",
        "outboundProvision": {
            "type": "PfScim",
            "targetSettings": [
                // Nothing listens there: port 9 is the discard service's.
                {"name": "SCIM_URL", "value": "http://127.0.0.1:9/scim"},
                {"name": "AUTHENTICATION_METHOD", "value": "OAuth 2 Bearer Token"},
                {"name": "OAUTH_ACCESS_TOKEN", "encryptedValue": "x"},
                {"name": "REMOVE_ACTION", "value": "Disable"}
            ],
            "channels": [{
                "name": "corp", "active": true,
                "channelSource": {
                    "guidAttributeName": "entryUUID", "guidBinary": false,
                    "changeDetectionSettings": {"userObjectClass": "person", "groupObjectClass": "group"},
                    "accountManagementSettings": {
                        "accountStatusAttributeName": "x", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_AD"
                    },
                    "baseDn": "dc=x", "userSourceLocation": {"filter": "(uid=*)"}
                },
                "attributeMapping": [
                    mapped("userName", "uid"), mapped("workEmail", "mail"), mapped("givenName", "sn"), mapped("familyName", "sn")
                ]
            }]
        }
    })
}

const SYNC: [&str; 6] = ["sync", "c.json", "--source", "ldif:u.ldif", "--secret", "OAUTH_ACCESS_TOKEN=env:TOKEN"];

fn with<'a>(base: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [base, more].concat()
}

/// The one line that the program complained with.
fn told(output: &Output, status: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("panicked"), "{text}");
    let lines: Vec<_> = text.lines().filter(|l| l.starts_with("pfscim: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    lines[0].to_owned()
}

#[test]
fn mistyped_arguments_are_one_line_and_status_2() {
    let bench = Bench::new();
    for (args, words) in [
        (&["sync"][..], "CONNECTION.json"),
        (&["sync", "c.json", "--secret", "OAUTH_ACCESS_TOKEN=env:TOKEN"], "--source is missing"),
        (&["frobnicate"], "frobnicate"),
        (&["sync", "c.json", "--source", "xml:x"], "ldif:FILE"),
        (&["sync", "c.json", "--source", "ldif:u.ldif", "--host", "x.jar"], "--plugin"),
        (&["sync", "c.json", "--source", "ldif:u.ldif", "--max-removals", "many"], "--max-removals"),
        (&["sync", "c.json", "--source", "ldif:u.ldif", "--secret", "X=env:NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        (&["sync", "c.json", "--source", "ldif:u.ldif", "--secret", "X=file:nowhere.txt"], "nowhere.txt"),
        (&["sync", "c.json", "--source", "ldif:u.ldif", "--secret", "X=hunter"], "NAME=env:VARIABLE"),
        (&["describe", "fields", "--json", "--properties"], "--properties"),
        (&["sync", "c.json", "--source", "ldap://h/dc=x"], "base DN"),
        (&["sync", "c.json", "--source", "ldap://h", "--bind-dn", "cn=a"], "--bind-password"),
        (&["sync", "c.json", "--source", "ldap://h", "--bind-dn", "cn=a", "--bind-password", "hunter"], "env:VARIABLE"),
        (&["sync", "c.json", "--source", "csv:u.csv", "--csv-delimiter", "::"], "--csv-delimiter"),
        (&["sync", "c.json", "--source", "ldif:u.ldif", "--every", "0s"], "30s, 5m or 1h"),
        (&["sync", "c.json", "--source", "ldif:u.ldif", "--every", "5m", "--on-demand", "ada"], "--every"),
        (&["plan", "c.json", "--source", "ldif:u.ldif", "--audit", "x"], "--audit"),
        (&["sync", "c.json", "--source", "ldif:u.ldif", "--html", "x"], "--html"),
        (&["state", "forget", "x.state"], "--all"),
        (&["state", "forget", "x.state", "ada", "--all"], "--all"),
        (&["state", "show"], "see `pfscim state show --help`"),
        (&["state", "show", "nowhere.state"], "nowhere.state"),
        (&["completions", "tcl"], "bash"),
        (&["man", "sync", "now"], "`now` is not a command"),
    ] {
        let line = told(&bench.run(args), 2);
        assert!(line.contains(words), "{args:?}: {line}");
    }
}

#[test]
fn help_is_no_error_and_has_examples() {
    let bench = Bench::new();
    let commands = [
        "",
        "sync",
        "plan",
        "describe",
        "check",
        "test",
        "init",
        "import",
        "presets",
        "completions",
        "man",
        "state",
        "state show",
        "state user",
        "state dirty",
        "state reset",
        "state forget",
    ];
    for command in commands {
        let args: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let output = bench.run(&args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("Examples:"), "{args:?}");
    }
    assert_eq!(bench.run(&[]).status.code(), Some(2));
    assert_eq!(bench.run(&["--version"]).status.code(), Some(0));
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let text = String::from_utf8(bench.run(&["completions", shell]).stdout).unwrap();
        assert!(text.contains("on-demand") && text.contains("forget"), "{shell}");
    }
    for (command, words) in
        [(&[][..], "pfscim\\-state"), (&["sync"], "\\-\\-every"), (&["state", "forget"], "\\-\\-dirty")]
    {
        let text = String::from_utf8(bench.run(&with(&["man"], command)).stdout).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(words), "{command:?}: {text}");
    }
}

#[test]
fn descriptions_are_in_three_formats() {
    let bench = Bench::new();
    for what in ["settings", "fields", "attributes"] {
        let json: Value = serde_json::from_slice(&bench.run(&["describe", what, "--json"]).stdout).unwrap();
        assert!(json.as_array().unwrap().len() > 20);
        let table = String::from_utf8(bench.run(&["describe", what]).stdout).unwrap();
        assert!(table.contains("label"), "{table}");
    }
    let properties = String::from_utf8(bench.run(&["describe", "settings", "--properties"]).stdout).unwrap();
    assert!(properties.contains("SCIM_URL.kind=text\n"));
    assert!(String::from_utf8(bench.run(&["describe", "mappings"]).stdout).unwrap().contains("saas.userName="));
}

#[test]
fn files_that_cannot_be_used_are_named_and_nothing_is_written() {
    let bench = Bench::new();
    bench.write("bad.json", "{");
    bench.write("cut.ldif", "dn: uid=ada,dc=x\nuid: a");
    bench.write("empty.ldif", "");
    bench.write("junk.state", "junk, and a lot of it");
    let before = bench.files();
    let secret = ["--secret", "OAUTH_ACCESS_TOKEN=env:TOKEN"];
    for command in ["sync", "plan"] {
        for (args, words) in [
            (vec!["nowhere.json", "--source", "ldif:u.ldif"], "nowhere.json: "),
            (vec!["bad.json", "--source", "ldif:u.ldif"], "bad.json: "),
            (vec!["c.json", "--source", "ldif:nowhere.ldif"], "nowhere.ldif: "),
            (vec!["c.json", "--source", "ldif:cut.ldif"], "cut.ldif: line 2: "),
            (vec!["c.json", "--source", "ldif:empty.ldif"], "empty.ldif: holds no entry"),
            (vec!["c.json", "--source", "csv:cut.ldif"], "cut.ldif: line 2: "),
            (vec!["c.json", "--source", "jsonl:cut.ldif"], "cut.ldif: line 1: is not JSON"),
            (vec!["c.json", "--source", "ldif:u.ldif", "--state", "junk.state"], "junk.state: "),
            (vec!["c.json", "--source", "ldif:u.ldif", "--ca-file", "u.ldif"], "--ca-file: u.ldif"),
            (vec!["c.json", "--source", "ldif:u.ldif", "--channel", "lab"], "`corp`"),
            (vec!["c.json", "--source", "ldif:u.ldif", "--plugin", "nowhere", "--host", "u.ldif"], "nowhere"),
        ] {
            let line = told(&bench.run(&with(&with(&[command], &args), &secret)), 2);
            assert!(line.contains(words), "{args:?}: {line}");
            assert_eq!(bench.files(), before);
        }
    }
    assert_eq!(std::fs::read_to_string(bench.path("junk.state")).unwrap(), "junk, and a lot of it");
}

#[test]
fn a_page_is_not_written_over_a_file_of_somebody_else() {
    let bench = Bench::new();
    bench.write("plan.html", "mine");
    let plan = ["plan", "c.json", "--source", "ldif:u.ldif", "--secret", "OAUTH_ACCESS_TOKEN=env:TOKEN", "--html"];
    let line = told(&bench.run(&with(&plan, &["plan.html"])), 2);
    assert!(line.contains("plan.html") && line.contains("--force"), "{line}");
    assert_eq!(std::fs::read_to_string(bench.path("plan.html")).unwrap(), "mine");
    // The target is not there: half a plan is no page.
    told(&bench.run(&with(&plan, &["new.html"])), 3);
    assert!(!bench.path("new.html").exists());
}

#[test]
fn a_file_that_cannot_be_audited_to_stops_the_run_before_anything_else() {
    let bench = Bench::new();
    let line = told(&bench.run(&with(&SYNC, &["--audit", "no/where"])), 2);
    assert!(line.contains("--audit: no/where"), "{line}");
}

#[test]
fn a_user_that_nobody_knows_cannot_be_done_on_demand() {
    let bench = Bench::new();
    let line = told(&bench.run(&with(&SYNC, &["--on-demand", "bob"])), 2);
    assert!(line.contains("`bob`"), "{line}");
}

#[test]
fn an_encrypted_secret_has_to_be_given() {
    let bench = Bench::new();
    let line = told(&bench.run(&["sync", "c.json", "--source", "ldif:u.ldif"]), 2);
    assert!(line.contains("Access Token") && line.contains("--secret OAUTH_ACCESS_TOKEN="), "{line}");
}

#[test]
fn the_line_break_at_the_end_of_a_secret_file_is_no_part_of_it() {
    // A token with a line break in it could not stand in a header: it would be refused as a setting, with status 2.
    let bench = Bench::new();
    bench.write("token.txt", "hunter2\r\n");
    told(
        &bench.run(&["sync", "c.json", "--source", "ldif:u.ldif", "--secret", "OAUTH_ACCESS_TOKEN=file:token.txt"]),
        3,
    );
    bench.write("token.txt", "hunter2\n\n");
    let line = told(
        &bench.run(&["sync", "c.json", "--source", "ldif:u.ldif", "--secret", "OAUTH_ACCESS_TOKEN=file:token.txt"]),
        2,
    );
    assert!(line.contains("Access Token"), "{line}");
}

#[test]
fn a_setting_that_is_wrong_is_named_by_its_label() {
    let bench = Bench::new();
    let mut json = connection();
    json["outboundProvision"]["targetSettings"][0]["value"] = "ftp://x".into();
    bench.write("c.json", &json.to_string());
    let line = told(&bench.run(&SYNC), 2);
    assert!(line.starts_with("pfscim: c.json: SCIM URL"), "{line}");
}

#[test]
fn a_target_that_is_not_there_stops_with_status_3_and_leaves_no_state() {
    let bench = Bench::new();
    let before = bench.files();
    for more in [&[][..], &["--json"]] {
        let output = bench.run(&with(&SYNC, more));
        let line = told(&output, 3);
        assert!(line.contains("transport"), "{line}");
        assert_eq!(bench.files(), before);
    }
}
