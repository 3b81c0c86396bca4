//! Tests `pfscim check`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::common::{Folder, Server, assert_usage_errors, empty_list, help, stdout, transcript};

#[test]
fn help_of_check() {
    assert_snapshot!("help", help(&["check"]));
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    assert_usage_errors(
        &Folder::without_target(),
        &[(&["check"], "CONNECTION.json"), (&["check", "nowhere.json"], "nowhere.json"), (&["check", "."], ".: ")],
    );
}

#[test]
fn a_correct_connection_has_no_errors() {
    let folder = Folder::new("https://scim.example");
    assert_snapshot!("no_errors", transcript(&folder.run(&["check", "c.json"]), &[]));
}

#[test]
fn all_errors_are_listed_as_lines_and_as_json() {
    let folder = Folder::new("ftp://scim.example");
    let mut json: Value = serde_json::from_str(&folder.read("c.json")).unwrap();
    let provision = &mut json["outboundProvision"];
    provision["targetSettings"].as_array_mut().unwrap().push(json!({"name": "SCIM_VERSION", "value": "3.0"}));
    let rows = provision["channels"][0]["attributeMapping"].as_array_mut().unwrap();
    rows.push(json!({"fieldName": "shoeSize", "saasFieldInfo": {"attributeNames": ["x"]}}));
    rows.push(json!({"fieldName": "title", "saasFieldInfo": {"attributeNames": ["x", "y"]}}));
    folder.write("c.json", &json.to_string());
    assert_snapshot!("errors", transcript(&folder.run(&["check", "c.json"]), &[]));

    let output = folder.run(&["check", "c.json", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["errors"].as_array().unwrap().len(), &json["warnings"]), (4, &json!([])));

    folder.write("c.json", "<html>");
    assert_snapshot!("not_json", transcript(&folder.run(&["check", "c.json"]), &[]));
}

#[test]
fn warnings_alone_are_status_0() {
    let output = Folder::new("http://scim.example").run(&["check", "c.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).starts_with("warning: SCIM URL: "), "{}", stdout(&output));
}

#[test]
fn check_sends_nothing() {
    let server = Server::start(|_| empty_list());
    Folder::new(&server.url()).run(&["check", "c.json"]);
    assert_eq!(server.requests(), Vec::<String>::new());
}
