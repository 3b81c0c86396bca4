//! The client over a transport in memory and a clock that only moves when somebody waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use url::Url;

use super::*;
use crate::Failure;
use crate::environment::{Clock, Environment, ProxyRules};
use crate::scim::{Identifier, Version};
use crate::settings::{Authentication, GroupNameSource, RemoveAction, Secret, Settings, UpdateMethod};

/// Moves by waiting, and by what an exchange takes.
#[derive(Default)]
struct FakeClock {
    now: Mutex<Duration>,
    sleeps: Mutex<Vec<Duration>>,
}

impl Clock for FakeClock {
    fn monotonic(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn system_time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.monotonic()
    }

    fn sleep(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
        self.sleeps.lock().unwrap().push(time);
    }
}

/// What was sent, owned.
#[derive(Debug, Clone)]
struct Sent {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    timeout: Duration,
}

impl Sent {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }
}

type Ending = Result<RawResponse, TransportError>;

/// Answers from a script; where that ends, 200 with an empty object.
#[derive(Default)]
struct Script {
    endings: Mutex<VecDeque<Ending>>,
    sent: Mutex<Vec<Sent>>,
    takes: Duration,
    clock: Arc<FakeClock>,
}

struct Scripted(Arc<Script>);

impl Transport for Scripted {
    fn send(&self, message: &RawRequest<'_>) -> Ending {
        self.0.sent.lock().unwrap().push(Sent {
            method: message.method,
            url: message.url.to_string(),
            headers: message.headers.to_vec(),
            body: message.body.map(|body| String::from_utf8(body.to_vec()).unwrap()),
            timeout: message.timeout,
        });
        *self.0.clock.now.lock().unwrap() += self.0.takes;
        self.0.endings.lock().unwrap().pop_front().unwrap_or_else(|| reply(200, "{}"))
    }
}

