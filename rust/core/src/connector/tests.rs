//! Tests the connector against a target in memory: which requests it sends, and what it reports.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::environment::testing::{ManualClock, environment};
use crate::environment::{Clock, Environment, Random, SystemClock};
use crate::facts::FilterUse;
use crate::http::{Method, RawRequest, RawResponse, Transport, TransportError};
use crate::scim::{Filter, Identifier};
use crate::settings::Settings;
use crate::{Failure, Outcome, Record, Report};

mod evidence;

/// Receives a request before the target, and may respond instead of it.
type Interceptor = Box<dyn FnMut(&str, &SentRequest) -> Option<Result<RawResponse, TransportError>> + Send>;

#[derive(Debug, Clone, PartialEq)]
struct SentRequest {
    method: &'static str,
    /// Path and query, percent-decoded.
    path: String,
    body: Value,
    if_match: Option<String>,
}

/// A small SCIM 2.0 target.
#[derive(Default)]
struct InMemoryTarget {
    users: Mutex<BTreeMap<String, Value>>,
    groups: Mutex<BTreeMap<String, Value>>,
    requests: Mutex<Vec<SentRequest>>,
    interceptors: Mutex<Vec<Interceptor>>,
    next: AtomicU64,
    /// The service provider configuration; the target has none if it is null.
    configuration: Mutex<Value>,
    ignores_filters: Mutex<bool>,
}

fn json_response(status: u16, body: &Value) -> RawResponse {
    RawResponse { status, headers: vec![], body: serde_json::to_vec(body).unwrap() }
}

fn empty_response(status: u16) -> RawResponse {
    RawResponse { status, ..RawResponse::default() }
}

impl InMemoryTarget {
    fn with(users: &[Value]) -> Arc<Self> {
        let target = Self::default();
        *target.configuration.lock().unwrap() = json!({"patch": {"supported": true}, "filter": {"supported": true}});
        for user in users {
            target.users.lock().unwrap().insert(user["id"].as_str().unwrap().to_owned(), user.clone());
        }
        Arc::new(target)
    }

    fn intercept(
        &self,
        f: impl FnMut(&str, &SentRequest) -> Option<Result<RawResponse, TransportError>> + Send + 'static,
    ) {
        self.interceptors.lock().unwrap().push(Box::new(f));
    }

    /// Responds to the first request with this method and path prefix.
    fn respond_once(&self, method: &'static str, path: &'static str, response: Result<RawResponse, TransportError>) {
        let mut response = Some(response);
        self.intercept(move |v, sent| if v == method && sent.path.starts_with(path) { response.take() } else { None });
    }

    fn respond_always(&self, method: &'static str, path: &'static str, response: RawResponse) {
        self.intercept(move |v, sent| (v == method && sent.path.starts_with(path)).then(|| Ok(response.clone())));
    }

    fn user(&self, id: &str) -> Value {
        self.users.lock().unwrap().get(id).cloned().unwrap_or(Value::Null)
    }

    fn requests(&self) -> Vec<SentRequest> {
        self.requests.lock().unwrap().clone()
    }

    fn writes(&self) -> Vec<SentRequest> {
        self.requests().into_iter().filter(|s| s.method != "GET").collect()
    }

    fn respond(&self, sent: &SentRequest) -> RawResponse {
        let (path, query) = sent.path.split_once('?').unwrap_or((&sent.path, ""));
        if path == "/v2/ServiceProviderConfig" {
            let configuration = self.configuration.lock().unwrap().clone();
            return if configuration.is_null() { empty_response(404) } else { json_response(200, &configuration) };
        }
        let (rest, resources, name) = match (path.strip_prefix("/v2/Users"), path.strip_prefix("/v2/Groups")) {
            (Some(rest), _) => (rest, &self.users, "userName"),
            (_, Some(rest)) => (rest, &self.groups, "displayName"),
            _ => return empty_response(404),
        };
        let id = rest.trim_start_matches('/');
        let mut stored = resources.lock().unwrap();
        match (sent.method, id) {
            ("GET", "") => {
                let expected = query.strip_prefix("filter=").filter(|_| !*self.ignores_filters.lock().unwrap());
                let found: Vec<Value> = stored
                    .values()
                    .filter(|resource| expected.is_none_or(|f| matches_filter(resource, f)))
                    .cloned()
                    .collect();
                json_response(200, &json!({"totalResults": found.len(), "Resources": found}))
            }
            ("POST", "") => {
                let has_same_name =
                    |u: &Value| u[name].as_str().unwrap().eq_ignore_ascii_case(sent.body[name].as_str().unwrap());
                if stored.values().any(has_same_name) {
                    return json_response(409, &json!({"status": "409", "detail": "taken"}));
                }
                let id = format!("new-{}", self.next.fetch_add(1, Ordering::SeqCst));
                let mut resource = sent.body.clone();
                resource["id"] = json!(id);
                stored.insert(id, resource.clone());
                json_response(201, &resource)
            }
            (_, id) if !stored.contains_key(id) => empty_response(404),
            ("GET", id) => json_response(200, &stored[id]),
            ("PUT", id) => {
                let mut resource = sent.body.clone();
                resource["id"] = json!(id);
                stored.insert(id.to_owned(), resource.clone());
                json_response(200, &resource)
            }
            ("PATCH", id) => {
                for operation in sent.body["Operations"].as_array().unwrap() {
                    patch(stored.get_mut(id).unwrap(), operation);
                }
                empty_response(204)
            }
            ("DELETE", id) => {
                stored.remove(id);
                empty_response(204)
            }
            _ => empty_response(405),
        }
    }
}

/// Applies one operation: `replace` of an attribute, `add` or `remove` of members.
fn patch(resource: &mut Value, operation: &Value) {
    let path = operation["path"].as_str().unwrap();
    match operation["op"].as_str().unwrap() {
        "replace" => resource[path] = operation["value"].clone(),
        "add" => {
            let added = operation["value"].as_array().unwrap();
            match &mut resource[path] {
                Value::Array(existing) => existing.extend(added.iter().cloned()),
                absent => *absent = json!(added),
            }
        }
        "remove" => {
            let id: String =
                serde_json::from_str(path.strip_prefix("members[value eq ").unwrap().trim_end_matches(']')).unwrap();
            resource["members"].as_array_mut().unwrap().retain(|member| member["value"] != id);
        }
        other => panic!("{other}"),
    }
}

