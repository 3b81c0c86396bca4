//! One attribute of the Attribute Mapping tab, and how its values compare.
//! Does not know: where the field lies in a resource.

use serde_json::Value;

use super::values::{ValueType, scalar};
use crate::Failure;

/// One attribute of the Attribute Mapping tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name used in mappings and records: `workEmail`.
    pub code: String,
    /// The console's text.
    pub label: String,
    /// Must be mapped.
    pub required: bool,
    /// Unique at the target.
    pub unique: bool,
    /// Keeps all values instead of the first.
    pub multi_valued: bool,
    /// Written, but never returned by a target (`password`): never compared, never in an update.
    pub write_only: bool,
    /// Letter case is no difference when values are compared.
    pub case_insensitive: bool,
    /// The JSON type of a value.
    pub value_type: ValueType,
    /// SCIM 2.0 path: `emails[type eq "work"].value`; of a multi-valued field, `roles.value`.
    pub scim2: String,
    /// SCIM 1.1 path; custom attributes have none.
    pub scim1: Option<String>,
    /// Help lines of *View Partner Field Specifications*.
    pub notes: Vec<String>,
    /// The values that the target takes; none = any.
    pub options: Vec<String>,
    /// Other codes of it, from the vendor's guides.
    pub aliases: Vec<String>,
}

impl Field {
    /// The JSON of a value.
    pub(super) fn json(&self, text: &str) -> Result<Value, Failure> {
        self.value_type.json(text).ok_or_else(|| {
            Failure::Rejected(format!("{}: the value is not {}", self.code, self.value_type.shape()).into())
        })
    }

    /// The values that count: not empty, not twice, and only the first where the field takes one.
    pub(super) fn wanted(&self, given: &[String]) -> Vec<String> {
        let mut wanted: Vec<String> = Vec::new();
        for value in given.iter().filter(|value| !value.is_empty()) {
            if !wanted.contains(value) {
                wanted.push(value.clone());
            }
        }
        if !self.multi_valued {
            wanted.truncate(1);
        }
        wanted
    }

    /// A value in the form in which equal values are the same text.
    pub(super) fn comparable(&self, text: &str) -> String {
        let text = self.value_type.json(text).as_ref().and_then(scalar).unwrap_or_else(|| text.to_owned());
        if self.case_insensitive { text.to_lowercase() } else { text }
    }

    /// Whether a text found at the target is this value.
    pub(super) fn same(&self, text: &str, value: &Value) -> bool {
        scalar(value).is_some_and(|value| self.comparable(text) == self.comparable(&value))
    }
}

/// A field that differs between the target and the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Field code.
    pub code: String,
    /// Values at the target.
    pub old: Vec<String>,
    /// Values asked for; empty = clear.
    pub new: Vec<String>,
}
