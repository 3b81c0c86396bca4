//! Files of PingOne: written from a preset, and converted from and to SP connections.

mod convert;
mod write;

pub use convert::convert;
pub use write::file;
