//! The Target tab, parsed and valid.
//! Does not know: where the values came from.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use sha2::{Digest, Sha256};
use url::Url;

use super::secret::Secret;
use crate::scim::{Identifier, Version};

/// *Authentication Methods*, with the settings of the chosen one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// No `Authorization` header.
    None,
    /// HTTP Basic.
    Basic {
        /// *Basic Authentication Username*.
        user: String,
        /// *Basic Authentication Password*.
        password: Secret,
    },
    /// OAuth 2 bearer token, static.
    Bearer {
        /// *Access Token*.
        token: Secret,
    },
    /// OAuth 2 client credentials.
    ClientCredentials {
        /// *Token Request Endpoint*.
        endpoint: Url,
        /// *Client ID*.
        client_id: String,
        /// *Client Secret*.
        client_secret: Secret,
        /// *Scope*, split at commas.
        scopes: Vec<String>,
    },
}

/// *Remove User Action*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoveAction {
    /// `active` becomes false.
    Disable,
    /// The user is deleted.
    Delete,
}

/// *Group Name Source*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupNameSource {
    /// The group's CN.
    CommonName,
    /// The group's whole DN.
    DistinguishedName,
}

/// *User Update Method*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpdateMethod {
    /// Merge `PUT`.
    Put,
    /// Only the differences.
    Patch,
    /// What the service provider configuration says.
    Automatic,
}

/// The Target tab, parsed and valid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// *SCIM URL*: absolute http or https; the path never ends in `/`, but for an empty one, which `Url` always shows
    /// as `/`; a query is kept.
    pub scim_url: Url,
    /// *SCIM Version*.
    pub version: Version,
    /// *Authentication Methods*.
    pub authentication: Authentication,
    /// *Unique User Identifier*.
    pub identifier: Identifier,
    /// *Filter Expression* as typed, or the identifier's default with `"%s"` as its value part.
    pub filter: String,
    /// *Authorization Header Type*; `None` = the scheme's own word.
    pub authorization_type: Option<String>,
    /// *Users API Path*: starts with `/`, does not end with it.
    pub users_path: String,
    /// *Groups Path API*, likewise.
    pub groups_path: String,
    /// *Results Per Page*; `None` = -1, as many as the target gives.
    pub results_per_page: Option<u32>,
    /// *User Create*.
    pub create: bool,
    /// *User Update*.
    pub update: bool,
    /// *User Disable / Delete*.
    pub remove: bool,
    /// *Provision Disabled Users*.
    pub provision_disabled: bool,
    /// *Remove User Action*.
    pub remove_action: RemoveAction,
    /// *Group Name Source*.
    pub group_name_source: GroupNameSource,
    /// *Use PATCH for Group Updates*.
    pub group_patch: bool,
    /// *Custom Attribute Schema URNs*.
    pub extension_urns: Vec<String>,
    /// *User Update Method*.
    pub update_method: UpdateMethod,
    /// *Maximum Removals Per Cycle*; `None` = no limit.
    pub max_removals: Option<u32>,
    /// *Clear Attributes When Empty*: field codes.
    pub clearable: Vec<String>,
    /// *Maximum Requests Per Second*; `None` = no limit.
    pub max_requests_per_second: Option<u32>,
    /// *Request Timeout*.
    pub request_timeout: Duration,
}

impl Settings {
    /// Tells these settings from any others, secrets included. A key for registries: never print or store it.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = ShaHasher(Sha256::new());
        self.hash(&mut hasher);
        hasher.0.finalize().into()
    }
}

/// Feeds `Hash`, whose encoding is prefix-free, to SHA-256. Its own 64-bit result is of no use here.
struct ShaHasher(Sha256);

impl Hasher for ShaHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.clone().finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}
