//! Reads and writes the value at one path of a resource.
//! Does not know: fields, versions.
//!
//! It writes the correct structure and also reads incorrect structures. It ignores letter case of names (RFC 7643
//! section 2.1). It accepts single values instead of lists, plain values instead of objects, and nulls.

use serde_json::{Map, Value};

use super::path::{DEFAULT_TYPES, Path, Shape};
use super::values::scalar;
use crate::scim;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Returns the key of an object for a name: the name itself, or a key that differs only in letter case.
fn key<'a>(object: &'a Object, name: &str) -> Option<&'a String> {
    object.get_key_value(name).map(|(key, _)| key).or_else(|| object.keys().find(|key| key.eq_ignore_ascii_case(name)))
}

/// Returns a member by its name, ignoring letter case.
pub(super) fn get<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    scim::member_of(object, name)
}

/// Sets a member under its present key, or under `name` if it does not exist.
pub(super) fn put(object: &mut Object, name: &str, value: Value) {
    let key = key(object, name).cloned().unwrap_or_else(|| name.to_owned());
    object.insert(key, value);
}

/// Removes a member, ignoring letter case.
pub(super) fn remove(object: &mut Object, name: &str) {
    object.retain(|key, _| !key.eq_ignore_ascii_case(name));
}

/// Returns a member, which becomes a null if it does not exist.
fn member_or_null<'a>(object: &'a mut Object, name: &str) -> &'a mut Value {
    let key = key(object, name).cloned().unwrap_or_else(|| name.to_owned());
    object.entry(key).or_insert(Value::Null)
}

/// Changes a value as an object. Any other value is first replaced with an empty object.
fn edit_object<T>(value: &mut Value, change: impl FnOnce(&mut Object) -> T) -> T {
    let mut object = match value.take() {
        Value::Object(object) => object,
        _ => Object::new(),
    };
    let result = change(&mut object);
    *value = Value::Object(object);
    result
}

/// Returns `active`. An absent or unreadable value is true, so that no active user is mistaken for a disabled user.
pub(super) fn is_active(resource: &Object) -> bool {
    get(resource, "active").and_then(scim::truth) != Some(false)
}

/// Returns the object that contains an attribute: the resource or one of its extensions.
pub(super) fn container<'a>(resource: &'a Object, path: &Path) -> Option<&'a Object> {
    match &path.urn {
        None => Some(resource),
        Some(urn) => get(resource, urn)?.as_object(),
    }
}

/// Returns the value of an attribute.
pub(super) fn attribute<'a>(resource: &'a Object, path: &Path) -> Option<&'a Value> {
    get(container(resource, path)?, &path.attribute)
}

/// Returns a sub-attribute of an entry as text. A plain value counts as its own `value`, or as `managerId` of the SCIM 1.1
/// manager.
fn sub_value(entry: &Value, sub: &str) -> Option<String> {
    match entry {
        Value::Object(object) => scalar(get(object, sub)?),
        plain if sub == "value" || sub == "managerId" => scalar(plain),
        _ => None,
    }
}

/// Returns the type of an entry, or `None` if it has no type.
pub(super) fn kind_of(entry: &Value) -> Option<&str> {
    get(entry.as_object()?, "type")?.as_str().filter(|kind| !kind.is_empty())
}

pub(super) fn is_primary(entry: &Value) -> bool {
    entry.as_object().and_then(|object| get(object, "primary")).and_then(scim::truth) == Some(true)
}

fn is_untyped(entry: &Value) -> bool {
    kind_of(entry).is_none() && (entry.is_object() || scalar(entry).is_some())
}

/// Returns the index of the first entry with this type.
pub(super) fn entry_of_type(list: &[Value], kind: &str) -> Option<usize> {
    list.iter().position(|entry| kind_of(entry).is_some_and(|k| k.eq_ignore_ascii_case(kind)))
}

/// Returns whether entries of this attribute without a type have the type `kind`.
fn is_default_type(attribute: &str, kind: &str) -> bool {
    DEFAULT_TYPES.iter().any(|(name, default)| name.eq_ignore_ascii_case(attribute) && *default == kind)
}

/// Returns the index of the entry that is read for a type: the first entry with this type, otherwise an entry without a
/// type that is primary or the only entry.
pub(super) fn entry_for_type(list: &[Value], attribute: &str, kind: &str) -> Option<usize> {
    entry_of_type(list, kind).or_else(|| {
        if !is_default_type(attribute, kind) {
            return None;
        }
        let primary = list.iter().position(|entry| is_untyped(entry) && is_primary(entry));
        let alone = || list.iter().position(is_untyped).filter(|_| list.iter().filter(|e| !e.is_null()).count() == 1);
        primary.or_else(alone)
    })
}

