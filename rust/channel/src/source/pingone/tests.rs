//! Tests PingOne as a source: with files in a temporary folder, and with a loopback server in place of the API.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pfscim_core::environment::{Environment, ProxyRules, SystemClock, SystemRandom};
use pfscim_core::settings::Secret;
use serde_json::{Value as Json, json};

use super::entries::PingOne;
use crate::connection::pingone::attributes::{GROUP_CLASS, GROUP_IDS, GROUP_MEMBER, GROUP_NAME, GROUP_NAMES, ID};
use crate::connection::pingone::{ApiAccess, NamedObjects};
use crate::directory::{Entry, Search};
use crate::source::Source;

/// Reads pages from files: users by id and groups by name, or the error.
fn read(pages: &[Json], named: NamedObjects, groups: &[&str]) -> Result<BTreeMap<String, Entry>, String> {
    let texts: Vec<_> = pages.iter().map(Json::to_string).collect();
    read_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>(), named, groups)
}

fn read_texts(pages: &[&str], named: NamedObjects, groups: &[&str]) -> Result<BTreeMap<String, Entry>, String> {
    let folder = tempfile::tempdir().unwrap();
    let files = pages.iter().enumerate().map(|(at, page)| {
        let path = folder.path().join(format!("{at}.json"));
        std::fs::write(&path, page).unwrap();
        path
    });
    let source = PingOne::files(files.collect::<Vec<_>>(), named, groups.iter().map(|g| (*g).to_owned()).collect());
    entries(&source)
}

fn entries(source: &PingOne) -> Result<BTreeMap<String, Entry>, String> {
    let search =
        Search { base: "", base_label: "Base DN", base_only: false, filter: String::new(), attributes: Vec::new() };
    let mut entries = BTreeMap::new();
    let read = source.read(&search, &mut |entry| {
        let key = if entry.has_object_class(GROUP_CLASS) { GROUP_NAME } else { ID };
        let name = entry.values(key)[0].text().unwrap().to_owned();
        assert!(entries.insert(name, entry).is_none());
        Ok(())
    });
    read.map(|()| entries).map_err(|error| error.to_string())
}

fn values<'e>(entry: &'e Entry, attribute: &str) -> Vec<&'e str> {
    entry.values(attribute).iter().map(|value| value.text().unwrap()).collect()
}

fn users(items: Json) -> Json {
    json!({"_embedded": {"users": items}})
}

fn user(id: &str) -> Json {
    json!({"id": id, "username": format!("{id}@example.com"), "population": {"id": "p1"}, "enabled": true})
}

fn populations() -> Json {
    json!({"_embedded": {"populations": [{"id": "p1", "name": "Employees"}, {"id": "p2", "name": "Guests"}]}})
}

fn groups() -> Json {
    json!({"_embedded": {"groups": [
        {"id": "g1", "name": "Staff"},
        {"id": "g2", "name": "Inner", "memberOfGroups": [{"id": "g1"}]},
        {"id": "g3", "name": "Innermost", "memberOfGroups": [{"id": "g2"}, {"id": "g3"}]},
        {"id": "g4", "name": "Partners", "isExternal": true},
        {"id": "g5", "name": "Twins"}, {"id": "g6", "name": "twins"}
    ]}})
}

fn of_population(name: &str) -> NamedObjects {
    NamedObjects { populations: vec![name.into()], ..NamedObjects::default() }
}

fn of_group(name: &str) -> NamedObjects {
    NamedObjects { groups: vec![name.into()], ..NamedObjects::default() }
}

