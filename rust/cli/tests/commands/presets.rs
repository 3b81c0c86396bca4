//! Tests `pfscim presets`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::common::{Folder, help, stdout};

/// The names are a contract (`docs/compatibility.md`).
pub(crate) const PRESETS: [&str; 10] = [
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

#[test]
fn help_of_presets() {
    assert_snapshot!("help", help(&["presets"]));
}

#[test]
fn presets_are_listed_as_text_and_as_json() {
    let folder = Folder::without_target();
    let list = stdout(&folder.run(&["presets"]));
    let json: Value = serde_json::from_slice(&folder.run(&["presets", "--json"]).stdout).unwrap();
    for name in PRESETS {
        assert!(list.contains(&format!("{name}: ")), "{name}");
        let row = json.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
        assert!(row["title"].is_string() && !row["limits"].as_array().unwrap().is_empty(), "{row}");
        assert!(list.contains(row["limits"][0].as_str().unwrap()), "{name}");
    }
}
