//! Lists the attributes of a PingOne user: label in the console, path in the user's JSON, name in directories.
//! Does not know: files, rules.

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// The label in the console.
    pub label: &'static str,
    /// The path in the JSON of a user.
    pub path: &'static str,
    /// The attribute of Active Directory with the same meaning.
    pub active_directory: Option<&'static str>,
    /// The attribute of another LDAP directory with the same meaning.
    pub ldap: Option<&'static str>,
    /// Whether the attribute can be mapped to a field. If not, only a filter can use it.
    pub mapped: bool,
}

const fn row(label: &'static str, path: &'static str) -> Attribute {
    Attribute { label, path, active_directory: None, ldap: None, mapped: true }
}

const fn same_name(label: &'static str, path: &'static str, attribute: &'static str) -> Attribute {
    directory_names(label, path, attribute, attribute)
}

const fn directory_names(label: &'static str, path: &'static str, ad: &'static str, ldap: &'static str) -> Attribute {
    Attribute { active_directory: Some(ad), ldap: Some(ldap), ..row(label, path) }
}

/// *Population Name*. A user of the API has only the id of its population; the source adds the name.
pub(crate) const POPULATION_NAME: &str = "population.name";
/// *Population ID*.
pub(crate) const POPULATION_ID: &str = "population.id";
/// The names of the groups of a user.
pub(crate) const GROUP_NAMES: &str = "memberOfGroupNames";
/// The ids of the groups of a user.
pub(crate) const GROUP_IDS: &str = "memberOfGroupIDs";
/// *Group* in the user filter.
pub(crate) const GROUP: &str = "Group";
/// The source id of users and groups.
pub(crate) const ID: &str = "id";
/// The account status.
pub(crate) const ENABLED: &str = "enabled";

/// The object class of users, which the source sets.
pub(crate) const USER_CLASS: &str = "user";
/// The object class of groups, which the source sets.
pub(crate) const GROUP_CLASS: &str = "group";
/// The attribute of a group with its name, which the source sets.
pub(crate) const GROUP_NAME: &str = "cn";
/// The attribute of a group with its members, which the source sets.
pub(crate) const GROUP_MEMBER: &str = "member";

const ATTRIBUTES: &[Attribute] = &[
    directory_names("Username", "username", "sAMAccountName", "uid"),
    same_name("Given Name", "name.given", "givenName"),
    Attribute { active_directory: Some("middleName"), ..row("Middle Name", "name.middle") },
    same_name("Family Name", "name.family", "sn"),
    same_name("Formatted", "name.formatted", "displayName"),
    same_name("Honorific Prefix", "name.honorificPrefix", "personalTitle"),
    same_name("Honorific Suffix", "name.honorificSuffix", "generationQualifier"),
    row("Nickname", "nickname"),
    same_name("Title", "title", "title"),
    same_name("Type", "type", "employeeType"),
    same_name("Email Address", "email", "mail"),
    same_name("Primary Phone", "primaryPhone", "telephoneNumber"),
    same_name("Mobile Phone", "mobilePhone", "mobile"),
    directory_names("External ID", "externalId", "objectGUID", "entryUUID"),
    directory_names("Account ID", "accountId", "employeeID", "employeeNumber"),
    same_name("Street Address", "address.streetAddress", "streetAddress"),
    same_name("Locality", "address.locality", "l"),
    same_name("Region", "address.region", "st"),
    same_name("Postal Code", "address.postalCode", "postalCode"),
    same_name("Country Code", "address.countryCode", "c"),
    same_name("Preferred Language", "preferredLanguage", "preferredLanguage"),
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

/// The default mapping of a rule: field codes and labels.
pub(crate) const DEFAULT_MAPPING: [(&str, &str); 5] = [
    ("userName", "Username"),
    ("givenName", "Given Name"),
    ("familyName", "Family Name"),
    ("workPhone", "Primary Phone"),
    ("workEmail", "Email Address"),
];

/// Returns all attributes, in the order of `pfscim describe attributes`.
pub fn attributes() -> &'static [Attribute] {
    ATTRIBUTES
}

/// Returns the attribute with this label or path.
pub(crate) fn attribute(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|a| a.path == name || a.label.eq_ignore_ascii_case(name.trim()))
}

/// Returns the attribute with this name in a directory.
pub(crate) fn of_directory(name: &str) -> Option<&'static Attribute> {
    let matches = |known: Option<&str>| known.is_some_and(|known| known.eq_ignore_ascii_case(name));
    ATTRIBUTES.iter().find(|a| matches(a.active_directory) || matches(a.ldap))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pfscim_core::mapping::Catalogue;
    use pfscim_core::scim::Version;

    use super::*;

    #[test]
    fn labels_and_paths_are_unique() {
        let names: Vec<_> = ATTRIBUTES.iter().flat_map(|a| [a.label.to_lowercase(), a.path.to_lowercase()]).collect();
        // Some attributes, such as the title, have the same label and path.
        let paths: BTreeSet<_> = ATTRIBUTES.iter().map(|a| a.path).collect();
        assert_eq!(paths.len(), ATTRIBUTES.len());
        for attribute in ATTRIBUTES {
            let own = [attribute.label.to_lowercase(), attribute.path.to_lowercase()];
            let count = names.iter().filter(|name| own.contains(name)).count();
            assert_eq!(count, 2, "{}", attribute.label);
        }
    }

    #[test]
    fn an_attribute_is_found_by_label_and_by_path() {
        for name in ["Given Name", "given name", "name.given"] {
            assert_eq!(attribute(name).map(|a| a.label), Some("Given Name"), "{name}");
        }
        assert_eq!(attribute("Name.Given"), None);
        assert_eq!(of_directory("SN").map(|a| a.label), Some("Family Name"));
        assert_eq!(of_directory("uid").map(|a| a.path), Some("username"));
    }

    #[test]
    fn the_default_mapping_has_existing_fields_and_attributes() {
        let fields = Catalogue::standard(Version::V2_0);
        for (field, label) in DEFAULT_MAPPING {
            assert!(fields.field(field).is_some_and(|f| f.code == field), "{field}");
            assert!(attribute(label).is_some_and(|a| a.mapped), "{label}");
        }
    }
}
