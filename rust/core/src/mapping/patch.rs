//! Builds the body of a `PATCH`: operations with a path for SCIM 2.0, a partial resource for SCIM 1.1.
//! Does not know: which requests are sent.
//!
//! Both forms are derived from the resource before and after the changes, so a `PATCH` has the result of a `PUT`.

use serde_json::{Value, json};

use super::catalogue::Catalogue;
use super::field::Change;
use super::path::{Path, Shape};
use super::resource::{self, Object};
use crate::Failure;
use crate::scim::{self, PATCH_OP, Version};

/// How a `PATCH` changes multi-valued attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PatchPaths {
    /// With filtered paths of RFC 7644 section 3.5.2: `emails[type eq "work"].value`.
    #[default]
    Filtered,
    /// By replacing the attribute with all its entries.
    Whole,
}

impl Catalogue {
    /// Returns the body of a `PATCH` with the changes, and `active` if it is not `None`. For SCIM 2.0 the body contains
    /// operations of RFC 7644 section 3.5.2, one `path` each. For SCIM 1.1 it is a partial resource, and `paths` has no
    /// effect.
    ///
    /// # Errors
    /// As [`Catalogue::changes`].
    pub fn patch_body(
        &self,
        current: &Value,
        changes: &[Change],
        active: Option<bool>,
        paths: PatchPaths,
    ) -> Result<Value, Failure> {
        match self.version {
            Version::V1_1 => partial_resource(self, current, changes, active),
            Version::V2_0 => patch_operations(self, current, changes, active, paths),
        }
    }
}

fn replace(path: &str, value: impl Into<Value>) -> Value {
    json!({"op": "replace", "path": path, "value": value.into()})
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

/// The changes of one attribute, in catalogue order.
struct AttributeChanges<'a> {
    path: &'a Path,
    changes: Vec<(&'a Path, &'a Change)>,
}

fn changes_by_attribute<'a>(
    catalogue: &'a Catalogue,
    changes: &'a [Change],
) -> Result<Vec<AttributeChanges<'a>>, Failure> {
    let mut groups: Vec<AttributeChanges<'a>> = Vec::new();
    for change in changes {
        let path = &catalogue.paths[catalogue.known_position(&change.code)?];
        match groups.iter_mut().find(|g| g.path.attribute == path.attribute && g.path.urn == path.urn) {
            Some(group) => group.changes.push((path, change)),
            None => groups.push(AttributeChanges { path, changes: vec![(path, change)] }),
        }
    }
    Ok(groups)
}

/// Returns the value of an attribute without the parts that are never sent.
fn sendable_value(resource: &Object, path: &Path) -> Option<Value> {
    let mut value = resource::attribute(resource, path).cloned()?;
    resource::remove_computed_and_empty(&mut value, false);
    Some(value)
}

/// Returns the body for SCIM 2.0.
fn patch_operations(
    catalogue: &Catalogue,
    current: &Value,
    changes: &[Change],
    active: Option<bool>,
    paths: PatchPaths,
) -> Result<Value, Failure> {
    let empty = Object::new();
    let before = current.as_object().unwrap_or(&empty);
    let after = catalogue.changed_resource(current, changes)?;
    let mut operations = Vec::new();
    for group in changes_by_attribute(catalogue, changes)? {
        match &group.path.shape {
            Shape::Single { .. } => {
                let mut parts = Object::new();
                for (path, change) in &group.changes {
                    let field = &catalogue.fields[catalogue.known_position(&change.code)?];
                    match (change.new.first(), &path.shape) {
                        (Some(text), Shape::Single { sub: Some(sub) }) if path.urn.is_some() => {
                            parts.insert(sub.clone(), field.json(text)?);
                        }
                        (Some(text), _) => operations.push(replace(&path.to_string(), field.json(text)?)),
                        (None, _) => operations.push(remove(&path.to_string())),
                    }
                }
                // Some targets do not support a path into a complex attribute of an extension (`manager.value`).
                // A replace leaves sub-attributes that it does not name unchanged (RFC 7644 section 3.5.2.3).
                if !parts.is_empty() {
                    operations.push(replace(&group.path.attribute_path(), parts));
                }
            }
            Shape::Typed { .. } if paths == PatchPaths::Filtered => match entry_operations(&group, before, &after) {
                Some(entry_operations) => operations.extend(entry_operations),
                None => operations.push(replace_attribute(group.path, &after)),
            },
            Shape::Typed { .. } | Shape::List { .. } => operations.push(replace_attribute(group.path, &after)),
        }
    }
    if let Some(active) = active {
        operations.push(replace("active", active));
    }
    Ok(json!({"schemas": [PATCH_OP], "Operations": operations}))
}

