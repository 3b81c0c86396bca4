//! What is sent to an account, and the check of what was sent: create, merge `PUT` or `PATCH`, disable, delete.
//! Does not know: which of them a record needs. The rows in comments are those of `docs/decisions.md`.

use crate::sync::lock_ignoring_poison;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::Connector;
use super::session::{MatchedResource, OperationError, Preview, Session, status_and_reason};
use crate::http::{Deadline, Method, Request, Response};
use crate::mapping::{Change, PatchPaths};
use crate::scim::{self, ResourceType};
use crate::settings::UpdateMethod;
use crate::{Failure, Outcome, Record, Report};

/// How often, and how far apart, a target that still shows an account as active is asked again.
const VERIFY_REPEATS_MAX: u32 = 3;
const VERIFY_INTERVAL: Duration = Duration::from_secs(1);
/// How often a create that waits for another of the same identifier looks whether it is its turn.
const IDENTIFIER_LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// A create's turn: nobody else creates the same identifier until it is dropped.
pub(super) struct IdentifierLock<'c> {
    connector: &'c Connector,
    key: String,
    /// True where another create was under way, so that what was known before is stale.
    pub(super) waited: bool,
}

impl Drop for IdentifierLock<'_> {
    fn drop(&mut self) {
        lock_ignoring_poison(&self.connector.locked_identifiers).remove(&self.key);
    }
}

impl Connector {
    /// Waits until no other create of this identifier is under way.
    pub(super) fn lock_identifier(
        &self,
        value: &str,
        deadline: Deadline,
    ) -> Result<IdentifierLock<'_>, OperationError> {
        let key = value.to_lowercase();
        let mut waited = false;
        while !lock_ignoring_poison(&self.locked_identifiers).insert(key.clone()) {
            waited = true;
            if self.now() >= deadline.0 {
                return Err(Failure::transport(
                    "another create of the same user is still under way; the next cycle looks it up",
                )
                .into());
            }
            self.environment.clock.sleep(IDENTIFIER_LOCK_INTERVAL);
        }
        Ok(IdentifierLock { connector: self, key, waited })
    }
}

