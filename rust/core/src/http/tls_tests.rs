//! TLS against servers on the loopback interface whose certificates are right or wrong in one respect each.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::loopback::{GOOD, Heard, Server, answer_all, hold, request};
use super::tests::{environment, settings};
use super::*;
use crate::environment::{Environment, Proxy, ProxyRules, SystemClock};

const DEADLINE: Deadline = Deadline(Duration::from_secs(30));

/// What a server shows, and with which key.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Shown {
    fn leaf(&self) -> Vec<u8> {
        self.chain[0].to_vec()
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

fn named(names: &[&str], common_name: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn authority(common_name: &str) -> Authority {
    let mut params = named(&[], common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Authority { issuer: Issuer::new(params, key), certificate }
}

fn issued(by: &Authority, params: &CertificateParams) -> Shown {
    let key = KeyPair::generate().unwrap();
    Shown { chain: vec![params.signed_by(&key, &by.issuer).unwrap().der().clone()], key }
}

fn self_signed(params: &CertificateParams) -> Shown {
    let key = KeyPair::generate().unwrap();
    Shown { chain: vec![params.self_signed(&key).unwrap().der().clone()], key }
}

fn serve(shown: &Shown) -> Server {
    serve_asking(shown, WebPkiClientVerifier::no_client_auth())
}

fn serve_asking(shown: &Shown, clients: Arc<dyn ClientCertVerifier>) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(shown.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(shown.chain.clone(), key)
        .unwrap();
    let config = Arc::new(config);
    Server::start(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut plain = stream.try_clone().unwrap();
        answer_all(StreamOwned::new(connection, stream), &Heard::default(), GOOD);
        // Closing with something unread would reset the connection, and the client might miss the last alert.
        let _ = plain.shutdown(Shutdown::Write);
        hold(&mut plain);
    })
}

fn trusting(anchors: &[&[u8]]) -> Environment {
    let anchors = anchors.iter().map(|anchor| anchor.to_vec()).collect();
    Environment { anchors, ..environment(Arc::new(SystemClock::default())) }
}

/// One request to the server under that host name.
fn ask(server: &Server, host: &str, environment: &Environment) -> Result<Response, RequestError> {
    let url = server.url("https", host);
    let client = Client::new(&settings(url.as_str()), environment).unwrap();
    client.send(&Request { method: Method::Get, url, body: None, if_match: None }, DEADLINE)
}

fn refusal(server: &Server, environment: &Environment) -> String {
    let unanswered = ask(server, "127.0.0.1", environment).unwrap_err();
    assert_eq!((unanswered.failure.code(), unanswered.maybe_applied), ("transport", false));
    unanswered.failure.message().to_string()
}

#[test]
fn a_good_chain_is_trusted_by_name_and_by_address() {
    let ours = authority("Our CA");
    let server = serve(&issued(&ours, &named(&["localhost", "127.0.0.1"], "target")));
    let environment = trusting(&[&ours.certificate]);
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(ask(&server, host, &environment).unwrap().status, 200);
    }
}

#[test]
fn an_intermediate_counts_where_the_target_sends_it() {
    let root = authority("Root");
    let mut params = named(&[], "Intermediate");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &root.issuer).unwrap().der().clone();
    let intermediate = Authority { issuer: Issuer::new(params, key), certificate };
    let mut shown = issued(&intermediate, &named(&["127.0.0.1"], "target"));
    let alone = serve(&shown);
    let text = refusal(&alone, &trusting(&[&root.certificate]));
    assert!(text.contains("send its intermediate certificates"), "{text}");
    shown.chain.push(intermediate.certificate.clone());
    let server = serve(&shown);
    assert_eq!(ask(&server, "127.0.0.1", &trusting(&[&root.certificate])).unwrap().status, 200);
}

#[test]
fn every_certificate_problem_is_told_apart_and_says_what_to_do() {
    let ours = authority("Our CA");
    let good = || named(&["127.0.0.1"], "target");
    let mut expired = good();
    expired.not_before = date_time_ymd(2019, 1, 1);
    expired.not_after = date_time_ymd(2020, 2, 3);
    let mut early = good();
    early.not_before = date_time_ymd(4000, 1, 1);
    let mut authority_like = good();
    authority_like.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut for_clients = good();
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let cases = [
        (issued(&ours, &expired), "expired on Mon, 03 Feb 2020"),
        (issued(&ours, &early), "not valid before"),
        (
            issued(&ours, &named(&["other.example", "10.0.0.1"], "target")),
            "is for other.example, 10.0.0.1, not for 127.0.0.1",
        ),
        (issued(&ours, &named(&[], "127.0.0.1")), "a common name does not count"),
        (issued(&ours, &for_clients), "cannot be accepted"),
        (issued(&authority("Their CA"), &good()), "add that authority to the trusted certificates"),
        (self_signed(&good()), "self-signed and not trusted: add it"),
        (self_signed(&authority_like), "self-signed and not trusted: add it"),
    ];
    let environment = trusting(&[&ours.certificate]);
    for (shown, part) in cases {
        let text = refusal(&serve(&shown), &environment);
        assert!(text.contains(part), "{part}: {text}");
        assert!(text.starts_with("https://127.0.0.1:") && !text.contains("/v2"), "{text}");
    }
}

