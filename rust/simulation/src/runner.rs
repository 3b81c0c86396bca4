//! Runs many seeds on all processors, and compares what they show with the known findings.
//! Does not know: what symptoms mean.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::coverage::Coverage;
use crate::findings::{Finding, Findings, causes, needed_causes, possible_causes, symptoms};
use crate::hosts::{self, Ran};
use crate::plan::Plan;
use crate::shrink::shrink;
use crate::{generate, oracle};

/// One seed in this many runs twice, with equal traces.
const TWICE_EVERY: u64 = 100;
/// The first 4000 seeds meet everything that the coverage lists.
pub const SEEDS_MIN: u64 = 4000;
/// A seed takes a few milliseconds, and its shrinking some seconds. After this time it hangs.
const SEED_TIME_MAX: Duration = Duration::from_secs(120);
/// How often the running seeds are looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);
/// A run often waits until the next thread has the baton, so several share a processor.
const RUNS_PER_PROCESSOR: usize = 2;
/// A run of `check` stops after this many unknown findings.
pub const UNKNOWN_MAX: usize = 20;

/// When a run of seeds ends.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// After this many seeds.
    Seeds(u64),
    /// After this time, but not before the seeds that the coverage needs have run.
    Time(Duration),
}

/// The result of a run of seeds.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many seeds ran: those from the first one on, without a gap.
    pub seeds: u64,
    /// How many of them showed a known finding.
    pub seeds_with_findings: u64,
    /// What they met.
    pub coverage: Coverage,
    /// Findings that are not in the list.
    pub unknown: Findings,
    /// Seeds whose two runs differ, and plans that cannot run: one line each.
    pub errors: Vec<String>,
}

/// Runs the seeds from `first` on. Ends early after `unknown_max` unknown findings, or as many errors.
pub fn run(first: u64, limit: Limit, known: &Findings, unknown_max: Option<usize>) -> Summary {
    let (next, stop, started) = (AtomicU64::new(first), AtomicBool::new(false), Instant::now());
    let result = Mutex::new(Summary::default());
    let watchdog = Watchdog::default();
    let worker = || {
        let mut own = Summary::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let is_over = match limit {
                Limit::Seeds(count) => seed - first >= count,
                Limit::Time(time) => seed - first >= SEEDS_MIN && started.elapsed() >= time,
            };
            if is_over || stop.load(Ordering::Relaxed) {
                break;
            }
            own.seeds += 1;
            if let Err(error) = watchdog.time(seed, || run_seed(seed, known, &result, &mut own)) {
                own.errors.push(format!("seed {seed}: {error}"));
            }
            let unknown = result.lock().unwrap_or_else(PoisonError::into_inner).unknown.findings.len();
            if unknown_max.is_some_and(|max| unknown >= max || own.errors.len() >= max) {
                stop.store(true, Ordering::Relaxed);
            }
        }
        let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
        result.seeds += own.seeds;
        result.seeds_with_findings += own.seeds_with_findings;
        result.coverage.join(&own.coverage);
        result.errors.append(&mut own.errors);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| watchdog.watch());
        let workers = RUNS_PER_PROCESSOR * std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let panics = workers.into_iter().filter_map(|worker| worker.join().err()).count();
        watchdog.is_done.store(true, Ordering::Relaxed);
        if panics > 0 {
            result.lock().unwrap_or_else(PoisonError::into_inner).errors.push(format!("{panics} workers panicked"));
        }
    });
    result.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the program if a seed does not end.
#[derive(Default)]
struct Watchdog {
    /// When each running seed began.
    running: Mutex<BTreeMap<u64, Instant>>,
    is_done: AtomicBool,
}

impl Watchdog {
    fn running(&self) -> MutexGuard<'_, BTreeMap<u64, Instant>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time<T>(&self, seed: u64, work: impl FnOnce() -> T) -> T {
        self.running().insert(seed, Instant::now());
        let result = work();
        self.running().remove(&seed);
        result
    }

    fn watch(&self) {
        while !self.is_done.load(Ordering::Relaxed) {
            std::thread::sleep(WATCH_INTERVAL);
            if let Some((seed, _)) = self.running().iter().find(|(_, began)| began.elapsed() > SEED_TIME_MAX) {
                // A thread that holds a lock while it waits for the baton cannot be ended.
                eprintln!("seed {seed} has not ended after {} s", SEED_TIME_MAX.as_secs());
                std::process::exit(1);
            }
        }
    }
}

