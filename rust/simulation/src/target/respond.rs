//! Carries out requests (RFC 7644 section 3) with the quirks of the target.
//! Does not know: operations of a `PATCH`, third parties.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::json::{member, same_text};
use super::message::{Answer, Kind, Refusal, Sent};
use super::patch;
use super::path::{Path, compared_value};
use super::store::{Origin, Target, Writer, location, tag};
use crate::plan::Quirk;

/// The size of a page without `count`.
const PAGE_SIZE: usize = 100;

impl Target {
    /// Carries out a request that arrives at this time.
    pub fn respond(&mut self, sent: &Sent, now: Duration) -> Answer {
        self.answer(sent, now).unwrap_or_else(Refusal::answer)
    }

    fn answer(&mut self, sent: &Sent, now: Duration) -> Result<Answer, Refusal> {
        if sent.path == "/ServiceProviderConfig" {
            return self.configuration(sent.method);
        }
        let (kind, id) = route(&sent.path).ok_or_else(Refusal::not_found)?;
        let origin = Origin { at: now, writer: Writer::Connector, had_tag: sent.if_match.is_some() };
        let Some(id) = id else {
            return match sent.method {
                "GET" => self.list(kind, sent, now),
                "POST" => self.create(kind, &sent.body, origin),
                _ => Err(Refusal::not_allowed(405)),
            };
        };
        let is_user = kind == Kind::User;
        match sent.method {
            "GET" => self.read(kind, id, sent, now),
            "PUT" if is_user && self.has(Quirk::NoPut) => Err(Refusal::not_allowed(405)),
            "PATCH" if self.has(Quirk::NoPatch) => Err(Refusal::not_allowed(501)),
            "PATCH" if self.has(Quirk::PatchAnnounced) => Err(Refusal::not_allowed(405)),
            "DELETE" if is_user && self.has(Quirk::NoDelete) => Err(Refusal::not_allowed(405)),
            "PUT" => {
                let before = self.writable(kind, id, sent)?;
                let after = self.complete(kind, id, object(&sent.body)?);
                self.write(kind, id, &before, after, origin)?;
                Ok(self.written(kind, id, false))
            }
            "PATCH" => {
                let before = self.writable(kind, id, sent)?;
                if is_user && self.has(Quirk::PatchIgnored) {
                    return Ok(self.written(kind, id, true));
                }
                let body = patch::patched(kind, &before, &sent.body, self.has(Quirk::FilteredPathIgnored))?;
                let after = self.tidied(kind, id, body);
                self.write(kind, id, &before, after, origin)?;
                Ok(self.written(kind, id, !is_user))
            }
            "DELETE" => {
                self.writable(kind, id, sent)?;
                self.delete(origin, kind, id);
                Ok(Answer { status: 204, headers: Vec::new(), body: Value::Null })
            }
            _ => {
                self.writable(kind, id, sent)?;
                Err(Refusal::not_allowed(405))
            }
        }
    }

