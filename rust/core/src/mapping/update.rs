//! What an update changes: the differences between a resource and a record, and the body of a merge `PUT`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::catalogue::Catalogue;
use super::field::{Change, Field};
use super::path::{Path, Shape};
use super::resource::{self, Object};
use crate::{Failure, Record};

impl Catalogue {
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
            let set = |values: &[String]| -> BTreeSet<String> {
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

    /// The body of a merge `PUT`: the target's own resource with the changes laid over it, everything else kept.
    /// Left out: `meta`, `groups`, `$ref`, `display` of multi-valued attributes, and write-only fields, which a target
    /// should not have shown. `active` is set when given, stays what it was otherwise, and is a JSON boolean in any case.
    ///
    /// # Errors
    /// As [`Catalogue::changes`].
    pub fn put_body(&self, current: &Value, changes: &[Change], active: Option<bool>) -> Result<Value, Failure> {
        let mut resource = self.changed(current, changes)?;
        let active = active.unwrap_or_else(|| resource::is_active(&resource));
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
}

/// Whether the value is there already, in an entry without a type, while no entry has the type: what a target that
/// drops `type` makes of an earlier write.
fn stands_untyped(current: &Object, path: &Path, field: &Field, new: &[String]) -> bool {
    let (Shape::Typed { kind, sub }, [new]) = (&path.shape, new) else { return false };
    let list = resource::entries(resource::attribute(current, path));
    resource::typed(list, kind).is_none()
        && resource::same_untyped(list, sub, |text| field.comparable(text) == field.comparable(new)).is_some()
}
