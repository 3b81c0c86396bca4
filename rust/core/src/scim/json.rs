//! Reads raw JSON of the target, whatever the letter case of its names: members, ids, `active`, entity tags.
//! Does not know: fields, settings.

use serde_json::Value;

/// A member of an object, by its name in any letter case (RFC 7643 section 2.1).
pub fn member<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let object = object.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The `id` of a resource, if it has one that can be used in an address. A number is read as its digits.
pub fn id(resource: &Value) -> Option<String> {
    match member(resource, "id")? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Whether a resource is active: without `active`, or with one that cannot be read, it counts as active.
pub fn is_active(resource: &Value) -> bool {
    match member(resource, "active") {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(active)) => !active.trim().eq_ignore_ascii_case("false"),
        _ => true,
    }
}

/// Whether a resource says anything about `active`.
pub fn has_active(resource: &Value) -> bool {
    member(resource, "active").is_some()
}

/// The entity tag inside a resource (`meta.version`).
pub fn version(resource: &Value) -> Option<&str> {
    member(member(resource, "meta")?, "version")?.as_str().filter(|v| !v.is_empty())
}