#[test]
fn a_user_is_read_under_the_paths_of_its_json() {
    let page = users(json!([{
        "_links": {"self": {"href": "x"}}, "id": "u1", "username": "ada", "enabled": false, "logins": 7,
        "name": {"given": "Ada", "family": ""}, "population": {"id": "p1"}, "tags": ["a", "b"], "title": null,
        "objectClass": "group", "emails": [{"value": "a@x"}, {"value": "b@x"}]
    }]));
    let entries = read(&[page, populations()], of_population("Employees"), &[]).unwrap();
    let ada = &entries["u1"];
    for (path, expected) in [
        ("username", &["ada"][..]),
        ("enabled", &["false"]),
        ("logins", &["7"]),
        ("name.given", &["Ada"]),
        ("name.family", &[]),
        ("population.name", &["Employees"]),
        ("tags", &["a", "b"]),
        ("title", &[]),
        ("emails.value", &["a@x", "b@x"]),
        ("_links.self.href", &[]),
        ("objectClass", &["user"]),
    ] {
        assert_eq!(values(ada, path), expected, "{path}");
    }
}

#[test]
fn members_of_a_group_are_members_of_the_groups_that_contain_it() {
    let mut all = [user("u1"), user("u2"), user("u3")];
    all[0]["memberOfGroupIDs"] = json!(["g3"]);
    all[1]["memberOfGroupNames"] = json!(["Inner"]);
    all[2]["memberOfGroupIDs"] = json!([]);
    let entries = read(&[users(json!(all)), groups()], of_group("Staff"), &["Staff", "g2"]).unwrap();
    assert_eq!(values(&entries["u1"], GROUP_NAMES), ["Staff", "Inner", "Innermost"]);
    assert_eq!(values(&entries["u2"], GROUP_IDS), ["g1", "g2"]);
    assert_eq!(values(&entries["u3"], GROUP_IDS), [""; 0]);
    assert_eq!(values(&entries["Staff"], GROUP_MEMBER), ["u1", "u2"]);
    assert_eq!(values(&entries["Inner"], ID), ["g2"]);
    assert!(!entries.contains_key("Innermost"), "only groups to provision are entries");
}

