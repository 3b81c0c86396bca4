//! Tests `pfscim sync`.

use insta::assert_snapshot;
use serde_json::json;

use crate::common::{
    Folder, SECRET, SOURCE, Server, assert_usage_errors, empty_list, empty_target, error_line, help, json_lines,
    rejecting_target, response, transcript,
};

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["sync", "c.json"], &SOURCE[..], &SECRET[..], more].concat()
}

/// Returns LDIF of users `u01`, `u02` and so on.
fn users(count: usize) -> String {
    (1..=count)
        .map(|n| format!("dn: uid=u{n:02},dc=x\nobjectClass: person\nentryUUID: {n}\nuid: u{n:02}\nsn: Lovelace\n\n"))
        .collect()
}

#[test]
fn help_of_sync() {
    assert_snapshot!("help", help(&["sync"]));
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    let ldif = |more: &[&'static str]| [&["sync", "c.json", "--source", "ldif:u.ldif"], more].concat();
    let source = |more: &[&'static str]| [&["sync", "c.json", "--source"], more].concat();
    let cases = [
        (vec!["sync"], "CONNECTION.json"),
        (vec!["sync", "c.json", "--secret", "OAUTH_ACCESS_TOKEN=env:TOKEN"], "--source is missing"),
        (source(&["xml:x"]), "ldif:FILE"),
        (ldif(&["--host", "x.jar"]), "--plugin"),
        (ldif(&["--max-removals", "many"]), "--max-removals"),
        (ldif(&["--secret", "X=env:NO_SUCH_VARIABLE"]), "NO_SUCH_VARIABLE"),
        (ldif(&["--secret", "X=file:nowhere.txt"]), "nowhere.txt"),
        (ldif(&["--secret", "X=hunter"]), "NAME=env:VARIABLE"),
        (source(&["ldap://h/dc=x"]), "base DN"),
        (source(&["ldap://h", "--bind-dn", "cn=a"]), "--bind-password"),
        (source(&["ldap://h", "--bind-dn", "cn=a", "--bind-password", "hunter"]), "env:VARIABLE"),
        (source(&["csv:u.csv", "--csv-delimiter", "::"]), "--csv-delimiter"),
        (ldif(&["--every", "0s"]), "30s, 5m or 1h"),
        (ldif(&["--every", "5m", "--on-demand", "ada"]), "--every"),
        (ldif(&["--html", "x"]), "--html"),
    ];
    let cases: Vec<_> = cases.iter().map(|(args, words)| (args.as_slice(), *words)).collect();
    assert_usage_errors(&Folder::without_target(), &cases);
}

#[test]
fn unusable_files_are_named_and_nothing_is_written() {
    let folder = Folder::without_target();
    folder.write("bad.json", "{");
    folder.write("cut.ldif", "dn: uid=ada,dc=x\nuid: a");
    folder.write("empty.ldif", "");
    folder.write("junk.state", "junk, and a lot of it");
    let before = folder.files();
    let cases = [
        (vec!["nowhere.json", "--source", "ldif:u.ldif"], "nowhere.json: "),
        (vec!["bad.json", "--source", "ldif:u.ldif"], "bad.json: "),
        (vec!["c.json", "--source", "ldif:nowhere.ldif"], "nowhere.ldif: "),
        (vec!["c.json", "--source", "ldif:cut.ldif"], "cut.ldif: line 2: "),
        (vec!["c.json", "--source", "ldif:empty.ldif"], "empty.ldif: contains no entry"),
        (vec!["c.json", "--source", "csv:cut.ldif"], "cut.ldif: line 2: "),
        (vec!["c.json", "--source", "jsonl:cut.ldif"], "cut.ldif: line 1: is not JSON"),
        (vec!["c.json", "--source", "ldif:u.ldif", "--state", "junk.state"], "junk.state: "),
        (vec!["c.json", "--source", "ldif:u.ldif", "--ca-file", "u.ldif"], "--ca-file: u.ldif"),
        (vec!["c.json", "--source", "ldif:u.ldif", "--channel", "lab"], "`corp`"),
        (vec!["c.json", "--source", "ldif:u.ldif", "--plugin", "nowhere", "--host", "u.ldif"], "nowhere"),
    ];
    for command in ["sync", "plan"] {
        for (args, words) in &cases {
            let line = error_line(&folder.run(&[&[command], &args[..], &SECRET[..]].concat()), 2);
            assert!(line.contains(words), "{args:?}: {line}");
            assert_eq!(folder.files(), before);
        }
    }
    assert_eq!(folder.read("junk.state"), "junk, and a lot of it");
}

#[test]
fn an_audit_file_that_cannot_be_opened_stops_the_run() {
    let line = error_line(&Folder::without_target().run(&arguments(&["--audit", "no/where"])), 2);
    assert!(line.contains("--audit: no/where"), "{line}");
}

#[test]
fn an_unknown_user_cannot_be_processed_on_demand() {
    let line = error_line(&Folder::without_target().run(&arguments(&["--on-demand", "bob"])), 2);
    assert!(line.contains("`bob`"), "{line}");
}

#[test]
fn an_encrypted_secret_must_be_supplied() {
    let folder = Folder::without_target();
    let token = "/outboundProvision/targetSettings/2";
    folder.set("c.json", token, json!({"name": "OAUTH_ACCESS_TOKEN", "encryptedValue": "x"}));
    let line = error_line(&folder.run(&[&["sync", "c.json"], &SOURCE[..]].concat()), 2);
    assert!(line.contains("Access Token") && line.contains("--secret OAUTH_ACCESS_TOKEN="), "{line}");
}

#[test]
fn one_line_break_at_the_end_of_a_secret_file_is_ignored() {
    // A header cannot contain a line break: a token with one is a wrong setting, with status 2.
    let folder = Folder::without_target();
    let args = [&["sync", "c.json"], &SOURCE[..], &["--secret", "OAUTH_ACCESS_TOKEN=file:token.txt"]].concat();
    folder.write("token.txt", "hunter2\r\n");
    error_line(&folder.run(&args), 3);
    folder.write("token.txt", "hunter2\n\n");
    let line = error_line(&folder.run(&args), 2);
    assert!(line.contains("Access Token"), "{line}");
}

#[test]
fn a_wrong_setting_is_named_by_its_label() {
    let folder = Folder::without_target();
    folder.set("c.json", "/outboundProvision/targetSettings/0/value", "ftp://x".into());
    let line = error_line(&folder.run(&arguments(&[])), 2);
    assert!(line.starts_with("pfscim: c.json: SCIM URL"), "{line}");
}

#[test]
fn an_unreachable_target_stops_with_status_3_and_leaves_no_state_file() {
    let folder = Folder::without_target();
    let before = folder.files();
    for more in [&[][..], &["--json"]] {
        let line = error_line(&folder.run(&arguments(more)), 3);
        assert!(line.contains("transport"), "{line}");
        assert_eq!(folder.files(), before);
    }
}

#[test]
fn a_first_cycle_creates_the_users() {
    let target = empty_target();
    let folder = Folder::new(&target.url());
    assert_snapshot!("first_cycle", transcript(&folder.run(&arguments(&[])), &[]));
    assert_snapshot!("unchanged_cycle", transcript(&folder.run(&arguments(&[])), &[]));
}

#[test]
fn the_guard_stops_a_cycle_that_removes_too_many_users() {
    let target = empty_target();
    let folder = Folder::new(&target.url());
    folder.write("u.ldif", &users(30));
    assert_eq!(folder.run(&arguments(&[])).status.code(), Some(0));
    folder.write("u.ldif", &users(18));
    assert_snapshot!("guard_too_many", transcript(&folder.run(&arguments(&[])), &[]));
    folder.write("u.ldif", &users(30).replace("objectClass: person", "objectClass: robot"));
    assert_snapshot!("guard_no_users_left", transcript(&folder.run(&arguments(&[])), &[]));
}

#[test]
fn a_rejected_record_fails_and_the_cycle_goes_on() {
    let target = Server::start(|request| match request {
        _ if request.starts_with("POST ") => {
            response(400, "application/scim+json", r#"{"detail": "userName: not allowed; ask IT"}"#)
        }
        _ if request.contains("/ServiceProviderConfig") => response(404, "text/plain", ""),
        _ => empty_list(),
    });
    let folder = Folder::new(&target.url());
    assert_snapshot!("rejected_record", transcript(&folder.run(&arguments(&[])), &[]));
    let output = folder.run(&arguments(&["--json", "--state", "second.state"]));
    let record = &json_lines(&output)[0];
    assert_eq!((&record["outcome"], &record["code"]), (&"failed".into(), &"rejected".into()));
}

#[test]
fn wrong_credentials_stop_the_run() {
    let target = rejecting_target(401, "no");
    let folder = Folder::new(&target.url());
    assert_snapshot!("wrong_credentials", transcript(&folder.run(&arguments(&[])), &[(&target.host(), "HOST")]));
}