    fn configuration(&self, method: &str) -> Result<Answer, Refusal> {
        if self.has(Quirk::NoConfiguration) {
            return Err(Refusal::not_found());
        }
        if method != "GET" {
            return Err(Refusal::not_allowed(405));
        }
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": !self.has(Quirk::NoPatch)},
            "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": !self.has(Quirk::FilterIgnored), "maxResults": 1000},
            "changePassword": {"supported": false},
            "sort": {"supported": false},
            "etag": {"supported": self.has(Quirk::EntityTags)},
            "authenticationSchemes": [],
        });
        Ok(Answer { status: 200, headers: Vec::new(), body })
    }

    fn read(&self, kind: Kind, id: &str, sent: &Sent, now: Duration) -> Result<Answer, Refusal> {
        let history = self.history(kind, id).ok_or_else(Refusal::not_found)?;
        let (number, stored) = self.visible(history, now, false).ok_or_else(Refusal::not_found)?;
        let headers = self.tag_header(number);
        Ok(Answer { status: 200, headers, body: self.read_body(kind, stored, number, sent) })
    }

    fn list(&self, kind: Kind, sent: &Sent, now: Duration) -> Result<Answer, Refusal> {
        let filter = match sent.parameter("filter") {
            Some(filter) if !self.has(Quirk::FilterIgnored) => Some(Filter::read(filter)?),
            _ => None,
        };
        let start = number(sent, "startIndex")?.unwrap_or(1).max(1);
        let mut count = number(sent, "count")?.unwrap_or(PAGE_SIZE);
        if self.has(Quirk::SmallPages) {
            count = count.min(2);
        }
        let histories = self.histories.iter().filter(|h| h.kind == kind);
        let visible = histories.filter_map(|h| self.visible(h, now, true));
        let found: Vec<(usize, &Value)> =
            visible.filter(|(_, stored)| filter.as_ref().is_none_or(|f| f.matches(stored))).collect();
        let page = found.iter().skip(start - 1).take(count);
        let page: Vec<Value> = page.map(|(number, stored)| self.read_body(kind, stored, *number, sent)).collect();
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": found.len(),
            "startIndex": start,
            "itemsPerPage": page.len(),
            "Resources": page,
        });
        if let Some(body) =
            body.as_object_mut().filter(|_| !self.has(Quirk::ListsCountOnly) && self.has(Quirk::NoTotal))
        {
            body.shift_remove("totalResults");
        }
        if kind == Kind::User && !found.is_empty() && self.has(Quirk::ListsCountOnly) {
            body["Resources"] = json!([]);
            body["itemsPerPage"] = json!(0);
        }
        Ok(Answer { status: 200, headers: Vec::new(), body })
    }

    /// Returns a resource as a read shows it: with the attributes that the request names, if it names any.
    fn read_body(&self, kind: Kind, stored: &Value, number: usize, sent: &Sent) -> Value {
        let shown = self.show(kind, stored, number);
        let Some(requested) = sent.parameter("attributes") else { return shown };
        let requested: Vec<&str> = requested.split(',').map(str::trim).collect();
        let is_requested = |name: &str| {
            let always = name == "schemas" || name == "id" || (kind == Kind::Group && name == "displayName");
            always || requested.iter().any(|r| r.split('.').next().is_some_and(|r| r.eq_ignore_ascii_case(name)))
        };
        let Value::Object(mut body) = shown else { return shown };
        if let Some(members) = member(stored, "members").filter(|_| kind == Kind::Group) {
            body.insert("members".into(), members.clone());
            self.cut_members(&mut body);
        }
        Value::Object(body.into_iter().filter(|(name, _)| is_requested(name)).collect::<Map<_, _>>())
    }

    fn create(&mut self, kind: Kind, body: &Value, origin: Origin) -> Result<Answer, Refusal> {
        let id = self.next_id(kind);
        let mut body = object(body)?;
        if kind == Kind::User
            && self.has(Quirk::CreateIgnoresActive)
            && let Some(body) = body.as_object_mut()
        {
            body.retain(|name, _| !name.eq_ignore_ascii_case("active"));
        }
        let body = self.complete(kind, &id, body);
        self.check(kind, None, &body)?;
        self.store(origin, kind, &id, Some(body.clone()));
        if self.has(Quirk::CreateSaysNothing) {
            return Ok(Answer { status: 200, headers: Vec::new(), body: Value::Null });
        }
        let mut headers = self.tag_header(1);
        headers.push(("location", location(kind, &id)));
        let body = if self.has(Quirk::NoContent) { Value::Null } else { self.show(kind, &body, 1) };
        Ok(Answer { status: 201, headers, body })
    }

    /// Returns a resource that the request may change.
    fn writable(&self, kind: Kind, id: &str, sent: &Sent) -> Result<Value, Refusal> {
        let stored = self.resources(kind).get(id).filter(|stored| !self.is_hidden(kind, stored));
        let stored = stored.ok_or_else(Refusal::not_found)?;
        match &sent.if_match {
            Some(expected)
                if self.has(Quirk::EntityTags) && expected != "*" && *expected != tag(self.latest(kind, id)) =>
            {
                Err(Refusal::new(412, None, "the resource has another version"))
            }
            _ => Ok(stored.clone()),
        }
    }

    fn write(&mut self, kind: Kind, id: &str, before: &Value, after: Value, origin: Origin) -> Result<(), Refusal> {
        self.check(kind, Some(before), &after)?;
        self.store(origin, kind, id, Some(after));
        Ok(())
    }

    /// Returns the response to a `PUT` or `PATCH`.
    fn written(&self, kind: Kind, id: &str, is_empty: bool) -> Answer {
        let number = self.latest(kind, id);
        let headers = self.tag_header(number);
        match self.resources(kind).get(id) {
            Some(stored) if !is_empty && !self.has(Quirk::NoContent) => {
                Answer { status: 200, headers, body: self.show(kind, stored, number) }
            }
            _ => Answer { status: 204, headers, body: Value::Null },
        }
    }

    /// Returns the number of the last version of a resource.
    fn latest(&self, kind: Kind, id: &str) -> usize {
        self.history(kind, id).map_or(0, |history| history.versions.len())
    }

    fn tag_header(&self, number: usize) -> Vec<(&'static str, String)> {
        if self.has(Quirk::EntityTags) { vec![("etag", tag(number))] } else { Vec::new() }
    }
}

