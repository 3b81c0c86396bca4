//! Where users come from. A source gives every entry that it has or an error, never the first half: what is missing
//! from a source is taken for somebody who left. May not know what the entries are for.

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

/// A directory, or what was exported from one.
pub trait Source: Sync {
    /// Gives every entry that is looked for. A file gives all that it has, in the order of the file, whatever is
    /// looked for; a server gives nothing else. May be called again, and then gives the same entries.
    ///
    /// # Errors
    /// Whatever keeps the source from being read whole, and whatever `each` returned.
    fn read(&self, search: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error>;

    /// Which server answers; `None` for a file.
    ///
    /// # Errors
    /// The server cannot be asked.
    fn server(&self) -> Result<Option<String>, Error> {
        Ok(None)
    }
}
