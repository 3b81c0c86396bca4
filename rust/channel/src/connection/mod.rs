//! What the consoles saved: an SP connection of PingFederate, or a PingOne store with its rule.
//! Does not know: the source, the target, files. It reads text.

mod model;
pub mod pingone;

pub use model::*;
