//! Tests `pfscim convert`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::common::{Folder, help, stderr, stdout};

#[test]
fn help_of_convert() {
    assert_snapshot!("help", help(&["convert"]));
}

#[test]
fn a_rule_is_converted_to_pingfederate_and_back_with_notes_about_the_losses() {
    let folder = Folder::with_rule("https://scim.example.com");
    let there = folder.run(&["convert", "connection.json"]);
    assert_eq!(there.status.code(), Some(0));
    assert!(stderr(&there).contains("note: rule: the user filter was left out"));
    let connection: Value = serde_json::from_slice(&there.stdout).unwrap();
    assert_eq!(connection["outboundProvision"]["type"], "PfScim");
    folder.write("sp.json", &stdout(&there));
    let back = folder.run(&["convert", "sp.json"]);
    let file: Value = serde_json::from_slice(&back.stdout).unwrap();
    assert_eq!(file["store"]["configuration"]["USER_FILTER"], "username Eq \"%s\"");
    assert!(stderr(&back).contains("note: Users (Group DN): left out"));
}
