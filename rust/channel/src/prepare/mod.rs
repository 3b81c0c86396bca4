//! What can be done with a connection before it runs: check, import, convert, describe, and templates of new ones.
//! Does not know: how a cycle runs. It runs nothing and sends nothing.

pub mod describe;
pub mod import;
pub mod inspect;
pub mod pingone;
pub mod template;
