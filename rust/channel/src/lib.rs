//! pfscim-channel: one source feeding one target, as PingFederate's provisioning engine does it.
//!
//! [`connection`] reads what the console saved ([`pingone`] what PingOne's saved), a [`source::Source`] gives entries, [`selection`] picks the users,
//! [`mapping`] (with [`expressions`]) makes records of them, [`roster`] picks the groups and says who is in them,
//! [`engine`] compares all this with the [`state`] and hands the differences to a [`provisioner::Provisioner`]. Before
//! that, [`template`] and [`import`] make connections and [`inspect`] looks at them. This crate may not know SCIM (that
//! is `pfscim-core`'s) and prints nothing: it tells its caller what happened.
#![forbid(unsafe_code)]

pub mod account;
pub mod connection;
pub mod describe;
pub mod dn;
pub mod engine;
pub mod error;
pub mod expressions;
pub mod filter;
pub mod import;
pub mod inspect;
pub mod mapping;
pub mod pingone;
pub mod provisioner;
pub mod roster;
pub mod selection;
pub mod source;
pub mod state;
pub mod template;

pub use error::Error;
