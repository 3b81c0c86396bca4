//! Where the value of a field stands in a resource: RFC 7644 section 3.5.2 paths, as far as fields need them.

use std::fmt;

/// The type that an entry without one stands for, by attribute: some targets keep a single value and no `type`.
pub(super) const UNTYPED: &[(&str, &str)] =
    &[("emails", "work"), ("phoneNumbers", "work"), ("addresses", "work"), ("photos", "photo")];

/// A place in a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    /// The extension schema, if it lies in one.
    pub(super) urn: Option<String>,
    /// The attribute of the resource or extension.
    pub(super) attribute: String,
    /// What the attribute is like and which part of it is meant.
    pub(super) shape: Shape,
}

/// What an attribute is like and which part of it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value, or one part of a complex one.
    Single {
        /// The part.
        sub: Option<String>,
    },
    /// One part of the one entry with this type.
    Typed {
        /// The type, as we spell it.
        kind: String,
        /// The part.
        sub: String,
    },
    /// Every entry, by one part of it or, without one, as plain values.
    List {
        /// The part.
        sub: Option<String>,
    },
}

impl Path {
    /// Reads `[URN:]attribute`, `[URN:]attribute.sub` or `[URN:]attribute[type eq "kind"].sub`; the first two stand for
    /// all values of a field that is `multi_valued`. Anything else is `None`.
    pub(super) fn parse(text: &str, multi_valued: bool) -> Option<Self> {
        let names = &text[..text.find('[').unwrap_or(text.len())];
        let (urn, start) = match names.rfind(':') {
            Some(at) => (Some(text[..at].to_owned()), at + 1),
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

    /// The attribute alone, with its extension.
    pub(super) fn whole(&self) -> String {
        match &self.urn {
            Some(urn) => format!("{urn}:{}", self.attribute),
            None => self.attribute.clone(),
        }
    }

    /// The entry with a type in the target's spelling.
    pub(super) fn entry(&self, kind: &str) -> String {
        format!("{}[type eq {}]", self.whole(), serde_json::Value::from(kind))
    }
}

/// An attribute name of RFC 7643 section 2.1 (and `$ref`).
fn name(text: &str) -> Option<&str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    (!text.is_empty() && text.chars().all(fits)).then_some(text)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shape {
            Shape::Typed { kind, sub } => write!(f, "{}.{sub}", self.entry(kind)),
            Shape::Single { sub: Some(sub) } | Shape::List { sub: Some(sub) } => write!(f, "{}.{sub}", self.whole()),
            Shape::Single { sub: None } | Shape::List { sub: None } => f.write_str(&self.whole()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parsed_is_printed_again() {
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
    fn other_paths_are_refused() {
        for text in
            ["", "a b", "emails[", "emails[type eq \"work\"]", "emails[value eq \"x\"].value", "a.b.c", "urn:x:"]
        {
            assert_eq!(Path::parse(text, false), None, "{text}");
        }
    }
}
