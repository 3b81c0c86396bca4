//! Which account is meant: the one with the stored id, else the one that carries the identifier.
//! Does not know: what is written to it.
//!
//! A result of a filter counts only if its identifier really equals the value, letter case aside. Of several, exactly one
//! that is equal in letter case too is the account; otherwise none is touched.

use crate::sync::lock_ignoring_poison;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::Connector;
use super::session::{MatchedResource, OperationError, Session, status_and_reason};
use crate::Failure;
use crate::http::{Deadline, Response};
use crate::scim::{self, ListResponse, ResourceType};
use crate::text::excerpt;

/// Page size where a whole list of users is read.
const USER_PAGE_SIZE: u32 = 500;
/// No list is followed further than this.
const PAGES_MAX: usize = 20_000;

/// Identifier in lower case to the ids that carry it, each with the identifier as the target spells it.
pub(super) type UserIndex = HashMap<String, Vec<(String, String)>>;

impl Session {
    /// The resource behind a stored id; `None` where there is none (404, 410).
    pub(super) fn read(
        &self,
        kind: ResourceType,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<MatchedResource>, OperationError> {
        let connector = self.connector();
        let response = connector.get(connector.addresses.resource(kind, id)?, deadline)?;
        match response.status {
            200 => {
                let etag = response.etag.clone();
                let resource = resource_body(response)?;
                if scim::id(&resource).is_none() {
                    return Err(missing_id(kind));
                }
                let etag = etag.or_else(|| scim::version(&resource).map(str::to_owned));
                Ok(Some(MatchedResource { kind, id: id.to_owned(), resource, etag, linked: true }))
            }
            404 | 410 => Ok(None),
            _ => Err(connector.unexpected_status(&format!("reading a {}", kind.noun()), &response)),
        }
    }

    /// The one user who carries an identifier, read whole.
    pub(super) fn look_up(&self, value: &str, deadline: Deadline) -> Result<Option<MatchedResource>, OperationError> {
        let found = if self.connector().ignores_filters.load(Ordering::Relaxed) {
            self.look_up_in_list(value, deadline)?
        } else {
            let filter = scim::render_filter(&self.connector().settings.filter, value);
            self.look_up_with_filter(&filter, value, deadline)?
        };
        if found.is_none() {
            self.cache().absent_identifiers.insert(value.to_lowercase());
        }
        Ok(found)
    }

    /// The one user whom a filter finds and who really carries the identifier.
    pub(super) fn look_up_with_filter(
        &self,
        filter: &str,
        value: &str,
        deadline: Deadline,
    ) -> Result<Option<MatchedResource>, OperationError> {
        let connector = self.connector();
        let identifier = connector.settings.identifier;
        let mut matches = Vec::new();
        let mut has_mismatch = false;
        connector.for_each_resource(ResourceType::User, Some(filter), deadline, |user| {
            match scim::match_identifier(&user, identifier, value) {
                Some(exact) => matches.push((exact, user)),
                None => has_mismatch = true,
            }
            // Strangers in answer to an equality: no further page will mean anything.
            !(has_mismatch && connector.is_equality_filter())
        })?;
        if has_mismatch && connector.is_equality_filter() {
            connector.ignores_filters.store(true, Ordering::Relaxed);
            log::warn!("the target ignores filters: its whole list of users is read once a cycle instead");
            return self.look_up_in_list(value, deadline);
        }
        match choose_match(matches, "users", identifier.code())? {
            Some(user) => self.read_whole(user, deadline).map(Some),
            None => Ok(None),
        }
    }

    fn look_up_in_list(&self, value: &str, deadline: Deadline) -> Result<Option<MatchedResource>, OperationError> {
        let identifier = self.connector().settings.identifier;
        let index = self.read_user_index(deadline)?;
        let matches = index.get(&value.to_lowercase()).into_iter().flatten();
        let matches = matches.map(|(id, spelling)| (spelling == value, id.clone())).collect();
        match choose_match(matches, "users", identifier.code())? {
            Some(id) => Ok(self
                .read(ResourceType::User, &id, deadline)?
                .map(|found| MatchedResource { linked: false, ..found })),
            None => Ok(None),
        }
    }

    /// Every user of the target by identifier, read once a session.
    fn read_user_index(&self, deadline: Deadline) -> Result<Arc<UserIndex>, OperationError> {
        let mut cached = lock_ignoring_poison(&self.user_index);
        if let Some(index) = &*cached {
            return Ok(Arc::clone(index));
        }
        let connector = self.connector();
        let mut index = UserIndex::new();
        connector.for_each_resource(ResourceType::User, None, deadline, |user| {
            if let Some(id) = scim::id(&user) {
                for spelling in scim::identifier_values(&user, connector.settings.identifier) {
                    index.entry(spelling.to_lowercase()).or_default().push((id.clone(), spelling));
                }
            }
            true
        })?;
        for ids in index.values_mut() {
            ids.sort();
            ids.dedup();
        }
        let index = Arc::new(index);
        *cached = Some(Arc::clone(&index));
        Ok(index)
    }

    /// Lists may be abridged: a user found in one is read again by its id, unless the target hides it there.
    fn read_whole(&self, user: Value, deadline: Deadline) -> Result<MatchedResource, OperationError> {
        let id = scim::id(&user).ok_or_else(|| missing_id(ResourceType::User))?;
        match self.read(ResourceType::User, &id, deadline)? {
            Some(found) => Ok(MatchedResource { linked: false, ..found }),
            None => {
                let etag = scim::version(&user).map(str::to_owned);
                Ok(MatchedResource { kind: ResourceType::User, id, resource: user, etag, linked: false })
            }
        }
    }
}

impl Connector {
    /// Whether *Filter Expression* asks for equality, so that an answer with anybody else was not filtered.
    pub(super) fn is_equality_filter(&self) -> bool {
        self.settings.filter.split_whitespace().nth(1).is_some_and(|operator| operator.eq_ignore_ascii_case("eq"))
    }

