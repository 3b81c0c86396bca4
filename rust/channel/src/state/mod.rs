//! Stores what a channel sent in earlier cycles, in one SQLite file for each channel.
//! Does not know: what an operation does.

mod cycle;
mod file;
mod maintenance;
mod migration;
mod rows;
mod store;

pub use file::Owner;
pub use maintenance::{StateCounts, StateEntry, StateMaintenance};
pub use rows::{GroupRow, UserRow};
pub use store::State;

#[cfg(test)]
mod tests;
