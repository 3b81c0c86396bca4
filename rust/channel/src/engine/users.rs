//! One user of a cycle: looked up, then created, updated or removed; the result goes into the state at once.
//! Does not know: how an operation is carried out.

use std::collections::{BTreeSet, HashMap};

use pfscim_core::text::printable;
use pfscim_core::{Failure, Outcome, Record, Report};

use super::cycle::Cycle;
use super::events::CycleProgress;
use crate::Error;
use crate::changes::{Operation, Present, RecordKind};
use crate::provisioner::OperationResult;
use crate::state::UserRow;

impl Cycle<'_> {
    /// Brings one user of the source to the target, as PingFederate does: look up, then create or update.
    pub(super) fn push(&self, counts: &CycleProgress, present: &Present) -> Result<(), Error> {
        let stored = present.known.as_ref().and_then(|u| u.target_id.as_deref());
        let found = self.provisioner.find(stored, Some(&present.identifier));
        self.step(|| match &found {
            Ok(None) => "looked up: not at the target, so it is created".to_owned(),
            Ok(Some(found)) => {
                format!("looked up: found as {}, so it is updated", printable(found.known_id().unwrap_or_default()))
            }
            Err(_) => "looked up: failed".to_owned(),
        });
        let (operation, mut result) = match found {
            Ok(None) => (Operation::Create, self.provisioner.create(&present.record)),
            Ok(Some(found)) => (Operation::Update, self.update(present, found)?),
            Err(failure) => (if stored.is_some() { Operation::Update } else { Operation::Create }, Err(failure)),
        };
        if let Ok(done) = &mut result {
            done.report.warnings.extend(present.warnings.iter().cloned());
            if self.options.preview && done.report.outcome == Outcome::Created && done.report.id.is_none() {
                counts.promise(&present.source_id);
            }
            let gone = matches!(done.report.outcome, Outcome::Deleted | Outcome::AlreadyGone);
            let linked = done.report.id.clone().or_else(|| stored.map(str::to_owned));
            self.state.put(&UserRow {
                target_id: linked.filter(|_| !gone),
                values_hash: Some(present.hash.clone()),
                enabled: present.record.enabled,
                dirty: false,
                skipped: done.report.outcome == Outcome::Skipped,
                ..present.row()
            })?;
        }
        self.ended(counts, (RecordKind::User, &present.source_id, &present.identifier), operation, result)
    }

    fn update(&self, present: &Present, found: Record) -> Result<Result<OperationResult, Failure>, Error> {
        if let Some(id) = found.known_id()
            && let Some(other) = self.state.holder(id, &present.source_id)?
        {
            let text =
                format!("the account {} is linked to source record {} already", printable(id), printable(&other));
            return Ok(Err(Failure::Conflict(text.into())));
        }
        let record = Record { id: found.id, ..self.rules.without_create_only(&present.record) };
        Ok(self.provisioner.update(&record))
    }

    /// Takes a user who left out of the target, unless the account is somebody else's by now.
    pub(super) fn remove(
        &self,
        counts: &CycleProgress,
        leaver: &UserRow,
        identifiers: &HashMap<String, String>,
    ) -> Result<(), Error> {
        let gone = |warning: &str| {
            Ok(OperationResult::from(Report::new(Outcome::AlreadyGone, leaver.target_id.as_deref()).warn(warning)))
        };
        let result = match &leaver.target_id {
            None if leaver.skipped || leaver.values_hash.is_some() => return self.state.forget(&leaver.source_id),
            None => gone("left before an account was linked; whether one was made is not known"),
            Some(id) => {
                let successor = identifiers.get(&leaver.identifier.to_lowercase());
                match (self.state.holder(id, &leaver.source_id)?, successor) {
                    (Some(other), _) => {
                        gone(&format!("the account belongs to source record {} now and is kept", printable(&other)))
                    }
                    (None, Some(other)) if !self.state.is_linked(other)? => Err(Failure::Conflict(
                        format!(
                            "source record {} has the same identifier and is not linked yet; the account is kept",
                            printable(other)
                        )
                        .into(),
                    )),
                    _ => self.provisioner.remove(&self.leaving(leaver, id)),
                }
            }
        };
        match result.as_ref().map(|done| done.report.outcome) {
            Ok(Outcome::Deleted | Outcome::AlreadyGone) => self.state.forget(&leaver.source_id)?,
            Ok(outcome) => {
                let skipped = outcome == Outcome::Skipped;
                self.state.put(&UserRow {
                    dirty: false,
                    enabled: skipped && leaver.enabled,
                    skipped,
                    ..leaver.clone()
                })?;
            }
            Err(_) => {}
        }
        self.ended(counts, (RecordKind::User, &leaver.source_id, &leaver.identifier), Operation::Remove, result)
    }

    fn leaving(&self, leaver: &UserRow, id: &str) -> Record {
        let identifier = (self.rules.identifier_code().to_owned(), vec![leaver.identifier.clone()]);
        Record { id: Some(id.to_owned()), enabled: false, fields: [identifier].into(), masked: BTreeSet::new() }
    }
}
