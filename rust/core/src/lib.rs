//! Brings users and groups to a SCIM target, one record at a time.
//! Does not know: JNI, LDAP, SQLite, files, environment variables, the command line.
//!
//! A host is the PingFederate plugin or the `pfscim` program. It opens a [`connector::Connector`] with
//! [`settings::Settings`] and an [`environment::Environment`]. A [`connector::Session`] of the connector finds,
//! creates, updates and removes users and groups. The environment supplies the clock and random
//! values. The host owns one [`connector::Connectors`], which shares connectors between sessions.

pub mod connector;
pub mod environment;
pub mod facts;
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