/// Evaluates `userName eq "..."`, `emails eq "..."` and `displayName eq "..."`.
fn matches_filter(user: &Value, filter: &str) -> bool {
    let (attribute, rest) = filter.split_once(" eq ").unwrap();
    let value: String = serde_json::from_str(rest).unwrap();
    if attribute == "displayName" {
        return user[attribute].as_str().unwrap().eq_ignore_ascii_case(&value);
    }
    let compared = Filter::parse(&format!("{attribute} eq \"%s\""), Identifier::UserName);
    compared.compare(user, &value).is_some()
}

struct InMemoryTransport(Arc<InMemoryTarget>);

impl Transport for InMemoryTransport {
    fn send(&self, request: &RawRequest<'_>) -> Result<RawResponse, TransportError> {
        let decoded = |s: &str| percent_encoding::percent_decode_str(s).decode_utf8().unwrap().into_owned();
        let url = request.url;
        let query = url.query().map(|q| format!("?{}", decoded(q))).unwrap_or_default();
        let sent = SentRequest {
            method: match request.method {
                Method::Get => "GET",
                Method::Post => "POST",
                Method::Put => "PUT",
                Method::Patch => "PATCH",
                Method::Delete => "DELETE",
            },
            path: format!("{}{query}", decoded(url.path())),
            body: request.body.map_or(Value::Null, |b| serde_json::from_slice(b).unwrap()),
            if_match: request.headers.iter().find(|(name, _)| *name == "if-match").map(|(_, v)| v.clone()),
        };
        self.0.requests.lock().unwrap().push(sent.clone());
        for interceptor in self.0.interceptors.lock().unwrap().iter_mut() {
            if let Some(response) = interceptor(sent.method, &sent) {
                return response;
            }
        }
        Ok(self.0.respond(&sent))
    }
}

/// Opens a connector to a target, with these settings and a SCIM URL.
fn connector(target: &Arc<InMemoryTarget>, settings: &[(&str, &str)], dry_run: bool) -> Arc<Connector> {
    connector_with_clock(target, settings, dry_run, Arc::new(ManualClock::default()))
}

fn connector_with_clock(
    target: &Arc<InMemoryTarget>,
    settings: &[(&str, &str)],
    dry_run: bool,
    clock: Arc<dyn Clock>,
) -> Arc<Connector> {
    let mut pairs = vec![("SCIM_URL", "http://target.invalid/v2"), ("AUTHENTICATION_METHOD", "None")];
    pairs.retain(|(name, _)| settings.iter().all(|(n, _)| n != name));
    pairs.extend(settings);
    let settings = Settings::parse(pairs).unwrap();
    let environment = Environment { dry_run, ..environment(clock) };
    Connector::over(settings, environment, Box::new(InMemoryTransport(Arc::clone(target)))).unwrap()
}

fn session(target: &Arc<InMemoryTarget>, settings: &[(&str, &str)]) -> Session {
    connector(target, settings, false).session()
}

fn anna() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "a1", "userName": "anna@example.com",
        "displayName": "Anna", "active": true, "favouriteColour": "green", "groups": [{"value": "g1"}],
        "meta": {"version": "W/\"7\"", "resourceType": "User"}
    })
}

fn record(id: Option<&str>, enabled: bool, fields: &[(&str, &str)]) -> Record {
    Record {
        id: id.map(str::to_owned),
        enabled,
        fields: fields.iter().map(|(code, value)| ((*code).to_owned(), vec![(*value).to_owned()])).collect(),
        ..Record::default()
    }
}

fn anna_record(id: Option<&str>, enabled: bool) -> Record {
    record(id, enabled, &[("userName", "anna@example.com"), ("displayName", "Anna")])
}

fn connection_reset(maybe_applied: bool) -> Result<RawResponse, TransportError> {
    Err(TransportError { message: "connection reset".into(), maybe_applied, permanent: false })
}

#[track_caller]
fn assert_report(result: Result<Report, Failure>, outcome: Outcome, id: Option<&str>) -> Report {
    let report = result.unwrap();
    assert_eq!((report.outcome, report.id.as_deref()), (outcome, id));
    report
}

#[test]
fn a_new_user_is_looked_up_and_created_once() {
    let target = InMemoryTarget::with(&[]);
    let session = session(&target, &[]);
    assert_report(session.create_user(&anna_record(None, true)), Outcome::Created, Some("new-0"));
    let requests = target.requests();
    assert_eq!(requests[0].path, "/v2/Users?filter=userName eq \"anna@example.com\"");
    assert_eq!((requests[1].method, &requests[1].body["active"], requests.len()), ("POST", &json!(true), 2));
}

#[test]
fn a_user_whom_this_cycle_did_not_find_is_created_without_a_second_search() {
    let target = InMemoryTarget::with(&[]);
    let session = session(&target, &[]);
    assert_eq!(session.find_user(None, Some("anna@example.com")).unwrap(), None);
    assert_report(session.create_user(&anna_record(None, true)), Outcome::Created, Some("new-0"));
    assert_eq!(target.requests().len(), 2);
}

#[test]
fn an_existing_account_is_adopted_and_keeps_what_is_not_mapped() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[]);
    let mut engineer = anna_record(None, true);
    engineer.fields.insert("title".into(), vec!["Engineer".into()]);
    assert_report(session.create_user(&engineer), Outcome::Adopted, Some("a1"));
    let put = &target.writes()[0];
    assert_eq!((put.method, put.if_match.as_deref()), ("PUT", Some("W/\"7\"")));
    assert_eq!(put.body["title"], "Engineer");
    assert_eq!(put.body["favouriteColour"], "green");
    assert_eq!(put.body.get("meta"), None);
    assert_eq!(put.body.get("groups"), None);
}

#[test]
fn create_answered_409_searches_again_and_adopts_the_match() {
    let target = InMemoryTarget::with(&[anna()]);
    // The first search finds no account, as at a target with a stale index.
    target.respond_once("GET", "/v2/Users?", Ok(json_response(200, &json!({"totalResults": 0}))));
    let session = session(&target, &[]);
    assert_report(session.create_user(&anna_record(None, true)), Outcome::Adopted, Some("a1"));
    assert_eq!(target.users.lock().unwrap().len(), 1);
}

#[test]
fn create_answered_409_without_a_match_is_conflict() {
    let target = InMemoryTarget::with(&[anna()]);
    target.respond_always("GET", "/v2/Users?", json_response(200, &json!({"totalResults": 0, "Resources": []})));
    let failure = session(&target, &[]).create_user(&anna_record(None, true)).unwrap_err();
    assert_eq!((failure.code(), failure.stops_session()), ("conflict", false));
}