impl Session {
    /// Rows 1 and 3: creates, adopts where the identifier is taken, and never creates twice.
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
            if !error.maybe_done {
                return Err(error);
            }
            // The answer was lost: look before sending again.
            if let Some(found) = self.look_up(value, deadline)? {
                self.cache().absent_identifiers.remove(&value.to_lowercase());
                if !active {
                    self.ensure_inactive(&found.id, Some(&found.resource), deadline)?;
                }
                return Ok(created(&found.id));
            }
            last_error = Some(error);
        }
        Err(last_error.unwrap_or_else(|| Failure::transport("the create was not sent").into()))
    }

    /// After a successful create: its id, and for a user created as disabled that it is.
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
                    return Err(Failure::Protocol(
                        "the target created the user but tells no id and does not find it; the next cycle looks again"
                            .into(),
                    )
                    .into());
                }
            },
        };
        if !active {
            self.ensure_inactive(&id, body, deadline)?;
        }
        Ok(id)
    }

    /// Row 3: a target may create a disabled user as active; one disable puts that right.
    fn ensure_inactive(&self, id: &str, shown: Option<&Value>, deadline: Deadline) -> Result<(), OperationError> {
        if shown.is_some_and(is_shown_inactive) {
            return Ok(());
        }
        match self.read(ResourceType::User, id, deadline)? {
            Some(found) if scim::is_active(&found.resource) => self.set_inactive(&found, deadline).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// A create answered 409: the user is there. Looks with the configured filter, then with the plain one.
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
            None => Err(Failure::Conflict(format!(
                "the target says that the user exists ({}), but does not find it by {}; look for a hidden or deleted \
                 account there, or change Filter Expression",
                status_and_reason(response),
                self.connector().settings.identifier.code()
            ).into())
            .into()),
        }
    }

    /// Rows 6, 7 and 10: the differences, and `active`.
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
        let response = self.send_with_retry(found, deadline, |current| {
            // After a 412 the differences are those to the resource as it is now.
            let changes = catalogue.changes(&current.resource, record, clearable)?;
            self.send_changes(current, &changes, active, deadline)
        })?;
        match response.body {
            Some(Ok(shown)) if active && changes_active && is_shown_inactive(&shown) => Err(Failure::NotHonoured(
                "the target said yes but still shows active false: the account is INACTIVE; enable it at the target"
                    .into(),
            )
            .into()),
            _ => Ok(preview),
        }
    }

    /// Sends differences by the configured method.
    fn send_changes(
        &self,
        current: &MatchedResource,
        changes: &[Change],
        active: bool,
        deadline: Deadline,
    ) -> Result<Response, OperationError> {
        let active_change = (scim::is_active(&current.resource) != active).then_some(active);
        if changes.is_empty() && active_change.is_none() {
            return Ok(Response::nothing());
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

    /// A `PATCH` with filtered paths; where the target refuses those, multi-valued attributes as a whole.
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

    /// Row 12.
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

    /// `active` becomes false and nothing else changes: one `PATCH` operation where the target says that it can,
    /// otherwise, or where that fails, the merge `PUT`. Verified.
    fn set_inactive(&self, found: &MatchedResource, deadline: Deadline) -> Result<Outcome, OperationError> {
        let connector = self.connector();
        let use_patch = connector.capabilities(deadline)?.is_some_and(|c| c.patch);
        let sent = self.send_with_retry(found, deadline, |current| {
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
                // Some targets drop the member when it is disabled.
                None | Some(_) => return Ok(Outcome::Disabled),
            }
        }
        Err(Failure::NotHonoured(
            "the target said yes to the disable but still shows active true: the account is ACTIVE; disable it at \
             the target, and check whether it supports Remove User Action = Disable"
                .into(),
        )
        .into())
    }

    /// Row 15.
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
        match self.send_with_retry(found, deadline, |current| self.send(Method::Delete, current, None, deadline)) {
            Ok(_) => Ok(deleted),
            Err(OperationError { failure: Failure::NotFound(_), .. }) => {
                Ok(Report::new(Outcome::AlreadyGone, Some(&found.id)).into())
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a write for a resource as it was read; where it has changed since (412), reads it again and tries once
    /// more. Gives the answer of a success.
    pub(super) fn send_with_retry(
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
        if let (405 | 501, Some(unsupported_method)) = (response.status, unsupported_method(method, current.kind)) {
            return Err(Failure::Rejected(
                format!("the target does not support {unsupported_method} ({})", status_and_reason(&response)).into(),
            )
            .into());
        }
        Ok(response)
    }
}

/// What to say where the target does not know a verb; `None` where another verb is tried instead.
fn unsupported_method(method: Method, kind: ResourceType) -> Option<&'static str> {
    match (method, kind) {
        (Method::Delete, ResourceType::User) => Some("deleting users; set Remove User Action = Disable"),
        (Method::Put, ResourceType::User) => Some("replacing users with PUT; set User Update Method = PATCH"),
        (Method::Put, ResourceType::Group) => Some("replacing groups with PUT; select Use PATCH for Group Updates"),
        (Method::Patch, ResourceType::Group) => Some("PATCH of groups; clear Use PATCH for Group Updates"),
        _ => None,
    }
}

fn is_shown_inactive(user: &Value) -> bool {
    scim::has_active(user) && !scim::is_active(user)
}

pub(super) fn is_success(response: &Response) -> bool {
    (200..=299).contains(&response.status)
}

/// 409 by its status alone: many targets give no `scimType`.
pub(super) fn is_conflict(response: &Response) -> bool {
    response.status == 409
}

/// The answers to a `PATCH` after which the merge `PUT` is worth a try.
fn is_patch_unsupported(response: &Response) -> bool {
    matches!(response.status, 400 | 405 | 501)
}

fn disappeared(kind: ResourceType) -> OperationError {
    Failure::NotFound(format!("the {} disappeared from the target while it was being changed", kind.noun()).into())
        .into()
}

/// The id at the end of a `Location`.
pub(super) fn id_from_location(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next()?;
    let segment = path.trim_end_matches('/').rsplit('/').next()?;
    let id = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
    (!id.is_empty()).then(|| id.into_owned())
}

/// Every field of a create, with no old values.
fn created_fields(record: &Record) -> Vec<Change> {
    let filled = record.fields.iter().filter(|(_, values)| values.iter().any(|v| !v.is_empty()));
    filled.map(|(code, values)| Change { code: code.clone(), old: Vec::new(), new: values.clone() }).collect()
}
