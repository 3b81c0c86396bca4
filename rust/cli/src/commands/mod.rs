//! Runs the commands, one file for each group of them. Does not know how a command line is read.

pub(crate) mod cycles;
pub(crate) mod help;
pub(crate) mod prepare;
pub(crate) mod state;
pub(crate) mod verify;
