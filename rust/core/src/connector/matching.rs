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
use super::session::{MatchedResource, OperationError, Session, told};
use crate::Failure;
use crate::http::{Deadline, Response};
use crate::scim::{self, ListResponse, ResourceType};
use crate::text::excerpt;

/// Page size where a whole list of users is read.
const USERS_PER_PAGE: u32 = 500;
/// No list is followed further than this.
const MOST_PAGES: usize = 20_000;

/// Identifier in lower case to the ids that carry it, each with the identifier as the target spells it.
pub(super) type Index = HashMap<String, Vec<(String, String)>>;

impl Session {
    /// The resource behind a stored id; `None` where there is none (404, 410).
    pub(super) fn read(
        &self,
        kind: ResourceType,
        id: &str,
        deadline: Deadline,
    ) -> Result<Option<MatchedResource>, OperationError> {
        let connector = self.connector();
        let answer = connector.get(connector.addresses.resource(kind, id)?, deadline)?;
        match answer.status {
            200 => {
                let etag = answer.etag.clone();
                let resource = object(answer)?;
                if scim::id(&resource).is_none() {
                    return Err(without_id(kind));
                }
                let etag = etag.or_else(|| scim::version(&resource).map(str::to_owned));
                Ok(Some(MatchedResource { kind, id: id.to_owned(), resource, etag, linked: true }))
            }
            404 | 410 => Ok(None),
            _ => Err(connector.refused(&format!("reading a {}", kind.noun()), &answer)),
        }
    }

    /// The one user who carries an identifier, read whole.
    pub(super) fn look_up(&self, value: &str, deadline: Deadline) -> Result<Option<MatchedResource>, OperationError> {
        let found = if self.connector().ignores_filters.load(Ordering::Relaxed) {
            self.look_up_in_list(value, deadline)?
        } else {
            let filter = scim::render(&self.connector().settings.filter, value);
            self.look_up_by(&filter, value, deadline)?
        };
        if found.is_none() {
            self.memory().absent.insert(value.to_lowercase());
        }
        Ok(found)
    }

    /// The one user whom a filter finds and who really carries the identifier.
    pub(super) fn look_up_by(
        &self,
        filter: &str,
        value: &str,
        deadline: Deadline,
    ) -> Result<Option<MatchedResource>, OperationError> {
        let connector = self.connector();
        let identifier = connector.settings.identifier;
        let mut same = Vec::new();
        let mut strangers = false;
        connector.each(ResourceType::User, Some(filter), deadline, |user| {
            match scim::identifies(&user, identifier, value) {
                Some(exact) => same.push((exact, user)),
                None => strangers = true,
            }
            // Strangers in answer to an equality: no further page will mean anything.
            !(strangers && connector.filters_by_equality())
        })?;
        if strangers && connector.filters_by_equality() {
            connector.ignores_filters.store(true, Ordering::Relaxed);
            log::warn!("the target ignores filters: its whole list of users is read once a cycle instead");
            return self.look_up_in_list(value, deadline);
        }
        match choose(same, "users", identifier.code())? {
            Some(user) => self.whole(user, deadline).map(Some),
            None => Ok(None),
        }
    }

    fn look_up_in_list(&self, value: &str, deadline: Deadline) -> Result<Option<MatchedResource>, OperationError> {
        let identifier = self.connector().settings.identifier;
        let index = self.index(deadline)?;
        let same = index.get(&value.to_lowercase()).into_iter().flatten();
        let same = same.map(|(id, spelt)| (spelt == value, id.clone())).collect();
        match choose(same, "users", identifier.code())? {
            Some(id) => Ok(self
                .read(ResourceType::User, &id, deadline)?
                .map(|found| MatchedResource { linked: false, ..found })),
            None => Ok(None),
        }
    }

    /// Every user of the target by identifier, read once a session.
    fn index(&self, deadline: Deadline) -> Result<Arc<Index>, OperationError> {
        let mut slot = lock_ignoring_poison(&self.index);
        if let Some(index) = &*slot {
            return Ok(Arc::clone(index));
        }
        let connector = self.connector();
        let mut index = Index::new();
        connector.each(ResourceType::User, None, deadline, |user| {
            if let Some(id) = scim::id(&user) {
                for spelt in scim::any_value(&user, connector.settings.identifier) {
                    index.entry(spelt.to_lowercase()).or_default().push((id.clone(), spelt));
                }
            }
            true
        })?;
        for ids in index.values_mut() {
            ids.sort();
            ids.dedup();
        }
        let index = Arc::new(index);
        *slot = Some(Arc::clone(&index));
        Ok(index)
    }

