//! Sends the requests of one target, and reads the responses that concern one resource or the target itself.
//! Does not know: records, which operation sends.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use url::Url;

use crate::environment::Environment;
use crate::facts::{ById, Learnt, Shown};
use crate::http::{Client, Deadline, Method, Request, RequestError, Response};
use crate::scim::{self, Addresses, Capabilities, Filter, ResourceType};
use crate::settings::Settings;
use crate::sync::lock_ignoring_poison;
use crate::{Failure, Message};

/// A configuration that could not be read is requested again after this time.
const CONFIGURATION_RETRY: Duration = Duration::from_secs(60);

/// The requests of one target.
pub(super) struct Exchange {
    pub(super) settings: Settings,
    pub(super) environment: Environment,
    pub(super) addresses: Addresses,
    /// *Filter Expression*.
    pub(super) user_filter: Filter,
    /// Finds a group by its name.
    pub(super) group_filter: Filter,
    pub(super) learnt: Arc<Learnt>,
    client: Client,
    /// When the service provider configuration could not be read.
    configuration_failed_at: Mutex<Option<Duration>>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The time limit of one operation. The reading of a list of all resources does not count.
#[derive(Debug)]
pub(super) struct TimeLimit {
    deadline: Cell<Duration>,
}

impl TimeLimit {
    pub(super) fn new(start: Duration, limit: Duration) -> Self {
        Self { deadline: Cell::new(start + limit) }
    }

    pub(super) fn deadline(&self) -> Deadline {
        Deadline(self.deadline.get())
    }

    /// Extends the limit by time that does not count.
    pub(super) fn extend(&self, time: Duration) {
        self.deadline.set(self.deadline.get() + time);
    }
}

/// The service provider configuration of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Configuration {
    Known(Capabilities),
    /// The target has none.
    Absent,
    /// It could not be read this time.
    Unread,
}

impl Configuration {
    /// Returns true if the configuration says that `PATCH` is supported.
    pub(super) fn patch(self) -> bool {
        matches!(self, Self::Known(capabilities) if capabilities.patch)
    }

    /// Returns true if the configuration says that filters are supported.
    pub(super) fn filter(self) -> bool {
        matches!(self, Self::Known(capabilities) if capabilities.filter)
    }
}

/// Why an operation failed, before the session makes a [`Failure`] of it.
#[derive(Debug)]
pub(super) struct OperationError {
    pub(super) failure: Failure,
    /// The target returned 403.
    pub(super) is_forbidden: bool,
    /// The target may have carried out the request although it failed.
    pub(super) maybe_applied: bool,
}

impl From<Failure> for OperationError {
    fn from(failure: Failure) -> Self {
        Self { failure, is_forbidden: false, maybe_applied: false }
    }
}

impl From<RequestError> for OperationError {
    fn from(error: RequestError) -> Self {
        Self { failure: error.failure, is_forbidden: false, maybe_applied: error.maybe_applied }
    }
}

impl Exchange {
    pub(super) fn new(settings: Settings, environment: Environment, client: Client, learnt: Arc<Learnt>) -> Self {
        Self {
            addresses: Addresses::new(
                settings.scim_url.clone(),
                &settings.users_path,
                &settings.groups_path,
                settings.version,
            ),
            user_filter: Filter::parse(&settings.filter, settings.identifier),
            group_filter: Filter::display_name(),
            learnt,
            client,
            configuration_failed_at: Mutex::default(),
            settings,
            environment,
        }
    }

    /// Returns the time of the monotonic clock.
    pub(super) fn now(&self) -> Duration {
        self.environment.clock.monotonic()
    }

    /// Returns the date.
    pub(super) fn date(&self) -> SystemTime {
        self.environment.clock.system_time()
    }

    /// Returns the limit of an operation that starts now.
    pub(super) fn time_limit(&self) -> TimeLimit {
        TimeLimit::new(self.now(), self.environment.operation_timeout)
    }

    /// Returns the filter that finds a resource of this kind by its identifier or name.
    pub(super) fn filter(&self, kind: ResourceType) -> &Filter {
        match kind {
            ResourceType::User => &self.user_filter,
            ResourceType::Group => &self.group_filter,
        }
    }

    pub(super) fn get(&self, url: Url, limit: &TimeLimit) -> Result<Response, RequestError> {
        self.client.send(&Request { method: Method::Get, url, body: None, if_match: None }, limit.deadline())
    }

    /// Sends a create.
    pub(super) fn post(&self, kind: ResourceType, body: Value, limit: &TimeLimit) -> Result<Response, RequestError> {
        let url = self.addresses.endpoint(kind);
        self.client.send(&Request { method: Method::Post, url, body: Some(body), if_match: None }, limit.deadline())
    }

    /// Sends one write of a resource.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the target does not support the method and no other method is tried.
    pub(super) fn send(
        &self,
        method: Method,
        current: &Shown,
        body: Option<Value>,
        limit: &TimeLimit,
    ) -> Result<Response, OperationError> {
        let url = self.addresses.resource(current.kind(), current.id())?;
        let if_match = current.etag().map(str::to_owned);
        let response = self.client.send(&Request { method, url, body, if_match }, limit.deadline())?;
        if let (405 | 501, Some((action, hint))) = (response.status, unsupported_method(method, current.kind())) {
            let text = format!("the target does not support {action} ({})", status_and_reason(&response));
            return Err(Failure::Rejected(Message::new(text).with_hint(hint)).into());
        }
        Ok(response)
    }

