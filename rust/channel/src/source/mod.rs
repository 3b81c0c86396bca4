//! Where users come from. A source gives every entry that it has or an error, never the first half: what is missing
//! from a source is taken for somebody who left. May not know what the entries are for.

mod ldif;

use std::collections::HashMap;

pub use ldif::Ldif;

use crate::Error;
use crate::dn::Dn;

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

/// One entry of a directory.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name as the source wrote it.
    pub dn: String,
    /// Where in the source it stands (`line 12`), for messages.
    pub place: String,
    attributes: HashMap<String, Vec<Value>>,
}

impl Entry {
    /// An entry without attributes.
    pub fn new(dn: impl Into<String>) -> Self {
        Self { dn: dn.into(), place: String::new(), attributes: HashMap::new() }
    }

    /// Adds a value.
    pub fn push(&mut self, attribute: &str, value: Value) {
        self.attributes.entry(attribute.to_lowercase()).or_default().push(value);
    }

    /// The values of an attribute, whatever the letter case of its name.
    pub fn values(&self, attribute: &str) -> &[Value] {
        self.attributes.get(&attribute.to_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// Whether the entry is of an object class.
    pub fn is_a(&self, class: &str) -> bool {
        self.values("objectClass").iter().filter_map(Value::text).any(|c| c.trim().eq_ignore_ascii_case(class.trim()))
    }

    /// The parsed name; `None` where it is none.
    pub fn name(&self) -> Option<Dn> {
        Dn::parse(&self.dn)
    }
}

/// A directory, or what was exported from one.
pub trait Source: Sync {
    /// Reads all entries, in the order of the source. May be called again, and then gives the same entries.
    ///
    /// # Errors
    /// Whatever keeps the source from being read whole, and whatever `each` returned.
    fn read(&self, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error>;
}
