//! Proves from responses that the target has a resource, does not have it, or shows it as inactive.
//! Does not know: which requests are sent, which operation needs the proof.
//!
//! The fields of each proof are private. So another file can have one only if a function here has checked the evidence.
//! What does not prove enough is [`Failure::Uncertain`].

use serde_json::Value;

use super::rules::{Rule, holds};
use crate::http::Response;
use crate::scim::{self, Filter, ResourceType};
use crate::text::excerpt;
use crate::{Failure, Message};

/// A resource that the target has shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    kind: ResourceType,
    id: String,
    resource: Value,
    etag: Option<String>,
}

/// One witness of absence: the target has no resource with this id (404, 410).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Missing(());

/// One witness of absence: a whole list has no resource with this identifier or name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoMatch(());

/// The proof that the target does not have the resource of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Absence(());

/// The proof that an account gives no access any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closed(());

/// What the target has for a record.
#[derive(Debug, Clone)]
pub(crate) enum Presence {
    Shown(Shown),
    Absent(Absence),
}

/// What a response to a `GET` of one id says.
#[derive(Debug, Clone)]
pub(crate) enum ById {
    Shown(Shown),
    Missing(Missing),
}

/// What the response to a create says about the new resource.
#[derive(Debug, Clone)]
pub(crate) enum InResponse {
    /// It shows a resource with the identifier that was sent.
    Shown(Shown),
    /// It names an id, in the body or in `Location`. Only a read proves that this is the new resource.
    Named(String),
    /// It names no id.
    Nothing,
}

impl Shown {
    /// Takes a resource of a list, which the filter of a whole list has found.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] if it has no id.
    pub(super) fn in_list(kind: ResourceType, resource: Value) -> Result<Self, Failure> {
        let id = scim::id(&resource)
            .ok_or_else(|| doubt(format!("a list of the target contains a {} without id", kind.noun())))?;
        let etag = scim::version(&resource).map(str::to_owned);
        Ok(Self { kind, id, resource, etag })
    }

