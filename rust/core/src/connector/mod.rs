//! The facade: what a host may ask of a target.
//! Does not know: files, JNI, where records come from.
//!
//! A [`Connector`] is one target with one set of settings, kept open between cycles; a [`Session`] is one cycle.

mod check;
mod fields;
mod groups;
mod limit;
mod matching;
mod session;
mod writing;

use crate::sync::lock_ignoring_poison;
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

/// A connector that nobody used for so long is dropped.
const IDLE_MAX: Duration = Duration::from_secs(15 * 60);

/// What makes two openings the same connector.
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

/// One target with one set of settings: HTTP client, token, rate limiter, removal latch. Serves many threads.
pub struct Connector {
    settings: Settings,
    environment: Environment,
    addresses: Addresses,
    client: Client,
    /// The standard fields, and the target's own once its schemas were read.
    catalogue: Mutex<Arc<Catalogue>>,
    latch: Arc<Latch>,
    /// Identifiers whose create is under way, in lower case.
    locked_identifiers: Mutex<HashSet<String>>,
    /// What the target says that it can do, once it was asked; `None` inside where it says nothing.
    capabilities: Mutex<Option<Option<Capabilities>>>,
    /// Set once a target answered a filter with users who do not match it.
    ignores_filters: AtomicBool,
    /// Set once a target took a `PATCH` only without filtered paths.
    rejects_filtered_paths: AtomicBool,
    /// Ids of users that were matched by their identifier and not written since, with the time of the match. Kept here
    /// because a host may look up with one session and write with another.
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
    /// The connector for these settings and this channel: the one that is open already, or a new one. Sends nothing.
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

    /// The settings it was opened with.
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

    fn deadline(&self) -> Deadline {
        Deadline(self.now() + self.environment.operation_timeout)
    }

    /// A user was matched by the identifier: until something is written to it, it is nobody's (row 5a).
    fn mark_unlinked(&self, id: &str) {
        lock_ignoring_poison(&self.unlinked).insert(id.to_owned(), self.now());
    }

    fn mark_linked(&self, id: &str) {
        lock_ignoring_poison(&self.unlinked).remove(id);
    }

    fn is_linked(&self, id: &str) -> bool {
        lock_ignoring_poison(&self.unlinked).get(id).is_none_or(|at| self.is_cycle_over(*at))
    }

    /// Whether a cycle that began then has ended by now.
    fn is_cycle_over(&self, since: Duration) -> bool {
        self.now().saturating_sub(since) >= CYCLE_DURATION_MAX
    }

    fn get(&self, url: url::Url, deadline: Deadline) -> Result<Response, RequestError> {
        self.client.send(&Request { method: Method::Get, url, body: None, if_match: None }, deadline)
    }

    /// What the target says that it can do: asked once, `None` where it does not say.
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
            action: settings.remove_action,
        }
    }
}

#[cfg(test)]
mod tests;
