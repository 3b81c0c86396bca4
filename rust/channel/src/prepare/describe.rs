//! Renders settings, fields and default mappings as JSON, and as the Java properties that PingFederate and the jar read.
//! Does not know: the lists themselves. They are core's catalogues.

use pfscim_core::Message;
use pfscim_core::mapping::{Catalogue, DefaultMapping, Field, default_mappings};
use pfscim_core::settings::{Setting, SettingKind, ValueCheck, catalogue};
use pfscim_core::text::excerpt;
use serde_json::{Value, json};

use crate::Error;
use crate::connection::pingone::attributes;

/// Returns the settings and headings of the Target tab, in screen order.
pub fn settings_json() -> Value {
    catalogue().iter().map(setting_json).collect()
}

fn setting_json(setting: &Setting) -> Value {
    json!({
        "name": setting.name, "label": setting.label, "kind": setting.kind.as_str(), "default": setting.default,
        "options": setting.options, "secret": setting.is_secret(), "advanced": setting.advanced, "section": setting.section,
    })
}

/// Returns the fields of a catalogue, in screen order.
pub fn fields_json(catalogue: &Catalogue) -> Value {
    catalogue.fields().iter().map(field_json).collect()
}

fn field_json(field: &Field) -> Value {
    json!({
        "code": field.code, "label": field.label, "required": field.required, "multiValued": field.multi_valued,
        "scim2": field.scim2, "scim1": field.scim1,
    })
}

/// Returns the default mappings, one object per field.
pub fn mappings_json() -> Value {
    let row = |m: &DefaultMapping| {
        json!({
            "code": m.code, "ldap": m.ldap, "activeDirectory": m.active_directory.or(m.ldap),
            "createOnly": m.create_only, "masked": m.masked,
        })
    };
    default_mappings().iter().map(row).collect()
}

/// Returns the attributes of a PingOne user, one object per attribute.
pub fn attributes_json() -> Value {
    attributes().iter().map(|a| json!({"label": a.label, "path": a.path, "mapped": a.mapped})).collect()
}

/// Returns the settings for the jar: `NAME.kind`, then everything that the console shows or checks.
pub fn settings_properties() -> String {
    let mut out = Properties::default();
    for setting in catalogue() {
        let mut put = |key: &str, value: &str| out.put(&format!("{}.{key}", setting.name), value);
        put("kind", setting.kind.as_str());
        put("label", setting.label);
        put("description", setting.description);
        if !setting.default.is_empty() {
            put("default", setting.default);
        }
        for (position, option) in setting.options.iter().enumerate() {
            put(&format!("option.{}", position + 1), option);
        }
        // The console cannot require a setting for one authentication method only, so core checks those.
        if setting.required && setting.method.is_none() {
            put("required", "true");
        }
        if let (SettingKind::Text, Some(check)) = (setting.kind, validator(setting.check)) {
            put("check", &check);
        }
    }
    out.0
}

/// Returns the check in the syntax of the jar, if PingFederate has a validator for it.
fn validator(check: ValueCheck) -> Option<String> {
    match check {
        ValueCheck::Url => Some("url".into()),
        ValueCheck::Integer { low, high } => Some(format!("integer:{low}:{high}")),
        ValueCheck::PageSize => Some(format!("integer:-1:{}", i32::MAX)),
        _ => None,
    }
}

/// Returns PingFederate's fields file.
pub fn fields_properties(catalogue: &Catalogue) -> String {
    let mut out = Properties::default();
    for field in catalogue.fields() {
        let mut put = |key: &str, value: &str| out.put(&format!("{}.{key}", field.code), value);
        put("label", &field.label);
        for (key, set) in [
            ("required", field.required),
            ("unique", field.unique),
            ("multi", field.multi_valued),
            // A warning names a member without an id by this value.
            ("persistForMembership", field.unique),
        ] {
            if set {
                put(key, "true");
            }
        }
        for (position, note) in field.notes.iter().enumerate() {
            put(&format!("note.{}", position + 1), note);
        }
    }
    out.0
}

/// Returns PingFederate's default mapping file.
pub fn mappings_properties() -> String {
    let mut out = Properties::default();
    for mapping in default_mappings() {
        out.put(&format!("saas.{}", mapping.code), mapping.logical_name);
    }
    for (directory, attribute) in [
        ("default", (|m| m.ldap) as fn(&DefaultMapping) -> Option<&'static str>),
        ("activedirectory", |m| m.active_directory),
    ] {
        for mapping in default_mappings() {
            if let Some(attribute) = attribute(mapping) {
                out.put(&format!("directory.{directory}.{}", mapping.logical_name), attribute);
            }
        }
    }
    for mapping in default_mappings() {
        for (key, set) in [("createonly", mapping.create_only), ("mask", mapping.masked)] {
            if set {
                out.put(&format!("fieldconfig.{}.{key}", mapping.code), "true");
            }
        }
    }
    out.0
}

/// A file in the format of `java.util.Properties`. It is ASCII, a subset of ISO 8859-1.
#[derive(Debug, Default)]
struct Properties(String);

impl Properties {
    fn put(&mut self, key: &str, value: &str) {
        for (i, c) in key.chars().enumerate() {
            self.escape(c, i == 0 || c == ' ', &[':', '=', '#', '!']);
        }
        self.0.push('=');
        for (i, c) in value.chars().enumerate() {
            self.escape(c, i == 0, &[]);
        }
        self.0.push('\n');
    }

    fn escape(&mut self, c: char, space: bool, special: &[char]) {
        match c {
            '\\' => self.0.push_str("\\\\"),
            '\n' => self.0.push_str("\\n"),
            '\r' => self.0.push_str("\\r"),
            '\t' => self.0.push_str("\\t"),
            ' ' if space => self.0.push_str("\\ "),
            c if special.contains(&c) => self.0.extend(['\\', c]),
            ' '..='~' => self.0.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| self.0.push_str(&format!("\\u{unit:04x}"))),
        }
    }
}

