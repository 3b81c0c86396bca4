//! Carries out the operations of a `PATCH` on a resource (RFC 7644 section 3.5.2).
//! Does not know: stored resources, quirks.

use serde_json::{Map, Value, json};

use super::json::{MULTI_VALUED, is_read_only, is_urn, member};
use super::message::{Kind, Refusal};
use super::path::Path;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

type Object = Map<String, Value>;

/// Returns the resource after all operations of the body.
///
/// `filtered_ignored`: whether operations with a filtered path have no effect.
///
/// # Errors
/// 400 if one operation is invalid. Then none has an effect.
pub(super) fn patched(kind: Kind, resource: &Value, body: &Value, filtered_ignored: bool) -> Result<Value, Refusal> {
    let Some(Value::Array(operations)) = member(body, "Operations") else {
        return Err(refused("invalidSyntax", "Operations is missing"));
    };
    let mut root = resource.as_object().cloned().unwrap_or_default();
    for operation in operations {
        let op = match member(operation, "op").and_then(Value::as_str).map(str::to_lowercase).as_deref() {
            Some("add") => Op::Add,
            Some("replace") => Op::Replace,
            Some("remove") => Op::Remove,
            _ => return Err(refused("invalidSyntax", "op is unknown")),
        };
        let value = member(operation, "value");
        match member(operation, "path") {
            None | Some(Value::Null) => change_resource(kind, &mut root, op, value)?,
            Some(Value::String(path)) if filtered_ignored && path.contains('[') => {}
            Some(Value::String(path)) => change(kind, &mut root, op, path, value)?,
            Some(_) => return Err(refused("invalidPath", "path is not a string")),
        }
    }
    Ok(Value::Object(root))
}

fn refused(scim_type: &'static str, detail: &str) -> Refusal {
    Refusal::new(400, Some(scim_type), detail)
}

/// Carries out an operation without a path. Each key of the value is a path.
fn change_resource(kind: Kind, root: &mut Object, op: Op, value: Option<&Value>) -> Result<(), Refusal> {
    if op == Op::Remove {
        return Err(refused("noTarget", "remove needs a path"));
    }
    let Some(Value::Object(attributes)) = value else {
        return Err(refused("invalidValue", "the value without a path is not an object"));
    };
    attributes.iter().try_for_each(|(path, value)| change(kind, root, op, path, Some(value)))
}

/// Carries out an operation with a path.
fn change(kind: Kind, root: &mut Object, op: Op, text: &str, value: Option<&Value>) -> Result<(), Refusal> {
    let core = kind.schema();
    if text.eq_ignore_ascii_case(&core) {
        return change_resource(kind, root, op, value);
    }
    if is_schema(root, text) {
        return change_attribute(root, text, op, value);
    }
    let Some((path, "")) = Path::read(text) else {
        let scim_type = if text.contains('[') { "invalidFilter" } else { "invalidPath" };
        return Err(refused(scim_type, &format!("path '{text}' is not supported")));
    };
    let extension = path.urn.as_deref().filter(|urn| !urn.eq_ignore_ascii_case(&core));
    if extension.is_none() && is_read_only(kind, &path.attribute) {
        return Err(refused("mutability", &format!("{} is read-only", path.attribute)));
    }
    let Some(parent) = (match extension {
        Some(urn) => part(root, urn, op)?,
        None => Some(root),
    }) else {
        return Ok(());
    };
    match (&path.filter, &path.sub) {
        (None, None) => change_attribute(parent, &path.attribute, op, value),
        (None, Some(sub)) => {
            let is_multi_valued = parent.get(&spelling(parent, &path.attribute)).is_some_and(Value::is_array);
            if is_multi_valued {
                return change_entries(parent, &path, op, value);
            }
            match part(parent, &path.attribute, op)? {
                Some(parts) => change_attribute(parts, sub, op, value),
                None => Ok(()),
            }
        }
        (Some(_), _) => change_entries(parent, &path, op, value),
    }
}

