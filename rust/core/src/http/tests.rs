//! Tests the client with a transport in memory and a clock that moves only during a wait or a request.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use url::Url;

use super::*;
use crate::Failure;
use crate::environment::testing::environment;
use crate::environment::{Clock, Environment, Random, SystemClock};
use crate::scim::{Identifier, Version};
use crate::settings::{Authentication, GroupNameSource, RemoveAction, Secret, Settings, UpdateMethod};

/// Moves during a wait, and by the duration of a request.
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

/// A request that was sent.
#[derive(Debug, Clone)]
struct SentRequest {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    timeout: Duration,
}

impl SentRequest {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }
}

type TransportResult = Result<RawResponse, TransportError>;

/// Returns these results in order, then 200 with an empty object.
#[derive(Default)]
struct Script {
    results: Mutex<VecDeque<TransportResult>>,
    sent: Mutex<Vec<SentRequest>>,
    duration: Duration,
    clock: Arc<FakeClock>,
}

struct Scripted(Arc<Script>);

impl Transport for Scripted {
    fn send(&self, request: &RawRequest<'_>) -> TransportResult {
        self.0.sent.lock().unwrap().push(SentRequest {
            method: request.method,
            url: request.url.to_string(),
            headers: request.headers.to_vec(),
            body: request.body.map(|body| String::from_utf8(body.to_vec()).unwrap()),
            timeout: request.timeout,
        });
        *self.0.clock.now.lock().unwrap() += self.0.duration;
        self.0.results.lock().unwrap().pop_front().unwrap_or_else(|| raw_response(200, "{}"))
    }
}

