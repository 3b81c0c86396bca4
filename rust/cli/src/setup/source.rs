//! Opens the source that the arguments name: where the users of a run come from.
//! Does not know: what a PingOne file says of its source.

use pfscim_channel::Error;
use pfscim_channel::source::{Account, Csv, Form, JsonLines, Ldap, Ldif, Source};

use crate::args::{SOURCE_SHAPE, SourceArguments, SourceLocation};

/// The source that the arguments name. `anchors` are the certificates that a directory is trusted by, in DER.
pub(crate) fn open(arguments: &SourceArguments, anchors: &[Vec<u8>]) -> Result<Box<dyn Source>, Error> {
    let source = arguments.source.as_ref().ok_or_else(|| {
        Error::unusable(format!(
            "--source: is missing; the connection does not say where users come from: {SOURCE_SHAPE}"
        ))
    })?;
    Ok(match source {
        SourceLocation::Directory(url) => {
            let account = arguments.bind_dn.clone().zip(arguments.bind_password.clone());
            let account = account.map(|(name, password)| Account { name, password });
            Box::new(Ldap::new(url.clone(), arguments.start_tls, account, anchors.to_vec())?)
        }
        SourceLocation::Ldif(file) => Box::new(Ldif::new(file)),
        SourceLocation::JsonLines(file) => Box::new(JsonLines::new(file)),
        SourceLocation::Csv(file) => {
            let usual = Form::default();
            let delimiter = arguments.csv_delimiter.unwrap_or(usual.delimiter);
            Box::new(Csv::new(file, Form { delimiter, values: arguments.csv_values }))
        }
    })
}

/// Refuses a second word about where users come from.
pub(crate) fn none(arguments: &SourceArguments) -> Result<(), Error> {
    match arguments.source {
        None => Ok(()),
        Some(_) => Err(Error::unusable(
            "--source: the PingOne file says where users come from (its `source`); leave --source out",
        )),
    }
}
