//! Sends one user of a cycle: searches, then creates, updates or removes, and writes the result to the state at once.
//! Does not know: how an operation is carried out.

use std::collections::{BTreeSet, HashMap};

use pfscim_core::text::printable;
use pfscim_core::{Failure, Message, Outcome, Record, Report};

use super::cycle::Cycle;
use super::events::CycleProgress;
use crate::Error;
use crate::changes::{Operation, PresentUser, RecordKind};
use crate::provisioner::OperationResult;
use crate::state::UserRow;

impl Cycle<'_> {
    /// Sends one user of the source as PingFederate does: search, then create or update.
    pub(super) fn push(&self, progress: &CycleProgress, present: &PresentUser) -> Result<(), Error> {
        let stored = present.known.as_ref().and_then(|u| u.target_id.as_deref());
        let found = self.find(present, stored);
        self.log_step(|| match &found {
            Ok(None) if stored.is_some() && !present.record.enabled => "target: the account is gone".to_owned(),
            Ok(None) => "target: no account, so pfscim creates one".to_owned(),
            Ok(Some(found)) => {
                format!("target: account {}, so pfscim updates it", printable(found.known_id().unwrap_or_default()))
            }
            Err(_) => "target: the search for the account failed".to_owned(),
        });
        let (operation, mut result) = match found {
            // Row 10a: the account of a disabled user is gone. Core must know the stored id, so that it does not take over
            // another account.
            Ok(None) if stored.is_some() && !present.record.enabled => {
                let id = stored.map(str::to_owned);
                (Operation::Update, self.provisioner.update(&Record { id, ..present.record.clone() }))
            }
            Ok(None) => (Operation::Create, self.provisioner.create(&present.record)),
            Ok(Some(found)) => (Operation::Update, self.update(present, found)?),
            Err(failure) => (if stored.is_some() { Operation::Update } else { Operation::Create }, Err(failure)),
        };
        if let Ok(sent) = &mut result {
            sent.report.warnings.extend(present.warnings.iter().cloned());
            if self.options.preview && sent.report.outcome == Outcome::Created && sent.report.id.is_none() {
                progress.add_to_create(&present.source_id);
            }
            let gone = matches!(sent.report.outcome, Outcome::Deleted | Outcome::AlreadyGone | Outcome::PassedOn);
            let target_id = sent.report.id.clone().or_else(|| stored.map(str::to_owned));
            self.state.put_user(&UserRow {
                target_id: target_id.filter(|_| !gone),
                values_hash: Some(present.hash.clone()),
                enabled: present.record.enabled,
                dirty: false,
                skipped: sent.report.outcome == Outcome::Skipped,
                shown_at: sent.report.id.as_ref().filter(|_| !gone).map(|_| self.state.unix_time()),
                ..present.row()
            })?;
        }
        self.report_result(progress, (RecordKind::User, &present.source_id, &present.identifier), operation, result)
    }

    /// Searches by the stored id, and by the identifier that the target is known to have.
    fn find(&self, present: &PresentUser, stored: Option<&str>) -> Result<Option<Record>, Failure> {
        let identifier = present.known_identifier();
        let found = self.provisioner.find(stored, Some(identifier))?;
        let Some(stored) = stored.filter(|_| present.record.enabled && identifier != present.identifier) else {
            return Ok(found);
        };
        // The stored account is gone. The account that has the old identifier now is the user's only if it carries the
        // GUID of the entry. Otherwise the new identifier counts.
        let is_own = |found: &Record| {
            let external_id = found.first("externalId");
            let is_proved = external_id.is_some() && external_id == present.record.external_guid.as_deref();
            found.known_id() == Some(stored) || is_proved
        };
        match found.filter(is_own) {
            Some(found) => Ok(Some(found)),
            None => self.provisioner.find(None, Some(&present.identifier)),
        }
    }

    fn update(&self, present: &PresentUser, found: Record) -> Result<Result<OperationResult, Failure>, Error> {
        if let Some(id) = found.known_id()
            && let Some(other) = self.state.other_linked_user(id, &present.source_id)?
        {
            let stored = present.known.as_ref().and_then(|user| user.target_id.as_deref());
            if let Some(stored) = stored.filter(|stored| *stored != id && !present.record.enabled) {
                return Ok(Ok(passed_on(Some(stored), &other)));
            }
            let text = format!("account {} is already linked to source record {}", printable(id), printable(&other));
            let hint = "check the identifiers of both source records";
            return Ok(Err(Failure::Conflict(Message::new(text).with_hint(hint))));
        }
        let record = Record { id: found.id, ..self.mapper.without_create_only(&present.record) };
        Ok(self.provisioner.update(&record))
    }

    /// Removes a user who left, unless the account now belongs to another source record.
    pub(super) fn remove(
        &self,
        progress: &CycleProgress,
        leaver: &UserRow,
        identifiers: &HashMap<String, String>,
    ) -> Result<(), Error> {
        let id = leaver.target_id.as_deref();
        // The last cycle has shown that there is no account. A dirty row may be that of a create whose result was lost.
        if id.is_none() && !leaver.dirty && (leaver.skipped || leaver.values_hash.is_some()) {
            return self.state.forget_user(&leaver.source_id, Outcome::Skipped);
        }
        let owner = match id {
            Some(id) => self.state.other_linked_user(id, &leaver.source_id)?,
            // A create of pfscim may have been lost. Without an id, core searches by the identifier and writes nothing.
            None => None,
        };
        let result = match (owner, identifiers.get(&leaver.identifier.to_lowercase())) {
            (Some(owner), _) => Ok(passed_on(id, &owner)),
            (None, Some(other)) if !self.state.is_linked(other)? => Err(Failure::Conflict(
                format!(
                    "the account is kept, because source record {} has the same identifier and no link yet",
                    printable(other)
                )
                .into(),
            )),
            (None, successor) => match self.provisioner.remove(&self.removal_record(leaver)) {
                Err(Failure::NotFound(message)) if successor.is_some() => {
                    self.pass_on(leaver, Failure::NotFound(message))?
                }
                other => other,
            },
        };
        match result.as_ref().map(|sent| sent.report.outcome) {
            Ok(outcome @ (Outcome::Deleted | Outcome::AlreadyGone | Outcome::PassedOn)) => {
                self.state.forget_user(&leaver.source_id, outcome)?;
            }
            Ok(outcome) => {
                let skipped = outcome == Outcome::Skipped;
                self.state.put_user(&UserRow {
                    dirty: false,
                    enabled: skipped && leaver.enabled,
                    skipped,
                    shown_at: Some(self.state.unix_time()),
                    ..leaver.clone()
                })?;
            }
            Err(_) => {}
        }
        let user = (RecordKind::User, leaver.source_id.as_str(), leaver.identifier.as_str());
        self.report_result(progress, user, Operation::Remove, result)
    }

    /// The target does not have the account of a leaver, and another account has its identifier. The row may be closed if
    /// that account is linked to a record in scope.
    fn pass_on(&self, leaver: &UserRow, failure: Failure) -> Result<Result<OperationResult, Failure>, Error> {
        let found = match self.provisioner.find(None, Some(&leaver.identifier)) {
            Ok(found) => found,
            Err(failure) => return Ok(Err(failure)),
        };
        let owner = match found.as_ref().and_then(Record::known_id) {
            Some(found) => self.state.other_linked_user(found, &leaver.source_id)?,
            None => None,
        };
        Ok(owner.map_or(Err(failure), |owner| Ok(passed_on(leaver.target_id.as_deref(), &owner))))
    }

    fn removal_record(&self, leaver: &UserRow) -> Record {
        let identifier = (self.mapper.identifier_code().to_owned(), vec![leaver.identifier.clone()]);
        Record {
            id: leaver.target_id.clone(),
            enabled: false,
            fields: [identifier].into(),
            masked: BTreeSet::new(),
            external_guid: self.mapper.external_guid(&leaver.source_id),
        }
    }
}

/// Reports that the account of a record belongs to another one now.
fn passed_on(id: Option<&str>, owner: &str) -> OperationResult {
    let warning = format!("the account is kept, because it belongs to source record {} now", printable(owner));
    Report::new(Outcome::PassedOn, id).warn(warning).into()
}
