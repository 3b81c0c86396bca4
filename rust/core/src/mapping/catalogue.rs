//! The fields of one target, where each lies in a resource, and both ways between records and resources.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::field::{Change, Field};
use super::fields;
use super::path::{Path, Shape};
use super::resource::{self, Object};
use super::values::scalar;
use crate::scim::Version;
use crate::text::excerpt;
use crate::{Failure, Record};

/// The core schema of SCIM 2.0 users (RFC 7643 section 4.1).
pub(super) const CORE_2: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The core schema of SCIM 1.1.
pub(super) const CORE_1: &str = "urn:scim:schemas:core:1.0";

/// The fields of one target: the standard ones and whatever was discovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    pub(super) version: Version,
    pub(super) fields: Vec<Field>,
    /// Where each field stands, in the same order.
    pub(super) paths: Vec<Path>,
}

impl Catalogue {
    /// The 63 standard fields, in screen order.
    pub fn standard(version: Version) -> Self {
        Self { version, fields: Vec::new(), paths: Vec::new() }.with_fields(fields::standard())
    }

    /// The same catalogue with further fields behind the ones it has. A field without a path in this version, or with
    /// one that is not understood, or whose code is taken, is left out.
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

    /// All fields, in screen order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// A field by its code or an alias of it.
    pub fn field(&self, code: &str) -> Option<&Field> {
        self.at(code).map(|at| &self.fields[at])
    }

    pub(super) fn at(&self, code: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.code == code || f.aliases.iter().any(|alias| alias == code))
    }

    pub(super) fn known(&self, code: &str) -> Result<usize, Failure> {
        self.at(code).ok_or_else(|| {
            Failure::Config(
                format!(
                    "{}: is no field of this target; take it off the Attribute Mapping tab or refresh its fields",
                    excerpt(code)
                )
                .into(),
            )
        })
    }

    /// What a record asks for, by place in the catalogue. Where it has a field under its code and an alias, the first
    /// that has a value counts.
    pub(super) fn wanted(&self, record: &Record) -> Result<BTreeMap<usize, Vec<String>>, Failure> {
        let mut wanted: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (code, given) in &record.fields {
            let at = self.known(code)?;
            let values = self.fields[at].wanted(given);
            let slot = wanted.entry(at).or_default();
            if slot.is_empty() || (*code == self.fields[at].code && !values.is_empty()) {
                *slot = values;
            }
        }
        Ok(wanted)
    }

    fn core(&self) -> &'static str {
        match self.version {
            Version::V1_1 => CORE_1,
            Version::V2_0 => CORE_2,
        }
    }

    /// The resource of a create: every field that has a value, `schemas` listing only what is used, `active` as given,
    /// no `id`.
    ///
    /// # Errors
    /// [`Failure::Config`] for an unknown field; [`Failure::Rejected`] where a required field is missing or a value
    /// does not fit the type of its field. The field is named, the value is not.
    pub fn resource(&self, record: &Record, active: bool) -> Result<Value, Failure> {
        let wanted = self.wanted(record)?;
        for (at, field) in self.fields.iter().enumerate().filter(|(_, field)| field.required) {
            if wanted.get(&at).is_none_or(Vec::is_empty) {
                return Err(Failure::Rejected(
                    format!("{}: is required, but the user has no value for it", field.code).into(),
                ));
            }
        }
        let mut resource = Object::new();
        resource.insert("schemas".into(), json!([self.core()]));
        self.lay(&mut resource, wanted.iter().map(|(at, values)| (*at, values.as_slice())))?;
        resource.insert("active".into(), active.into());
        Ok(Value::Object(resource))
    }

    /// Puts values at the places of fields, keeps one entry of each multi-valued attribute primary and `schemas`
    /// complete.
    fn lay<'a>(
        &self,
        resource: &mut Object,
        values: impl Iterator<Item = (usize, &'a [String])>,
    ) -> Result<(), Failure> {
        // One primary before anything is read: which entry is primary may decide which one is meant.
        self.settle(resource, |_| false);
        let mut touched = Vec::new();
        for (at, texts) in values {
            let (field, path) = (&self.fields[at], &self.paths[at]);
            let values = texts.iter().map(|text| field.json(text)).collect::<Result<Vec<_>, _>>()?;
            resource::write(resource, path, &values, &|text, value| field.same(text, value));
            touched.push(path);
        }
        self.settle(resource, |path| touched.iter().any(|one| one.attribute == path.attribute && one.urn == path.urn));
        self.list_schemas(resource);
        Ok(())
    }

    fn settle(&self, resource: &mut Object, touched: impl Fn(&Path) -> bool) {
        let mut done: Vec<&Path> = Vec::new();
        for path in &self.paths {
            let list = matches!(path.shape, Shape::List { .. });
            let is_same = |one: &&Path| one.attribute == path.attribute && one.urn == path.urn;
            if matches!(path.shape, Shape::Single { .. }) || done.iter().any(is_same) {
                continue;
            }
            done.push(path);
            let kinds: Vec<&str> = self
                .paths
                .iter()
                .filter(is_same)
                .filter_map(|one| match &one.shape {
                    Shape::Typed { kind, .. } => Some(kind.as_str()),
                    _ => None,
                })
                .collect();
            // A list without types has no value before the others, and an extension need not know `primary`.
            let needed = !list && path.urn.is_none() && touched(path);
            resource::settle_primary(resource, path, &kinds, needed);
        }
    }

    /// `schemas` keeps what it lists and gains the core schema and every extension that is there.
    pub(super) fn list_schemas(&self, resource: &mut Object) {
        let mut schemas: Vec<Value> =
            resource::entries(resource::get(resource, "schemas")).iter().filter(|s| s.is_string()).cloned().collect();
        let extensions = resource.iter().filter(|(name, value)| {
            value.is_object() && self.paths.iter().any(|p| p.urn.as_ref().is_some_and(|u| u.eq_ignore_ascii_case(name)))
        });
        for used in [self.core()].into_iter().chain(extensions.map(|(name, _)| name.as_str())) {
            if !schemas.iter().any(|known| known.as_str().is_some_and(|known| known.eq_ignore_ascii_case(used))) {
                schemas.push(used.into());
            }
        }
        resource::put(resource, "schemas", Value::Array(schemas));
    }

    /// A resource of the target as a record: its id, `active` (absent counts as true; booleans and their text forms
    /// are read), and every field that has a value. Unknown members are ignored, whatever their shape.
    pub fn record(&self, resource: &Value) -> Record {
        let Some(resource) = resource.as_object() else { return Record { enabled: true, ..Record::default() } };
        let fields = self.fields.iter().zip(&self.paths).filter_map(|(field, path)| {
            let mut values = resource::read(resource, path);
            if !field.multi_valued {
                values.truncate(1);
            }
            (!values.is_empty()).then(|| (field.code.clone(), values))
        });
        let fields: BTreeMap<_, _> = fields.collect();
        let masked = self.fields.iter().filter(|f| f.write_only && fields.contains_key(&f.code));
        Record {
            id: resource::get(resource, "id").and_then(scalar),
            enabled: resource::is_active(resource),
            masked: masked.map(|f| f.code.clone()).collect(),
            fields,
        }
    }

    /// Lays changes over a copy of the target's resource.
    pub(super) fn changed(&self, current: &Value, changes: &[Change]) -> Result<Object, Failure> {
        let mut resource = current.as_object().cloned().unwrap_or_default();
        let mut values = Vec::new();
        for change in changes {
            values.push((self.known(&change.code)?, change.new.as_slice()));
        }
        self.lay(&mut resource, values.into_iter())?;
        Ok(resource)
    }
}