    pub(crate) fn kind(&self) -> ResourceType {
        self.kind
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn resource(&self) -> &Value {
        &self.resource
    }

    pub(crate) fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// Replaces the entity tag, after a write of ours has changed the version.
    pub(crate) fn with_etag(self, etag: Option<String>) -> Self {
        Self { etag, ..self }
    }

    /// Returns `active` as the target shows it. A resource without a readable `active` counts as active.
    pub(crate) fn is_active(&self) -> bool {
        scim::active(&self.resource) != Some(false)
    }

    /// Returns true if the resource shows the attribute that the filter compares.
    pub(crate) fn shows(&self, filter: &Filter) -> bool {
        !filter.values(&self.resource).is_empty()
    }

    /// Checks that the resource has the identifier by which it was searched. A list may show an older state.
    ///
    /// A resource that does not show the compared attribute passes.
    ///
    /// # Errors
    /// [`Failure::Uncertain`].
    pub(crate) fn check_identifier(&self, filter: &Filter, value: &str) -> Result<(), Failure> {
        let is_other = self.shows(filter) && filter.compare(&self.resource, value).is_none();
        if !(is_other && filter.is_equality() && holds(Rule::IdTied)) {
            return Ok(());
        }
        Err(doubt(format!(
            "the target named the {} {} for this identifier, but that {0} has another identifier",
            self.kind.noun(),
            excerpt(&self.id)
        )))
    }
}

impl ById {
    /// Reads the response to a `GET` of this id, if its status is 2xx, 404 or 410.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] for a web page, another resource, or a body that is not a resource.
    pub(crate) fn read(kind: ResourceType, id: &str, response: Response) -> Result<Self, Failure> {
        let noun = kind.noun();
        if matches!(response.status, 404 | 410) {
            if response.is_page() && holds(Rule::PageIsNoProof) {
                let text = format!(
                    "reading the {noun}: the response is a web page with status {}, which does not prove that the {noun} \
                     is gone",
                    response.status
                );
                return Err(Failure::Uncertain(Message::new(text).with_hint(GATEWAY_HINT)));
            }
            return Ok(Self::Missing(Missing(())));
        }
        let (status, etag) = (response.status, response.etag);
        let resource = match response.body {
            Some(Ok(resource @ Value::Object(_))) => resource,
            Some(Ok(_)) => return Err(unusable(noun, "the response is not a SCIM resource")),
            Some(Err(unreadable)) => return Err(unusable(noun, &unreadable.reason)),
            None => return Err(unusable(noun, &format!("the target returned {status} without a body"))),
        };
        let etag = etag.or_else(|| scim::version(&resource).map(str::to_owned));
        match scim::id(&resource) {
            Some(shown) if is_same_id(&shown, id) => {}
            Some(_) if !holds(Rule::IdTied) => {}
            Some(other) => return Err(other_resource(&format!("reading the {noun}"), kind, id, &other)),
            None => return Err(unusable(noun, "the response has no id")),
        }
        Ok(Self::Shown(Shown { kind, id: id.to_owned(), resource, etag }))
    }
}

impl InResponse {
    /// Reads the response of a create with this identifier or name, if its status is 2xx.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] if the response is about another resource.
    pub(crate) fn read(kind: ResourceType, response: &Response, filter: &Filter, value: &str) -> Result<Self, Failure> {
        let located = response.location.as_deref().and_then(id_in_location);
        let body = match &response.body {
            Some(Ok(body)) => Some(body),
            _ => None,
        };
        let Some((body, id)) = body.and_then(|body| Some((body, scim::id(body)?))) else {
            return Ok(located.map_or(Self::Nothing, Self::Named));
        };
        let shown = Shown {
            kind,
            id,
            resource: body.clone(),
            etag: response.etag.clone().or_else(|| scim::version(body).map(str::to_owned)),
        };
        if !holds(Rule::IdTied) {
            return Ok(Self::Shown(shown));
        }
        // Some targets send the address of the endpoint, or of a proxy, as Location. Then a read of the id decides.
        let is_elsewhere = located.is_some_and(|located| !is_same_id(&located, &shown.id));
        if filter.compare(body, value).is_some() && !is_elsewhere {
            return Ok(Self::Shown(shown));
        }
        if filter.values(body).is_empty() || is_elsewhere {
            return Ok(Self::Named(shown.id));
        }
        let noun = kind.noun();
        let text = format!("creating the {noun}: the response shows another {noun}, {}", excerpt(&shown.id));
        Err(Failure::Uncertain(Message::new(text).with_hint(CACHE_HINT)))
    }
}

/// Checks that the response to a write of this id is not about another resource. A response without an id passes.
///
/// # Errors
/// [`Failure::Uncertain`].
pub(crate) fn check_same_resource(kind: ResourceType, id: &str, response: &Response) -> Result<(), Failure> {
    match &response.body {
        Some(Ok(body @ Value::Object(_))) => match scim::id(body) {
            Some(other) if !is_same_id(&other, id) && holds(Rule::IdTied) => {
                Err(other_resource(&format!("writing the {}", kind.noun()), kind, id, &other))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

impl NoMatch {
    /// Only [`super::matching`] calls it, for a whole list without a match.
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl Absence {
    /// A resource that no id links is absent if a whole list has no match.
    pub(crate) fn of_unlinked(_: NoMatch) -> Self {
        Self(())
    }

    /// A linked resource is absent if there are two witnesses: its id, and its identifier.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] without the second one.
    pub(crate) fn of_linked(
        kind: ResourceType,
        id: &str,
        _: Missing,
        second: Option<NoMatch>,
    ) -> Result<Self, Failure> {
        if second.is_some() || !holds(Rule::SecondWitness) {
            return Ok(Self(()));
        }
        Err(doubt(format!(
            "the target does not have the {0} with the stored id {1}, and the identifier is not known, so it is not proved \
             that the {0} is gone",
            kind.noun(),
            excerpt(id)
        )))
    }
}

impl Closed {
    /// An account is closed if the target shows it as inactive.
    pub(crate) fn of_shown(shown: &Shown) -> Option<Self> {
        (scim::active(&shown.resource) == Some(false)).then_some(Self(()))
    }

    /// An account is closed if the response to our own disable shows it as inactive.
    pub(crate) fn of_response(id: &str, response: &Response) -> Option<Self> {
        let Some(Ok(body)) = &response.body else { return None };
        let is_other = scim::id(body).is_some_and(|shown| !is_same_id(&shown, id));
        (scim::active(body) == Some(false) && !is_other).then_some(Self(()))
    }

    /// After the target has accepted our own disable with this response, an account is closed if a read shows it as
    /// inactive, or no longer shows it.
    pub(crate) fn after_disable(accepted: &Response, read: &ById) -> Option<Self> {
        match read {
            ById::Missing(_) => (200..=299).contains(&accepted.status).then_some(Self(())),
            ById::Shown(shown) => Self::of_shown(shown),
        }
    }
}

const GATEWAY_HINT: &str = "check SCIM URL, the API paths, and the proxies and gateways in front of the target";
const CACHE_HINT: &str = "check the caches, proxies and gateways in front of the target";

/// The hint of a failure for which only the target can be asked. A host that has a state may say more.
pub const DOUBT_HINT: &str =
    "if this is reported again in the next cycle, compare the record with what the target shows";

/// Returns the failure for evidence that proves nothing.
pub(crate) fn doubt(text: impl Into<String>) -> Failure {
    Failure::Uncertain(Message::new(text).with_hint(DOUBT_HINT))
}

fn unusable(noun: &str, reason: &str) -> Failure {
    Failure::Uncertain(Message::new(format!("reading the {noun}: {reason}")).with_hint(GATEWAY_HINT))
}

fn other_resource(action: &str, kind: ResourceType, id: &str, other: &str) -> Failure {
    let text = format!(
        "{action}: the request was about the {0} {1}, but the response is about the {0} {2}",
        kind.noun(),
        excerpt(id),
        excerpt(other)
    );
    Failure::Uncertain(Message::new(text).with_hint(CACHE_HINT))
}

/// Ids are case exact (RFC 7643 section 3.1), but some targets show a UUID now in capitals and now in small letters
/// (RFC 9562 section 4 allows both).
fn is_same_id(shown: &str, id: &str) -> bool {
    let is_uuid = |text: &str| text.contains('-') && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    shown == id || (is_uuid(shown) && shown.eq_ignore_ascii_case(id))
}

/// Returns the id at the end of a `Location`.
fn id_in_location(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next()?;
    let segment = path.trim_end_matches('/').rsplit('/').next()?;
    let id = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
    (!id.is_empty()).then(|| id.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Unreadable;
    use serde_json::json;

    fn response(status: u16, body: Option<Value>) -> Response {
        Response { status, body: body.map(Ok), size: 0, etag: None, location: None }
    }

    fn page(status: u16) -> Response {
        let unreadable = Unreadable { reason: "the response is HTML or XML, not JSON".into(), is_page: true };
        Response { body: Some(Err(unreadable)), ..response(status, None) }
    }

    fn read(response: Response) -> Result<ById, Failure> {
        ById::read(ResourceType::User, "1", response)
    }

    fn created(response: &Response) -> Result<InResponse, Failure> {
        InResponse::read(ResourceType::User, response, &Filter::user_name(), "anna")
    }

    #[test]
    fn only_the_requested_resource_is_shown() {
        for id in [json!("1"), json!(1)] {
            assert!(matches!(read(response(200, Some(json!({"id": id})))), Ok(ById::Shown(_))));
        }
        for doubtful in [
            response(200, Some(json!({"id": "2"}))),
            response(200, Some(json!({"userName": "anna"}))),
            response(200, Some(json!([{"id": "1"}]))),
            response(200, None),
            page(200),
            page(404),
            page(410),
        ] {
            assert_eq!(read(doubtful).unwrap_err().code(), "uncertain");
        }
    }

    #[test]
    fn a_404_or_410_that_is_no_page_is_one_witness() {
        for status in [404, 410] {
            for body in [None, Some(json!({"detail": "no"}))] {
                assert!(matches!(read(response(status, body)), Ok(ById::Missing(_))));
            }
        }
        let Ok(ById::Missing(missing)) = read(response(404, None)) else { unreachable!("a witness") };
        assert_eq!(Absence::of_linked(ResourceType::User, "1", missing, None).unwrap_err().code(), "uncertain");
        assert!(Absence::of_linked(ResourceType::User, "1", missing, Some(NoMatch::new())).is_ok());
    }

    #[test]
    fn a_create_is_shown_only_with_the_identifier_that_was_sent() {
        let shown = created(&response(201, Some(json!({"id": 5, "username": "Anna"})))).unwrap();
        assert!(matches!(shown, InResponse::Shown(shown) if shown.id() == "5"));
        let named = created(&response(201, Some(json!({"id": "5"})))).unwrap();
        assert!(matches!(named, InResponse::Named(id) if id == "5"));
        let located = Response { location: Some("/v2/Users/a%2Fb?x".into()), ..response(201, None) };
        assert!(matches!(created(&located).unwrap(), InResponse::Named(id) if id == "a/b"));
        assert!(matches!(created(&page(201)).unwrap(), InResponse::Nothing));
        let other = response(201, Some(json!({"id": "5", "userName": "bob"})));
        assert_eq!(created(&other).unwrap_err().code(), "uncertain");
        let elsewhere = Response {
            location: Some("/v2/Users/6".into()),
            ..response(201, Some(json!({"id": "5", "userName": "anna"})))
        };
        assert!(matches!(created(&elsewhere).unwrap(), InResponse::Named(id) if id == "5"));
    }

    #[test]
    fn a_write_is_not_confirmed_by_another_resource() {
        let check = |body| check_same_resource(ResourceType::Group, "1", &response(200, body));
        assert!(check(Some(json!({"id": 1}))).is_ok() && check(Some(json!({}))).is_ok() && check(None).is_ok());
        assert_eq!(check(Some(json!({"id": "2"}))).unwrap_err().code(), "uncertain");
    }

    #[test]
    fn only_a_readable_false_is_closed() {
        let closed = |active: Value| {
            let Ok(ById::Shown(shown)) = read(response(200, Some(json!({"id": "1", "active": active})))) else {
                unreachable!("a resource")
            };
            Closed::of_shown(&shown).is_some()
        };
        assert!(closed(json!(false)) && closed(json!("False")) && closed(json!(0)));
        assert!(!closed(json!(true)) && !closed(json!(null)) && !closed(json!("no")));
        let other = response(200, Some(json!({"id": "2", "active": false})));
        assert!(Closed::of_response("1", &other).is_none());
    }
}