#[test]
fn populations_and_groups_that_a_rule_names_must_exist() {
    let mut member = user("u1");
    member["memberOfGroupNames"] = json!(["Staff"]);
    for (pages, named, provisioned, expected) in [
        (
            vec![users(json!([user("u1")])), populations()],
            of_population("Employes"),
            "",
            "`Employes`, which PingOne does not have",
        ),
        (vec![users(json!([user("u1")]))], of_population("Employees"), "", "the populations were not read"),
        (vec![users(json!([user("u1")])), groups()], of_group("Staff"), "", "the users contain no groups"),
        (
            vec![users(json!([member.clone()])), groups()],
            of_group("Clerks"),
            "",
            "`Clerks`, which PingOne does not have",
        ),
        (
            vec![users(json!([member.clone()])), groups()],
            NamedObjects::default(),
            "Partners",
            "`Partners` is an external group",
        ),
        (vec![users(json!([member.clone()])), groups()], NamedObjects::default(), "Twins", "several groups"),
        (vec![users(json!([member.clone()]))], NamedObjects::default(), "Staff", "`Staff` is not a group of PingOne"),
    ] {
        let provisioned: Vec<_> = [provisioned].into_iter().filter(|name| !name.is_empty()).collect();
        let error = read(&pages, named, &provisioned).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert!(read(&[users(json!([user("u1")]))], of_population("p1"), &[]).is_ok(), "users contain the id");
    assert!(read(&[users(json!([member]))], of_group("staff"), &[]).is_ok(), "users contain the name");
}

#[test]
fn incomplete_files_are_rejected() {
    let linked = |own: &str, next: Option<&str>, items: Json| {
        let mut page = users(items);
        page["_links"] = json!({"self": {"href": own}, "next": next.map(|href| json!({"href": href}))});
        page
    };
    let (one, two) = ("https://api.example/v1/users", "https://api.example/v1/users?cursor=2");
    let whole = [linked(one, Some(two), json!([user("u1")])), linked(two, None, json!([user("u2")]))];
    assert_eq!(read(&whole, NamedObjects::default(), &[]).unwrap().len(), 2);
    for (pages, expected) in [
        (vec![whole[0].clone()], "0.json: the next page is not among the files"),
        (vec![linked(one, Some(one), json!([user("u1")]))], "leads to the same page"),
        (vec![linked(one, Some("https://evil.example/v1/users"), json!([user("u1")]))], "another server"),
        (vec![users(json!([]))], "no user"),
        (vec![populations()], "no file contains users"),
        (vec![json!({"users": []})], "not a page of PingOne's API"),
        (
            vec![json!({"_embedded": {"users": [user("u1")]}, "count": 2})],
            "the page counts 2 users, but the files contain 1",
        ),
        (vec![users(json!(["u1"]))], "PingOne user 1: is not a JSON object"),
    ] {
        let error = read(&pages, NamedObjects::default(), &[]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let text = whole[0].to_string();
    assert!(
        read_texts(&[&text[..text.len() / 2]], NamedObjects::default(), &[])
            .unwrap_err()
            .contains("0.json: is cut off")
    );
    assert!(read_texts(&["<html>"], NamedObjects::default(), &[]).unwrap_err().contains("is not JSON"));
}

/// A server in place of the API. It records the method, path and query of each request, and its credentials.
struct ApiServer {
    url: String,
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

impl ApiServer {
    /// Starts a server; `respond` receives its URL, the request line without the version, and the credentials.
    #[expect(clippy::disallowed_methods, reason = "a server runs beside the test")]
    fn start(respond: impl Fn(&str, &str, &str) -> (u16, Json) + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (base, recorded) = (url.clone(), Arc::clone(&requests));
        // The thread ends with the process.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8(head).unwrap();
                let header = |name: &str| {
                    head.lines()
                        .find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)))
                        .map(|(_, v)| v)
                };
                let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
                stream.read_exact(&mut body).unwrap();
                let line = head.lines().next().unwrap_or_default();
                let line = line.rsplit_once(' ').map_or(line, |(line, _)| line);
                let credentials = header("authorization").unwrap_or_default();
                recorded.lock().unwrap().push((line.to_owned(), credentials.to_owned()));
                let (status, json) = respond(&base, line, credentials);
                let text = json.to_string();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                    text.len()
                );
            }
        });
        Self { url, requests }
    }

    fn read(&self, named: NamedObjects, groups: &[&str]) -> Result<BTreeMap<String, Entry>, String> {
        let access = ApiAccess {
            api: format!("{}/v1/", self.url),
            authorization: format!("{}/auth", self.url),
            environment: "e1".into(),
            client_id: "worker".into(),
            client_secret: Some(Secret::new("hunter2-secret")),
        };
        let environment = Environment {
            channel: "test".into(),
            anchors: Vec::new(),
            proxy: ProxyRules::default(),
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
            operation_timeout: Duration::from_secs(10),
            dry_run: true,
        };
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        let source = PingOne::api(&access, named, groups, &environment).map_err(|error| error.to_string())?;
        let read = entries(&source);
        assert!(!read.as_ref().err().is_some_and(|error| error.contains("hunter2")));
        read
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|(line, _)| line.clone()).collect()
    }
}

const TOKEN: &str = "POST /auth/e1/as/token";
const USERS: &str = "GET /v1/environments/e1/users?limit=200";
const POPULATIONS: &str = "GET /v1/environments/e1/populations";
const GROUPS: &str = "GET /v1/environments/e1/groups";

fn token(name: &str) -> (u16, Json) {
    (200, json!({"access_token": name, "token_type": "Bearer", "expires_in": 3600}))
}