/// Returns the index of an entry without a type that has a value. A target that drops `type` shows an earlier write in
/// this way, and it must not be written again.
pub(super) fn untyped_entry_with_value(list: &[Value], sub: &str, same: impl Fn(&str) -> bool) -> Option<usize> {
    if sub != "value" {
        return None;
    }
    list.iter().position(|entry| is_untyped(entry) && sub_value(entry, sub).is_some_and(|text| same(&text)))
}

/// Returns the values at a path, without empty values.
pub(super) fn read(resource: &Object, path: &Path) -> Vec<String> {
    let Some(value) = attribute(resource, path) else { return Vec::new() };
    match &path.shape {
        Shape::Single { sub } => {
            let single = match value {
                Value::Array(list) => list.iter().find(|entry| !entry.is_null()).unwrap_or(&Value::Null),
                single => single,
            };
            match sub {
                Some(sub) => sub_value(single, sub),
                None => scalar(single).or_else(|| sub_value(single, "value")),
            }
            .into_iter()
            .collect()
        }
        Shape::Typed { kind, sub } => {
            let list = scim::entries(Some(value));
            entry_for_type(list, &path.attribute, kind)
                .and_then(|index| sub_value(&list[index], sub))
                .into_iter()
                .collect()
        }
        Shape::List { sub } => {
            let mut values = Vec::new();
            for text in scim::entries(Some(value))
                .iter()
                .filter_map(|entry| sub_value(entry, sub.as_deref().unwrap_or("value")))
            {
                if !values.contains(&text) {
                    values.push(text);
                }
            }
            values
        }
    }
}

/// Writes values at a path. Without values it clears the path, so that [`read`] returns no values. `same` decides
/// whether a text of the resource equals a value.
pub(super) fn write(resource: &mut Object, path: &Path, values: &[Value], same: &dyn Fn(&str, &Value) -> bool) {
    match &path.urn {
        None => write_attribute(resource, path, values, same),
        Some(urn) => {
            if values.is_empty() && container(resource, path).is_none() {
                return;
            }
            let is_empty = edit_object(member_or_null(resource, urn), |extension| {
                write_attribute(extension, path, values, same);
                extension.is_empty()
            });
            if is_empty {
                remove(resource, urn);
            }
        }
    }
}

fn write_attribute(container: &mut Object, path: &Path, values: &[Value], same: &dyn Fn(&str, &Value) -> bool) {
    let name = path.attribute.as_str();
    match &path.shape {
        Shape::Single { sub: None } => match values.first() {
            Some(value) => put(container, name, value.clone()),
            None => remove(container, name),
        },
        Shape::Single { sub: Some(sub) } => match values.first() {
            Some(value) => edit_object(member_or_null(container, name), |complex| put(complex, sub, value.clone())),
            None => clear_sub_attribute(container, name, sub),
        },
        Shape::Typed { kind, sub } => {
            let mut list = scim::entries(get(container, name)).to_vec();
            list.retain(|entry| !entry.is_null());
            match values.first() {
                Some(value) => set_entry(&mut list, name, kind, sub, value, same),
                None => clear_entry(&mut list, name, kind, sub),
            }
            put_list(container, name, list);
        }
        Shape::List { sub } => {
            let old = scim::entries(get(container, name)).to_vec();
            let sub_name = sub.as_deref().unwrap_or("value");
            // A target that returns plain values expects plain values.
            let plain = sub.is_none() || (!old.is_empty() && old.iter().all(|entry| scalar(entry).is_some()));
            let new_entry = |value: &Value| {
                if plain { value.clone() } else { Value::Object(Object::from_iter([(sub_name.into(), value.clone())])) }
            };
            let present_entry = |value: &Value| {
                old.iter().find(|entry| sub_value(entry, sub_name).is_some_and(|text| same(&text, value))).cloned()
            };
            let list = values.iter().map(|value| present_entry(value).unwrap_or_else(|| new_entry(value)));
            put_list(container, name, list.collect());
        }
    }
}

/// Clears a sub-attribute of a complex attribute, and removes the attribute if it becomes empty.
fn clear_sub_attribute(container: &mut Object, name: &str, sub: &str) {
    let is_empty = match member_mut(container, name) {
        None => return,
        Some(Value::Object(complex)) => {
            remove(complex, sub);
            complex.is_empty()
        }
        // A value of the wrong structure is removed, so that a read returns nothing.
        Some(_) => true,
    };
    if is_empty {
        remove(container, name);
    }
}

fn put_list(container: &mut Object, name: &str, list: Vec<Value>) {
    if list.is_empty() {
        remove(container, name);
    } else {
        put(container, name, Value::Array(list));
    }
}

