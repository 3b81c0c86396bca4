//! Reads members, ids, `active`, counts and entity tags of JSON: names in any letter case, values as number or text.
//! Does not know: fields, settings.
//!
//! A value that is missing or cannot be read is `None`. What that means depends on the reader, so nothing is assumed here.

use serde_json::{Map, Value};

/// Returns a member of an object by its name in any letter case (RFC 7643 section 2.1).
pub fn member<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    member_of(object.as_object()?, name)
}

/// As [`member`], for the members of an object.
pub fn member_of<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Returns text, or a number as its digits. `None` for empty text and other types.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns whether a value is true or false, as a boolean, as 1 or 0, or as text.
pub fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Returns a count, as a number or as text.
pub fn count(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        number => number.as_u64(),
    }
}

/// Returns the `id` of a resource, as text. `None` if it is missing, empty or of another type.
pub fn id(resource: &Value) -> Option<String> {
    text(member(resource, "id")?)
}

/// Returns `active` of a resource; `None` if it is missing or cannot be read.
pub fn active(resource: &Value) -> Option<bool> {
    truth(member(resource, "active")?)
}

/// Returns the entries of a multi-valued attribute. A value that is not a list is its only entry.
pub fn entries(attribute: Option<&Value>) -> &[Value] {
    match attribute {
        None | Some(Value::Null) => &[],
        Some(Value::Array(entries)) => entries,
        Some(entry) => std::slice::from_ref(entry),
    }
}

/// Returns the entity tag in a resource (`meta.version`).
pub fn version(resource: &Value) -> Option<&str> {
    member(member(resource, "meta")?, "version")?.as_str().filter(|v| !v.is_empty())
}

/// Returns true for an error of SCIM 2.0 (RFC 7644 section 3.12) or 1.1 (protocol section 3.9).
pub fn is_error(body: &Value) -> bool {
    const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
    let is_urn = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(ERROR));
    let first_error = || entries(member(body, "Errors")).first();
    entries(member(body, "schemas")).iter().any(is_urn)
        || first_error().is_some_and(|error| member(error, "code").is_some() || member(error, "description").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn active_is_read_as_boolean_number_and_text_and_nothing_else() {
        for (value, expected) in [
            (json!(true), Some(true)),
            (json!(1), Some(true)),
            (json!("TRUE"), Some(true)),
            (json!("1"), Some(true)),
            (json!(false), Some(false)),
            (json!(0), Some(false)),
            (json!(" False "), Some(false)),
            (json!("0"), Some(false)),
            (json!(null), None),
            (json!(2), None),
            (json!("inactive"), None),
            (json!([false]), None),
        ] {
            assert_eq!(active(&json!({"Active": value})), expected, "{value}");
        }
        assert_eq!(active(&json!({})), None);
    }

    #[test]
    fn ids_and_counts_are_read_as_number_and_text() {
        assert_eq!(id(&json!({"ID": 7})).as_deref(), Some("7"));
        assert_eq!(id(&json!({"id": "7"})).as_deref(), Some("7"));
        for not_an_id in [json!(""), json!(null), json!({"value": "7"}), json!(true)] {
            assert_eq!(id(&json!({"id": not_an_id})), None);
        }
        for (value, expected) in
            [(json!(3), Some(3)), (json!("3"), Some(3)), (json!(-1), None), (json!("many"), None), (json!(null), None)]
        {
            assert_eq!(count(&value), expected);
        }
    }

    #[test]
    fn only_scim_errors_are_errors() {
        let urn = "urn:ietf:params:scim:api:messages:2.0:Error";
        for body in [
            json!({"schemas": [urn], "status": "404"}),
            json!({"Schemas": urn, "status": 404}),
            json!({"Errors": [{"description": "gone", "code": "404"}]}),
        ] {
            assert!(is_error(&body), "{body}");
        }
        for body in
            [json!({"message": "no route", "statusCode": 404}), json!({"detail": "Not Found"}), json!([]), json!({})]
        {
            assert!(!is_error(&body), "{body}");
        }
    }
}
