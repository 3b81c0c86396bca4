//! Carries out the operations of users: finds the account, decides by the table, writes, and reports what is proved.
//! Does not know: paging, `PATCH` or `PUT`.
//!
//! The rows in comments are those of `docs/decisions.md`.

use super::exchange::{OperationError, TimeLimit, is_conflict, is_success, status_and_reason, unexpected_status};
use super::lookup::{Located, Lookup, Reading};
use super::session::Session;
use super::writing::{Written, refused, shows_inactive};
use crate::facts::{Absence, ById, Closed, InResponse, Presence, Rule, Shown, doubt, holds};
use crate::http::{Method, Response};
use crate::lifecycle::{DecisionInput, DecisionOptions, Effect, RequestedOperation, TargetStatus, decide};
use crate::mapping::Change;
use crate::scim::{self, Filter, ResourceType};
use crate::settings::{Authentication, Settings};
use crate::text::excerpt;
use crate::{Failure, Message, Outcome, Record, Report};

/// The result of a preview: the outcome that the operation would have, and its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The report that the operation would return.
    pub report: Report,
    /// The changed fields in catalogue order, after `active` if an update changes it. A create lists every field,
    /// without old values.
    pub changes: Vec<Change>,
}

impl From<Report> for Preview {
    fn from(report: Report) -> Self {
        Self { report, changes: Vec::new() }
    }
}

impl From<&Settings> for DecisionOptions {
    fn from(settings: &Settings) -> Self {
        Self {
            create: settings.create,
            update: settings.update,
            remove: settings.remove,
            provision_disabled: settings.provision_disabled,
            remove_action: settings.remove_action,
        }
    }
}

const USER: ResourceType = ResourceType::User;

impl Session {
    /// Finds a user by id, then by the value of the unique user identifier. `None` means that it is proved that the
    /// target does not have the user: if an id is given, by the id and by the identifier.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] without a proof; [`Failure::Ambiguous`] if several users have the identifier; failures of
    /// the requests.
    pub fn find_user(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        let (id, identifier) = (id.filter(|id| !id.is_empty()), identifier.filter(|name| !name.is_empty()));
        self.operation(None, |limit| {
            let found = match (id, identifier) {
                (Some(id), _) => match self.locate(USER, id, identifier, Reading::Fresh, limit)? {
                    Located::Linked(shown) => Some(shown),
                    Located::Instead(shown) => {
                        self.connector.mark_found(USER, shown.id());
                        self.connector.mark_found_instead(USER, shown.id(), id);
                        Some(shown)
                    }
                    Located::Absent(_) => None,
                },
                (None, Some(identifier)) => match self.locate_unlinked(USER, identifier, Reading::Fresh, limit)? {
                    Lookup::Found(shown) => Some(shown),
                    Lookup::NoMatch(_) => None,
                },
                (None, None) => return Err(doubt("neither an id nor an identifier of the user is known").into()),
            };
            Ok(found.map(|shown| self.connector.fields.known().record(shown.resource())))
        })
    }

