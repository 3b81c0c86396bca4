//! Tests `pfscim man`.

use insta::assert_snapshot;

use crate::common::{Folder, assert_usage_errors, help, stdout};

#[test]
fn help_of_man() {
    assert_snapshot!("help", help(&["man"]));
}

#[test]
fn every_command_has_a_page() {
    let folder = Folder::without_target();
    for (command, words) in
        [(&[][..], "pfscim\\-state"), (&["sync"], "\\-\\-every"), (&["state", "forget"], "\\-\\-dirty")]
    {
        let page = stdout(&folder.run(&[&["man"], command].concat()));
        assert!(page.contains(".SH NAME") && page.contains(words), "{command:?}: {page}");
    }
    assert_usage_errors(&folder, &[(&["man", "sync", "now"], "`now` is not a command")]);
}