    /// Reads the resource with this id.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] if the response proves neither that the target has it, nor that the id is unknown.
    pub(super) fn read(&self, kind: ResourceType, id: &str, limit: &TimeLimit) -> Result<ById, OperationError> {
        let response = self.get(self.addresses.resource(kind, id)?, limit)?;
        match response.status {
            200..=299 | 404 | 410 => Ok(ById::read(kind, id, response)?),
            _ => Err(unexpected_status(&format!("reading a {}", kind.noun()), &response)),
        }
    }

    /// Reads the service provider configuration, which is learnt. A failure says nothing about the credentials, because
    /// many targets protect this endpoint in another way.
    ///
    /// # Errors
    /// The target is not reachable, or too slow.
    pub(super) fn configuration(&self, limit: &TimeLimit) -> Result<Configuration, RequestError> {
        let known = self.learnt.configuration(self.date());
        if let Some(known) = known {
            return Ok(known.map_or(Configuration::Absent, Configuration::Known));
        }
        let failed_at = *lock_ignoring_poison(&self.configuration_failed_at);
        if failed_at.is_some_and(|at| self.now().saturating_sub(at) < CONFIGURATION_RETRY) {
            return Ok(Configuration::Unread);
        }
        let mut is_absent = true;
        for url in self.addresses.service_provider_configuration() {
            let Some(response) = self.get_discovery(url, limit)? else {
                is_absent = false;
                continue;
            };
            if let (200, Some(Ok(body))) = (response.status, &response.body)
                && let Some(capabilities) = Capabilities::read(body)
            {
                self.learnt.learn_configuration(Some(capabilities), self.date());
                return Ok(Configuration::Known(capabilities));
            }
            is_absent &= is_missing_endpoint(&response);
        }
        if is_absent {
            self.learnt.learn_configuration(None, self.date());
            return Ok(Configuration::Absent);
        }
        *lock_ignoring_poison(&self.configuration_failed_at) = Some(self.now());
        Ok(Configuration::Unread)
    }

    /// Reads what the target says about itself. `None` if the target rejects the credentials there.
    pub(super) fn get_discovery(&self, url: Url, limit: &TimeLimit) -> Result<Option<Response>, RequestError> {
        match self.get(url, limit) {
            Err(error) if matches!(error.failure, Failure::AuthFailed(_)) => Ok(None),
            other => other.map(Some),
        }
    }
}

/// Returns true if the target does not have the endpoint.
pub(super) fn is_missing_endpoint(response: &Response) -> bool {
    matches!(response.status, 404 | 501) && !response.is_page()
}

/// Returns what the target does not support, and a hint, if it rejects a method. `None` if the connector tries another
/// method.
fn unsupported_method(method: Method, kind: ResourceType) -> Option<(&'static str, &'static str)> {
    match (method, kind) {
        (Method::Delete, ResourceType::User) => Some(("DELETE of users", "set Remove User Action = Disable")),
        (Method::Put, ResourceType::User) => Some(("PUT of users", "set User Update Method = PATCH")),
        (Method::Put, ResourceType::Group) => Some(("PUT of groups", "select Use PATCH for Group Updates")),
        (Method::Patch, ResourceType::Group) => Some(("PATCH of groups", "clear Use PATCH for Group Updates")),
        _ => None,
    }
}

/// Returns the error for a status that the caller does not handle.
pub(super) fn unexpected_status(action: &str, response: &Response) -> OperationError {
    let text = format!("{action}: the target returned {}", status_and_reason(response));
    let failure = match response.status {
        400..=499 => Failure::Rejected(text.into()),
        500..=599 => Failure::transport(text),
        _ => Failure::Protocol(text.into()),
    };
    OperationError { failure, is_forbidden: response.status == 403, maybe_applied: response.status >= 500 }
}

/// Returns the status of a response and the reason in its body.
pub(super) fn status_and_reason(response: &Response) -> String {
    let problem = response.problem();
    let status = response.status.to_string();
    if problem.starts_with(&status) { problem } else { format!("{status}: {problem}") }
}

pub(super) fn is_success(response: &Response) -> bool {
    (200..=299).contains(&response.status)
}

/// Returns true for 409. Many targets send no `scimType`, so the status alone counts.
pub(super) fn is_conflict(response: &Response) -> bool {
    response.status == 409
}

/// Returns the JSON body of a response.
///
/// # Errors
/// [`Failure::Protocol`] if the response has no body, or one that is not JSON.
pub(super) fn json_body(response: Response) -> Result<Value, OperationError> {
    match response.body {
        Some(Ok(body)) => Ok(body),
        Some(Err(unreadable)) => {
            let hint = "check SCIM URL, Users API Path and Groups Path API";
            Err(Failure::Protocol(Message::new(unreadable.reason).with_hint(hint)).into())
        }
        None => Err(Failure::Protocol(format!("the target returned {} without a body", response.status).into()).into()),
    }
}

/// Reads one page of a list whose status is 200.
///
/// # Errors
/// [`Failure::Protocol`] if the body is not a list.
pub(super) fn list_page(response: Response) -> Result<scim::ListPage, OperationError> {
    Ok(scim::read_list_page(json_body(response)?)?)
}
