//! Describes one field of the Attribute Mapping tab, and compares its values.
//! Does not know: the structure of a resource.

use serde_json::Value;

use super::values::{ValueType, scalar};
use crate::Failure;

/// One field of the Attribute Mapping tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name used in mappings and records: `workEmail`.
    pub code: String,
    /// The text on the screen.
    pub label: String,
    /// Whether it must be mapped.
    pub required: bool,
    /// Whether its value is unique at the target.
    pub unique: bool,
    /// Whether it has all values of the source attribute. Other fields have only its first value.
    pub multi_valued: bool,
    /// Whether a target never returns it (`password`). Such a field is only in creates and is never compared.
    pub write_only: bool,
    /// Whether letter case is ignored when values are compared.
    pub case_insensitive: bool,
    /// The JSON type of a value.
    pub value_type: ValueType,
    /// SCIM 2.0 path: `emails[type eq "work"].value`, or `roles.value` for a multi-valued field.
    pub scim2: String,
    /// SCIM 1.1 path. `None` for a custom attribute.
    pub scim1: Option<String>,
    /// Help lines of *View Partner Field Specifications*.
    pub notes: Vec<String>,
    /// The values that the target accepts. Empty = any value.
    pub options: Vec<String>,
    /// Other codes of the field, from the vendor's guides.
    pub aliases: Vec<String>,
}

impl Field {
    /// Converts a text value to JSON.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the value does not have the type of the field. It names the field, not the value.
    pub(super) fn json(&self, text: &str) -> Result<Value, Failure> {
        self.value_type.json(text).ok_or_else(|| {
            Failure::Rejected(format!("{}: the value is not {}", self.code, self.value_type.description()).into())
        })
    }

    /// Returns the values without empty and repeated ones, and only the first if the field is not multi-valued.
    pub(super) fn usable_values(&self, values: &[String]) -> Vec<String> {
        let mut usable: Vec<String> = Vec::new();
        for value in values.iter().filter(|value| !value.is_empty()) {
            if !usable.contains(value) {
                usable.push(value.clone());
            }
        }
        if !self.multi_valued {
            usable.truncate(1);
        }
        usable
    }

    /// Returns a text that is the same for equal values.
    pub(super) fn comparison_form(&self, text: &str) -> String {
        let text = self.value_type.json(text).as_ref().and_then(scalar).unwrap_or_else(|| text.to_owned());
        if self.case_insensitive { text.to_lowercase() } else { text }
    }

    /// Returns whether a text of the target equals a value.
    pub(super) fn is_same(&self, text: &str, value: &Value) -> bool {
        scalar(value).is_some_and(|value| self.comparison_form(text) == self.comparison_form(&value))
    }
}

/// A field that differs between the target and the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Field code.
    pub code: String,
    /// Values at the target.
    pub old: Vec<String>,
    /// Values of the record. Empty = clear the field.
    pub new: Vec<String>,
}
