//! Finds the differences between a resource and a record, and builds the body of an updating `PUT`.
//! Does not know: which requests are sent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::catalogue::Catalogue;
use super::field::{Change, Field};
use super::path::{Path, Shape};
use super::resource::{self, Object};
use crate::{Failure, Record, scim};

impl Catalogue {
    /// Returns the fields that an update must change, in catalogue order.
    ///
    /// - A field that has no value in the record is compared only if its code is in `clearable`.
    /// - Letter case of `userName`, email addresses and `type` is ignored.
    /// - Lists are compared as sets.
    /// - Write-only fields are never compared.
    ///
    /// # Errors
    /// As [`Catalogue::resource`], but a missing required field is not an error.
    pub fn changes(&self, current: &Value, record: &Record, clearable: &[String]) -> Result<Vec<Change>, Failure> {
        let empty = Object::new();
        let current = current.as_object().unwrap_or(&empty);
        let mut record_values = self.values_by_position(record)?;
        for code in clearable {
            record_values.entry(self.known_position(code)?).or_default();
        }
        let mut changes = BTreeMap::new();
        let mut covered = Vec::new();
        for (index, new) in record_values {
            let (field, path) = (&self.fields[index], &self.paths[index]);
            let may_clear = || !field.required && clearable.iter().any(|code| self.position(code) == Some(index));
            if field.write_only || (new.is_empty() && !may_clear()) {
                continue;
            }
            new.iter().try_for_each(|text| field.json(text).map(drop))?;
            let old = resource::read(current, path);
            let set = |values: &[String]| -> BTreeSet<String> {
                values.iter().map(|value| field.comparison_form(value)).collect()
            };
            if set(&old) == set(&new) {
                continue;
            }
            let change = Change { code: field.code.clone(), old, new };
            if is_in_untyped_entry(current, path, field, &change.new) {
                covered.push((index, change));
            } else {
                changes.insert(index, change);
            }
        }
        // A change may take the untyped entry that covered another field. Then that field must be written too.
        while !covered.is_empty() {
            let planned: Vec<Change> = changes.values().cloned().collect();
            let after = self.changed_resource(&Value::Object(current.clone()), &planned)?;
            let is_covered = |(index, change): &(usize, Change)| {
                is_in_untyped_entry(&after, &self.paths[*index], &self.fields[*index], &change.new)
            };
            let (still_covered, uncovered): (Vec<_>, Vec<_>) = covered.into_iter().partition(is_covered);
            if uncovered.is_empty() {
                break;
            }
            changes.extend(uncovered);
            covered = still_covered;
        }
        Ok(changes.into_values().collect())
    }

    /// Returns the body of an updating `PUT`: the target's own resource with the changes.
    ///
    /// It does not contain `meta`, `groups`, `$ref`, `display` of multi-valued attributes, and write-only fields, which a
    /// target should not return. `active` is always a JSON boolean. If it is `None`, the present value stays.
    ///
    /// # Errors
    /// As [`Catalogue::changes`].
    pub fn put_body(&self, current: &Value, changes: &[Change], active: Option<bool>) -> Result<Value, Failure> {
        let mut resource = self.changed_resource(current, changes)?;
        let active = active.unwrap_or_else(|| resource::is_active(&resource));
        resource::put(&mut resource, "active", active.into());
        for name in ["meta", "groups"] {
            resource::remove(&mut resource, name);
        }
        for (field, path) in self.fields.iter().zip(&self.paths).filter(|(field, _)| field.write_only) {
            resource::write(&mut resource, path, &[], &|text, value| field.is_same(text, value));
        }
        let mut body = Value::Object(resource);
        resource::remove_computed_and_empty(&mut body, false);
        Ok(body)
    }
}

/// Returns whether an entry without a type has the value and no entry has the type. A target that drops `type`
/// shows an earlier write in this way.
fn is_in_untyped_entry(current: &Object, path: &Path, field: &Field, new: &[String]) -> bool {
    let (Shape::Typed { kind, sub }, [new]) = (&path.shape, new) else { return false };
    let list = scim::entries(resource::attribute(current, path));
    resource::entry_of_type(list, kind).is_none()
        && resource::untyped_entry_with_value(list, sub, |text| {
            field.comparison_form(text) == field.comparison_form(new)
        })
        .is_some()
}
