//! Brings records of a host to one target, and checks a target: the entry points of this crate.
//! Does not know: files, JNI, where records come from.
//!
//! A [`Connector`] is one target with one set of settings, and stays open between cycles. A [`Session`] is one cycle.

mod check;
mod fields;
mod groups;
mod limit;
mod matching;
mod session;
mod writing;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use once_cell::sync::Lazy;

pub use self::check::CheckReport;
pub use self::groups::{GroupMember, GroupPreview, GroupRecord, UnlistedMembers};
pub use self::session::{Preview, Session};
pub use crate::lifecycle::RequestedOperation;

use self::limit::{CYCLE_DURATION_MAX, Latch};
use crate::Failure;
use crate::environment::{Environment, ProxyRules};
use crate::http::{Client, Deadline, Method, Request, RequestError, Response};
use crate::lifecycle::DecisionOptions;
use crate::mapping::Catalogue;
use crate::scim::{Addresses, Capabilities};
use crate::settings::Settings;
use crate::sync::lock_ignoring_poison;

/// A connector to which no session or host has a reference is closed after this time without use.
const IDLE_MAX: Duration = Duration::from_secs(15 * 60);

/// Identifies a connector: equal keys share one connector.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ConnectorKey {
    settings: Settings,
    channel: String,
    anchors: Vec<Vec<u8>>,
    proxy: ProxyRules,
    operation_timeout: Duration,
    dry_run: bool,
}

static CONNECTORS: Lazy<Mutex<HashMap<ConnectorKey, Arc<Connector>>>> = Lazy::new(Mutex::default);

/// One target with one set of settings: HTTP client, token, rate limiter, removal latch. Many threads may use it.
pub struct Connector {
    settings: Settings,
    environment: Environment,
    addresses: Addresses,
    client: Client,
    /// The standard fields, and those of the target's schemas after these were read.
    catalogue: Mutex<Arc<Catalogue>>,
    latch: Arc<Latch>,
    /// Identifiers in lower case whose create is not finished.
    locked_identifiers: Mutex<HashSet<String>>,
    /// The service provider configuration. Outer `None`: not read yet. Inner `None`: the target has none.
    capabilities: Mutex<Option<Option<Capabilities>>>,
    /// Set after the target returned users that do not match the filter of a search.
    ignores_filters: AtomicBool,
    /// Set after the target rejected a `PATCH` with filtered paths and accepted one without them.
    rejects_filtered_paths: AtomicBool,
    /// Ids of accounts that a search by the identifier found, with the time of the search. A write of the connector
    /// removes the id. They are not in the session, because a host may look up with one session and write with another.
    unlinked: Mutex<HashMap<String, Duration>>,
    last_used: Mutex<Duration>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("settings", &self.settings)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

impl Connector {
    /// Returns the open connector for these settings and this channel, or opens one. Sends nothing.
    ///
    /// # Errors
    /// [`Failure::Config`].
    pub fn open(settings: Settings, environment: Environment) -> Result<Arc<Self>, Failure> {
        let key = ConnectorKey::new(&settings, &environment);
        let mut connectors = lock_ignoring_poison(&CONNECTORS);
        connectors.retain(|_, c| Arc::strong_count(c) > 1 || c.idle_time() < IDLE_MAX);
        if let Some(connector) = connectors.get(&key) {
            connector.mark_used();
            return Ok(Arc::clone(connector));
        }
        let client = Client::new(&settings, &environment)?;
        let connector = Arc::new(Self::with_client(settings, environment, client));
        connectors.insert(key, Arc::clone(&connector));
        Ok(connector)
    }

    fn with_client(settings: Settings, environment: Environment, client: Client) -> Self {
        Self {
            addresses: Addresses::new(
                settings.scim_url.clone(),
                &settings.users_path,
                &settings.groups_path,
                settings.version,
            ),
            catalogue: Mutex::new(Arc::new(Catalogue::standard(settings.version))),
            latch: Latch::for_connector(&ConnectorKey::new(&settings, &environment)),
            locked_identifiers: Mutex::default(),
            capabilities: Mutex::default(),
            ignores_filters: AtomicBool::new(false),
            rejects_filtered_paths: AtomicBool::new(false),
            unlinked: Mutex::default(),
            last_used: Mutex::new(environment.clock.monotonic()),
            client,
            settings,
            environment,
        }
    }

    /// Returns the settings of this connector.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Starts a provisioning cycle. Sends nothing.
    pub fn session(self: &Arc<Self>) -> Session {
        lock_ignoring_poison(&self.unlinked).retain(|_, at| !self.is_cycle_over(*at));
        Session::new(Arc::clone(self))
    }

    fn now(&self) -> Duration {
        self.environment.clock.monotonic()
    }

    fn mark_used(&self) {
        *lock_ignoring_poison(&self.last_used) = self.now();
    }

    fn idle_time(&self) -> Duration {
        self.now().saturating_sub(*lock_ignoring_poison(&self.last_used))
    }

    /// Returns the deadline of an operation that starts now.
    fn deadline(&self) -> Deadline {
        Deadline(self.now() + self.environment.operation_timeout)
    }

    /// Notes that a search by the identifier found this account, so that row 5a applies to it.
    fn mark_unlinked(&self, id: &str) {
        lock_ignoring_poison(&self.unlinked).insert(id.to_owned(), self.now());
    }

    /// Notes that the connector has written to this account.
    fn mark_linked(&self, id: &str) {
        lock_ignoring_poison(&self.unlinked).remove(id);
    }

    fn is_linked(&self, id: &str) -> bool {
        lock_ignoring_poison(&self.unlinked).get(id).is_none_or(|at| self.is_cycle_over(*at))
    }

    /// Returns true if a cycle that began at `since` is over.
    fn is_cycle_over(&self, since: Duration) -> bool {
        self.now().saturating_sub(since) >= CYCLE_DURATION_MAX
    }

    fn get(&self, url: url::Url, deadline: Deadline) -> Result<Response, RequestError> {
        self.client.send(&Request { method: Method::Get, url, body: None, if_match: None }, deadline)
    }

    /// Reads the service provider configuration once. Returns `None` if the target has none.
    fn capabilities(&self, deadline: Deadline) -> Result<Option<Capabilities>, RequestError> {
        if let Some(cached) = *lock_ignoring_poison(&self.capabilities) {
            return Ok(cached);
        }
        let mut capabilities = None;
        for url in self.addresses.service_provider_configuration() {
            let response = self.get(url, deadline)?;
            if let (200, Some(Ok(body))) = (response.status, &response.body) {
                capabilities = Some(Capabilities::read(body));
                break;
            }
        }
        *lock_ignoring_poison(&self.capabilities) = Some(capabilities);
        Ok(capabilities)
    }
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

impl From<&Settings> for DecisionOptions {
    fn from(settings: &Settings) -> Self {
        Self {
            create: settings.create,
            update: settings.update,
            remove: settings.remove,
            provision_disabled: settings.provision_disabled,
            remove_action: settings.remove_action,
        }
    }
}

#[cfg(test)]
mod tests;
