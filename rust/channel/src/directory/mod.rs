//! What a directory consists of: entries, distinguished names, and the filters that choose among entries.
//! Does not know: any other module of this crate but the error.

pub mod dn;
pub mod filter;
