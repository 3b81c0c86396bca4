//! Reads the service provider configuration of a target (RFC 7643 section 5).
//! Does not know: which requests depend on it.
//!
//! It reads raw JSON, because some servers send types that the RFC does not allow.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::{count, member, truth};

/// What a target says that it supports. This is not a proof: some targets list more than they support, some less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Reads a service provider configuration. A missing member counts as not supported. `None` if the JSON has no member
    /// of a configuration, so that it is something else.
    pub fn read(configuration: &Value) -> Option<Self> {
        const MEMBERS: [&str; 6] = ["patch", "filter", "bulk", "etag", "sort", "changePassword"];
        if MEMBERS.iter().all(|name| member(configuration, name).is_none()) {
            return None;
        }
        let supported =
            |name: &str| member(configuration, name).and_then(|c| member(c, "supported")).and_then(truth) == Some(true);
        Some(Self {
            patch: supported("patch"),
            filter: supported("filter"),
            max_results: member(configuration, "filter").and_then(|c| member(c, "maxResults")).and_then(count),
            bulk: supported("bulk"),
            etag: supported("etag"),
        })
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
            Some(Capabilities { patch: true, filter: true, max_results: Some(200), bulk: false, etag: false })
        );
        assert_eq!(Capabilities::read(&json!({"patch": {}})), Some(Capabilities::default()));
        for other in [json!("nothing"), json!({"message": "welcome"}), json!([])] {
            assert_eq!(Capabilities::read(&other), None);
        }
    }
}
