//! Parses attribute paths and comparisons (RFC 7644 sections 3.4.2.2 and 3.5.2).
//! Does not know: resources, requests.

use serde_json::{Deserializer, Value};

use super::json::{is_urn, member, same_text};

/// `[URN:]attribute[filter].sub`.
pub(super) struct Path {
    pub(super) urn: Option<String>,
    pub(super) attribute: String,
    pub(super) filter: Option<Comparison>,
    pub(super) sub: Option<String>,
}

/// `attribute eq VALUE`.
pub(super) struct Comparison {
    pub(super) attribute: String,
    pub(super) value: Value,
}

impl Path {
    /// Reads a path at the start of a text. Returns it with the rest of the text. `None` for any other text.
    pub(super) fn read(text: &str) -> Option<(Self, &str)> {
        let (names, mut rest) = split_before(text, &['[', ' ']);
        let (urn, names) = match names.rsplit_once(':') {
            Some((urn, names)) if is_urn(urn) => (Some(urn.to_owned()), names),
            Some(_) => return None,
            None => (None, names),
        };
        let (attribute, mut sub) = match names.split_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub)),
            None => (names, None),
        };
        let mut filter = None;
        if let Some(inner) = rest.strip_prefix('[') {
            let (comparison, after) = Comparison::read(inner)?;
            rest = after.trim_start().strip_prefix(']')?;
            if sub.is_some() {
                return None;
            }
            if let Some(after) = rest.strip_prefix('.') {
                let (name, after) = split_before(after, &[' ']);
                (sub, rest) = (Some(name), after);
            }
            filter = Some(comparison);
        }
        if !is_name(attribute) || !sub.is_none_or(is_name) {
            return None;
        }
        Some((Self { urn, attribute: attribute.to_owned(), filter, sub: sub.map(str::to_owned) }, rest))
    }
}

impl Comparison {
    fn read(text: &str) -> Option<(Self, &str)> {
        let (attribute, rest) = split_before(text.trim_start(), &[' ']);
        let (value, rest) = compared_value(rest)?;
        is_name(attribute).then(|| (Self { attribute: attribute.to_owned(), value }, rest))
    }

    /// Returns whether the entry of a multi-valued attribute matches. Members are compared exactly.
    pub(super) fn matches(&self, entry: &Value, exactly: bool) -> bool {
        let is_value = self.attribute.eq_ignore_ascii_case("value") && !entry.is_object();
        let found = if is_value { Some(entry) } else { member(entry, &self.attribute) };
        match (found, &self.value) {
            (Some(Value::String(found)), Value::String(value)) if !exactly => same_text(found, value),
            (found, value) => found == Some(value),
        }
    }
}

/// Reads ` eq VALUE`, in which the value is JSON. Returns the value and the rest of the text.
pub(super) fn compared_value(text: &str) -> Option<(Value, &str)> {
    let (operator, rest) = text.trim_start().split_once(' ')?;
    let mut values = Deserializer::from_str(rest).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let rest = rest.get(values.byte_offset()..)?;
    operator.eq_ignore_ascii_case("eq").then_some((value, rest))
}

fn split_before<'t>(text: &'t str, ends: &[char]) -> (&'t str, &'t str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// Returns whether a text is an attribute name of RFC 7643 section 2.1, or `$ref`.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
}
