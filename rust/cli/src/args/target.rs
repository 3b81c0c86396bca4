//! Defines the arguments for a connection and the network path to its target.
//! Does not know: the commands that have these arguments.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use pfscim_core::settings::Secret;

use super::secret::secret;

/// A connection, and how pfscim reaches its target.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("java").args(["plugin", "allow_expressions"]).multiple(true))]
pub(crate) struct TargetArguments {
    /// Connection from PingFederate's administrative API (GET /idp/spConnections/{id}), or a PingOne file (format: see
    /// `pfscim check --help`).
    #[arg(value_name = "CONNECTION.json")]
    pub(crate) connection: PathBuf,
    /// Use the jar that is deployed in this folder: `sync` sends the operations through it, `plan` and `test` compare its
    /// settings and fields with those of pfscim, and `test` also repeats the check through it.
    #[arg(long, value_name = "DEPLOY_DIR")]
    pub(crate) plugin: Option<PathBuf>,
    /// Evaluate the OGNL expressions of the mapping. They are code from the connection; a Java process runs them with access
    /// to the mapped attributes only. Default: fields with an expression stay as they are at the target.
    #[arg(long)]
    pub(crate) allow_expressions: bool,
    /// Path of pfscim-host.jar, for --plugin and --allow-expressions. Default: `../lib/`, relative to the program.
    #[arg(long, value_name = "JAR", requires = "java")]
    pub(crate) host: Option<PathBuf>,
    /// PEM file of certificates to trust in addition to the system's, for the target and the directory. The jar of
    /// --plugin trusts the certificates of Java instead.
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) secrets: SecretArguments,
    /// Name of the channel. Required if the connection has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
}

/// Secrets that the connection need not contain.
#[derive(Debug, Args)]
pub(crate) struct SecretArguments {
    /// Target setting from a variable or file; overrides the connection (can be repeated). PINGONE_CLIENT_SECRET is the
    /// secret of the worker application that reads a PingOne source.
    #[arg(long = "secret", value_name = "NAME=env:VAR|NAME=file:PATH", value_parser = secret)]
    pub(crate) secrets: Vec<(String, Secret)>,
}
