//! The attributes of a PingOne user: what the console calls them, where they stand in the user's JSON, and what
//! directories have instead. Data only.

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// What the console calls it.
    pub label: &'static str,
    /// Where it stands in the JSON of a user.
    pub path: &'static str,
    /// The same in Active Directory.
    pub active_directory: Option<&'static str>,
    /// The same in another LDAP directory.
    pub ldap: Option<&'static str>,
    /// Can be mapped to a field; the others only choose users.
    pub mapped: bool,
}

const fn row(label: &'static str, path: &'static str) -> Attribute {
    Attribute { label, path, active_directory: None, ldap: None, mapped: true }
}

const fn everywhere(label: &'static str, path: &'static str, attribute: &'static str) -> Attribute {
    two(label, path, attribute, attribute)
}

const fn two(label: &'static str, path: &'static str, ad: &'static str, ldap: &'static str) -> Attribute {
    Attribute { active_directory: Some(ad), ldap: Some(ldap), ..row(label, path) }
}

/// *Population Name*: PingOne's users say the id only, the source adds the name.
pub(crate) const POPULATION_NAME: &str = "population.name";
/// *Population ID*.
pub(crate) const POPULATION_ID: &str = "population.id";
/// The names of the groups that a user is in.
pub(crate) const GROUP_NAMES: &str = "memberOfGroupNames";
/// Their ids.
pub(crate) const GROUP_IDS: &str = "memberOfGroupIDs";
/// *Group* in the user filter.
pub(crate) const GROUP: &str = "Group";
/// The source id of users and groups.
pub(crate) const ID: &str = "id";
/// The account status.
pub(crate) const ENABLED: &str = "enabled";

/// The object classes that the source gives to its entries.
pub(crate) const USER_CLASS: &str = "user";
/// That of groups.
pub(crate) const GROUP_CLASS: &str = "group";
/// What the source calls the name of a group.
pub(crate) const GROUP_NAME: &str = "cn";
/// What it calls the members of one.
pub(crate) const GROUP_MEMBER: &str = "member";

const ATTRIBUTES: &[Attribute] = &[
    two("Username", "username", "sAMAccountName", "uid"),
    everywhere("Given Name", "name.given", "givenName"),
    Attribute { active_directory: Some("middleName"), ..row("Middle Name", "name.middle") },
    everywhere("Family Name", "name.family", "sn"),
    everywhere("Formatted", "name.formatted", "displayName"),
    everywhere("Honorific Prefix", "name.honorificPrefix", "personalTitle"),
    everywhere("Honorific Suffix", "name.honorificSuffix", "generationQualifier"),
    row("Nickname", "nickname"),
    everywhere("Title", "title", "title"),
    everywhere("Type", "type", "employeeType"),
    everywhere("Email Address", "email", "mail"),
    everywhere("Primary Phone", "primaryPhone", "telephoneNumber"),
    everywhere("Mobile Phone", "mobilePhone", "mobile"),
    two("External ID", "externalId", "objectGUID", "entryUUID"),
    two("Account ID", "accountId", "employeeID", "employeeNumber"),
    everywhere("Street Address", "address.streetAddress", "streetAddress"),
    everywhere("Locality", "address.locality", "l"),
    everywhere("Region", "address.region", "st"),
    everywhere("Postal Code", "address.postalCode", "postalCode"),
    everywhere("Country Code", "address.countryCode", "c"),
    everywhere("Preferred Language", "preferredLanguage", "preferredLanguage"),
    row("Locale", "locale"),
    row("Timezone", "timezone"),
    row("Photo", "photo.href"),
    row("User ID", ID),
    row("Population ID", POPULATION_ID),
    row("Population Name", POPULATION_NAME),
    Attribute { mapped: false, ..row("Enabled", ENABLED) },
    Attribute { mapped: false, ..row(GROUP, GROUP_NAMES) },
    Attribute { mapped: false, ..row("Group ID", GROUP_IDS) },
];

/// The mapping of a rule that has none of its own: field codes and labels.
pub(crate) const DEFAULT_MAPPING: [(&str, &str); 5] = [
    ("userName", "Username"),
    ("givenName", "Given Name"),
    ("familyName", "Family Name"),
    ("workPhone", "Primary Phone"),
    ("workEmail", "Email Address"),
];

/// All attributes, in the order in which they are told.
pub fn attributes() -> &'static [Attribute] {
    ATTRIBUTES
}

/// The attribute of that label or path.
pub(crate) fn attribute(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|a| a.path == name || a.label.eq_ignore_ascii_case(name.trim()))
}

/// The attribute that a directory has under this name.
pub(crate) fn of_directory(name: &str) -> Option<&'static Attribute> {
    let same = |theirs: Option<&str>| theirs.is_some_and(|theirs| theirs.eq_ignore_ascii_case(name));
    ATTRIBUTES.iter().find(|a| same(a.active_directory) || same(a.ldap))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pfscim_core::mapping::Catalogue;
    use pfscim_core::scim::Version;

    use super::*;

    #[test]
    fn labels_and_paths_are_told_apart() {
        let names: Vec<_> = ATTRIBUTES.iter().flat_map(|a| [a.label.to_lowercase(), a.path.to_lowercase()]).collect();
        // The title and the type, the locale and others are called the same in both ways.
        let once: BTreeSet<_> = ATTRIBUTES.iter().map(|a| a.path).collect();
        assert_eq!(once.len(), ATTRIBUTES.len());
        for attribute in ATTRIBUTES {
            let mine = [attribute.label.to_lowercase(), attribute.path.to_lowercase()];
            let count = names.iter().filter(|name| mine.contains(name)).count();
            assert_eq!(count, 2, "{}", attribute.label);
        }
    }

    #[test]
    fn an_attribute_is_known_by_label_and_by_path() {
        for name in ["Given Name", "given name", "name.given"] {
            assert_eq!(attribute(name).map(|a| a.label), Some("Given Name"), "{name}");
        }
        assert_eq!(attribute("Name.Given"), None);
        assert_eq!(of_directory("SN").map(|a| a.label), Some("Family Name"));
        assert_eq!(of_directory("uid").map(|a| a.path), Some("username"));
    }

    #[test]
    fn the_default_mapping_is_of_fields_and_attributes_that_exist() {
        let fields = Catalogue::standard(Version::V2_0);
        for (field, label) in DEFAULT_MAPPING {
            assert!(fields.field(field).is_some_and(|f| f.code == field), "{field}");
            assert!(attribute(label).is_some_and(|a| a.mapped), "{label}");
        }
    }
}
