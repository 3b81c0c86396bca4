//! Defines the arguments of `pfscim check` and `pfscim test`.
//! Does not know: the checks.

use std::path::PathBuf;

use clap::Args;

use super::target::{SecretArguments, TargetArguments};

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  pfscim check code42.json
      checks the file, without network
  pfscim check code42.json --json
      {\"errors\":[...],\"warnings\":[...]}
  pfscim check code42-pingone.json
      checks a PingOne connection and its rule

A PingOne file is {\"store\", \"plan\", \"rule\", \"mappings\", \"customAttributes\", \"source\"}. The first four are objects of
PingOne's API (propagation stores, plans, rules, mappings). pfscim adds these keys:
  rule.userFilter    replaces populationExpression: {\"all\": [...]} or {\"any\": [...]}, of such sets and of
                     {\"attribute\", \"operator\": \"Equals\", \"value\"}
  rule.groups        may contain names of groups, not only ids
  defaultValue       in a mapping: the value if the source has none
  CUSTOM_HEADER      in store.configuration: Custom Header, if AUTHORIZATION_TYPE is Custom
  customAttributes   names of the users' custom attributes
  source             the source of the users: {\"files\": [...]} or {\"apiPath\", \"authPath\", \"environment\", \"clientId\"}

Exit status: 0 no errors (warnings are possible), 2 errors";

pub(super) const TEST_EXAMPLES: &str = "\
Examples:
  pfscim test code42.json
      signs in, searches for a user that does not exist, and prints the target's capabilities; writes nothing
  pfscim test code42.json --secret OAUTH_ACCESS_TOKEN=env:TOKEN
      --secret supplies the token, so the connection need not contain it
  pfscim test code42.json --plugin /opt/pingfederate/server/default/deploy
      then repeats the check through the deployed jar, as the console does on activation

Exit status: 0 the connection works, 2 the configuration does not fit the target, 3 wrong credentials or no usable response";

/// The arguments of `pfscim check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Connection from PingFederate's administrative API (GET /idp/spConnections/{id}), or a PingOne file (format: see
    /// the end of this help).
    #[arg(value_name = "CONNECTION.json")]
    pub(crate) connection: PathBuf,
    #[command(flatten)]
    pub(crate) secrets: SecretArguments,
    /// Print one JSON object to standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `pfscim test`.
#[derive(Debug, Args)]
pub(crate) struct Test {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// Print one JSON object to standard output.
    #[arg(long)]
    pub(crate) json: bool,
}