    /// Visits every resource of a list, page by page: advances by what was received, ends at a page without news, and
    /// where the visitor has seen enough.
    pub(super) fn for_each_resource(
        &self,
        kind: ResourceType,
        filter: Option<&str>,
        deadline: Deadline,
        mut visit: impl FnMut(Value) -> bool,
    ) -> Result<(), OperationError> {
        // Results Per Page is a setting for groups; that no `count` may be sent at all holds for users too.
        let count = self.settings.results_per_page.map(|count| match kind {
            ResourceType::User => USER_PAGE_SIZE.to_string(),
            ResourceType::Group => count.to_string(),
        });
        let mut seen_ids = HashSet::new();
        let mut received = 0_u64;
        for page in 0..PAGES_MAX {
            let start = (received + 1).to_string();
            let mut parameters: Vec<(&str, &str)> = filter.iter().map(|f| ("filter", *f)).collect();
            // A filter's first page goes out plain: some targets refuse paging parameters beside a filter.
            if filter.is_none() || page > 0 {
                parameters.push(("startIndex", &start));
                parameters.extend(count.as_deref().map(|count| ("count", count)));
            }
            let response = self.get(self.addresses.list(kind, &parameters), deadline)?;
            let ListResponse { resources, total } = self.read_page(kind, response)?;
            let size = resources.len() as u64;
            let mut has_new_ids = false;
            for resource in resources {
                has_new_ids |= scim::id(&resource).is_none_or(|id| seen_ids.insert(id));
                if !visit(resource) {
                    return Ok(());
                }
            }
            received += size;
            let complete = match total {
                Some(total) => received >= total,
                // Without a total a filter's answer is taken as whole, a list's as long as pages bring news.
                None => filter.is_some(),
            };
            if complete || !has_new_ids {
                return Ok(());
            }
        }
        Err(Failure::Protocol(format!("the target's list of {}s does not end", kind.noun()).into()).into())
    }

    /// The page in an answer to a search.
    pub(super) fn read_page(&self, kind: ResourceType, response: Response) -> Result<ListResponse, OperationError> {
        match response.status {
            200 => Ok(scim::read_list_response(json_body(response)?)?),
            404 | 410 => Err(Failure::Config(
                format!(
                    "the target answers {} at {}: check SCIM URL and {}",
                    response.status,
                    excerpt(self.addresses.endpoint(kind).path()),
                    kind.path_setting()
                )
                .into(),
            )
            .into()),
            400 | 501 if kind == ResourceType::User => Err(Failure::Rejected(
                format!(
                    "the target refused the search for the user ({}); check Filter Expression",
                    status_and_reason(&response)
                )
                .into(),
            )
            .into()),
            _ => Err(self.unexpected_status(&format!("searching for a {}", kind.noun()), &response)),
        }
    }
}

/// Of several that carry a name, the one that carries it to the letter; otherwise none may be touched.
pub(super) fn choose_match<T>(matches: Vec<(bool, T)>, nouns: &str, code: &str) -> Result<Option<T>, OperationError> {
    let count = matches.len();
    if count <= 1 {
        return Ok(matches.into_iter().next().map(|(_, user)| user));
    }
    let mut exact = matches.into_iter().filter_map(|(exact, user)| exact.then_some(user));
    match (exact.next(), exact.next()) {
        (Some(user), None) => Ok(Some(user)),
        _ => Err(Failure::Ambiguous(format!(
            "{count} {nouns} of the target carry this {code}; none was touched, remove or rename all but one of them"
        ).into())
        .into()),
    }
}

fn missing_id(kind: ResourceType) -> OperationError {
    Failure::Protocol(format!("the target's {} has no id, so it cannot be addressed", kind.noun()).into()).into()
}

/// The body of an answer that has to have one.
pub(super) fn json_body(response: Response) -> Result<Value, OperationError> {
    match response.body {
        Some(Ok(body)) => Ok(body),
        Some(Err(reason)) => {
            Err(Failure::Protocol(format!("{reason}; check SCIM URL and the API paths").into()).into())
        }
        None => Err(Failure::Protocol(format!("the target answered {} without a body", response.status).into()).into()),
    }
}

fn resource_body(response: Response) -> Result<Value, OperationError> {
    let body = json_body(response)?;
    if body.is_object() {
        Ok(body)
    } else {
        Err(Failure::Protocol("the target's answer is JSON but no resource; check SCIM URL".into()).into())
    }
}