fn run_seed(seed: u64, known: &Findings, all: &Mutex<Summary>, own: &mut Summary) -> Result<(), String> {
    let plan = generate::plan(seed);
    let is_twice = seed.is_multiple_of(TWICE_EVERY);
    let ran = hosts::run(&plan, is_twice)?;
    if is_twice {
        compare(&plan, &ran)?;
    }
    own.coverage.add(&plan, &ran);
    let causes = causes(&plan, &ran);
    let symptoms = symptoms(&oracle::judge(&plan, &ran));
    own.seeds_with_findings += u64::from(!symptoms.is_empty());
    for symptom in symptoms {
        let is_known = |list: &Findings| list.explains(symptom, &causes);
        let is_listed = || is_known(&all.lock().unwrap_or_else(PoisonError::into_inner).unknown);
        if is_known(known) || is_listed() {
            continue;
        }
        let shrunk = shrink(&plan, symptom).ok_or(format!("{symptom:?} does not occur in a second run"))?;
        let finding = Finding { symptom, causes: needed_causes(&shrunk.plan), seed };
        all.lock().unwrap_or_else(PoisonError::into_inner).unknown.add(finding);
    }
    Ok(())
}

/// Runs a plan again.
///
/// # Errors
/// The traces differ: the first different line.
fn compare(plan: &Plan, ran: &Ran) -> Result<(), String> {
    let again = hosts::run(plan, true)?;
    let (first, second) = (&ran.history.trace, &again.history.trace);
    let same = first.iter().zip(second).take_while(|(a, b)| a == b).count();
    if first.len() == second.len() && same == first.len() {
        return Ok(());
    }
    let line = |trace: &[String]| trace.get(same).cloned().unwrap_or_else(|| "the end".into());
    Err(format!("two runs differ: `{}` and `{}`", line(first), line(second)))
}

/// Returns the known findings whose seed does not show them. `by_shrinking`: nor if it needs other causes, which takes
/// longer.
///
/// # Errors
/// A plan cannot run.
pub fn lost(known: &Findings, by_shrinking: bool) -> Result<Vec<&Finding>, String> {
    let watchdog = Watchdog::default();
    std::thread::scope(|scope| {
        scope.spawn(|| watchdog.watch());
        let lost = known.findings.iter().filter_map(|finding| {
            let is_lost = watchdog.time(finding.seed, || is_lost(finding, by_shrinking));
            is_lost.map(|is_lost| is_lost.then_some(finding)).transpose()
        });
        let lost = lost.collect();
        watchdog.is_done.store(true, Ordering::Relaxed);
        lost
    })
}

/// Returns whether the seed of a finding no longer shows it.
fn is_lost(finding: &Finding, by_shrinking: bool) -> Result<bool, String> {
    let plan = generate::plan(finding.seed);
    let ran = hosts::run(&plan, false)?;
    let has_causes = finding.causes.is_subset(&possible_causes(&plan));
    let is_shown = has_causes && symptoms(&oracle::judge(&plan, &ran)).contains(&finding.symptom);
    let needs_others = || {
        by_shrinking && shrink(&plan, finding.symptom).is_none_or(|small| needed_causes(&small.plan) != finding.causes)
    };
    Ok(!is_shown || needs_others())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Symptom;

    #[test]
    fn seeds_without_a_list_show_findings_and_with_their_list_none() {
        let first = run(0, Limit::Seeds(60), &Findings::default(), None);
        assert_eq!((first.seeds, first.errors.as_slice()), (60, [].as_slice()));
        let again = run(0, Limit::Seeds(60), &first.unknown, Some(UNKNOWN_MAX));
        assert_eq!((again.seeds, again.unknown), (60, Findings::default()));
        assert_eq!(again.seeds_with_findings, first.seeds_with_findings);
    }

    #[test]
    fn a_finding_that_its_seed_does_not_show_is_lost() {
        let finding = Finding { symptom: Symptom::TooLong, causes: ["Kill".to_owned()].into(), seed: 1 };
        let list = Findings { findings: vec![finding.clone()] };
        assert_eq!(lost(&list, false).unwrap(), [&finding]);
    }

    #[test]
    fn two_different_traces_are_an_error() {
        let plan = generate::plan(3);
        let mut ran = hosts::run(&plan, true).unwrap();
        compare(&plan, &ran).unwrap();
        ran.history.trace.push("another line".into());
        assert!(compare(&plan, &ran).unwrap_err().contains("`another line` and `the end`"));
    }
}