#[test]
fn the_api_is_read_page_by_page() {
    let server = ApiServer::start(|base, line, credentials| match line {
        TOKEN => token("t1"),
        _ if credentials != "Bearer t1" => (401, json!({})),
        POPULATIONS => (200, populations()),
        GROUPS => (200, groups()),
        "GET /v1/environments/e1/users?limit=200&filter=memberOfGroups%5Bid+eq+%22g1%22%5D" => {
            (200, users(json!([user("u2")])))
        }
        USERS => {
            let mut page = users(json!([user("u1")]));
            page["_links"]["next"]["href"] = format!("{base}/v1/environments/e1/users?cursor=2").into();
            (200, page)
        }
        "GET /v1/environments/e1/users?cursor=2" => {
            (200, json!({"_embedded": {"users": [user("u2")]}, "count": 2, "size": 200}))
        }
        _ => (404, json!({})),
    });
    let entries = server.read(of_group("Staff"), &["Staff"]).unwrap();
    assert_eq!(values(&entries["u2"], GROUP_NAMES), ["Staff"]);
    assert_eq!(values(&entries["u1"], GROUP_NAMES), [""; 0]);
    assert_eq!(values(&entries["Staff"], GROUP_MEMBER), ["u2"]);
    assert_eq!(server.requests().iter().filter(|line| *line == TOKEN).count(), 1);
}

#[test]
fn a_token_that_expires_between_pages_is_renewed_once() {
    let tokens = Mutex::new(0);
    let server = ApiServer::start(move |_, line, credentials| match line {
        TOKEN => {
            let mut count = tokens.lock().unwrap();
            *count += 1;
            token(&format!("t{count}"))
        }
        POPULATIONS if credentials == "Bearer t1" => (200, populations()),
        USERS if credentials == "Bearer t2" => (200, users(json!([user("u1")]))),
        _ => (401, json!({"code": "ACCESS_FAILED", "message": "expired"})),
    });
    assert_eq!(server.read(of_population("Employees"), &[]).unwrap().len(), 1);
    let server = ApiServer::start(|_, line, _| if line == TOKEN { token("t") } else { (401, json!({})) });
    let error = server.read(of_population("Employees"), &[]).unwrap_err();
    assert!(error.starts_with("PingOne: auth_failed: "), "{error}");
    assert_eq!(server.requests(), [TOKEN, POPULATIONS, TOKEN, POPULATIONS]);
}

#[test]
fn an_api_that_returns_only_a_part_is_an_error() {
    /// The response to `GET .../users`, and the expected error.
    type Case = (fn(&str) -> (u16, Json), &'static str);
    fn linked(next: String) -> (u16, Json) {
        let mut page = users(json!([user("u1")]));
        page["_links"]["next"]["href"] = next.into();
        (200, page)
    }
    let cases: [Case; 8] = [
        (
            |_| (403, json!({"code": "ACCESS_FAILED", "message": "no"})),
            "may not read users; give the application the role",
        ),
        (|_| (404, json!({})), "source.environment"),
        (|_| (200, json!({"_embedded": {}})), "no _embedded.users"),
        (|_| (200, users(json!([]))), "no user"),
        (
            |_| (200, json!({"_embedded": {"users": [user("u1")]}, "count": 9})),
            "the count of users is 9, but 1 were returned",
        ),
        (|_| linked("https://evil.example/v1/users".into()), "leads to https://evil.example"),
        (|base| linked(format!("{base}/v1/environments/e1/users?limit=200")), "form a circle"),
        (|base| linked(format!("{base}/v1/environments/e1/gone")), "returned 500"),
    ];
    for (respond, expected) in cases {
        let server = ApiServer::start(move |base, line, _| match line {
            TOKEN => token("t"),
            POPULATIONS => (200, populations()),
            USERS => respond(base),
            _ => (500, json!({})),
        });
        let error = server.read(of_population("Employees"), &[]).unwrap_err();
        assert!(error.starts_with("PingOne: ") && error.contains(expected), "{error}");
    }
    let server = ApiServer::start(|_, _, _| (401, json!({"error": "invalid_client"})));
    assert!(
        server
            .read(of_population("Employees"), &[])
            .unwrap_err()
            .contains("check source.clientId and PINGONE_CLIENT_SECRET")
    );
}
