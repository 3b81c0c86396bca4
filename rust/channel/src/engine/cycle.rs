//! Defines the parts of a cycle, and what its operations share: threads, counts, and the stop after a failure.
//! Does not know: users, groups, the order of a cycle.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use pfscim_core::Failure;
use pfscim_core::environment::Clock;
use pfscim_core::facts::DOUBT_HINT;
use pfscim_core::settings::Settings;
use pfscim_core::sync::lock_ignoring_poison;

use super::events::{CycleObserver, CycleProgress, Event};
use super::workers::Workers;
use crate::Error;
use crate::changes::{Operation, RecordKind, UnsentRecord};
use crate::connection::Channel;
use crate::mapping::RecordMapper;
use crate::provisioner::{MemberChanges, OperationResult, Provisioner};
use crate::source::Source;
use crate::state::State;

/// What to do if it is uncertain whether the target has the account or group of a linked record.
const LINKED_HINT: &str = "if this is reported again in the next cycle, compare the record with what the target shows, and \
                           if the account or group is gone there, run `pfscim state forget STATE NAME`";

/// The options of a cycle.
#[derive(Debug, Clone, Copy, Default)]
pub struct CycleOptions<'a> {
    /// How many users and groups the run may remove. `None`: the checks of the guard apply.
    pub max_removals: Option<usize>,
    /// The run is a preview: if the guard refuses, it continues, and returns that error at the end.
    pub preview: bool,
    /// Reads every entry, including entries that the directory reports as unchanged.
    pub full: bool,
    /// The caller sets this to stop the cycle: running operations finish, and no other begins.
    pub stop: Option<&'a AtomicBool>,
    /// Sends this user only (identifier, source id or target id), even if unchanged, and logs each step.
    pub only_user: Option<&'a str>,
}

/// One pass over a channel, with everything that it needs.
pub struct Cycle<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// The mapping of the channel.
    pub mapper: &'a RecordMapper<'a>,
    /// The settings of the Target tab.
    pub settings: &'a Settings,
    /// The source of users and groups.
    pub source: &'a dyn Source,
    /// What earlier cycles sent.
    pub state: &'a State,
    /// Tells how old a timestamp of the source is.
    pub clock: &'a dyn Clock,
    /// Starts the threads of the cycle.
    pub workers: &'a dyn Workers,
    /// Carries operations to the target.
    pub provisioner: &'a dyn Provisioner,
    /// Receives the progress of the cycle.
    pub observer: &'a dyn CycleObserver,
    /// The options of the cycle.
    pub options: CycleOptions<'a>,
}

impl Cycle<'_> {
    fn is_stopped(&self) -> bool {
        self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Reports the result of an operation.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the failure stops the session.
    pub(super) fn report_result(
        &self,
        progress: &CycleProgress,
        (kind, source_id, identifier): (RecordKind, &str, &str),
        operation: Operation,
        result: Result<OperationResult, Failure>,
    ) -> Result<(), Error> {
        let (result, changes, members) = match result {
            Ok(sent) => (Ok(sent.report), sent.changes, sent.members),
            Err(failure) => {
                let failure = match operation {
                    Operation::Create => failure,
                    Operation::Update | Operation::Remove => failure.with_hint_instead(DOUBT_HINT, LINKED_HINT),
                };
                (Err(failure), Vec::new(), MemberChanges::default())
            }
        };
        let stopping = result.as_ref().err().filter(|f| f.stops_session()).cloned();
        let event = Event::from(UnsentRecord::new(kind, source_id, identifier, operation, result));
        self.report(progress, &Event { changes, members, sent: true, ..event });
        stopping.map_or(Ok(()), |failure| Err(Error::stopped_by_failure(&failure)))
    }

    /// Counts an event and passes it to the observer.
    pub(super) fn report(&self, progress: &CycleProgress, event: &Event) {
        let mut summary = lock_ignoring_poison(&progress.summary);
        let tally = match event.kind {
            RecordKind::User => &mut summary.users,
            RecordKind::Group => &mut summary.groups,
        };
        match &event.result {
            Ok(report) => *tally.outcomes.entry(report.outcome).or_default() += 1,
            Err(_) => tally.failed += 1,
        }
        drop(summary);
        self.observer.event(event);
    }

    /// Runs `work` for the items 0 to `count` on the threads of the channel. After an error no other item begins.
    ///
    /// # Errors
    /// The first error of `work`, or [`Error::Stopped`] if the caller stopped the cycle.
    pub(super) fn in_threads(
        &self,
        count: usize,
        work: impl Fn(usize) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let (next, failed, first_error) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(None));
        let worker = || {
            while !failed.load(Ordering::Relaxed) && !self.is_stopped() {
                let item = next.fetch_add(1, Ordering::Relaxed);
                if item >= count {
                    break;
                }
                if let Err(error) = work(item) {
                    failed.store(true, Ordering::Relaxed);
                    lock_ignoring_poison(&first_error).get_or_insert(error);
                }
            }
        };
        self.workers.run(self.channel.threads().min(count), &worker);
        match first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None if next.into_inner() < count => Err(Error::stopped_by_signal()),
            None => Ok(()),
        }
    }
}
