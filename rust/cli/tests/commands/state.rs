//! Tests `pfscim state`.

use insta::assert_snapshot;

use crate::common::{
    Folder, SECRET, SOURCE, assert_usage_errors, empty_target, error_line, help, json_lines, stdout, transcript,
};

/// Returns a folder whose `c.corp.state` has one user after a cycle.
fn after_a_cycle() -> Folder {
    let target = empty_target();
    let folder = Folder::new(&target.url());
    let output = folder.run(&[&["sync", "c.json"], &SOURCE[..], &SECRET[..]].concat());
    assert_eq!(output.status.code(), Some(0));
    folder
}

#[test]
fn help_of_state() {
    assert_snapshot!("help", help(&["state"]));
    for command in ["show", "user", "dirty", "reset", "forget"] {
        assert_snapshot!(format!("help_{command}"), help(&["state", command]));
    }
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    let folder = after_a_cycle();
    assert_usage_errors(
        &folder,
        &[
            (&["state", "show"], "see `pfscim state show --help`"),
            (&["state", "show", "nowhere.state"], "nowhere.state"),
            (&["state", "forget", "x.state"], "--all"),
            (&["state", "forget", "x.state", "ada", "--all"], "--all"),
            (&["state", "user", "c.corp.state", "bob"], "contains no user or group `bob`"),
        ],
    );
    let line = error_line(&folder.run(&["state", "user", "c.corp.state", "bob"]), 2);
    assert_snapshot!("unknown_user", line);
}

#[test]
fn a_user_is_shown_and_forgotten() {
    let folder = after_a_cycle();
    let user = json_lines(&folder.run(&["state", "user", "c.corp.state", "ada", "--json"])).remove(0);
    let times = [user["created"].as_str().unwrap(), user["modified"].as_str().unwrap()];
    let output = folder.run(&["state", "user", "c.corp.state", "ada"]);
    assert_snapshot!("user", transcript(&output, &[(times[0], "TIME"), (times[1], "TIME")]));
    assert_snapshot!("reset", transcript(&folder.run(&["state", "reset", "c.corp.state"]), &[]));
    assert_snapshot!("forget", transcript(&folder.run(&["state", "forget", "c.corp.state", "ada"]), &[]));
    assert_eq!(stdout(&folder.run(&["state", "dirty", "c.corp.state"])), "the next cycle sends nothing again\n");
}
