//! `--source` and what belongs to it: where the users of a run come from.

use std::path::PathBuf;

use clap::Args;
use pfscim_channel::Error;
use pfscim_channel::source::{Account, Csv, Form, JsonLines, Ldap, Ldif, Source, address};
use pfscim_core::settings::Secret;
use url::Url;

use crate::args::secret_at;

const SHAPE: &str = "a source is given as ldif:FILE, csv:FILE, jsonl:FILE, ldap://HOST:PORT or ldaps://HOST:PORT";

/// Where users come from.
#[derive(Debug, Args)]
pub(crate) struct SourceArguments {
    /// Where users come from: an export of a directory (LDIF), a table (CSV), one JSON object a line, or a directory.
    /// A PingOne file says it itself (its `source`), and takes none here.
    #[arg(long, value_name = "ldif:FILE|csv:FILE|jsonl:FILE|ldap[s]://HOST:PORT", value_parser = place)]
    source: Option<Place>,
    /// The account that asks the directory. Default: nobody.
    #[arg(long, value_name = "DN", requires = "bind_password")]
    bind_dn: Option<String>,
    /// Its password.
    #[arg(long, value_name = "env:VAR|file:PATH", requires = "bind_dn", value_parser = password)]
    bind_password: Option<Secret>,
    /// Encrypts an ldap:// connection before anything is said.
    #[arg(long)]
    start_tls: bool,
    /// Reads every entry of a directory, also those that did not change since the last run.
    #[arg(long)]
    pub(crate) full: bool,
    /// What stands between the cells of a CSV file; \t is a tab. Default: a comma.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    csv_delimiter: Option<u8>,
    /// What stands between several values in one cell of a CSV file, for example ; (a semicolon). Default: a cell is
    /// one value.
    #[arg(long, value_name = "CHARACTER")]
    csv_values: Option<char>,
}

/// What was named.
#[derive(Debug, Clone)]
enum Place {
    Ldif(PathBuf),
    Csv(PathBuf),
    JsonLines(PathBuf),
    Directory(Url),
}

impl SourceArguments {
    /// The source that the arguments name. `anchors` are the certificates that a directory is trusted by, in DER.
    pub(crate) fn open(&self, anchors: &[Vec<u8>]) -> Result<Box<dyn Source>, Error> {
        let source = self.source.as_ref().ok_or_else(|| {
            Error::unusable(format!("--source: is missing; the connection does not say where users come from: {SHAPE}"))
        })?;
        Ok(match source {
            Place::Directory(url) => {
                let account = self.bind_dn.clone().zip(self.bind_password.clone());
                let account = account.map(|(name, password)| Account { name, password });
                Box::new(Ldap::new(url.clone(), self.start_tls, account, anchors.to_vec())?)
            }
            Place::Ldif(file) => Box::new(Ldif::new(file)),
            Place::JsonLines(file) => Box::new(JsonLines::new(file)),
            Place::Csv(file) => {
                let usual = Form::default();
                let form = Form { delimiter: self.csv_delimiter.unwrap_or(usual.delimiter), values: self.csv_values };
                Box::new(Csv::new(file, form))
            }
        })
    }
}

impl SourceArguments {
    /// Refuses a second word about where users come from.
    pub(crate) fn none(&self) -> Result<(), Error> {
        match self.source {
            None => Ok(()),
            Some(_) => Err(Error::unusable(
                "--source: the PingOne file says where users come from (its `source`); leave --source out",
            )),
        }
    }
}

fn place(text: &str) -> Result<Place, String> {
    match text.split_once(':') {
        Some((_, "")) => Err(SHAPE.into()),
        Some(("ldif", file)) => Ok(Place::Ldif(file.into())),
        Some(("csv", file)) => Ok(Place::Csv(file.into())),
        Some(("jsonl", file)) => Ok(Place::JsonLines(file.into())),
        Some(("ldap" | "ldaps", _)) => address(text).map(Place::Directory),
        _ => Err(SHAPE.into()),
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "\\t" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
            _ => Err("is one ASCII character, no quote: , or ; or \\t".into()),
        },
    }
}

fn password(text: &str) -> Result<Secret, String> {
    secret_at(text)?.ok_or_else(|| "a password is given as env:VARIABLE or file:PATH".into())
}
