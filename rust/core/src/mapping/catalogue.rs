//! Flat fields to SCIM resources and back, versions 1.1 and 2.0. The catalogue of fields is data.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scim::Version;
use crate::text::excerpt;
use crate::{Failure, Record};

use super::fields;
use super::patch::{self, PatchPaths};
use super::path::{Path, Shape};
use super::resource::{self, Object};
use super::values::ValueType;

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
        self.value_type
            .json(text)
            .ok_or_else(|| Failure::Rejected(format!("{}: the value is not {}", self.code, self.value_type.shape())))
    }

    /// The values that count: not empty, not twice, and only the first where the field takes one.
    fn wanted(&self, given: &[String]) -> Vec<String> {
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
    fn comparable(&self, text: &str) -> String {
        let text = self.value_type.json(text).as_ref().and_then(resource::scalar).unwrap_or_else(|| text.to_owned());
        if self.case_insensitive { text.to_lowercase() } else { text }
    }

    /// Whether a text found at the target is this value.
    fn same(&self, text: &str, value: &Value) -> bool {
        resource::scalar(value).is_some_and(|value| self.comparable(text) == self.comparable(&value))
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

/// The core schema of SCIM 2.0 users (RFC 7643 section 4.1).
pub(super) const CORE_2: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The core schema of SCIM 1.1.
pub(super) const CORE_1: &str = "urn:scim:schemas:core:1.0";

/// The fields of one target: the standard ones and whatever was discovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    version: Version,
    pub(super) fields: Vec<Field>,
    /// Where each field stands, in the same order.
    pub(super) paths: Vec<Path>,
}

impl Catalogue {
    /// The 63 standard fields, in screen order.
    pub fn standard(version: Version) -> Self {
        Self { version, fields: Vec::new(), paths: Vec::new() }.with(fields::standard())
    }

    /// The same catalogue with further fields behind the ones it has. A field without a path in this version, or with
    /// one that is not understood, or whose code is taken, is left out.
    #[must_use]
    pub fn with(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
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
            Failure::Config(format!(
                "{}: is no field of this target; take it off the Attribute Mapping tab or refresh its fields",
                excerpt(code)
            ))
        })
    }

    /// What a record asks for, by place in the catalogue. Where it has a field under its code and an alias, the first
    /// that has a value counts.
    fn wanted(&self, record: &Record) -> Result<BTreeMap<usize, Vec<String>>, Failure> {
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
                return Err(Failure::Rejected(format!(
                    "{}: is required, but the user has no value for it",
                    field.code
                )));
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
            id: resource::get(resource, "id").and_then(resource::scalar),
            enabled: is_active(resource),
            masked: masked.map(|f| f.code.clone()).collect(),
            fields,
        }
    }

    /// What an update has to change, in catalogue order. A field of the record without values, or not in it, counts
    /// only where its code is in `clearable`. Letter case of `userName`, of e-mail addresses and of `type` is no
    /// difference; lists are compared as sets; write-only fields never differ.
    ///
    /// # Errors
    /// As [`Catalogue::resource`], except that a missing required field is none.
    pub fn changes(&self, current: &Value, record: &Record, clearable: &[String]) -> Result<Vec<Change>, Failure> {
        let empty = Object::new();
        let current = current.as_object().unwrap_or(&empty);
        let mut wanted = self.wanted(record)?;
        for code in clearable {
            wanted.entry(self.known(code)?).or_default();
        }
        let mut changes = BTreeMap::new();
        let mut standing = Vec::new();
        for (at, new) in wanted {
            let (field, path) = (&self.fields[at], &self.paths[at]);
            let may_clear = || !field.required && clearable.iter().any(|code| self.at(code) == Some(at));
            if field.write_only || (new.is_empty() && !may_clear()) {
                continue;
            }
            new.iter().try_for_each(|text| field.json(text).map(drop))?;
            let old = resource::read(current, path);
            let set = |values: &[String]| -> std::collections::BTreeSet<String> {
                values.iter().map(|value| field.comparable(value)).collect()
            };
            if set(&old) == set(&new) {
                continue;
            }
            let change = Change { code: field.code.clone(), old, new };
            if stands_untyped(current, path, field, &change.new) {
                standing.push((at, change));
            } else {
                changes.insert(at, change);
            }
        }
        // A change may take over the very entry that stood for another field.
        while !standing.is_empty() {
            let so_far: Vec<Change> = changes.values().cloned().collect();
            let after = self.changed(&Value::Object(current.clone()), &so_far)?;
            let still = |(at, change): &(usize, Change)| {
                stands_untyped(&after, &self.paths[*at], &self.fields[*at], &change.new)
            };
            let (stay, fallen): (Vec<_>, Vec<_>) = standing.into_iter().partition(still);
            if fallen.is_empty() {
                break;
            }
            changes.extend(fallen);
            standing = stay;
        }
        Ok(changes.into_values().collect())
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

    /// The body of a merge `PUT`: the target's own resource with the changes laid over it, everything else kept.
    /// Left out: `meta`, `groups`, `$ref`, `display` of multi-valued attributes, and write-only fields, which a target
    /// should not have shown. `active` is set when given, stays what it was otherwise, and is a JSON boolean in any case.
    ///
    /// # Errors
    /// As [`Catalogue::changes`].
    pub fn merged(&self, current: &Value, changes: &[Change], active: Option<bool>) -> Result<Value, Failure> {
        let mut resource = self.changed(current, changes)?;
        let active = active.unwrap_or_else(|| is_active(&resource));
        resource::put(&mut resource, "active", active.into());
        for name in ["meta", "groups"] {
            resource::remove(&mut resource, name);
        }
        for (field, path) in self.fields.iter().zip(&self.paths).filter(|(field, _)| field.write_only) {
            resource::write(&mut resource, path, &[], &|text, value| field.same(text, value));
        }
        let mut body = Value::Object(resource);
        resource::strip(&mut body, false);
        Ok(body)
    }

    /// The body of a `PATCH` with only the changes (and `active` when given): RFC 7644 section 3.5.2 operations, one
    /// `path` each, for 2.0; a partial resource for 1.1, where `paths` makes no difference.
    ///
    /// # Errors
    /// As [`Catalogue::changes`].
    pub fn patch(
        &self,
        current: &Value,
        changes: &[Change],
        active: Option<bool>,
        paths: PatchPaths,
    ) -> Result<Value, Failure> {
        match self.version {
            Version::V1_1 => patch::partial(self, current, changes, active),
            Version::V2_0 => patch::operations(self, current, changes, active, paths),
        }
    }
}

/// `active`, which counts as true where it is absent or not to be understood: nobody may pass for disabled by mistake.
fn is_active(resource: &Object) -> bool {
    !resource::get(resource, "active").is_some_and(resource::is_false)
}

/// Whether the value is there already, in an entry without a type, while no entry has the type: what a target that
/// drops `type` makes of an earlier write.
fn stands_untyped(current: &Object, path: &Path, field: &Field, new: &[String]) -> bool {
    let (Shape::Typed { kind, sub }, [new]) = (&path.shape, new) else { return false };
    let list = resource::entries(resource::attribute(current, path));
    resource::typed(list, kind).is_none()
        && resource::same_untyped(list, sub, |text| field.comparable(text) == field.comparable(new)).is_some()
}
