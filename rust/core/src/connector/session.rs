//! Runs the operations of a provisioning cycle: with a time limit, and with a stop after too many failures.
//! Does not know: users, groups, which requests an operation sends.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::exchange::{OperationError, TimeLimit};
use super::facade::Connector;
use super::limit::RemovalCounter;
use crate::facts::Memory;
use crate::mapping::Catalogue;
use crate::record::ProvisioningOption;
use crate::scim::ResourceType;
use crate::sync::{Turns, lock_ignoring_poison};
use crate::text::printable;
use crate::{Failure, Message, Record, Report};

/// A session stops if this number of operations at its start all get 403.
const INITIAL_FORBIDDEN_MAX: u32 = 3;
/// This number of transport failures in a row stops the session, because the target is unreachable.
const CONSECUTIVE_TRANSPORT_FAILURES_MAX: u32 = 5;

/// What a session counts during a cycle.
#[derive(Debug, Default)]
struct Counts {
    /// When this cycle began, on the monotonic clock.
    started_at: Duration,
    /// How many operations each option skipped.
    skipped: BTreeMap<ProvisioningOption, u64>,
    /// Number of operations in this cycle.
    operations: u32,
    /// Number of operations in this cycle that got 403.
    forbidden: u32,
    /// Number of transport failures in a row.
    transport_failures: u32,
}

/// One provisioning cycle. Many threads may use it.
pub struct Session {
    pub(super) connector: Arc<Connector>,
    pub(super) memory: Memory,
    /// The thread that reads a list of all users or groups has the turn.
    pub(super) list_turns: Turns<ResourceType>,
    removal_counter: RemovalCounter,
    counts: Mutex<Counts>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("connector", &self.connector).finish_non_exhaustive()
    }
}

impl Connector {
    /// Starts a provisioning cycle. Sends nothing.
    pub fn session(self: &Arc<Self>) -> Session {
        self.forget_old_notes();
        let now = self.exchange.now();
        Session {
            removal_counter: RemovalCounter::new(Arc::clone(&self.latch), self.settings().max_removals, now),
            memory: Memory::default(),
            list_turns: Turns::default(),
            counts: Mutex::new(Counts { started_at: now, ..Counts::default() }),
            connector: Arc::clone(self),
        }
    }
}

impl Session {
    /// Returns the connector of this session.
    pub fn connector(&self) -> &Arc<Connector> {
        &self.connector
    }

    /// Reads the fields that can be mapped: the standard fields and, for SCIM 2.0, the custom attributes of the target.
    /// A target without `/Schemas` (404, 501) has the standard fields.
    ///
    /// # Errors
    /// Any other failure to read the schemas. The list is never shortened because of a failure.
    pub fn fields(&self) -> Result<Arc<Catalogue>, Failure> {
        self.operation(None, |limit| self.connector.fields.read(&self.connector.exchange, limit))
    }

    /// Ends the cycle; operations that are running finish. Returns lines for the log: how many operations each
    /// provisioning option skipped.
    pub fn close(&self) -> Vec<String> {
        let skipped = std::mem::take(&mut lock_ignoring_poison(&self.counts).skipped);
        skipped.into_iter().map(|(option, count)| format!("{} ({count} in this cycle)", option.warning())).collect()
    }

    pub(super) fn require_dry_run(&self) -> Result<(), Failure> {
        if self.is_dry_run() {
            return Ok(());
        }
        Err(Failure::Config("a preview needs a connector that is opened for a dry run".into()))
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.connector.exchange.environment.dry_run
    }

    /// Reports a skipped operation. The first skip by each option in a session has a warning.
    pub(super) fn skip(&self, option: ProvisioningOption, id: Option<&str>) -> Report {
        let mut counts = lock_ignoring_poison(&self.counts);
        let count = counts.skipped.entry(option).or_default();
        *count += 1;
        let report = Report::skipped(option, id);
        match *count {
            1 => report.warn(option.warning()),
            _ => report,
        }
    }

    /// Counts a removal (row 16).
    pub(super) fn count_removal(&self) -> Result<(), OperationError> {
        Ok(self.removal_counter.count(self.connector.exchange.now())?)
    }

    /// Forgets what the session remembers after the time of a cycle, because a host may keep one session open.
    fn start_new_cycle_if_due(&self) {
        let mut counts = lock_ignoring_poison(&self.counts);
        if self.connector.is_cycle_over(counts.started_at) {
            let skipped = std::mem::take(&mut counts.skipped);
            *counts = Counts { started_at: self.connector.exchange.now(), skipped, ..Counts::default() };
            self.memory.clear();
        }
    }

    /// Runs one operation with a time limit, and counts failures that stop the session.
    pub(super) fn operation<T>(
        &self,
        record: Option<&Record>,
        run: impl FnOnce(&TimeLimit) -> Result<T, OperationError>,
    ) -> Result<T, Failure> {
        self.connector.mark_used();
        self.start_new_cycle_if_due();
        let result = run(&self.connector.exchange.time_limit());
        let mut counts = lock_ignoring_poison(&self.counts);
        counts.operations = counts.operations.saturating_add(1);
        match result {
            Ok(value) => {
                counts.transport_failures = 0;
                Ok(value)
            }
            Err(error) => Err(self.without_secrets(record, counts.record_error(error))),
        }
    }

    /// Redacts secret values of the record in a failure, because the reason of a target may repeat them. The HTTP
    /// client redacts credentials.
    fn without_secrets(&self, record: Option<&Record>, mut failure: Failure) -> Failure {
        let mut secrets: Vec<&str> = Vec::new();
        if let Some(record) = record {
            let catalogue = self.connector.fields.known();
            let is_secret =
                |code: &&String| record.masked.contains(*code) || catalogue.field(code).is_some_and(|f| f.write_only);
            let values = record.fields.keys().filter(is_secret).filter_map(|code| record.fields.get(code)).flatten();
            secrets.extend(values.map(String::as_str));
        }
        for secret in secrets {
            failure.redact(&printable(secret));
        }
        failure
    }
}

impl Counts {
    /// Counts an error. Returns its failure, which stops the session after too many errors.
    fn record_error(&mut self, error: OperationError) -> Failure {
        self.forbidden += u32::from(error.is_forbidden);
        if error.is_forbidden && self.forbidden == INITIAL_FORBIDDEN_MAX && self.operations == INITIAL_FORBIDDEN_MAX {
            let text = format!(
                "the target returned 403 for the first {INITIAL_FORBIDDEN_MAX} operations: {}",
                error.failure.message().text()
            );
            let hint = "check Authentication Methods and the permissions of these credentials at the target";
            return Failure::AuthFailed(Message::new(text).with_hint(hint));
        }
        match error.failure {
            Failure::Transport { message, stops } => {
                self.transport_failures += 1;
                Failure::Transport {
                    message,
                    stops: stops || self.transport_failures >= CONSECUTIVE_TRANSPORT_FAILURES_MAX,
                }
            }
            other => {
                self.transport_failures = 0;
                other
            }
        }
    }
}
