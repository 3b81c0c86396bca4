//! Tests `pfscim completions`.

use insta::assert_snapshot;

use crate::common::{Folder, assert_usage_errors, help, stdout};

#[test]
fn help_of_completions() {
    assert_snapshot!("help", help(&["completions"]));
}

#[test]
fn every_shell_completes_every_command() {
    let folder = Folder::without_target();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = stdout(&folder.run(&["completions", shell]));
        assert!(script.contains("on-demand") && script.contains("forget"), "{shell}");
    }
    assert_usage_errors(&folder, &[(&["completions", "tcl"], "bash")]);
}
