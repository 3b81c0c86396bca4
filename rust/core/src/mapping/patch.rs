//! The body of a `PATCH`: operations with a path for SCIM 2.0, a partial resource for SCIM 1.1. Both are read off the
//! resource before and after the changes, so that they end where a merge `PUT` ends.

use serde_json::{Value, json};

use super::catalogue::Catalogue;
use super::field::Change;
use super::path::{Path, Shape};
use super::resource::{self, Object};
use crate::Failure;
use crate::scim::Version;

/// How a target takes changes inside multi-valued attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PatchPaths {
    /// With filtered paths, as RFC 7644 section 3.5.2 has them: `emails[type eq "work"].value`.
    #[default]
    Filtered,
    /// Only as a whole: the attribute is replaced with all of its entries.
    Whole,
}

impl Catalogue {
    /// The body of a `PATCH` with only the changes (and `active` when given): RFC 7644 section 3.5.2 operations, one
    /// `path` each, for 2.0; a partial resource for 1.1, where `paths` makes no difference.
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
            Version::V1_1 => partial(self, current, changes, active),
            Version::V2_0 => operations(self, current, changes, active, paths),
        }
    }
}

/// The message schema of RFC 7644 section 3.5.2.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn replace(path: &str, value: impl Into<Value>) -> Value {
    json!({"op": "replace", "path": path, "value": value.into()})
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

/// Changes of one attribute, in catalogue order.
struct Group<'a> {
    path: &'a Path,
    changes: Vec<(&'a Path, &'a Change)>,
}

fn groups<'a>(catalogue: &'a Catalogue, changes: &'a [Change]) -> Result<Vec<Group<'a>>, Failure> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for change in changes {
        let path = &catalogue.paths[catalogue.known(&change.code)?];
        match groups.iter_mut().find(|g| g.path.attribute == path.attribute && g.path.urn == path.urn) {
            Some(group) => group.changes.push((path, change)),
            None => groups.push(Group { path, changes: vec![(path, change)] }),
        }
    }
    Ok(groups)
}

/// The value of an attribute as it may be sent.
fn sendable(resource: &Object, path: &Path) -> Option<Value> {
    let mut value = resource::attribute(resource, path).cloned()?;
    resource::strip(&mut value, false);
    Some(value)
}

/// SCIM 2.0.
fn operations(
    catalogue: &Catalogue,
    current: &Value,
    changes: &[Change],
    active: Option<bool>,
    paths: PatchPaths,
) -> Result<Value, Failure> {
    let empty = Object::new();
    let before = current.as_object().unwrap_or(&empty);
    let after = catalogue.changed(current, changes)?;
    let mut operations = Vec::new();
    for group in groups(catalogue, changes)? {
        match &group.path.shape {
            Shape::Single { .. } => {
                let mut parts = Object::new();
                for (path, change) in &group.changes {
                    let field = &catalogue.fields[catalogue.known(&change.code)?];
                    match (change.new.first(), &path.shape) {
                        (Some(text), Shape::Single { sub: Some(sub) }) if path.urn.is_some() => {
                            parts.insert(sub.clone(), field.json(text)?);
                        }
                        (Some(text), _) => operations.push(replace(&path.to_string(), field.json(text)?)),
                        (None, _) => operations.push(remove(&path.to_string())),
                    }
                }
                // Not every target follows a path into a complex attribute of an extension (`manager.value`). Parts
                // that are not named stay as they are (RFC 7644 section 3.5.2.3).
                if !parts.is_empty() {
                    operations.push(replace(&group.path.whole(), parts));
                }
            }
            Shape::Typed { .. } if paths == PatchPaths::Filtered => match entry_operations(&group, before, &after) {
                Some(some) => operations.extend(some),
                None => operations.push(whole(group.path, &after)),
            },
            Shape::Typed { .. } | Shape::List { .. } => operations.push(whole(group.path, &after)),
        }
    }
    if let Some(active) = active {
        operations.push(replace("active", active));
    }
    Ok(json!({"schemas": [PATCH_OP], "Operations": operations}))
}

/// A multi-valued attribute with all of its entries, or without any.
fn whole(path: &Path, after: &Object) -> Value {
    match sendable(after, path) {
        Some(value) => replace(&path.whole(), value),
        None => remove(&path.whole()),
    }
}

/// The operations on single entries. `None` where a filtered path would miss an entry or hit one too many, or where
/// another entry becomes the primary one.
fn entry_operations(group: &Group<'_>, before: &Object, after: &Object) -> Option<Vec<Value>> {
    let attribute = |resource| resource::attribute(resource, group.path);
    if attribute(before).is_some_and(|value| !value.is_array()) {
        return None;
    }
    let (old, new) = (resource::entries(attribute(before)), resource::entries(attribute(after)));
    let only_typed = old.iter().all(|entry| resource::kind_of(entry).is_some());
    let mut operations = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for (path, _) in &group.changes {
        let Shape::Typed { kind, .. } = &path.shape else { return None };
        if done.contains(&kind.as_str()) {
            continue;
        }
        done.push(kind);
        match (resource::typed(old, kind), resource::typed(new, kind)) {
            (None, Some(at)) if only_typed => {
                let mut entry = new[at].clone();
                resource::strip(&mut entry, true);
                operations.push(json!({"op": "add", "path": path.whole(), "value": [entry]}));
            }
            (Some(at), None)
                if only_typed && is_alone(old, at) && (!resource::is_primary(&old[at]) || new.is_empty()) =>
            {
                operations.push(remove(&path.entry(resource::kind_of(&old[at])?)));
            }
            (Some(at), Some(now)) if is_alone(old, at) => {
                let entry = path.entry(resource::kind_of(&old[at])?);
                let now = new[now].as_object()?;
                for (path, change) in &group.changes {
                    let Shape::Typed { kind: of, sub } = &path.shape else { return None };
                    if of != kind {
                        continue;
                    }
                    let path = format!("{entry}.{sub}");
                    operations.push(if change.new.is_empty() {
                        remove(&path)
                    } else {
                        replace(&path, resource::get(now, sub)?.clone())
                    });
                }
            }
            _ => return None,
        }
    }
    Some(operations)
}

/// Whether no other entry has the same type.
fn is_alone(list: &[Value], at: usize) -> bool {
    let kind = |entry| resource::kind_of(entry).map(str::to_ascii_lowercase);
    list.iter().filter(|entry| kind(entry) == kind(&list[at])).count() == 1
}

/// SCIM 1.1 (API specification, section 3.3.2): a partial resource, laid over the user after the attributes named in
/// `meta.attributes` were taken away. Entries of multi-valued attributes would be added to those that are there, so
/// such an attribute is taken away and sent whole.
fn partial(catalogue: &Catalogue, current: &Value, changes: &[Change], active: Option<bool>) -> Result<Value, Failure> {
    let empty = Object::new();
    let before = current.as_object().unwrap_or(&empty);
    let after = catalogue.changed(current, changes)?;
    let mut body = Object::new();
    let mut cleared: Vec<String> = Vec::new();
    for group in groups(catalogue, changes)? {
        if let Shape::Single { .. } = &group.path.shape {
            for (path, change) in &group.changes {
                let field = &catalogue.fields[catalogue.known(&change.code)?];
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
            cleared.push(group.path.whole());
        }
        if let Some(value) = sendable(&after, group.path) {
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
    catalogue.list_schemas(&mut body);
    Ok(Value::Object(body))
}
