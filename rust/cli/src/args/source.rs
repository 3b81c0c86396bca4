//! Defines `--source` and the options of each kind of source.
//! Does not know: how a source is read.

use std::path::PathBuf;

use clap::Args;
use pfscim_channel::source::parse_server_url;
use pfscim_core::settings::Secret;
use url::Url;

use super::secret::secret_at;

/// The forms of `--source`, for messages.
pub(crate) const SOURCE_FORMS: &str = "ldif:FILE, csv:FILE, jsonl:FILE, ldap://HOST:PORT or ldaps://HOST:PORT";

/// The source of the users.
#[derive(Debug, Args)]
pub(crate) struct SourceArguments {
    /// Source of the users: LDIF file, CSV file, file with one JSON object per line, or LDAP directory. Not allowed with
    /// a PingOne file, which names its source itself.
    #[arg(long, value_name = "ldif:FILE|csv:FILE|jsonl:FILE|ldap[s]://HOST:PORT", value_parser = source_location)]
    pub(crate) source: Option<SourceLocation>,
    /// Bind DN for the directory. Default: anonymous bind.
    #[arg(long, value_name = "DN", requires = "bind_password")]
    pub(crate) bind_dn: Option<String>,
    /// Password of --bind-dn, from a variable or file.
    #[arg(long, value_name = "env:VAR|file:PATH", requires = "bind_dn", value_parser = password)]
    pub(crate) bind_password: Option<Secret>,
    /// Encrypt an ldap:// connection with StartTLS before the bind.
    #[arg(long)]
    pub(crate) start_tls: bool,
    /// Read every entry of the directory. Default: only entries that changed since the last run.
    #[arg(long)]
    pub(crate) full: bool,
    /// Separator between the cells of a CSV file; \t is a tab. Default: comma.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub(crate) csv_delimiter: Option<u8>,
    /// Separator between values in one cell of a CSV file, for example ; (semicolon). Default: each cell is one value.
    #[arg(long, value_name = "CHARACTER")]
    pub(crate) csv_values: Option<char>,
}

/// The parsed `--source`.
#[derive(Debug, Clone)]
pub(crate) enum SourceLocation {
    Ldif(PathBuf),
    Csv(PathBuf),
    JsonLines(PathBuf),
    Directory(Url),
}

fn source_location(text: &str) -> Result<SourceLocation, String> {
    match text.split_once(':') {
        Some((_, "")) => Err(wrong_form()),
        Some(("ldif", file)) => Ok(SourceLocation::Ldif(file.into())),
        Some(("csv", file)) => Ok(SourceLocation::Csv(file.into())),
        Some(("jsonl", file)) => Ok(SourceLocation::JsonLines(file.into())),
        Some(("ldap" | "ldaps", _)) => parse_server_url(text).map(SourceLocation::Directory).map_err(|m| m.to_string()),
        _ => Err(wrong_form()),
    }
}

fn wrong_form() -> String {
    format!("must be {SOURCE_FORMS}")
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "\\t" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
            _ => Err("must be one ASCII character such as , or ; or \\t, and not a quote".into()),
        },
    }
}

fn password(text: &str) -> Result<Secret, String> {
    secret_at(text)?.ok_or_else(|| "must be env:VARIABLE or file:PATH".into())
}
