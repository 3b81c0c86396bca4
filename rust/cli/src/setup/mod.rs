//! Prepares what a command needs: connection, source, network, signals.
//! Does not know: the commands, what is printed.

pub(crate) mod file;
pub(crate) mod network;
pub(crate) mod run;
pub(crate) mod source;
pub(crate) mod stop;
