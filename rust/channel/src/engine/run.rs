//! Runs the steps of a cycle in order: compare, guard, check the target, write dirty rows, users, removals, groups.
//! Does not know: how one operation is carried out.

use std::sync::PoisonError;

use super::cycle::Cycle;
use super::events::{CycleProgress, Event, Summary};
use super::guard::guard;
use crate::Error;
use crate::changes::{Comparison, PresentUser};

impl Cycle<'_> {
    /// Runs the cycle. If it stops early, the summary counts the records up to then.
    pub fn run(&self) -> (Summary, Result<(), Error>) {
        let progress = CycleProgress::default();
        let result = self.send_changes(&progress);
        (progress.summary.into_inner().unwrap_or_else(PoisonError::into_inner), result)
    }

    fn send_changes(&self, progress: &CycleProgress) -> Result<(), Error> {
        let mut changes = self.comparison().changes()?;
        if self.options.only_user.is_some() {
            self.log_comparison(&changes);
        }
        let guard = guard(&changes, self.options.max_removals);
        if changes.selected == 0 && changes.known == 0 && self.options.only_user.is_none() {
            log::warn!("no entry of the source matches Source Location; check Base DN, Group DN and Filter");
        }
        if guard.is_err() {
            self.observer.guard_refused(&changes.removals);
        }
        if !self.options.preview {
            guard.clone()?;
        }
        if let Some(learnt) = self.state.learnt()? {
            self.provisioner.learn(&learnt);
        }
        let warnings = self.provisioner.check()?;
        warnings.iter().for_each(|warning| log::warn!("{warning}"));
        let rows: Vec<_> =
            changes.pushes.iter().map(PresentUser::row_before).chain(changes.leavers.iter().cloned()).collect();
        match self.options.only_user {
            None => {
                self.state.begin(&self.settings.digest(), &rows)?;
                self.state.put_versions(&changes.reading_digest, &changes.versions, changes.whole)?;
                self.state.put_source_groups(&changes.source_groups)?;
            }
            // Other changed entries are not sent now, so the next cycle must read them again.
            Some(_) => self.state.begin_on_demand(&rows)?,
        }
        self.observer.begin(changes.pushes.len() + changes.leavers.len() + changes.groups.operations());
        for unsent in changes.unsent.drain(..).chain(changes.groups.unsent.drain(..)) {
            self.report(progress, &Event::from(unsent));
        }
        let result = self
            .in_threads(changes.pushes.len(), |i| {
                changes.pushes.get(i).map_or(Ok(()), |present| self.push(progress, present))
            })
            .and_then(|()| {
                self.in_threads(changes.leavers.len(), |i| {
                    changes.leavers.get(i).map_or(Ok(()), |leaver| self.remove(progress, leaver, &changes.identifiers))
                })
            })
            .and_then(|()| self.groups(progress, &changes.groups));
        for line in self.provisioner.close() {
            log::warn!("{line}");
        }
        let stored = self.provisioner.learnt().map_or(Ok(()), |learnt| self.state.put_learnt(&learnt));
        result.and(stored).and(guard)
    }

    fn comparison(&self) -> Comparison<'_> {
        Comparison {
            channel: self.channel,
            mapper: self.mapper,
            settings: self.settings,
            source: self.source,
            state: self.state,
            clock: self.clock,
            full: self.options.full,
            only_user: self.options.only_user,
            stop: self.options.stop,
        }
    }
}
