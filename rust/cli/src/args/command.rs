//! The command line, as clap reads it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand};
use pfscim_channel::prepare::template::SourceType;
use pfscim_core::settings::{Preset, Secret};

use crate::commands::state::StateCommand;
use crate::setup::source::SourceArguments;

const EXAMPLES: &str = "\
Examples:
  pfscim init --preset code42 --out code42.json
  pfscim check code42.json
  pfscim test code42.json
  pfscim plan code42.json --source ldif:people.ldif
  pfscim sync code42.json --source ldif:people.ldif --state code42.state
  pfscim sync code42.json --source ldif:people.ldif --secret OAUTH_ACCESS_TOKEN=env:TOKEN --json
  pfscim sync code42.json --source ldif:people.ldif --state code42.state --every 60s
  pfscim init --preset code42-pingone --out code42-pingone.json
  pfscim sync code42-pingone.json --secret PINGONE_CLIENT_SECRET=env:WORKER_SECRET
  pfscim state show code42.state
  pfscim describe settings
  pfscim man sync | man -l -

Exit status: 0 all well, 1 some records failed, 2 bad arguments or configuration (or a guard refused), 3 session stopped";

const PLAN_EXAMPLES: &str = "\
Examples:
  pfscim plan code42.json --source ldif:people.ldif
      shows what a cycle would do; nothing is written, neither to the target nor to the state
  pfscim plan code42.json --source ldif:people.ldif --html plan.html
      the same as a page for the person who approves the change
  pfscim plan code42.json --source ldif:people.ldif --plugin /opt/pingfederate/server/default/deploy
      also compares what the deployed jar offers with what this program knows";

const SYNC_EXAMPLES: &str = "\
Examples:
  pfscim sync code42.json --source ldif:people.ldif --secret OAUTH_ACCESS_TOKEN=file:token.txt
      runs one cycle; the token does not have to stand in the connection
  pfscim sync code42.json --source ldif:people.ldif --every 60s --audit code42-audit.log
      a cycle every 60 seconds until Ctrl-C, each operation in an audit file
  pfscim sync code42.json --source ldif:people.ldif --on-demand ada@example.com
      one user only, telling each step and each request
  pfscim sync code42.json --source ldif:people.ldif --plugin /opt/pingfederate/server/default/deploy
      a cycle through the deployed jar
  pfscim sync code42.json --source ldif:people.ldif --max-removals 40
      lets this run remove up to 40 users
  pfscim sync code42.json --source ldaps://dc1.example.com --bind-dn CN=pf,DC=example,DC=com --bind-password env:PW
      reads the directory itself; entries that did not change since the last run are not read again
  pfscim plan code42.json --source csv:people.csv --csv-values ';'
      a table: the first line names the attributes, a cell may hold several values
  pfscim sync code42-pingone.json --secret OAUTH_ACCESS_TOKEN=env:TOKEN --secret PINGONE_CLIENT_SECRET=env:WORKER
      a PingOne rule, which says itself where its users come from; PingOne's counters follow the summary

Ctrl-C or a termination signal ends the run when the records under way are finished (exit status 3), or at once
where it waits for the next cycle; a second one ends it at once. The state is true either way.";

