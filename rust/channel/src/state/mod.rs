//! What a channel remembers of its last cycles: one SQLite file a channel.
//! Does not know: what an operation does.

mod store;
mod upkeep;

pub use store::{Group, Owner, State, User};
pub use upkeep::{Counts, Kept, Upkeep};
