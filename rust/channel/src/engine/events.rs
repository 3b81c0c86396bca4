//! What a cycle reports while it runs, and what it came to.

use pfscim_core::sync::lock_ignoring_poison;
use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

use pfscim_core::mapping::Change;
use pfscim_core::{Failure, Outcome, Report};

use crate::changes::{Operation, RecordKind, UnsentRecord};
use crate::provisioner::MemberChanges;

/// What happened to one record.
#[derive(Debug, Clone)]
pub struct Event {
    /// What it is about.
    pub kind: RecordKind,
    /// The source id.
    pub source_id: String,
    /// The value of the unique user identifier, or the name of the group; the DN where there is none.
    pub identifier: String,
    /// What was asked.
    pub operation: Operation,
    /// How it ended.
    pub result: Result<Report, Failure>,
    /// What changed, in previews.
    pub changes: Vec<Change>,
    /// Who came and went, of a group, by name; in previews.
    pub members: MemberChanges,
    /// False for a record that is as it was sent before: nothing was asked of the target.
    pub sent: bool,
    /// A provisioning option keeps the record from being what the source says, now or since an earlier cycle.
    pub blocked_by_option: bool,
}

/// Told what happens while it happens, from many threads.
pub trait CycleObserver: Sync {
    /// The guard refuses: these users and groups would be removed (all of them, by name).
    fn guard_refused(&self, _removals: &[String]) {}
    /// So many operations are going to take place, or fewer: which groups change shows after the users.
    fn begin(&self, operations: usize);
    /// One of them ended.
    fn event(&self, event: &Event);
}

/// What a cycle came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Of users.
    pub users: Tally,
    /// Of groups.
    pub groups: Tally,
}

impl Summary {
    /// How many records failed.
    pub fn failed(&self) -> usize {
        self.users.failed + self.groups.failed
    }
}

/// How many records ended how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Well.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// With a failure.
    pub failed: usize,
}

impl From<UnsentRecord> for Event {
    fn from(settled: UnsentRecord) -> Self {
        let UnsentRecord { kind, source_id, identifier, operation, result, blocked_by_option } = settled;
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

/// What a cycle came to while it runs.
#[derive(Debug, Default)]
pub(super) struct CycleProgress {
    pub(super) summary: Mutex<Summary>,
    /// Source ids of those who would have an account by now, were this not a preview.
    promised: Mutex<HashSet<String>>,
}

impl CycleProgress {
    pub(super) fn promise(&self, source: &str) {
        lock_ignoring_poison(&self.promised).insert(source.to_owned());
    }

    pub(super) fn is_promised(&self, source: &str) -> bool {
        lock_ignoring_poison(&self.promised).contains(source)
    }
}
