//! Counts users and groups as PingOne's sync summary does.
//! Does not know: the rule, how a cycle runs.
//!
//! Source of the counters: docs.pingidentity.com, *Outbound group provisioning sync summary examples*.

use std::sync::Mutex;

use pfscim_channel::engine::{CycleObserver, Event, RecordKind};
use pfscim_core::sync::lock_ignoring_poison;
use serde_json::{Value, json};

use crate::output::tables::table;

/// The counters of one cycle.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<[RuleCounts; 2]>);

/// The counters of users, or of groups.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct RuleCounts {
    impacted: usize,
    success: usize,
    partially_synced: usize,
    unsynced: usize,
    failed: usize,
}

impl RuleCounts {
    fn add(&mut self, event: &Event) {
        self.impacted += 1;
        let counter = match &event.result {
            Err(_) => &mut self.failed,
            Ok(_) if !event.blocked_by_option => &mut self.success,
            // The account exists, but an option blocks its update.
            Ok(report) if report.id.is_some() => &mut self.partially_synced,
            Ok(_) => &mut self.unsynced,
        };
        *counter += 1;
    }

    fn rows(self) -> [(&'static str, usize); 5] {
        [
            ("Impacted", self.impacted),
            ("Success", self.success),
            ("Partially Synced", self.partially_synced),
            ("Unsynced", self.unsynced),
            ("Failed", self.failed),
        ]
    }

    fn json(self) -> Value {
        json!({
            "impacted": self.impacted, "success": self.success, "partiallySynced": self.partially_synced,
            "unsynced": self.unsynced, "failed": self.failed,
        })
    }
}

impl Counters {
    /// Returns the counters as one JSON object.
    pub(crate) fn json(&self) -> Value {
        let [users, groups] = self.counts();
        json!({"sync": {"users": users.json(), "groups": groups.json()}})
    }

    /// Returns the counters as a table.
    pub(crate) fn text(&self) -> String {
        let [users, groups] = self.counts();
        let mut table = table(["sync summary", "users", "groups"]);
        for ((label, users), (_, groups)) in users.rows().into_iter().zip(groups.rows()) {
            table.add_row([label.to_owned(), users.to_string(), groups.to_string()]);
        }
        table.to_string()
    }

    fn counts(&self) -> [RuleCounts; 2] {
        *lock_ignoring_poison(&self.0)
    }
}

impl CycleObserver for Counters {
    fn begin(&self, _operations: usize) {}

    fn event(&self, event: &Event) {
        let mut counts = lock_ignoring_poison(&self.0);
        let [users, groups] = &mut *counts;
        match event.kind {
            RecordKind::User => users.add(event),
            RecordKind::Group => groups.add(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use pfscim_channel::engine::Operation;
    use pfscim_channel::provisioner::MemberChanges;
    use pfscim_core::record::ProvisioningOption;
    use pfscim_core::{Failure, Outcome, Report};

    use super::*;

    fn count(counters: &Counters, kind: RecordKind, blocked_by_option: bool, result: Result<Report, Failure>) {
        let (source_id, identifier, operation) = (String::new(), String::new(), Operation::Update);
        let (changes, members) = (Vec::new(), MemberChanges::default());
        counters.event(&Event {
            kind,
            source_id,
            identifier,
            operation,
            result,
            changes,
            members,
            sent: true,
            blocked_by_option,
        });
    }

    #[test]
    fn every_record_counts_once() {
        let counters = Counters::default();
        let user = |blocked_by_option, result| count(&counters, RecordKind::User, blocked_by_option, result);
        user(false, Ok(Report::new(Outcome::Created, Some("1"))));
        user(false, Ok(Report::new(Outcome::Unchanged, Some("1"))));
        user(true, Ok(Report::skipped(ProvisioningOption::UserUpdate, Some("1"))));
        user(true, Ok(Report::skipped(ProvisioningOption::UserCreate, None)));
        // In the next cycle they are unchanged and nothing is sent.
        user(true, Ok(Report::new(Outcome::Unchanged, Some("1"))));
        user(true, Ok(Report::new(Outcome::Unchanged, None)));
        user(false, Err(Failure::Rejected("no".into())));
        count(&counters, RecordKind::Group, false, Ok(Report::new(Outcome::Updated, Some("2"))));
        assert_eq!(
            counters.json(),
            json!({"sync": {
                "users": {"impacted": 7, "success": 2, "partiallySynced": 2, "unsynced": 2, "failed": 1},
                "groups": {"impacted": 1, "success": 1, "partiallySynced": 0, "unsynced": 0, "failed": 0}
            }})
        );
        let text = counters.text();
        assert!(text.contains("Partially Synced") && text.contains("Impacted"), "{text}");
    }
}