fn raw_response(status: u16, body: &str) -> TransportResult {
    Ok(RawResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
}

fn raw_response_with(status: u16, name: &str, value: &str) -> TransportResult {
    Ok(RawResponse { status, headers: vec![(name.to_owned(), value.to_owned())], body: Vec::new() })
}

fn transport_error(maybe_applied: bool) -> TransportResult {
    Err(TransportError { message: "reset".into(), maybe_applied, permanent: false })
}

fn token_response(value: &str, expires_in: u32) -> TransportResult {
    raw_response(200, &json!({ "access_token": value, "token_type": "Bearer", "expires_in": expires_in }).to_string())
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

const TARGET: &str = "https://scim.example/v2";
const DEADLINE: Deadline = Deadline(Duration::from_secs(50));

/// A client with a scripted transport.
struct Fixture {
    client: Client,
    script: Arc<Script>,
}

impl Fixture {
    fn with(
        results: impl IntoIterator<Item = TransportResult>,
        duration: Duration,
        change: impl FnOnce(&mut Settings, &mut Environment),
    ) -> Self {
        let clock = Arc::new(FakeClock::default());
        let script = Arc::new(Script {
            results: Mutex::new(results.into_iter().collect()),
            duration,
            clock: Arc::clone(&clock),
            ..Script::default()
        });
        let mut settings = settings(TARGET);
        let mut environment = environment(clock);
        change(&mut settings, &mut environment);
        let client = Client::with_transport(&settings, &environment, Box::new(Scripted(Arc::clone(&script)))).unwrap();
        Self { client, script }
    }

    fn new(results: impl IntoIterator<Item = TransportResult>) -> Self {
        Self::with(results, Duration::ZERO, |_, _| {})
    }

    fn authenticated(authentication: Authentication, results: impl IntoIterator<Item = TransportResult>) -> Self {
        Self::with(results, Duration::ZERO, |settings, _| settings.authentication = authentication)
    }

    fn send(&self, method: Method) -> Result<Response, RequestError> {
        self.client.send(&request(method), DEADLINE)
    }

    fn sent(&self) -> Vec<SentRequest> {
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

fn request(method: Method) -> Request {
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

const METHODS: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
const WRITE_METHODS: [Method; 4] = [Method::Post, Method::Put, Method::Patch, Method::Delete];

// Requests

#[test]
fn a_scim_2_request_has_media_types_body_and_precondition() {
    let fixture = Fixture::new([]);
    let mut request = request(Method::Put);
    request.if_match = Some("W/\"3\"".into());
    fixture.client.send(&request, DEADLINE).unwrap();
    let sent = &fixture.sent()[0];
    assert_eq!(sent.method, Method::Put);
    assert_eq!(sent.url, request.url.as_str());
    assert!(sent.header("accept").unwrap().starts_with("application/scim+json, application/json;q="));
    assert_eq!(sent.header("content-type"), Some("application/scim+json"));
    assert_eq!(sent.header("if-match"), Some("W/\"3\""));
    assert_eq!(sent.header("user-agent"), Some(concat!("pfscim/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(sent.header("authorization"), None);
    assert_eq!(sent.body.as_deref(), Some("{\"active\":false}"));
    assert_eq!(sent.timeout, Duration::from_secs(30));
}

#[test]
fn a_scim_1_request_uses_plain_json() {
    let fixture = Fixture::with([], Duration::ZERO, |settings, _| settings.version = Version::V1_1);
    fixture.send(Method::Post).unwrap();
    let sent = &fixture.sent()[0];
    assert_eq!(sent.header("accept"), Some("application/json"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
}

#[test]
fn a_request_without_body_has_no_content_type() {
    let fixture = Fixture::new([]);
    fixture.send(Method::Delete).unwrap();
    assert_eq!(fixture.sent()[0].header("content-type"), None);
    assert_eq!(fixture.sent()[0].body, None);
}

#[test]
fn each_fixed_authentication_method_has_its_header() {
    let fixture = Fixture::authenticated(basic(), []);
    fixture.send(Method::Get).unwrap();
    assert_eq!(fixture.sent()[0].header("authorization"), Some("Basic YWRtaW46cMOkOnNz"));

    let fixture = Fixture::authenticated(bearer("abc"), []);
    fixture.send(Method::Get).unwrap();
    assert_eq!(fixture.sent()[0].header("authorization"), Some("Bearer abc"));

    let fixture = Fixture::with([], Duration::ZERO, |settings, _| {
        settings.authentication = bearer("abc");
        settings.authorization_type = Some("oauth2".into());
    });
    fixture.send(Method::Get).unwrap();
    assert_eq!(fixture.sent()[0].header("authorization"), Some("oauth2 abc"));
}

#[test]
fn credentials_that_do_not_fit_a_header_are_a_config_failure_that_does_not_repeat_them() {
    let clock: Arc<dyn Clock> = Arc::new(FakeClock::default());
    let colon = Authentication::Basic { user: "a:b".into(), password: Secret::new("hush") };
    for (authentication, scheme, label) in [
        (bearer("hush\n"), None, "Access Token"),
        (bearer("hüsh"), None, "Access Token"),
        (bearer("hush"), Some("Be\narer"), "Authorization Header Type"),
        (colon, None, "Basic Authentication Username"),
    ] {
        let mut settings = settings(TARGET);
        settings.authentication = authentication;
        settings.authorization_type = scheme.map(str::to_owned);
        let script = Box::new(Scripted(Arc::new(Script::default())));
        let failure = Client::with_transport(&settings, &environment(Arc::clone(&clock)), script).unwrap_err();
        assert_eq!(failure.code(), "config");
        assert!(failure.to_string().contains(label) && !failure.to_string().contains("hush"), "{failure}");
    }
}

#[test]
fn a_request_to_another_origin_is_not_sent() {
    let fixture = Fixture::authenticated(bearer("abc"), []);
    for url in [
        "http://scim.example/v2/Users",
        "https://scim.example:8443/v2/Users",
        "https://other.example/v2/Users?filter=jane",
        "https://scim.example.evil.example/v2/Users",
        "https://user@scim.example/v2/Users",
        "data:text/plain,x",
    ] {
        let mut request = request(Method::Get);
        request.url = Url::parse(url).unwrap();
        let error = fixture.client.send(&request, DEADLINE).unwrap_err();
        assert_eq!(error.failure.code(), "protocol", "{url}");
        assert!(!error.failure.to_string().contains("jane"));
        assert!(!error.maybe_applied);
    }
    assert_eq!(fixture.count(), 0);

    let mut request = request(Method::Get);
    request.url = Url::parse("https://SCIM.example:443/elsewhere").unwrap();
    assert!(fixture.client.send(&request, DEADLINE).is_ok(), "the default port written out is the same origin");
}

#[test]
fn a_dry_run_reads_and_fetches_tokens_but_writes_nothing() {
    let fixture = Fixture::with([token_response("t", 3600)], Duration::ZERO, |settings, environment| {
        settings.authentication = client_credentials();
        environment.dry_run = true;
    });
    for method in WRITE_METHODS {
        assert_eq!(fixture.send(method).unwrap_err().failure.code(), "protocol");
    }
    assert_eq!(fixture.count(), 0);
    fixture.send(Method::Get).unwrap();
    assert_eq!(fixture.count(), 2);
}

// Responses

#[test]
fn a_status_that_the_client_does_not_handle_is_returned() {
    for status in [200, 201, 400, 403, 404, 409, 412, 501] {
        let fixture = Fixture::new([Ok(RawResponse {
            status,
            headers: vec![("etag".into(), "W/\"1\"".into()), ("location".into(), "/Users/1".into())],
            body: b"{\"id\":\"1\"}".to_vec(),
        })]);
        let response = fixture.send(Method::Post).unwrap();
        assert_eq!(response.status, status);
        assert_eq!(response.body, Some(Ok(json!({ "id": "1" }))));
        assert_eq!(response.etag.as_deref(), Some("W/\"1\""));
        assert_eq!(response.location.as_deref(), Some("/Users/1"));
        assert_eq!(fixture.count(), 1);
    }
}

#[test]
fn a_redirect_is_a_failure_that_does_not_repeat_the_query() {
    for status in [301, 302, 303, 304, 307, 308] {
        let fixture =
            Fixture::new([raw_response_with(status, "location", "https://new.example/scim/Users?filter=jane\n")]);
        let error = fixture.send(Method::Post).unwrap_err();
        assert_eq!(error.failure.code(), "protocol");
        let text = error.failure.to_string();
        assert!(text.contains(&status.to_string()) && text.contains("; correct SCIM URL"), "{text}");
        assert!(text.contains("https://new.example/scim/Users") && !text.contains("jane"), "{text}");
        assert!(!error.maybe_applied);
        assert_eq!(fixture.count(), 1);
    }
}

#[test]
fn a_response_above_the_limit_is_a_failure() {
    let large = || Ok(RawResponse { status: 200, headers: Vec::new(), body: vec![b' '; RESPONSE_BYTES_MAX + 1] });
    let fixture = Fixture::new([large(), large()]);
    let read = fixture.send(Method::Get).unwrap_err();
    assert_eq!((read.failure.code(), read.maybe_applied), ("protocol", false));
    assert!(fixture.send(Method::Post).unwrap_err().maybe_applied);
    assert_eq!(fixture.count(), 2);
    let whole =
        Fixture::new([Ok(RawResponse { status: 200, headers: Vec::new(), body: vec![b' '; RESPONSE_BYTES_MAX] })]);
    assert!(whole.send(Method::Get).is_ok());
}

#[test]
fn a_407_of_a_proxy_is_a_config_failure() {
    let fixture = Fixture::new([raw_response(407, "")]);
    let failure = fixture.send(Method::Get).unwrap_err().failure;
    assert_eq!(failure.code(), "config");
    assert!(failure.message().text().contains("proxy"), "{failure}");
}

// Retries

#[test]
fn a_request_that_did_not_reach_the_target_is_retried_for_every_method() {
    for method in METHODS {
        let fixture = Fixture::new([transport_error(false), transport_error(false), raw_response(200, "{}")]);
        assert!(fixture.send(method).is_ok(), "{method:?}");
        assert_eq!(fixture.count(), 3);
        let bodies: Vec<_> = fixture.sent().into_iter().map(|sent| sent.body).collect();
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "the same body every time");
    }
}

#[test]
fn an_unreachable_target_is_a_transport_failure_after_four_attempts() {
    for method in METHODS {
        let fixture = Fixture::new((0..9).map(|_| transport_error(false)));
        let error = fixture.send(method).unwrap_err();
        assert_eq!(error.failure, Failure::transport("https://scim.example: reset"));
        assert!(!error.maybe_applied);
        assert_eq!(fixture.count(), 4);
    }
}

#[test]
fn a_permanent_error_is_not_retried() {
    let fixture =
        Fixture::new([Err(TransportError { message: "certificate".into(), maybe_applied: false, permanent: true })]);
    assert_eq!(fixture.send(Method::Get).unwrap_err().failure.code(), "transport");
    assert_eq!(fixture.count(), 1);
}

#[test]
fn a_request_that_may_have_been_applied_is_retried_only_if_idempotent() {
    for method in [Method::Get, Method::Put, Method::Delete] {
        let fixture = Fixture::new([transport_error(true), raw_response(200, "{}")]);
        assert!(fixture.send(method).is_ok(), "{method:?}");
        assert_eq!(fixture.count(), 2);
    }
    for method in [Method::Post, Method::Patch] {
        let fixture = Fixture::new([transport_error(true)]);
        let error = fixture.send(method).unwrap_err();
        assert_eq!((error.failure.code(), error.maybe_applied), ("transport", true), "{method:?}");
        assert_eq!(fixture.count(), 1);
    }
}

#[test]
fn an_error_after_a_write_that_may_have_been_applied_says_so() {
    let fixture =
        Fixture::new([transport_error(true), transport_error(false), transport_error(false), transport_error(false)]);
    assert!(fixture.send(Method::Put).unwrap_err().maybe_applied);
    let fixture =
        Fixture::new([raw_response(500, ""), transport_error(false), transport_error(false), transport_error(false)]);
    assert!(fixture.send(Method::Delete).unwrap_err().maybe_applied);
    let results = [
        token_response("t1", 60),
        transport_error(true),
        raw_response(401, ""),
        raw_response(400, "{\"error\":\"invalid_scope\"}"),
    ];
    let fixture = Fixture::authenticated(client_credentials(), results);
    let error = fixture.send(Method::Put).unwrap_err();
    assert_eq!((error.failure.code(), error.maybe_applied), ("auth_failed", true));
    let fixture = Fixture::new((0..4).map(|_| transport_error(true)));
    assert!(!fixture.send(Method::Get).unwrap_err().maybe_applied, "reading changes nothing");
}

#[test]
fn a_server_error_is_returned_after_four_attempts() {
    for status in [500, 502, 503, 504] {
        for method in [Method::Get, Method::Put, Method::Delete] {
            let fixture = Fixture::new((0..9).map(|_| raw_response(status, "{\"detail\":\"down\"}")));
            let response = fixture.send(method).unwrap();
            assert_eq!((response.status, response.problem().as_str()), (status, "down"));
            assert_eq!(fixture.count(), 4);
        }
    }
}

#[test]
fn a_post_or_patch_is_repeated_only_after_429_or_503() {
    for method in [Method::Post, Method::Patch] {
        for status in [429, 503] {
            let fixture = Fixture::new([raw_response(status, ""), raw_response(201, "{}")]);
            assert_eq!(fixture.send(method).unwrap().status, 201);
            assert_eq!(fixture.count(), 2);
        }
        let fixture = Fixture::new([raw_response(500, "")]);
        assert_eq!(fixture.send(method).unwrap().status, 500);
        assert_eq!(fixture.count(), 1);
        for status in [502, 504] {
            let fixture = Fixture::new([raw_response(status, "")]);
            let error = fixture.send(method).unwrap_err();
            assert_eq!((error.failure.code(), error.maybe_applied), ("transport", true));
            assert_eq!(fixture.count(), 1);
        }
    }
}

#[test]
fn waits_between_attempts_use_the_clock_and_grow() {
    let fixture = Fixture::new((0..4).map(|_| transport_error(false)));
    fixture.send(Method::Get).unwrap_err();
    let sleeps = fixture.sleeps();
    assert_eq!(sleeps.len(), 3);
    for (sleep, full) in sleeps.iter().zip([500, 1000, 2000].map(Duration::from_millis)) {
        assert!(*sleep >= full / 2 && *sleep <= full, "{sleep:?}");
    }
}

#[test]
fn the_wait_between_attempts_depends_on_the_random_values_of_the_environment() {
    struct Fixed(Option<u8>);
    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            if let Some(byte) = self.0 {
                bytes.fill(byte);
            }
        }
    }
    for (byte, millis) in [(Some(0), 250), (Some(255), 500), (None, 500)] {
        let fixture = Fixture::with([transport_error(false)], Duration::ZERO, |_, environment| {
            environment.random = Arc::new(Fixed(byte));
        });
        fixture.send(Method::Get).unwrap();
        assert_eq!(fixture.sleeps(), [Duration::from_millis(millis)], "{byte:?}");
    }
}

#[test]
fn the_wait_that_the_target_requests_is_used() {
    for status in [429, 503] {
        let fixture = Fixture::new([raw_response_with(status, "retry-after", "17"), raw_response(200, "{}")]);
        fixture.send(Method::Post).unwrap();
        assert_eq!(fixture.sleeps(), [Duration::from_secs(17)]);
    }
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(1_700_000_021));
    let fixture = Fixture::new([raw_response_with(429, "retry-after", &date), raw_response(200, "{}")]);
    fixture.send(Method::Get).unwrap();
    assert_eq!(fixture.sleeps(), [Duration::from_secs(21)]);
}

#[test]
fn a_wait_beyond_the_deadline_is_rate_limited_at_once_and_says_how_long() {
    for (method, seconds) in [(Method::Get, "51"), (Method::Post, "46"), (Method::Put, "18446744073709551615")] {
        let fixture = Fixture::new([raw_response_with(429, "retry-after", seconds)]);
        let error = fixture.send(method).unwrap_err();
        assert_eq!((error.failure.code(), error.maybe_applied), ("rate_limited", false));
        assert!(error.failure.to_string().contains(seconds), "{}", error.failure);
        assert!(error.failure.stops_session());
        assert_eq!((fixture.count(), fixture.sleeps().len()), (1, 0));
    }
}

#[test]
fn repeated_429_is_rate_limited_after_a_bounded_number_of_attempts() {
    let fixture = Fixture::new((0..99).map(|_| raw_response(429, "")));
    assert_eq!(fixture.send(Method::Get).unwrap_err().failure.code(), "rate_limited");
    assert!((5..=20).contains(&fixture.count()), "{}", fixture.count());
    assert!(fixture.script.clock.monotonic() < DEADLINE.0);
}

// The deadline

#[test]
fn the_timeout_is_at_most_the_time_that_is_left() {
    let fixture = Fixture::new([]);
    fixture.advance(Duration::from_secs(38));
    fixture.send(Method::Post).unwrap();
    assert_eq!(fixture.sent()[0].timeout, Duration::from_secs(12));
}

#[test]
fn no_write_starts_with_less_than_five_seconds_left() {
    for method in WRITE_METHODS {
        let fixture = Fixture::new([]);
        fixture.advance(Duration::from_millis(45_001));
        let error = fixture.send(method).unwrap_err();
        assert_eq!((error.failure.code(), error.maybe_applied), ("transport", false));
        assert!(error.failure.to_string().contains("not sent"));
        assert_eq!(fixture.count(), 0);
    }
    let fixture = Fixture::new([]);
    fixture.advance(Duration::from_secs(49));
    fixture.send(Method::Get).unwrap();
    assert_eq!(fixture.sent()[0].timeout, Duration::from_secs(1));
    fixture.advance(Duration::from_secs(1));
    assert_eq!(fixture.send(Method::Get).unwrap_err().failure.code(), "transport");
    assert_eq!(fixture.count(), 1);
}

#[test]
fn attempts_end_with_the_deadline() {
    let slow = Fixture::with((0..9).map(|_| transport_error(true)), Duration::from_secs(30), |_, _| {});
    assert!(slow.send(Method::Put).unwrap_err().maybe_applied);
    assert_eq!(slow.count(), 2, "after 60 s nothing more is sent");
    let slow = Fixture::with((0..9).map(|_| raw_response(503, "")), Duration::from_secs(46), |_, _| {});
    assert_eq!(slow.send(Method::Post).unwrap().status, 503, "the last response is returned");
    assert_eq!(slow.count(), 1);
}

#[test]
fn waits_for_the_rate_limit_count_against_the_deadline() {
    let fixture = Fixture::with([], Duration::ZERO, |settings, _| settings.max_requests_per_second = Some(2));
    for _ in 0..3 {
        fixture.send(Method::Get).unwrap();
    }
    assert_eq!(fixture.sleeps(), [Duration::from_millis(500); 2]);

    let fixture = Fixture::with([], Duration::ZERO, |settings, _| settings.max_requests_per_second = Some(1));
    fixture.advance(Duration::from_millis(44_500));
    fixture.send(Method::Put).unwrap();
    let error = fixture.send(Method::Put).unwrap_err();
    assert_eq!(error.failure.code(), "transport");
    assert!(error.failure.to_string().contains("Maximum Requests Per Second"), "{}", error.failure);
    assert_eq!(fixture.count(), 1);
    assert!(fixture.send(Method::Get).is_ok(), "a read needs no reserve");
}

// Authentication

#[test]
fn a_401_names_the_setting_to_check_and_is_not_retried() {
    for (authentication, label) in [
        (Authentication::None, "Authentication Methods"),
        (basic(), "Basic Authentication Password"),
        (bearer("hush"), "Access Token"),
    ] {
        let fixture = Fixture::authenticated(authentication, [raw_response(401, "{\"detail\":\"hush is wrong\"}")]);
        let error = fixture.send(Method::Post).unwrap_err();
        assert_eq!((error.failure.code(), error.maybe_applied), ("auth_failed", false));
        let text = error.failure.to_string();
        assert!(text.contains(label) && text.contains("https://scim.example") && !text.contains("hush"), "{text}");
        assert_eq!(fixture.count(), 1);
    }
}

#[test]
fn a_token_is_fetched_once_and_used_for_all_requests() {
    let fixture = Fixture::authenticated(client_credentials(), [token_response("t1", 3600)]);
    for method in METHODS {
        fixture.send(method).unwrap();
    }
    let sent = fixture.sent();
    assert_eq!(sent.len(), 6);
    let token_request = &sent[0];
    assert_eq!(
        (token_request.method, token_request.url.as_str()),
        (Method::Post, "https://login.example/token?tenant=a")
    );
    assert_eq!(token_request.body.as_deref(), Some("grant_type=client_credentials&scope=scim.read+scim.write"));
    assert_eq!(token_request.header("content-type"), Some("application/x-www-form-urlencoded"));
    // The form-encoded id and secret, in base64 (RFC 6749 section 2.3.1).
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode("id+%26%3A1:hush%2B%2F%25");
    assert_eq!(token_request.header("authorization"), Some(format!("Basic {pair}").as_str()));
    assert!(sent[1..].iter().all(|sent| sent.header("authorization") == Some("Bearer t1")));
    assert!(sent.iter().all(|sent| !sent.url.contains("hush")));
}

#[test]
fn an_endpoint_that_needs_the_secret_in_the_body_is_detected_once() {
    let unrecognised = || raw_response(401, "{\"error\":\"invalid_client\"}");
    let fixture = Fixture::authenticated(client_credentials(), [unrecognised(), token_response("t1", 10)]);
    fixture.send(Method::Get).unwrap();
    let sent = fixture.sent();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[1].header("authorization"), None);
    assert!(sent[1].body.as_deref().unwrap().ends_with("&client_id=id+%26%3A1&client_secret=hush%2B%2F%25"));

    fixture.advance(Duration::from_secs(20));
    fixture.script.results.lock().unwrap().push_back(token_response("t2", 10));
    fixture.send(Method::Get).unwrap();
    let sent = fixture.sent();
    assert_eq!(sent.len(), 5, "the second token costs one request");
    assert!(sent[3].body.as_deref().unwrap().contains("client_secret="));
    assert_eq!(sent[4].header("authorization"), Some("Bearer t2"));
}

#[test]
fn a_token_is_renewed_shortly_before_it_expires() {
    for (lifetime, valid) in [(3600, 3540), (100, 90)] {
        let fixture =
            Fixture::authenticated(client_credentials(), [token_response("t1", lifetime), raw_response(200, "{}")]);
        let late = Deadline(Duration::from_secs(10_000));
        fixture.client.send(&request(Method::Get), late).unwrap();
        fixture.advance(Duration::from_secs(valid - 1));
        fixture.client.send(&request(Method::Get), late).unwrap();
        assert_eq!(fixture.count(), 3);
        fixture.script.results.lock().unwrap().push_back(token_response("t2", lifetime));
        fixture.advance(Duration::from_secs(1));
        fixture.client.send(&request(Method::Get), late).unwrap();
        assert_eq!(fixture.sent().last().unwrap().header("authorization"), Some("Bearer t2"));
        assert_eq!(fixture.count(), 5);
    }
}

#[test]
fn a_token_with_an_unusable_lifetime_is_used() {
    for lifetime in ["null", "-1", "0", "\"soon\"", "\"3600\"", "3600.5", "1e300", "[]", "true"] {
        let body = format!("{{\"access_token\":\"t1\",\"expires_in\":{lifetime}}}");
        let fixture = Fixture::authenticated(client_credentials(), [raw_response(200, &body)]);
        fixture.send(Method::Get).unwrap();
        fixture.send(Method::Get).unwrap();
        assert_eq!(fixture.count(), 3, "{lifetime}");
    }
}

#[test]
fn a_rejected_token_is_replaced_once() {
    let results =
        [token_response("t1", 3600), raw_response(401, ""), token_response("t2", 3600), raw_response(201, "{}")];
    let fixture = Fixture::authenticated(client_credentials(), results);
    assert_eq!(fixture.send(Method::Post).unwrap().status, 201);
    let sent = fixture.sent();
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[3].header("authorization"), Some("Bearer t2"));
    assert_eq!(sent[3].headers.iter().filter(|(name, _)| *name == "authorization").count(), 1);
    assert_eq!(sent[1].body, sent[3].body);

    let results =
        [token_response("t1", 3600), raw_response(401, ""), token_response("t2", 3600), raw_response(401, "")];
    let fixture = Fixture::authenticated(client_credentials(), results);
    let failure = fixture.send(Method::Post).unwrap_err().failure;
    assert_eq!(failure.code(), "auth_failed");
    assert!(failure.to_string().contains("Scope"), "{failure}");
    assert_eq!(fixture.count(), 4);
}

#[test]
fn an_error_of_the_token_endpoint_has_its_code_and_never_the_secret() {
    let html = "<html>hush+/%</html>";
    let cases = [
        (
            vec![
                raw_response(401, "{\"error\":\"invalid_client\"}"),
                raw_response(400, "{\"error\":\"invalid_request\"}"),
            ],
            "invalid_client",
            2,
        ),
        (vec![raw_response(401, ""), raw_response(401, "{\"error\":\"invalid_client\"}")], "invalid_client", 2),
        (vec![raw_response(400, "{\"error\":\"invalid_scope\",\"error_description\":\"hush+/%\"}")], "check Scope", 1),
        (vec![raw_response(400, "{\"error\":\"unsupported_grant_type\"}")], "unsupported_grant_type", 1),
        (vec![raw_response(400, "{\"error\":\"bad\\n\\u001b[31m hush+/%\"}")], "non-standard error code", 1),
        (vec![raw_response(404, html)], "returned 404", 1),
        (vec![raw_response(200, html)], "a body that is not JSON", 1),
        (vec![raw_response(200, "")], "an empty body", 1),
        (vec![raw_response(204, "")], "an empty body", 1),
        (vec![raw_response(200, "{\"token_type\":\"Bearer\"}")], "returned no access_token", 1),
        (vec![raw_response(200, "{\"access_token\":\"\"}")], "returned no access_token", 1),
        (vec![raw_response(200, "{\"access_token\":\"a\\nb\"}")], "characters that a header must not contain", 1),
        (vec![raw_response(200, "{\"error\":\"invalid_scope\"}")], "check Scope", 1),
        (
            vec![raw_response_with(302, "location", "https://elsewhere.example/?hush+/%")],
            "does not follow redirects",
            1,
        ),
    ];
    for (results, part, requests) in cases {
        let fixture = Fixture::authenticated(client_credentials(), results);
        let error = fixture.send(Method::Post).unwrap_err();
        let failure = error.failure;
        assert_eq!((failure.code(), error.maybe_applied), ("auth_failed", false), "{failure}");
        assert!(failure.to_string().contains("Token Request Endpoint"), "{failure}");
        assert!(failure.to_string().contains(part), "{part}: {failure}");
        assert!(!failure.to_string().contains("hush") && !failure.to_string().contains('\n'), "{failure}");
        assert_eq!(fixture.count(), requests, "{failure}");
    }
}

#[test]
fn an_unavailable_endpoint_is_retried_and_then_a_transport_failure() {
    let fixture = Fixture::authenticated(
        client_credentials(),
        [transport_error(true), raw_response(503, ""), token_response("t1", 60)],
    );
    fixture.send(Method::Post).unwrap();
    assert_eq!(fixture.count(), 4);
    for result in [transport_error(true), raw_response(500, "")] {
        let fixture = Fixture::authenticated(client_credentials(), (0..9).map(|_| result.clone()));
        let error = fixture.send(Method::Post).unwrap_err();
        assert_eq!((error.failure.code(), error.maybe_applied), ("transport", false));
        assert!(error.failure.to_string().contains("Token Request Endpoint"));
        assert_eq!(fixture.count(), 4);
    }
    let fixture = Fixture::authenticated(client_credentials(), [raw_response_with(429, "retry-after", "600")]);
    assert_eq!(fixture.send(Method::Post).unwrap_err().failure.code(), "rate_limited");
}

/// Counts token requests and returns a new token to each.
struct Endpoint(Arc<AtomicUsize>);

impl Transport for Endpoint {
    fn send(&self, request: &RawRequest<'_>) -> TransportResult {
        if request.url.host_str() != Some("login.example") {
            return raw_response(200, "{}");
        }
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        // The other threads get time to request a token too.
        (0..1000).for_each(|_| std::thread::yield_now());
        token_response(&format!("t{number}"), 3600)
    }
}

#[test]
fn many_threads_fetch_one_token() {
    const THREADS: usize = 8;
    let fetches = Arc::new(AtomicUsize::new(0));
    let mut settings = settings(TARGET);
    settings.authentication = client_credentials();
    // On a fake clock the waiting threads would reach the deadline before a slow thread has fetched the token.
    let environment = environment(Arc::new(SystemClock::default()));
    let client = Client::with_transport(&settings, &environment, Box::new(Endpoint(Arc::clone(&fetches)))).unwrap();
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                client.send(&request(Method::Get), DEADLINE).unwrap();
            });
        }
    });
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

// Secrets

#[test]
fn the_client_and_its_failures_contain_no_secret_and_no_query() {
    for result in [
        transport_error(true),
        raw_response(401, "hush"),
        raw_response(302, ""),
        raw_response(504, "hush"),
        raw_response_with(429, "retry-after", "999"),
    ] {
        let fixture = Fixture::authenticated(bearer("hush"), (0..9).map(|_| result.clone()));
        let shown = format!("{:?} {:?}", fixture.client, fixture.send(Method::Post).unwrap_err());
        assert!(!shown.contains("hush") && !shown.contains("secret-value"), "{shown}");
    }
}
