//! Defines the arguments of `pfscim init`, `pfscim import` and `pfscim convert`.
//! Does not know: how a connection is written.

use std::path::PathBuf;

use clap::Args;
use pfscim_channel::prepare::template::DirectoryType;
use pfscim_core::settings::Preset;

pub(super) const INIT_EXAMPLES: &str = "\
Examples:
  pfscim init --preset code42 --out code42.json
      writes a connection from Active Directory to Code42; `pfscim check code42.json` lists what to fill in
  pfscim init --preset generic --source-type ldap > target.json
      writes a connection from another LDAP directory to any SCIM service
  pfscim init --preset code42-pingone --out code42-pingone.json
      writes a PingOne connection to Code42 with its rule; --source-type pingone does it for any preset
  pfscim presets
      lists the presets";

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  pfscim import old.json > new.json
      prints on standard error what you must review; secrets are copied unchanged
  pfscim import pingone-store.json > new.json
      reads the store of a PingOne provisioning connection; for a connection with its rule use `pfscim convert`";

pub(super) const CONVERT_EXAMPLES: &str = "\
Examples:
  pfscim convert code42-pingone.json > sp-connection.json
      writes a connection for PingFederate; then fill in the source location and the directory
  pfscim convert sp-connection.json --channel corp > pingone.json
      writes a PingOne connection with a rule

pfscim prints on standard error what it cannot convert. Secrets are copied unchanged.";

/// The arguments of `pfscim init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Preset of the target, one of `pfscim presets`.
    #[arg(long, value_name = "NAME", value_parser = preset)]
    pub(crate) preset: &'static Preset,
    /// Source of the users: Active Directory, another LDAP directory, or PingOne, which writes a PingOne connection with
    /// its rule. Default: pingone for code42-pingone, ad for all other presets.
    #[arg(long, value_name = "ad|ldap|pingone", value_parser = source_type)]
    pub(crate) source_type: Option<SourceType>,
    /// File to write; an existing file is an error. Default: standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// The arguments of `pfscim import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// SP connection from PingFederate's administrative API, or store from PingOne's API.
    #[arg(value_name = "OLD.json")]
    pub(crate) connection: PathBuf,
}

/// The arguments of `pfscim convert`.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// SP connection of this connector, or PingOne file.
    #[arg(value_name = "CONNECTION.json")]
    pub(crate) connection: PathBuf,
    /// Name of the channel. Required if an SP connection has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
}

fn preset(name: &str) -> Result<&'static Preset, String> {
    pfscim_core::settings::preset(name).ok_or_else(|| "unknown preset (see `pfscim presets`)".into())
}

/// The value of `--source-type`: the source of the users of a new connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SourceType {
    Directory(DirectoryType),
    PingOne,
}

fn source_type(text: &str) -> Result<SourceType, String> {
    match text {
        "ad" => Ok(SourceType::Directory(DirectoryType::ActiveDirectory)),
        "ldap" => Ok(SourceType::Directory(DirectoryType::Ldap)),
        "pingone" => Ok(SourceType::PingOne),
        _ => Err("must be ad, ldap or pingone".into()),
    }
}
