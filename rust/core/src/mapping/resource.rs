//! Reading and changing one place of a resource. Strict in what it leaves behind, lenient in what it finds: names
//! without letter case (RFC 7643 section 2.1), single values where lists belong, plain values where objects belong,
//! nulls anywhere. Knows no field and no version.

use serde_json::{Map, Value};

use super::path::{Path, Shape, UNTYPED};
use super::values::scalar;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// The key that an object uses for a name: the name itself, or one that differs in letter case only.
fn key<'a>(object: &'a Object, name: &str) -> Option<&'a String> {
    object.get_key_value(name).map(|(key, _)| key).or_else(|| object.keys().find(|key| key.eq_ignore_ascii_case(name)))
}

/// A member by its name, whatever its letter case.
pub(super) fn get<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(key(object, name)?)
}

/// Sets a member under the key that the object uses already.
pub(super) fn put(object: &mut Object, name: &str, value: Value) {
    let key = key(object, name).cloned().unwrap_or_else(|| name.to_owned());
    object.insert(key, value);
}

/// Takes a member away, in every letter case.
pub(super) fn remove(object: &mut Object, name: &str) {
    object.retain(|key, _| !key.eq_ignore_ascii_case(name));
}

/// A place for a member: the one that is there, or a null.
fn slot<'a>(object: &'a mut Object, name: &str) -> &'a mut Value {
    let key = key(object, name).cloned().unwrap_or_else(|| name.to_owned());
    object.entry(key).or_insert(Value::Null)
}

/// Changes a value as an object, which it becomes where it is none.
fn edit<T>(value: &mut Value, change: impl FnOnce(&mut Object) -> T) -> T {
    let mut object = match value.take() {
        Value::Object(object) => object,
        _ => Object::new(),
    };
    let result = change(&mut object);
    *value = Value::Object(object);
    result
}

/// `active`, which counts as true where it is absent or not to be understood: nobody may pass for disabled by mistake.
pub(super) fn is_active(resource: &Object) -> bool {
    !get(resource, "active").is_some_and(is_false)
}

/// `true`, as a boolean or in one of its text forms.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() == Some(1.0),
        Value::String(text) => text.eq_ignore_ascii_case("true") || text == "1",
        _ => false,
    }
}

/// `false`, as a boolean or in one of its text forms.
pub(super) fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(on) => !*on,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.eq_ignore_ascii_case("false") || text == "0",
        _ => false,
    }
}

/// The entries of a multi-valued attribute, whatever it was wrapped in.
pub(super) fn entries(value: Option<&Value>) -> &[Value] {
    match value {
        None | Some(Value::Null) => &[],
        Some(Value::Array(list)) => list,
        Some(one) => std::slice::from_ref(one),
    }
}

/// The object that holds an attribute: the resource or one of its extensions.
pub(super) fn holder<'a>(resource: &'a Object, path: &Path) -> Option<&'a Object> {
    match &path.urn {
        None => Some(resource),
        Some(urn) => get(resource, urn)?.as_object(),
    }
}

/// The value of an attribute.
pub(super) fn attribute<'a>(resource: &'a Object, path: &Path) -> Option<&'a Value> {
    get(holder(resource, path)?, &path.attribute)
}

/// One part of an entry. A plain value is its own `value` (`managerId` in the SCIM 1.1 manager).
fn part(entry: &Value, sub: &str) -> Option<String> {
    match entry {
        Value::Object(object) => scalar(get(object, sub)?),
        plain if sub == "value" || sub == "managerId" => scalar(plain),
        _ => None,
    }
}

/// The type of an entry, if it has one.
pub(super) fn kind_of(entry: &Value) -> Option<&str> {
    get(entry.as_object()?, "type")?.as_str().filter(|kind| !kind.is_empty())
}

pub(super) fn is_primary(entry: &Value) -> bool {
    entry.as_object().and_then(|object| get(object, "primary")).is_some_and(is_true)
}

fn is_untyped(entry: &Value) -> bool {
    kind_of(entry).is_none() && (entry.is_object() || scalar(entry).is_some())
}

/// The first entry with a type.
pub(super) fn typed(list: &[Value], kind: &str) -> Option<usize> {
    list.iter().position(|entry| kind_of(entry).is_some_and(|k| k.eq_ignore_ascii_case(kind)))
}

/// Whether entries of this attribute without a type may stand for `kind`.
fn stands_for(attribute: &str, kind: &str) -> bool {
    UNTYPED.iter().any(|(name, default)| name.eq_ignore_ascii_case(attribute) && *default == kind)
}

