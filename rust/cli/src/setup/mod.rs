//! Puts together what a command needs before it runs.
//! Does not know: the commands, nor what is printed.

pub(crate) mod file;
pub(crate) mod network;
pub(crate) mod run;
pub(crate) mod source;
pub(crate) mod stop;