    /// Creates a user: rows 1 to 5a of `docs/decisions.md`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn create_user(&self, record: &Record) -> Result<Report, Failure> {
        self.execute(RequestedOperation::Create, record).map(|preview| preview.report)
    }

    /// Updates a user, or removes a disabled one: rows 6 to 16 of `docs/decisions.md`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn update_user(&self, record: &Record) -> Result<Report, Failure> {
        self.execute(RequestedOperation::Update, record).map(|preview| preview.report)
    }

    /// Removes the user with the stored id: rows 11 to 16 of `docs/decisions.md`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn remove_user(&self, record: &Record) -> Result<Report, Failure> {
        self.execute(RequestedOperation::Remove, record).map(|preview| preview.report)
    }

    /// Returns what an operation would change. Reads as the operation does, and writes nothing.
    ///
    /// # Errors
    /// As the operation; [`Failure::Config`] if the environment is not a dry run.
    pub fn preview(&self, operation: RequestedOperation, record: &Record) -> Result<Preview, Failure> {
        self.require_dry_run()?;
        self.execute(operation, record)
    }

    fn execute(&self, operation: RequestedOperation, record: &Record) -> Result<Preview, Failure> {
        self.operation(Some(record), |limit| match operation {
            RequestedOperation::Create => self.create(operation, record, limit),
            RequestedOperation::Update if record.enabled => self.update(record, limit),
            RequestedOperation::Update | RequestedOperation::Remove => self.close_account(operation, record, limit),
        })
    }

    /// Creates a user. Searches for the identifier first, unless a lookup in time has found no account.
    fn create(
        &self,
        operation: RequestedOperation,
        record: &Record,
        limit: &TimeLimit,
    ) -> Result<Preview, OperationError> {
        let value = self.identifier_of(record)?;
        let turn = self.connector.take_create_turn(USER, value, limit)?;
        let reading = if turn.has_waited() { Reading::Fresh } else { Reading::Remembered };
        let presence = match self.locate_unlinked(USER, value, reading, limit)? {
            Lookup::Found(shown) => Presence::Shown(shown),
            Lookup::NoMatch(no_match) => Presence::Absent(Absence::of_unlinked(no_match)),
        };
        self.apply(operation, record, presence, limit)
    }

    /// Updates an enabled user.
    fn update(&self, record: &Record, limit: &TimeLimit) -> Result<Preview, OperationError> {
        let operation = RequestedOperation::Update;
        let Some(id) = record.known_id() else { return self.create(operation, record, limit) };
        let shown = self.memory.shown(USER, id, self.connector.exchange.now());
        let by_id = shown.map_or_else(|| self.read(USER, id, limit), |shown| Ok(ById::Shown(shown)))?;
        match by_id {
            ById::Shown(shown) => self.apply(operation, record, Presence::Shown(shown), limit),
            ById::Missing(_) => self.create_again(id, record, limit),
        }
    }

    /// Creates an enabled user whose account is gone (row 9), or updates the account that has the identifier.
    fn create_again(&self, id: &str, record: &Record, limit: &TimeLimit) -> Result<Preview, OperationError> {
        let value = self.identifier_of(record)?;
        let turn = self.connector.take_create_turn(USER, value, limit)?;
        let reading = if turn.has_waited() { Reading::Fresh } else { Reading::Remembered };
        let presence = match self.locate(USER, id, Some(value), reading, limit)? {
            Located::Linked(shown) => Presence::Shown(shown),
            Located::Instead(shown) => {
                self.connector.mark_found(USER, shown.id());
                Presence::Shown(shown)
            }
            Located::Absent(absence) => Presence::Absent(absence),
        };
        self.apply(RequestedOperation::Update, record, presence, limit)
    }

    /// Removes a user, or updates a disabled one. Acts on the stored id, because the operation may be a removal.
    fn close_account(
        &self,
        operation: RequestedOperation,
        record: &Record,
        limit: &TimeLimit,
    ) -> Result<Preview, OperationError> {
        let identifier = record.first(self.connector.settings().identifier.code());
        let Some(id) = record.known_id() else {
            return match operation {
                RequestedOperation::Remove => self.remove_unlinked(identifier, limit),
                _ => self.create(operation, record, limit),
            };
        };
        if let Some(stored) = self.connector.found_instead_of(USER, id)
            && let ById::Shown(found) = self.read(USER, id, limit)?
        {
            return self.act_on_other(operation, record, &stored, found, limit);
        }
        // Row 10a creates an account, so no other create of the identifier may run meanwhile.
        let turn = match identifier {
            Some(value) if operation == RequestedOperation::Update => {
                Some(self.connector.take_create_turn(USER, value, limit)?)
            }
            _ => None,
        };
        let has_waited = turn.as_ref().is_some_and(|turn| turn.has_waited());
        let reading = if has_waited { Reading::Fresh } else { Reading::Remembered };
        match self.locate(USER, id, identifier, reading, limit)? {
            Located::Linked(shown) => self.apply(operation, record, Presence::Shown(shown), limit),
            Located::Instead(found) => self.act_on_other(operation, record, id, found, limit),
            Located::Absent(absence) => self.apply(operation, record, Presence::Absent(absence), limit),
        }
    }

    /// Removes a user of whom no id is stored: nothing may be written, because no account is linked.
    fn remove_unlinked(&self, identifier: Option<&str>, limit: &TimeLimit) -> Result<Preview, OperationError> {
        let Some(value) = identifier else {
            let text = "no target id and no identifier of this user are known, so nothing was removed";
            return Err(doubt(text).into());
        };
        match self.look_up(USER, value, limit)? {
            Lookup::NoMatch(no_match) => Ok(already_gone(None, &Absence::of_unlinked(no_match)).into()),
            Lookup::Found(found) => {
                let text = format!(
                    "no target id is stored for this user, and account {} with the same identifier was never linked, so it \
                     was not changed",
                    excerpt(found.id())
                );
                let hint = "disable or delete the account at the target if it belongs to this user";
                Err(Failure::NotFound(Message::new(text).with_hint(hint)).into())
            }
        }
    }

    /// The target does not have the stored id, and another account has the identifier. That account is the user's if it
    /// carries the GUID of the entry, which was sent as `externalId`. Otherwise nothing is written.
    fn act_on_other(
        &self,
        operation: RequestedOperation,
        record: &Record,
        stored: &str,
        found: Shown,
        limit: &TimeLimit,
    ) -> Result<Preview, OperationError> {
        let external_id = scim::member(found.resource(), "externalId").and_then(scim::text);
        let is_proved = external_id.is_some() && external_id == record.external_guid;
        if is_proved || !holds(Rule::PassedOn) {
            let warning = format!(
                "the target gave the account another id: {} instead of {}, proved by its externalId",
                excerpt(found.id()),
                excerpt(stored)
            );
            self.connector.mark_linked(USER, found.id());
            let preview = self.apply(operation, record, Presence::Shown(found), limit)?;
            return Ok(Preview { report: preview.report.warn(warning), ..preview });
        }
        let text = format!(
            "the target no longer has the account with the stored id {}, and account {} has the identifier of this user, and it \
             is not proved that it belongs to the user, so nothing was changed",
            excerpt(stored),
            excerpt(found.id())
        );
        let hint = "compare both at the target, and disable or delete the account if it belongs to the user";
        Err(Failure::NotFound(Message::new(text).with_hint(hint)).into())
    }

    /// Decides what happens to the user, and does it.
    fn apply(
        &self,
        operation: RequestedOperation,
        record: &Record,
        presence: Presence,
        limit: &TimeLimit,
    ) -> Result<Preview, OperationError> {
        let options = DecisionOptions::from(self.connector.settings());
        let input = |target_status, linked| DecisionInput { operation, enabled: record.enabled, target_status, linked };
        let found = match presence {
            Presence::Absent(absence) => {
                return match decide(input(TargetStatus::Absent, record.known_id().is_some()), options) {
                    Effect::Create { active } => self.post(record, active, limit),
                    Effect::Skip(option) => Ok(self.skip(option, record.known_id()).into()),
                    Effect::Nothing(Outcome::AlreadyGone) => Ok(already_gone(record.known_id(), &absence).into()),
                    // The table has other effects for a present account only.
                    _ => Err(Failure::NotFound("the target does not have the user".into()).into()),
                };
            }
            Presence::Shown(found) => found,
        };
        let status = if found.is_active() { TargetStatus::Active } else { TargetStatus::Inactive };
        let linked = self.connector.is_linked(USER, found.id());
        let id = Some(found.id());
        let preview = match decide(input(status, linked), options) {
            Effect::Skip(option) => return Ok(self.skip(option, id).into()),
            Effect::Nothing(_) => {
                let closed = Closed::of_shown(&found).ok_or_else(|| doubt("the target does not show active false"))?;
                return Ok(already_disabled(found.id(), &closed).into());
            }
            Effect::Create { .. } => return Err(doubt("the target shows the user who would be created").into()),
            Effect::Write { active, changed, unchanged } => {
                self.write(record, &found, active, (changed, unchanged), limit)
            }
            Effect::Delete => self.delete(record, &found, limit),
            Effect::Disable => self.disable(record, &found, limit),
        }?;
        self.connector.mark_linked(USER, found.id());
        Ok(preview)
    }

    /// Creates an account (rows 1 and 3), or adopts the account that has the identifier. Never creates two accounts.
    fn post(&self, record: &Record, active: bool, limit: &TimeLimit) -> Result<Preview, OperationError> {
        let exchange = &self.connector.exchange;
        let body = self.connector.fields.of_record(exchange, record, limit)?.resource(record, active)?;
        let value = self.identifier_of(record)?;
        let changes = created_fields(record);
        if self.is_dry_run() {
            return Ok(Preview { report: Report::new(Outcome::Created, None), changes });
        }
        let created = |id: &str| {
            let key = exchange.user_filter.key(value);
            self.memory.note_written(USER, id, &key, value, exchange.now());
            self.connector.mark_linked(USER, id);
            Preview { report: Report::new(Outcome::Created, Some(id)), changes: changes.clone() }
        };
        let mut last_error = None;
        for _ in 0..2 {
            self.connector.mark_create(USER, &exchange.user_filter.key(value));
            let error = match exchange.post(USER, body.clone(), limit) {
                Ok(response) if is_success(&response) => {
                    return self.verify_create(value, &response, active, limit).map(|id| created(&id));
                }
                Ok(response) if is_conflict(&response) => return self.adopt(record, &response, limit),
                Ok(response) => unexpected_status("creating the user", &response),
                Err(error) => error.into(),
            };
            if !error.maybe_applied {
                return Err(error);
            }
            // The target may have created the account, so search before sending again.
            if let Lookup::Found(found) = self.look_up_after_create(value, limit)? {
                if !active {
                    self.ensure_inactive(found.id(), Some(&found), limit)?;
                }
                return Ok(created(found.id()));
            }
            last_error = Some(error);
        }
        Err(last_error.unwrap_or_else(|| Failure::transport("creating the user: no request was sent").into()))
    }

    /// Returns the id of a created account. Makes sure that an account created as disabled is inactive.
    fn verify_create(
        &self,
        value: &str,
        response: &Response,
        active: bool,
        limit: &TimeLimit,
    ) -> Result<String, OperationError> {
        let filter = &self.connector.exchange.user_filter;
        let shown = match InResponse::read(USER, response, filter, value)? {
            InResponse::Shown(shown) => Some(shown),
            InResponse::Named(id) => match self.read(USER, &id, limit)? {
                ById::Shown(shown) => {
                    shown.check_identifier(filter, value)?;
                    Some(shown)
                }
                ById::Missing(_) => None,
            },
            InResponse::Nothing => None,
        };
        let shown = match shown {
            Some(shown) => shown,
            None => match self.look_up_after_create(value, limit)? {
                Lookup::Found(found) => found,
                Lookup::NoMatch(_) => {
                    let text = "creating the user: the target does not show the user whose create it accepted, so the next \
                                cycle searches again";
                    return Err(doubt(text).into());
                }
            },
        };
        if !active {
            self.ensure_inactive(shown.id(), Some(&shown), limit)?;
        }
        Ok(shown.id().to_owned())
    }

    /// Searches for an account after a create that may have been carried out.
    fn look_up_after_create(&self, value: &str, limit: &TimeLimit) -> Result<Lookup, OperationError> {
        self.memory.forget_list(USER);
        self.look_up(USER, value, limit)
    }

    /// Adopts the account after a create got 409. Searches with *Filter Expression*, then by `userName`.
    fn adopt(&self, record: &Record, response: &Response, limit: &TimeLimit) -> Result<Preview, OperationError> {
        let value = self.identifier_of(record)?;
        let mut found = match self.look_up_after_create(value, limit)? {
            Lookup::Found(shown) => Some(shown),
            Lookup::NoMatch(_) => None,
        };
        let by_name = Filter::user_name();
        if let (None, Some(user_name)) = (&found, record.first("userName"))
            && by_name != self.connector.exchange.user_filter
            && let Lookup::Found(shown) = self.look_up_with_filter(USER, &by_name, user_name, limit)?
        {
            found = Some(shown);
        }
        let stored = record.known_id().filter(|_| !record.enabled);
        match (found, stored) {
            // Row 10a: the stored account was gone, and another one has the identifier by now.
            (Some(found), Some(stored)) if stored != found.id() => {
                self.act_on_other(RequestedOperation::Update, record, stored, found, limit)
            }
            (Some(found), _) => {
                self.connector.mark_found(USER, found.id());
                self.apply(RequestedOperation::Create, record, Presence::Shown(found), limit)
            }
            (None, _) => {
                let text = format!(
                    "creating the user: the target returned {}, but a search by {} does not find the user",
                    status_and_reason(response),
                    self.connector.settings().identifier.code()
                );
                let hint = "search the target for a hidden or deleted account, or change Filter Expression";
                Err(Failure::Conflict(Message::new(text).with_hint(hint)).into())
            }
        }
    }

    /// Writes the differences and `active` (rows 5, 6, 7 and 10).
    fn write(
        &self,
        record: &Record,
        found: &Shown,
        active: bool,
        (changed, unchanged): (Outcome, Outcome),
        limit: &TimeLimit,
    ) -> Result<Preview, OperationError> {
        let exchange = &self.connector.exchange;
        let fields = self.connector.fields.of_record(exchange, record, limit)?;
        let clearable = &exchange.settings.clearable;
        let changes = fields.changes(found.resource(), record, clearable)?;
        let changes_active = found.is_active() != active;
        if changes.is_empty() && !changes_active {
            return Ok(Preview { report: Report::new(unchanged, Some(found.id())), changes });
        }
        let active_change = changes_active.then(|| Change {
            code: "active".into(),
            old: vec![(!active).to_string()],
            new: vec![active.to_string()],
        });
        let changes = active_change.into_iter().chain(changes).collect();
        let preview = Preview { report: Report::new(changed, Some(found.id())), changes };
        if self.is_dry_run() {
            return Ok(preview);
        }
        let written = self.send_with_reread(found, limit, |current| {
            // After a 412 the resource was read again, so the differences are new.
            let changes = fields.changes(current.resource(), record, clearable)?;
            self.send_changes(current, &changes, active, limit)
        })?;
        if let Some(value) = record.first(exchange.settings.identifier.code()) {
            let key = exchange.user_filter.key(value);
            self.memory.note_written(USER, found.id(), &key, value, exchange.now());
        }
        match written {
            Written::NotFound => Err(refused(found).into()),
            Written::Done(response) if active && changes_active && shows_inactive(&response) => {
                let text = "the target accepted the update but still shows active false: the account is INACTIVE";
                Err(Failure::NotHonoured(Message::new(text).with_hint("enable the account at the target")).into())
            }
            Written::Done(_) => Ok(preview),
        }
    }

    /// Disables an account (row 12).
    fn disable(&self, record: &Record, found: &Shown, limit: &TimeLimit) -> Result<Preview, OperationError> {
        self.allow_removal(found, record)?;
        if self.is_dry_run() {
            return Ok(Report::new(Outcome::Disabled, Some(found.id())).into());
        }
        match self.set_inactive(found, limit)? {
            Written::Done(closed) => Ok(disabled(found.id(), &closed).into()),
            Written::NotFound => self.after_refusal(record, found, limit),
        }
    }

    /// Deletes an account (row 15).
    fn delete(&self, record: &Record, found: &Shown, limit: &TimeLimit) -> Result<Preview, OperationError> {
        self.allow_removal(found, record)?;
        let deleted = || Report::new(Outcome::Deleted, Some(found.id())).into();
        if self.is_dry_run() {
            return Ok(deleted());
        }
        let exchange = &self.connector.exchange;
        let send = |current: &Shown| exchange.send(Method::Delete, current, None, limit);
        match self.send_with_reread(found, limit, send)? {
            Written::Done(_) => Ok(deleted()),
            Written::NotFound => self.after_refusal(record, found, limit),
        }
    }

    /// The target returned 404 to a removal of an account that it had shown. Only two witnesses prove that the account is
    /// gone by now.
    fn after_refusal(&self, record: &Record, found: &Shown, limit: &TimeLimit) -> Result<Preview, OperationError> {
        let shown_value = self.connector.exchange.user_filter.values(found.resource()).into_iter().next();
        let identifier =
            shown_value.or_else(|| record.first(self.connector.settings().identifier.code()).map(str::to_owned));
        match self.locate(USER, found.id(), identifier.as_deref(), Reading::Fresh, limit)? {
            Located::Absent(absence) => Ok(already_gone(Some(found.id()), &absence).into()),
            Located::Linked(current) => match Closed::of_shown(&current) {
                Some(closed) => Ok(already_disabled(found.id(), &closed).into()),
                None => Err(refused(&current).into()),
            },
            Located::Instead(other) => self.act_on_other(RequestedOperation::Remove, record, found.id(), other, limit),
        }
    }

    /// Counts a removal. Rejects the removal of the account with which the connector signs in.
    fn allow_removal(&self, found: &Shown, record: &Record) -> Result<(), OperationError> {
        if let Authentication::Basic { user, .. } = &self.connector.settings().authentication {
            let is_own = |name: &str| name.to_lowercase() == user.to_lowercase();
            let identifier = self.connector.settings().identifier;
            let by_identifier = Filter::parse(identifier.default_filter(), identifier);
            if by_identifier.values(found.resource()).iter().any(|v| is_own(v))
                || Filter::user_name().values(found.resource()).iter().any(|v| is_own(v))
                || record.first(identifier.code()).is_some_and(is_own)
            {
                let text = "the connector does not remove the account of Basic Authentication Username, with which it \
                            signs in";
                let hint = "exclude it from the source of the channel";
                return Err(Failure::Rejected(Message::new(text).with_hint(hint)).into());
            }
        }
        self.count_removal()
    }

    /// Returns the identifier of a record.
    fn identifier_of<'r>(&self, record: &'r Record) -> Result<&'r str, OperationError> {
        let code = self.connector.settings().identifier.code();
        record.first(code).ok_or_else(|| {
            let text = format!("{code}: the Unique User Identifier has no value");
            Failure::Rejected(Message::new(text).with_hint(format!("check the mapping of {code}"))).into()
        })
    }
}

/// Reports that the target does not have the account, which is proved.
fn already_gone(id: Option<&str>, _: &Absence) -> Report {
    Report::new(Outcome::AlreadyGone, id)
}

/// Reports that the account was inactive before, which is proved.
fn already_disabled(id: &str, _: &Closed) -> Report {
    Report::new(Outcome::AlreadyDisabled, Some(id))
}

/// Reports that the account was disabled, which is proved.
fn disabled(id: &str, _: &Closed) -> Report {
    Report::new(Outcome::Disabled, Some(id))
}

/// Returns every field of a create, without old values.
fn created_fields(record: &Record) -> Vec<Change> {
    let filled = record.fields.iter().filter(|(_, values)| values.iter().any(|v| !v.is_empty()));
    filled.map(|(code, values)| Change { code: code.clone(), old: Vec::new(), new: values.clone() }).collect()
}
