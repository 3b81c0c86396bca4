//! Finds the account of a record: by its stored id, otherwise by the identifier.
//! Does not know: what is written to the account.
//!
//! A result of a search matches only if its identifier equals the value, apart from letter case. If several accounts
//! match, only an account with the same letter case counts. If none or several have it, the operation fails with
//! `ambiguous`.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::Connector;
use super::index::ResourceIds;
use super::session::{MatchedResource, OperationError, Session, status_and_reason};
use crate::http::{Deadline, Response};
use crate::scim::{self, ListResponse, ResourceType};
use crate::text::excerpt;
use crate::{Failure, Message};

/// Resources per page of a list of all users.
const USER_PAGE_SIZE: u32 = 500;
/// The connector reads this many pages of a list at most.
const PAGES_MAX: usize = 20_000;

impl Session {
    /// Reads the resource with this id. Returns `None` if the target does not have it (404, 410).
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

    /// Finds the account with this identifier and reads it by its id.
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

    /// Finds the account that a filter returns and that has the identifier.
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
                Some(is_exact) => matches.push((is_exact, user)),
                None => has_mismatch = true,
            }
            // The target ignored the filter, so further pages prove nothing.
            !(has_mismatch && connector.is_equality_filter())
        })?;
        if has_mismatch && connector.is_equality_filter() {
            connector.ignores_filters.store(true, Ordering::Relaxed);
            log::warn!(
                "the target ignores filters, so the connector reads the whole list of users once per cycle; check \
                 Filter Expression"
            );
            return self.look_up_in_list(value, deadline);
        }
        match choose_match(matches, "users", identifier.code())? {
            Some(user) => self.read_whole(user, deadline).map(Some),
            None => Ok(None),
        }
    }

    fn look_up_in_list(&self, value: &str, deadline: Deadline) -> Result<Option<MatchedResource>, OperationError> {
        let connector = self.connector();
        let identifier = connector.settings.identifier;
        let clock = &*connector.environment.clock;
        let index = self.user_index.cached_or_read(clock, deadline, || self.read_user_index(deadline))?;
        let matches = index.get(&value.to_lowercase()).into_iter().flatten();
        let matches = matches.map(|(id, spelling)| (spelling == value, id.clone())).collect();
        match choose_match(matches, "users", identifier.code())? {
            Some(id) => Ok(self
                .read(ResourceType::User, &id, deadline)?
                .map(|found| MatchedResource { linked: false, ..found })),
            None => Ok(None),
        }
    }

    fn read_user_index(&self, deadline: Deadline) -> Result<ResourceIds, OperationError> {
        let connector = self.connector();
        let mut index = ResourceIds::new();
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
        Ok(index)
    }

    /// Reads a user from a list again by its id, because a list may contain a part of each resource only. Returns the
    /// user from the list if the target does not show it by its id.
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
    /// Returns true if *Filter Expression* is an `eq` filter: then a user with another identifier shows that the target
    /// ignored the filter.
    pub(super) fn is_equality_filter(&self) -> bool {
        self.settings.filter.split_whitespace().nth(1).is_some_and(|operator| operator.eq_ignore_ascii_case("eq"))
    }

    /// Calls `visit` with each resource of a list, page by page. Ends at `totalResults`, at a page without new ids, or
    /// if `visit` returns false. The next page begins after the number of resources that were received.
    pub(super) fn for_each_resource(
        &self,
        kind: ResourceType,
        filter: Option<&str>,
        deadline: Deadline,
        mut visit: impl FnMut(Value) -> bool,
    ) -> Result<(), OperationError> {
        // Results Per Page is about groups. If it is -1, the connector sends no `count` for users either.
        let count = self.settings.results_per_page.map(|count| match kind {
            ResourceType::User => USER_PAGE_SIZE.to_string(),
            ResourceType::Group => count.to_string(),
        });
        let mut seen_ids = HashSet::new();
        let mut received = 0_u64;
        for page in 0..PAGES_MAX {
            let start = (received + 1).to_string();
            let mut parameters: Vec<(&str, &str)> = filter.iter().map(|f| ("filter", *f)).collect();
            // Some targets reject paging parameters next to a filter, so the first page has none.
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
                // Without totalResults a filtered list is one page, and a whole list ends at a page without new ids.
                None => filter.is_some(),
            };
            if complete || !has_new_ids {
                return Ok(());
            }
        }
        let text = format!("the target's list of {}s does not end after {PAGES_MAX} pages", kind.noun());
        Err(Failure::Protocol(text.into()).into())
    }

    /// Reads the response to a search.
    pub(super) fn read_page(&self, kind: ResourceType, response: Response) -> Result<ListResponse, OperationError> {
        match response.status {
            200 => Ok(scim::read_list_response(json_body(response)?)?),
            404 | 410 => {
                let path = self.addresses.endpoint(kind);
                let text = format!("the target returned {} for {}", response.status, excerpt(path.path()));
                let hint = format!("check SCIM URL and {}", kind.path_setting());
                Err(Failure::Config(Message::new(text).with_hint(hint)).into())
            }
            400 | 501 if kind == ResourceType::User => {
                let text = format!("searching for a user: the target returned {}", status_and_reason(&response));
                Err(Failure::Rejected(Message::new(text).with_hint("check Filter Expression")).into())
            }
            _ => Err(self.unexpected_status(&format!("searching for a {}", kind.noun()), &response)),
        }
    }
}

/// Returns the only match. If several match, returns the only match with the same letter case (`true` in the pair).
///
/// # Errors
/// [`Failure::Ambiguous`] if several match, and none or several have the same letter case.
pub(super) fn choose_match<T>(matches: Vec<(bool, T)>, nouns: &str, code: &str) -> Result<Option<T>, OperationError> {
    let count = matches.len();
    if count <= 1 {
        return Ok(matches.into_iter().next().map(|(_, item)| item));
    }
    let mut exact = matches.into_iter().filter_map(|(is_exact, item)| is_exact.then_some(item));
    match (exact.next(), exact.next()) {
        (Some(item), None) => Ok(Some(item)),
        _ => {
            let text =
                format!("{count} {nouns} of the target have this {code}, and the connector changed none of them");
            let hint = "remove or rename all but one of them at the target";
            Err(Failure::Ambiguous(Message::new(text).with_hint(hint)).into())
        }
    }
}

/// Returns the failure for a resource without `id`.
fn missing_id(kind: ResourceType) -> OperationError {
    Failure::Protocol(format!("the target returned a {} without id", kind.noun()).into()).into()
}

/// Returns the JSON body of a response.
///
/// # Errors
/// [`Failure::Protocol`] if the response has no body, or one that is not JSON.
pub(super) fn json_body(response: Response) -> Result<Value, OperationError> {
    match response.body {
        Some(Ok(body)) => Ok(body),
        Some(Err(reason)) => {
            let hint = "check SCIM URL, Users API Path and Groups Path API";
            Err(Failure::Protocol(Message::new(reason).with_hint(hint)).into())
        }
        None => Err(Failure::Protocol(format!("the target returned {} without a body", response.status).into()).into()),
    }
}

fn resource_body(response: Response) -> Result<Value, OperationError> {
    let body = json_body(response)?;
    if body.is_object() {
        Ok(body)
    } else {
        let text = "the target returned JSON that is not a SCIM resource";
        Err(Failure::Protocol(Message::new(text).with_hint("check SCIM URL")).into())
    }
}