/// Returns the type of the resources at a path, and the id of one of them.
fn route(path: &str) -> Option<(Kind, Option<&str>)> {
    let (kind, rest) = match (path.strip_prefix("/Users"), path.strip_prefix("/Groups")) {
        (Some(rest), _) => (Kind::User, rest),
        (_, Some(rest)) => (Kind::Group, rest),
        _ => return None,
    };
    if rest.is_empty() { Some((kind, None)) } else { Some((kind, Some(rest.strip_prefix('/')?))) }
}

fn object(body: &Value) -> Result<Value, Refusal> {
    let body = Some(body).filter(|body| body.is_object()).cloned();
    body.ok_or_else(|| Refusal::new(400, Some("invalidSyntax"), "the body is not an object"))
}

/// Returns a query parameter that is a number. A negative one is 0 (RFC 7644 section 3.4.2.4).
fn number(sent: &Sent, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(text) = sent.parameter(name) else { return Ok(None) };
    let number: i64 =
        text.parse().map_err(|_| Refusal::new(400, Some("invalidValue"), &format!("{name} is not a number")))?;
    Ok(Some(usize::try_from(number).unwrap_or(0)))
}

/// A filter of a list: `attribute eq "value"`.
struct Filter {
    path: Path,
    value: String,
}

impl Filter {
    fn read(text: &str) -> Result<Self, Refusal> {
        Self::parse(text).ok_or_else(|| Refusal::new(400, Some("invalidFilter"), "the filter is not supported"))
    }

    fn parse(text: &str) -> Option<Self> {
        let (path, rest) = Path::read(text.trim())?;
        let (Value::String(value), "") = compared_value(rest)? else { return None };
        let is = |name: &str| path.attribute.eq_ignore_ascii_case(name);
        let is_core = path.urn.as_ref().is_none_or(|urn| urn.to_lowercase().contains(":core:"));
        let has_value = path.sub.as_ref().is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
        let is_simple = path.filter.is_none() && path.sub.is_none();
        let is_single = is_simple && ["userName", "displayName", "externalId", "id"].into_iter().any(is);
        (is_core && (is_single || (is("emails") && has_value))).then_some(Self { path, value })
    }

    /// `id` and `externalId` are compared exactly (RFC 7643 section 3.1).
    fn matches(&self, resource: &Value) -> bool {
        let is_id = ["id", "externalId"].iter().any(|name| name.eq_ignore_ascii_case(&self.path.attribute));
        let is_equal = |found: &Value| {
            found.as_str().is_some_and(|found| if is_id { found == self.value } else { same_text(found, &self.value) })
        };
        match member(resource, &self.path.attribute) {
            Some(Value::Array(entries)) => entries
                .iter()
                .filter(|entry| self.path.filter.as_ref().is_none_or(|filter| filter.matches(entry, false)))
                .any(|entry| member(entry, "value").is_some_and(is_equal)),
            Some(value) => is_equal(value),
            None => false,
        }
    }
}
