//! Where things are: the SCIM URL, the users and groups paths, ids as one path segment each.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::version::Version;
use crate::Failure;
use crate::text::excerpt;

/// Everything but RFC 3986 unreserved characters.
const ENCODE_SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The two kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the resource types of RFC 7643 section 4")]
pub enum ResourceType {
    User,
    Group,
}

impl ResourceType {
    /// The word for one of them in messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    /// The label of the setting that says where they are.
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
    /// The addresses below a base URL. A query of that URL goes along with every request.
    ///
    /// `users` and `groups` are the API paths: each starts with `/` and does not end with it.
    pub fn new(base: Url, users: &str, groups: &str, version: Version) -> Self {
        Self { base, users: users.to_owned(), groups: groups.to_owned(), version }
    }

    /// The endpoint of a kind: for `POST`.
    pub fn endpoint(&self, kind: ResourceType) -> Url {
        match kind {
            ResourceType::User => self.append_path(&self.users),
            ResourceType::Group => self.append_path(&self.groups),
        }
    }

    /// The endpoint with query parameters: for `GET` of a list.
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

    /// One resource.
    ///
    /// # Errors
    /// [`Failure::Protocol`] for an id that is no path segment (`.` and `..`).
    pub fn resource(&self, kind: ResourceType, id: &str) -> Result<Url, Failure> {
        if matches!(id, "" | "." | "..") {
            return Err(Failure::Protocol(format!("the id '{}' cannot be part of an address", excerpt(id)).into()));
        }
        let path = match kind {
            ResourceType::User => &self.users,
            ResourceType::Group => &self.groups,
        };
        Ok(self.append_path(&format!("{path}/{}", utf8_percent_encode(id, ENCODE_SET))))
    }

    /// The service provider configuration: the version's own address first, then the other version's, which some
    /// targets use instead.
    pub fn service_provider_configuration(&self) -> [Url; 2] {
        let plural = self.append_path("/ServiceProviderConfigs");
        let singular = self.append_path("/ServiceProviderConfig");
        match self.version {
            Version::V1_1 => [plural, singular],
            Version::V2_0 => [singular, plural],
        }
    }

    /// The schemas that the target offers (RFC 7644 section 4).
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
    fn the_query_of_the_base_goes_along() {
        let at = addresses("https://scim.example/v2?tenant=a%20b");
        assert_eq!(at.endpoint(ResourceType::User).as_str(), "https://scim.example/v2/Users?tenant=a%20b");
        let list = at.list(ResourceType::User, &[("filter", "userName eq \"a&b+c\"")]);
        assert_eq!(list.as_str(), "https://scim.example/v2/Users?tenant=a%20b&filter=userName%20eq%20%22a%26b%2Bc%22");
    }

    #[test]
    fn an_id_is_one_path_segment_whatever_it_holds() {
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
    fn an_ipv6_host_stays_one() {
        let at = addresses("http://[::1]:8080");
        assert_eq!(at.endpoint(ResourceType::Group).as_str(), "http://[::1]:8080/Groups");
    }
}
