//! Writes to a resource and checks what the target made of it: merge `PUT` or `PATCH`, disable, delete.
//! Does not know: which write a record needs.

use std::time::Duration;

use super::exchange::{OperationError, TimeLimit, is_success, unexpected_status};
use super::session::Session;
use crate::facts::{ById, Closed, Shown, check_same_resource, doubt};
use crate::http::{Method, Response};
use crate::mapping::{Change, PatchPaths};
use crate::scim::{self, ResourceType};
use crate::settings::UpdateMethod;
use crate::text::excerpt;
use crate::{Failure, Message};

/// If the target still shows a disabled account as active, the connector reads it again this many times.
const VERIFY_REPEATS_MAX: u32 = 3;
/// The time between these reads.
const VERIFY_INTERVAL: Duration = Duration::from_secs(1);

/// How the target answered a write to a resource that it had shown.
#[derive(Debug)]
pub(super) enum Written<T> {
    Done(T),
    /// It returned 404 or 410.
    NotFound,
}

impl Session {
    /// Sends a write. If the resource has changed since it was read (412), reads it again and repeats the write.
    /// Returns the response of a success.
    pub(super) fn send_with_reread(
        &self,
        found: &Shown,
        limit: &TimeLimit,
        send: impl Fn(&Shown) -> Result<Response, OperationError>,
    ) -> Result<Written<Response>, OperationError> {
        self.memory.forget(found.kind(), found.id());
        let mut response = send(found)?;
        if response.status == 412 {
            let ById::Shown(current) = self.connector.exchange.read(found.kind(), found.id(), limit)? else {
                return Ok(Written::NotFound);
            };
            response = send(&current)?;
        }
        match response.status {
            404 | 410 => Ok(Written::NotFound),
            _ if is_success(&response) => {
                check_same_resource(found.kind(), found.id(), &response)?;
                Ok(Written::Done(response))
            }
            _ => Err(unexpected_status(&format!("writing the {}", found.kind().noun()), &response)),
        }
    }

    /// Sends the differences with the method of *User Update Method*.
    pub(super) fn send_changes(
        &self,
        current: &Shown,
        changes: &[Change],
        active: bool,
        limit: &TimeLimit,
    ) -> Result<Response, OperationError> {
        let active_change = (current.is_active() != active).then_some(active);
        if changes.is_empty() && active_change.is_none() {
            return Ok(Response::no_content());
        }
        let exchange = &self.connector.exchange;
        let method = exchange.settings.update_method;
        let use_patch = match method {
            UpdateMethod::Put => false,
            UpdateMethod::Patch => true,
            UpdateMethod::Automatic => exchange.configuration(limit)?.patch(),
        };
        if use_patch {
            let response = self.send_patch(current, changes, active_change, limit)?;
            if !(method == UpdateMethod::Automatic && is_patch_unsupported(&response)) {
                return Ok(response);
            }
        }
        let body = self.connector.fields.known().put_body(current.resource(), changes, Some(active))?;
        exchange.send(Method::Put, current, Some(body), limit)
    }

    /// Sends a `PATCH` with filtered paths. If the target rejects these, sends multi-valued attributes as a whole.
    fn send_patch(
        &self,
        current: &Shown,
        changes: &[Change],
        active: Option<bool>,
        limit: &TimeLimit,
    ) -> Result<Response, OperationError> {
        let exchange = &self.connector.exchange;
        let fields = self.connector.fields.known();
        let body = |paths| fields.patch_body(current.resource(), changes, active, paths);
        let whole_body = body(PatchPaths::Whole)?;
        if !exchange.learnt.rejects_filtered_paths(exchange.date()) {
            let filtered_body = body(PatchPaths::Filtered)?;
            let is_same = filtered_body == whole_body;
            let response = exchange.send(Method::Patch, current, Some(filtered_body), limit)?;
            if is_same || !matches!(response.status, 400 | 501) {
                return Ok(response);
            }
        }
        let response = exchange.send(Method::Patch, current, Some(whole_body), limit)?;
        if is_success(&response) {
            exchange.learnt.learn_to_patch_without_filtered_paths(exchange.date());
        }
        Ok(response)
    }

    /// Changes `active` to false, and nothing else, then verifies it. Sends one `PATCH` operation if the target
    /// supports `PATCH`. Otherwise, or if the target rejects the `PATCH`, sends a merge `PUT`.
    ///
    /// # Errors
    /// [`Failure::NotHonoured`] if the target still shows the account as active.
    pub(super) fn set_inactive(&self, found: &Shown, limit: &TimeLimit) -> Result<Written<Closed>, OperationError> {
        let exchange = &self.connector.exchange;
        let use_patch = exchange.configuration(limit)?.patch();
        let sent = self.send_with_reread(found, limit, |current| {
            if use_patch {
                let response = self.send_patch(current, &[], Some(false), limit)?;
                if !is_patch_unsupported(&response) {
                    return Ok(response);
                }
            }
            let body = self.connector.fields.known().put_body(current.resource(), &[], Some(false))?;
            exchange.send(Method::Put, current, Some(body), limit)
        })?;
        let Written::Done(response) = sent else { return Ok(Written::NotFound) };
        if let Some(closed) = Closed::of_response(found.id(), &response) {
            return Ok(Written::Done(closed));
        }
        for attempt in 0..=VERIFY_REPEATS_MAX {
            if attempt > 0 {
                exchange.environment.clock.sleep(VERIFY_INTERVAL);
            }
            let read = exchange.read(ResourceType::User, found.id(), limit)?;
            if let Some(closed) = Closed::after_disable(&response, &read) {
                return Ok(Written::Done(closed));
            }
        }
        let text = "the target accepted the disable but still shows active true: the account is ACTIVE";
        let hint = "disable the account at the target, and check that the target supports Remove User Action = Disable";
        Err(Failure::NotHonoured(Message::new(text).with_hint(hint)).into())
    }

    /// Disables a created account if the target shows it as active (row 3). Some targets ignore `active` in a create.
    pub(super) fn ensure_inactive(
        &self,
        id: &str,
        shown: Option<&Shown>,
        limit: &TimeLimit,
    ) -> Result<(), OperationError> {
        if shown.is_some_and(|shown| Closed::of_shown(shown).is_some()) {
            return Ok(());
        }
        match self.read(ResourceType::User, id, limit)? {
            ById::Shown(found) if found.is_active() => match self.set_inactive(&found, limit)? {
                Written::Done(_) => Ok(()),
                Written::NotFound => Err(refused(&found).into()),
            },
            ById::Shown(_) => Ok(()),
            ById::Missing(_) => {
                let text = "the target does not show the account that was just created, so it is not proved that it is \
                            inactive";
                Err(doubt(text).into())
            }
        }
    }
}

/// Returns the failure for a write that the target answered with 404 although it has shown the resource.
pub(super) fn refused(found: &Shown) -> Failure {
    let text = format!(
        "the target returned 404 to the write of the {0} {1}, but it shows this {0}",
        found.kind().noun(),
        excerpt(found.id())
    );
    Failure::NotFound(Message::new(text).with_hint("check the permissions of these credentials at the target"))
}

/// Returns true if the response to an enable shows the account as inactive.
pub(super) fn shows_inactive(response: &Response) -> bool {
    matches!(&response.body, Some(Ok(body)) if scim::active(body) == Some(false))
}

/// Returns true if a merge `PUT` should follow, because the target rejected the `PATCH`.
fn is_patch_unsupported(response: &Response) -> bool {
    matches!(response.status, 400 | 405 | 501)
}
