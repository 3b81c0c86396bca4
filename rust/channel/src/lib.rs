//! pfscim-channel: sends the changes of one source to one target, as PingFederate's provisioning engine does.
//! Does not know: how SCIM is spoken (that is `pfscim-core`), where output goes.
//!
//! - [`connection`] reads what a console saved, and a [`source::Source`] returns entries.
//! - [`selection`] picks the users and groups, and [`mapping`] makes records of them.
//! - [`engine`] compares the records with the [`state`] and passes changes to a [`provisioner::Provisioner`].
//! - [`prepare`] checks, converts and creates connections.
//!
//! The crate prints nothing: it reports to its caller.

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