/// Compares a list of the deployed jar with the list of this program, row by row, in every member that the jar has.
///
/// # Errors
/// [`Error::Unusable`] with the first row that differs.
pub fn compare(what: &str, key: &str, deployed: &Value, expected: &Value) -> Result<(), Error> {
    let empty = Vec::new();
    let rows = |value: &Value| value.as_array().unwrap_or(&empty).clone();
    let (deployed, expected) = (rows(deployed), rows(expected));
    let differ = |text: String| {
        let text = format!("--plugin: the deployed jar has another version than pfscim: its {what} differ ({text})");
        Err(Error::unusable(Message::new(text).with_hint("use the jar and the program of one build")))
    };
    for (deployed_row, row) in deployed.iter().zip(&expected) {
        let name = excerpt(row.get(key).and_then(Value::as_str).unwrap_or_default());
        for (member, value) in deployed_row.as_object().into_iter().flatten() {
            if row.get(member) != Some(value) {
                return differ(format!("{name}: {}", excerpt(member)));
            }
        }
    }
    if deployed.len() != expected.len() {
        return differ(format!("{} instead of {}", deployed.len(), expected.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use pfscim_core::scim::Version;
    use proptest::prelude::*;

    use super::*;

    /// Reads one line as `java.util.Properties` does.
    fn load(line: &str) -> (String, String) {
        let (mut parts, mut part, mut units) = (Vec::new(), Vec::new(), line.encode_utf16().peekable());
        let char = |c: char| u16::try_from(u32::from(c)).unwrap();
        while let Some(unit) = units.next() {
            if unit == char('\\') {
                let next = units.next().unwrap();
                part.push(match char::from_u32(next.into()).unwrap() {
                    'u' => {
                        u16::from_str_radix(&String::from_utf16_lossy(&units.by_ref().take(4).collect::<Vec<_>>()), 16)
                            .unwrap()
                    }
                    'n' => char('\n'),
                    'r' => char('\r'),
                    't' => char('\t'),
                    _ => next,
                });
            } else if parts.is_empty() && unit == char('=') {
                parts.push(std::mem::take(&mut part));
            } else if !(part.is_empty() && unit == char(' ')) {
                part.push(unit);
            }
        }
        parts.push(part);
        let mut texts = parts.iter().map(|p| String::from_utf16(p).unwrap());
        (texts.next().unwrap(), texts.next().unwrap())
    }

    proptest! {
        #[test]
        fn java_reads_what_was_written(key in "[a-z:=#! \\\\ß]{1,10}", value in "[ -~\n\r\tß日😀]{0,20}") {
            let mut out = Properties::default();
            out.put(&key, &value);
            let line = out.0.strip_suffix('\n').unwrap();
            prop_assert!(line.bytes().all(|b| (0x20..0x7f).contains(&b)));
            prop_assert_eq!(load(line), (key, value));
        }
    }

    #[test]
    fn settings_properties_have_one_block_per_setting() {
        let text = settings_properties();
        assert!(text.starts_with("SCIM_URL.kind=text\nSCIM_URL.label=SCIM URL\n"));
        assert!(text.contains("SCIM_URL.required=true\nSCIM_URL.check=url\n"));
        assert!(text.contains("SCIM_VERSION.option.1=2.0\nSCIM_VERSION.option.2=1.1\n"));
        assert!(text.contains("OAUTH_ACCESS_TOKEN.kind=secret\n"));
        assert!(!text.contains("OAUTH_ACCESS_TOKEN.required"));
        let kinds = text.lines().filter(|l| l.split('=').next().is_some_and(|k| k.ends_with(".kind"))).count();
        assert_eq!(kinds, settings_json().as_array().unwrap().len());
    }

    #[test]
    fn fields_and_mappings_are_in_pingfederates_formats() {
        let fields = fields_properties(&Catalogue::standard(Version::V2_0));
        assert!(fields.contains("userName.required=true\nuserName.unique=true\nuserName.persistForMembership=true\n"));
        let mappings = mappings_properties();
        assert!(mappings.contains("saas.userName=username\n"));
        assert!(mappings.contains("directory.default.username=uid\n"));
        assert!(mappings.contains("directory.activedirectory.username=sAMAccountName\n"));
        assert!(mappings.contains("fieldconfig.password.createonly=true\n"));
    }

    #[test]
    fn a_jar_of_another_version_is_an_error() {
        let expected = settings_json();
        assert_eq!(compare("settings", "name", &expected, &expected), Ok(()));
        let mut other = expected.clone();
        other[2]["label"] = "x".into();
        assert!(
            compare("settings", "name", &other, &expected)
                .unwrap_err()
                .to_string()
                .contains("AUTHENTICATION_METHOD: label")
        );
        other = expected.clone();
        other.as_array_mut().unwrap().pop();
        assert!(compare("settings", "name", &other, &expected).is_err());
        let fields: Value = fields_json(&Catalogue::standard(Version::V2_0));
        let mut fewer = fields.clone();
        fewer.as_array_mut().unwrap().iter_mut().for_each(|f| {
            f.as_object_mut().unwrap().remove("scim1");
        });
        assert_eq!(compare("fields", "code", &fewer, &fields), Ok(()));
    }
}
