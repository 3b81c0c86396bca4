//! Runs the program as an administrator does: arguments in; output, exit status and files out. One file per command.
//!
//! Snapshots contain the output that administrators read. `INSTA_UPDATE=always cargo test -p pfscim-cli` writes them again after a change.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod check;
mod common;
mod completions;
mod convert;
mod describe;
mod import;
mod init;
mod man;
mod pfscim;
mod plan;
mod presets;
mod secrets;
mod state;
mod sync;
mod test;
