//! Tests the LDAP source with scripted responses on a loopback port. A correct directory never sends some of them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use ldap3::asn1::{ASNTag as _, Enumerated, Integer, OctetString, Sequence, Tag, TagClass, parse_tag, write};

use super::*;

/// One step of a scripted server: a message, raw bytes, or the end of the connection.
#[derive(Clone)]
enum ScriptedResponse {
    Entry(&'static str, Vec<(&'static str, Vec<&'static [u8]>)>),
    Reference(&'static str),
    /// Result code and referral.
    OperationResult(i64, Option<&'static str>),
    /// The end of a page that is not the last, with the cookie.
    PageEnd(&'static [u8]),
    Bytes(&'static [u8]),
    /// Closes the connection.
    Close,
}

use ScriptedResponse::{Bytes, Close, Entry as FoundEntry, OperationResult, PageEnd, Reference};

fn string(text: impl AsRef<[u8]>) -> Tag {
    Tag::OctetString(OctetString { inner: text.as_ref().to_vec(), ..Default::default() })
}

fn strings(class: TagClass, id: u64, texts: impl IntoIterator<Item = Tag>) -> Tag {
    Tag::Sequence(Sequence { id, class, inner: texts.into_iter().collect() })
}

fn sequence(parts: Vec<Tag>) -> Tag {
    Tag::Sequence(Sequence { inner: parts, ..Default::default() })
}

fn encoded(tag: Tag) -> Vec<u8> {
    let mut bytes = Default::default();
    write::encode_into(&mut bytes, tag.into_structure()).unwrap();
    bytes.to_vec()
}

/// Returns the bytes of the response to the message with a number; `None` to close the connection.
fn bytes(response: &ScriptedResponse, number: i64) -> Option<Vec<u8>> {
    const SET: u64 = 17;
    let number = Tag::Integer(Integer { inner: number, ..Default::default() });
    let result_tag = |code: i64, referral: Option<&str>| {
        let code = Tag::Enumerated(Enumerated { inner: code, ..Default::default() });
        let mut parts = vec![code, string(""), string("")];
        parts.extend(referral.map(|url| strings(TagClass::Context, 3, [string(url)])));
        strings(TagClass::Application, 5, parts)
    };
    let message = match response {
        Close => return None,
        Bytes(bytes) => return Some(bytes.to_vec()),
        FoundEntry(dn, attributes) => {
            let attributes = attributes.iter().map(|(name, values)| {
                let values = strings(TagClass::Universal, SET, values.iter().map(string));
                sequence(vec![string(name), values])
            });
            let parts = vec![string(dn), sequence(attributes.collect())];
            sequence(vec![number, strings(TagClass::Application, 4, parts)])
        }
        Reference(url) => sequence(vec![number, strings(TagClass::Application, 19, [string(url)])]),
        OperationResult(code, referral) => sequence(vec![number, result_tag(*code, *referral)]),
        PageEnd(cookie) => {
            let value =
                encoded(sequence(vec![Tag::Integer(Integer { inner: 0, ..Default::default() }), string(cookie)]));
            let control = sequence(vec![string("1.2.840.113556.1.4.319"), string(value)]);
            sequence(vec![number, result_tag(0, None), strings(TagClass::Context, 0, [control])])
        }
    };
    Some(encoded(message))
}

/// Returns the number of the next message and its bytes; `None` at the end.
fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(i64, Vec<u8>)> {
    loop {
        if let Ok((rest, tag)) = parse_tag(buffer) {
            let bytes = buffer[..buffer.len() - rest.len()].to_vec();
            *buffer = rest.to_vec();
            let number = tag.expect_constructed().unwrap().remove(0).expect_primitive().unwrap();
            return Some((number.iter().fold(0, |n, b| n * 256 + i64::from(*b)), bytes));
        }
        let mut more = [0; 4096];
        match stream.read(&mut more) {
            Ok(read) if read > 0 => buffer.extend(&more[..read]),
            _ => return None,
        }
    }
}

/// Starts a server that sends the scripted responses to each request of one connection. The thread returns the requests.
#[expect(clippy::disallowed_methods, reason = "a server runs beside the test")]
fn directory(script: Vec<Vec<ScriptedResponse>>) -> (Url, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = parse_server_url(&format!("ldap://{}", listener.local_addr().unwrap())).unwrap();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut requests, mut buffer) = (Vec::new(), Vec::new());
        for responses in script {
            let Some((number, message)) = request(&mut stream, &mut buffer) else { break };
            requests.push(message);
            for response in responses {
                match bytes(&response, number) {
                    Some(bytes) => stream.write_all(&bytes).unwrap(),
                    None => return requests,
                }
            }
        }
        requests
    });
    (url, thread)
}

fn people() -> Search<'static> {
    Search {
        base: "ou=people,dc=x",
        base_label: "Base DN",
        base_only: false,
        filter: "(objectClass=person)".into(),
        attributes: vec!["entryUUID"],
    }
}

fn read_from(url: Url) -> Result<Vec<Entry>, String> {
    let ldap = Ldap::new(url, false, None, Vec::new()).unwrap();
    let mut all = Vec::new();
    ldap.read(&people(), &mut |entry| {
        all.push(entry);
        Ok(())
    })
    .map_err(|e| e.to_string())?;
    Ok(all)
}

fn read(script: Vec<Vec<ScriptedResponse>>) -> Result<Vec<Entry>, String> {
    let (url, server) = directory(script);
    let result = read_from(url);
    server.join().unwrap();
    result
}

fn jane() -> ScriptedResponse {
    FoundEntry("cn=jane,dc=x", vec![("entryUUID", vec![b"1"]), ("objectGUID;binary", vec![b"\xff\x00"])])
}

#[test]
fn pages_are_combined() {
    let (url, server) = directory(vec![
        vec![jane(), PageEnd(b"next-page")],
        vec![PageEnd(b"next-page")],
        vec![FoundEntry("cn=joe,dc=x", vec![]), PageEnd(b"")],
    ]);
    let all = read_from(url).unwrap();
    assert_eq!(all.iter().map(|e| e.dn.as_str()).collect::<Vec<_>>(), ["cn=jane,dc=x", "cn=joe,dc=x"]);
    assert_eq!(all[0].values("objectguid"), [Value::new(vec![0xff, 0])]);
    let requests = server.join().unwrap();
    let cookie = |message: &Vec<u8>| message.windows(9).any(|w| w == b"next-page");
    assert_eq!(requests.iter().map(cookie).collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn an_incomplete_search_is_an_error() {
    for (script, expected) in [
        (vec![vec![jane(), Close]], "the connection closed before the response was complete"),
        (vec![vec![jane(), PageEnd(b"2")], vec![Close]], "the connection closed before the response was complete"),
        (vec![vec![jane(), OperationResult(4, None)]], "size limit"),
        (vec![vec![jane(), PageEnd(b"2")], vec![jane(), OperationResult(4, None)]], "size limit"),
        (vec![vec![jane(), OperationResult(3, None)]], "time limit"),
        (vec![vec![jane(), OperationResult(11, None)]], "raise the limits of the directory"),
        (vec![vec![jane(), OperationResult(80, None)]], "rc=80"),
        (vec![vec![OperationResult(10, Some("ldap://other/dc=x"))]], "ldap://other/dc=x"),
        (vec![vec![jane(), Reference("ldap://child/dc=y,dc=x"), OperationResult(0, None)]], "ldap://child/dc=y,dc=x"),
        (vec![vec![OperationResult(32, None)]], "Base DN: `ou=people,dc=x` is not in the directory"),
        (vec![vec![OperationResult(34, None)]], "Base DN: `ou=people,dc=x` is not a distinguished name"),
        (vec![vec![Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Close]], "closed before"),
        (vec![vec![Bytes(&[0x30, 0x00]), Close]], "ldap://"),
        (vec![vec![Bytes(&[0x02, 0x01, 0x01]), Close]], "ldap://"),
    ] {
        let error = read(script).map(|all| all.len()).unwrap_err();
        assert!(error.contains(expected) && error.starts_with("ldap://127.0.0.1:") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn referrals_to_partitions_without_users_are_skipped() {
    let references = ["ldap://ForestDnsZones.x/DC=ForestDnsZones,DC=x", "ldap://x/CN=Configuration,DC=x"];
    let mut responses = vec![jane()];
    responses.extend(references.map(Reference));
    responses.push(OperationResult(0, None));
    assert_eq!(read(vec![responses]).unwrap().len(), 1);
}

#[test]
fn values_in_several_parts_are_all_read() {
    let part = |range: &'static str, values: Vec<&'static [u8]>| FoundEntry("cn=a,dc=x", vec![(range, values)]);
    let all = read(vec![
        vec![part("member;range=0-1", vec![b"cn=1", b"cn=2"]), OperationResult(0, None)],
        vec![part("member;range=2-3", vec![b"cn=3", b"cn=4"]), OperationResult(0, None)],
        vec![part("member;Range=4-*", vec![b"cn=5"]), OperationResult(0, None)],
    ])
    .unwrap();
    let values: Vec<_> = all[0].values("member").iter().filter_map(Value::text).collect();
    assert_eq!(values, ["cn=1", "cn=2", "cn=3", "cn=4", "cn=5"]);
    for second in [
        vec![OperationResult(0, None)],
        vec![part("member;range=0-1", vec![b"cn=1", b"cn=2"]), OperationResult(0, None)],
    ] {
        let first = vec![part("member;range=0-1", vec![b"cn=1", b"cn=2"]), OperationResult(0, None)];
        assert!(read(vec![first, second]).unwrap_err().contains("did not return all values of member"));
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = read_from(parse_server_url(&format!("ldap://{free}")).unwrap()).unwrap_err();
    assert!(error.starts_with(&format!("ldap://{free}: the connection failed")), "{error}");
    let error = read_from(parse_server_url(&format!("ldaps://{free}")).unwrap()).unwrap_err();
    assert!(error.contains("the connection failed"), "{error}");
}

#[test]
fn a_server_url_has_a_scheme_a_host_and_a_port_only() {
    for good in ["ldap://dc1.example.com", "ldaps://dc1.example.com:3269/", "ldap://127.0.0.1:389"] {
        assert!(parse_server_url(good).is_ok(), "{good}");
    }
    for (bad, expected) in [
        ("ldap://", "no host"),
        ("ldap:///", "no host"),
        ("ldap://h/dc=x", "base DN"),
        ("ldap://h/?sub", "base DN"),
        ("ldap://me:secret@h", "--bind-dn"),
        ("https://h", "https"),
        ("ldap://h:port", "not the URL"),
    ] {
        let error = parse_server_url(bad).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("secret"), "{bad}: {error}");
    }
}

#[test]
fn an_account_without_name_or_password_is_rejected() {
    for (name, password) in [("cn=a", ""), ("", "x")] {
        let account = BindAccount { name: name.into(), password: Secret::new(password) };
        let url = parse_server_url("ldap://127.0.0.1").unwrap();
        assert!(Ldap::new(url, false, Some(account), Vec::new()).is_err());
    }
    assert!(Ldap::new(parse_server_url("ldaps://127.0.0.1").unwrap(), true, None, Vec::new()).is_err());
}
