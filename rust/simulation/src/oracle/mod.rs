//! Judges a run: compares what was printed and what the target has with what is right.
//! Does not know: core. It never calls core; its rules are those of section "What must be true" of
//! `docs/concepts/simulation.md`.

mod ending;
mod facts;
mod lines;
mod symptom;
#[cfg(test)]
mod tests;
mod writes;

use std::collections::BTreeMap;

use crate::history::CycleEnd;
use crate::hosts::Ran;
use crate::plan::Plan;

use self::facts::Facts;
use self::symptom::name;
pub use self::symptom::{Symptom, Violation};

/// The most requests for one record in one cycle: searches, reads and writes with all their repeats.
const REQUESTS_MAX: usize = 20;

/// Returns what is not right about a run.
pub fn judge(plan: &Plan, ran: &Ran) -> Vec<Violation> {
    let history = &ran.history;
    let mut violations = Vec::new();
    if let Some(text) = &history.panic {
        violations.push(Violation { symptom: Symptom::Panicked, text: text.clone() });
    }
    if history.ends.contains(&CycleEnd::TooLong) {
        violations.push(Violation { symptom: Symptom::TooLong, text: "the run took too many steps".into() });
    }
    // What a run that ended early would have reported is unknown.
    if !violations.is_empty() {
        return violations;
    }
    if let Some(CycleEnd::Stopped(reason)) = history.ends.last() {
        violations.push(Violation { symptom: Symptom::Stopped, text: format!("the last cycle stopped: {reason}") });
    }
    let facts = Facts::new(plan, ran);
    ending::people(&facts, &mut violations);
    ending::groups(&facts, &mut violations);
    writes::judge(&facts, &mut violations);
    lines::judge(&facts, &mut violations);
    requests(&facts, &mut violations);
    violations
}

/// Invariant 7.
fn requests(facts: &Facts<'_>, violations: &mut Vec<Violation>) {
    let mut counts = BTreeMap::new();
    for request in &facts.history.requests {
        if let Some(record) = request.record {
            *counts.entry((request.cycle, record)).or_insert(0_usize) += 1;
        }
    }
    for ((cycle, (kind, number)), count) in counts {
        if count > REQUESTS_MAX {
            let text = format!("{} took {count} requests in cycle {cycle}", name(kind, number));
            violations.push(Violation { symptom: Symptom::TooManyRequests, text });
        }
    }
}
