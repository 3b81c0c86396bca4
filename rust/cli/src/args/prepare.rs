//! The arguments of `pfscim init`, `pfscim import` and `pfscim convert`.
//! Does not know: how a connection is written.

use std::path::PathBuf;

use clap::Args;
use pfscim_channel::prepare::template::SourceType;
use pfscim_core::settings::Preset;

pub(super) const INIT_EXAMPLES: &str = "\
Examples:
  pfscim init --preset code42 --out code42.json
      a connection to Code42 from Active Directory; `pfscim check code42.json` tells what to fill in
  pfscim init --preset generic --source-type ldap > target.json
      a connection to any SCIM service from another LDAP directory
  pfscim init --preset code42-pingone --out code42-pingone.json
      a connection to Code42 and its rule as PingOne has them; any preset with --source-type pingone
  pfscim presets
      what there is";

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  pfscim import old.json > new.json
      what has to be looked at is told on standard error; secrets stay as they are in the file
  pfscim import pingone-store.json > new.json
      the store of a PingOne provisioning connection (one with its rule goes through `pfscim convert`)";

pub(super) const CONVERT_EXAMPLES: &str = "\
Examples:
  pfscim convert code42-pingone.json > sp-connection.json
      for PingFederate; who is chosen and the directory are still to be filled in
  pfscim convert sp-connection.json --channel corp > pingone.json
      a PingOne connection with a rule

What cannot be carried over is named on standard error; secrets stay as they are in the file.";

/// A connection to start with.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// What the target is: a name of `pfscim presets`.
    #[arg(long, value_name = "NAME", value_parser = preset)]
    pub(crate) preset: &'static Preset,
    /// Where users come from: Active Directory, another LDAP directory, or PingOne, which makes it a PingOne connection
    /// with its rule. Default: pingone for code42-pingone, ad for the others.
    #[arg(long, value_name = "ad|ldap|pingone", value_parser = origin)]
    pub(crate) source_type: Option<Origin>,
    /// Where to write it; a file that is there already is never touched. Default: standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// A connection of another connector.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The connection as PingFederate's administrative API gives it, or the store as PingOne's does.
    #[arg(value_name = "OLD.json")]
    pub(crate) connection: PathBuf,
}

/// A connection for the other product.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The connection: an SP connection of this connector, or a PingOne file.
    #[arg(value_name = "CONNECTION.json")]
    pub(crate) connection: PathBuf,
    /// The channel, where an SP connection has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
}

fn preset(name: &str) -> Result<&'static Preset, String> {
    pfscim_core::settings::preset(name).ok_or_else(|| "there is no such preset (see `pfscim presets`)".into())
}

/// Where the users of a new connection come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    Directory(SourceType),
    PingOne,
}

fn origin(word: &str) -> Result<Origin, String> {
    match word {
        "ad" => Ok(Origin::Directory(SourceType::ActiveDirectory)),
        "ldap" => Ok(Origin::Directory(SourceType::Ldap)),
        "pingone" => Ok(Origin::PingOne),
        _ => Err("must be ad, ldap or pingone".into()),
    }
}
