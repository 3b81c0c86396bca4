//! What happens to a user: decided by pure functions, from facts and options alone.
//! Does not know: the wire, resources, sessions.

mod decide;

pub use decide::{DecisionInput, DecisionOptions, Effect, RequestedOperation, TargetStatus, decide};
