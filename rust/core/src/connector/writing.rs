//! What is sent to an account, and the check of what was sent: create, merge `PUT` or `PATCH`, disable, delete.
//! Does not know: which of them a record needs. The rows in comments are those of `docs/decisions.md`.

use crate::sync::lock_ignoring_poison;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::Connector;
use super::session::{MatchedResource, OperationError, Preview, Session, told};
use crate::http::{Deadline, Method, Request, Response};
use crate::mapping::{Change, PatchPaths};
use crate::scim::{self, ResourceType};
use crate::settings::UpdateMethod;
use crate::{Failure, Outcome, Record, Report};

/// How often, and how far apart, a target that still shows an account as active is asked again.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// How often a create that waits for another of the same identifier looks whether it is its turn.
const BETWEEN_TURNS: Duration = Duration::from_millis(20);

/// A create's turn: nobody else creates the same identifier until it is dropped.
pub(super) struct Turn<'c> {
    connector: &'c Connector,
    key: String,
    /// True where another create was under way, so that what was known before is stale.
    pub(super) waited: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock_ignoring_poison(&self.connector.creating).remove(&self.key);
    }
}

impl Connector {
    /// Waits until no other create of this identifier is under way.
    pub(super) fn take_turn(&self, value: &str, deadline: Deadline) -> Result<Turn<'_>, OperationError> {
        let key = value.to_lowercase();
        let mut waited = false;
        while !lock_ignoring_poison(&self.creating).insert(key.clone()) {
            waited = true;
            if self.now() >= deadline.0 {
                return Err(Failure::transport(
                    "another create of the same user is still under way; the next cycle looks it up",
                )
                .into());
            }
            self.environment.clock.sleep(BETWEEN_TURNS);
        }
        Ok(Turn { connector: self, key, waited })
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
        let call = Request {
            method: Method::Post,
            url: connector.addresses.endpoint(ResourceType::User),
            body: Some(body),
            if_match: None,
        };
        let mut lost = None;
        for _ in 0..2 {
            let trouble = match connector.client.send(&call, deadline) {
                Ok(answer) if is_success(&answer) => {
                    self.memory().absent.remove(&value.to_lowercase());
                    return self.settle_create(record, &answer, active, deadline).map(|id| created(&id));
                }
                Ok(answer) if is_taken(&answer) => return self.adopt(record, &answer, deadline),
                Ok(answer) => connector.refused("creating the user", &answer),
                Err(unanswered) => unanswered.into(),
            };
            if !trouble.maybe_done {
                return Err(trouble);
            }
            // The answer was lost: look before sending again.
            if let Some(found) = self.look_up(value, deadline)? {
                self.memory().absent.remove(&value.to_lowercase());
                if !active {
                    self.settle_inactive(&found.id, Some(&found.resource), deadline)?;
                }
                return Ok(created(&found.id));
            }
            lost = Some(trouble);
        }
        Err(lost.unwrap_or_else(|| Failure::transport("the create was not sent").into()))
    }

    /// After a successful create: its id, and for a user created as disabled that it is.
    fn settle_create(
        &self,
        record: &Record,
        answer: &Response,
        active: bool,
        deadline: Deadline,
    ) -> Result<String, OperationError> {
        let body = answer.body.as_ref().and_then(|b| b.as_ref().ok());
        let told = body.and_then(scim::id).or_else(|| answer.location.as_deref().and_then(last_segment));
        let id = match told {
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
            self.settle_inactive(&id, body, deadline)?;
        }
        Ok(id)
    }

    /// Row 3: a target may create a disabled user as active; one disable puts that right.
    fn settle_inactive(&self, id: &str, shown: Option<&Value>, deadline: Deadline) -> Result<(), OperationError> {
        if shown.is_some_and(shows_inactive) {
            return Ok(());
        }
        match self.read(ResourceType::User, id, deadline)? {
            Some(found) if scim::is_active(&found.resource) => self.set_inactive(&found, deadline).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// A create answered 409: the user is there. Looks with the configured filter, then with the plain one.
    fn adopt(&self, record: &Record, answer: &Response, deadline: Deadline) -> Result<Preview, OperationError> {
        let value = self.identifier_of(record)?;
        let mut found = self.look_up(value, deadline)?;
        if let (None, Some(user_name)) = (&found, record.first("userName")) {
            found = self.look_up_by(&scim::user_name_equals(user_name), value, deadline)?;
        }
        match found {
            Some(found) => {
                self.memory().absent.remove(&value.to_lowercase());
                self.apply(crate::lifecycle::RequestedOperation::Create, record, Some(found), deadline)
            }
            None => Err(Failure::Conflict(format!(
                "the target says that the user exists ({}), but does not find it by {}; look for a hidden or deleted \
                 account there, or change Filter Expression",
                told(answer),
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
        let flips = scim::is_active(&found.resource) != active;
        if changes.is_empty() && !flips {
            return Ok(Preview { report: Report::new(unchanged, Some(&found.id)), changes });
        }
        let flip = flips.then(|| Change {
            code: "active".into(),
            old: vec![(!active).to_string()],
            new: vec![active.to_string()],
        });
        let changes = flip.into_iter().chain(changes).collect();
        let preview = Preview { report: Report::new(changed, Some(&found.id)), changes };
        if connector.environment.dry_run {
            return Ok(preview);
        }
        let answer = self.with_current(found, deadline, |current| {
            // After a 412 the differences are those to the resource as it is now.
            let changes = catalogue.changes(&current.resource, record, clearable)?;
            self.send_changes(current, &changes, active, deadline)
        })?;
        match answer.body {
            Some(Ok(shown)) if active && flips && shows_inactive(&shown) => Err(Failure::NotHonoured(
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
        let flip = (scim::is_active(&current.resource) != active).then_some(active);
        if changes.is_empty() && flip.is_none() {
            return Ok(Response::nothing());
        }
        let connector = self.connector();
        let method = connector.settings.update_method;
        let patches = match method {
            UpdateMethod::Put => false,
            UpdateMethod::Patch => true,
            UpdateMethod::Automatic => connector.capabilities(deadline)?.is_some_and(|c| c.patch),
        };
        if patches {
            let answer = self.send_patch(current, changes, flip, deadline)?;
            if !(method == UpdateMethod::Automatic && is_unsupported(&answer)) {
                return Ok(answer);
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
        let whole = body(PatchPaths::Whole)?;
        if !connector.refuses_filtered_paths.load(Ordering::Relaxed) {
            let filtered = body(PatchPaths::Filtered)?;
            let same = filtered == whole;
            let answer = self.send(Method::Patch, current, Some(filtered), deadline)?;
            if same || !matches!(answer.status, 400 | 501) {
                return Ok(answer);
            }
        }
        let answer = self.send(Method::Patch, current, Some(whole), deadline)?;
        if is_success(&answer) {
            connector.refuses_filtered_paths.store(true, Ordering::Relaxed);
        }
        Ok(answer)
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
        let patches = connector.capabilities(deadline)?.is_some_and(|c| c.patch);
        let sent = self.with_current(found, deadline, |current| {
            if patches {
                let answer = self.send_patch(current, &[], Some(false), deadline)?;
                if !is_unsupported(&answer) {
                    return Ok(answer);
                }
            }
            let body = connector.catalogue().put_body(&current.resource, &[], Some(false))?;
            self.send(Method::Put, current, Some(body), deadline)
        });
        let answer = match sent {
            Err(trouble) if matches!(trouble.failure, Failure::NotFound(_)) => return Ok(Outcome::AlreadyGone),
            other => other?,
        };
        if let Some(Ok(shown)) = &answer.body
            && shows_inactive(shown)
        {
            return Ok(Outcome::Disabled);
        }
        for look in 0..=LOOKS {
            if look > 0 {
                connector.environment.clock.sleep(BETWEEN_LOOKS);
            }
            match self.read(ResourceType::User, &found.id, deadline)? {
                Some(seen) if scim::is_active(&seen.resource) => {}
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
        match self.with_current(found, deadline, |current| self.send(Method::Delete, current, None, deadline)) {
            Ok(_) => Ok(deleted),
            Err(OperationError { failure: Failure::NotFound(_), .. }) => {
                Ok(Report::new(Outcome::AlreadyGone, Some(&found.id)).into())
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Sends a write for a resource as it was read; where it has changed since (412), reads it again and tries once
    /// more. Gives the answer of a success.
    pub(super) fn with_current(
        &self,
        found: &MatchedResource,
        deadline: Deadline,
        send: impl Fn(&MatchedResource) -> Result<Response, OperationError>,
    ) -> Result<Response, OperationError> {
        let mut current = found.clone();
        let mut answer = send(&current)?;
        if answer.status == 412 {
            current = self.read(found.kind, &found.id, deadline)?.ok_or_else(|| gone(found.kind))?;
            answer = send(&current)?;
        }
        match answer.status {
            404 | 410 => Err(gone(found.kind)),
            _ if is_success(&answer) => Ok(answer),
            _ => Err(self.connector().refused(&format!("writing the {}", found.kind.noun()), &answer)),
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
        let answer = connector.client.send(&Request { method, url, body, if_match: current.etag.clone() }, deadline)?;
        if let (405 | 501, Some(advice)) = (answer.status, advice(method, current.kind)) {
            return Err(
                Failure::Rejected(format!("the target does not support {advice} ({})", told(&answer)).into()).into()
            );
        }
        Ok(answer)
    }
}

/// What to say where the target does not know a verb; `None` where another verb is tried instead.
fn advice(method: Method, kind: ResourceType) -> Option<&'static str> {
    match (method, kind) {
        (Method::Delete, ResourceType::User) => Some("deleting users; set Remove User Action = Disable"),
        (Method::Put, ResourceType::User) => Some("replacing users with PUT; set User Update Method = PATCH"),
        (Method::Put, ResourceType::Group) => Some("replacing groups with PUT; select Use PATCH for Group Updates"),
        (Method::Patch, ResourceType::Group) => Some("PATCH of groups; clear Use PATCH for Group Updates"),
        _ => None,
    }
}

fn shows_inactive(user: &Value) -> bool {
    scim::tells_active(user) && !scim::is_active(user)
}

pub(super) fn is_success(answer: &Response) -> bool {
    (200..=299).contains(&answer.status)
}

/// 409 by its status alone: many targets give no `scimType`.
pub(super) fn is_taken(answer: &Response) -> bool {
    answer.status == 409
}

/// The answers to a `PATCH` after which the merge `PUT` is worth a try.
fn is_unsupported(answer: &Response) -> bool {
    matches!(answer.status, 400 | 405 | 501)
}

fn gone(kind: ResourceType) -> OperationError {
    Failure::NotFound(format!("the {} disappeared from the target while it was being changed", kind.noun()).into())
        .into()
}

/// The id at the end of a `Location`.
pub(super) fn last_segment(location: &str) -> Option<String> {
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
