//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use pfscim_core::target::Secret;

use crate::source::SourceArguments;

const EXAMPLES: &str = "\
Examples:
  pfscim plan code42.json --source ldif:people.ldif
  pfscim sync code42.json --source ldif:people.ldif --state code42.state
  pfscim sync code42.json --source ldif:people.ldif --secret OAUTH_ACCESS_TOKEN=env:TOKEN --json
  pfscim describe settings

Exit status: 0 all well, 1 some records failed, 2 bad arguments or configuration (or a guard refused), 3 session stopped";

const CYCLE_EXAMPLES: &str = "\
Examples:
  pfscim plan code42.json --source ldif:people.ldif
      shows what a cycle would do; nothing is written, neither to the target nor to the state
  pfscim sync code42.json --source ldif:people.ldif --secret OAUTH_ACCESS_TOKEN=file:token.txt
      runs one cycle; the token does not have to stand in the connection
  pfscim sync code42.json --source ldif:people.ldif --plugin /opt/pingfederate/server/default/deploy
      the same through the deployed jar
  pfscim sync code42.json --source ldif:people.ldif --max-removals 40
      lets this run remove up to 40 users
  pfscim sync code42.json --source ldaps://dc1.example.com --bind-dn CN=pf,DC=example,DC=com --bind-password env:PW
      reads the directory itself; entries that did not change since the last run are not read again
  pfscim plan code42.json --source csv:people.csv --csv-values ';'
      a table: the first line names the attributes, a cell may hold several values";

/// Previews and runs PingFederate provisioning channels for SCIM targets, without PingFederate.
#[derive(Debug, Parser)]
#[command(name = "pfscim", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Tell more on standard error.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one provisioning cycle.
    #[command(after_help = CYCLE_EXAMPLES)]
    Sync(Job),
    /// Show what a cycle would do; write nothing anywhere.
    #[command(after_help = CYCLE_EXAMPLES)]
    Plan(Job),
    /// Describe what the connector offers.
    #[command(
        subcommand,
        after_help = "Examples:\n  pfscim describe settings\n  pfscim describe fields --json\n  pfscim describe mappings"
    )]
    Describe(Described),
}

/// One cycle of one channel.
#[derive(Debug, Args)]
pub(crate) struct Job {
    /// The connection, as PingFederate's administrative API gives it (GET /idp/spConnections/{id}).
    #[arg(value_name = "CONNECTION.json")]
    pub(crate) connection: PathBuf,
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// The channel's memory of earlier cycles; made where it is not there yet. Default: beside the connection.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Run the operations through the jar that is deployed in this folder.
    #[arg(long, value_name = "DEPLOY_DIR")]
    pub(crate) plugin: Option<PathBuf>,
    /// The pfscim-host.jar for --plugin, where it is not found by itself.
    #[arg(long, value_name = "JAR", requires = "plugin")]
    pub(crate) host: Option<PathBuf>,
    /// One JSON object a record on standard output, then a summary.
    #[arg(long)]
    pub(crate) json: bool,
    /// How many users this run may remove. Default: the larger of 10 and 20 % of the known ones.
    #[arg(long, value_name = "N")]
    pub(crate) max_removals: Option<usize>,
    /// Certificates to trust beside the system's, at the target and at a directory. With --plugin, at the directory
    /// only: the jar trusts what Java trusts.
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_file: Option<PathBuf>,
    /// A target setting from the environment or a file; goes before the connection's own.
    #[arg(long = "secret", value_name = "NAME=env:VAR|NAME=file:PATH", value_parser = secret)]
    pub(crate) secrets: Vec<(String, Secret)>,
    /// The channel, where the connection has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Described {
    /// The settings of the Target tab.
    Settings(Output),
    /// The fields that can be mapped.
    Fields(Output),
    /// The mapping that a new channel starts with.
    Mappings(Output),
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// As a JSON array.
    #[arg(long, conflicts_with = "properties")]
    json: bool,
    /// As the Java properties that PingFederate and the jar read.
    #[arg(long)]
    properties: bool,
}

/// How a description is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
    Properties,
}

impl Described {
    pub(crate) fn format(&self) -> Format {
        let (Self::Settings(output) | Self::Fields(output) | Self::Mappings(output)) = self;
        match (output.json, output.properties) {
            (true, _) => Format::Json,
            (_, true) => Format::Properties,
            _ => Format::Table,
        }
    }
}

/// Reads the secret at once, so that a missing one is told before anything else happens. Whatever clap repeats of
/// an argument is where the secret stands, never the secret.
fn secret(text: &str) -> Result<(String, Secret), String> {
    let shape = "a secret is given as NAME=env:VARIABLE or NAME=file:PATH";
    let (name, place) = text.split_once('=').ok_or(shape)?;
    Ok((name.to_owned(), secret_at(place)?.ok_or(shape)?))
}

/// The secret in `env:VARIABLE` or `file:PATH`; `None` for another form.
pub(crate) fn secret_at(place: &str) -> Result<Option<Secret>, String> {
    let value = match place.split_once(':') {
        Some(("env", variable)) => {
            std::env::var(variable).map_err(|_| format!("the environment variable {variable} is not set"))?
        }
        Some(("file", path)) => {
            let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            text.strip_suffix('\r').unwrap_or(text).to_owned()
        }
        _ => return Ok(None),
    };
    Ok(Some(Secret::new(value)))
}
