//! Presets: what is known about particular targets, so that a connection to one of them is not started from nothing.
//! The rows are `presets.json`; this file only gives them a shape and knows none of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What a connection to one kind of target starts with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Preset {
    /// `pfscim init --preset NAME`.
    pub name: String,
    /// What people call the target.
    pub title: String,
    /// What the target cannot do, or wants done in its own way; one sentence each, none empty.
    pub limits: Vec<String>,
    /// Settings by name, where they are not the default. Holds [`PLACEHOLDER`](super::PLACEHOLDER) for what only the
    /// administrator knows.
    pub settings: BTreeMap<String, String>,
    /// Where the fields come from; empty = the default mappings.
    #[serde(default)]
    pub mapping: Vec<FieldSource>,
    /// Users usually come from PingOne, not from a directory.
    #[serde(default)]
    pub from_ping_one: bool,
}

/// Where one field comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FieldSource {
    /// Field code.
    pub field: String,
    /// The attribute, in Active Directory and other directories alike.
    #[serde(default)]
    from: Option<String>,
    /// The attribute in Active Directory, where it has one of its own.
    #[serde(default)]
    active_directory: Option<String>,
    /// The attribute in other directories, where they have one of their own.
    #[serde(default)]
    ldap: Option<String>,
    /// The attribute of a PingOne user, by label, where it is not the one that directories have it in.
    #[serde(default)]
    pub ping_one: Option<String>,
    /// *Default Value*.
    #[serde(default)]
    pub default: Option<String>,
    /// *Trim* and *Lower Case*: for identifiers, which people type in many ways.
    #[serde(default)]
    pub trim_and_lower_case: bool,
}

impl FieldSource {
    /// The attribute in Active Directory; `None` where the field has no source there.
    pub fn active_directory(&self) -> Option<&str> {
        self.active_directory.as_deref().or(self.from.as_deref())
    }

    /// The attribute in other directories; `None` where the field has no source there.
    pub fn ldap(&self) -> Option<&str> {
        self.ldap.as_deref().or(self.from.as_deref())
    }
}

/// A test reads the file, so that a mistake in it does not reach anybody.
static PRESETS: LazyLock<Vec<Preset>> =
    LazyLock::new(|| serde_json::from_str(include_str!("presets.json")).unwrap_or_default());

/// All presets, in the order of the file.
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

/// The preset of that name.
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
    fn the_file_can_be_read_and_names_every_preset_once() {
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
    fn every_preset_says_what_its_target_cannot_do() {
        for preset in presets() {
            assert!(!preset.title.is_empty() && !preset.limits.is_empty(), "{}", preset.name);
            for limit in &preset.limits {
                assert!(limit.ends_with('.') && !limit.contains('\n'), "{}: {limit}", preset.name);
            }
        }
    }

    #[test]
    fn every_preset_sets_what_exists_and_only_what_is_not_the_default() {
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
    fn a_preset_is_refused_until_its_placeholders_are_filled() {
        for preset in presets() {
            let wrongs = Settings::examine(&preset.settings).unwrap_err();
            let held = preset.settings.values().filter(|value| value.contains(PLACEHOLDER)).count();
            assert_eq!(wrongs.len(), held, "{}: {wrongs:?}", preset.name);
            assert!(wrongs.iter().all(|wrong| wrong.to_string().contains(PLACEHOLDER)), "{}", preset.name);
            let filled = preset.settings.iter().map(|(name, value)| (name, value.replace(PLACEHOLDER, "filled")));
            let settings = Settings::examine(filled).unwrap_or_else(|wrongs| panic!("{}: {wrongs:?}", preset.name));
            assert_eq!(settings.warnings(), Vec::<String>::new(), "{}", preset.name);
        }
    }

    #[test]
    fn every_mapping_feeds_fields_that_exist_once_and_has_the_identifier() {
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