/// Carries out an operation on the entries of a multi-valued attribute that match the filter, or on all.
fn change_entries(parent: &mut Object, path: &Path, op: Op, value: Option<&Value>) -> Result<(), Refusal> {
    let key = spelling(parent, &path.attribute);
    let is_members = key.eq_ignore_ascii_case("members");
    let matches = |entry: &Value| path.filter.as_ref().is_none_or(|filter| filter.matches(entry, is_members));
    let mut nothing = Vec::new();
    let entries = parent.get_mut(&key).and_then(Value::as_array_mut).unwrap_or(&mut nothing);
    let selected: Vec<bool> = entries.iter().map(matches).collect();
    if !selected.contains(&true) {
        // A remove of something that does not exist has already its result.
        return if op == Op::Remove { Ok(()) } else { Err(refused("noTarget", "no value matches the filter")) };
    }
    if op == Op::Remove && path.sub.is_none() {
        entries.retain(|entry| !matches(entry));
        return Ok(());
    }
    for (entry, _) in entries.iter_mut().zip(&selected).filter(|(_, is_selected)| **is_selected) {
        match (&path.sub, op, value, &mut *entry) {
            (Some(sub), _, _, Value::Object(parts)) => change_attribute(parts, sub, op, value)?,
            (None, Op::Add, Some(Value::Object(new)), Value::Object(parts)) => merge(parts, new, op)?,
            (None, Op::Replace, Some(new), entry) => *entry = new.clone(),
            _ => return Err(refused("invalidValue", "the value does not fit the path")),
        }
    }
    only_primary(entries, &selected);
    Ok(())
}

/// Carries out an operation on an attribute or sub-attribute.
fn change_attribute(parent: &mut Object, name: &str, op: Op, value: Option<&Value>) -> Result<(), Refusal> {
    let key = spelling(parent, name);
    let current = parent.get_mut(&key);
    let by_value = key.eq_ignore_ascii_case("members");
    if op == Op::Remove {
        match (current, value) {
            (Some(Value::Array(entries)), Some(value)) if !value.is_null() => {
                entries.retain(|entry| !list(value).iter().any(|removed| is_same(entry, removed, by_value)));
            }
            _ => {
                parent.shift_remove(&key);
            }
        }
        return Ok(());
    }
    let Some(value) = value else { return Err(refused("invalidValue", "the value is missing")) };
    match (current, value) {
        (Some(Value::Array(entries)), _) if op == Op::Add => {
            let mut is_new = vec![false; entries.len()];
            for entry in list(value) {
                if !entries.iter().any(|other| is_same(other, entry, by_value)) {
                    entries.push(entry.clone());
                    is_new.push(true);
                }
            }
            only_primary(entries, &is_new);
        }
        // Sub-attributes that the value does not name stay (RFC 7644 section 3.5.2.3).
        (Some(Value::Object(parts)), Value::Object(new)) => merge(parts, new, op)?,
        (_, Value::Object(_)) if MULTI_VALUED.iter().any(|name| name.eq_ignore_ascii_case(&key)) => {
            parent.insert(key, json!([value]));
        }
        _ => {
            parent.insert(key, value.clone());
        }
    }
    Ok(())
}

fn merge(parts: &mut Object, new: &Object, op: Op) -> Result<(), Refusal> {
    new.iter().try_for_each(|(name, value)| change_attribute(parts, name, op, Some(value)))
}

/// Returns the complex attribute or extension with a name. It is made unless the operation is a remove.
fn part<'o>(parent: &'o mut Object, name: &str, op: Op) -> Result<Option<&'o mut Object>, Refusal> {
    let key = spelling(parent, name);
    if op == Op::Remove && !parent.contains_key(&key) {
        return Ok(None);
    }
    match parent.entry(key).or_insert_with(|| json!({})) {
        Value::Object(parts) => Ok(Some(parts)),
        _ => Err(refused("invalidPath", &format!("{name} is not a complex attribute"))),
    }
}

/// If a selected entry is primary, no other entry stays primary (RFC 7644 section 3.5.2).
fn only_primary(entries: &mut [Value], selected: &[bool]) {
    let is_primary = |entry: &Value| member(entry, "primary") == Some(&Value::Bool(true));
    if !entries.iter().zip(selected).any(|(entry, is_selected)| *is_selected && is_primary(entry)) {
        return;
    }
    for (entry, is_selected) in entries.iter_mut().zip(selected) {
        if !is_selected
            && is_primary(entry)
            && let Some(parts) = entry.as_object_mut()
        {
            parts.insert(spelling(parts, "primary"), false.into());
        }
    }
}

/// Returns the spelling of a name in an object, or the name.
fn spelling(object: &Object, name: &str) -> String {
    object.keys().find(|key| key.eq_ignore_ascii_case(name)).map_or_else(|| name.to_owned(), Clone::clone)
}

/// Returns whether a path is the URN of a whole extension.
fn is_schema(root: &Object, path: &str) -> bool {
    let end = path.rsplit(':').next().unwrap_or_default();
    let has_usual_end = ["User", "Group"].iter().any(|name| name.eq_ignore_ascii_case(end));
    is_urn(path) && (has_usual_end || root.keys().any(|key| key.eq_ignore_ascii_case(path)))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice)
}

/// Returns whether two entries are the same value. Members are the same if their `value` is.
fn is_same(a: &Value, b: &Value, by_value: bool) -> bool {
    let value = |entry| member(entry, "value").unwrap_or(entry);
    if by_value { value(a) == value(b) } else { a == b }
}
