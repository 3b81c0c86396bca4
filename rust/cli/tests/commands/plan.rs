//! Tests `pfscim plan`.

use insta::assert_snapshot;
use serde_json::json;

use crate::common::{
    Folder, SECRET, SOURCE, Server, assert_usage_errors, empty_list, empty_target, error_line, help, json_lines,
    stderr, transcript,
};

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["plan", "c.json"], &SOURCE[..], &SECRET[..], more].concat()
}

#[test]
fn help_of_plan() {
    assert_snapshot!("help", help(&["plan"]));
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    assert_usage_errors(
        &Folder::without_target(),
        &[(&["plan", "c.json", "--source", "ldif:u.ldif", "--audit", "x"], "--audit")],
    );
}

#[test]
fn a_plan_lists_what_a_cycle_would_do_and_writes_nothing() {
    let target = empty_target();
    let folder = Folder::new(&target.url());
    let before = folder.files();
    assert_snapshot!("plan", transcript(&folder.run(&arguments(&[])), &[]));
    assert_snapshot!("plan_json", transcript(&folder.run(&arguments(&["--json"])), &[]));
    assert_eq!(folder.files(), before);
    assert!(target.requests().iter().all(|request| request.starts_with("GET ")));
}

#[test]
fn a_page_does_not_overwrite_another_file() {
    let folder = Folder::without_target();
    folder.write("plan.html", "other content");
    let line = error_line(&folder.run(&arguments(&["--html", "plan.html"])), 2);
    assert!(line.contains("plan.html") && line.contains("--force"), "{line}");
    assert_eq!(folder.read("plan.html"), "other content");
    // The target is unreachable, and an incomplete plan is not written.
    error_line(&folder.run(&arguments(&["--html", "new.html"])), 3);
    assert!(!folder.path("new.html").exists());
}

#[test]
fn a_rule_is_planned_from_its_own_files_and_counted_as_pingone_does() {
    let server = Server::start(|_| empty_list());
    let folder = Folder::with_rule(&server.url());
    let output = folder.run(&[&["plan", "connection.json", "--json"], &SECRET[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let counters = json!({"impacted": 5, "success": 4, "partiallySynced": 0, "unsynced": 1, "failed": 0});
    assert_eq!(json_lines(&output).last().unwrap()["sync"]["users"], counters);
    let requests = server.requests().join("\n");
    assert!(requests.contains("filter=username%20Eq%20%22ada.king%40example.com%22"), "{requests}");
}

#[test]
fn a_rule_that_cannot_run_is_an_error_before_anything_is_sent() {
    let server = Server::start(|_| empty_list());
    for (pointer, value, expected) in [
        ("/store/status", json!("INACTIVE"), "the connection is disabled"),
        ("/plan/status", json!("INACTIVE"), "the plan is disabled"),
        ("/rule/active", json!(false), "the rule is off"),
        ("/rule/userFilter", json!(null), "rule: has no user filter"),
        ("/rule/userFilter/all/0/value", json!("Nobody"), "`Nobody`, which PingOne does not have"),
        ("/rule/userFilter/all/0/operator", json!("Contains"), "`Contains` is not an operator"),
        ("/rule/userFilter/all/0/attribute", json!("Shoe Size"), "`Shoe Size` is not an attribute"),
        ("/source/files", json!(["gone.json"]), "gone.json: "),
    ] {
        let folder = Folder::with_rule(&server.url());
        folder.set("connection.json", pointer, value);
        let line = error_line(&folder.run(&[&["sync", "connection.json"], &SECRET[..]].concat()), 2);
        assert!(line.contains(expected), "{line}");
    }
    let folder = Folder::with_rule(&server.url());
    let output = folder.run(&[&["sync", "connection.json", "--source", "csv:x.csv"], &SECRET[..]].concat());
    assert!(error_line(&output, 2).contains("remove --source"));
    assert_eq!(server.requests(), Vec::<String>::new());
}
