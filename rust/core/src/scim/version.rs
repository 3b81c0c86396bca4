//! Lists the versions of SCIM and their media types.
//! Does not know: requests.

/// *SCIM Version*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// SCIM 1.1.
    V1_1,
    /// SCIM 2.0 (RFC 7643, RFC 7644).
    V2_0,
}

impl Version {
    /// Returns the values of `Accept` and `Content-Type`: RFC 7644 section 3.1, SCIM 1.1 protocol section 3.
    pub fn media_types(self) -> (&'static str, &'static str) {
        match self {
            Self::V2_0 => ("application/scim+json, application/json;q=0.9", "application/scim+json"),
            Self::V1_1 => ("application/json", "application/json"),
        }
    }
}
