//! The arguments that name a connection and the way to its target. Several commands have them.
//! Does not know: which commands these are.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use pfscim_core::settings::Secret;

use super::secret::secret;

/// A connection and the way to its target.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("java").args(["plugin", "allow_expressions"]).multiple(true))]
pub(crate) struct Target {
    /// The connection, as PingFederate's administrative API gives it (GET /idp/spConnections/{id}), or a PingOne file
    /// (its shape: `pfscim check --help`).
    #[arg(value_name = "CONNECTION.json")]
    pub(crate) connection: PathBuf,
    /// Go through the jar that is deployed in this folder.
    #[arg(long, value_name = "DEPLOY_DIR")]
    pub(crate) plugin: Option<PathBuf>,
    /// Evaluate the OGNL expressions of the mapping: code from the file, run in a Java process with nothing in reach but
    /// the attributes of the mapping. Without it their fields are left as they are.
    #[arg(long)]
    pub(crate) allow_expressions: bool,
    /// The pfscim-host.jar for --plugin and --allow-expressions, where it is not found by itself.
    #[arg(long, value_name = "JAR", requires = "java")]
    pub(crate) host: Option<PathBuf>,
    /// Certificates to trust beside the system's, at the target and at a directory; the jar of --plugin trusts what
    /// Java trusts.
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) given: Given,
    /// The channel, where the connection has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
}

/// What does not stand in the connection.
#[derive(Debug, Args)]
pub(crate) struct Given {
    /// A target setting from the environment or a file; goes before the connection's own. PINGONE_CLIENT_SECRET is the
    /// worker application's that reads a PingOne source.
    #[arg(long = "secret", value_name = "NAME=env:VAR|NAME=file:PATH", value_parser = secret)]
    pub(crate) secrets: Vec<(String, Secret)>,
}
