//! Lists the default mappings of a new channel, for PingFederate's file of default mappings.
//! Does not know: the attributes of a particular directory.
//!
//! It contains only attributes that almost every directory has. The administrator maps all other fields.

/// One line of the default mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultMapping {
    /// Field code.
    pub code: &'static str,
    /// The name in PingFederate's file that links the field to the attributes of each directory type.
    pub logical_name: &'static str,
    /// The LDAP attribute in Active Directory, if it is not [`DefaultMapping::ldap`].
    pub active_directory: Option<&'static str>,
    /// The LDAP attribute in all directories for which [`DefaultMapping::active_directory`] names no other.
    pub ldap: Option<&'static str>,
    /// Whether the field is sent only when the user is created.
    pub create_only: bool,
    /// Whether the value is hidden in logs.
    pub masked: bool,
}

const fn mapping(code: &'static str, logical_name: &'static str, ldap: &'static str) -> DefaultMapping {
    DefaultMapping { code, logical_name, active_directory: None, ldap: Some(ldap), create_only: false, masked: false }
}

const MAPPINGS: &[DefaultMapping] = &[
    DefaultMapping { active_directory: Some("sAMAccountName"), ..mapping("userName", "username", "uid") },
    mapping("givenName", "firstname", "givenName"),
    mapping("familyName", "lastname", "sn"),
    DefaultMapping { active_directory: Some("middleName"), ldap: None, ..mapping("middleName", "middlename", "") },
    mapping("honorificSuffix", "suffix", "generationQualifier"),
    mapping("workEmail", "email", "mail"),
    mapping("displayName", "displayname", "displayName"),
    mapping("title", "title", "title"),
    // It has no attribute, because a directory does not return passwords.
    DefaultMapping { ldap: None, create_only: true, masked: true, ..mapping("password", "password", "") },
    mapping("workPhone", "phone", "telephoneNumber"),
    mapping("workStreetAddress", "street", "streetAddress"),
    mapping("workCity", "city", "l"),
    mapping("workState", "state", "st"),
    mapping("workPostalCode", "postalcode", "postalCode"),
    mapping("workCountry", "country", "c"),
];

/// Returns the default mappings, in the order of the fields.
pub fn default_mappings() -> &'static [DefaultMapping] {
    MAPPINGS
}
