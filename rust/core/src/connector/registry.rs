//! Shares connectors between the sessions of a host, and latches between connectors.
//! Does not know: what a connector does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::facade::Connector;
use super::limit::Latch;
use crate::Failure;
use crate::environment::{Environment, ProxyRules};
use crate::facts::Learnt;
use crate::http::Client;
use crate::settings::Settings;
use crate::sync::lock_ignoring_poison;

/// A connector to which no session or host has a reference is closed after this time without use.
const IDLE_MAX: Duration = Duration::from_secs(15 * 60);

/// Identifies a connector: equal keys share one connector.
#[derive(PartialEq, Eq, Hash)]
struct ConnectorKey {
    settings: Settings,
    channel: String,
    anchors: Vec<Vec<u8>>,
    proxy: ProxyRules,
    operation_timeout: Duration,
    dry_run: bool,
}

impl ConnectorKey {
    fn new(settings: &Settings, environment: &Environment) -> Self {
        Self {
            settings: settings.clone(),
            channel: environment.channel.clone(),
            anchors: environment.anchors.clone(),
            proxy: environment.proxy.clone(),
            operation_timeout: environment.operation_timeout,
            dry_run: environment.dry_run,
        }
    }
}

/// Channel, SCIM URL, limit, and whether it is a dry run.
type LatchKey = (String, String, Option<u32>, bool);

/// The open connectors of one host, and their latches. All environments of a host have one clock.
#[derive(Default)]
pub struct Connectors {
    open: Mutex<HashMap<ConnectorKey, Arc<Connector>>>,
    /// What was learnt about the target of each SCIM URL.
    learnt: Mutex<HashMap<String, Arc<Learnt>>>,
    /// Latches outlive connectors, because a new access token makes a new connector and must not open the latch.
    latches: Mutex<HashMap<LatchKey, Arc<Latch>>>,
}

impl Connectors {
    /// Returns the open connector for these settings and this channel, or opens one. Closes connectors that were idle for
    /// too long. Sends nothing.
    ///
    /// # Errors
    /// [`Failure::Config`].
    pub fn open(&self, settings: Settings, environment: Environment) -> Result<Arc<Connector>, Failure> {
        let key = ConnectorKey::new(&settings, &environment);
        let now = environment.clock.monotonic();
        let mut open = lock_ignoring_poison(&self.open);
        open.retain(|_, connector| Arc::strong_count(connector) > 1 || connector.idle_time(now) < IDLE_MAX);
        if let Some(connector) = open.get(&key) {
            connector.mark_used();
            return Ok(Arc::clone(connector));
        }
        let client = Client::new(&settings, &environment)?;
        let latch = self.latch(&settings, &environment);
        let url = settings.scim_url.to_string();
        let learnt = Arc::clone(lock_ignoring_poison(&self.learnt).entry(url).or_default());
        let connector = Arc::new(Connector::new(settings, environment, client, latch, learnt));
        open.insert(key, Arc::clone(&connector));
        Ok(connector)
    }

    /// Returns the latch of a connector. Connectors of the same channel, SCIM URL and limit share it.
    fn latch(&self, settings: &Settings, environment: &Environment) -> Arc<Latch> {
        let scim_url = settings.scim_url.to_string();
        let key = (environment.channel.clone(), scim_url, settings.max_removals, environment.dry_run);
        Arc::clone(lock_ignoring_poison(&self.latches).entry(key).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Clock;
    use crate::environment::testing::{ManualClock, environment};

    fn settings(changes: &[(&str, &str)]) -> Settings {
        let mut pairs = vec![("SCIM_URL", "http://shared.invalid"), ("AUTHENTICATION_METHOD", "None")];
        pairs.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        pairs.extend(changes);
        Settings::parse(pairs).unwrap()
    }

    fn open(connectors: &Connectors, changes: &[(&str, &str)], environment: &Environment) -> Arc<Connector> {
        connectors.open(settings(changes), environment.clone()).unwrap()
    }

    #[test]
    fn the_same_settings_and_channel_share_one_connector() {
        let connectors = Connectors::default();
        let environment = environment(Arc::new(ManualClock::default()));
        let first = open(&connectors, &[], &environment);
        assert!(Arc::ptr_eq(&first, &open(&connectors, &[], &environment)));
        let other = Environment { channel: "other".into(), ..environment.clone() };
        assert!(!Arc::ptr_eq(&first, &open(&connectors, &[], &other)));
        assert!(!Arc::ptr_eq(&first, &open(&Connectors::default(), &[], &environment)), "each host has its own");
    }

    #[test]
    fn an_idle_connector_is_closed_at_the_time_of_the_next_open() {
        let connectors = Connectors::default();
        let [clock, later] = [Duration::ZERO, IDLE_MAX].map(|time| {
            let clock = ManualClock::default();
            clock.sleep(time);
            environment(Arc::new(clock))
        });
        let idle = Arc::downgrade(&open(&connectors, &[], &clock));
        let used = open(&connectors, &[("USERS_RESOURCE", "/People")], &clock);
        let other = Environment { channel: "other".into(), ..clock.clone() };
        open(&connectors, &[], &other);
        assert!(idle.upgrade().is_some());
        open(&connectors, &[], &Environment { channel: "other".into(), ..later.clone() });
        assert!(idle.upgrade().is_none());
        assert!(Arc::ptr_eq(&used, &open(&connectors, &[("USERS_RESOURCE", "/People")], &later)));
    }

    #[test]
    fn a_latch_outlives_connectors_and_belongs_to_channel_scim_url_limit_and_dry_run() {
        let connectors = Connectors::default();
        let environment = environment(Arc::new(ManualClock::default()));
        let latch = Arc::clone(&open(&connectors, &[], &environment).latch);
        let shares_latch = |changes: &[(&str, &str)], environment: &Environment| {
            Arc::ptr_eq(&latch, &open(&connectors, changes, environment).latch)
        };
        let token = [("AUTHENTICATION_METHOD", "OAuth 2 Bearer Token"), ("OAUTH_ACCESS_TOKEN", "new")];
        assert!(shares_latch(&token, &environment), "a new access token");
        assert!(!shares_latch(&[("SCIM_URL", "http://other.invalid")], &environment));
        assert!(!shares_latch(&[("MAX_REMOVALS_PER_CYCLE", "5")], &environment));
        assert!(!shares_latch(&[], &Environment { channel: "other".into(), ..environment.clone() }));
        assert!(!shares_latch(&[], &Environment { dry_run: true, ..environment.clone() }));
        environment.clock.sleep(IDLE_MAX);
        assert!(shares_latch(&[], &environment), "the connector was closed and is opened again");
    }
}
