//! A propagation rule, as far as it is more than settings and a channel.

use std::path::PathBuf;

use pfscim_core::settings::Secret;

/// The name of the worker application's secret in `--secret`.
pub const CLIENT_SECRET: &str = "PINGONE_CLIENT_SECRET";
/// More groups than PingOne advises to have in one rule.
const MANY_GROUPS: usize = 1000;

/// Populations and groups that a rule names, each by name or id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Of populations.
    pub populations: Vec<String>,
    /// Of groups.
    pub groups: Vec<String>,
}

/// What a rule is beside settings and a channel.
#[derive(Debug, Clone)]
pub struct Rule {
    /// *On*: the rule by itself, whatever its connection is.
    pub active: bool,
    /// Why the rule provisions nobody at present.
    pub off: Option<String>,
    /// What its filter names.
    pub named: Named,
    /// The groups to be provisioned, by id or name.
    pub groups: Vec<String>,
    /// Where users come from.
    pub(crate) origin: Origin,
}

/// Where users come from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// Pages of users, populations and groups that were saved.
    Files(Vec<PathBuf>),
    /// PingOne's API.
    Api(Access),
}

/// How the API is reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// `https://api.pingone.eu/v1`.
    pub api: String,
    /// `https://auth.pingone.eu`.
    pub authorization: String,
    /// The environment's id.
    pub environment: String,
    /// The worker application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Option<Secret>,
}

impl Rule {
    /// What a second look is good for.
    pub(crate) fn warnings(&self, secrets: &[(String, Secret)]) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.groups.len() > MANY_GROUPS {
            warnings.push(format!("rule.groups: PingOne advises against more than {MANY_GROUPS} groups in one rule"));
        }
        if let Origin::Api(Access { client_secret: None, .. }) = &self.origin
            && !secrets.iter().any(|(name, _)| name == CLIENT_SECRET)
        {
            warnings.push(format!(
                "source: the secret of the worker application is needed from --secret {CLIENT_SECRET}=env:VARIABLE to read PingOne"
            ));
        }
        warnings
    }
}
