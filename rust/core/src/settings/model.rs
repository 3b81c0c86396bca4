//! Defines the settings of the Target tab as typed, valid values.
//! Does not know: where the values come from.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use sha2::{Digest, Sha256};
use url::Url;

use super::secret::Secret;
use crate::scim::{Identifier, Version};

/// *Authentication Methods*, with the settings of the chosen method.
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
    /// OAuth 2 bearer token that does not change.
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
    /// `PUT` of the target's resource with the changes in it.
    Put,
    /// `PATCH` with the changes only.
    Patch,
    /// `PATCH` if the service provider configuration supports it, otherwise `PUT`.
    Automatic,
}

/// The settings of the Target tab as typed, valid values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// *SCIM URL*: absolute http or https, with its query. The path does not end with `/`. `Url` shows an empty path as
    /// `/`.
    pub scim_url: Url,
    /// *SCIM Version*.
    pub version: Version,
    /// *Authentication Methods*.
    pub authentication: Authentication,
    /// *Unique User Identifier*.
    pub identifier: Identifier,
    /// *Filter Expression* as typed, or the default of the identifier with `"%s"` as its value.
    pub filter: String,
    /// *Authorization Header Type*; `None` = the default word of the method.
    pub authorization_type: Option<String>,
    /// *Users API Path*: begins with `/` and does not end with it.
    pub users_path: String,
    /// *Groups Path API*: begins with `/` and does not end with it.
    pub groups_path: String,
    /// *Results Per Page*; `None` = -1, the page size of the target.
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
    /// Returns a SHA-256 digest of all settings, including secrets. It is a key for maps in memory: never print or
    /// store it.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = ShaHasher(Sha256::new());
        self.hash(&mut hasher);
        hasher.0.finalize().into()
    }
}

/// Feeds SHA-256 with the input of `Hash`, which is prefix-free. Nothing uses its 64-bit result.
struct ShaHasher(Sha256);

impl Hasher for ShaHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.clone().finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}
