//! Prints results and writes the audit file and the HTML page.
//! Does not know: the commands, what they prepare.

pub(crate) mod audit;
pub(crate) mod counters;
pub(crate) mod lines;
pub(crate) mod logging;
pub(crate) mod redaction;
pub(crate) mod report;
pub(crate) mod screen;
pub(crate) mod tables;
