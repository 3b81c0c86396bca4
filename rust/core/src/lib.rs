//! pfscim-core: everything about a SCIM target.
//!
//! A host (the PingFederate plugin or the `pfscim` program) opens a [`connector::Connector`] with
//! [`settings::Settings`] and an [`environment::Environment`], takes a [`connector::Session`] from it and asks it to
//! find, create, update and remove users. This crate may not know JNI, LDAP, SQLite, files or the command line,
//! and has no clock of its own: the environment brings it.

pub mod connector;
pub mod environment;
pub mod failure;
pub mod http;
pub mod lifecycle;
pub mod mapping;
pub mod record;
pub mod scim;
pub mod settings;
pub mod sync;
pub mod text;

pub use failure::{Failure, Message};
pub use record::{Outcome, Record, Report};
