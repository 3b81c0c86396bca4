//! Tests TLS with servers on the loopback interface. Each certificate is valid, or invalid in one respect.

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

use super::loopback::{OK_RESPONSE, RequestLog, Server, read_request, respond_to_all, wait_for_close};
use super::tests::settings;
use super::*;
use crate::environment::testing::environment;
use crate::environment::{Environment, Proxy, ProxyRules, SystemClock};

const DEADLINE: Deadline = Deadline(Duration::from_secs(30));

/// The certificates of a server and its key.
struct ServerIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl ServerIdentity {
    fn leaf(&self) -> Vec<u8> {
        self.chain[0].to_vec()
    }
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

fn certificate_params(names: &[&str], common_name: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn new_authority(common_name: &str) -> Authority {
    let mut params = certificate_params(&[], common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Authority { issuer: Issuer::new(params, key), certificate }
}

fn issued(issuer: &Authority, params: &CertificateParams) -> ServerIdentity {
    let key = KeyPair::generate().unwrap();
    ServerIdentity { chain: vec![params.signed_by(&key, &issuer.issuer).unwrap().der().clone()], key }
}

fn self_signed(params: &CertificateParams) -> ServerIdentity {
    let key = KeyPair::generate().unwrap();
    ServerIdentity { chain: vec![params.self_signed(&key).unwrap().der().clone()], key }
}

fn serve(identity: &ServerIdentity) -> Server {
    serve_with_client_verifier(identity, WebPkiClientVerifier::no_client_auth())
}

fn serve_with_client_verifier(identity: &ServerIdentity, clients: Arc<dyn ClientCertVerifier>) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(identity.chain.clone(), key)
        .unwrap();
    let config = Arc::new(config);
    Server::start(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut plain = stream.try_clone().unwrap();
        respond_to_all(StreamOwned::new(connection, stream), &RequestLog::default(), OK_RESPONSE);
        // To close with unread data would reset the connection, and the client might miss the last alert.
        let _ = plain.shutdown(Shutdown::Write);
        wait_for_close(&mut plain);
    })
}

fn environment_with(anchors: &[&[u8]]) -> Environment {
    let anchors = anchors.iter().map(|anchor| anchor.to_vec()).collect();
    Environment { anchors, ..environment(Arc::new(SystemClock::default())) }
}

/// Sends one request to the server by this host name.
fn send(server: &Server, host: &str, environment: &Environment) -> Result<Response, RequestError> {
    let url = server.url("https", host);
    let client = Client::new(&settings(url.as_str()), environment).unwrap();
    client.send(&Request { method: Method::Get, url, body: None, if_match: None }, DEADLINE)
}

fn error_text(server: &Server, environment: &Environment) -> String {
    let error = send(server, "127.0.0.1", environment).unwrap_err();
    assert_eq!((error.failure.code(), error.maybe_applied), ("transport", false));
    error.failure.message().to_string()
}

#[test]
fn a_good_chain_is_trusted_by_name_and_by_address() {
    let authority = new_authority("Trusted CA");
    let server = serve(&issued(&authority, &certificate_params(&["localhost", "127.0.0.1"], "target")));
    let environment = environment_with(&[&authority.certificate]);
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(send(&server, host, &environment).unwrap().status, 200);
    }
}

#[test]
fn an_intermediate_certificate_is_used_if_the_target_sends_it() {
    let root = new_authority("Root");
    let mut params = certificate_params(&[], "Intermediate");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &root.issuer).unwrap().der().clone();
    let intermediate = Authority { issuer: Issuer::new(params, key), certificate };
    let mut identity = issued(&intermediate, &certificate_params(&["127.0.0.1"], "target"));
    let alone = serve(&identity);
    let text = error_text(&alone, &environment_with(&[&root.certificate]));
    assert!(text.contains("send its intermediate certificates"), "{text}");
    identity.chain.push(intermediate.certificate.clone());
    let server = serve(&identity);
    assert_eq!(send(&server, "127.0.0.1", &environment_with(&[&root.certificate])).unwrap().status, 200);
}

#[test]
fn each_certificate_problem_has_its_own_message_and_hint() {
    let authority = new_authority("Trusted CA");
    let good = || certificate_params(&["127.0.0.1"], "target");
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
        (issued(&authority, &expired), "expired on Mon, 03 Feb 2020"),
        (issued(&authority, &early), "not valid before"),
        (
            issued(&authority, &certificate_params(&["other.example", "10.0.0.1"], "target")),
            "is for other.example, 10.0.0.1, not for 127.0.0.1",
        ),
        (issued(&authority, &certificate_params(&[], "127.0.0.1")), "a common name does not count"),
        (issued(&authority, &for_clients), "cannot be accepted"),
        (issued(&new_authority("Other CA"), &good()), "not trusted; add that authority to the trusted certificates"),
        (self_signed(&good()), "self-signed and not trusted; add this certificate"),
        (self_signed(&authority_like), "self-signed and not trusted; add this certificate"),
    ];
    let environment = environment_with(&[&authority.certificate]);
    for (identity, part) in cases {
        let text = error_text(&serve(&identity), &environment);
        assert!(text.contains(part), "{part}: {text}");
        assert!(text.starts_with("https://127.0.0.1:") && !text.contains("/v2"), "{text}");
    }
}

