//! Writes to an account and verifies the result: create, merge `PUT` or `PATCH`, disable, delete.
//! Does not know: which write a record needs.
//!
//! The rows in comments are those of `docs/decisions.md`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::Connector;
use super::session::{MatchedResource, OperationError, Preview, Session, status_and_reason};
use crate::http::{Deadline, Method, Request, Response};
use crate::mapping::{Change, PatchPaths};
use crate::scim::{self, ResourceType};
use crate::settings::UpdateMethod;
use crate::sync::Turn;
use crate::{Failure, Message, Outcome, Record, Report};

/// If the target still shows a disabled account as active, the connector reads it again this many times.
const VERIFY_REPEATS_MAX: u32 = 3;
/// The time between these reads.
const VERIFY_INTERVAL: Duration = Duration::from_secs(1);
impl Connector {
    /// Waits until no other create of this identifier runs. Until the turn ends, no other one begins.
    ///
    /// # Errors
    /// [`Failure::Transport`] at the deadline.
    pub(super) fn take_create_turn(&self, value: &str, deadline: Deadline) -> Result<Turn<'_, String>, OperationError> {
        self.creates.take(value.to_lowercase(), &*self.environment.clock, deadline.0).ok_or_else(|| {
            let text = "another create of the same identifier did not finish in time, so the next cycle tries again";
            Failure::transport(text).into()
        })
    }
}

impl Session {
    /// Creates an account (rows 1 and 3), or adopts the account that has the identifier. Never creates two accounts.
    pub(super) fn post(&self, record: &Record, active: bool, deadline: Deadline) -> Result<Preview, OperationError> {
        let connector = self.connector();
        let body = connector.catalogue_for(record, deadline)?.resource(record, active)?;
        let value = self.identifier_of(record)?;
        let changes = created_fields(record);
        if connector.environment.dry_run {
            return Ok(Preview { report: Report::new(Outcome::Created, None), changes });
        }
        let created = |id: &str| Preview { report: Report::new(Outcome::Created, Some(id)), changes: changes.clone() };
        let request = Request {
            method: Method::Post,
            url: connector.addresses.endpoint(ResourceType::User),
            body: Some(body),
            if_match: None,
        };
        let mut last_error = None;
        for _ in 0..2 {
            let error = match connector.client.send(&request, deadline) {
                Ok(response) if is_success(&response) => {
                    self.cache().absent_identifiers.remove(&value.to_lowercase());
                    return self.verify_create(record, &response, active, deadline).map(|id| created(&id));
                }
                Ok(response) if is_conflict(&response) => return self.adopt(record, &response, deadline),
                Ok(response) => connector.unexpected_status("creating the user", &response),
                Err(error) => error.into(),
            };
            if !error.maybe_applied {
                return Err(error);
            }
            // The target may have created the account, so search before sending again.
            if let Some(found) = self.look_up(value, deadline)? {
                self.cache().absent_identifiers.remove(&value.to_lowercase());
                if !active {
                    self.ensure_inactive(&found.id, Some(&found.resource), deadline)?;
                }
                return Ok(created(&found.id));
            }
            last_error = Some(error);
        }
        Err(last_error.unwrap_or_else(|| Failure::transport("creating the user: no request was sent").into()))
    }

    /// Returns the id of a created account. Makes sure that an account created as disabled is inactive.
    fn verify_create(
        &self,
        record: &Record,
        response: &Response,
        active: bool,
        deadline: Deadline,
    ) -> Result<String, OperationError> {
        let body = response.body.as_ref().and_then(|b| b.as_ref().ok());
        let response_id = body.and_then(scim::id).or_else(|| response.location.as_deref().and_then(id_from_location));
        let id = match response_id {
            Some(id) => id,
            None => match self.look_up(self.identifier_of(record)?, deadline)? {
                Some(found) => found.id,
                None => {
                    let text = "creating the user: the target returned no id, and a search does not find the user, so \
                                the next cycle searches again";
                    return Err(Failure::Protocol(text.into()).into());
                }
            },
        };
        if !active {
            self.ensure_inactive(&id, body, deadline)?;
        }
        Ok(id)
    }

