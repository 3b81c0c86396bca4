//! The mapping that a new channel starts with: which directory attribute feeds which field, as PingFederate's default
//! mapping file wants it. Only what nearly every directory has; everything else is the administrator's choice.

/// One line of the default mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultMapping {
    /// Field code.
    pub code: &'static str,
    /// The name that ties the field to directory attributes in PingFederate's file.
    pub logical_name: &'static str,
    /// The LDAP attribute in Active Directory, where it is not [`DefaultMapping::ldap`].
    pub active_directory: Option<&'static str>,
    /// The LDAP attribute in other directories, and in Active Directory where it has none of its own.
    pub ldap: Option<&'static str>,
    /// Sent on create, never on update.
    pub create_only: bool,
    /// Never shown in logs.
    pub masked: bool,
}

const fn everywhere(code: &'static str, logical_name: &'static str, ldap: &'static str) -> DefaultMapping {
    DefaultMapping { code, logical_name, active_directory: None, ldap: Some(ldap), create_only: false, masked: false }
}

const MAPPINGS: &[DefaultMapping] = &[
    DefaultMapping { active_directory: Some("sAMAccountName"), ..everywhere("userName", "username", "uid") },
    everywhere("givenName", "firstname", "givenName"),
    everywhere("familyName", "lastname", "sn"),
    DefaultMapping { active_directory: Some("middleName"), ldap: None, ..everywhere("middleName", "middlename", "") },
    everywhere("honorificSuffix", "suffix", "generationQualifier"),
    everywhere("workEmail", "email", "mail"),
    everywhere("displayName", "displayname", "displayName"),
    everywhere("title", "title", "title"),
    // No attribute: a directory does not give passwords away.
    DefaultMapping { ldap: None, create_only: true, masked: true, ..everywhere("password", "password", "") },
    everywhere("workPhone", "phone", "telephoneNumber"),
    everywhere("workStreetAddress", "street", "streetAddress"),
    everywhere("workCity", "city", "l"),
    everywhere("workState", "state", "st"),
    everywhere("workPostalCode", "postalcode", "postalCode"),
    everywhere("workCountry", "country", "c"),
];

/// The default mappings, in the order of the fields.
pub fn default_mappings() -> &'static [DefaultMapping] {
    MAPPINGS
}
