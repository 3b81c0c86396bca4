//! Defines the parts of a propagation rule that are neither settings nor channel.
//! Does not know: how a file is read.

use std::path::PathBuf;

use pfscim_core::settings::Secret;

/// The name in `--secret` of the secret of the worker application.
pub const CLIENT_SECRET: &str = "PINGONE_CLIENT_SECRET";
/// PingOne recommends at most this many groups in one rule.
const RECOMMENDED_GROUPS_MAX: usize = 1000;

/// The populations and groups that the filter of a rule names, each by name or id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedObjects {
    /// Populations.
    pub populations: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
}

/// The parts of a rule that are neither settings nor channel.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Whether the rule itself is on. Its connection or plan may still be disabled.
    pub active: bool,
    /// Why the rule does not run, with what to do. `None` if it runs.
    pub inactive_reason: Option<String>,
    /// The populations and groups that the filter names.
    pub named: NamedObjects,
    /// The groups to provision, by id or name.
    pub groups: Vec<String>,
    /// The source of the users.
    pub(crate) source: RuleSource,
}

/// The source of the users of a rule.
#[derive(Debug, Clone)]
pub(crate) enum RuleSource {
    /// Saved pages of users, populations and groups.
    Files(Vec<PathBuf>),
    /// PingOne's API.
    Api(ApiAccess),
}

/// Address and credentials of PingOne's API.
#[derive(Debug, Clone)]
pub struct ApiAccess {
    /// Base URL of the API, for example `https://api.pingone.eu/v1`.
    pub api: String,
    /// Base URL of the authorization server, for example `https://auth.pingone.eu`.
    pub authorization: String,
    /// Id of the environment.
    pub environment: String,
    /// Client id of the worker application.
    pub client_id: String,
    /// Secret of the worker application, if the file contains it.
    pub client_secret: Option<Secret>,
}

impl Rule {
    /// Returns warnings: what the administrator should review.
    pub(crate) fn warnings(&self, secrets: &[(String, Secret)]) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.groups.len() > RECOMMENDED_GROUPS_MAX {
            warnings.push(format!("rule.groups: the rule has more than the {RECOMMENDED_GROUPS_MAX} groups that PingOne recommends; split the rule"));
        }
        if let RuleSource::Api(ApiAccess { client_secret: None, .. }) = &self.source
            && !secrets.iter().any(|(name, _)| name == CLIENT_SECRET)
        {
            warnings.push(format!(
                "source: the secret of the worker application is missing; supply it with --secret {CLIENT_SECRET}=env:VARIABLE"
            ));
        }
        warnings
    }
}
