//! Reads entries from directories, files and PingOne.
//! Does not know: what the entries are used for.
//!
//! A source returns all its entries or an error, never a part: a user who is missing counts as a user who left.

mod csv;
mod file;
mod jsonl;
mod ldap;
mod ldif;
mod pingone;
mod row;

pub use self::csv::{Csv, CsvFormat};
pub use self::jsonl::JsonLines;
pub use self::ldap::{BindAccount, Ldap, parse_server_url};
pub use self::ldif::Ldif;
pub use self::pingone::PingOne;

use crate::Error;
use crate::directory::{Entry, Search};

/// A directory, a file or PingOne.
pub trait Source: Sync {
    /// Passes every matching entry to `each`. A directory passes only entries that match the search. The other sources
    /// ignore the search and pass all entries, a file in its order. A second call passes the same entries.
    ///
    /// # Errors
    /// The source cannot be read as a whole, or `each` returned an error.
    fn read(&self, search: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error>;

    /// Identifies the directory server and the account that reads it; `None` for other sources.
    ///
    /// # Errors
    /// The server cannot be read.
    fn server(&self) -> Result<Option<String>, Error> {
        Ok(None)
    }
}
