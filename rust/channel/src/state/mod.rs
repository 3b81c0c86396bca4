//! What a channel remembers of its last cycles: one SQLite file a channel.
//! Does not know: what an operation does.

mod cycle;
mod file;
mod rows;
mod store;
mod upkeep;

pub use file::Owner;
pub use rows::{Group, User};
pub use store::State;
pub use upkeep::{Counts, Kept, Upkeep};

#[cfg(test)]
mod tests;
