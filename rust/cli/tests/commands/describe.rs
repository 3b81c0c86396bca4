//! Tests `pfscim describe`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::common::{Folder, assert_usage_errors, help, stdout};

#[test]
fn help_of_describe() {
    assert_snapshot!("help", help(&["describe"]));
    for list in ["settings", "fields", "mappings", "attributes"] {
        assert_snapshot!(format!("help_{list}"), help(&["describe", list]));
    }
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    assert_usage_errors(
        &Folder::without_target(),
        &[(&["describe", "fields", "--json", "--properties"], "--properties")],
    );
}

#[test]
fn lists_are_tables_json_or_properties() {
    let folder = Folder::without_target();
    for list in ["settings", "fields", "attributes"] {
        let json: Value = serde_json::from_slice(&folder.run(&["describe", list, "--json"]).stdout).unwrap();
        assert!(json.as_array().unwrap().len() > 20);
        let table = stdout(&folder.run(&["describe", list]));
        assert!(table.contains("label"), "{table}");
    }
    assert!(stdout(&folder.run(&["describe", "settings", "--properties"])).contains("SCIM_URL.kind=text\n"));
    assert!(stdout(&folder.run(&["describe", "mappings"])).contains("saas.userName="));
}
