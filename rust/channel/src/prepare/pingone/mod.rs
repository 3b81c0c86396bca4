//! Writes PingOne files from presets, and converts them from and to SP connections.
//! Does not know: how a PingOne file is read.

mod convert;
mod write;

pub use convert::convert;
pub use write::file;
