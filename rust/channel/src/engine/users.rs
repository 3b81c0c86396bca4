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
        let found = self.provisioner.find(stored, Some(&present.identifier));
        self.log_step(|| match &found {
            Ok(None) => "target: no account, so pfscim creates one".to_owned(),
            Ok(Some(found)) => {
                format!("target: account {}, so pfscim updates it", printable(found.known_id().unwrap_or_default()))
            }
            Err(_) => "target: the search for the account failed".to_owned(),
        });
        let (operation, mut result) = match found {
            Ok(None) => (Operation::Create, self.provisioner.create(&present.record)),
            Ok(Some(found)) => (Operation::Update, self.update(present, found)?),
            Err(failure) => (if stored.is_some() { Operation::Update } else { Operation::Create }, Err(failure)),
        };
        if let Ok(sent) = &mut result {
            sent.report.warnings.extend(present.warnings.iter().cloned());
            if self.options.preview && sent.report.outcome == Outcome::Created && sent.report.id.is_none() {
                progress.add_to_create(&present.source_id);
            }
            let gone = matches!(sent.report.outcome, Outcome::Deleted | Outcome::AlreadyGone);
            let target_id = sent.report.id.clone().or_else(|| stored.map(str::to_owned));
            self.state.put_user(&UserRow {
                target_id: target_id.filter(|_| !gone),
                values_hash: Some(present.hash.clone()),
                enabled: present.record.enabled,
                dirty: false,
                skipped: sent.report.outcome == Outcome::Skipped,
                ..present.row()
            })?;
        }
        self.report_result(progress, (RecordKind::User, &present.source_id, &present.identifier), operation, result)
    }

    fn update(&self, present: &PresentUser, found: Record) -> Result<Result<OperationResult, Failure>, Error> {
        if let Some(id) = found.known_id()
            && let Some(other) = self.state.other_linked_user(id, &present.source_id)?
        {
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
        let nothing_sent = |warning: &str| {
            Ok(OperationResult::from(Report::new(Outcome::AlreadyGone, leaver.target_id.as_deref()).warn(warning)))
        };
        let result = match &leaver.target_id {
            None if leaver.skipped || leaver.values_hash.is_some() => {
                return self.state.forget_user(&leaver.source_id, Outcome::Skipped);
            }
            None => nothing_sent(
                "the user left before pfscim linked an account, so it is unknown whether the target has one; \
                 search the target for the user",
            ),
            Some(id) => {
                let successor = identifiers.get(&leaver.identifier.to_lowercase());
                match (self.state.other_linked_user(id, &leaver.source_id)?, successor) {
                    (Some(other), _) => nothing_sent(&format!(
                        "the account is kept, because it now belongs to source record {}",
                        printable(&other)
                    )),
                    (None, Some(other)) if !self.state.is_linked(other)? => Err(Failure::Conflict(
                        format!(
                            "the account is kept, because source record {} has the same identifier and no link yet",
                            printable(other)
                        )
                        .into(),
                    )),
                    _ => self.provisioner.remove(&self.removal_record(leaver, id)),
                }
            }
        };
        match result.as_ref().map(|sent| sent.report.outcome) {
            Ok(outcome @ (Outcome::Deleted | Outcome::AlreadyGone)) => {
                self.state.forget_user(&leaver.source_id, outcome)?;
            }
            Ok(outcome) => {
                let skipped = outcome == Outcome::Skipped;
                self.state.put_user(&UserRow {
                    dirty: false,
                    enabled: skipped && leaver.enabled,
                    skipped,
                    ..leaver.clone()
                })?;
            }
            Err(_) => {}
        }
        let user = (RecordKind::User, leaver.source_id.as_str(), leaver.identifier.as_str());
        self.report_result(progress, user, Operation::Remove, result)
    }

    fn removal_record(&self, leaver: &UserRow, id: &str) -> Record {
        let identifier = (self.mapper.identifier_code().to_owned(), vec![leaver.identifier.clone()]);
        Record { id: Some(id.to_owned()), enabled: false, fields: [identifier].into(), masked: BTreeSet::new() }
    }
}
