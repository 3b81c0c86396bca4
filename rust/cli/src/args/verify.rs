//! The arguments of `pfscim check` and `pfscim test`.
//! Does not know: what is checked.

use std::path::PathBuf;

use clap::Args;

use super::target::{Given, Target};

pub(super) const CHECK_EXAMPLES: &str = "\
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

pub(super) const TEST_EXAMPLES: &str = "\
Examples:
  pfscim test code42.json
      signs in, looks for a user that nobody is, tells what the target can do; writes nothing
  pfscim test code42.json --secret OAUTH_ACCESS_TOKEN=env:TOKEN
      the token does not have to stand in the connection
  pfscim test code42.json --plugin /opt/pingfederate/server/default/deploy
      then the same through the deployed jar, as the console does on activation

Exit status: 0 the connection works, 2 its configuration does not fit, 3 wrong credentials or no usable answer";

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
