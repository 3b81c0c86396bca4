//! Tests the transport of production with servers on the loopback interface.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use url::Url;

use super::loopback::{OK_RESPONSE, RequestLog, Server, read_request, respond_to_all, wait_for_close};
use super::tests::settings;
use super::transport::ReqwestTransport;
use super::*;
use crate::environment::testing::environment;
use crate::environment::{Environment, Proxy, ProxyRules, SystemClock};
use crate::settings::{Authentication, Secret};

const DEADLINE: Deadline = Deadline(Duration::from_secs(30));

fn local_environment() -> Environment {
    environment(Arc::new(SystemClock::default()))
}

/// Sends one request with the transport alone.
fn send(url: &Url, timeout: Duration) -> Result<RawResponse, TransportError> {
    let transport = ReqwestTransport::new(&local_environment(), Duration::from_secs(20)).unwrap();
    let raw_request = RawRequest { method: Method::Post, url, headers: &[], body: Some(b"{}"), timeout };
    transport.send(&raw_request)
}

fn request(method: Method, url: &Url) -> Request {
    Request {
        method,
        url: url.clone(),
        body: (method != Method::Get).then(|| json!({ "active": false })),
        if_match: None,
    }
}

#[test]
fn a_request_arrives_unchanged_and_http_works_without_anchors() {
    let received = RequestLog::default();
    let (log, connections) = (Arc::clone(&received), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&connections);
    let server = Server::start(move |stream| {
        count.fetch_add(1, Ordering::SeqCst);
        respond_to_all(stream, &log, OK_RESPONSE);
    });
    let mut settings = settings(server.url("http", "127.0.0.1").as_str());
    settings.authentication = Authentication::Bearer { token: Secret::new("hush") };
    let client = Client::new(&settings, &local_environment()).unwrap();
    let mut url = server.url("http", "127.0.0.1");
    url.set_path("/v2/Users/a%2Fb%20c");
    url.set_query(Some("filter=x%20eq%20%22a%22"));
    for _ in 0..2 {
        let response = client.send(&request(Method::Patch, &url), DEADLINE).unwrap();
        assert_eq!((response.status, response.body), (200, Some(Ok(json!({ "id": "1" })))));
    }
    let requests = received.lock().unwrap().clone();
    assert_eq!(requests.len(), 2);
    assert!(
        requests[0].starts_with("PATCH /v2/Users/a%2Fb%20c?filter=x%20eq%20%22a%22 HTTP/1.1\r\n"),
        "{}",
        requests[0]
    );
    assert!(requests[0].ends_with("\r\n\r\n{\"active\":false}"));
    let head = requests[0].to_ascii_lowercase();
    assert!(head.contains("\r\nauthorization: bearer hush\r\n"));
    assert!(head.contains("\r\ncontent-type: application/scim+json\r\n"));
    assert_eq!(connections.load(Ordering::SeqCst), 1, "the connection is reused");
}

#[test]
fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let received = RequestLog::default();
        let log = Arc::clone(&received);
        let response = format!("HTTP/1.1 {status} Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n");
        let server = Server::start(move |stream| respond_to_all(stream, &log, &response));
        let url = server.url("http", "127.0.0.1");
        let client = Client::new(&settings(url.as_str()), &local_environment()).unwrap();
        for method in [Method::Get, Method::Post] {
            assert_eq!(client.send(&request(method, &url), DEADLINE).unwrap_err().failure.code(), "protocol");
        }
        let requests = received.lock().unwrap().clone();
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|request| !request.contains("elsewhere")));
    }
}

#[test]
fn an_endless_response_is_a_failure_and_is_not_read_to_its_end() {
    let server = Server::start(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let part = vec![b' '; 1 << 20];
        // Ends when the client closes the connection, after 1 GiB at the latest.
        (0..1024).all(|_| stream.write_all(&part).is_ok());
    });
    let url = server.url("http", "127.0.0.1");
    let client = Client::new(&settings(url.as_str()), &local_environment()).unwrap();
    let failure = client.send(&request(Method::Get, &url), DEADLINE).unwrap_err().failure;
    assert_eq!(failure.code(), "protocol");
    assert!(failure.to_string().contains("32 MiB"), "{failure}");
}

#[test]
fn a_request_without_a_response_in_time_may_have_been_applied() {
    let server = Server::start(|mut stream| {
        read_request(&mut stream);
        wait_for_close(&mut stream);
    });
    let error = send(&server.url("http", "127.0.0.1"), Duration::from_millis(300)).unwrap_err();
    assert!(error.maybe_applied && !error.permanent);
    assert!(error.message.text().contains("in time"), "{}", error.message);
}

#[test]
fn the_timeout_covers_the_whole_response() {
    let server = Server::start(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(50));
            if stream.write_all(b" ").is_err() {
                return;
            }
        }
    });
    let error = send(&server.url("http", "127.0.0.1"), Duration::from_millis(500)).unwrap_err();
    assert!(error.maybe_applied);
    assert!(error.message.text().contains("in time"), "{}", error.message);
}

#[test]
fn a_request_whose_connection_closes_early_may_have_been_applied() {
    let responses = ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "SSH-2.0-OpenSSH_9.2\r\n\r\n"];
    for response in responses {
        let server = Server::start(move |mut stream| {
            read_request(&mut stream);
            let _ = stream.write_all(response.as_bytes());
        });
        let error = send(&server.url("http", "127.0.0.1"), Duration::from_secs(20)).unwrap_err();
        assert!(error.maybe_applied && !error.permanent, "{response}: {}", error.message);
        assert!(error.message.text().contains("broke"), "{}", error.message);
    }
}

