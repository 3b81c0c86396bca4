//! Defines the types of resources, and what a request and its response consist of.
//! Does not know: stored resources.

use serde_json::{Value, json};

/// The type of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the resource types of RFC 7643 section 4")]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    /// Returns the name of the resource type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Returns the required attribute, which is unique at the target.
    pub(super) fn name_attribute(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "displayName",
        }
    }

    /// Returns the URN of the core schema.
    pub(super) fn schema(self) -> String {
        format!("urn:ietf:params:scim:schemas:core:2.0:{}", self.name())
    }
}

/// One request, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The HTTP method.
    pub method: &'static str,
    /// The decoded path below the SCIM URL: `/Users/u1`.
    pub path: String,
    /// The decoded query parameters.
    pub query: Vec<(String, String)>,
    /// The entity tag in `If-Match`.
    pub if_match: Option<String>,
    /// The body. `Null` without one.
    pub body: Value,
}

impl Sent {
    /// Returns the value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One response.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body. `Null` if it is empty.
    pub body: Value,
}

/// A SCIM error (RFC 7644 section 3.12).
pub(super) struct Refusal {
    status: u16,
    scim_type: Option<&'static str>,
    detail: String,
}

impl Refusal {
    pub(super) fn new(status: u16, scim_type: Option<&'static str>, detail: &str) -> Self {
        Self { status, scim_type, detail: detail.to_owned() }
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, None, "the resource does not exist")
    }

    pub(super) fn not_allowed(status: u16) -> Self {
        Self::new(status, None, "the method is not supported")
    }

    pub(super) fn answer(self) -> Answer {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(scim_type), Some(body)) = (self.scim_type, body.as_object_mut()) {
            body.insert("scimType".into(), scim_type.into());
        }
        Answer { status: self.status, headers: Vec::new(), body }
    }
}
