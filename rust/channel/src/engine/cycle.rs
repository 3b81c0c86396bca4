//! What a cycle needs, and what each of its operations uses: threads, counts, the end after a failure that stops.
//! Does not know: users, groups, the order of a cycle.

use pfscim_core::sync::lock_ignoring_poison;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use pfscim_core::Failure;
use pfscim_core::settings::Settings;

use super::events::{CycleObserver, CycleProgress, Event};
use crate::Error;
use crate::changes::{Operation, RecordKind, UnsentRecord};
use crate::connection::Channel;
use crate::mapping::Rules;
use crate::provisioner::{MemberChanges, OperationResult, Provisioner};
use crate::source::Source;
use crate::state::State;

/// How a cycle is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct CycleOptions<'a> {
    /// How many removals this run may make; none for the rule of the guard.
    pub max_removals: Option<usize>,
    /// Goes on where the guard refuses, and tells so at the end: for previews.
    pub preview: bool,
    /// Reads every entry, also those that a directory says are as before.
    pub full: bool,
    /// Set by somebody to end the cycle early: operations under way are finished, no other is begun.
    pub stop: Option<&'a AtomicBool>,
    /// Does this user only (identifier, source id or target id), whether anything changed or not, and logs each step.
    pub only_user: Option<&'a str>,
}

/// Everything that a cycle needs.
pub struct Cycle<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// Its mapping.
    pub rules: &'a Rules<'a>,
    /// The Target tab.
    pub settings: &'a Settings,
    /// Where users come from.
    pub source: &'a dyn Source,
    /// What is known of them.
    pub state: &'a State,
    /// The way out.
    pub provisioner: &'a dyn Provisioner,
    /// Who is told.
    pub observer: &'a dyn CycleObserver,
    /// How it is run.
    pub options: CycleOptions<'a>,
}

impl Cycle<'_> {
    fn is_stopped(&self) -> bool {
        self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Tells what happened, and ends the cycle where going on is pointless.
    pub(super) fn ended(
        &self,
        counts: &CycleProgress,
        (kind, source, identifier): (RecordKind, &str, &str),
        operation: Operation,
        result: Result<OperationResult, Failure>,
    ) -> Result<(), Error> {
        let (result, changes, members) = match result {
            Ok(done) => (Ok(done.report), done.changes, done.members),
            Err(failure) => (Err(failure), Vec::new(), MemberChanges::default()),
        };
        let stops = result.as_ref().err().filter(|f| f.stops_session()).cloned();
        let event = Event::from(UnsentRecord::new(kind, source, identifier, operation, result));
        self.tell(counts, &Event { changes, members, sent: true, ..event });
        stops.map_or(Ok(()), |failure| Err(Error::Stopped(format!("stopped: {failure}").into())))
    }

    pub(super) fn tell(&self, counts: &CycleProgress, event: &Event) {
        let mut summary = lock_ignoring_poison(&counts.summary);
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

    /// Works through `count` items on the channel's threads; after an error no further item is begun, and the first
    /// one is returned.
    pub(super) fn in_threads(
        &self,
        count: usize,
        work: impl Fn(usize) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        let (next, stop, first) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(None));
        let worker = || {
            while !stop.load(Ordering::Relaxed) && !self.is_stopped() {
                let item = next.fetch_add(1, Ordering::Relaxed);
                if item >= count {
                    break;
                }
                if let Err(error) = work(item) {
                    stop.store(true, Ordering::Relaxed);
                    lock_ignoring_poison(&first).get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.channel.threads().min(count) {
                scope.spawn(worker);
            }
        });
        match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None if next.into_inner() < count => Err(Error::stopped_as_asked()),
            None => Ok(()),
        }
    }
}
