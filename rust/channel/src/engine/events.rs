//! Describes what a cycle reports while it runs, and what it counts.
//! Does not know: how an operation is carried out, where reports go.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

use pfscim_core::mapping::Change;
use pfscim_core::sync::lock_ignoring_poison;
use pfscim_core::{Failure, Outcome, Report};

use crate::changes::{Operation, RecordKind, UnsentRecord};
use crate::provisioner::MemberChanges;

/// The result of one record.
#[derive(Debug, Clone)]
pub struct Event {
    /// User or group.
    pub kind: RecordKind,
    /// The source id.
    pub source_id: String,
    /// The value of the unique user identifier, or the name of the group; the DN if neither is known.
    pub identifier: String,
    /// The requested operation.
    pub operation: Operation,
    /// The outcome, or the failure.
    pub result: Result<Report, Failure>,
    /// The fields that change, in previews; otherwise empty.
    pub changes: Vec<Change>,
    /// The names of the members that a group gets and loses, in previews; otherwise empty.
    pub members: MemberChanges,
    /// False if nothing was sent, because the record is unchanged or cannot be sent.
    pub sent: bool,
    /// A provisioning option blocked the operation, in this cycle or in an earlier cycle.
    pub blocked_by_option: bool,
}

/// Receives the progress of a cycle, from many threads.
pub trait CycleObserver: Sync {
    /// The guard refused the run. `removals` has the names of all users and groups that it would remove.
    fn guard_refused(&self, _removals: &[String]) {}
    /// The cycle sends at most this many operations. Which groups change is known only after the users.
    fn begin(&self, operations: usize);
    /// A record has its result.
    fn event(&self, event: &Event);
}

/// The counts of a cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Users.
    pub users: Tally,
    /// Groups.
    pub groups: Tally,
}

impl Summary {
    /// Returns how many records failed.
    pub fn failed(&self) -> usize {
        self.users.failed + self.groups.failed
    }
}

/// How many records had each result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records without a failure, by outcome.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// Records with a failure.
    pub failed: usize,
}

impl From<UnsentRecord> for Event {
    fn from(unsent: UnsentRecord) -> Self {
        let UnsentRecord { kind, source_id, identifier, operation, result, blocked_by_option } = unsent;
        let skipped = result.as_ref().is_ok_and(|report| report.outcome == Outcome::Skipped);
        Self {
            kind,
            source_id,
            identifier,
            operation,
            result,
            changes: Vec::new(),
            members: MemberChanges::default(),
            sent: false,
            blocked_by_option: blocked_by_option || skipped,
        }
    }
}

/// The counts of a running cycle, and what its preview would create.
#[derive(Debug, Default)]
pub(super) struct CycleProgress {
    pub(super) summary: Mutex<Summary>,
    /// Source ids of the users and groups that a preview would create, and that therefore have no target id.
    to_create: Mutex<HashSet<String>>,
}

impl CycleProgress {
    pub(super) fn add_to_create(&self, source_id: &str) {
        lock_ignoring_poison(&self.to_create).insert(source_id.to_owned());
    }

    pub(super) fn would_be_created(&self, source_id: &str) -> bool {
        lock_ignoring_poison(&self.to_create).contains(source_id)
    }
}
