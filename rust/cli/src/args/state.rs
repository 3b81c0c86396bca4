//! The arguments of `pfscim state`.
//! Does not know: what is in a state file.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const EXAMPLES: &str = "\
Examples:
  pfscim state show code42.corp.state
      whose state it is, how many users it knows and how far the source was read
  pfscim state user code42.corp.state ada@example.com
      one user or group, by identifier or name, source id or target id
  pfscim state dirty code42.corp.state --json
      who is sent again in the next cycle
  pfscim state reset code42.corp.state
      has the next cycle compare everybody with the target
  pfscim state forget code42.corp.state ada@example.com
      takes a user out of the file; the next cycle links the account again by its identifier";

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
      forgets which values were sent: everybody is looked up and compared in the next cycle
  pfscim state reset code42.corp.state --all
      forgets how far the source was read as well: a full resync";
const FORGET_EXAMPLES: &str = "\
Examples:
  pfscim state forget code42.corp.state ada@example.com bob@example.com
  pfscim state forget code42.corp.state --dirty
  pfscim state forget code42.corp.state --all

The target is not touched. Whoever is still in the source is linked again by the identifier; whoever left the source is
not removed from the target any more.";

/// `pfscim state ...`.
#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Whose state it is, counts and watermarks.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(File),
    /// What is known of one user or group.
    #[command(after_help = USER_EXAMPLES)]
    User {
        #[command(flatten)]
        file: File,
        /// The identifier or name, source id or target id.
        #[arg(value_name = "USER")]
        who: String,
    },
    /// Users and groups that have to be sent (again).
    #[command(after_help = DIRTY_EXAMPLES)]
    Dirty(File),
    /// Have everybody compared with the target again.
    #[command(after_help = RESET_EXAMPLES)]
    Reset {
        #[command(flatten)]
        file: File,
        /// Also forget how far the source was read.
        #[arg(long)]
        all: bool,
    },
    /// Take users and groups out of the file; the target is not touched.
    #[command(after_help = FORGET_EXAMPLES)]
    Forget {
        #[command(flatten)]
        file: File,
        /// Identifiers or names, source ids or target ids.
        #[arg(value_name = "USER")]
        users: Vec<String>,
        /// Everybody who has to be sent (again).
        #[arg(long, conflicts_with = "users")]
        dirty: bool,
        /// Everybody.
        #[arg(long, conflicts_with_all = ["users", "dirty"])]
        all: bool,
    },
}

/// Which file, and how it is told.
#[derive(Debug, Args)]
pub(crate) struct File {
    /// The state file of a channel.
    #[arg(value_name = "STATE")]
    pub(crate) path: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