    /// Lists may be abridged: a user found in one is read again by its id, unless the target hides it there.
    fn whole(&self, user: Value, deadline: Deadline) -> Result<MatchedResource, OperationError> {
        let id = scim::id(&user).ok_or_else(|| without_id(ResourceType::User))?;
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
    pub(super) fn filters_by_equality(&self) -> bool {
        self.settings.filter.split_whitespace().nth(1).is_some_and(|operator| operator.eq_ignore_ascii_case("eq"))
    }

    /// Visits every resource of a list, page by page: advances by what was received, ends at a page without news, and
    /// where the visitor has seen enough.
    pub(super) fn each(
        &self,
        kind: ResourceType,
        filter: Option<&str>,
        deadline: Deadline,
        mut visit: impl FnMut(Value) -> bool,
    ) -> Result<(), OperationError> {
        // Results Per Page is a setting for groups; that no `count` may be sent at all holds for users too.
        let count = self.settings.results_per_page.map(|count| match kind {
            ResourceType::User => USERS_PER_PAGE.to_string(),
            ResourceType::Group => count.to_string(),
        });
        let mut seen = HashSet::new();
        let mut received = 0_u64;
        for page in 0..MOST_PAGES {
            let start = (received + 1).to_string();
            let mut parameters: Vec<(&str, &str)> = filter.iter().map(|f| ("filter", *f)).collect();
            // A filter's first page goes out plain: some targets refuse paging parameters beside a filter.
            if filter.is_none() || page > 0 {
                parameters.push(("startIndex", &start));
                parameters.extend(count.as_deref().map(|count| ("count", count)));
            }
            let answer = self.get(self.addresses.list(kind, &parameters), deadline)?;
            let ListResponse { resources, total } = self.page(kind, answer)?;
            let size = resources.len() as u64;
            let mut news = false;
            for resource in resources {
                news |= scim::id(&resource).is_none_or(|id| seen.insert(id));
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
            if complete || !news {
                return Ok(());
            }
        }
        Err(Failure::Protocol(format!("the target's list of {}s does not end", kind.noun()).into()).into())
    }

    /// The page in an answer to a search.
    pub(super) fn page(&self, kind: ResourceType, answer: Response) -> Result<ListResponse, OperationError> {
        match answer.status {
            200 => Ok(scim::page(json(answer)?)?),
            404 | 410 => Err(Failure::Config(
                format!(
                    "the target answers {} at {}: check SCIM URL and {}",
                    answer.status,
                    excerpt(self.addresses.endpoint(kind).path()),
                    kind.path_setting()
                )
                .into(),
            )
            .into()),
            400 | 501 if kind == ResourceType::User => Err(Failure::Rejected(
                format!("the target refused the search for the user ({}); check Filter Expression", told(&answer))
                    .into(),
            )
            .into()),
            _ => Err(self.refused(&format!("searching for a {}", kind.noun()), &answer)),
        }
    }
}

/// Of several that carry a name, the one that carries it to the letter; otherwise none may be touched.
pub(super) fn choose<T>(same: Vec<(bool, T)>, nouns: &str, code: &str) -> Result<Option<T>, OperationError> {
    let count = same.len();
    if count <= 1 {
        return Ok(same.into_iter().next().map(|(_, user)| user));
    }
    let mut exact = same.into_iter().filter_map(|(exact, user)| exact.then_some(user));
    match (exact.next(), exact.next()) {
        (Some(user), None) => Ok(Some(user)),
        _ => Err(Failure::Ambiguous(format!(
            "{count} {nouns} of the target carry this {code}; none was touched, remove or rename all but one of them"
        ).into())
        .into()),
    }
}

fn without_id(kind: ResourceType) -> OperationError {
    Failure::Protocol(format!("the target's {} has no id, so it cannot be addressed", kind.noun()).into()).into()
}

/// The body of an answer that has to have one.
pub(super) fn json(answer: Response) -> Result<Value, OperationError> {
    match answer.body {
        Some(Ok(body)) => Ok(body),
        Some(Err(reason)) => {
            Err(Failure::Protocol(format!("{reason}; check SCIM URL and the API paths").into()).into())
        }
        None => Err(Failure::Protocol(format!("the target answered {} without a body", answer.status).into()).into()),
    }
}

fn object(answer: Response) -> Result<Value, OperationError> {
    let body = json(answer)?;
    if body.is_object() {
        Ok(body)
    } else {
        Err(Failure::Protocol("the target's answer is JSON but no resource; check SCIM URL".into()).into())
    }
}
