//! Parses and prints the path of a field in a resource: the part of RFC 7644 section 3.5.2 that fields need.
//! Does not know: resources, versions.

use std::fmt;

/// The type of an entry without `type`, for each attribute. Some targets store a single value and no `type`.
pub(super) const DEFAULT_TYPES: &[(&str, &str)] =
    &[("emails", "work"), ("phoneNumbers", "work"), ("addresses", "work"), ("photos", "photo")];

/// The path of a field in a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// The URN of the extension schema that contains the attribute. `None` for the core schema.
    pub(super) urn: Option<String>,
    /// The attribute of the resource or extension.
    pub(super) attribute: String,
    /// The structure of the attribute, and the sub-attribute of the field.
    pub(super) shape: Shape,
}

/// The structure of an attribute, and the sub-attribute of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A simple attribute, or one sub-attribute of a complex attribute.
    Single {
        /// The sub-attribute. `None` for a simple attribute.
        sub: Option<String>,
    },
    /// One sub-attribute of the entry with this type.
    Typed {
        /// The type, in the spelling of the catalogue.
        kind: String,
        /// The sub-attribute.
        sub: String,
    },
    /// All entries of a multi-valued attribute.
    List {
        /// The sub-attribute. `None` if the entries are plain values.
        sub: Option<String>,
    },
}

impl Path {
    /// Parses `[URN:]attribute`, `[URN:]attribute.sub` or `[URN:]attribute[type eq "kind"].sub`. Returns `None` for any
    /// other text. With `multi_valued`, the first two forms select all entries.
    pub(super) fn parse(text: &str, multi_valued: bool) -> Option<Self> {
        let names = &text[..text.find('[').unwrap_or(text.len())];
        let (urn, start) = match names.rfind(':') {
            Some(index) => (Some(text[..index].to_owned()), index + 1),
            None => (None, 0),
        };
        let rest = &text[start..];
        let (attribute, shape) = if let Some((attribute, filter)) = rest.split_once('[') {
            let (kind, sub) = filter.strip_prefix("type eq \"")?.split_once("\"].")?;
            let shape = Shape::Typed { kind: kind.to_owned(), sub: name(sub)?.to_owned() };
            (attribute, shape)
        } else {
            let (attribute, sub) = match rest.split_once('.') {
                Some((attribute, sub)) => (attribute, Some(name(sub)?.to_owned())),
                None => (rest, None),
            };
            (attribute, if multi_valued { Shape::List { sub } } else { Shape::Single { sub } })
        };
        Some(Self { urn, attribute: name(attribute)?.to_owned(), shape })
    }

    /// Returns the path of the whole attribute, with the URN of its extension.
    pub(super) fn attribute_path(&self) -> String {
        match &self.urn {
            Some(urn) => format!("{urn}:{}", self.attribute),
            None => self.attribute.clone(),
        }
    }

    /// Returns the path of the entry with a type, which is written as given.
    pub(super) fn entry_path(&self, kind: &str) -> String {
        format!("{}[type eq {}]", self.attribute_path(), serde_json::Value::from(kind))
    }
}

/// Returns the text if it is an attribute name of RFC 7643 section 2.1 or `$ref`.
fn name(text: &str) -> Option<&str> {
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    (!text.is_empty() && text.chars().all(is_name_char)).then_some(text)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shape {
            Shape::Typed { kind, sub } => write!(f, "{}.{sub}", self.entry_path(kind)),
            Shape::Single { sub: Some(sub) } | Shape::List { sub: Some(sub) } => {
                write!(f, "{}.{sub}", self.attribute_path())
            }
            Shape::Single { sub: None } | Shape::List { sub: None } => f.write_str(&self.attribute_path()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsed_path_prints_the_same_text() {
        for text in [
            "userName",
            "name.givenName",
            "emails[type eq \"work\"].value",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            "urn:scim:schemas:extension:enterprise:1.0:department",
            "urn:example:ext:2.0:User:badges[type eq \"a:b\"].value",
        ] {
            assert_eq!(Path::parse(text, false).unwrap().to_string(), text);
        }
        assert_eq!(Path::parse("roles.value", true).unwrap().shape, Shape::List { sub: Some("value".into()) });
    }

    #[test]
    fn unsupported_paths_are_rejected() {
        for text in
            ["", "a b", "emails[", "emails[type eq \"work\"]", "emails[value eq \"x\"].value", "a.b.c", "urn:x:"]
        {
            assert_eq!(Path::parse(text, false), None, "{text}");
        }
    }
}
