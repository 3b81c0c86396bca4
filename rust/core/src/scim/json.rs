//! Reads members, ids, `active` and entity tags of JSON, with names in any letter case.
//! Does not know: fields, settings.

use serde_json::Value;

/// Returns a member of an object by its name in any letter case (RFC 7643 section 2.1).
pub fn member<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let object = object.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Returns the `id` of a resource, as text. A number becomes its digits. `None` if missing, empty or another type.
pub fn id(resource: &Value) -> Option<String> {
    match member(resource, "id")? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Returns true unless `active` is `false`, as a boolean or as text. A resource without `active` counts as active.
pub fn is_active(resource: &Value) -> bool {
    match member(resource, "active") {
        Some(Value::Bool(active)) => *active,
        Some(Value::String(active)) => !active.trim().eq_ignore_ascii_case("false"),
        _ => true,
    }
}

/// Returns true if a resource contains `active`.
pub fn has_active(resource: &Value) -> bool {
    member(resource, "active").is_some()
}

/// Returns the entity tag in a resource (`meta.version`).
pub fn version(resource: &Value) -> Option<&str> {
    member(member(resource, "meta")?, "version")?.as_str().filter(|v| !v.is_empty())
}
