//! Reads lists of users and groups, page by page, until they are whole or their bounds are reached.
//! Does not know: records, what the resources of a list are for.

use std::time::Duration;

use serde_json::Value;

use super::exchange::{Exchange, OperationError, TimeLimit, list_page, status_and_reason, unexpected_status};
use crate::facts::{ListReading, Memory, NextPage, Wholeness, doubt};
use crate::http::Response;
use crate::scim::{self, ListPage, ResourceType};
use crate::text::excerpt;
use crate::{Failure, Message};

/// The reading of all users or groups takes this time at most.
pub(super) const LIST_TIME_MAX: Duration = Duration::from_secs(600);
/// The parameters of a list that shows whether the endpoint exists.
pub(super) const FIRST_RESOURCE: [(&str, &str); 2] = [("startIndex", "1"), ("count", "1")];
/// Resources per page of a list of all users.
const USER_PAGE_SIZE: u32 = 500;

/// How the reading of a list ended.
#[derive(Debug)]
pub(super) enum ListEnd {
    /// The list ended.
    Read(Wholeness),
    /// `visit` returned false.
    Stopped,
}

impl Exchange {
    /// Calls `visit` with each resource of a list, until the list ends or `visit` returns false.
    ///
    /// # Errors
    /// Failures of the requests and of `visit`; [`Failure::Uncertain`] if the list is longer than a list may be.
    pub(super) fn read_list(
        &self,
        kind: ResourceType,
        filter: Option<&str>,
        memory: &Memory,
        limit: &TimeLimit,
        mut visit: impl FnMut(Value) -> Result<bool, OperationError>,
    ) -> Result<ListEnd, OperationError> {
        // Results Per Page is about groups. If it is -1, the connector sends no `count` for users either.
        let count = self.settings.results_per_page.map(|count| match kind {
            ResourceType::User => USER_PAGE_SIZE.to_string(),
            ResourceType::Group => count.to_string(),
        });
        let request = |next: &NextPage, is_first: bool| {
            let start;
            let mut parameters: Vec<(&str, &str)> = filter.iter().map(|filter| ("filter", *filter)).collect();
            match next {
                // Some targets reject paging parameters next to a filter, so the first page of a filter has none.
                NextPage::Index(_) if filter.is_some() && is_first => {}
                NextPage::Index(index) => {
                    start = index.to_string();
                    parameters.push(("startIndex", &start));
                    parameters.extend(count.as_deref().map(|count| ("count", count)));
                }
                NextPage::Cursor(cursor) => {
                    parameters.push(("cursor", cursor));
                    parameters.extend(count.as_deref().map(|count| ("count", count)));
                }
                NextPage::End => {}
            }
            self.read_page(kind, &parameters, memory, limit)
        };
        let reading = read_pages(ListReading::new(kind.noun(), filter.is_some()), request, &mut visit)?;
        Ok(reading.map_or(ListEnd::Stopped, |reading| ListEnd::Read(reading.wholeness())))
    }

    /// Requests one page. A SCIM error 404, twice, is an empty result if this endpoint returns lists: some targets answer so.
    fn read_page(
        &self,
        kind: ResourceType,
        parameters: &[(&str, &str)],
        memory: &Memory,
        limit: &TimeLimit,
    ) -> Result<(ListPage, usize), OperationError> {
        let mut response = self.get(self.addresses.list(kind, parameters), limit)?;
        if is_scim_404(&response) && is_first_page(parameters) {
            if !memory.has_listed(kind) {
                let first = self.get(self.addresses.list(kind, &FIRST_RESOURCE), limit)?;
                self.checked_page(kind, false, first)?;
                memory.note_listed(kind);
            }
            response = self.get(self.addresses.list(kind, parameters), limit)?;
            if is_scim_404(&response) {
                let size = response.size;
                return Ok((ListPage { total: Some(0), ..ListPage::default() }, size));
            }
        }
        if matches!(response.status, 404 | 410) && memory.has_listed(kind) {
            let text = format!(
                "searching for a {}: the target returned {} although it has returned such a list before",
                kind.noun(),
                response.status
            );
            return Err(doubt(text).into());
        }
        let size = response.size;
        let is_filtered = parameters.iter().any(|(name, _)| *name == "filter");
        let page = self.checked_page(kind, is_filtered, response).map_err(|error| match error.failure {
            Failure::Protocol(message) => OperationError { failure: Failure::Uncertain(message), ..error },
            _ => error,
        })?;
        memory.note_listed(kind);
        Ok((page, size))
    }

    /// Reads the response to a search.
    ///
    /// # Errors
    /// [`Failure::Config`] if the endpoint does not exist; [`Failure::Rejected`] if the target rejects the filter.
    pub(super) fn checked_page(
        &self,
        kind: ResourceType,
        is_filtered: bool,
        response: Response,
    ) -> Result<ListPage, OperationError> {
        match response.status {
            200 => list_page(response),
            404 | 410 => {
                let path = self.addresses.endpoint(kind);
                let text = format!("the target returned {} for {}", response.status, excerpt(path.path()));
                let hint = format!("check SCIM URL and {}", kind.path_setting());
                Err(Failure::Config(Message::new(text).with_hint(hint)).into())
            }
            400 | 501 if kind == ResourceType::User && is_filtered => {
                let text = format!("searching for a user: the target returned {}", status_and_reason(&response));
                Err(Failure::Rejected(Message::new(text).with_hint("check Filter Expression")).into())
            }
            _ => Err(unexpected_status(&format!("searching for a {}", kind.noun()), &response)),
        }
    }
}

/// Requests pages until the list ends. Returns `None` if `visit` returned false.
///
/// `request` gets the page to request, and whether it is the first one. It returns the page and its size in bytes.
pub(super) fn read_pages(
    mut reading: ListReading,
    mut request: impl FnMut(&NextPage, bool) -> Result<(ListPage, usize), OperationError>,
    visit: &mut dyn FnMut(Value) -> Result<bool, OperationError>,
) -> Result<Option<ListReading>, OperationError> {
    let mut next = NextPage::Index(1);
    let mut is_first = true;
    while next != NextPage::End {
        let (page, size) = request(&next, std::mem::take(&mut is_first))?;
        next = reading.add(&page, size)?;
        for resource in page.resources {
            if !visit(resource)? {
                return Ok(None);
            }
        }
    }
    Ok(Some(reading))
}

fn is_scim_404(response: &Response) -> bool {
    response.status == 404 && matches!(&response.body, Some(Ok(body)) if scim::is_error(body))
}

/// A 404 for a later page proves nothing: the page may be missing in the middle of the list.
fn is_first_page(parameters: &[(&str, &str)]) -> bool {
    parameters.iter().all(|(name, value)| *name != "cursor" && (*name != "startIndex" || *value == "1"))
}
