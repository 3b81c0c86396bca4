//! The arguments of `pfscim sync` and `pfscim plan`.
//! Does not know: what a cycle does.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::source::SourceArguments;
use super::target::Target;

pub(super) const SYNC_EXAMPLES: &str = "\
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

pub(super) const PLAN_EXAMPLES: &str = "\
Examples:
  pfscim plan code42.json --source ldif:people.ldif
      shows what a cycle would do; nothing is written, neither to the target nor to the state
  pfscim plan code42.json --source ldif:people.ldif --html plan.html
      the same as a page for the person who approves the change
  pfscim plan code42.json --source ldif:people.ldif --plugin /opt/pingfederate/server/default/deploy
      also compares what the deployed jar offers with what this program knows";

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
