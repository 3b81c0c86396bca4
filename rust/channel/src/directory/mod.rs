//! What a directory consists of: entries, distinguished names, and the filters that choose among entries.
//! Does not know: any other module of this crate.

mod dn;
mod entry;
mod filter;

pub use dn::{Dn, display_dn, fold};
pub use entry::{Entry, Search, Value};
pub use filter::Filter;
