//! Brings resources into the form in which the target stores them, and checks them (RFC 7643).
//! Does not know: requests, versions.

use serde_json::{Map, Value, json};

use super::json::{MULTI_VALUED, is_read_only, is_urn, member, members, same_text, text};
use super::message::{Kind, Refusal};
use super::store::Target;
use crate::plan::Quirk;

/// The attributes that the target reads or assigns, in the spelling in which it stores them.
const KNOWN: [&str; 8] = ["schemas", "id", "meta", "groups", "userName", "displayName", "active", "externalId"];

/// Returns a value without its parts that are unassigned: `null`, empty arrays (RFC 7643 section 2.5), and complex
/// attributes without sub-attributes.
fn assigned(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(entries) => {
            let entries: Vec<Value> = entries.into_iter().filter_map(assigned).collect();
            (!entries.is_empty()).then_some(Value::Array(entries))
        }
        Value::Object(parts) => {
            let parts: Map<_, _> =
                parts.into_iter().filter_map(|(name, value)| Some((name, assigned(value)?))).collect();
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
        other => Some(other),
    }
}

/// Returns `schemas`: the core schema, then what the client sent, and the extensions that the resource has.
fn schemas(kind: Kind, body: &Value) -> Value {
    let sent = member(body, "schemas").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let extensions = body.as_object().into_iter().flat_map(Map::keys).filter(|name| is_urn(name)).map(String::as_str);
    let core = kind.schema();
    let mut others: Vec<&str> = sent.chain(extensions).filter(|urn| !urn.eq_ignore_ascii_case(&core)).collect();
    others.sort_unstable();
    others.dedup();
    others.insert(0, &core);
    json!(others)
}

impl Target {
    /// Returns a resource in the form in which the target stores it: with this id, without `meta`, without unassigned
    /// attributes, each member once.
    pub(super) fn tidied(&self, kind: Kind, id: &str, body: Value) -> Value {
        let mut result = Map::from_iter([("schemas".to_owned(), schemas(kind, &body)), ("id".to_owned(), id.into())]);
        let Value::Object(body) = body else { return Value::Object(result) };
        for (name, value) in body {
            if name.eq_ignore_ascii_case("schemas") || is_read_only(kind, &name) {
                continue;
            }
            let known = KNOWN.iter().chain(&MULTI_VALUED).find(|known| known.eq_ignore_ascii_case(&name));
            if let Some(value) = assigned(value) {
                result.insert(known.map_or(name, |known| (*known).to_owned()), value);
            }
        }
        if let Some(Value::Array(members)) = result.get_mut("members") {
            let mut seen: Vec<Value> = Vec::new();
            members.retain(|entry| {
                let value = member(entry, "value").unwrap_or(entry);
                let is_new = !seen.contains(value);
                seen.push(value.clone());
                is_new
            });
        }
        if self.has(Quirk::ActiveAsText)
            && let Some(Value::String(active)) = result.get("active")
            && let Ok(active) = active.to_lowercase().parse::<bool>()
        {
            result.insert("active".into(), active.into());
        }
        Value::Object(result)
    }

    /// Returns a whole resource as [`Target::tidied`]. A user without `active` is active.
    pub(super) fn complete(&self, kind: Kind, id: &str, body: Value) -> Value {
        let mut body = self.tidied(kind, id, body);
        if kind == Kind::User
            && let Some(body) = body.as_object_mut()
        {
            body.entry("active").or_insert(Value::Bool(true));
        }
        body
    }

    /// Checks a resource that replaces `before`.
    ///
    /// # Errors
    /// 400 for a missing name or a value of another type, 409 for a name that another resource has.
    pub(super) fn check(&self, kind: Kind, before: Option<&Value>, body: &Value) -> Result<(), Refusal> {
        let invalid = |detail: &str| Err(Refusal::new(400, Some("invalidValue"), detail));
        let attribute = kind.name_attribute();
        let Some(name) = text(body, attribute).filter(|name| !name.trim().is_empty()) else {
            return invalid(&format!("{attribute} is required"));
        };
        if kind == Kind::User && member(body, "active").is_some_and(|active| !active.is_boolean()) {
            return invalid("active is a boolean");
        }
        if kind == Kind::User && member(body, "name").is_some_and(|name| !name.is_object()) {
            return invalid("name is a complex attribute");
        }
        if let Some(name) = MULTI_VALUED.iter().find(|name| member(body, name).is_some_and(|value| !value.is_array())) {
            return invalid(&format!("{name} is multi-valued"));
        }
        if kind == Kind::Group && members(body).iter().any(|member| text(member, "value").is_none()) {
            return invalid("each member has a value");
        }
        let is_same = |other: &Value| text(other, attribute).is_some_and(|other| same_text(other, name));
        let may_repeat = kind == Kind::User && self.has(Quirk::NamesNotUnique);
        if !may_repeat && !before.is_some_and(is_same) && self.resources(kind).values().any(is_same) {
            return Err(Refusal::new(409, Some("uniqueness"), &format!("{attribute} is taken")));
        }
        Ok(())
    }
}