#[test]
fn a_target_certificate_among_the_anchors_is_trusted_without_a_chain() {
    let mut authority_like = named(&["127.0.0.1"], "target");
    authority_like.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for shown in [
        self_signed(&named(&["127.0.0.1"], "target")),
        self_signed(&authority_like),
        issued(&authority("Their CA"), &named(&["127.0.0.1"], "target")),
    ] {
        let server = serve(&shown);
        assert_eq!(ask(&server, "127.0.0.1", &trusting(&[&shown.leaf()])).unwrap().status, 200);
    }
}

#[test]
fn an_anchor_of_the_target_itself_still_needs_the_right_name_and_dates() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut wrong_name = named(&["other.example"], "target");
        wrong_name.is_ca = is_ca;
        let mut expired = named(&["127.0.0.1"], "target");
        expired.is_ca = is_ca;
        expired.not_before = date_time_ymd(2019, 1, 1);
        expired.not_after = date_time_ymd(2020, 2, 3);
        for (params, part) in [(wrong_name, "not for 127.0.0.1"), (expired, "expired on")] {
            let shown = self_signed(&params);
            let text = refusal(&serve(&shown), &trusting(&[&shown.leaf()]));
            assert!(text.contains(part), "{text}");
        }
    }
}

#[test]
fn the_same_name_with_another_key_is_not_the_anchor() {
    let params = named(&["127.0.0.1"], "target");
    let text = refusal(&serve(&self_signed(&params)), &trusting(&[&self_signed(&params).leaf()]));
    assert!(text.contains("self-signed and not trusted"), "{text}");
}

#[test]
fn an_anchor_that_cannot_be_read_does_not_stop_the_others() {
    let ours = authority("Our CA");
    let server = serve(&issued(&ours, &named(&["127.0.0.1"], "target")));
    let environment = trusting(&[b"not a certificate", &ours.certificate, b""]);
    assert_eq!(ask(&server, "127.0.0.1", &environment).unwrap().status, 200);
}

#[test]
fn without_anchors_no_https_target_is_trusted() {
    let server = serve(&self_signed(&named(&["127.0.0.1"], "target")));
    let text = refusal(&server, &trusting(&[]));
    assert!(text.contains("no trusted certificates are known"), "{text}");
}

#[test]
fn a_port_without_tls_is_named_as_such() {
    let server = Server::start(|mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let ours = authority("Our CA");
    let text = refusal(&server, &trusting(&[&ours.certificate]));
    assert!(text.contains("does not speak TLS"), "{text}");
}

#[test]
fn a_target_that_wants_a_client_certificate_is_named_as_such() {
    let ours = authority("Our CA");
    let mut roots = RootCertStore::empty();
    roots.add(ours.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let server = serve_asking(&issued(&ours, &named(&["127.0.0.1"], "target")), clients);
    let text = refusal(&server, &trusting(&[&ours.certificate]));
    assert!(text.contains("client certificate"), "{text}");
}

/// A proxy that carries one tunnel to wherever it is told, and notes the request.
fn tunnel(mut client: TcpStream, heard: &Heard, to: SocketAddr) {
    let Some(asked) = request(&mut client) else { return };
    heard.lock().unwrap().push(asked);
    let mut server = TcpStream::connect(to).unwrap();
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let upstream = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    upstream.join().unwrap();
}

#[test]
fn https_goes_through_the_tunnel_of_a_proxy_and_is_verified_at_its_end() {
    let ours = authority("Our CA");
    let target = serve(&issued(&ours, &named(&["scim.invalid"], "target")));
    let heard = Heard::default();
    let (log, to) = (Arc::clone(&heard), target.address);
    let proxy = Server::start(move |stream| tunnel(stream, &log, to));
    let way = Proxy { url: format!("http://{}", proxy.address), credentials: None };
    let rules = ProxyRules { https: Some(way), ..ProxyRules::default() };
    let environment = Environment { proxy: rules, ..trusting(&[&ours.certificate]) };
    assert_eq!(ask(&target, "scim.invalid", &environment).unwrap().status, 200);
    let text = ask(&target, "other.invalid", &environment).unwrap_err().failure.to_string();
    assert!(text.contains("is for scim.invalid, not for other.invalid"), "{text}");
    let requests = heard.lock().unwrap().clone();
    assert!(requests[0].starts_with(&format!("CONNECT scim.invalid:{} HTTP/1.1\r\n", to.port())), "{}", requests[0]);
}
