//! Prints and writes what happens. Does not know the commands, nor what they are put together from.

pub(crate) mod audit;
pub(crate) mod counters;
pub(crate) mod logging;
pub(crate) mod report;
pub(crate) mod screen;