    /// Disables a created account if the target shows it as active (row 3). Some targets ignore `active` in a create.
    fn ensure_inactive(&self, id: &str, shown: Option<&Value>, deadline: Deadline) -> Result<(), OperationError> {
        if shown.is_some_and(is_shown_inactive) {
            return Ok(());
        }
        match self.read(ResourceType::User, id, deadline)? {
            Some(found) if scim::is_active(&found.resource) => self.set_inactive(&found, deadline).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Adopts the account after a create got 409. Searches with *Filter Expression*, then by `userName`.
    fn adopt(&self, record: &Record, response: &Response, deadline: Deadline) -> Result<Preview, OperationError> {
        let value = self.identifier_of(record)?;
        let mut found = self.look_up(value, deadline)?;
        if let (None, Some(user_name)) = (&found, record.first("userName")) {
            found = self.look_up_with_filter(&scim::user_name_equals(user_name), value, deadline)?;
        }
        match found {
            Some(found) => {
                self.cache().absent_identifiers.remove(&value.to_lowercase());
                self.apply(crate::lifecycle::RequestedOperation::Create, record, Some(found), deadline)
            }
            None => {
                let text = format!(
                    "creating the user: the target returned {}, but a search by {} does not find the user",
                    status_and_reason(response),
                    self.connector().settings.identifier.code()
                );
                let hint = "search the target for a hidden or deleted account, or change Filter Expression";
                Err(Failure::Conflict(Message::new(text).with_hint(hint)).into())
            }
        }
    }

    /// Writes the differences and `active` (rows 5, 6, 7 and 10).
    pub(super) fn write(
        &self,
        record: &Record,
        found: &MatchedResource,
        active: bool,
        (changed, unchanged): (Outcome, Outcome),
        deadline: Deadline,
    ) -> Result<Preview, OperationError> {
        let connector = self.connector();
        let catalogue = connector.catalogue_for(record, deadline)?;
        let clearable = &connector.settings.clearable;
        let changes = catalogue.changes(&found.resource, record, clearable)?;
        let changes_active = scim::is_active(&found.resource) != active;
        if changes.is_empty() && !changes_active {
            return Ok(Preview { report: Report::new(unchanged, Some(&found.id)), changes });
        }
        let active_change = changes_active.then(|| Change {
            code: "active".into(),
            old: vec![(!active).to_string()],
            new: vec![active.to_string()],
        });
        let changes = active_change.into_iter().chain(changes).collect();
        let preview = Preview { report: Report::new(changed, Some(&found.id)), changes };
        if connector.environment.dry_run {
            return Ok(preview);
        }
        let response = self.send_with_reread(found, deadline, |current| {
            // After a 412 the resource was read again, so the differences are new.
            let changes = catalogue.changes(&current.resource, record, clearable)?;
            self.send_changes(current, &changes, active, deadline)
        })?;
        match response.body {
            Some(Ok(shown)) if active && changes_active && is_shown_inactive(&shown) => {
                let text = "the target accepted the update but still shows active false: the account is INACTIVE";
                Err(Failure::NotHonoured(Message::new(text).with_hint("enable the account at the target")).into())
            }
            _ => Ok(preview),
        }
    }

    /// Sends the differences with the method of *User Update Method*.
    fn send_changes(
        &self,
        current: &MatchedResource,
        changes: &[Change],
        active: bool,
        deadline: Deadline,
    ) -> Result<Response, OperationError> {
        let active_change = (scim::is_active(&current.resource) != active).then_some(active);
        if changes.is_empty() && active_change.is_none() {
            return Ok(Response::no_content());
        }
        let connector = self.connector();
        let method = connector.settings.update_method;
        let use_patch = match method {
            UpdateMethod::Put => false,
            UpdateMethod::Patch => true,
            UpdateMethod::Automatic => connector.capabilities(deadline)?.is_some_and(|c| c.patch),
        };
        if use_patch {
            let response = self.send_patch(current, changes, active_change, deadline)?;
            if !(method == UpdateMethod::Automatic && is_patch_unsupported(&response)) {
                return Ok(response);
            }
        }
        let body = connector.catalogue().put_body(&current.resource, changes, Some(active))?;
        self.send(Method::Put, current, Some(body), deadline)
    }

    /// Sends a `PATCH` with filtered paths. If the target rejects these, sends multi-valued attributes as a whole.
    fn send_patch(
        &self,
        current: &MatchedResource,
        changes: &[Change],
        active: Option<bool>,
        deadline: Deadline,
    ) -> Result<Response, OperationError> {
        let connector = self.connector();
        let body = |paths| connector.catalogue().patch_body(&current.resource, changes, active, paths);
        let whole_body = body(PatchPaths::Whole)?;
        if !connector.rejects_filtered_paths.load(Ordering::Relaxed) {
            let filtered_body = body(PatchPaths::Filtered)?;
            let is_same = filtered_body == whole_body;
            let response = self.send(Method::Patch, current, Some(filtered_body), deadline)?;
            if is_same || !matches!(response.status, 400 | 501) {
                return Ok(response);
            }
        }
        let response = self.send(Method::Patch, current, Some(whole_body), deadline)?;
        if is_success(&response) {
            connector.rejects_filtered_paths.store(true, Ordering::Relaxed);
        }
        Ok(response)
    }

    /// Disables an account (row 12).
    pub(super) fn disable(
        &self,
        found: &MatchedResource,
        record: &Record,
        deadline: Deadline,
    ) -> Result<Preview, OperationError> {
        self.allow_removal(found, record)?;
        if self.connector().environment.dry_run {
            return Ok(Report::new(Outcome::Disabled, Some(&found.id)).into());
        }
        let outcome = self.set_inactive(found, deadline)?;
        Ok(Report::new(outcome, Some(&found.id)).into())
    }

    /// Changes `active` to false, and nothing else, then verifies it. Sends one `PATCH` operation if the target
    /// supports `PATCH`. Otherwise, or if the target rejects the `PATCH`, sends a merge `PUT`.
    fn set_inactive(&self, found: &MatchedResource, deadline: Deadline) -> Result<Outcome, OperationError> {
        let connector = self.connector();
        let use_patch = connector.capabilities(deadline)?.is_some_and(|c| c.patch);
        let sent = self.send_with_reread(found, deadline, |current| {
            if use_patch {
                let response = self.send_patch(current, &[], Some(false), deadline)?;
                if !is_patch_unsupported(&response) {
                    return Ok(response);
                }
            }
            let body = connector.catalogue().put_body(&current.resource, &[], Some(false))?;
            self.send(Method::Put, current, Some(body), deadline)
        });
        let response = match sent {
            Err(error) if matches!(error.failure, Failure::NotFound(_)) => return Ok(Outcome::AlreadyGone),
            other => other?,
        };
        if let Some(Ok(shown)) = &response.body
            && is_shown_inactive(shown)
        {
            return Ok(Outcome::Disabled);
        }
        for attempt in 0..=VERIFY_REPEATS_MAX {
            if attempt > 0 {
                connector.environment.clock.sleep(VERIFY_INTERVAL);
            }
            match self.read(ResourceType::User, &found.id, deadline)? {
                Some(current) if scim::is_active(&current.resource) => {}
                // Some targets no longer show an account after its disable.
                None | Some(_) => return Ok(Outcome::Disabled),
            }
        }
        let text = "the target accepted the disable but still shows active true: the account is ACTIVE";
        let hint = "disable the account at the target, and check that the target supports Remove User Action = Disable";
        Err(Failure::NotHonoured(Message::new(text).with_hint(hint)).into())
    }

    /// Deletes an account (row 15).
    pub(super) fn delete(
        &self,
        found: &MatchedResource,
        record: &Record,
        deadline: Deadline,
    ) -> Result<Preview, OperationError> {
        self.allow_removal(found, record)?;
        let deleted: Preview = Report::new(Outcome::Deleted, Some(&found.id)).into();
        if self.connector().environment.dry_run {
            return Ok(deleted);
        }
        match self.send_with_reread(found, deadline, |current| self.send(Method::Delete, current, None, deadline)) {
            Ok(_) => Ok(deleted),
            Err(OperationError { failure: Failure::NotFound(_), .. }) => {
                Ok(Report::new(Outcome::AlreadyGone, Some(&found.id)).into())
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a write. If the resource has changed since it was read (412), reads it again and repeats the write.
    /// Returns the response of a success.
    pub(super) fn send_with_reread(
        &self,
        found: &MatchedResource,
        deadline: Deadline,
        send: impl Fn(&MatchedResource) -> Result<Response, OperationError>,
    ) -> Result<Response, OperationError> {
        let mut current = found.clone();
        let mut response = send(&current)?;
        if response.status == 412 {
            current = self.read(found.kind, &found.id, deadline)?.ok_or_else(|| disappeared(found.kind))?;
            response = send(&current)?;
        }
        match response.status {
            404 | 410 => Err(disappeared(found.kind)),
            _ if is_success(&response) => Ok(response),
            _ => Err(self.connector().unexpected_status(&format!("writing the {}", found.kind.noun()), &response)),
        }
    }

    /// Sends one write for a resource.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the target does not support the method and no other method is tried.
    pub(super) fn send(
        &self,
        method: Method,
        current: &MatchedResource,
        body: Option<Value>,
        deadline: Deadline,
    ) -> Result<Response, OperationError> {
        let connector = self.connector();
        let url = connector.addresses.resource(current.kind, &current.id)?;
        let response =
            connector.client.send(&Request { method, url, body, if_match: current.etag.clone() }, deadline)?;
        if let (405 | 501, Some((action, hint))) = (response.status, unsupported_method(method, current.kind)) {
            let text = format!("the target does not support {action} ({})", status_and_reason(&response));
            return Err(Failure::Rejected(Message::new(text).with_hint(hint)).into());
        }
        Ok(response)
    }
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

fn is_shown_inactive(user: &Value) -> bool {
    scim::has_active(user) && !scim::is_active(user)
}

pub(super) fn is_success(response: &Response) -> bool {
    (200..=299).contains(&response.status)
}

/// Returns true for 409. Many targets send no `scimType`, so the status alone counts.
pub(super) fn is_conflict(response: &Response) -> bool {
    response.status == 409
}

/// Returns true if a merge `PUT` should follow, because the target rejected the `PATCH`.
fn is_patch_unsupported(response: &Response) -> bool {
    matches!(response.status, 400 | 405 | 501)
}

/// Returns the failure for a resource that another client deleted meanwhile.
fn disappeared(kind: ResourceType) -> OperationError {
    Failure::NotFound(format!("writing the {0}: the target no longer has this {0}", kind.noun()).into()).into()
}

/// Returns the id at the end of a `Location`.
pub(super) fn id_from_location(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next()?;
    let segment = path.trim_end_matches('/').rsplit('/').next()?;
    let id = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
    (!id.is_empty()).then(|| id.into_owned())
}

/// Returns every field of a create, without old values.
fn created_fields(record: &Record) -> Vec<Change> {
    let filled = record.fields.iter().filter(|(_, values)| values.iter().any(|v| !v.is_empty()));
    filled.map(|(code, values)| Change { code: code.clone(), old: Vec::new(), new: values.clone() }).collect()
}
