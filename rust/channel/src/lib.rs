//! pfscim-channel: one source feeding one target, as PingFederate's provisioning engine does it.
//!
//! [`connection`] reads what a console saved, a [`source::Source`] gives entries, [`selection`] picks the users and
//! groups, [`mapping`] makes records of them, [`engine`] compares all this with the [`state`] and hands the differences to
//! a [`provisioner::Provisioner`]. Before that, [`prepare`] checks, converts and creates connections. This crate
//! knows of SCIM only which versions exist (the rest is in `pfscim-core`). It prints nothing: it reports to its caller.

mod changes;
pub mod connection;
pub mod directory;
pub mod engine;
pub mod error;
pub mod host;
pub mod mapping;
pub mod prepare;
pub mod provisioner;
pub mod selection;
pub mod source;
pub mod state;

pub use error::Error;