#[test]
fn a_create_whose_response_was_lost_is_searched_for_and_not_repeated() {
    let target = InMemoryTarget::with(&[]);
    let inner = Arc::clone(&target);
    let mut is_lost = false;
    target.intercept(move |method, sent| {
        if method != "POST" || std::mem::replace(&mut is_lost, true) {
            return None;
        }
        let mut user = sent.body.clone();
        user["id"] = json!("kept");
        inner.users.lock().unwrap().insert("kept".into(), user);
        Some(connection_reset(true))
    });
    assert_report(session(&target, &[]).create_user(&anna_record(None, true)), Outcome::Created, Some("kept"));
    assert_eq!(target.writes().len(), 1);
}

#[test]
fn a_create_that_did_not_reach_the_target_is_repeated() {
    let target = InMemoryTarget::with(&[]);
    target.respond_once("POST", "/v2/Users", connection_reset(true));
    assert_report(session(&target, &[]).create_user(&anna_record(None, true)), Outcome::Created, Some("new-0"));
    assert_eq!(target.writes().len(), 2);
}

#[test]
fn a_create_with_an_unreadable_response_is_not_repeated() {
    let target = InMemoryTarget::with(&[]);
    let inner = Arc::clone(&target);
    target.intercept(move |method, sent| {
        (method == "POST").then(|| {
            inner.respond(sent);
            Ok(RawResponse { status: 201, headers: vec![], body: b"<html>".to_vec() })
        })
    });
    assert_report(session(&target, &[]).create_user(&anna_record(None, true)), Outcome::Created, Some("new-0"));
    assert_eq!(target.writes().len(), 1);
}

#[test]
fn many_threads_that_create_the_same_user_create_one_account() {
    let target = InMemoryTarget::with(&[]);
    // On a manual clock the waiting threads would reach the deadline before a slow thread has created the account.
    let session = connector_with_clock(&target, &[], false, Arc::new(SystemClock::default())).session();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| session.create_user(&anna_record(None, true)).unwrap());
        }
    });
    assert_eq!(target.writes().iter().filter(|s| s.method == "POST").count(), 1);
}

#[test]
fn a_search_result_with_another_identifier_never_matches() {
    let target = InMemoryTarget::with(&[json!({"id": "b", "userName": "bob@example.com"})]);
    *target.ignores_filters.lock().unwrap() = true;
    let session = session(&target, &[]);
    assert_eq!(session.find_user(None, Some("anna@example.com")).unwrap(), None);
    assert_eq!(session.find_user(None, Some("BOB@example.com")).unwrap().unwrap().id.as_deref(), Some("b"));
    let lists = target.requests().iter().filter(|s| s.path.contains("startIndex")).count();
    assert_eq!(lists, 1, "the whole list is read once per session");
}

#[test]
fn threads_that_need_the_list_of_all_users_at_the_same_time_read_it_once() {
    let target = InMemoryTarget::with(&[json!({"id": "b", "userName": "bob@example.com"})]);
    // The list takes a while, so that the other threads ask for it meanwhile.
    target.intercept(|_, sent| {
        if sent.path.contains("startIndex") {
            (0..1000).for_each(|_| std::thread::yield_now());
        }
        None
    });
    let connector = connector_with_clock(&target, &[], false, Arc::new(SystemClock::default()));
    let exchange = &connector.exchange;
    exchange.learnt.learn_filter_use(&exchange.user_filter, FilterUse::Ignored, exchange.date());
    let session = connector.session();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(session.find_user(None, Some("bob@example.com")).unwrap().is_some()));
        }
    });
    assert_eq!(target.requests().iter().filter(|s| s.path.contains("startIndex")).count(), 1);
}

#[test]
fn two_matches_are_ambiguous_unless_one_has_the_same_letter_case() {
    let user = |id: &str, name: &str| json!({"id": id, "userName": name});
    let target = InMemoryTarget::with(&[user("1", "Anna"), user("2", "anna")]);
    let session = session(&target, &[]);
    assert_eq!(session.find_user(None, Some("anna")).unwrap().unwrap().id.as_deref(), Some("2"));
    let failure = session.find_user(None, Some("ANNA")).unwrap_err();
    assert_eq!((failure.code(), failure.stops_session()), ("ambiguous", false));
}

#[test]
fn an_update_without_differences_sends_nothing() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[]);
    assert_report(session.update_user(&anna_record(Some("a1"), true)), Outcome::Unchanged, Some("a1"));
    assert!(target.writes().is_empty());
}

#[test]
fn a_write_after_a_lookup_does_not_read_the_resource_again() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[]);
    session.find_user(Some("a1"), Some("anna@example.com")).unwrap().unwrap();
    let changed = record(Some("a1"), true, &[("userName", "anna@example.com"), ("displayName", "Anna B.")]);
    assert_report(session.update_user(&changed), Outcome::Updated, Some("a1"));
    let methods: Vec<_> = target.requests().iter().map(|s| s.method).collect();
    assert_eq!(methods, ["GET", "PUT"]);
}

#[test]
fn an_update_answered_412_reads_the_resource_and_is_sent_again() {
    let target = InMemoryTarget::with(&[anna()]);
    target.respond_once("PUT", "/v2/Users/a1", Ok(empty_response(412)));
    let session = session(&target, &[]);
    let changed = record(Some("a1"), true, &[("userName", "anna@example.com"), ("displayName", "Anna B.")]);
    assert_report(session.update_user(&changed), Outcome::Updated, Some("a1"));
    let methods: Vec<_> = target.requests().iter().map(|s| s.method).collect();
    assert_eq!(methods, ["GET", "PUT", "GET", "PUT"]);
}

#[test]
fn an_enabled_user_who_is_absent_is_created_again_with_a_new_id() {
    let target = InMemoryTarget::with(&[]);
    let session = session(&target, &[]);
    assert_report(session.update_user(&anna_record(Some("a1"), true)), Outcome::Created, Some("new-0"));
}

#[test]
fn an_inactive_user_who_returns_is_enabled() {
    let mut inactive = anna();
    inactive["active"] = json!(false);
    let target = InMemoryTarget::with(&[inactive]);
    let session = session(&target, &[]);
    assert_report(session.update_user(&anna_record(Some("a1"), true)), Outcome::ReEnabled, Some("a1"));
    assert_eq!(target.user("a1")["active"], true);
}

#[test]
fn an_enable_that_the_response_does_not_show_is_not_honoured() {
    let mut inactive = anna();
    inactive["active"] = json!(false);
    let target = InMemoryTarget::with(&[inactive.clone()]);
    target.respond_always("PUT", "/v2/Users/a1", json_response(200, &inactive));
    let failure = session(&target, &[]).update_user(&anna_record(Some("a1"), true)).unwrap_err();
    assert_eq!(failure.code(), "not_honoured");
}

