//! Tests `pfscim` without a command.

use insta::assert_snapshot;

use crate::common::{Folder, assert_usage_errors, help};

#[test]
fn help_of_the_program() {
    assert_snapshot!("help", help(&[]));
}

#[test]
fn a_missing_command_is_status_2_and_the_version_is_status_0() {
    let folder = Folder::without_target();
    assert_eq!(folder.run(&[]).status.code(), Some(2));
    assert_eq!(folder.run(&["--version"]).status.code(), Some(0));
}

#[test]
fn an_unknown_command_is_one_line_and_status_2() {
    assert_usage_errors(&Folder::without_target(), &[(&["frobnicate"], "frobnicate")]);
}
