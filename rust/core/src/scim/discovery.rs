//! What a target says that it can do: the service provider configuration (RFC 7643 section 5), read as raw JSON
//! because typed reading fails on real servers.

use serde_json::Value;

use super::json::member;

/// The claims of a target. Claims, not proofs: some targets say less than they do, some more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `PATCH`.
    pub patch: bool,
    /// Filters.
    pub filter: bool,
    /// The most resources that a filter answers.
    pub max_results: Option<u64>,
    /// `/Bulk`.
    pub bulk: bool,
    /// Entity tags.
    pub etag: bool,
}

impl Capabilities {
    /// Reads a service provider configuration; what is missing counts as not supported.
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

    /// The claims, one a line.
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
    fn claims_are_read_in_every_shape() {
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
