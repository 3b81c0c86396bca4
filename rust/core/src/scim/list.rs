//! Reads one page of a list (RFC 7644 section 3.4.2, RFC 9865), also in forms that the RFCs do not allow.
//! Does not know: requests, paging.

use serde_json::Value;

use super::json::{count, member, text};
use crate::{Failure, Message};

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListPage {
    /// The resources of this page.
    pub resources: Vec<Value>,
    /// `totalResults`, as a number or as text.
    pub total: Option<u64>,
    /// `nextCursor`, if more pages follow in a list with cursors.
    pub next_cursor: Option<String>,
}

/// Reads a page. `Resources` may be missing if `totalResults` is present. Names may have any letter case. An array without
/// an object around it counts as a page without `totalResults`.
///
/// # Errors
/// [`Failure::Protocol`] if the body is not a list.
pub fn read_list_page(body: Value) -> Result<ListPage, Failure> {
    let total = member(&body, "totalResults").and_then(count);
    let next_cursor = member(&body, "nextCursor").and_then(text);
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
    Ok(ListPage { resources, total, next_cursor })
}

fn not_a_list() -> Failure {
    let text = "the target returned JSON that is not a SCIM list";
    Failure::Protocol(Message::new(text).with_hint("check SCIM URL, Users API Path and Groups Path API"))
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
            (json!({"totalResults": "1", "RESOURCES": [{"id": "1"}]}), (resources.clone(), Some(1))),
            (json!([{"id": "1"}]), (resources.clone(), None)),
            (json!({"totalResults": 0}), (vec![], Some(0))),
            (json!({"totalResults": 2, "Resources": null}), (vec![], Some(2))),
            (json!({"Resources": null}), (vec![], None)),
        ] {
            let page = read_list_page(body).unwrap();
            assert_eq!((page.resources, page.total), expected);
        }
        let page = read_list_page(json!({"Resources": [], "nextCursor": "c2"})).unwrap();
        assert_eq!(page.next_cursor.as_deref(), Some("c2"));
        assert_eq!(read_list_page(json!({"Resources": [], "nextCursor": ""})).unwrap().next_cursor, None);
    }

    #[test]
    fn a_body_that_is_not_a_list_is_rejected() {
        for body in [json!({}), json!({"id": "1"}), json!("x"), json!(null), json!({"Resources": "x"})] {
            assert_eq!(read_list_page(body).unwrap_err().code(), "protocol");
        }
    }
}
