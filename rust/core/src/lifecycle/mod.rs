//! Decides what happens to a user, by pure functions of facts and options.
//! Does not know: HTTP, resources, sessions.

mod decide;

pub use decide::{DecisionInput, DecisionOptions, Effect, RequestedOperation, TargetStatus, decide};
