//! Describes an entry of a source and a search for entries.
//! Does not know: where entries come from, what they are used for.

use std::collections::HashMap;

use super::dn::Dn;

/// One attribute value: bytes, usually UTF-8 text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Vec<u8>);

impl Value {
    /// Returns a value of these bytes; they need not be text.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the value as text; `None` if it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// One entry of a directory, one row of a table, or one item of an API.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The distinguished name in the spelling of the source; empty for a row without a name.
    pub dn: String,
    /// The position in the source (`line 12`), for messages.
    pub place: String,
    /// Whether name and object classes are optional. An entry of a directory has both.
    is_row: bool,
    attributes: HashMap<String, Vec<Value>>,
}

impl Entry {
    /// Returns an entry without attributes.
    pub fn new(dn: impl Into<String>) -> Self {
        Self { dn: dn.into(), place: String::new(), is_row: false, attributes: HashMap::new() }
    }

    /// Returns a row of a table, without attributes.
    pub fn row(place: String) -> Self {
        Self { dn: String::new(), place, is_row: true, attributes: HashMap::new() }
    }

    /// Adds a value.
    pub fn push(&mut self, attribute: &str, value: Value) {
        self.attributes.entry(attribute.to_lowercase()).or_default().push(value);
    }

    /// Adds a value of an attribute description, which may have options (RFC 4512 section 2.5). `;binary` and
    /// `;range=` only change how values are transferred. Every other option (a language) makes a separate attribute.
    pub fn push_described(&mut self, description: &str, value: Value) {
        let (name, options) = description.split_once(';').unwrap_or((description, ""));
        let is_transfer_option = |option: &str| {
            let option = option.to_ascii_lowercase();
            option.is_empty() || option == "binary" || option.starts_with("range=")
        };
        self.push(if options.split(';').all(is_transfer_option) { name } else { description }, value);
    }

    /// Returns the values of an attribute. The letter case of its name does not count.
    pub fn values(&self, attribute: &str) -> &[Value] {
        self.attributes.get(&attribute.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Returns whether the entry has an object class. A row without object classes counts as having every class.
    pub fn has_object_class(&self, class: &str) -> bool {
        let classes = self.values("objectClass");
        (self.is_row && classes.is_empty())
            || classes.iter().filter_map(Value::text).any(|c| c.trim().eq_ignore_ascii_case(class.trim()))
    }

    /// Returns the distinguished name; `None` if the entry has no valid name.
    pub fn name(&self) -> Option<Dn> {
        Some(&self.dn).filter(|dn| !self.is_row || !dn.is_empty()).and_then(|dn| Dn::parse(dn))
    }

    /// Returns whether the entry is at or below a base. A row without a name counts as below every base.
    pub fn is_within(&self, base: &Dn) -> bool {
        (self.is_row && self.dn.is_empty()) || self.name().is_some_and(|name| name.is_within(base))
    }

    /// Returns the entry in messages: its name, or its position if it has no name.
    pub fn label(&self) -> &str {
        if self.dn.is_empty() { &self.place } else { &self.dn }
    }
}

/// A search for entries.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// The distinguished name to search at.
    pub base: &'a str,
    /// The label of that setting in the console, for messages.
    pub base_label: &'static str,
    /// Whether to read only the entry at `base`, without the entries below it.
    pub base_only: bool,
    /// The filter that entries must match (RFC 4515).
    pub filter: String,
    /// The attributes to read.
    pub attributes: Vec<&'a str>,
}
