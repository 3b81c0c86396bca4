//! The transport of production against servers on the loopback interface.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use url::Url;

use super::loopback::{GOOD, Heard, Server, answer_all, hold, request};
use super::tests::{environment, settings};
use super::transport::Wire;
use super::*;
use crate::environment::{Environment, Proxy, ProxyRules, SystemClock};
use crate::settings::{Authentication, Secret};

const DEADLINE: Deadline = Deadline(Duration::from_secs(30));

fn here() -> Environment {
    environment(Arc::new(SystemClock::default()))
}

/// One message over the bare transport.
fn exchange(url: &Url, timeout: Duration) -> Result<RawResponse, TransportError> {
    let wire = Wire::new(&here(), Duration::from_secs(20)).unwrap();
    let message = RawRequest { method: Method::Post, url, headers: &[], body: Some(b"{}"), timeout };
    wire.send(&message)
}

fn call(method: Method, url: &Url) -> Request {
    Request {
        method,
        url: url.clone(),
        body: (method != Method::Get).then(|| json!({ "active": false })),
        if_match: None,
    }
}

#[test]
fn a_request_arrives_as_it_was_meant_and_without_any_anchor_http_works() {
    let heard = Heard::default();
    let (log, connections) = (Arc::clone(&heard), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&connections);
    let server = Server::start(move |stream| {
        count.fetch_add(1, Ordering::SeqCst);
        answer_all(stream, &log, GOOD);
    });
    let mut settings = settings(server.url("http", "127.0.0.1").as_str());
    settings.authentication = Authentication::Bearer { token: Secret::new("hush") };
    let client = Client::new(&settings, &here()).unwrap();
    let mut url = server.url("http", "127.0.0.1");
    url.set_path("/v2/Users/a%2Fb%20c");
    url.set_query(Some("filter=x%20eq%20%22a%22"));
    for _ in 0..2 {
        let answer = client.send(&call(Method::Patch, &url), DEADLINE).unwrap();
        assert_eq!((answer.status, answer.body), (200, Some(Ok(json!({ "id": "1" })))));
    }
    let requests = heard.lock().unwrap().clone();
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
    assert_eq!(connections.load(Ordering::SeqCst), 1, "the connection is kept");
}

#[test]
fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let heard = Heard::default();
        let log = Arc::clone(&heard);
        let answer = format!("HTTP/1.1 {status} Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n");
        let server = Server::start(move |stream| answer_all(stream, &log, &answer));
        let url = server.url("http", "127.0.0.1");
        let client = Client::new(&settings(url.as_str()), &here()).unwrap();
        for method in [Method::Get, Method::Post] {
            assert_eq!(client.send(&call(method, &url), DEADLINE).unwrap_err().failure.code(), "protocol");
        }
        let requests = heard.lock().unwrap().clone();
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|request| !request.contains("elsewhere")));
    }
}

#[test]
fn an_endless_answer_is_refused_and_not_read_to_its_end() {
    let server = Server::start(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let part = vec![b' '; 1 << 20];
        // Ends when the client hangs up; 1 GiB at the latest.
        (0..1024).all(|_| stream.write_all(&part).is_ok());
    });
    let url = server.url("http", "127.0.0.1");
    let client = Client::new(&settings(url.as_str()), &here()).unwrap();
    let failure = client.send(&call(Method::Get, &url), DEADLINE).unwrap_err().failure;
    assert_eq!(failure.code(), "protocol");
    assert!(failure.to_string().contains("32 MiB"), "{failure}");
}

#[test]
fn an_answer_that_does_not_come_in_time_may_have_been_done() {
    let server = Server::start(|mut stream| {
        request(&mut stream);
        hold(&mut stream);
    });
    let broken = exchange(&server.url("http", "127.0.0.1"), Duration::from_millis(300)).unwrap_err();
    assert!(broken.maybe_applied && !broken.permanent);
    assert!(broken.message.text().contains("in time"), "{}", broken.message);
}

#[test]
fn an_answer_that_drips_is_given_up_as_a_whole() {
    let server = Server::start(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n");
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(50));
            if stream.write_all(b" ").is_err() {
                return;
            }
        }
    });
    let broken = exchange(&server.url("http", "127.0.0.1"), Duration::from_millis(500)).unwrap_err();
    assert!(broken.maybe_applied);
    assert!(broken.message.text().contains("in time"), "{}", broken.message);
}

#[test]
fn a_connection_that_closes_early_may_have_been_done() {
    let answers = ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "SSH-2.0-OpenSSH_9.2\r\n\r\n"];
    for answer in answers {
        let server = Server::start(move |mut stream| {
            request(&mut stream);
            let _ = stream.write_all(answer.as_bytes());
        });
        let broken = exchange(&server.url("http", "127.0.0.1"), Duration::from_secs(20)).unwrap_err();
        assert!(broken.maybe_applied && !broken.permanent, "{answer}: {}", broken.message);
        assert!(broken.message.text().contains("broke"), "{}", broken.message);
    }
}