#[test]
fn a_disable_is_one_patch_of_active_and_is_verified() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[]);
    assert_report(session.remove_user(&anna_record(Some("a1"), true)), Outcome::Disabled, Some("a1"));
    let writes = target.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].body["Operations"], json!([{"op": "replace", "path": "active", "value": false}]));
    assert_eq!(target.requests().last().unwrap().method, "GET", "a 204 proves nothing");
    let mut expected = anna();
    expected["active"] = json!(false);
    assert_eq!(target.user("a1"), expected);
}

#[test]
fn a_disable_is_a_merge_put_if_patch_is_unsupported_or_rejected() {
    for (configuration, rejected_with) in [
        (json!(null), None),
        (json!({"patch": {"supported": false}}), None),
        (json!({"patch": {"supported": true}}), Some(400)),
        (json!({"patch": {"supported": true}}), Some(405)),
        (json!({"patch": {"supported": true}}), Some(501)),
    ] {
        let target = InMemoryTarget::with(&[anna()]);
        *target.configuration.lock().unwrap() = configuration;
        if let Some(status) = rejected_with {
            target.respond_always("PATCH", "/v2/Users/a1", empty_response(status));
        }
        let session = session(&target, &[]);
        assert_report(session.remove_user(&anna_record(Some("a1"), true)), Outcome::Disabled, Some("a1"));
        let user = target.user("a1");
        assert_eq!((&user["active"], &user["favouriteColour"]), (&json!(false), &json!("green")));
    }
}

#[test]
fn a_disable_that_the_target_does_not_show_is_not_honoured() {
    let target = InMemoryTarget::with(&[anna()]);
    target.respond_always("PATCH", "/v2/Users/a1", json_response(200, &anna()));
    let failure = session(&target, &[]).remove_user(&anna_record(Some("a1"), true)).unwrap_err();
    assert_eq!(failure.code(), "not_honoured");
    assert!(failure.to_string().contains("ACTIVE"));
    assert_eq!(target.requests().iter().filter(|s| s.method == "GET" && s.path == "/v2/Users/a1").count(), 5);
}

#[test]
fn a_disable_that_the_target_shows_within_three_seconds_succeeds() {
    let target = InMemoryTarget::with(&[anna()]);
    let mut stale_reads = 3;
    target.intercept(move |method, sent| {
        let shows_old = method == "GET" && sent.path == "/v2/Users/a1" && stale_reads > 0;
        shows_old.then(|| {
            stale_reads -= 1;
            Ok(json_response(200, &anna()))
        })
    });
    assert_report(session(&target, &[]).remove_user(&anna_record(Some("a1"), true)), Outcome::Disabled, Some("a1"));
}

#[test]
fn an_account_that_disappears_after_a_disable_is_disabled() {
    let target = InMemoryTarget::with(&[anna()]);
    let inner = Arc::clone(&target);
    target.intercept(move |method, _| {
        (method == "PATCH").then(|| {
            inner.users.lock().unwrap().clear();
            Ok(empty_response(204))
        })
    });
    assert_report(session(&target, &[]).remove_user(&anna_record(Some("a1"), true)), Outcome::Disabled, Some("a1"));
}

#[test]
fn removing_an_inactive_or_missing_user_sends_nothing() {
    let mut inactive = anna();
    inactive["active"] = json!("False");
    let target = InMemoryTarget::with(&[inactive]);
    let session = session(&target, &[]);
    assert_report(session.remove_user(&anna_record(Some("a1"), true)), Outcome::AlreadyDisabled, Some("a1"));
    let bob = record(Some("zz"), true, &[("userName", "bob@example.com")]);
    assert_report(session.remove_user(&bob), Outcome::AlreadyGone, Some("zz"));
    assert!(target.writes().is_empty());
}

#[test]
fn a_disabled_source_user_is_disabled_through_update() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[]);
    assert_report(session.update_user(&anna_record(Some("a1"), false)), Outcome::Disabled, Some("a1"));
}

#[test]
fn a_removal_acts_on_the_stored_id_only() {
    // The target does not have the stored id, and another account has the identifier.
    let target = InMemoryTarget::with(&[anna()]);
    let assert_refused = |result: Result<Report, Failure>| {
        let failure = result.unwrap_err();
        assert_eq!(failure.code(), "not_found");
        assert!(failure.message().text().contains("old, and account a1 has the identifier"), "{failure}");
    };
    for enabled in [true, false] {
        let session = session(&target, &[("PROVISION_DISABLED_USERS_PROV_OPT", "true")]);
        let found = session.find_user(Some("old"), Some("anna@example.com")).unwrap().unwrap();
        assert_eq!(found.id.as_deref(), Some("a1"));
        for id in ["old", "a1"] {
            assert_refused(session.remove_user(&anna_record(Some(id), enabled)));
        }
        assert_refused(session.update_user(&anna_record(Some("old"), false)));
        assert_refused(session.update_user(&anna_record(Some("a1"), false)));
    }
    assert!(target.writes().is_empty());
    assert_eq!(target.user("a1")["active"], true);
}

#[test]
fn a_removal_without_a_stored_id_writes_nothing() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[]);
    assert_eq!(session.remove_user(&anna_record(None, true)).unwrap_err().code(), "not_found");
    let bob = record(None, true, &[("userName", "bob@example.com")]);
    assert_report(session.remove_user(&bob), Outcome::AlreadyGone, None);
    assert_eq!(session.remove_user(&record(None, true, &[])).unwrap_err().code(), "uncertain");
    assert!(target.writes().is_empty());
}

#[test]
fn a_linked_account_is_deleted_and_an_unlinked_account_is_skipped() {
    let delete = [("REMOVE_ACTION", "Delete")];
    let target = InMemoryTarget::with(&[anna()]);
    let by_name = session(&target, &delete);
    by_name.find_user(None, Some("anna@example.com")).unwrap().unwrap();
    for result in [by_name.update_user(&anna_record(Some("a1"), false)), by_name.create_user(&anna_record(None, false))]
    {
        let report = assert_report(result, Outcome::Skipped, Some("a1"));
        assert_eq!(report.skipped_by.map(crate::record::ProvisioningOption::label), Some("Remove User Action"));
    }
    let by_id = session(&target, &delete);
    by_id.find_user(Some("a1"), Some("anna@example.com")).unwrap().unwrap();
    assert_report(by_id.remove_user(&anna_record(Some("a1"), true)), Outcome::Deleted, Some("a1"));
    assert_report(by_id.remove_user(&anna_record(Some("a1"), true)), Outcome::AlreadyGone, Some("a1"));
}

