//! Defines the arguments of `pfscim state`.
//! Does not know: the content of a state file.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const EXAMPLES: &str = "\
Examples:
  pfscim state show code42.corp.state
      shows the connection and channel of the file, the number of users, and how far the source was read
  pfscim state user code42.corp.state ada@example.com
      shows one user or group, named by identifier, group name, source id or target id
  pfscim state dirty code42.corp.state --json
      lists the users and groups that the next cycle sends again
  pfscim state reset code42.corp.state
      makes the next cycle compare every user and group with the target
  pfscim state forget code42.corp.state ada@example.com
      removes a user from the file; the next cycle links the account again by its identifier";

const SHOW_EXAMPLES: &str =
    "Examples:\n  pfscim state show code42.corp.state\n  pfscim state show code42.corp.state --json";
const USER_EXAMPLES: &str = "\
Examples:
  pfscim state user code42.corp.state ada@example.com
  pfscim state user code42.corp.state 0ae9cdc7-8f03-4a5f-a1a0-0d9f1b6b8d2e --json";
const DIRTY_EXAMPLES: &str = "Examples:\n  pfscim state dirty code42.corp.state";
const RESET_EXAMPLES: &str = "\
Examples:
  pfscim state reset code42.corp.state
      forgets which values were sent; the next cycle looks up and compares every user and group
  pfscim state reset code42.corp.state --all
      also forgets how far the source was read; the next cycle is a full resynchronization";
const FORGET_EXAMPLES: &str = "\
Examples:
  pfscim state forget code42.corp.state ada@example.com bob@example.com
  pfscim state forget code42.corp.state --dirty
  pfscim state forget code42.corp.state --all

The target is not contacted. The next cycle links users that are still in the source again, by their identifier. It
never removes a forgotten user who has left the source.";

/// `pfscim state ...`.
#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Show the connection and channel of the file, the counts and the watermarks.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(StateFile),
    /// Show one user or group.
    #[command(after_help = USER_EXAMPLES)]
    User {
        #[command(flatten)]
        file: StateFile,
        /// Identifier, group name, source id or target id.
        #[arg(value_name = "USER")]
        name: String,
    },
    /// List the users and groups that the next cycle sends again.
    #[command(after_help = DIRTY_EXAMPLES)]
    Dirty(StateFile),
    /// Make the next cycle compare every user and group with the target.
    #[command(after_help = RESET_EXAMPLES)]
    Reset {
        #[command(flatten)]
        file: StateFile,
        /// Also forget how far the source was read.
        #[arg(long)]
        all: bool,
    },
    /// Remove users and groups from the file. The target is not contacted.
    #[command(after_help = FORGET_EXAMPLES)]
    Forget {
        #[command(flatten)]
        file: StateFile,
        /// Identifiers, group names, source ids or target ids.
        #[arg(value_name = "USER")]
        users: Vec<String>,
        /// Forget every user and group that the next cycle would send again.
        #[arg(long, conflicts_with = "users")]
        dirty: bool,
        /// Forget every user and group.
        #[arg(long, conflicts_with_all = ["users", "dirty"])]
        all: bool,
    },
}

/// The state file, and the output format.
#[derive(Debug, Args)]
pub(crate) struct StateFile {
    /// State file of a channel.
    #[arg(value_name = "STATE")]
    pub(crate) path: PathBuf,
    /// Print JSON objects, one per line.
    #[arg(long)]
    pub(crate) json: bool,
}