#[test]
fn a_request_whose_connection_is_refused_was_not_applied() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let url = Url::parse(&format!("http://127.0.0.1:{port}/v2/Users?filter=jane")).unwrap();
    let error = send(&url, Duration::from_secs(20)).unwrap_err();
    assert!(!error.maybe_applied && !error.permanent);
    assert!(
        error.message.text().starts_with("no connection") && !error.message.to_string().contains("jane"),
        "{}",
        error.message
    );
}

#[test]
fn a_request_whose_handshake_never_ends_was_not_applied() {
    let server = Server::start(|mut stream| wait_for_close(&mut stream));
    let transport = ReqwestTransport::new(&local_environment(), Duration::from_millis(600)).unwrap();
    let url = server.url("https", "127.0.0.1");
    let raw_request =
        RawRequest { method: Method::Post, url: &url, headers: &[], body: Some(b"{}"), timeout: DEADLINE.0 };
    let error = transport.send(&raw_request).unwrap_err();
    assert!(!error.maybe_applied && !error.permanent);
    assert!(error.message.text().contains("no connection in time"), "{}", error.message);
}

#[test]
fn an_error_about_a_header_names_it_without_its_value() {
    let transport = ReqwestTransport::new(&local_environment(), Duration::from_secs(20)).unwrap();
    let url = Url::parse("http://127.0.0.1:9/").unwrap();
    let headers = [("if-match", "a\nb".to_owned())];
    let raw_request = RawRequest { method: Method::Get, url: &url, headers: &headers, body: None, timeout: DEADLINE.0 };
    let error = transport.send(&raw_request).unwrap_err();
    assert!(error.permanent && !error.maybe_applied);
    assert!(error.message.text().contains("if-match"), "{}", error.message);
}

fn proxied(proxy: &Server, direct: &[&str]) -> Environment {
    let proxy_rule =
        Proxy { url: format!("http://{}", proxy.address), credentials: Some(("door".to_owned(), "hush".to_owned())) };
    let direct_hosts = direct.iter().map(|pattern| (*pattern).to_owned()).collect();
    Environment {
        proxy: ProxyRules { http: Some(proxy_rule.clone()), https: Some(proxy_rule), direct_hosts },
        ..local_environment()
    }
}

#[test]
fn http_uses_the_proxy_unless_the_host_is_direct() {
    let received = RequestLog::default();
    let log = Arc::clone(&received);
    let proxy = Server::start(move |stream| respond_to_all(stream, &log, OK_RESPONSE));
    let target = settings("http://scim.invalid/v2");
    let url = Url::parse("http://scim.invalid/v2/Users").unwrap();
    let client = Client::new(&target, &proxied(&proxy, &["*.example"])).unwrap();
    assert_eq!(client.send(&request(Method::Get, &url), DEADLINE).unwrap().status, 200);
    let requests = received.lock().unwrap().clone();
    assert!(requests[0].starts_with("GET http://scim.invalid/v2/Users HTTP/1.1\r\n"), "{}", requests[0]);
    // door:hush in base64.
    assert!(requests[0].to_ascii_lowercase().contains("proxy-authorization: basic zg9vcjpodxno\r\n"));

    let server = Server::start(|stream| respond_to_all(stream, &RequestLog::default(), OK_RESPONSE));
    let url = server.url("http", "127.0.0.1");
    let client = Client::new(&settings(url.as_str()), &proxied(&proxy, &["127.*"])).unwrap();
    assert_eq!(client.send(&request(Method::Get, &url), DEADLINE).unwrap().status, 200);
    assert_eq!(received.lock().unwrap().len(), 1, "the proxy received no second request");
}

#[test]
fn https_requests_a_tunnel_from_the_proxy_and_reports_a_refusal() {
    for (response, part, permanent) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "407 Proxy Authentication Required; check the user name and password",
            true,
        ),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy rejected the tunnel", false),
    ] {
        let received = RequestLog::default();
        let log = Arc::clone(&received);
        let proxy = Server::start(move |mut stream: TcpStream| {
            log.lock().unwrap().extend(read_request(&mut stream));
            let _ = stream.write_all(response.as_bytes());
        });
        let transport = ReqwestTransport::new(&proxied(&proxy, &[]), Duration::from_secs(20)).unwrap();
        let url = Url::parse("https://scim.invalid/v2/Users?filter=jane").unwrap();
        let raw_request =
            RawRequest { method: Method::Post, url: &url, headers: &[], body: Some(b"{}"), timeout: DEADLINE.0 };
        let error = transport.send(&raw_request).unwrap_err();
        assert_eq!((error.maybe_applied, error.permanent), (false, permanent));
        assert!(error.message.to_string().contains(part), "{}", error.message);
        let requests = received.lock().unwrap().clone();
        assert!(requests[0].starts_with("CONNECT scim.invalid:443 HTTP/1.1\r\n"), "{}", requests[0]);
        assert!(requests[0].to_ascii_lowercase().contains("proxy-authorization: basic zg9vcjpodxno\r\n"));
        assert!(!requests[0].contains("jane"));
    }
}
