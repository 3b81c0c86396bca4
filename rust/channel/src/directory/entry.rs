//! Entries of a directory or a table, and what is asked of the source that has them.

use std::collections::HashMap;

use super::dn::Dn;

/// One attribute value: bytes, most of the time of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Vec<u8>);

impl Value {
    /// A value of any bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, where it is text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// One entry of a directory, or one row of a table.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name as the source wrote it; empty for a row without one.
    pub dn: String,
    /// Where in the source it stands (`line 12`), for messages.
    pub place: String,
    /// Rows do not have to say what every entry of a directory says: its name and its object classes.
    row: bool,
    attributes: HashMap<String, Vec<Value>>,
}

impl Entry {
    /// An entry without attributes.
    pub fn new(dn: impl Into<String>) -> Self {
        Self { dn: dn.into(), place: String::new(), row: false, attributes: HashMap::new() }
    }

    /// A row of a table, without attributes.
    pub fn row(place: String) -> Self {
        Self { dn: String::new(), place, row: true, attributes: HashMap::new() }
    }

    /// Adds a value.
    pub fn push(&mut self, attribute: &str, value: Value) {
        self.attributes.entry(attribute.to_lowercase()).or_default().push(value);
    }

    /// Adds a value of an attribute that is written with its options (RFC 4512 section 2.5). `;binary` and `;range=`
    /// change how values travel, other options (languages) make another attribute.
    pub fn push_described(&mut self, description: &str, value: Value) {
        let (name, options) = description.split_once(';').unwrap_or((description, ""));
        let travels = |option: &str| {
            let option = option.to_ascii_lowercase();
            option.is_empty() || option == "binary" || option.starts_with("range=")
        };
        self.push(if options.split(';').all(travels) { name } else { description }, value);
    }

    /// The values of an attribute, whatever the letter case of its name.
    pub fn values(&self, attribute: &str) -> &[Value] {
        self.attributes.get(&attribute.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Whether the entry is of an object class; a row without any is.
    pub fn has_object_class(&self, class: &str) -> bool {
        let classes = self.values("objectClass");
        (self.row && classes.is_empty())
            || classes.iter().filter_map(Value::text).any(|c| c.trim().eq_ignore_ascii_case(class.trim()))
    }

    /// The parsed name; `None` where it is none.
    pub fn name(&self) -> Option<Dn> {
        Some(&self.dn).filter(|dn| !self.row || !dn.is_empty()).and_then(|dn| Dn::parse(dn))
    }

    /// Whether the entry lies below a base; a row without a name does.
    pub fn is_within(&self, base: &Dn) -> bool {
        (self.row && self.dn.is_empty()) || self.name().is_some_and(|name| name.is_within(base))
    }

    /// What to call the entry in messages: its name, or where it stands.
    pub fn label(&self) -> &str {
        if self.dn.is_empty() { &self.place } else { &self.dn }
    }
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// Where: a distinguished name.
    pub base: &'a str,
    /// What the console calls that setting, for messages.
    pub base_label: &'static str,
    /// The entry at `base` alone, without what lies below it.
    pub base_only: bool,
    /// Which entries (RFC 4515).
    pub filter: String,
    /// The attributes that are needed of them.
    pub attributes: Vec<&'a str>,
}