#[test]
fn an_account_matched_by_one_session_is_unlinked_in_another() {
    let target = InMemoryTarget::with(&[anna()]);
    let first = session(&target, &[("REMOVE_ACTION", "Delete")]);
    let second = first.connector().session();
    first.find_user(None, Some("anna@example.com")).unwrap().unwrap();
    assert_report(second.update_user(&anna_record(Some("a1"), false)), Outcome::Skipped, Some("a1"));
    assert!(target.writes().is_empty());
    // An adopted account is linked for each session.
    assert_report(second.update_user(&anna_record(Some("a1"), true)), Outcome::Adopted, Some("a1"));
    first.find_user(Some("a1"), None).unwrap().unwrap();
    assert_report(first.remove_user(&anna_record(Some("a1"), true)), Outcome::Deleted, Some("a1"));
}

#[test]
fn an_unsupported_delete_is_rejected_with_a_hint_and_never_disables() {
    for status in [405, 501] {
        let target = InMemoryTarget::with(&[anna()]);
        target.respond_always("DELETE", "/v2/Users/a1", empty_response(status));
        let session = session(&target, &[("REMOVE_ACTION", "Delete")]);
        let failure = session.remove_user(&anna_record(Some("a1"), true)).unwrap_err();
        assert_eq!(failure.code(), "rejected");
        assert!(failure.to_string().contains("Remove User Action = Disable"));
        assert_eq!(target.user("a1"), anna());
    }
}

#[test]
fn a_disabled_user_is_created_inactive_and_disabled_if_the_target_ignores_it() {
    let settings = [("PROVISION_DISABLED_USERS_PROV_OPT", "true")];
    let compliant = InMemoryTarget::with(&[]);
    let result = session(&compliant, &settings).create_user(&anna_record(None, false));
    assert_report(result, Outcome::Created, Some("new-0"));
    assert_eq!(compliant.writes().len(), 1);
    let activating = InMemoryTarget::with(&[]);
    let inner = Arc::clone(&activating);
    activating.intercept(move |method, sent| {
        (method == "POST").then(|| {
            let mut active = sent.clone();
            active.body["active"] = json!(true);
            Ok(inner.respond(&active))
        })
    });
    assert_report(
        session(&activating, &settings).create_user(&anna_record(None, false)),
        Outcome::Created,
        Some("new-0"),
    );
    assert_eq!(activating.user("new-0")["active"], false);
}

#[test]
fn a_skipping_option_is_explained_once_and_counted_at_the_end() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[("UPDATE_USERS_PROV_OPT", "false")]);
    let changed = record(Some("a1"), true, &[("userName", "anna@example.com"), ("displayName", "B")]);
    let first = assert_report(session.update_user(&changed), Outcome::Skipped, Some("a1"));
    let second = assert_report(session.update_user(&changed), Outcome::Skipped, Some("a1"));
    assert!(first.warnings[0].starts_with("User Update: is cleared"));
    assert!(second.warnings.is_empty());
    let closing = session.close();
    assert_eq!(closing.len(), 1);
    assert!(closing[0].starts_with("User Update: is cleared") && closing[0].contains("(2 in this cycle)"));
    assert!(target.writes().is_empty());
}

#[test]
fn row_16_removals_over_the_limit_fail_and_updates_go_on() {
    let user = |n: u32| json!({"id": n.to_string(), "userName": format!("u{n}"), "active": true});
    let target = InMemoryTarget::with(&[user(1), user(2), user(3), user(4)]);
    let session = session(&target, &[("MAX_REMOVALS_PER_CYCLE", "2")]);
    let outcome = |n: u32| session.remove_user(&record(Some(&n.to_string()), true, &[("userName", "x")]));
    assert!(outcome(1).is_ok() && outcome(2).is_ok());
    for n in [3, 4] {
        let failure = outcome(n).unwrap_err();
        assert_eq!((failure.code(), failure.stops_session()), ("removal_limit", false));
    }
    assert_report(outcome(1), Outcome::AlreadyDisabled, Some("1"));
    let renamed = record(Some("3"), true, &[("userName", "u3"), ("title", "x")]);
    assert_report(session.update_user(&renamed), Outcome::Updated, Some("3"));
    let later = session.connector().session();
    assert_eq!(later.remove_user(&record(Some("4"), true, &[])).unwrap_err().code(), "removal_limit");
}

#[test]
fn the_connectors_own_account_is_not_removed() {
    let target = InMemoryTarget::with(&[anna()]);
    let basic = [
        ("AUTHENTICATION_METHOD", "Basic Authentication"),
        ("BASIC_AUTH_USER", "ANNA@example.com"),
        ("BASIC_AUTH_PASSWORD", "s3cret-enough"),
    ];
    let session = session(&target, &basic);
    let failure = session.remove_user(&record(Some("a1"), true, &[])).unwrap_err();
    assert_eq!(failure.code(), "rejected");
    assert!(failure.to_string().contains("Basic Authentication Username"));
    assert!(target.writes().is_empty());
}

#[test]
fn three_403_at_the_start_stop_the_session_and_later_403_do_not() {
    let target = InMemoryTarget::with(&[anna()]);
    target.respond_always("GET", "/v2/Users/", json_response(403, &json!({"detail": "no"})));
    let forbidden = session(&target, &[]);
    let codes: Vec<_> = (0..3)
        .map(|_| forbidden.find_user(Some("a1"), None).unwrap_err())
        .map(|f| (f.code(), f.stops_session()))
        .collect();
    assert_eq!(codes, [("rejected", false), ("rejected", false), ("auth_failed", true)]);
    let later = session(&target, &[]);
    assert!(later.find_user(None, Some("unknown")).is_ok());
    for _ in 0..4 {
        assert_eq!(later.find_user(Some("a1"), None).unwrap_err().code(), "rejected");
    }
}

#[test]
fn the_fifth_transport_failure_in_a_row_stops_the_session() {
    let target = InMemoryTarget::with(&[]);
    target.respond_always("GET", "/v2/Users", empty_response(503));
    let session = session(&target, &[]);
    let stops: Vec<_> = (0..6).map(|_| session.find_user(None, Some("a")).unwrap_err().stops_session()).collect();
    assert_eq!(stops, [false, false, false, false, true, true]);
}

#[test]
fn a_secret_in_the_reason_of_a_target_is_redacted() {
    let target = InMemoryTarget::with(&[]);
    let echo = json!({"detail": "password hunter2hunter2 too weak for token t0ken-t0ken"});
    target.respond_always("POST", "/v2/Users", json_response(400, &echo));
    let bearer = [("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token"), ("OAUTH_ACCESS_TOKEN", "t0ken-t0ken")];
    let mut with_password = anna_record(None, true);
    with_password.fields.insert("password".into(), vec!["hunter2hunter2".into()]);
    let failure = session(&target, &bearer).create_user(&with_password).unwrap_err().to_string();
    assert!(failure.starts_with("rejected: ") && failure.contains("too weak"), "{failure}");
    assert!(!failure.contains("hunter2") && !failure.contains("t0ken"), "{failure}");
}

