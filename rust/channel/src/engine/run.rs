//! The order of a cycle: compare, guard, check the target, write down what is to be sent, then users, removals, groups.

use std::sync::PoisonError;

use super::cycle::Cycle;
use super::events::{CycleProgress, Event, Summary};
use super::guard::guard;
use crate::Error;
use crate::changes::{Comparison, Present};

impl Cycle<'_> {
    /// Runs the cycle. The summary counts whatever took place, also where the cycle ended early.
    pub fn run(&self) -> (Summary, Result<(), Error>) {
        let counts = CycleProgress::default();
        let result = self.cycle(&counts);
        (counts.summary.into_inner().unwrap_or_else(PoisonError::into_inner), result)
    }

    fn cycle(&self, counts: &CycleProgress) -> Result<(), Error> {
        let mut changes = self.comparison().changes()?;
        if self.options.only_user.is_some() {
            self.tell_steps(&changes);
        }
        let guard = guard(&changes, self.options.max_removals);
        if changes.selected == 0 && changes.known == 0 && self.options.only_user.is_none() {
            log::warn!("the source has nobody who is selected: is the source location, or the user filter, right?");
        }
        if guard.is_err() {
            self.observer.guard_refused(&changes.removals);
        }
        if !self.options.preview {
            guard.clone()?;
        }
        let warnings = self.provisioner.check()?;
        warnings.iter().for_each(|warning| log::warn!("{warning}"));
        let rows: Vec<_> = changes.pushes.iter().map(Present::row).chain(changes.leavers.iter().cloned()).collect();
        match self.options.only_user {
            None => {
                self.state.begin(&self.settings.digest(), &rows)?;
                self.state.remember(&changes.reading, &changes.versions, changes.whole)?;
                self.state.put_source_groups(&changes.source_groups)?;
            }
            // What was read of the others is not sent now, so it does not count as read.
            Some(_) => self.state.begin_some(&rows)?,
        }
        self.observer.begin(changes.pushes.len() + changes.leavers.len() + changes.groups.operations());
        for settled in changes.settled.drain(..).chain(changes.groups.settled.drain(..)) {
            self.tell(counts, &Event::from(settled));
        }
        let worked = self
            .in_threads(changes.pushes.len(), |i| {
                changes.pushes.get(i).map_or(Ok(()), |present| self.push(counts, present))
            })
            .and_then(|()| {
                self.in_threads(changes.leavers.len(), |i| {
                    changes.leavers.get(i).map_or(Ok(()), |leaver| self.remove(counts, leaver, &changes.identifiers))
                })
            })
            .and_then(|()| self.groups(counts, &changes.groups));
        for line in self.provisioner.close() {
            log::warn!("{line}");
        }
        worked.and(guard)
    }

    fn comparison(&self) -> Comparison<'_> {
        Comparison {
            channel: self.channel,
            rules: self.rules,
            settings: self.settings,
            source: self.source,
            state: self.state,
            full: self.options.full,
            only_user: self.options.only_user,
            stop: self.options.stop,
        }
    }
}
