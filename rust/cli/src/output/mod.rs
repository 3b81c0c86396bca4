//! Prints and writes what happens.
//! Does not know: the commands, nor what they need before they run.

pub(crate) mod audit;
pub(crate) mod counters;
pub(crate) mod lines;
pub(crate) mod logging;
pub(crate) mod redaction;
pub(crate) mod report;
pub(crate) mod screen;
pub(crate) mod tables;
