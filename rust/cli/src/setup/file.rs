//! Reads a text file that is named on the command line.
//! Does not know: what the text means.

use std::path::Path;

use pfscim_channel::Error;
use pfscim_core::text::printable;

/// Reads a text file.
///
/// # Errors
/// [`Error::Unusable`] with the path.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|e| Error::unusable(format!("{}: {e}", printable(&path.display().to_string()))))
}
