//! Opens the source that the arguments name.
//! Does not know: the source of a PingOne file.

use pfscim_channel::Error;
use pfscim_channel::source::{BindAccount, Csv, CsvFormat, JsonLines, Ldap, Ldif, Source};
use pfscim_core::Message;

use crate::args::{SOURCE_FORMS, SourceArguments, SourceLocation};

/// Opens the source. `anchors` are the trusted certificates for a directory, in DER.
///
/// # Errors
/// [`Error::Unusable`] if no source is named, or a directory cannot be used.
pub(crate) fn open(arguments: &SourceArguments, anchors: &[Vec<u8>]) -> Result<Box<dyn Source>, Error> {
    let source = arguments.source.as_ref().ok_or_else(|| {
        Error::unusable(
            Message::new("--source is missing, and the connection does not name a source")
                .with_hint(format!("set --source to {SOURCE_FORMS}")),
        )
    })?;
    Ok(match source {
        SourceLocation::Directory(url) => {
            let account = arguments.bind_dn.clone().zip(arguments.bind_password.clone());
            let account = account.map(|(name, password)| BindAccount { name, password });
            Box::new(Ldap::new(url.clone(), arguments.start_tls, account, anchors.to_vec())?)
        }
        SourceLocation::Ldif(file) => Box::new(Ldif::new(file)),
        SourceLocation::JsonLines(file) => Box::new(JsonLines::new(file)),
        SourceLocation::Csv(file) => {
            let default = CsvFormat::default();
            let delimiter = arguments.csv_delimiter.unwrap_or(default.delimiter);
            Box::new(Csv::new(file, CsvFormat { delimiter, value_separator: arguments.csv_values }))
        }
    })
}

/// Checks that no source is named, because the PingOne file names it.
pub(crate) fn require_no_source(arguments: &SourceArguments) -> Result<(), Error> {
    match arguments.source {
        None => Ok(()),
        Some(_) => Err(Error::unusable(
            Message::new("--source is set, but the PingOne file names its source").with_hint("remove --source"),
        )),
    }
}
