//! Tests `pfscim init`.

use insta::assert_snapshot;
use serde_json::Value;

use super::presets::PRESETS;
use crate::common::{Folder, assert_usage_errors, error_line, help, stderr, stdout, transcript};

#[test]
fn help_of_init() {
    assert_snapshot!("help", help(&["init"]));
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    assert_usage_errors(
        &Folder::without_target(),
        &[
            (&["init", "--preset", "myspace"], "unknown preset (see `pfscim presets`)"),
            (&["init"], "--preset"),
            (&["init", "--preset", "code42", "--source-type", "nis"], "ad, ldap or pingone"),
        ],
    );
}

#[test]
fn init_prints_the_placeholders_to_fill_in() {
    let output = Folder::without_target().run(&["init", "--preset", "code42", "--out", "new.json"]);
    assert_snapshot!("to_do", transcript(&output, &[]));
}

#[test]
fn a_connection_of_every_preset_has_no_errors_after_it_is_filled_in() {
    let folder = Folder::without_target();
    for name in PRESETS {
        for source in ["ad", "ldap"] {
            let file = format!("{name}-{source}.json");
            let output = folder.run(&["init", "--preset", name, "--source-type", source, "--out", &file]);
            assert_eq!(output.status.code(), Some(0));
            assert!(output.stdout.is_empty());
            let notes = stderr(&output);
            assert!(notes.contains("note: ") && notes.contains("to do: SCIM URL: "), "{notes}");

            let before = folder.run(&["check", &file]);
            assert_eq!(before.status.code(), Some(2), "{name}");
            assert!(stdout(&before).contains("error: SCIM URL: "));

            let mut json: Value = serde_json::from_str(&folder.read(&file)).unwrap();
            let source = &mut json["outboundProvision"]["channels"][0]["channelSource"];
            source["baseDn"] = "dc=example".into();
            source["userSourceLocation"]["groupDN"] = "cn=users,dc=example".into();
            folder.write(&file, &json.to_string().replace("REPLACE-ME", "filled"));
            let after = folder.run(&["check", &file]);
            assert_eq!(after.status.code(), Some(0), "{}", stdout(&after));
            assert_eq!(stdout(&after), format!("{file}: no errors\n"));
        }
    }
}

#[test]
fn the_placeholders_of_a_pingone_rule_are_named() {
    let folder = Folder::without_target();
    let output = folder.run(&["init", "--preset", "code42-pingone", "--out", "p.json"]);
    assert_eq!(output.status.code(), Some(0));
    let notes = stderr(&output);
    assert!(notes.contains("to do: rule.userFilter.all[0].value: contains"), "{notes}");
    assert_eq!(folder.run(&["check", "p.json"]).status.code(), Some(2));
    folder.write("p.json", &folder.read("p.json").replace("REPLACE-ME", "filled"));
    let check = folder.run(&["check", "p.json", "--secret", "PINGONE_CLIENT_SECRET=env:TOKEN"]);
    assert_eq!((check.status.code(), stdout(&check).as_str()), (Some(0), "p.json: no errors\n"));
}

#[test]
fn the_connection_is_printed_and_no_file_is_overwritten() {
    let folder = Folder::without_target();
    let json: Value = serde_json::from_slice(&folder.run(&["init", "--preset", "code42"]).stdout).unwrap();
    assert_eq!(json["outboundProvision"]["type"], "PfScim");

    folder.write("there.json", "other content");
    let line = error_line(&folder.run(&["init", "--preset", "code42", "--out", "there.json"]), 2);
    assert!(line.contains("there.json exists"), "{line}");
    assert_eq!(folder.read("there.json"), "other content");

    let line = error_line(&folder.run(&["init", "--preset", "code42", "--out", "no/such/folder.json"]), 2);
    assert!(line.contains("no/such/folder.json"), "{line}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_new_connection() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::without_target();
    folder.run(&["init", "--preset", "slack", "--out", "s.json"]);
    assert_eq!(folder.path("s.json").metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
