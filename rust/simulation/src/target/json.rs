//! Reads attributes of resources (RFC 7643 section 2).
//! Does not know: stored resources, requests.

use serde_json::Value;

use super::message::Kind;

/// The multi-valued attributes of RFC 7643 section 4.
pub(super) const MULTI_VALUED: [&str; 9] =
    ["members", "emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates"];

/// Returns an attribute by its name in any letter case (RFC 7643 section 2.1).
pub(super) fn member<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Returns an attribute that is a string.
pub(super) fn text<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    member(object, name)?.as_str()
}

/// Returns the members of a stored group.
pub(super) fn members(group: &Value) -> &[Value] {
    member(group, "members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Returns whether two texts differ in letter case at most.
pub(super) fn same_text(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// Returns whether the client cannot write an attribute.
pub(super) fn is_read_only(kind: Kind, name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    is("id") || is("meta") || (kind == Kind::User && is("groups"))
}

/// Returns whether a name is a URN.
pub(super) fn is_urn(name: &str) -> bool {
    name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}
