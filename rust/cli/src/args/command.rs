//! Lists the commands and the arguments that all of them share.
//! Does not know: what a command does.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use super::cycles::{PLAN_EXAMPLES, Plan, SYNC_EXAMPLES, Sync};
use super::describe::{DescribeCommand, ListFormat, PRESETS_EXAMPLES};
use super::prepare::{CONVERT_EXAMPLES, Convert, IMPORT_EXAMPLES, INIT_EXAMPLES, Import, Init};
use super::state::StateCommand;
use super::verify::{CHECK_EXAMPLES, Check, TEST_EXAMPLES, Test};

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

Exit status: 0 success, 1 some records failed, 2 wrong arguments or configuration, or stopped by the removal guard, 3 cycle stopped";

const COMPLETIONS: &str = "\
Examples:
  pfscim completions bash > ~/.local/share/bash-completion/completions/pfscim
  pfscim completions zsh > ~/.zfunc/_pfscim
  pfscim completions fish > ~/.config/fish/completions/pfscim.fish
  pfscim completions powershell >> $PROFILE";

const PAGES: &str = "\
Examples:
  pfscim man | man -l -
  pfscim man state show | man -l -
  pfscim man sync > /usr/local/share/man/man1/pfscim-sync.1";

/// Previews and runs provisioning channels of PingFederate and rules of PingOne against SCIM targets, without PingFederate or PingOne.
#[derive(Debug, Parser)]
#[command(name = "pfscim", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Log debug messages to standard error.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a provisioning cycle, once or at an interval.
    #[command(after_help = SYNC_EXAMPLES)]
    Sync(Sync),
    /// Show what a cycle would do, and write nothing.
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Plan),
    /// Check a connection file, without network.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Sign in to the target, search for a user and print the capabilities of the target, and write nothing.
    #[command(after_help = TEST_EXAMPLES)]
    Test(Test),
    /// Write a new connection from a preset.
    #[command(after_help = INIT_EXAMPLES)]
    Init(Init),
    /// Convert a connection of another connector, or a PingOne SCIM store, to a connection of this connector.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Import),
    /// Convert a PingOne connection with its rule to a PingFederate SP connection, or back.
    #[command(after_help = CONVERT_EXAMPLES)]
    Convert(Convert),
    /// List the presets of `pfscim init`.
    #[command(after_help = PRESETS_EXAMPLES)]
    Presets(ListFormat),
    /// Show or edit a state file. The target is not contacted.
    #[command(subcommand, after_help = super::state::EXAMPLES)]
    State(StateCommand),
    /// List the settings, fields, default mappings or PingOne attributes.
    #[command(
        subcommand,
        after_help = "Examples:\n  pfscim describe settings\n  pfscim describe fields --json\n  pfscim describe mappings\n  pfscim describe attributes"
    )]
    Describe(DescribeCommand),
    /// Print the completion script of a shell.
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// Name of the shell.
        shell: Shell,
    },
    /// Print a manual page.
    #[command(after_help = PAGES)]
    Man {
        /// Command whose page is printed, for example `sync` or `state show`. Default: pfscim.
        command: Vec<String>,
    },
}
