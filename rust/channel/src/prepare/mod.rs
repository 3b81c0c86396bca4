//! Checks, imports, converts and describes connections, and writes new ones from presets.
//! Does not know: how a cycle runs, the network.

pub mod describe;
pub mod import;
pub mod inspect;
pub mod pingone;
pub mod template;
