//! Contains the fields of one target with their paths, and converts records to resources and back.
//! Does not know: which requests are sent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::field::{Change, Field};
use super::fields;
use super::path::{Path, Shape};
use super::resource::{self, Object};
use crate::scim::{self, Version};
use crate::text::excerpt;
use crate::{Failure, Message, Record};

/// The core schema of SCIM 2.0 users (RFC 7643 section 4.1).
pub(super) const CORE_2: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The core schema of SCIM 1.1.
pub(super) const CORE_1: &str = "urn:scim:schemas:core:1.0";

/// The fields of one target: the standard fields and the custom attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    pub(super) version: Version,
    pub(super) fields: Vec<Field>,
    /// The path of each field, in the same order.
    pub(super) paths: Vec<Path>,
}

impl Catalogue {
    /// Returns the 63 standard fields, in screen order.
    pub fn standard(version: Version) -> Self {
        Self { version, fields: Vec::new(), paths: Vec::new() }.with_fields(fields::standard())
    }

    /// Adds fields after the existing fields. Skips a field without a valid path in this version, and a field whose
    /// code another field has.
    #[must_use]
    pub fn with_fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        for field in fields {
            let text = match self.version {
                Version::V1_1 => field.scim1.as_deref(),
                Version::V2_0 => Some(field.scim2.as_str()),
            };
            let path = text.and_then(|text| Path::parse(text, field.multi_valued));
            if let (Some(path), None) = (path, self.field(&field.code)) {
                self.fields.push(field);
                self.paths.push(path);
            }
        }
        self
    }

    /// Returns all fields, in screen order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Returns the field with this code or alias.
    pub fn field(&self, code: &str) -> Option<&Field> {
        self.position(code).map(|index| &self.fields[index])
    }

    pub(super) fn position(&self, code: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.code == code || f.aliases.iter().any(|alias| alias == code))
    }

    pub(super) fn known_position(&self, code: &str) -> Result<usize, Failure> {
        self.position(code).ok_or_else(|| {
            let message = Message::new(format!("{}: is not a field of this target", excerpt(code)));
            Failure::Config(message.with_hint("remove it from the Attribute Mapping tab, or refresh the fields there"))
        })
    }

    /// Returns the values of a record by position in the catalogue. If a record has a field under its code and an alias,
    /// the values under the code are used, unless they are empty.
    pub(super) fn values_by_position(&self, record: &Record) -> Result<BTreeMap<usize, Vec<String>>, Failure> {
        let mut by_position: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (code, values) in &record.fields {
            let index = self.known_position(code)?;
            let values = self.fields[index].usable_values(values);
            let present = by_position.entry(index).or_default();
            if present.is_empty() || (*code == self.fields[index].code && !values.is_empty()) {
                *present = values;
            }
        }
        Ok(by_position)
    }

    fn core_schema(&self) -> &'static str {
        match self.version {
            Version::V1_1 => CORE_1,
            Version::V2_0 => CORE_2,
        }
    }

    /// Returns the resource of a create: every field that has a value, the `schemas` that it uses, and `active`, but no
    /// `id`.
    ///
    /// # Errors
    /// [`Failure::Config`] for an unknown field. [`Failure::Rejected`] if a required field is missing or a value does not
    /// have the type of its field. The message names the field, not the value.
    pub fn resource(&self, record: &Record, active: bool) -> Result<Value, Failure> {
        let record_values = self.values_by_position(record)?;
        for (index, field) in self.fields.iter().enumerate().filter(|(_, field)| field.required) {
            if record_values.get(&index).is_none_or(Vec::is_empty) {
                let message = Message::new(format!("{}: is required, but the user has no value for it", field.code));
                return Err(Failure::Rejected(message.with_hint(format!("check the mapping of {}", field.code))));
            }
        }
        let mut resource = Object::new();
        resource.insert("schemas".into(), json!([self.core_schema()]));
        self.write_values(&mut resource, record_values.iter().map(|(index, values)| (*index, values.as_slice())))?;
        resource.insert("active".into(), active.into());
        Ok(Value::Object(resource))
    }

    /// Writes values into a resource. Leaves one primary entry in each multi-valued attribute, and completes `schemas`.
    fn write_values<'a>(
        &self,
        resource: &mut Object,
        values: impl Iterator<Item = (usize, &'a [String])>,
    ) -> Result<(), Failure> {
        // This comes first, because `resource::write` may select an entry by `primary`.
        self.set_primaries(resource, |_| false);
        let mut touched = Vec::new();
        for (index, texts) in values {
            let (field, path) = (&self.fields[index], &self.paths[index]);
            let values = texts.iter().map(|text| field.json(text)).collect::<Result<Vec<_>, _>>()?;
            resource::write(resource, path, &values, &|text, value| field.is_same(text, value));
            touched.push(path);
        }
        self.set_primaries(resource, |path| touched.iter().any(|p| p.attribute == path.attribute && p.urn == path.urn));
        self.add_schemas(resource);
        Ok(())
    }

    /// Limits each multi-valued attribute to one primary entry. In a `touched` attribute, one entry becomes primary.
    fn set_primaries(&self, resource: &mut Object, touched: impl Fn(&Path) -> bool) {
        let mut visited: Vec<&Path> = Vec::new();
        for path in &self.paths {
            let list = matches!(path.shape, Shape::List { .. });
            let is_same = |p: &&Path| p.attribute == path.attribute && p.urn == path.urn;
            if matches!(path.shape, Shape::Single { .. }) || visited.iter().any(is_same) {
                continue;
            }
            visited.push(path);
            let kinds: Vec<&str> = self
                .paths
                .iter()
                .filter(is_same)
                .filter_map(|p| match &p.shape {
                    Shape::Typed { kind, .. } => Some(kind.as_str()),
                    _ => None,
                })
                .collect();
            // A list without types has no preferred entry, and an extension may not define `primary`.
            let needed = !list && path.urn.is_none() && touched(path);
            resource::limit_primaries(resource, path, &kinds, needed);
        }
    }

    /// Adds the core schema and each extension of the resource to `schemas`.
    pub(super) fn add_schemas(&self, resource: &mut Object) {
        let mut schemas: Vec<Value> =
            scim::entries(resource::get(resource, "schemas")).iter().filter(|s| s.is_string()).cloned().collect();
        let extensions = resource.iter().filter(|(name, value)| {
            value.is_object() && self.paths.iter().any(|p| p.urn.as_ref().is_some_and(|u| u.eq_ignore_ascii_case(name)))
        });
        for used in [self.core_schema()].into_iter().chain(extensions.map(|(name, _)| name.as_str())) {
            if !schemas.iter().any(|known| known.as_str().is_some_and(|known| known.eq_ignore_ascii_case(used))) {
                schemas.push(used.into());
            }
        }
        resource::put(resource, "schemas", Value::Array(schemas));
    }

    /// Converts a resource of the target to a record: its id, `active`, and every field that has a value. An absent
    /// `active` is true. A boolean may have a text form. Unknown members are ignored.
    pub fn record(&self, resource: &Value) -> Record {
        let (id, enabled) = (scim::id(resource), scim::active(resource) != Some(false));
        let Some(resource) = resource.as_object() else { return Record { enabled, ..Record::default() } };
        let fields = self.fields.iter().zip(&self.paths).filter_map(|(field, path)| {
            let mut values = resource::read(resource, path);
            if !field.multi_valued {
                values.truncate(1);
            }
            (!values.is_empty()).then(|| (field.code.clone(), values))
        });
        let fields: BTreeMap<_, _> = fields.collect();
        let masked = self.fields.iter().filter(|f| f.write_only && fields.contains_key(&f.code));
        Record { id, enabled, masked: masked.map(|f| f.code.clone()).collect(), external_guid: None, fields }
    }

    /// Returns a copy of the target's resource with the changes.
    pub(super) fn changed_resource(&self, current: &Value, changes: &[Change]) -> Result<Object, Failure> {
        let mut resource = current.as_object().cloned().unwrap_or_default();
        let mut values = Vec::new();
        for change in changes {
            values.push((self.known_position(&change.code)?, change.new.as_slice()));
        }
        self.write_values(&mut resource, values.into_iter())?;
        Ok(resource)
    }
}
