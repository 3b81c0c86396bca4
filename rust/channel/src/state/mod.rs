//! What a channel remembers of its last cycles: one SQLite file a channel.
//! Does not know: what an operation does.

mod cycle;
mod file;
mod maintenance;
mod rows;
mod store;

pub use file::Owner;
pub use maintenance::{StateCounts, StateEntry, StateMaintenance};
pub use rows::{GroupRow, UserRow};
pub use store::State;

#[cfg(test)]
mod tests;
