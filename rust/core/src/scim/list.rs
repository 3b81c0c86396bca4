//! Lists (RFC 7644 section 3.4.2), read leniently.

use serde_json::Value;

use super::filter::{Identifier, identifier_values};
use super::json::member;
use crate::Failure;

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListResponse {
    /// The resources on it.
    pub resources: Vec<Value>,
    /// `totalResults`, if it is there and a number.
    pub total: Option<u64>,
}

/// Reads a list answer. `Resources` may be missing where nothing was found; member names are read in any case; a bare
/// array counts as a list.
///
/// # Errors
/// [`Failure::Protocol`] for anything that is no list.
pub fn read_list_response(body: Value) -> Result<ListResponse, Failure> {
    let total = member(&body, "totalResults").and_then(Value::as_u64);
    let resources = match body {
        Value::Array(resources) => resources,
        Value::Object(object) => match object.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("Resources")) {
            Some((_, Value::Array(resources))) => resources,
            Some((_, Value::Null)) => Vec::new(),
            None if total.is_some() => Vec::new(),
            Some(_) | None => return Err(not_a_list()),
        },
        _ => return Err(not_a_list()),
    };
    Ok(ListResponse { resources, total })
}

fn not_a_list() -> Failure {
    Failure::Protocol("the target's answer is JSON but no SCIM list; check SCIM URL and the API paths".into())
}

/// How well a resource carries an identifier's value: `None` not at all, `Some(false)` but for letter case,
/// `Some(true)` to the letter.
pub fn match_identifier(resource: &Value, identifier: Identifier, value: &str) -> Option<bool> {
    let lower = value.to_lowercase();
    identifier_values(resource, identifier)
        .iter()
        .filter(|v| v.to_lowercase() == lower)
        .map(|v| v == value)
        .reduce(|a, b| a || b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn half_compliant_lists_are_read() {
        let resources = vec![json!({"id": "1"})];
        for (body, expected) in [
            (json!({"totalResults": 1, "Resources": [{"id": "1"}]}), (resources.clone(), Some(1))),
            (json!({"resources": [{"id": "1"}]}), (resources.clone(), None)),
            (json!({"totalResults": "1", "RESOURCES": [{"id": "1"}]}), (resources.clone(), None)),
            (json!([{"id": "1"}]), (resources.clone(), None)),
            (json!({"totalResults": 0}), (vec![], Some(0))),
            (json!({"Resources": null}), (vec![], None)),
        ] {
            let list = read_list_response(body).unwrap();
            assert_eq!((list.resources, list.total), expected);
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for body in [json!({}), json!({"id": "1"}), json!("x"), json!(null), json!({"Resources": "x"})] {
            assert_eq!(read_list_response(body).unwrap_err().code(), "protocol");
        }
    }

    #[test]
    fn identity_is_equality_but_for_letter_case() {
        let user = json!({"userName": "Anna@Example.com"});
        assert_eq!(match_identifier(&user, Identifier::UserName, "anna@example.com"), Some(false));
        assert_eq!(match_identifier(&user, Identifier::UserName, "Anna@Example.com"), Some(true));
        assert_eq!(match_identifier(&user, Identifier::UserName, "anna@example.co"), None);
    }
}
