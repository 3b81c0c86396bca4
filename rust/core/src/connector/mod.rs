//! Brings records of a host to one target, and checks a target: the entry points of this crate.
//! Does not know: files, JNI, where records come from.
//!
//! A [`Connector`] is one target with one set of settings, and stays open between cycles. A [`Session`] is one cycle.

mod check;
mod fields;
mod groups;
mod index;
mod limit;
mod matching;
mod registry;
mod session;
mod writing;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use self::check::CheckReport;
pub use self::groups::{GroupMember, GroupPreview, GroupRecord, UnlistedMembers};
pub use self::registry::Connectors;
pub use self::session::{Preview, Session};
pub use crate::lifecycle::RequestedOperation;

use self::limit::{CYCLE_DURATION_MAX, Latch};
use crate::Failure;
use crate::environment::Environment;
use crate::http::{Client, Deadline, Method, Request, RequestError, Response, Transport};
use crate::lifecycle::DecisionOptions;
use crate::mapping::Catalogue;
use crate::scim::{Addresses, Capabilities};
use crate::settings::Settings;
use crate::sync::{Turns, lock_ignoring_poison};

/// One target with one set of settings: HTTP client, token, rate limiter, removal latch. Many threads may use it.
pub struct Connector {
    settings: Settings,
    environment: Environment,
    addresses: Addresses,
    client: Client,
    /// The standard fields, and those of the target's schemas after these were read.
    catalogue: Mutex<Arc<Catalogue>>,
    latch: Arc<Latch>,
    /// The turns of creates, by identifier in lower case.
    creates: Turns<String>,
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
    /// Opens a connector with another transport and a latch of its own. [`Connectors`] does not share it. Sends nothing.
    ///
    /// # Errors
    /// [`Failure::Config`].
    pub fn over(
        settings: Settings,
        environment: Environment,
        transport: Box<dyn Transport>,
    ) -> Result<Arc<Self>, Failure> {
        let client = Client::with_transport(&settings, &environment, transport)?;
        Ok(Arc::new(Self::new(settings, environment, client, Arc::default())))
    }

    fn new(settings: Settings, environment: Environment, client: Client, latch: Arc<Latch>) -> Self {
        Self {
            addresses: Addresses::new(
                settings.scim_url.clone(),
                &settings.users_path,
                &settings.groups_path,
                settings.version,
            ),
            catalogue: Mutex::new(Arc::new(Catalogue::standard(settings.version))),
            latch,
            creates: Turns::default(),
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

    /// Returns the time from the last use until `now`.
    fn idle_time(&self, now: Duration) -> Duration {
        now.saturating_sub(*lock_ignoring_poison(&self.last_used))
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
