//! Flat fields to SCIM resources and back, versions 1.1 and 2.0. The catalogue of fields is data.

use serde_json::Value;

use crate::target::Version;
use crate::{Failure, Record};

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
    /// SCIM 2.0 path: `emails[type eq "work"].value`.
    pub scim2: String,
    /// SCIM 1.1 path; custom attributes have none.
    pub scim1: Option<String>,
    /// Help lines of *View Partner Field Specifications*.
    pub notes: Vec<String>,
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

/// The fields of one target: the standard ones and whatever was discovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    version: Version,
    fields: Vec<Field>,
}

impl Catalogue {
    /// The 63 standard fields, in screen order.
    pub fn standard(version: Version) -> Self {
        Self { version, fields: Vec::new() }
    }

    /// All fields, in screen order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// A field by its code or an alias of it.
    pub fn field(&self, code: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.code == code)
    }

    /// The resource of a create: every field that has a value, `schemas` listing only what is used, `active` as given,
    /// no `id`.
    ///
    /// # Errors
    /// [`Failure::Config`] for an unknown field; [`Failure::Rejected`] where a required field is missing or a value
    /// does not fit the type of its field. The field is named, the value is not.
    pub fn resource(&self, _record: &Record, _active: bool) -> Result<Value, Failure> {
        Err(Failure::Config(format!("{:?} is not there yet", self.version)))
    }

    /// A resource of the target as a record: its id, `active` (absent counts as true; booleans and their text forms
    /// are read), and every field that has a value. Unknown members are ignored, whatever their shape.
    pub fn record(&self, _resource: &Value) -> Record {
        Record::default()
    }

    /// What an update has to change, in catalogue order. A field of the record without values counts only where its
    /// code is in `clearable`. Letter case of `userName`, of e-mail addresses and of `type` is no difference; lists
    /// are compared as sets; write-only fields never differ.
    ///
    /// # Errors
    /// As [`Catalogue::resource`], except that a missing required field is none.
    pub fn changes(&self, _current: &Value, _record: &Record, _clearable: &[String]) -> Result<Vec<Change>, Failure> {
        Ok(Vec::new())
    }

    /// The body of a merge `PUT`: the target's own resource with the changes laid over it, everything else kept.
    /// Left out: `meta`, `groups`, `$ref`, `display` of multi-valued attributes. `active` is set when given, and is a
    /// JSON boolean in any case.
    ///
    /// # Errors
    /// As [`Catalogue::changes`].
    pub fn merged(&self, _current: &Value, _changes: &[Change], _active: Option<bool>) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    /// The body of a `PATCH` with only the changes (and `active` when given): RFC 7644 section 3.5.2 operations, one
    /// `path` each, for 2.0; a partial resource for 1.1.
    ///
    /// # Errors
    /// As [`Catalogue::changes`].
    pub fn patch(&self, _current: &Value, _changes: &[Change], _active: Option<bool>) -> Result<Value, Failure> {
        Ok(Value::Null)
    }
}
