//! Runs the commands, one file per group of commands.
//! Does not know: how arguments are parsed.

pub(crate) mod cycles;
pub(crate) mod describe;
pub(crate) mod help;
pub(crate) mod prepare;
pub(crate) mod state;
pub(crate) mod verify;
