//! Builds the addresses of a target from SCIM URL, API paths and ids. An id becomes one path segment.
//! Does not know: requests, resources.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::version::Version;
use crate::Failure;
use crate::text::excerpt;

/// All characters except the unreserved characters of RFC 3986.
const ENCODE_SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The type of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the resource types of RFC 7643 section 4")]
pub enum ResourceType {
    User,
    Group,
}

impl ResourceType {
    /// Returns the noun for messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    /// Returns the label of the setting with the API path.
    pub fn path_setting(self) -> &'static str {
        match self {
            Self::User => "Users API Path",
            Self::Group => "Groups Path API",
        }
    }
}

/// The addresses of one target.
#[derive(Debug, Clone)]
pub struct Addresses {
    base: Url,
    users: String,
    groups: String,
    version: Version,
}

impl Addresses {
    /// Returns the addresses below a base URL. Each address contains the query of that URL.
    ///
    /// `users` and `groups` are the API paths: each starts with `/` and does not end with it.
    pub fn new(base: Url, users: &str, groups: &str, version: Version) -> Self {
        Self { base, users: users.to_owned(), groups: groups.to_owned(), version }
    }

    /// Returns the endpoint of a resource type, for `POST`.
    pub fn endpoint(&self, kind: ResourceType) -> Url {
        match kind {
            ResourceType::User => self.append_path(&self.users),
            ResourceType::Group => self.append_path(&self.groups),
        }
    }

    /// Returns the endpoint with query parameters, for `GET` of a list.
    pub fn list(&self, kind: ResourceType, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.endpoint(kind);
        let mut query = url.query().unwrap_or_default().to_owned();
        for (name, value) in parameters {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            query.extend(utf8_percent_encode(value, ENCODE_SET));
        }
        if !query.is_empty() {
            url.set_query(Some(&query));
        }
        url
    }

    /// Returns the address of one resource.
    ///
    /// # Errors
    /// [`Failure::Protocol`] for an id that cannot be a path segment: empty, `.` or `..`.
    pub fn resource(&self, kind: ResourceType, id: &str) -> Result<Url, Failure> {
        if matches!(id, "" | "." | "..") {
            return Err(Failure::Protocol(
                format!("the {} id '{}' cannot be part of an address", kind.noun(), excerpt(id)).into(),
            ));
        }
        let path = match kind {
            ResourceType::User => &self.users,
            ResourceType::Group => &self.groups,
        };
        Ok(self.append_path(&format!("{path}/{}", utf8_percent_encode(id, ENCODE_SET))))
    }

    /// Returns the addresses of the service provider configuration: that of this version first, then that of the other
    /// version, which some targets use.
    pub fn service_provider_configuration(&self) -> [Url; 2] {
        let plural = self.append_path("/ServiceProviderConfigs");
        let singular = self.append_path("/ServiceProviderConfig");
        match self.version {
            Version::V1_1 => [plural, singular],
            Version::V2_0 => [singular, plural],
        }
    }

    /// Returns the address of the schemas (RFC 7644 section 4).
    pub fn schemas(&self) -> Url {
        self.append_path("/Schemas")
    }

    fn append_path(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(base: &str) -> Addresses {
        Addresses::new(Url::parse(base).unwrap(), "/Users", "/Groups", Version::V2_0)
    }

    #[test]
    fn each_address_contains_the_query_of_the_base() {
        let at = addresses("https://scim.example/v2?tenant=a%20b");
        assert_eq!(at.endpoint(ResourceType::User).as_str(), "https://scim.example/v2/Users?tenant=a%20b");
        let list = at.list(ResourceType::User, &[("filter", "userName eq \"a&b+c\"")]);
        assert_eq!(list.as_str(), "https://scim.example/v2/Users?tenant=a%20b&filter=userName%20eq%20%22a%26b%2Bc%22");
    }

    #[test]
    fn an_id_with_reserved_characters_is_one_path_segment() {
        let at = addresses("https://scim.example/v2/");
        for (id, segment) in
            [("2819c223", "2819c223"), ("a/../b?c#d", "a%2F..%2Fb%3Fc%23d"), ("%2e%2e", "%252e%252e"), ("ü", "%C3%BC")]
        {
            let url = at.resource(ResourceType::User, id).unwrap();
            assert_eq!(url.as_str(), format!("https://scim.example/v2/Users/{segment}"));
        }
        for id in ["", ".", ".."] {
            assert_eq!(at.resource(ResourceType::User, id).unwrap_err().code(), "protocol");
        }
    }

    #[test]
    fn an_ipv6_host_keeps_its_brackets() {
        let at = addresses("http://[::1]:8080");
        assert_eq!(at.endpoint(ResourceType::Group).as_str(), "http://[::1]:8080/Groups");
    }
}