const CHECK_EXAMPLES: &str = "\
Examples:
  pfscim check code42.json
      tells everything that is wrong with the file; nothing is sent anywhere
  pfscim check code42.json --json
      {\"errors\":[...],\"warnings\":[...]}
  pfscim check code42-pingone.json
      the same for a PingOne connection and its rule

A PingOne file is {\"store\", \"plan\", \"rule\", \"mappings\", \"customAttributes\", \"source\"}. The first four are as PingOne's API
gives them (propagation stores, plans, rules, mappings). Of this program are: rule.userFilter, instead of populationExpression,
{\"all\": [...]} or {\"any\": [...]} of such sets and of {\"attribute\", \"operator\": \"Equals\", \"value\"}; the name of a group in
rule.groups; defaultValue of a mapping; CUSTOM_HEADER of a store; customAttributes, names of users' own attributes; and source,
{\"files\": [...]} or {\"apiPath\", \"authPath\", \"environment\", \"clientId\"}.

Exit status: 0 nothing is wrong (there may be warnings), 2 something is";

const TEST_EXAMPLES: &str = "\
Examples:
  pfscim test code42.json
      signs in, looks for a user that nobody is, tells what the target can do; writes nothing
  pfscim test code42.json --secret OAUTH_ACCESS_TOKEN=env:TOKEN
      the token does not have to stand in the connection
  pfscim test code42.json --plugin /opt/pingfederate/server/default/deploy
      then the same through the deployed jar, as the console does on activation

Exit status: 0 the connection works, 2 its configuration does not fit, 3 wrong credentials or no usable answer";

const INIT_EXAMPLES: &str = "\
Examples:
  pfscim init --preset code42 --out code42.json
      a connection to Code42 from Active Directory; `pfscim check code42.json` tells what to fill in
  pfscim init --preset generic --source-type ldap > target.json
      a connection to any SCIM service from another LDAP directory
  pfscim init --preset code42-pingone --out code42-pingone.json
      a connection to Code42 and its rule as PingOne has them; any preset with --source-type pingone
  pfscim presets
      what there is";

const IMPORT_EXAMPLES: &str = "\
Examples:
  pfscim import old.json > new.json
      what has to be looked at is told on standard error; secrets stay as they are in the file
  pfscim import pingone-store.json > new.json
      the store of a PingOne provisioning connection (one with its rule goes through `pfscim convert`)";

const CONVERT_EXAMPLES: &str = "\
Examples:
  pfscim convert code42-pingone.json > sp-connection.json
      for PingFederate; who is chosen and the directory are still to be filled in
  pfscim convert sp-connection.json --channel corp > pingone.json
      a PingOne connection with a rule

What cannot be carried over is named on standard error; secrets stay as they are in the file.";

const PRESETS_EXAMPLES: &str = "\
Examples:
  pfscim presets
  pfscim presets --json";

/// Previews and runs PingFederate provisioning channels and PingOne provisioning rules for SCIM targets, without either.
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
    #[command(after_help = SYNC_EXAMPLES)]
    Sync(Sync),
    /// Show what a cycle would do; write nothing anywhere.
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Plan),
    /// Tell what is wrong with a connection; use no network.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Try a connection: credentials, lookup, what the target can do; write nothing.
    #[command(after_help = TEST_EXAMPLES)]
    Test(Test),
    /// Write a connection to start with.
    #[command(after_help = INIT_EXAMPLES)]
    Init(Init),
    /// Turn a connection of another connector, or a PingOne SCIM store, into one of this connector.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Import),
    /// Turn a PingOne connection with its rule into an SP connection for PingFederate, or the other way round.
    #[command(after_help = CONVERT_EXAMPLES)]
    Convert(Convert),
    /// List the targets that a connection can be written for.
    #[command(after_help = PRESETS_EXAMPLES)]
    Presets(Listed),
    /// Look after a state file; never touches the target.
    #[command(subcommand, after_help = crate::commands::state::EXAMPLES)]
    State(StateCommand),
    /// Describe what the connector offers.
    #[command(
        subcommand,
        after_help = "Examples:\n  pfscim describe settings\n  pfscim describe fields --json\n  pfscim describe mappings\n  pfscim describe attributes"
    )]
    Describe(Described),
    /// Print completions for a shell.
    #[command(after_help = crate::commands::help::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: crate::commands::help::Shell,
    },
    /// Print a manual page.
    #[command(after_help = crate::commands::help::PAGES)]
    Man {
        /// The command that it is about, for example `sync` or `state show`. Default: pfscim itself.
        command: Vec<String>,
    },
}

/// `pfscim sync`.
#[derive(Debug, Args)]
pub(crate) struct Sync {
    #[command(flatten)]
    pub(crate) job: Job,
    /// Run a cycle each time so long after the last one began (30s, 5m, 1h), until Ctrl-C.
    #[arg(long, value_name = "TIME", value_parser = interval)]
    pub(crate) every: Option<Duration>,
    /// Append one line an operation to this file, in the format of PingFederate's provisioner-audit.log.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
    /// Do one user only, named by its identifier, source id or target id, and tell each step and each request on
    /// standard error (never a value).
    #[arg(long, value_name = "USER", conflicts_with = "every")]
    pub(crate) on_demand: Option<String>,
}

/// `pfscim plan`.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) job: Job,
    /// Also write the plan as one HTML page.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the page over a file that is no report of pfscim.
    #[arg(long, requires = "html")]
    pub(crate) force: bool,
}

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

/// One cycle of one channel.
#[derive(Debug, Args)]
pub(crate) struct Job {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// The channel's memory of earlier cycles; made where it is not there yet. Default: beside the connection.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// One JSON object a record on standard output, then a summary.
    #[arg(long)]
    pub(crate) json: bool,
    /// How many users this run may remove. Default: the larger of 10 and 20 % of the known ones.
    #[arg(long, value_name = "N")]
    pub(crate) max_removals: Option<usize>,
}

/// A look at a connection's file.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The connection, as PingFederate's administrative API gives it (GET /idp/spConnections/{id}), or a PingOne file
    /// (its shape: `pfscim check --help`).
    #[arg(value_name = "CONNECTION.json")]
    pub(crate) connection: PathBuf,
    #[command(flatten)]
    pub(crate) given: Given,
    /// One JSON object on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A try of a connection.
#[derive(Debug, Args)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) target: Target,
    /// One JSON object on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

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

#[derive(Debug, Args)]
pub(crate) struct Listed {
    /// As a JSON array.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Described {
    /// The settings of the Target tab.
    Settings(Output),
    /// The fields that can be mapped.
    Fields(Output),
    /// The mapping that a new channel starts with.
    Mappings(Output),
    /// The attributes of a PingOne user that a rule can name and map.
    Attributes(Listed),
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
        let (json, properties) = match self {
            Self::Settings(output) | Self::Fields(output) | Self::Mappings(output) => (output.json, output.properties),
            Self::Attributes(listed) => (listed.json, false),
        };
        match (json, properties) {
            (true, _) => Format::Json,
            (_, true) => Format::Properties,
            _ => Format::Table,
        }
    }
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

/// A time of at least a second.
fn interval(text: &str) -> Result<Duration, String> {
    let shape = "a time is given as 30s, 5m or 1h, and is at least 1s";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        _ => return Err(shape.into()),
    };
    let seconds = digits.parse::<u32>().ok().filter(|count| *count > 0).ok_or(shape)?;
    Ok(Duration::from_secs(u64::from(seconds) * unit))
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