#[test]
fn a_target_certificate_among_the_anchors_is_trusted_without_a_chain() {
    let mut authority_like = certificate_params(&["127.0.0.1"], "target");
    authority_like.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for identity in [
        self_signed(&certificate_params(&["127.0.0.1"], "target")),
        self_signed(&authority_like),
        issued(&new_authority("Other CA"), &certificate_params(&["127.0.0.1"], "target")),
    ] {
        let server = serve(&identity);
        assert_eq!(send(&server, "127.0.0.1", &environment_with(&[&identity.leaf()])).unwrap().status, 200);
    }
}

#[test]
fn a_target_certificate_among_the_anchors_still_needs_valid_name_and_dates() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let mut wrong_name = certificate_params(&["other.example"], "target");
        wrong_name.is_ca = is_ca;
        let mut expired = certificate_params(&["127.0.0.1"], "target");
        expired.is_ca = is_ca;
        expired.not_before = date_time_ymd(2019, 1, 1);
        expired.not_after = date_time_ymd(2020, 2, 3);
        for (params, part) in [(wrong_name, "not for 127.0.0.1"), (expired, "expired on")] {
            let identity = self_signed(&params);
            let text = error_text(&serve(&identity), &environment_with(&[&identity.leaf()]));
            assert!(text.contains(part), "{text}");
        }
    }
}

#[test]
fn the_same_name_with_another_key_is_not_the_anchor() {
    let params = certificate_params(&["127.0.0.1"], "target");
    let text = error_text(&serve(&self_signed(&params)), &environment_with(&[&self_signed(&params).leaf()]));
    assert!(text.contains("self-signed and not trusted"), "{text}");
}

#[test]
fn an_unreadable_anchor_does_not_affect_the_other_anchors() {
    let authority = new_authority("Trusted CA");
    let server = serve(&issued(&authority, &certificate_params(&["127.0.0.1"], "target")));
    let environment = environment_with(&[b"not a certificate", &authority.certificate, b""]);
    assert_eq!(send(&server, "127.0.0.1", &environment).unwrap().status, 200);
}

#[test]
fn without_anchors_no_https_target_is_trusted() {
    let server = serve(&self_signed(&certificate_params(&["127.0.0.1"], "target")));
    let text = error_text(&server, &environment_with(&[]));
    assert!(text.contains("no trusted certificates are known"), "{text}");
}

#[test]
fn a_port_without_tls_has_its_own_message() {
    let server = Server::start(|mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let authority = new_authority("Trusted CA");
    let text = error_text(&server, &environment_with(&[&authority.certificate]));
    assert!(text.contains("does not speak TLS"), "{text}");
}

#[test]
fn a_target_that_requires_a_client_certificate_has_its_own_message() {
    let authority = new_authority("Trusted CA");
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let server =
        serve_with_client_verifier(&issued(&authority, &certificate_params(&["127.0.0.1"], "target")), clients);
    let text = error_text(&server, &environment_with(&[&authority.certificate]));
    assert!(text.contains("client certificate"), "{text}");
}

/// Opens one tunnel to a fixed address, as a proxy, and logs the request.
fn tunnel(mut client: TcpStream, received: &RequestLog, to: SocketAddr) {
    let Some(connect_request) = read_request(&mut client) else { return };
    received.lock().unwrap().push(connect_request);
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
fn https_uses_the_tunnel_of_a_proxy_and_is_verified_at_its_end() {
    let authority = new_authority("Trusted CA");
    let target = serve(&issued(&authority, &certificate_params(&["scim.invalid"], "target")));
    let received = RequestLog::default();
    let (log, to) = (Arc::clone(&received), target.address);
    let proxy = Server::start(move |stream| tunnel(stream, &log, to));
    let proxy_rule = Proxy { url: format!("http://{}", proxy.address), credentials: None };
    let rules = ProxyRules { https: Some(proxy_rule), ..ProxyRules::default() };
    let environment = Environment { proxy: rules, ..environment_with(&[&authority.certificate]) };
    assert_eq!(send(&target, "scim.invalid", &environment).unwrap().status, 200);
    let text = send(&target, "other.invalid", &environment).unwrap_err().failure.to_string();
    assert!(text.contains("is for scim.invalid, not for other.invalid"), "{text}");
    let requests = received.lock().unwrap().clone();
    assert!(requests[0].starts_with(&format!("CONNECT scim.invalid:{} HTTP/1.1\r\n", to.port())), "{}", requests[0]);
}
