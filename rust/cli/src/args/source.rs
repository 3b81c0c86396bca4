//! The arguments `--source` and what belongs to it: where the users of a run come from.
//! Does not know: how a source is read.

use std::path::PathBuf;

use clap::Args;
use pfscim_channel::source::address;
use pfscim_core::settings::Secret;
use url::Url;

use super::secret::secret_at;

/// What `--source` can be.
pub(crate) const SOURCE_SHAPE: &str =
    "a source is given as ldif:FILE, csv:FILE, jsonl:FILE, ldap://HOST:PORT or ldaps://HOST:PORT";

/// Where users come from.
#[derive(Debug, Args)]
pub(crate) struct SourceArguments {
    /// Where users come from: an export of a directory (LDIF), a table (CSV), one JSON object a line, or a directory.
    /// A PingOne file says it itself (its `source`), and takes none here.
    #[arg(long, value_name = "ldif:FILE|csv:FILE|jsonl:FILE|ldap[s]://HOST:PORT", value_parser = place)]
    pub(crate) source: Option<SourceLocation>,
    /// The account that asks the directory. Default: nobody.
    #[arg(long, value_name = "DN", requires = "bind_password")]
    pub(crate) bind_dn: Option<String>,
    /// Its password.
    #[arg(long, value_name = "env:VAR|file:PATH", requires = "bind_dn", value_parser = password)]
    pub(crate) bind_password: Option<Secret>,
    /// Encrypts an ldap:// connection before anything is said.
    #[arg(long)]
    pub(crate) start_tls: bool,
    /// Reads every entry of a directory, also those that did not change since the last run.
    #[arg(long)]
    pub(crate) full: bool,
    /// What stands between the cells of a CSV file; \t is a tab. Default: a comma.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub(crate) csv_delimiter: Option<u8>,
    /// What stands between several values in one cell of a CSV file, for example ; (a semicolon). Default: a cell is
    /// one value.
    #[arg(long, value_name = "CHARACTER")]
    pub(crate) csv_values: Option<char>,
}

/// What was named.
#[derive(Debug, Clone)]
pub(crate) enum SourceLocation {
    Ldif(PathBuf),
    Csv(PathBuf),
    JsonLines(PathBuf),
    Directory(Url),
}

fn place(text: &str) -> Result<SourceLocation, String> {
    match text.split_once(':') {
        Some((_, "")) => Err(SOURCE_SHAPE.into()),
        Some(("ldif", file)) => Ok(SourceLocation::Ldif(file.into())),
        Some(("csv", file)) => Ok(SourceLocation::Csv(file.into())),
        Some(("jsonl", file)) => Ok(SourceLocation::JsonLines(file.into())),
        Some(("ldap" | "ldaps", _)) => address(text).map(SourceLocation::Directory),
        _ => Err(SOURCE_SHAPE.into()),
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
