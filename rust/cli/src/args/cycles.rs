//! Defines the arguments of `pfscim sync` and `pfscim plan`.
//! Does not know: what a cycle does.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::source::SourceArguments;
use super::target::TargetArguments;

pub(super) const SYNC_EXAMPLES: &str = "\
Examples:
  pfscim sync code42.json --source ldif:people.ldif --secret OAUTH_ACCESS_TOKEN=file:token.txt
      runs one cycle; --secret supplies the token, so the connection need not contain it
  pfscim sync code42.json --source ldif:people.ldif --every 60s --audit code42-audit.log
      runs a cycle every 60 seconds until Ctrl-C, and writes each operation to an audit file
  pfscim sync code42.json --source ldif:people.ldif --on-demand ada@example.com
      processes one user only, and logs each step and each request
  pfscim sync code42.json --source ldif:people.ldif --plugin /opt/pingfederate/server/default/deploy
      sends the operations through the deployed jar
  pfscim sync code42.json --source ldif:people.ldif --max-removals 40
      allows this run to remove up to 40 users and groups
  pfscim sync code42.json --source ldaps://dc1.example.com --bind-dn CN=pf,DC=example,DC=com --bind-password env:PW
      reads the directory; entries that did not change since the last run are not read again
  pfscim sync code42.json --source csv:people.csv --csv-values ';'
      reads a table; its first line names the attributes, and a semicolon separates values in a cell
  pfscim sync code42-pingone.json --secret OAUTH_ACCESS_TOKEN=env:TOKEN --secret PINGONE_CLIENT_SECRET=env:WORKER
      runs a PingOne rule; its file names the source of its users, and PingOne's counters follow the summary

Ctrl-C or a termination signal: pfscim finishes the records that it has started, and exits with status 3.
Between two cycles it exits immediately, with the status of the last cycle. After a second signal it exits immediately.
The state file stays consistent.";

pub(super) const PLAN_EXAMPLES: &str = "\
Examples:
  pfscim plan code42.json --source ldif:people.ldif
      shows what a cycle would do; writes nothing to the target or the state file
  pfscim plan code42.json --source ldif:people.ldif --html plan.html
      also writes an HTML page for the person who approves the change
  pfscim plan code42.json --source ldif:people.ldif --plugin /opt/pingfederate/server/default/deploy
      also compares the settings and fields of the deployed jar with those of this program";

/// `pfscim sync`.
#[derive(Debug, Args)]
pub(crate) struct Sync {
    #[command(flatten)]
    pub(crate) arguments: CycleArguments,
    /// Repeat the cycle at this interval, from start to start (30s, 5m, 1h), until Ctrl-C. Minimum: 1s.
    #[arg(long, value_name = "TIME", value_parser = interval)]
    pub(crate) every: Option<Duration>,
    /// Append one line per operation to this file, in the format of PingFederate's provisioner-audit.log.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
    /// Process one user only, named by identifier, source id or target id. Logs each step and each request to standard
    /// error, without values.
    #[arg(long, value_name = "USER", conflicts_with = "every")]
    pub(crate) on_demand: Option<String>,
}

/// `pfscim plan`.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) arguments: CycleArguments,
    /// Also write the plan as one HTML page. Overwrites only a page that pfscim wrote.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Overwrite any file with the page of --html.
    #[arg(long, requires = "html")]
    pub(crate) force: bool,
}

/// The arguments of one cycle of one channel.
#[derive(Debug, Args)]
pub(crate) struct CycleArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    pub(crate) source: SourceArguments,
    /// State file of the channel. `pfscim sync` creates it if it is missing. Default: NAME.CHANNEL.state, next to the
    /// connection.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Print one JSON object per record to standard output, then a summary.
    #[arg(long)]
    pub(crate) json: bool,
    /// Maximum number of users and groups that this run may remove. Default: 10, or 20 % of the known users and groups if
    /// that is more.
    #[arg(long, value_name = "N")]
    pub(crate) max_removals: Option<usize>,
}

/// Parses an interval of whole seconds, minutes or hours, at least 1 s.
fn interval(text: &str) -> Result<Duration, String> {
    let shape = "must be a time such as 30s, 5m or 1h, at least 1s";
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
