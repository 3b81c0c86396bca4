//! Defines the entries of a source, their distinguished names, and the filters that select entries.
//! Does not know: any other module of this crate.

mod dn;
mod entry;
mod filter;

pub use dn::{Dn, display_dn, fold};
pub use entry::{Entry, Search, Value};
pub use filter::Filter;