#[test]
fn a_secret_that_contains_the_separator_of_text_and_hint_is_redacted() {
    for password in ["hunter2; hunter2", "hunter2;", "; hunter2"] {
        let target = InMemoryTarget::with(&[]);
        let echo = json!({"detail": format!("{password} is too weak")});
        target.respond_always("POST", "/v2/Users", json_response(400, &echo));
        let mut with_password = anna_record(None, true);
        with_password.fields.insert("password".into(), vec![password.into()]);
        let failure = session(&target, &[]).create_user(&with_password).unwrap_err();
        assert_eq!(failure.code(), "rejected");
        assert!(failure.message().text().ends_with("[redacted] is too weak"), "{failure}");
        assert_eq!(failure.message().hint(), None);
    }
}

#[test]
fn a_preview_reads_and_never_writes() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = connector(&target, &[], true).session();
    let changed = record(Some("a1"), true, &[("userName", "anna@example.com"), ("displayName", "B")]);
    let update = session.preview(RequestedOperation::Update, &changed).unwrap();
    assert_eq!(update.report.outcome, Outcome::Updated);
    assert_eq!((&update.changes[0].old, &update.changes[0].new), (&vec!["Anna".to_owned()], &vec!["B".to_owned()]));
    let remove = session.preview(RequestedOperation::Remove, &changed).unwrap();
    assert_eq!(remove.report.outcome, Outcome::Disabled);
    let create = session.preview(RequestedOperation::Create, &record(None, true, &[("userName", "new")])).unwrap();
    assert_eq!((create.report.outcome, create.report.id), (Outcome::Created, None));
    assert!(target.writes().is_empty());
    let live = self::session(&target, &[]);
    assert_eq!(live.preview(RequestedOperation::Update, &changed).unwrap_err().code(), "config");
}

#[test]
fn a_record_without_its_identifier_is_rejected_before_anything_is_sent() {
    let target = InMemoryTarget::with(&[]);
    let failure = session(&target, &[]).create_user(&record(None, true, &[("title", "x")])).unwrap_err();
    assert_eq!(failure.code(), "rejected");
    assert!(failure.to_string().contains("userName"));
    assert!(target.requests().is_empty());
}

#[test]
fn the_check_proves_the_credentials_by_a_search_and_reports_capabilities() {
    let target = InMemoryTarget::with(&[anna()]);
    let checked = connector(&target, &[], false).check().unwrap();
    assert!(checked.facts.contains(&"PATCH: yes".to_owned()), "{checked:?}");
    assert!(target.requests()[0].path.starts_with("/v2/Users?filter=userName eq \"pfscim-check-"));
    assert!(target.writes().is_empty());
}

#[test]
fn the_check_searches_for_an_identifier_made_of_random_values_of_the_environment() {
    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }
    let target = InMemoryTarget::with(&[]);
    let connector = connector(&target, &[], false);
    let environment = Environment { random: Arc::new(Fixed(0xa5)), ..connector.exchange.environment.clone() };
    let transport = Box::new(InMemoryTransport(Arc::clone(&target)));
    Connector::over(connector.settings().clone(), environment, transport).unwrap().check().unwrap();
    let filter = format!("/v2/Users?filter=userName eq \"pfscim-check-{}@invalid\"", "a5".repeat(12));
    assert_eq!(target.requests()[0].path, filter);
}

#[test]
fn the_check_fails_if_the_search_does_not_return_a_list() {
    for (status, body, code) in [
        (401, "{}", "auth_failed"),
        (403, "{}", "auth_failed"),
        (302, "", "protocol"),
        (200, "<html>sign in</html>", "protocol"),
        (200, "{\"hello\": 1}", "protocol"),
        (200, "", "protocol"),
        (404, "", "config"),
    ] {
        let target = InMemoryTarget::with(&[]);
        let response = RawResponse { status, headers: vec![], body: body.as_bytes().to_vec() };
        target.respond_always("GET", "/v2/Users", response);
        let failure = connector(&target, &[], false).check().unwrap_err();
        assert_eq!(failure.code(), code, "{status} {body}: {failure}");
    }
}

#[test]
fn the_check_warns_about_a_rejected_filter() {
    for status in [400, 501] {
        let target = InMemoryTarget::with(&[]);
        target.respond_always("GET", "/v2/Users?filter", empty_response(status));
        let checked = connector(&target, &[], false).check().unwrap();
        assert!(checked.warnings.iter().any(|w| w.starts_with("Filter Expression")), "{checked:?}");
    }
}

#[test]
fn a_connector_over_a_transport_is_in_no_registry_and_has_a_latch_of_its_own() {
    let user = |id: &str| json!({"id": id, "userName": id, "active": true});
    let target = InMemoryTarget::with(&[user("a"), user("b"), user("c")]);
    let [first, second] = [(); 2].map(|()| connector(&target, &[("MAX_REMOVALS_PER_CYCLE", "1")], false));
    assert_eq!(first.settings(), second.settings());
    assert_eq!(first.exchange.environment.channel, second.exchange.environment.channel);
    let session = first.session();
    let remove = |session: &Session, id: &str| session.remove_user(&record(Some(id), false, &[]));
    assert_report(remove(&session, "a"), Outcome::Disabled, Some("a"));
    assert_eq!(remove(&session, "b").unwrap_err().code(), "removal_limit");
    assert_report(remove(&second.session(), "c"), Outcome::Disabled, Some("c"));
    let shared = Connectors::default().open(first.settings().clone(), first.exchange.environment.clone()).unwrap();
    assert!(!Arc::ptr_eq(&first, &shared) && !Arc::ptr_eq(&first.latch, &shared.latch));
}

fn staff_group(members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id, "display": "x"})).collect();
    json!({"id": "g1", "displayName": "Staff", "members": members, "externalId": "kept"})
}

fn with_group(group: Value) -> Arc<InMemoryTarget> {
    let target = InMemoryTarget::with(&[]);
    target.groups.lock().unwrap().insert("g1".into(), group);
    target
}

fn group(id: Option<&str>, members: Option<&[&str]>) -> GroupRecord {
    let member = |id: &&str| GroupMember { id: Some((*id).to_owned()), ..GroupMember::default() };
    GroupRecord {
        id: id.map(str::to_owned),
        name: "Staff".into(),
        members: members.map(|ids| ids.iter().map(member).collect()),
        unlisted_members: UnlistedMembers::Remove,
    }
}

