//! Tests `pfscim import`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::common::{Folder, assert_usage_errors, connection, error_line, help, stdout};

#[test]
fn help_of_import() {
    assert_snapshot!("help", help(&["import"]));
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    let folder = Folder::without_target();
    folder.write("html.json", "<html>");
    folder.write("list.json", "[]");
    assert_usage_errors(
        &folder,
        &[
            (&["import", "nowhere.json"], "nowhere.json"),
            (&["import", "html.json"], "html.json: the file is not JSON"),
            (&["import", "list.json"], "list.json: the file is neither an SP connection"),
        ],
    );
    let folder = Folder::with_rule("https://scim.example.com");
    assert_usage_errors(&folder, &[(&["import", "connection.json"], "`pfscim convert`")]);
}

#[test]
fn an_imported_connection_can_be_imported_again_without_a_change() {
    let folder = Folder::without_target();
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
    folder.write("old.json", &old.to_string());
    let first = folder.run(&["import", "old.json"]);
    assert!(error_line(&first, 0).contains("note: enableEntExt: "));
    folder.write("new.json", &stdout(&first));
    let second = folder.run(&["import", "new.json"]);
    assert_eq!(stdout(&second), stdout(&first));
    let json: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(json["extra"], json!([1]));
    assert_eq!(folder.run(&["check", "new.json"]).status.code(), Some(0));
}
