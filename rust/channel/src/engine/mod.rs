//! Runs a cycle of a channel: passes users, removals and groups to a provisioner, and writes the results to the state.
//! Does not know: SCIM, how an operation is carried out.

mod cycle;
mod events;
mod groups;
mod guard;
mod run;
mod steps;
mod users;
mod workers;

pub use crate::changes::{Operation, RecordKind};
pub use cycle::{Cycle, CycleOptions};
pub use events::{CycleObserver, Event, Summary, Tally};
pub use steps::STEP_LOG_TARGET;
pub use workers::{SystemThreads, Workers};

#[cfg(test)]
mod tests;
