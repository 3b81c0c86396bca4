//! One cycle of a channel: users, removals and groups are handed to a provisioner, each result goes into the state.
//! Does not know: SCIM, how an operation is carried out.

mod cycle;
mod groups;

pub use cycle::{Cycle, Event, Kind, Operation, Options, STEPS, Summary, Tally, Watch};

#[cfg(test)]
mod tests;