fn members(target: &InMemoryTarget) -> Vec<String> {
    let group = target.groups.lock().unwrap()["g1"].clone();
    group["members"].as_array().unwrap().iter().map(|m| m["value"].as_str().unwrap().to_owned()).collect()
}

const GROUP_PATCH: [(&str, &str); 1] = [("GROUP_PATCH_PROV_OPT", "true")];

#[test]
fn a_new_group_is_created_and_members_without_an_id_are_named() {
    let target = InMemoryTarget::with(&[]);
    let session = session(&target, &[]);
    assert_eq!(session.find_group(None, "Staff").unwrap(), None);
    let mut staff = group(None, Some(&["u1"]));
    staff.members.as_mut().unwrap().push(GroupMember { name: "Bob".into(), ..GroupMember::default() });
    let report = assert_report(session.create_group(&staff), Outcome::Created, Some("new-0"));
    assert_eq!(report.warnings, ["members without a target id were not sent (1): Bob"]);
    assert_eq!(target.writes()[0].body["members"], json!([{"value": "u1"}]));
}

#[test]
fn members_are_written_as_a_whole_by_put_and_as_differences_by_patch() {
    for (settings, method) in [(&[][..], "PUT"), (&GROUP_PATCH[..], "PATCH")] {
        let target = with_group(staff_group(&["u1", "u2"]));
        let session = session(&target, settings);
        let staff = group(Some("g1"), Some(&["u2", "u3"]));
        assert_report(session.update_group(&staff), Outcome::Updated, Some("g1"));
        assert_eq!(members(&target), ["u2", "u3"]);
        assert_eq!(target.groups.lock().unwrap()["g1"]["externalId"], "kept");
        assert!(target.writes().iter().all(|sent| sent.method == method));
        assert_report(session.update_group(&staff), Outcome::Unchanged, Some("g1"));
        let merging = GroupRecord { unlisted_members: UnlistedMembers::KEEP_ALL, ..group(Some("g1"), Some(&["u4"])) };
        assert_report(session.update_group(&merging), Outcome::Updated, Some("g1"));
        assert_eq!(members(&target), ["u2", "u3", "u4"], "an update that keeps unlisted members only adds");
        let merging = GroupRecord {
            unlisted_members: UnlistedMembers::Keep { except: vec!["u3".into(), "u4".into(), "u9".into()] },
            ..merging
        };
        assert_report(session.update_group(&merging), Outcome::Updated, Some("g1"));
        assert_eq!(members(&target), ["u2", "u4"], "and removes only the exceptions");
        assert_report(session.update_group(&group(Some("g1"), Some(&[]))), Outcome::Updated, Some("g1"));
        assert!(members(&target).is_empty(), "the last member is removed");
    }
}

#[test]
fn unknown_members_are_not_sent() {
    let target = with_group(staff_group(&["u1"]));
    let session = session(&target, &[]);
    assert_report(session.update_group(&group(Some("g1"), None)), Outcome::Unchanged, Some("g1"));
    let renamed = GroupRecord { name: "Team".into(), ..group(Some("g1"), None) };
    assert_report(session.update_group(&renamed), Outcome::Updated, Some("g1"));
    let operations = json!([{"op": "replace", "path": "displayName", "value": "Team"}]);
    assert_eq!(target.writes()[0].body["Operations"], operations);
    assert_eq!(members(&target), ["u1"]);
}