fn set_entry(
    list: &mut Vec<Value>,
    attribute: &str,
    kind: &str,
    sub: &str,
    value: &Value,
    same: &dyn Fn(&str, &Value) -> bool,
) {
    let index =
        entry_for_type(list, attribute, kind).or_else(|| untyped_entry_with_value(list, sub, |text| same(text, value)));
    let Some(index) = index else {
        make_lone_untyped_primary(list, attribute);
        list.push(Value::Object(Object::from_iter([
            (sub.to_owned(), value.clone()),
            ("type".to_owned(), Value::from(kind)),
        ])));
        return;
    };
    let has_kind = kind_of(&list[index]).is_some();
    // A plain value remains as the `value` of the entry, unless `value` is written.
    let plain = scalar(&list[index]).filter(|_| sub != "value");
    edit_object(&mut list[index], |entry| {
        if let Some(plain) = plain {
            put(entry, "value", Value::from(plain));
        }
        put(entry, sub, value.clone());
        if !has_kind {
            put(entry, "type", Value::from(kind));
        }
    });
}

/// Makes a single entry without a type primary, before another entry is added. It has the default type only if it is
/// primary or the only entry.
fn make_lone_untyped_primary(list: &mut [Value], attribute: &str) {
    let default = DEFAULT_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
    let Some(index) = default.and_then(|(_, kind)| entry_for_type(list, attribute, kind)) else { return };
    if kind_of(&list[index]).is_none() {
        let plain = scalar(&list[index]);
        edit_object(&mut list[index], |entry| {
            if let Some(plain) = plain {
                put(entry, "value", Value::from(plain));
            }
            put(entry, "primary", Value::from(true));
        });
    }
}

/// Members of an entry that have no meaning without its other members.
const ANNOTATIONS: &[&str] = &["type", "primary", "display", "$ref"];

fn clear_entry(list: &mut Vec<Value>, attribute: &str, kind: &str, sub: &str) {
    let readable =
        |list: &[Value]| entry_for_type(list, attribute, kind).filter(|index| sub_value(&list[*index], sub).is_some());
    // A loop, because several entries may have the type, and a read must return nothing.
    while let Some(index) = readable(list) {
        let has_other_members = list[index].as_object_mut().is_some_and(|entry| {
            remove(entry, sub);
            entry
                .iter()
                .any(|(name, value)| !value.is_null() && !ANNOTATIONS.iter().any(|b| b.eq_ignore_ascii_case(name)))
        });
        if sub == "value" || !has_other_members {
            list.remove(index);
        }
    }
}

/// Returns the rank of an entry as the primary entry; the lowest rank is the best. The order is that of `kinds`. An entry
/// without a type is next after its default type.
fn primary_rank(entry: &Value, attribute: &str, kinds: &[&str]) -> usize {
    match kind_of(entry) {
        Some(kind) => kinds.iter().position(|known| known.eq_ignore_ascii_case(kind)).map(|index| 2 * index),
        None => kinds.iter().position(|kind| is_default_type(attribute, kind)).map(|index| 2 * index + 1),
    }
    .unwrap_or(usize::MAX)
}

/// Leaves at most one entry primary (RFC 7643 section 2.4). If several are primary, the best by `kinds` stays primary.
/// If no entry is primary and `needed` is true, the best entry with a type becomes primary. An entry without a type does
/// not, because its meaning would change.
pub(super) fn limit_primaries(resource: &mut Object, path: &Path, kinds: &[&str], needed: bool) {
    let container = match &path.urn {
        None => Some(resource),
        Some(urn) => match member_mut(resource, urn) {
            Some(Value::Object(extension)) => Some(extension),
            _ => None,
        },
    };
    let Some(Value::Array(list)) = container.and_then(|container| member_mut(container, &path.attribute)) else {
        return;
    };
    let best = |accepts: &dyn Fn(&Value) -> bool| {
        (0..list.len())
            .filter(|index| accepts(&list[*index]))
            .min_by_key(|index| primary_rank(&list[*index], &path.attribute, kinds))
    };
    let primary = best(&is_primary);
    let new_primary = if primary.is_none() && needed { best(&|entry| kind_of(entry).is_some()) } else { None };
    for (index, entry) in list.iter_mut().enumerate() {
        let Value::Object(entry) = entry else { continue };
        if new_primary == Some(index) {
            put(entry, "primary", Value::from(true));
        } else if primary.is_some_and(|primary| primary != index)
            && get(entry, "primary").and_then(scim::truth) == Some(true)
        {
            put(entry, "primary", Value::from(false));
        }
    }
}

fn member_mut<'a>(container: &'a mut Object, name: &str) -> Option<&'a mut Value> {
    let key = key(container, name)?.clone();
    container.get_mut(&key)
}

/// Removes what a target computes itself: `$ref` anywhere, and `display` in entries of multi-valued attributes. Removes
/// members without a value too, because they equal absent members (RFC 7643 section 2.5).
pub(super) fn remove_computed_and_empty(value: &mut Value, in_list: bool) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null() && value != "");
            remove(object, "$ref");
            if in_list {
                remove(object, "display");
            }
            object.values_mut().for_each(|value| remove_computed_and_empty(value, false));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| remove_computed_and_empty(value, true)),
        _ => {}
    }
}
