//! Tests `pfscim test`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::common::{
    Folder, SECRET, Server, assert_usage_errors, empty_list, error_line, help, rejecting_target, response, stderr,
    stdout, transcript, unreachable_url,
};

#[test]
fn help_of_test() {
    assert_snapshot!("help", help(&["test"]));
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    let folder = Folder::without_target();
    folder.write("html.json", "<html>");
    assert_usage_errors(
        &folder,
        &[
            (&["test", "nowhere.json"], "nowhere.json"),
            (&["test", "html.json"], "html.json: the file is not the JSON"),
            (&["test", "html.json", "--host", "x.jar"], "--plugin"),
        ],
    );
}

#[test]
fn facts_and_warnings_are_printed_and_nothing_is_written() {
    let server = Server::start(|request| {
        if request.contains("/ServiceProviderConfig") {
            let claims = json!({"patch": {"supported": true}, "filter": {"supported": true, "maxResults": 50}});
            return response(200, "application/scim+json", &claims.to_string());
        }
        empty_list()
    });
    let folder = Folder::new(&server.url());
    let before = folder.files();
    assert_snapshot!("facts", transcript(&folder.run(&["test", "c.json"]), &[]));
    let json: Value = serde_json::from_slice(&folder.run(&["test", "c.json", "--json"]).stdout).unwrap();
    assert_eq!((&json["facts"][0], &json["error"]), (&json!("credentials: accepted"), &Value::Null));
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.starts_with("GET ")), "{requests:?}");
    assert!(requests.iter().all(|request| request.contains("Bearer hunter2")), "{requests:?}");
    assert_eq!(folder.files(), before);
}

#[test]
fn a_target_without_a_usable_response_is_status_3() {
    let html = Server::start(|_| response(200, "text/html", "<html>welcome</html>"));
    let closed = rejecting_target(401, "go away");
    let redirecting = Server::start(|_| {
        "HTTP/1.1 302 Found\r\nlocation: https://login.example/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            .into()
    });
    for (url, code) in [
        (unreachable_url(), "transport"),
        (html.url(), "protocol"),
        (closed.url(), "auth_failed"),
        (redirecting.url(), "protocol"),
    ] {
        let folder = Folder::new(&url);
        let output = folder.run(&["test", "c.json"]);
        let line = error_line(&output, 3);
        assert!(line.starts_with(&format!("pfscim: {code}: ")), "{line}");
        let address = url.trim_end_matches("/scim").trim_start_matches("http://");
        assert_snapshot!(
            format!("no_usable_response_{}", if url == redirecting.url() { "redirect" } else { code }),
            transcript(&output, &[(address, "HOST")])
        );
        let output = folder.run(&["test", "c.json", "--json"]);
        assert_eq!(output.status.code(), Some(3));
        let error = &serde_json::from_slice::<Value>(&output.stdout).unwrap()["error"];
        let (text, hint) = (error["message"].as_str().unwrap(), error["hint"].as_str());
        let shown = hint.map_or_else(|| text.to_owned(), |hint| format!("{text}; {hint}"));
        assert_eq!(line, format!("pfscim: {code}: {shown}"));
    }
}

#[test]
fn a_connection_that_does_not_fit_is_status_2_and_nothing_is_sent() {
    let server = Server::start(|_| empty_list());
    let folder = Folder::new(&server.url());
    let good = folder.read("c.json");
    folder.write("c.json", &good.replace("hunter2", "REPLACE-ME"));
    assert!(error_line(&folder.run(&["test", "c.json"]), 2).contains("Access Token: "));
    folder.write("c.json", &good.replace(r#""type":"PfScim""#, r#""type":"SCIM11""#));
    assert!(error_line(&folder.run(&["test", "c.json"]), 2).contains("`pfscim import`"));
    assert_eq!(server.requests(), Vec::<String>::new());
    folder.write("c.json", &good.replace(r#""userName""#, r#""nickName""#));
    assert!(error_line(&folder.run(&["test", "c.json"]), 2).contains("not mapped: userName"));
}

#[test]
fn a_folder_without_the_jar_is_named() {
    let server = Server::start(|_| empty_list());
    let folder = Folder::new(&server.url());
    folder.write("host.jar", "");
    std::fs::create_dir(folder.path("deploy")).unwrap();
    let output = folder.run(&["test", "c.json", "--plugin", "deploy", "--host", "host.jar"]);
    let line = error_line(&output, 2);
    assert!(line.contains("--plugin: deploy contains no jar"), "{line}");
    assert!(stdout(&output).contains("credentials: accepted"));
}

#[test]
fn a_disabled_connection_can_be_tested() {
    let server = Server::start(|request| {
        if request.contains("ServiceProviderConfig") { response(404, "text/plain", "") } else { empty_list() }
    });
    let folder = Folder::with_rule(&server.url());
    folder.set("connection.json", "/store/status", json!("INACTIVE"));
    let output = folder.run(&[&["test", "connection.json"], &SECRET[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