fn reply(status: u16, body: &str) -> Ending {
    Ok(RawResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
}

fn reply_with(status: u16, name: &str, value: &str) -> Ending {
    Ok(RawResponse { status, headers: vec![(name.to_owned(), value.to_owned())], body: Vec::new() })
}

fn broken(maybe_applied: bool) -> Ending {
    Err(TransportError { message: "reset".into(), maybe_applied, permanent: false })
}

fn token(value: &str, expires_in: u32) -> Ending {
    reply(200, &json!({ "access_token": value, "token_type": "Bearer", "expires_in": expires_in }).to_string())
}

pub(super) fn settings(url: &str) -> Settings {
    Settings {
        scim_url: Url::parse(url).unwrap(),
        version: Version::V2_0,
        authentication: Authentication::None,
        identifier: Identifier::UserName,
        filter: "userName eq \"%s\"".into(),
        authorization_type: None,
        users_path: "/Users".into(),
        groups_path: "/Groups".into(),
        results_per_page: None,
        create: true,
        update: true,
        remove: true,
        provision_disabled: true,
        remove_action: RemoveAction::Disable,
        group_name_source: GroupNameSource::CommonName,
        group_patch: false,
        extension_urns: Vec::new(),
        update_method: UpdateMethod::Put,
        max_removals: None,
        clearable: Vec::new(),
        max_requests_per_second: None,
        request_timeout: Duration::from_secs(30),
    }
}

pub(super) fn environment(clock: Arc<dyn Clock>) -> Environment {
    Environment {
        channel: "1".into(),
        anchors: Vec::new(),
        proxy: ProxyRules::default(),
        clock,
        operation_timeout: Duration::from_secs(50),
        dry_run: false,
    }
}

const TARGET: &str = "https://scim.example/v2";
const DEADLINE: Deadline = Deadline(Duration::from_secs(50));

/// A client over a script.
struct Bench {
    client: Client,
    script: Arc<Script>,
}

impl Bench {
    fn with(
        endings: impl IntoIterator<Item = Ending>,
        takes: Duration,
        change: impl FnOnce(&mut Settings, &mut Environment),
    ) -> Self {
        let clock = Arc::new(FakeClock::default());
        let script = Arc::new(Script {
            endings: Mutex::new(endings.into_iter().collect()),
            takes,
            clock: Arc::clone(&clock),
            ..Script::default()
        });
        let mut settings = settings(TARGET);
        let mut environment = environment(clock);
        change(&mut settings, &mut environment);
        let client = Client::with_transport(&settings, &environment, Box::new(Scripted(Arc::clone(&script)))).unwrap();
        Self { client, script }
    }

    fn new(endings: impl IntoIterator<Item = Ending>) -> Self {
        Self::with(endings, Duration::ZERO, |_, _| {})
    }

    fn authenticated(authentication: Authentication, endings: impl IntoIterator<Item = Ending>) -> Self {
        Self::with(endings, Duration::ZERO, |settings, _| settings.authentication = authentication)
    }

    fn send(&self, method: Method) -> Result<Response, RequestError> {
        self.client.send(&call(method), DEADLINE)
    }

    fn sent(&self) -> Vec<Sent> {
        self.script.sent.lock().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.script.sent.lock().unwrap().len()
    }

    fn sleeps(&self) -> Vec<Duration> {
        self.script.clock.sleeps.lock().unwrap().clone()
    }

    fn advance(&self, time: Duration) {
        *self.script.clock.now.lock().unwrap() += time;
    }
}

fn call(method: Method) -> Request {
    let body = matches!(method, Method::Post | Method::Put | Method::Patch).then(|| json!({ "active": false }));
    Request { method, url: Url::parse("https://scim.example/v2/Users/1?q=secret-value").unwrap(), body, if_match: None }
}

fn basic() -> Authentication {
    Authentication::Basic { user: "admin".into(), password: Secret::new("pä:ss") }
}

fn bearer(token: &str) -> Authentication {
    Authentication::Bearer { token: Secret::new(token) }
}

fn client_credentials() -> Authentication {
    Authentication::ClientCredentials {
        endpoint: Url::parse("https://login.example/token?tenant=a").unwrap(),
        client_id: "id &:1".into(),
        client_secret: Secret::new("hush+/%"),
        scopes: vec!["scim.read".into(), "scim.write".into()],
    }
}

const ALL: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
const WRITES: [Method; 4] = [Method::Post, Method::Put, Method::Patch, Method::Delete];

// What is sent

#[test]
fn a_scim_2_request_carries_its_media_types_its_body_and_its_precondition() {
    let bench = Bench::new([]);
    let mut call = call(Method::Put);
    call.if_match = Some("W/\"3\"".into());
    bench.client.send(&call, DEADLINE).unwrap();
    let sent = &bench.sent()[0];
    assert_eq!(sent.method, Method::Put);
    assert_eq!(sent.url, call.url.as_str());
    assert!(sent.header("accept").unwrap().starts_with("application/scim+json, application/json;q="));
    assert_eq!(sent.header("content-type"), Some("application/scim+json"));
    assert_eq!(sent.header("if-match"), Some("W/\"3\""));
    assert_eq!(sent.header("user-agent"), Some(concat!("pfscim/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(sent.header("authorization"), None);
    assert_eq!(sent.body.as_deref(), Some("{\"active\":false}"));
    assert_eq!(sent.timeout, Duration::from_secs(30));
}

#[test]
fn a_scim_1_request_speaks_plain_json() {
    let bench = Bench::with([], Duration::ZERO, |settings, _| settings.version = Version::V1_1);
    bench.send(Method::Post).unwrap();
    let sent = &bench.sent()[0];
    assert_eq!(sent.header("accept"), Some("application/json"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
}

#[test]
fn a_request_without_body_names_no_content_type() {
    let bench = Bench::new([]);
    bench.send(Method::Delete).unwrap();
    assert_eq!(bench.sent()[0].header("content-type"), None);
    assert_eq!(bench.sent()[0].body, None);
}

#[test]
fn each_static_method_has_its_header() {
    let bench = Bench::authenticated(basic(), []);
    bench.send(Method::Get).unwrap();
    assert_eq!(bench.sent()[0].header("authorization"), Some("Basic YWRtaW46cMOkOnNz"));

    let bench = Bench::authenticated(bearer("abc"), []);
    bench.send(Method::Get).unwrap();
    assert_eq!(bench.sent()[0].header("authorization"), Some("Bearer abc"));

    let bench = Bench::with([], Duration::ZERO, |settings, _| {
        settings.authentication = bearer("abc");
        settings.authorization_type = Some("oauth2".into());
    });
    bench.send(Method::Get).unwrap();
    assert_eq!(bench.sent()[0].header("authorization"), Some("oauth2 abc"));
}

#[test]
fn credentials_that_cannot_stand_in_a_header_are_a_config_failure_without_showing_them() {
    let clock: Arc<dyn Clock> = Arc::new(FakeClock::default());
    let colon = Authentication::Basic { user: "a:b".into(), password: Secret::new("hush") };
    for (authentication, word, label) in [
        (bearer("hush\n"), None, "Access Token"),
        (bearer("hüsh"), None, "Access Token"),
        (bearer("hush"), Some("Be\narer"), "Authorization Header Type"),
        (colon, None, "Basic Authentication Username"),
    ] {
        let mut settings = settings(TARGET);
        settings.authentication = authentication;
        settings.authorization_type = word.map(str::to_owned);
        let script = Box::new(Scripted(Arc::new(Script::default())));
        let failure = Client::with_transport(&settings, &environment(Arc::clone(&clock)), script).unwrap_err();
        assert_eq!(failure.code(), "config");
        assert!(failure.to_string().contains(label) && !failure.to_string().contains("hush"), "{failure}");
    }
}

#[test]
fn another_origin_gets_nothing() {
    let bench = Bench::authenticated(bearer("abc"), []);
    for url in [
        "http://scim.example/v2/Users",
        "https://scim.example:8443/v2/Users",
        "https://other.example/v2/Users?filter=jane",
        "https://scim.example.evil.example/v2/Users",
        "https://user@scim.example/v2/Users",
        "data:text/plain,x",
    ] {
        let mut call = call(Method::Get);
        call.url = Url::parse(url).unwrap();
        let unanswered = bench.client.send(&call, DEADLINE).unwrap_err();
        assert_eq!(unanswered.failure.code(), "protocol", "{url}");
        assert!(!unanswered.failure.to_string().contains("jane"));
        assert!(!unanswered.maybe_applied);
    }
    assert_eq!(bench.count(), 0);

    let mut call = call(Method::Get);
    call.url = Url::parse("https://SCIM.example:443/elsewhere").unwrap();
    assert!(bench.client.send(&call, DEADLINE).is_ok(), "the default port written out is the same origin");
}

#[test]
fn a_dry_run_reads_and_fetches_tokens_but_writes_nothing() {
    let bench = Bench::with([token("t", 3600)], Duration::ZERO, |settings, environment| {
        settings.authentication = client_credentials();
        environment.dry_run = true;
    });
    for method in WRITES {
        assert_eq!(bench.send(method).unwrap_err().failure.code(), "protocol");
    }
    assert_eq!(bench.count(), 0);
    bench.send(Method::Get).unwrap();
    assert_eq!(bench.count(), 2);
}

// What comes back

#[test]
fn an_answer_is_handed_over_whatever_its_status() {
    for status in [200, 201, 400, 403, 404, 409, 412, 501] {
        let bench = Bench::new([Ok(RawResponse {
            status,
            headers: vec![("etag".into(), "W/\"1\"".into()), ("location".into(), "/Users/1".into())],
            body: b"{\"id\":\"1\"}".to_vec(),
        })]);
        let answer = bench.send(Method::Post).unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.body, Some(Ok(json!({ "id": "1" }))));
        assert_eq!(answer.etag.as_deref(), Some("W/\"1\""));
        assert_eq!(answer.location.as_deref(), Some("/Users/1"));
        assert_eq!(bench.count(), 1);
    }
}

#[test]
fn a_redirect_is_never_an_answer_and_its_query_is_not_told() {
    for status in [301, 302, 303, 304, 307, 308] {
        let bench = Bench::new([reply_with(status, "location", "https://new.example/scim/Users?filter=jane\n")]);
        let unanswered = bench.send(Method::Post).unwrap_err();
        assert_eq!(unanswered.failure.code(), "protocol");
        let text = unanswered.failure.to_string();
        assert!(text.contains(&status.to_string()) && text.contains("SCIM URL"), "{text}");
        assert!(text.contains("https://new.example/scim/Users") && !text.contains("jane"), "{text}");
        assert!(!unanswered.maybe_applied);
        assert_eq!(bench.count(), 1);
    }
}

#[test]
fn an_answer_beyond_the_limit_is_refused() {
    let large = || Ok(RawResponse { status: 200, headers: Vec::new(), body: vec![b' '; RESPONSE_BYTES_MAX + 1] });
    let bench = Bench::new([large(), large()]);
    let read = bench.send(Method::Get).unwrap_err();
    assert_eq!((read.failure.code(), read.maybe_applied), ("protocol", false));
    assert!(bench.send(Method::Post).unwrap_err().maybe_applied);
    assert_eq!(bench.count(), 2);
    let whole =
        Bench::new([Ok(RawResponse { status: 200, headers: Vec::new(), body: vec![b' '; RESPONSE_BYTES_MAX] })]);
    assert!(whole.send(Method::Get).is_ok());
}

#[test]
fn a_proxy_that_wants_credentials_is_a_config_failure() {
    let bench = Bench::new([reply(407, "")]);
    let failure = bench.send(Method::Get).unwrap_err().failure;
    assert_eq!(failure.code(), "config");
    assert!(failure.to_string().contains("proxy"));
}

// Sending again

#[test]
fn what_never_reached_the_target_is_sent_again_whatever_the_verb() {
    for method in ALL {
        let bench = Bench::new([broken(false), broken(false), reply(200, "{}")]);
        assert!(bench.send(method).is_ok(), "{method:?}");
        assert_eq!(bench.count(), 3);
        let bodies: Vec<_> = bench.sent().into_iter().map(|sent| sent.body).collect();
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "the same body every time");
    }
}

#[test]
fn what_stays_unreachable_is_a_transport_failure_after_four_attempts() {
    for method in ALL {
        let bench = Bench::new((0..9).map(|_| broken(false)));
        let unanswered = bench.send(method).unwrap_err();
        assert_eq!(unanswered.failure, Failure::transport("https://scim.example: reset"));
        assert!(!unanswered.maybe_applied);
        assert_eq!(bench.count(), 4);
    }
}

#[test]
fn a_lasting_break_is_not_tried_again() {
    let bench =
        Bench::new([Err(TransportError { message: "certificate".into(), maybe_applied: false, permanent: true })]);
    assert_eq!(bench.send(Method::Get).unwrap_err().failure.code(), "transport");
    assert_eq!(bench.count(), 1);
}

#[test]
fn a_lost_answer_is_asked_for_again_only_where_that_does_no_harm() {
    for method in [Method::Get, Method::Put, Method::Delete] {
        let bench = Bench::new([broken(true), reply(200, "{}")]);
        assert!(bench.send(method).is_ok(), "{method:?}");
        assert_eq!(bench.count(), 2);
    }
    for method in [Method::Post, Method::Patch] {
        let bench = Bench::new([broken(true)]);
        let unanswered = bench.send(method).unwrap_err();
        assert_eq!((unanswered.failure.code(), unanswered.maybe_applied), ("transport", true), "{method:?}");
        assert_eq!(bench.count(), 1);
    }
}

#[test]
fn a_write_that_may_have_been_done_once_stays_so() {
    let bench = Bench::new([broken(true), broken(false), broken(false), broken(false)]);
    assert!(bench.send(Method::Put).unwrap_err().maybe_applied);
    let bench = Bench::new([reply(500, ""), broken(false), broken(false), broken(false)]);
    assert!(bench.send(Method::Delete).unwrap_err().maybe_applied);
    let endings = [token("t1", 60), broken(true), reply(401, ""), reply(400, "{\"error\":\"invalid_scope\"}")];
    let bench = Bench::authenticated(client_credentials(), endings);
    let unanswered = bench.send(Method::Put).unwrap_err();
    assert_eq!((unanswered.failure.code(), unanswered.maybe_applied), ("auth_failed", true));
    let bench = Bench::new((0..4).map(|_| broken(true)));
    assert!(!bench.send(Method::Get).unwrap_err().maybe_applied, "reading changes nothing");
}

#[test]
fn a_server_error_that_stays_is_handed_over() {
    for status in [500, 502, 503, 504] {
        for method in [Method::Get, Method::Put, Method::Delete] {
            let bench = Bench::new((0..9).map(|_| reply(status, "{\"detail\":\"down\"}")));
            let answer = bench.send(method).unwrap();
            assert_eq!((answer.status, answer.problem().as_str()), (status, "down"));
            assert_eq!(bench.count(), 4);
        }
    }
}

#[test]
fn a_post_or_patch_is_repeated_after_a_refusal_only() {
    for method in [Method::Post, Method::Patch] {
        for status in [429, 503] {
            let bench = Bench::new([reply(status, ""), reply(201, "{}")]);
            assert_eq!(bench.send(method).unwrap().status, 201);
            assert_eq!(bench.count(), 2);
        }
        let bench = Bench::new([reply(500, "")]);
        assert_eq!(bench.send(method).unwrap().status, 500);
        assert_eq!(bench.count(), 1);
        for status in [502, 504] {
            let bench = Bench::new([reply(status, "")]);
            let unanswered = bench.send(method).unwrap_err();
            assert_eq!((unanswered.failure.code(), unanswered.maybe_applied), ("transport", true));
            assert_eq!(bench.count(), 1);
        }
    }
}

#[test]
fn waits_between_attempts_go_through_the_clock_and_grow() {
    let bench = Bench::new((0..4).map(|_| broken(false)));
    bench.send(Method::Get).unwrap_err();
    let sleeps = bench.sleeps();
    assert_eq!(sleeps.len(), 3);
    for (sleep, whole) in sleeps.iter().zip([500, 1000, 2000].map(Duration::from_millis)) {
        assert!(*sleep >= whole / 2 && *sleep <= whole, "{sleep:?}");
    }
}

#[test]
fn the_wait_that_the_target_asks_for_is_kept() {
    for status in [429, 503] {
        let bench = Bench::new([reply_with(status, "retry-after", "17"), reply(200, "{}")]);
        bench.send(Method::Post).unwrap();
        assert_eq!(bench.sleeps(), [Duration::from_secs(17)]);
    }
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(1_700_000_021));
    let bench = Bench::new([reply_with(429, "retry-after", &date), reply(200, "{}")]);
    bench.send(Method::Get).unwrap();
    assert_eq!(bench.sleeps(), [Duration::from_secs(21)]);
}

#[test]
fn a_wait_beyond_the_deadline_is_rate_limited_at_once_and_says_how_long() {
    for (method, seconds) in [(Method::Get, "51"), (Method::Post, "46"), (Method::Put, "18446744073709551615")] {
        let bench = Bench::new([reply_with(429, "retry-after", seconds)]);
        let unanswered = bench.send(method).unwrap_err();
        assert_eq!((unanswered.failure.code(), unanswered.maybe_applied), ("rate_limited", false));
        assert!(unanswered.failure.to_string().contains(seconds), "{}", unanswered.failure);
        assert!(unanswered.failure.stops_session());
        assert_eq!((bench.count(), bench.sleeps().len()), (1, 0));
    }
}

#[test]
fn throttling_without_end_is_rate_limited_and_bounded() {
    let bench = Bench::new((0..99).map(|_| reply(429, "")));
    assert_eq!(bench.send(Method::Get).unwrap_err().failure.code(), "rate_limited");
    assert!((5..=20).contains(&bench.count()), "{}", bench.count());
    assert!(bench.script.clock.monotonic() < DEADLINE.0);
}

// The deadline

#[test]
fn a_request_gets_what_is_left_of_the_time_or_less() {
    let bench = Bench::new([]);
    bench.advance(Duration::from_secs(38));
    bench.send(Method::Post).unwrap();
    assert_eq!(bench.sent()[0].timeout, Duration::from_secs(12));
}

#[test]
fn no_write_starts_with_less_than_five_seconds_left() {
    for method in WRITES {
        let bench = Bench::new([]);
        bench.advance(Duration::from_millis(45_001));
        let unanswered = bench.send(method).unwrap_err();
        assert_eq!((unanswered.failure.code(), unanswered.maybe_applied), ("transport", false));
        assert!(unanswered.failure.to_string().contains("not started"));
        assert_eq!(bench.count(), 0);
    }
    let bench = Bench::new([]);
    bench.advance(Duration::from_secs(49));
    bench.send(Method::Get).unwrap();
    assert_eq!(bench.sent()[0].timeout, Duration::from_secs(1));
    bench.advance(Duration::from_secs(1));
    assert_eq!(bench.send(Method::Get).unwrap_err().failure.code(), "transport");
    assert_eq!(bench.count(), 1);
}

#[test]
fn attempts_end_with_the_deadline() {
    let slow = Bench::with((0..9).map(|_| broken(true)), Duration::from_secs(30), |_, _| {});
    assert!(slow.send(Method::Put).unwrap_err().maybe_applied);
    assert_eq!(slow.count(), 2, "after 60 s nothing more is sent");
    let slow = Bench::with((0..9).map(|_| reply(503, "")), Duration::from_secs(46), |_, _| {});
    assert_eq!(slow.send(Method::Post).unwrap().status, 503, "what the target said last is handed over");
    assert_eq!(slow.count(), 1);
}

#[test]
fn the_pace_is_kept_and_counts_against_the_deadline() {
    let bench = Bench::with([], Duration::ZERO, |settings, _| settings.max_requests_per_second = Some(2));
    for _ in 0..3 {
        bench.send(Method::Get).unwrap();
    }
    assert_eq!(bench.sleeps(), [Duration::from_millis(500); 2]);

    let bench = Bench::with([], Duration::ZERO, |settings, _| settings.max_requests_per_second = Some(1));
    bench.advance(Duration::from_millis(44_500));
    bench.send(Method::Put).unwrap();
    let unanswered = bench.send(Method::Put).unwrap_err();
    assert_eq!(unanswered.failure.code(), "transport");
    assert!(unanswered.failure.to_string().contains("Maximum Requests Per Second"), "{}", unanswered.failure);
    assert_eq!(bench.count(), 1);
    assert!(bench.send(Method::Get).is_ok(), "a read still has room");
}

// Authentication

#[test]
fn a_401_names_the_setting_to_check_and_is_not_repeated() {
    for (authentication, label) in [
        (Authentication::None, "Authentication Methods"),
        (basic(), "Basic Authentication Password"),
        (bearer("hush"), "Access Token"),
    ] {
        let bench = Bench::authenticated(authentication, [reply(401, "{\"detail\":\"hush is wrong\"}")]);
        let unanswered = bench.send(Method::Post).unwrap_err();
        assert_eq!((unanswered.failure.code(), unanswered.maybe_applied), ("auth_failed", false));
        let text = unanswered.failure.to_string();
        assert!(text.contains(label) && text.contains("https://scim.example") && !text.contains("hush"), "{text}");
        assert_eq!(bench.count(), 1);
    }
}

#[test]
fn a_token_is_asked_for_once_and_used_for_all() {
    let bench = Bench::authenticated(client_credentials(), [token("t1", 3600)]);
    for method in ALL {
        bench.send(method).unwrap();
    }
    let sent = bench.sent();
    assert_eq!(sent.len(), 6);
    let asked = &sent[0];
    assert_eq!((asked.method, asked.url.as_str()), (Method::Post, "https://login.example/token?tenant=a"));
    assert_eq!(asked.body.as_deref(), Some("grant_type=client_credentials&scope=scim.read+scim.write"));
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    // The form-encoded id and secret, in base64 (RFC 6749 section 2.3.1).
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode("id+%26%3A1:hush%2B%2F%25");
    assert_eq!(asked.header("authorization"), Some(format!("Basic {pair}").as_str()));
    assert!(sent[1..].iter().all(|sent| sent.header("authorization") == Some("Bearer t1")));
    assert!(sent.iter().all(|sent| !sent.url.contains("hush")));
}

#[test]
fn an_endpoint_that_wants_the_secret_in_the_body_is_found_out_once() {
    let refused = || reply(401, "{\"error\":\"invalid_client\"}");
    let bench = Bench::authenticated(client_credentials(), [refused(), token("t1", 10)]);
    bench.send(Method::Get).unwrap();
    let sent = bench.sent();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[1].header("authorization"), None);
    assert!(sent[1].body.as_deref().unwrap().ends_with("&client_id=id+%26%3A1&client_secret=hush%2B%2F%25"));

    bench.advance(Duration::from_secs(20));
    bench.script.endings.lock().unwrap().push_back(token("t2", 10));
    bench.send(Method::Get).unwrap();
    let sent = bench.sent();
    assert_eq!(sent.len(), 5, "the second token costs one request");
    assert!(sent[3].body.as_deref().unwrap().contains("client_secret="));
    assert_eq!(sent[4].header("authorization"), Some("Bearer t2"));
}

#[test]
fn a_token_is_renewed_shortly_before_it_expires() {
    for (life, good) in [(3600, 3540), (100, 90)] {
        let bench = Bench::authenticated(client_credentials(), [token("t1", life), reply(200, "{}")]);
        let late = Deadline(Duration::from_secs(10_000));
        bench.client.send(&call(Method::Get), late).unwrap();
        bench.advance(Duration::from_secs(good - 1));
        bench.client.send(&call(Method::Get), late).unwrap();
        assert_eq!(bench.count(), 3);
        bench.script.endings.lock().unwrap().push_back(token("t2", life));
        bench.advance(Duration::from_secs(1));
        bench.client.send(&call(Method::Get), late).unwrap();
        assert_eq!(bench.sent().last().unwrap().header("authorization"), Some("Bearer t2"));
        assert_eq!(bench.count(), 5);
    }
}

#[test]
fn an_unusable_lifetime_is_no_obstacle() {
    for life in ["null", "-1", "0", "\"soon\"", "\"3600\"", "3600.5", "1e300", "[]", "true"] {
        let body = format!("{{\"access_token\":\"t1\",\"expires_in\":{life}}}");
        let bench = Bench::authenticated(client_credentials(), [reply(200, &body)]);
        bench.send(Method::Get).unwrap();
        bench.send(Method::Get).unwrap();
        assert_eq!(bench.count(), 3, "{life}");
    }
}

#[test]
fn a_token_that_is_refused_is_replaced_once() {
    let endings = [token("t1", 3600), reply(401, ""), token("t2", 3600), reply(201, "{}")];
    let bench = Bench::authenticated(client_credentials(), endings);
    assert_eq!(bench.send(Method::Post).unwrap().status, 201);
    let sent = bench.sent();
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[3].header("authorization"), Some("Bearer t2"));
    assert_eq!(sent[3].headers.iter().filter(|(name, _)| *name == "authorization").count(), 1);
    assert_eq!(sent[1].body, sent[3].body);

    let endings = [token("t1", 3600), reply(401, ""), token("t2", 3600), reply(401, "")];
    let bench = Bench::authenticated(client_credentials(), endings);
    let failure = bench.send(Method::Post).unwrap_err().failure;
    assert_eq!(failure.code(), "auth_failed");
    assert!(failure.to_string().contains("Scope"), "{failure}");
    assert_eq!(bench.count(), 4);
}

#[test]
fn an_endpoint_that_refuses_is_told_with_its_code_and_never_with_the_secret() {
    let html = "<html>hush+/%</html>";
    let cases = [
        (
            vec![reply(401, "{\"error\":\"invalid_client\"}"), reply(400, "{\"error\":\"invalid_request\"}")],
            "invalid_client",
            2,
        ),
        (vec![reply(401, ""), reply(401, "{\"error\":\"invalid_client\"}")], "invalid_client", 2),
        (vec![reply(400, "{\"error\":\"invalid_scope\",\"error_description\":\"hush+/%\"}")], "check Scope", 1),
        (vec![reply(400, "{\"error\":\"unsupported_grant_type\"}")], "unsupported_grant_type", 1),
        (vec![reply(400, "{\"error\":\"bad\\n\\u001b[31m hush+/%\"}")], "an error code of its own", 1),
        (vec![reply(404, html)], "answers 404", 1),
        (vec![reply(200, html)], "something else than a token", 1),
        (vec![reply(200, "")], "empty page", 1),
        (vec![reply(204, "")], "empty page", 1),
        (vec![reply(200, "{\"token_type\":\"Bearer\"}")], "without an access_token", 1),
        (vec![reply(200, "{\"access_token\":\"\"}")], "without an access_token", 1),
        (vec![reply(200, "{\"access_token\":\"a\\nb\"}")], "no header may hold", 1),
        (vec![reply(200, "{\"error\":\"invalid_scope\"}")], "check Scope", 1),
        (vec![reply_with(302, "location", "https://elsewhere.example/?hush+/%")], "redirects are not followed", 1),
    ];
    for (endings, part, requests) in cases {
        let bench = Bench::authenticated(client_credentials(), endings);
        let unanswered = bench.send(Method::Post).unwrap_err();
        let failure = unanswered.failure;
        assert_eq!((failure.code(), unanswered.maybe_applied), ("auth_failed", false), "{failure}");
        assert!(failure.to_string().contains("Token Request Endpoint"), "{failure}");
        assert!(failure.to_string().contains(part), "{part}: {failure}");
        assert!(!failure.to_string().contains("hush") && !failure.to_string().contains('\n'), "{failure}");
        assert_eq!(bench.count(), requests, "{failure}");
    }
}

#[test]
fn an_endpoint_that_is_away_is_asked_again_and_then_a_transport_failure() {
    let bench = Bench::authenticated(client_credentials(), [broken(true), reply(503, ""), token("t1", 60)]);
    bench.send(Method::Post).unwrap();
    assert_eq!(bench.count(), 4);
    for ending in [broken(true), reply(500, "")] {
        let bench = Bench::authenticated(client_credentials(), (0..9).map(|_| ending.clone()));
        let unanswered = bench.send(Method::Post).unwrap_err();
        assert_eq!((unanswered.failure.code(), unanswered.maybe_applied), ("transport", false));
        assert!(unanswered.failure.to_string().contains("Token Request Endpoint"));
        assert_eq!(bench.count(), 4);
    }
    let bench = Bench::authenticated(client_credentials(), [reply_with(429, "retry-after", "600")]);
    assert_eq!(bench.send(Method::Post).unwrap_err().failure.code(), "rate_limited");
}

/// Counts token requests and answers each with a new token.
struct Endpoint(Arc<AtomicUsize>);

impl Transport for Endpoint {
    fn send(&self, message: &RawRequest<'_>) -> Ending {
        if message.url.host_str() != Some("login.example") {
            return reply(200, "{}");
        }
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        // The other threads get the time to ask as well.
        (0..1000).for_each(|_| std::thread::yield_now());
        token(&format!("t{number}"), 3600)
    }
}

#[test]
fn many_threads_ask_for_one_token() {
    const THREADS: usize = 8;
    let fetches = Arc::new(AtomicUsize::new(0));
    let mut settings = settings(TARGET);
    settings.authentication = client_credentials();
    let environment = environment(Arc::new(FakeClock::default()));
    let client = Client::with_transport(&settings, &environment, Box::new(Endpoint(Arc::clone(&fetches)))).unwrap();
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                client.send(&call(Method::Get), DEADLINE).unwrap();
            });
        }
    });
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

// What is shown

#[test]
fn neither_the_client_nor_its_failures_show_secrets_or_queries() {
    for ending in
        [broken(true), reply(401, "hush"), reply(302, ""), reply(504, "hush"), reply_with(429, "retry-after", "999")]
    {
        let bench = Bench::authenticated(bearer("hush"), (0..9).map(|_| ending.clone()));
        let shown = format!("{:?} {:?}", bench.client, bench.send(Method::Post).unwrap_err());
        assert!(!shown.contains("hush") && !shown.contains("secret-value"), "{shown}");
    }
}
