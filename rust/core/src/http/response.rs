//! Reads a response: its JSON body, with any content type, and the reason of an error in each known shape.
//! Does not know: users, groups, what a response means for them.

use serde_json::Value;

use super::types::{RawResponse, Response, Unreadable};
use crate::text::excerpt;

/// The most objects and lists around the reason of an error.
const REASON_DEPTH_MAX: usize = 3;

/// The members that contain the reason of an error, best first. They come from RFC 7644 section 3.12, SCIM 1.1 protocol
/// section 3.9, OAuth resource servers and web frameworks.
const REASON_MEMBERS: [&str; 6] = ["detail", "description", "error_description", "message", "title", "error"];

impl Response {
    /// Returns a success without a body, for a request that was not needed.
    pub fn no_content() -> Self {
        Self { status: 204, body: None, size: 0, etag: None, location: None }
    }

    /// Reads the bytes of a response.
    pub(super) fn read(raw: &RawResponse) -> Self {
        let header = |name| raw.header(name).map(str::to_owned);
        Self {
            status: raw.status,
            body: body(raw),
            size: raw.body.len(),
            etag: header("etag"),
            location: header("location"),
        }
    }

    /// Returns true if the body is a web page.
    pub fn is_page(&self) -> bool {
        matches!(&self.body, Some(Err(unreadable)) if unreadable.is_page)
    }

    /// Replaces secrets in the body, because a target may repeat them in the reason of an error.
    pub(super) fn redact(&mut self, secrets: &[&str]) {
        if let Some(Ok(body)) = &mut self.body {
            redact(body, secrets);
        }
    }

    /// Returns the reason of an error on one printable line, cut to length. Without a reason, returns the status
    /// as text.
    pub fn problem(&self) -> String {
        let reason = match &self.body {
            Some(Ok(body)) => reason(body, REASON_DEPTH_MAX),
            _ => None,
        };
        reason.unwrap_or_else(|| {
            let phrase = reqwest::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
            format!("{} {}", self.status, phrase.unwrap_or("without a reason"))
        })
    }
}

/// Reads the body as JSON. The reason of an error never quotes it.
fn body(raw: &RawResponse) -> Option<Result<Value, Unreadable>> {
    let bytes = raw.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw.body).trim_ascii();
    if raw.status == 204 || bytes.is_empty() {
        return None;
    }
    let is_html = || raw.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    Some(serde_json::from_slice(bytes).map_err(|error| {
        let is_page = bytes.starts_with(b"<") || is_html();
        let reason = if is_page {
            "the response is HTML or XML, not JSON".to_owned()
        } else if raw.header("content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            "the response is compressed, which the connector did not request".to_owned()
        } else if error.is_eof() {
            "the response is truncated".to_owned()
        } else {
            format!("the response is not JSON (line {}, column {})", error.line(), error.column())
        };
        Unreadable { reason, is_page }
    }))
}

fn redact(value: &mut Value, secrets: &[&str]) {
    match value {
        Value::String(text) => {
            for secret in secrets.iter().filter(|secret| text.contains(**secret)).collect::<Vec<_>>() {
                *text = text.replace(secret, "[redacted]");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, secrets)),
        Value::Object(fields) => fields.values_mut().for_each(|field| redact(field, secrets)),
        _ => {}
    }
}

/// Returns the first reason in the body of an error, also from the objects and lists inside it.
fn reason(body: &Value, depth: usize) -> Option<String> {
    let inner: Vec<&Value> = match body {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
            if let Some(reason) = REASON_MEMBERS.iter().find_map(|name| text(name)) {
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
    fn an_empty_or_blank_body_is_none() {
        for bytes in [&b""[..], b" \r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"] {
            assert_eq!(read(200, bytes).body, None);
        }
        assert_eq!(read(204, b"{}").body, None);
    }

    #[test]
    fn json_is_read_with_any_content_type_and_a_byte_order_mark() {
        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        let raw = RawResponse { status: 200, headers, body: b"\xef\xbb\xbf{\"id\":\"1\"}".to_vec() };
        assert_eq!(Response::read(&raw).body, Some(Ok(json!({ "id": "1" }))));
    }

    #[test]
    fn each_unreadable_body_has_its_own_reason_which_never_quotes_it() {
        let cases: [(&[u8], &str); 5] = [
            (b"<!DOCTYPE html><p>jane@example.com</p>", "HTML"),
            (b"{\"userName\":\"jane@exa", "truncated"),
            (b"jane@example.com", "not JSON"),
            (b"\xff\xfe\x00jane", "not JSON"),
            (b"{\"userName\":\"jane\"} trailing", "not JSON"),
        ];
        for (bytes, part) in cases {
            let reason = read(200, bytes).body.unwrap().unwrap_err().reason;
            assert!(reason.contains(part), "{reason}");
            assert!(!reason.contains("jane"), "{reason}");
        }
        let headers = vec![("content-encoding".to_owned(), "gzip".to_owned())];
        let raw = RawResponse { status: 200, headers, body: b"\x1f\x8b\x08".to_vec() };
        assert!(Response::read(&raw).body.unwrap().unwrap_err().reason.contains("compressed"));
    }

    #[test]
    fn a_body_that_looks_like_a_page_or_is_declared_as_one_is_a_page() {
        assert!(read(404, b" <!DOCTYPE html>").is_page());
        let headers = vec![("content-type".to_owned(), "Text/HTML; charset=utf-8".to_owned())];
        assert!(Response::read(&RawResponse { status: 404, headers, body: b"not here".to_vec() }).is_page());
        for body in [&b"not here"[..], b"", b"{}"] {
            assert!(!read(404, body).is_page());
        }
    }

    #[test]
    fn endless_nesting_is_an_error_and_not_a_crash() {
        let deep = "[".repeat(1_000_000);
        assert!(read(200, deep.as_bytes()).body.unwrap().is_err());
    }

    #[test]
    fn the_reason_is_found_in_every_known_shape() {
        let cases = [
            (json!({ "status": "409", "scimType": "uniqueness", "detail": "taken" }), "taken (uniqueness)"),
            (json!({ "status": "409", "detail": "taken" }), "taken"),
            (json!({ "scimType": "invalidFilter", "status": "400" }), "invalidFilter"),
            (json!({ "Errors": [{ "description": "gone", "code": "404" }] }), "gone"),
            (json!({ "urn:ietf:params:scim:api:messages:2.0:Error": { "detail": "no", "status": 400 } }), "no"),
            (json!({ "error": { "code": 5, "message": "broken" } }), "broken"),
            (json!([{ "detail": "listed" }]), "listed"),
            (json!({ "error": "invalid_token", "error_description": "expired" }), "expired"),
            (json!({ "detail": "", "message": "second member" }), "second member"),
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
    fn a_redacted_secret_is_not_in_the_reason() {
        let mut response =
            read(400, json!({ "Errors": [{ "description": "bad token t0ken!" }] }).to_string().as_bytes());
        response.redact(&["t0ken", "other"]);
        assert_eq!(response.problem(), "bad token [redacted]!");
    }

    #[test]
    fn a_reason_is_one_line_and_is_cut() {
        let body = json!({ "detail": format!("UNIQUE\nconstraint {}", "x".repeat(5000)) });
        let problem = read(409, body.to_string().as_bytes()).problem();
        assert!(!problem.contains('\n'));
        assert!(problem.chars().count() < 400);
    }
}