/// The entry that is read for a type: the first that has it, else one without any type that is primary or alone.
pub(super) fn entry(list: &[Value], attribute: &str, kind: &str) -> Option<usize> {
    typed(list, kind).or_else(|| {
        if !stands_for(attribute, kind) {
            return None;
        }
        let primary = list.iter().position(|entry| is_untyped(entry) && is_primary(entry));
        let alone = || list.iter().position(is_untyped).filter(|_| list.iter().filter(|e| !e.is_null()).count() == 1);
        primary.or_else(alone)
    })
}

/// An entry without a type that has this very value. Targets that drop `type` show such ones: they are the answer to
/// an earlier write, and must not be written again.
pub(super) fn same_untyped(list: &[Value], sub: &str, same: impl Fn(&str) -> bool) -> Option<usize> {
    if sub != "value" {
        return None;
    }
    list.iter().position(|entry| is_untyped(entry) && part(entry, sub).is_some_and(|text| same(&text)))
}

/// The values at a place, without empty ones.
pub(super) fn read(resource: &Object, path: &Path) -> Vec<String> {
    let Some(value) = attribute(resource, path) else { return Vec::new() };
    match &path.shape {
        Shape::Single { sub } => {
            let one = match value {
                Value::Array(list) => list.iter().find(|entry| !entry.is_null()).unwrap_or(&Value::Null),
                one => one,
            };
            match sub {
                Some(sub) => part(one, sub),
                None => scalar(one).or_else(|| part(one, "value")),
            }
            .into_iter()
            .collect()
        }
        Shape::Typed { kind, sub } => {
            let list = entries(Some(value));
            entry(list, &path.attribute, kind).and_then(|at| part(&list[at], sub)).into_iter().collect()
        }
        Shape::List { sub } => {
            let mut values = Vec::new();
            for text in entries(Some(value)).iter().filter_map(|entry| part(entry, sub.as_deref().unwrap_or("value"))) {
                if !values.contains(&text) {
                    values.push(text);
                }
            }
            values
        }
    }
}

/// Puts values at a place; none clears it, so that [`read`] finds nothing there. `same` says whether a text that is
/// there is one of the values.
pub(super) fn write(resource: &mut Object, path: &Path, values: &[Value], same: &dyn Fn(&str, &Value) -> bool) {
    match &path.urn {
        None => write_in(resource, path, values, same),
        Some(urn) => {
            if values.is_empty() && holder(resource, path).is_none() {
                return;
            }
            let left_empty = edit(slot(resource, urn), |extension| {
                write_in(extension, path, values, same);
                extension.is_empty()
            });
            if left_empty {
                remove(resource, urn);
            }
        }
    }
}

fn write_in(holder: &mut Object, path: &Path, values: &[Value], same: &dyn Fn(&str, &Value) -> bool) {
    let name = path.attribute.as_str();
    match &path.shape {
        Shape::Single { sub: None } => match values.first() {
            Some(value) => put(holder, name, value.clone()),
            None => remove(holder, name),
        },
        Shape::Single { sub: Some(sub) } => match values.first() {
            Some(value) => edit(slot(holder, name), |complex| put(complex, sub, value.clone())),
            None => clear_part(holder, name, sub),
        },
        Shape::Typed { kind, sub } => {
            let mut list = entries(get(holder, name)).to_vec();
            list.retain(|entry| !entry.is_null());
            match values.first() {
                Some(value) => set_entry(&mut list, name, kind, sub, value, same),
                None => clear_entry(&mut list, name, kind, sub),
            }
            put_list(holder, name, list);
        }
        Shape::List { sub } => {
            let old = entries(get(holder, name)).to_vec();
            let sub_name = sub.as_deref().unwrap_or("value");
            // A target that lists plain values wants plain values.
            let plain = sub.is_none() || (!old.is_empty() && old.iter().all(|entry| scalar(entry).is_some()));
            let fresh = |value: &Value| {
                if plain { value.clone() } else { Value::Object(Object::from_iter([(sub_name.into(), value.clone())])) }
            };
            let kept = |value: &Value| {
                old.iter().find(|entry| part(entry, sub_name).is_some_and(|text| same(&text, value))).cloned()
            };
            put_list(holder, name, values.iter().map(|value| kept(value).unwrap_or_else(|| fresh(value))).collect());
        }
    }
}

/// Clears one part of a complex attribute, and the attribute with its last part.
fn clear_part(holder: &mut Object, name: &str, sub: &str) {
    let left_empty = match slot_if_there(holder, name) {
        None => return,
        Some(Value::Object(complex)) => {
            remove(complex, sub);
            complex.is_empty()
        }
        // Not the shape that the schema asks for: cleared means that nothing is read afterwards.
        Some(_) => true,
    };
    if left_empty {
        remove(holder, name);
    }
}