/// Returns the operation that replaces a whole attribute, or removes it if it has no value.
fn replace_attribute(path: &Path, after: &Object) -> Value {
    match sendable_value(after, path) {
        Some(value) => replace(&path.attribute_path(), value),
        None => remove(&path.attribute_path()),
    }
}

/// Returns the operations on single entries. `None` if a filtered path would match no entry or too many, or if another
/// entry becomes primary.
fn entry_operations(group: &AttributeChanges<'_>, before: &Object, after: &Object) -> Option<Vec<Value>> {
    let attribute = |resource| resource::attribute(resource, group.path);
    if attribute(before).is_some_and(|value| !value.is_array()) {
        return None;
    }
    let (old, new) = (scim::entries(attribute(before)), scim::entries(attribute(after)));
    let only_typed = old.iter().all(|entry| resource::kind_of(entry).is_some());
    let mut operations = Vec::new();
    let mut handled: Vec<&str> = Vec::new();
    for (path, _) in &group.changes {
        let Shape::Typed { kind, .. } = &path.shape else { return None };
        if handled.contains(&kind.as_str()) {
            continue;
        }
        handled.push(kind);
        match (resource::entry_of_type(old, kind), resource::entry_of_type(new, kind)) {
            (None, Some(index)) if only_typed => {
                let mut entry = new[index].clone();
                resource::remove_computed_and_empty(&mut entry, true);
                operations.push(json!({"op": "add", "path": path.attribute_path(), "value": [entry]}));
            }
            (Some(index), None)
                if only_typed && is_alone(old, index) && (!resource::is_primary(&old[index]) || new.is_empty()) =>
            {
                operations.push(remove(&path.entry_path(resource::kind_of(&old[index])?)));
            }
            (Some(index), Some(new_index)) if is_alone(old, index) => {
                let entry = path.entry_path(resource::kind_of(&old[index])?);
                let new_entry = new[new_index].as_object()?;
                for (path, change) in &group.changes {
                    let Shape::Typed { kind: changed_kind, sub } = &path.shape else { return None };
                    if changed_kind != kind {
                        continue;
                    }
                    let path = format!("{entry}.{sub}");
                    operations.push(if change.new.is_empty() {
                        remove(&path)
                    } else {
                        replace(&path, resource::get(new_entry, sub)?.clone())
                    });
                }
            }
            _ => return None,
        }
    }
    Some(operations)
}

/// Returns whether no other entry has the same type.
fn is_alone(list: &[Value], index: usize) -> bool {
    let kind = |entry| resource::kind_of(entry).map(str::to_ascii_lowercase);
    list.iter().filter(|entry| kind(entry) == kind(&list[index])).count() == 1
}

/// Returns the body for SCIM 1.1 (API specification, section 3.3.2). The target removes the attributes of
/// `meta.attributes` and then merges the partial resource. It would add entries to a multi-valued attribute, so such an
/// attribute is removed and sent whole.
fn partial_resource(
    catalogue: &Catalogue,
    current: &Value,
    changes: &[Change],
    active: Option<bool>,
) -> Result<Value, Failure> {
    let empty = Object::new();
    let before = current.as_object().unwrap_or(&empty);
    let after = catalogue.changed_resource(current, changes)?;
    let mut body = Object::new();
    let mut cleared: Vec<String> = Vec::new();
    for group in changes_by_attribute(catalogue, changes)? {
        if let Shape::Single { .. } = &group.path.shape {
            for (path, change) in &group.changes {
                let field = &catalogue.fields[catalogue.known_position(&change.code)?];
                let values = change.new.iter().map(|text| field.json(text)).collect::<Result<Vec<_>, _>>()?;
                if values.is_empty() {
                    cleared.push(path.to_string());
                } else {
                    resource::write(&mut body, path, &values, &|_, _| false);
                }
            }
            continue;
        }
        if resource::attribute(before, group.path).is_some() {
            cleared.push(group.path.attribute_path());
        }
        if let Some(value) = sendable_value(&after, group.path) {
            let whole = Path { shape: Shape::Single { sub: None }, ..group.path.clone() };
            resource::write(&mut body, &whole, &[value], &|_, _| false);
        }
    }
    if let Some(active) = active {
        body.insert("active".into(), active.into());
    }
    if !cleared.is_empty() {
        body.insert("meta".into(), json!({"attributes": cleared}));
    }
    catalogue.add_schemas(&mut body);
    Ok(Value::Object(body))
}
