//! Reads the presets: the known settings, mappings and limits of particular targets.
//! Does not know: any target by name. `presets.json` contains them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The initial content of a connection to one kind of target.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Preset {
    /// The name in `pfscim init --preset NAME`.
    pub name: String,
    /// The product name of the target.
    pub title: String,
    /// What the target cannot do, or does differently. At least one, none empty.
    pub limits: Vec<String>,
    /// Settings by name that differ from the default. [`PLACEHOLDER`](super::PLACEHOLDER) replaces what only the
    /// administrator knows.
    pub settings: BTreeMap<String, String>,
    /// The source attribute of each mapped field. Empty = the default mappings.
    #[serde(default)]
    pub mapping: Vec<FieldSource>,
    /// Whether the users usually come from PingOne, not from a directory.
    #[serde(default)]
    pub from_ping_one: bool,
}

/// The source attributes of one field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FieldSource {
    /// Field code.
    pub field: String,
    /// The attribute in every directory for which the two rows below name no other.
    #[serde(default)]
    from: Option<String>,
    /// The attribute in Active Directory, if it differs.
    #[serde(default)]
    active_directory: Option<String>,
    /// The attribute in other directories, if it differs.
    #[serde(default)]
    ldap: Option<String>,
    /// The label of the PingOne attribute, if it is not the equivalent of the directory attribute.
    #[serde(default)]
    pub ping_one: Option<String>,
    /// *Default Value*.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether *Trim* and *Lower Case* are selected, for identifiers whose spelling varies.
    #[serde(default)]
    pub trim_and_lower_case: bool,
}

impl FieldSource {
    /// Returns the attribute in Active Directory. `None` if the field has no source there.
    pub fn active_directory(&self) -> Option<&str> {
        self.active_directory.as_deref().or(self.from.as_deref())
    }

    /// Returns the attribute in other directories. `None` if the field has no source there.
    pub fn ldap(&self) -> Option<&str> {
        self.ldap.as_deref().or(self.from.as_deref())
    }
}

/// A test parses the file, so a release cannot contain an unreadable file.
static PRESETS: LazyLock<Vec<Preset>> =
    LazyLock::new(|| serde_json::from_str(include_str!("presets.json")).unwrap_or_default());

/// Returns all presets, in the order of the file.
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

/// Returns the preset with this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    presets().iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::mapping::Catalogue;
    use crate::scim::Version;
    use crate::settings::{PLACEHOLDER, SettingKind, Settings, setting};

    #[test]
    fn the_file_is_readable_and_preset_names_are_unique() {
        let read: Vec<Preset> = serde_json::from_str(include_str!("presets.json")).unwrap();
        let names: BTreeSet<_> = read.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names.len(), read.len());
        for name in [
            "code42",
            "code42-pingone",
            "contentful",
            "pingone",
            "aws-identity-center",
            "atlassian",
            "github-emu",
            "slack",
            "zscaler",
            "generic",
        ] {
            assert!(preset(name).is_some(), "{name}");
        }
        assert_eq!(preset("Code42"), None);
    }

    #[test]
    fn every_preset_has_a_title_and_limits() {
        for preset in presets() {
            assert!(!preset.title.is_empty() && !preset.limits.is_empty(), "{}", preset.name);
            for limit in &preset.limits {
                assert!(limit.ends_with('.') && !limit.contains('\n'), "{}: {limit}", preset.name);
            }
        }
    }

    #[test]
    fn presets_contain_only_existing_settings_that_differ_from_the_default() {
        for preset in presets() {
            for (name, value) in &preset.settings {
                let row = setting(name).unwrap_or_else(|| panic!("{}: {name}", preset.name));
                assert_eq!(row.name, name, "{}", preset.name);
                assert!(row.kind != SettingKind::Heading && row.default != value, "{}: {name}", preset.name);
                assert!(!row.is_secret() || value == PLACEHOLDER, "{}: {name} is a secret", preset.name);
            }
        }
    }

    #[test]
    fn a_preset_is_invalid_until_its_placeholders_are_replaced() {
        for preset in presets() {
            let failures = Settings::examine(&preset.settings).unwrap_err();
            let placeholders = preset.settings.values().filter(|value| value.contains(PLACEHOLDER)).count();
            assert_eq!(failures.len(), placeholders, "{}: {failures:?}", preset.name);
            assert!(failures.iter().all(|failure| failure.to_string().contains(PLACEHOLDER)), "{}", preset.name);
            let filled = preset.settings.iter().map(|(name, value)| (name, value.replace(PLACEHOLDER, "filled")));
            let settings = Settings::examine(filled).unwrap_or_else(|failures| panic!("{}: {failures:?}", preset.name));
            assert_eq!(settings.warnings(), Vec::<String>::new(), "{}", preset.name);
        }
    }

    #[test]
    fn every_mapping_has_existing_fields_once_and_the_identifier() {
        let catalogue = Catalogue::standard(Version::V2_0);
        for preset in presets().iter().filter(|preset| !preset.mapping.is_empty()) {
            let mut seen = BTreeSet::new();
            for row in &preset.mapping {
                let field = catalogue.field(&row.field).unwrap_or_else(|| panic!("{}: {}", preset.name, row.field));
                assert_eq!(field.code, row.field, "{}", preset.name);
                assert!(seen.insert(&field.code), "{}: {} twice", preset.name, row.field);
                let sources = [row.active_directory(), row.ldap(), row.ping_one.as_deref(), row.default.as_deref()];
                assert!(sources.iter().any(Option::is_some), "{}: {}", preset.name, row.field);
            }
            let user_name = preset.mapping.iter().find(|row| row.field == "userName").unwrap();
            assert!(user_name.active_directory().is_some() && user_name.ldap().is_some(), "{}", preset.name);
        }
    }
}