#[test]
fn many_members_are_sent_in_batches() {
    let target = InMemoryTarget::with(&[]);
    let session = session(&target, &GROUP_PATCH);
    let ids: Vec<String> = (0..250).map(|n| format!("u{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_report(session.create_group(&group(None, Some(&ids))), Outcome::Created, Some("new-0"));
    assert_eq!(target.groups.lock().unwrap()["new-0"]["members"].as_array().unwrap().len(), 250);
    let methods: Vec<_> = target.writes().iter().map(|sent| sent.method).collect();
    assert_eq!(methods, ["POST", "PATCH", "PATCH"]);
}

#[test]
fn without_usable_filters_a_group_is_found_in_the_list_of_all_groups() {
    for ignores_filters in [true, false] {
        let target = with_group(staff_group(&[]));
        if ignores_filters {
            *target.ignores_filters.lock().unwrap() = true;
            let other = json!({"id": "g0", "displayName": "Other"});
            target.groups.lock().unwrap().insert("g0".into(), other);
        } else {
            *target.configuration.lock().unwrap() = json!(null);
        }
        let session = session(&target, &[]);
        assert_eq!(session.find_group(None, "Staff").unwrap().as_deref(), Some("g1"));
        assert_eq!(session.find_group(None, "Unknown").unwrap(), None);
        let lists = target.requests().iter().filter(|s| s.path.contains("/Groups?startIndex=1&count=1000")).count();
        assert_eq!(lists, 1, "all pages are read once per session");
    }
}

#[test]
fn two_groups_with_the_same_name_are_ambiguous() {
    let target = with_group(staff_group(&[]));
    target.groups.lock().unwrap().insert("g2".into(), json!({"id": "g2", "displayName": "Staff"}));
    assert_eq!(session(&target, &[]).find_group(None, "Staff").unwrap_err().code(), "ambiguous");
}

#[test]
fn a_group_is_deleted_by_its_stored_id_only_and_not_in_the_cycle_of_its_adoption() {
    let target = with_group(staff_group(&[]));
    let session = session(&target, &[]);
    assert_eq!(session.delete_group(&group(None, None)).unwrap_err().code(), "not_found");
    session.find_group(None, "Staff").unwrap().unwrap();
    assert_report(session.delete_group(&group(Some("g1"), None)), Outcome::Skipped, Some("g1"));
    let later = session.connector().session();
    assert_report(later.delete_group(&group(Some("g1"), None)), Outcome::Skipped, Some("g1"));
    later.connector().exchange.environment.clock.sleep(Duration::from_secs(600));
    assert_report(later.delete_group(&group(Some("g1"), None)), Outcome::Deleted, Some("g1"));
    assert_report(later.delete_group(&group(Some("g1"), None)), Outcome::AlreadyGone, Some("g1"));
}

#[test]
fn deleted_groups_count_as_removals() {
    let target = with_group(staff_group(&[]));
    let session = session(&target, &[("MAX_REMOVALS_PER_CYCLE", "0")]);
    assert_eq!(session.delete_group(&group(Some("g1"), None)).unwrap_err().code(), "removal_limit");
    assert!(target.writes().is_empty());
}

#[test]
fn an_existing_group_is_adopted_and_an_absent_group_is_created_again() {
    let target = with_group(staff_group(&["u1"]));
    target.respond_once("GET", "/v2/Groups?", Ok(json_response(200, &json!({"totalResults": 0}))));
    let session = session(&target, &[]);
    assert_report(session.create_group(&group(None, Some(&["u2"]))), Outcome::Adopted, Some("g1"));
    assert_eq!(members(&target), ["u2"]);
    target.groups.lock().unwrap().clear();
    let again = session.connector().session();
    assert_report(again.update_group(&group(Some("g1"), Some(&["u2"]))), Outcome::Created, Some("new-0"));
}

#[test]
fn a_group_found_by_its_name_is_adopted_once() {
    let target = with_group(staff_group(&["u1"]));
    let session = session(&target, &[]);
    let id = session.find_group(None, "Staff").unwrap();
    let staff = group(id.as_deref(), Some(&["u2"]));
    assert_report(session.update_group(&staff), Outcome::Adopted, Some("g1"));
    session.find_group(id.as_deref(), "Staff").unwrap();
    assert_report(session.update_group(&staff), Outcome::Unchanged, Some("g1"));
}

#[test]
fn a_preview_of_a_group_has_its_name_and_members_and_writes_nothing() {
    let target = with_group(staff_group(&["u1", "u2"]));
    let dry_run = connector(&target, &[], true).session();
    let renamed = GroupRecord { name: "Team".into(), ..group(Some("g1"), Some(&["u2", "u3"])) };
    let preview = dry_run.preview_group(&renamed).unwrap();
    assert_eq!((preview.report.outcome, preview.old_name.as_deref()), (Outcome::Updated, Some("Staff")));
    assert_eq!((preview.added, preview.removed), (vec!["u3".to_owned()], vec!["u1".to_owned()]));
    let preview = dry_run.preview_group(&GroupRecord { name: "New".into(), ..group(None, Some(&["u1"])) }).unwrap();
    assert_eq!((preview.report.outcome, preview.report.id, preview.added.len()), (Outcome::Created, None, 1));
    assert!(target.writes().is_empty());
    assert_eq!(session(&target, &[]).preview_group(&renamed).unwrap_err().code(), "config");
}

#[test]
fn a_clearable_custom_attribute_is_cleared_and_an_unknown_attribute_is_a_config_failure() {
    const URN: &str = "urn:ietf:params:scim:schemas:extension:acme:2.0:User";
    let schema = json!({"id": URN, "attributes": [{"name": "badge", "type": "string"}]});
    let schemas = json_response(200, &json!({"totalResults": 1, "Resources": [schema]}));
    let mut user = anna();
    user[URN] = json!({"badge": "7"});
    let target = InMemoryTarget::with(&[user]);
    target.respond_always("GET", "/v2/Schemas", schemas);
    let none = record(Some("a1"), true, &[("userName", "anna@example.com")]);
    let unset = session(&target, &[]);
    assert_report(unset.update_user(&none), Outcome::Unchanged, Some("a1"));
    let unknown_field = session(&target, &[("CLEARABLE_ATTRIBUTES", "badge,shoeSize")]);
    for failure in [unknown_field.update_user(&none).unwrap_err(), unknown_field.connector().check().unwrap_err()] {
        assert_eq!(failure.code(), "config");
        assert!(failure.message().text().starts_with("Clear Attributes When Empty: shoeSize"), "{failure}");
    }
    assert!(target.writes().is_empty());
    let clearing = session(&target, &[("CLEARABLE_ATTRIBUTES", "badge")]);
    assert_report(clearing.update_user(&none), Outcome::Updated, Some("a1"));
    assert_eq!(target.user("a1")[URN], Value::Null);
}

#[test]
fn the_schemas_are_read_if_a_record_has_a_custom_attribute() {
    let target = InMemoryTarget::with(&[]);
    let urn = "urn:ietf:params:scim:schemas:extension:acme:2.0:User";
    let schema = json!({"id": urn, "attributes": [{"name": "floor", "type": "integer"}]});
    target.respond_always("GET", "/v2/Schemas", json_response(200, &json!({"totalResults": 1, "Resources": [schema]})));
    let session = session(&target, &[]);
    for (name, floor) in [("a", "3"), ("b", "4")] {
        session.create_user(&record(None, true, &[("userName", name), ("floor", floor)])).unwrap();
    }
    assert_eq!(target.user("new-0")[urn]["floor"], 3);
    assert_eq!(target.requests().iter().filter(|sent| sent.path == "/v2/Schemas").count(), 1);
    assert_eq!(session.fields().unwrap().fields().len(), 64);
    let failure = session.create_user(&record(None, true, &[("userName", "c"), ("roof", "x")])).unwrap_err();
    assert_eq!(failure.code(), "config");
}

#[test]
fn without_schemas_the_standard_fields_remain_and_a_failure_does_not_shorten_the_list() {
    for (status, expected) in [(404, Ok(63)), (501, Ok(63)), (500, Err("transport")), (403, Err("rejected"))] {
        let target = InMemoryTarget::with(&[]);
        target.respond_always("GET", "/v2/Schemas", empty_response(status));
        let fields = session(&target, &[]).fields();
        assert_eq!(fields.map(|c| c.fields().len()).map_err(|f| f.code()), expected, "{status}");
    }
}

#[test]
fn an_open_session_forgets_after_the_time_of_a_cycle() {
    let target = with_group(staff_group(&[]));
    target.users.lock().unwrap().insert("a1".into(), anna());
    let session = session(&target, &[("REMOVE_ACTION", "Delete")]);
    session.find_group(None, "Staff").unwrap().unwrap();
    session.find_user(None, Some("anna@example.com")).unwrap().unwrap();
    assert_report(session.update_user(&anna_record(Some("a1"), false)), Outcome::Skipped, Some("a1"));
    session.connector().exchange.environment.clock.sleep(Duration::from_secs(600));
    assert_report(session.update_user(&anna_record(Some("a1"), false)), Outcome::Deleted, Some("a1"));
    assert_report(session.delete_group(&group(Some("g1"), None)), Outcome::Deleted, Some("g1"));
}

#[test]
fn a_group_created_by_a_session_can_be_deleted_in_it() {
    let target = InMemoryTarget::with(&[]);
    let session = session(&target, &[]);
    assert_report(session.create_group(&group(None, Some(&[]))), Outcome::Created, Some("new-0"));
    assert_eq!(session.find_group(None, "Staff").unwrap().as_deref(), Some("new-0"));
    assert_report(session.delete_group(&group(Some("new-0"), None)), Outcome::Deleted, Some("new-0"));
}