fn put_list(holder: &mut Object, name: &str, list: Vec<Value>) {
    if list.is_empty() {
        remove(holder, name);
    } else {
        put(holder, name, Value::Array(list));
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
    let at = entry(list, attribute, kind).or_else(|| same_untyped(list, sub, |text| same(text, value)));
    let Some(at) = at else {
        keep_lone(list, attribute);
        list.push(Value::Object(Object::from_iter([
            (sub.to_owned(), value.clone()),
            ("type".to_owned(), Value::from(kind)),
        ])));
        return;
    };
    let has_kind = kind_of(&list[at]).is_some();
    // A plain value, unless it is the one that is replaced, stays what it was: the entry's `value`.
    let plain = scalar(&list[at]).filter(|_| sub != "value");
    edit(&mut list[at], |entry| {
        if let Some(plain) = plain {
            put(entry, "value", Value::from(plain));
        }
        put(entry, sub, value.clone());
        if !has_kind {
            put(entry, "type", Value::from(kind));
        }
    });
}

/// The one entry without a type is read as the default type because it is alone. Before it gets company it becomes the
/// primary one, so that it goes on meaning the same.
fn keep_lone(list: &mut [Value], attribute: &str) {
    let default = UNTYPED.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
    let Some(at) = default.and_then(|(_, kind)| entry(list, attribute, kind)) else { return };
    if kind_of(&list[at]).is_none() {
        let plain = scalar(&list[at]);
        edit(&mut list[at], |entry| {
            if let Some(plain) = plain {
                put(entry, "value", Value::from(plain));
            }
            put(entry, "primary", Value::from(true));
        });
    }
}

/// Members of an entry that say nothing without the others.
const BESIDE: &[&str] = &["type", "primary", "display", "$ref"];

fn clear_entry(list: &mut Vec<Value>, attribute: &str, kind: &str, sub: &str) {
    let readable = |list: &[Value]| entry(list, attribute, kind).filter(|at| part(&list[*at], sub).is_some());
    // Cleared means that nothing is read afterwards, also where the type is there twice.
    while let Some(at) = readable(list) {
        let still_says_something = list[at].as_object_mut().is_some_and(|entry| {
            remove(entry, sub);
            entry.iter().any(|(name, value)| !value.is_null() && !BESIDE.iter().any(|b| b.eq_ignore_ascii_case(name)))
        });
        if sub == "value" || !still_says_something {
            list.remove(at);
        }
    }
}

/// How well an entry suits as the primary one, lower being better: by the order of `kinds`, one without a type right
/// behind the type that it stands for.
fn rank(entry: &Value, attribute: &str, kinds: &[&str]) -> usize {
    match kind_of(entry) {
        Some(kind) => kinds.iter().position(|known| known.eq_ignore_ascii_case(kind)).map(|at| 2 * at),
        None => kinds.iter().position(|kind| stands_for(attribute, kind)).map(|at| 2 * at + 1),
    }
    .unwrap_or(usize::MAX)
}

/// Leaves at most one entry primary (RFC 7643 section 2.4): of several that are, the best by `kinds`. With `needed`,
/// where none is, the best of those that have a type becomes it; one without would mean something else as the primary.
pub(super) fn settle_primary(resource: &mut Object, path: &Path, kinds: &[&str], needed: bool) {
    let holder = match &path.urn {
        None => Some(resource),
        Some(urn) => match slot_if_there(resource, urn) {
            Some(Value::Object(extension)) => Some(extension),
            _ => None,
        },
    };
    let Some(Value::Array(list)) = holder.and_then(|holder| slot_if_there(holder, &path.attribute)) else { return };
    let best = |suits: &dyn Fn(&Value) -> bool| {
        (0..list.len()).filter(|at| suits(&list[*at])).min_by_key(|at| rank(&list[*at], &path.attribute, kinds))
    };
    let chosen = best(&is_primary);
    let promoted = if chosen.is_none() && needed { best(&|entry| kind_of(entry).is_some()) } else { None };
    for (at, entry) in list.iter_mut().enumerate() {
        let Value::Object(entry) = entry else { continue };
        if promoted == Some(at) {
            put(entry, "primary", Value::from(true));
        } else if chosen.is_some_and(|chosen| chosen != at) && get(entry, "primary").is_some_and(is_true) {
            put(entry, "primary", Value::from(false));
        }
    }
}

fn slot_if_there<'a>(holder: &'a mut Object, name: &str) -> Option<&'a mut Value> {
    let key = key(holder, name)?.clone();
    holder.get_mut(&key)
}

/// Takes away what a target computes itself (`$ref` anywhere, `display` in the entries of multi-valued attributes) and
/// what has no value, which is the same as not being there (RFC 7643 section 2.5).
pub(super) fn strip(value: &mut Value, in_list: bool) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null() && value != "");
            remove(object, "$ref");
            if in_list {
                remove(object, "display");
            }
            object.values_mut().for_each(|value| strip(value, false));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| strip(value, true)),
        _ => {}
    }
}
