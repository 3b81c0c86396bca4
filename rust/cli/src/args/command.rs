//! The command line, as clap reads it: the commands and what all of them have.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use super::cycles::{PLAN_EXAMPLES, Plan, SYNC_EXAMPLES, Sync};
use super::describe::{Described, ListFormat, PRESETS_EXAMPLES};
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

Exit status: 0 all well, 1 some records failed, 2 bad arguments or configuration (or a guard refused), 3 session stopped";

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
    Presets(ListFormat),
    /// Look after a state file; never touches the target.
    #[command(subcommand, after_help = super::state::EXAMPLES)]
    State(StateCommand),
    /// Describe what the connector offers.
    #[command(
        subcommand,
        after_help = "Examples:\n  pfscim describe settings\n  pfscim describe fields --json\n  pfscim describe mappings\n  pfscim describe attributes"
    )]
    Describe(Described),
    /// Print completions for a shell.
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print a manual page.
    #[command(after_help = PAGES)]
    Man {
        /// The command that it is about, for example `sync` or `state show`. Default: pfscim itself.
        command: Vec<String>,
    },
}
