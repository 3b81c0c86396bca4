//! Reads the service provider configuration of a target (RFC 7643 section 5).
//! Does not know: which requests depend on it.
//!
//! It reads raw JSON, because some servers send types that the RFC does not allow.

use serde_json::Value;

use super::json::member;

/// What a target says that it supports. This is not a proof: some targets list more than they support, some less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `PATCH` is supported.
    pub patch: bool,
    /// Filters are supported.
    pub filter: bool,
    /// The target returns this many resources for a filter at most (`maxResults`).
    pub max_results: Option<u64>,
    /// `/Bulk` is supported.
    pub bulk: bool,
    /// Entity tags are supported.
    pub etag: bool,
}

impl Capabilities {
    /// Reads a service provider configuration. A missing member counts as not supported.
    pub fn read(configuration: &Value) -> Self {
        let supported = |name: &str| match member(configuration, name).and_then(|c| member(c, "supported")) {
            Some(Value::Bool(b)) => *b,
            Some(Value::String(s)) => s.eq_ignore_ascii_case("true"),
            _ => false,
        };
        Self {
            patch: supported("patch"),
            filter: supported("filter"),
            max_results: member(configuration, "filter").and_then(|c| member(c, "maxResults")).and_then(Value::as_u64),
            bulk: supported("bulk"),
            etag: supported("etag"),
        }
    }

    /// Returns one printable line for each feature.
    pub fn facts(&self) -> Vec<String> {
        let yes_or_no = |b| if b { "yes" } else { "no" };
        vec![
            format!("PATCH: {}", yes_or_no(self.patch)),
            match self.max_results {
                Some(maximum) if self.filter => format!("filter: yes, at most {maximum} results"),
                _ => format!("filter: {}", yes_or_no(self.filter)),
            },
            format!("bulk: {}", yes_or_no(self.bulk)),
            format!("ETag: {}", yes_or_no(self.etag)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn capabilities_are_read_in_any_letter_case_and_type() {
        let capabilities = Capabilities::read(&json!({
            "Patch": {"supported": "True"}, "filter": {"supported": true, "maxResults": 200}, "bulk": [], "etag": null
        }));
        assert_eq!(
            capabilities,
            Capabilities { patch: true, filter: true, max_results: Some(200), bulk: false, etag: false }
        );
        assert_eq!(Capabilities::read(&json!("nothing")), Capabilities::default());
    }
}