#[test]
fn a_refused_connection_was_certainly_not_done() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let url = Url::parse(&format!("http://127.0.0.1:{port}/v2/Users?filter=jane")).unwrap();
    let broken = exchange(&url, Duration::from_secs(20)).unwrap_err();
    assert!(!broken.maybe_applied && !broken.permanent);
    assert!(
        broken.message.text().starts_with("no connection") && !broken.message.to_string().contains("jane"),
        "{}",
        broken.message
    );
}

#[test]
fn a_handshake_that_never_ends_was_certainly_not_done() {
    let server = Server::start(|mut stream| hold(&mut stream));
    let wire = Wire::new(&here(), Duration::from_millis(600)).unwrap();
    let url = server.url("https", "127.0.0.1");
    let message = RawRequest { method: Method::Post, url: &url, headers: &[], body: Some(b"{}"), timeout: DEADLINE.0 };
    let broken = wire.send(&message).unwrap_err();
    assert!(!broken.maybe_applied && !broken.permanent);
    assert!(broken.message.text().contains("no connection in time"), "{}", broken.message);
}

#[test]
fn a_header_that_cannot_be_sent_is_said_without_its_value() {
    let wire = Wire::new(&here(), Duration::from_secs(20)).unwrap();
    let url = Url::parse("http://127.0.0.1:9/").unwrap();
    let headers = [("if-match", "a\nb".to_owned())];
    let message = RawRequest { method: Method::Get, url: &url, headers: &headers, body: None, timeout: DEADLINE.0 };
    let broken = wire.send(&message).unwrap_err();
    assert!(broken.permanent && !broken.maybe_applied);
    assert!(broken.message.text().contains("if-match"), "{}", broken.message);
}

fn proxied(proxy: &Server, direct: &[&str]) -> Environment {
    let way =
        Proxy { url: format!("http://{}", proxy.address), credentials: Some(("door".to_owned(), "hush".to_owned())) };
    let direct_hosts = direct.iter().map(|pattern| (*pattern).to_owned()).collect();
    Environment { proxy: ProxyRules { http: Some(way.clone()), https: Some(way), direct_hosts }, ..here() }
}

#[test]
fn http_goes_through_the_proxy_unless_the_host_is_reached_directly() {
    let heard = Heard::default();
    let log = Arc::clone(&heard);
    let proxy = Server::start(move |stream| answer_all(stream, &log, GOOD));
    let target = settings("http://scim.invalid/v2");
    let url = Url::parse("http://scim.invalid/v2/Users").unwrap();
    let client = Client::new(&target, &proxied(&proxy, &["*.example"])).unwrap();
    assert_eq!(client.send(&call(Method::Get, &url), DEADLINE).unwrap().status, 200);
    let requests = heard.lock().unwrap().clone();
    assert!(requests[0].starts_with("GET http://scim.invalid/v2/Users HTTP/1.1\r\n"), "{}", requests[0]);
    // door:hush in base64.
    assert!(requests[0].to_ascii_lowercase().contains("proxy-authorization: basic zg9vcjpodxno\r\n"));

    let server = Server::start(|stream| answer_all(stream, &Heard::default(), GOOD));
    let url = server.url("http", "127.0.0.1");
    let client = Client::new(&settings(url.as_str()), &proxied(&proxy, &["127.*"])).unwrap();
    assert_eq!(client.send(&call(Method::Get, &url), DEADLINE).unwrap().status, 200);
    assert_eq!(heard.lock().unwrap().len(), 1, "the proxy heard nothing of it");
}

#[test]
fn https_asks_the_proxy_for_a_tunnel_and_says_why_there_is_none() {
    for (answer, part, permanent) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "user name and password", true),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy does not let it through", false),
    ] {
        let heard = Heard::default();
        let log = Arc::clone(&heard);
        let proxy = Server::start(move |mut stream: TcpStream| {
            log.lock().unwrap().extend(request(&mut stream));
            let _ = stream.write_all(answer.as_bytes());
        });
        let wire = Wire::new(&proxied(&proxy, &[]), Duration::from_secs(20)).unwrap();
        let url = Url::parse("https://scim.invalid/v2/Users?filter=jane").unwrap();
        let message =
            RawRequest { method: Method::Post, url: &url, headers: &[], body: Some(b"{}"), timeout: DEADLINE.0 };
        let broken = wire.send(&message).unwrap_err();
        assert_eq!((broken.maybe_applied, broken.permanent), (false, permanent));
        assert!(broken.message.text().contains(part), "{}", broken.message);
        let requests = heard.lock().unwrap().clone();
        assert!(requests[0].starts_with("CONNECT scim.invalid:443 HTTP/1.1\r\n"), "{}", requests[0]);
        assert!(requests[0].to_ascii_lowercase().contains("proxy-authorization: basic zg9vcjpodxno\r\n"));
        assert!(!requests[0].contains("jane"));
    }
}
