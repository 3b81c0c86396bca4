//! Reading an answer: its body whatever the content type says, and the reason a target gives for an error whatever
//! shape it has. Strict in what is sent, lenient in what is read.

use serde_json::Value;

use super::message::{RawResponse, Response};
use crate::text::excerpt;

/// How deep the reason may be wrapped in other objects.
const DEEPEST: usize = 3;

/// Where targets put the reason for an error, best first: RFC 7644 section 3.12; SCIM 1.1 protocol section 3.9; OAuth
/// resource servers; habits of web frameworks.
const REASONS: [&str; 6] = ["detail", "description", "error_description", "message", "title", "error"];

impl Response {
    /// The answer to a request that turned out not to be needed: a success without a body.
    pub fn no_content() -> Self {
        Self { status: 204, body: None, etag: None, location: None }
    }

    /// Reads a reply.
    pub(super) fn read(reply: &RawResponse) -> Self {
        let owned = |name| reply.header(name).map(str::to_owned);
        Self { status: reply.status, body: body(reply), etag: owned("etag"), location: owned("location") }
    }

    /// Strikes texts out of a body: a target that refuses may repeat what it was sent, and its reason is shown.
    pub(super) fn redact(&mut self, hidden: &[&str]) {
        if let Some(Ok(body)) = &mut self.body {
            redact(body, hidden);
        }
    }

    /// Why the target refused, on one printable line and cut to length; the status in words where it gives no reason.
    pub fn problem(&self) -> String {
        let given = match &self.body {
            Some(Ok(body)) => reason(body, DEEPEST),
            _ => None,
        };
        given.unwrap_or_else(|| {
            let words = reqwest::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
            format!("{} {}", self.status, words.unwrap_or("without a reason"))
        })
    }
}

/// The body as JSON. The reason why it is none never quotes it.
fn body(reply: &RawResponse) -> Option<Result<Value, String>> {
    let bytes = reply.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&reply.body).trim_ascii();
    if reply.status == 204 || bytes.is_empty() {
        return None;
    }
    Some(serde_json::from_slice(bytes).map_err(|error| {
        if bytes.starts_with(b"<") {
            "the answer is HTML or XML, not JSON: is SCIM URL the address of the SCIM service?".to_owned()
        } else if reply.header("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            "the answer is compressed, which was not asked for".to_owned()
        } else if error.is_eof() {
            "the answer is cut off".to_owned()
        } else {
            format!("the answer is not JSON (line {}, column {})", error.line(), error.column())
        }
    }))
}

fn redact(value: &mut Value, hidden: &[&str]) {
    match value {
        Value::String(text) => {
            for secret in hidden.iter().filter(|secret| text.contains(**secret)).collect::<Vec<_>>() {
                *text = text.replace(secret, "[redacted]");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, hidden)),
        Value::Object(fields) => fields.values_mut().for_each(|field| redact(field, hidden)),
        _ => {}
    }
}

/// The first reason in an error body, looking into wrapping objects and lists.
fn reason(body: &Value, depth: usize) -> Option<String> {
    let inner: Vec<&Value> = match body {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            if let Some(reason) = REASONS.iter().find_map(|name| text(name)) {
                return Some(match text("scimType") {
                    Some(kind) => format!("{} ({})", excerpt(reason), excerpt(kind)),
                    None => excerpt(reason),
                });
            }
            if let Some(kind) = text("scimType") {
                return Some(excerpt(kind));
            }
            fields.values().collect()
        }
        _ => return None,
    };
    let depth = depth.checked_sub(1)?;
    inner.into_iter().find_map(|value| reason(value, depth))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &[u8]) -> Response {
        Response::read(&RawResponse { status, headers: Vec::new(), body: body.to_vec() })
    }

    #[test]
    fn nothing_and_blanks_are_no_body() {
        for bytes in [&b""[..], b" \r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"] {
            assert_eq!(read(200, bytes).body, None);
        }
        assert_eq!(read(204, b"{}").body, None);
    }

    #[test]
    fn json_is_read_whatever_its_content_type_and_byte_order_mark() {
        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        let reply = RawResponse { status: 200, headers, body: b"\xef\xbb\xbf{\"id\":\"1\"}".to_vec() };
        assert_eq!(Response::read(&reply).body, Some(Ok(json!({ "id": "1" }))));
    }

    #[test]
    fn an_unreadable_body_is_told_apart_and_never_quoted() {
        let cases: [(&[u8], &str); 5] = [
            (b"<!DOCTYPE html><p>jane@example.com</p>", "HTML"),
            (b"{\"userName\":\"jane@exa", "cut off"),
            (b"jane@example.com", "not JSON"),
            (b"\xff\xfe\x00jane", "not JSON"),
            (b"{\"userName\":\"jane\"} trailing", "not JSON"),
        ];
        for (bytes, part) in cases {
            let reason = read(200, bytes).body.unwrap().unwrap_err();
            assert!(reason.contains(part), "{reason}");
            assert!(!reason.contains("jane"), "{reason}");
        }
        let headers = vec![("content-encoding".to_owned(), "gzip".to_owned())];
        let reply = RawResponse { status: 200, headers, body: b"\x1f\x8b\x08".to_vec() };
        assert!(Response::read(&reply).body.unwrap().unwrap_err().contains("compressed"));
    }

    #[test]
    fn nesting_without_end_is_an_error_not_a_crash() {
        let deep = "[".repeat(1_000_000);
        assert!(read(200, deep.as_bytes()).body.unwrap().is_err());
    }

    #[test]
    fn the_reason_is_found_in_every_shape_seen_in_the_field() {
        let cases = [
            (json!({ "status": "409", "scimType": "uniqueness", "detail": "taken" }), "taken (uniqueness)"),
            (json!({ "status": "409", "detail": "taken" }), "taken"),
            (json!({ "scimType": "invalidFilter", "status": "400" }), "invalidFilter"),
            (json!({ "Errors": [{ "description": "gone", "code": "404" }] }), "gone"),
            (json!({ "urn:ietf:params:scim:api:messages:2.0:Error": { "detail": "no", "status": 400 } }), "no"),
            (json!({ "error": { "code": 5, "message": "broken" } }), "broken"),
            (json!([{ "detail": "listed" }]), "listed"),
            (json!({ "error": "invalid_token", "error_description": "expired" }), "expired"),
            (json!({ "detail": "", "message": "said elsewhere" }), "said elsewhere"),
            (json!({ "status": 400 }), "400 Bad Request"),
            (json!("text"), "400 Bad Request"),
            (json!({ "a": { "b": { "c": { "d": { "detail": "too deep" } } } } }), "400 Bad Request"),
        ];
        for (body, expected) in cases {
            assert_eq!(read(400, body.to_string().as_bytes()).problem(), expected);
        }
        assert_eq!(read(404, b"").problem(), "404 Not Found");
        assert_eq!(read(599, b"<html>").problem(), "599 without a reason");
    }

    #[test]
    fn what_is_struck_out_is_in_no_reason() {
        let mut answer = read(400, json!({ "Errors": [{ "description": "bad token t0ken!" }] }).to_string().as_bytes());
        answer.redact(&["t0ken", "other"]);
        assert_eq!(answer.problem(), "bad token [redacted]!");
    }

    #[test]
    fn a_reason_stays_on_one_line_and_is_cut() {
        let body = json!({ "detail": format!("UNIQUE\nconstraint {}", "x".repeat(5000)) });
        let problem = read(409, body.to_string().as_bytes()).problem();
        assert!(!problem.contains('\n'));
        assert!(problem.chars().count() < 400);
    }
}
