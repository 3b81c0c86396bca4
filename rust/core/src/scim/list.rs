//! Reads lists (RFC 7644 section 3.4.2), also in forms that the RFC does not allow.
//! Does not know: requests, paging.

use serde_json::Value;

use super::filter::{Identifier, identifier_values};
use super::json::member;
use crate::{Failure, Message};

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListResponse {
    /// The resources of this page.
    pub resources: Vec<Value>,
    /// `totalResults`, if it is a number.
    pub total: Option<u64>,
}

/// Reads the response to a search. `Resources` may be missing if `totalResults` is present. Names may have any letter
/// case. An array without an object around it counts as a list.
///
/// # Errors
/// [`Failure::Protocol`] if the body is not a list.
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
    let text = "the target returned JSON that is not a SCIM list";
    Failure::Protocol(Message::new(text).with_hint("check SCIM URL, Users API Path and Groups Path API"))
}

/// Compares the identifier of a resource with a value: `None` if they differ, `Some(false)` if only the letter case
/// differs, `Some(true)` if they are equal.
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
    fn lists_in_other_shapes_are_read() {
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
    fn a_body_that_is_not_a_list_is_rejected() {
        for body in [json!({}), json!({"id": "1"}), json!("x"), json!(null), json!({"Resources": "x"})] {
            assert_eq!(read_list_response(body).unwrap_err().code(), "protocol");
        }
    }

    #[test]
    fn an_identifier_matches_in_any_letter_case() {
        let user = json!({"userName": "Anna@Example.com"});
        assert_eq!(match_identifier(&user, Identifier::UserName, "anna@example.com"), Some(false));
        assert_eq!(match_identifier(&user, Identifier::UserName, "Anna@Example.com"), Some(true));
        assert_eq!(match_identifier(&user, Identifier::UserName, "anna@example.co"), None);
    }
}
