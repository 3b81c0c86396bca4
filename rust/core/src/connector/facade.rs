//! Keeps what stays open between the cycles of one target.
//! Does not know: sessions, operations.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::exchange::{Exchange, OperationError, TimeLimit};
use super::fields::Fields;
use super::limit::{CYCLE_DURATION_MAX, Latch};
use crate::Failure;
use crate::environment::Environment;
use crate::facts::Learnt;
use crate::http::{Client, Transport};
use crate::scim::ResourceType;
use crate::settings::Settings;
use crate::sync::{Turn, Turns, lock_ignoring_poison};

/// One target with one set of settings: HTTP client, token, rate limiter, removal latch. Many threads may use it.
pub struct Connector {
    pub(super) exchange: Exchange,
    pub(super) fields: Fields,
    pub(super) latch: Arc<Latch>,
    /// The turns of creates.
    creates: Turns<(ResourceType, String)>,
    /// Whether the connector has written to a resource that a lookup found by the identifier or name, and since when.
    /// These are not in the session, because a host may look up with one session and write with another.
    links: Mutex<HashMap<(ResourceType, String), (Link, Duration)>>,
    /// Resources that a host has found by a name while the target did not have the stored id: that id, and the time.
    found_instead: Mutex<HashMap<(ResourceType, String), (String, Duration)>>,
    /// When a create of an identifier or name was sent last. What a session has read before is too old.
    sent_creates: Mutex<HashMap<(ResourceType, String), Duration>>,
    last_used: Mutex<Duration>,
}

/// What the connector did with a resource in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// It created the resource, or wrote to it.
    Written,
    /// A lookup found it, and nothing was written.
    FoundOnly,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("settings", &self.exchange.settings)
            .field("environment", &self.exchange.environment)
            .finish_non_exhaustive()
    }
}

impl Connector {
    /// Opens a connector with another transport and a latch of its own. [`super::Connectors`] does not share it. Sends
    /// nothing.
    ///
    /// # Errors
    /// [`Failure::Config`].
    pub fn over(
        settings: Settings,
        environment: Environment,
        transport: Box<dyn Transport>,
    ) -> Result<Arc<Self>, Failure> {
        let client = Client::with_transport(&settings, &environment, transport)?;
        Ok(Arc::new(Self::new(settings, environment, client, Arc::default(), Arc::default())))
    }

    pub(super) fn new(
        settings: Settings,
        environment: Environment,
        client: Client,
        latch: Arc<Latch>,
        learnt: Arc<Learnt>,
    ) -> Self {
        Self {
            last_used: Mutex::new(environment.clock.monotonic()),
            fields: Fields::new(settings.version),
            latch,
            creates: Turns::default(),
            links: Mutex::default(),
            found_instead: Mutex::default(),
            sent_creates: Mutex::default(),
            exchange: Exchange::new(settings, environment, client, learnt),
        }
    }

    /// Returns the settings of this connector.
    pub fn settings(&self) -> &Settings {
        &self.exchange.settings
    }

    /// Adds what was learnt about the target in earlier runs: the JSON text that [`Connector::learnt`] returned.
    pub fn learn(&self, json: &str) {
        self.exchange.learnt.add(json);
    }

    /// Returns what was learnt about the target, as JSON text for the host to store. It contains no value of a record.
    pub fn learnt(&self) -> String {
        self.exchange.learnt.json(self.exchange.date())
    }

    pub(super) fn mark_used(&self) {
        *lock_ignoring_poison(&self.last_used) = self.exchange.now();
    }

    /// Returns the time from the last use until `now`.
    pub(super) fn idle_time(&self, now: Duration) -> Duration {
        now.saturating_sub(*lock_ignoring_poison(&self.last_used))
    }

    /// Waits until no other create of this identifier or name runs. Until the turn ends, no other one begins.
    ///
    /// # Errors
    /// [`Failure::Transport`] at the deadline.
    pub(super) fn take_create_turn(
        &self,
        kind: ResourceType,
        value: &str,
        limit: &TimeLimit,
    ) -> Result<Turn<'_, (ResourceType, String)>, OperationError> {
        let clock = &*self.exchange.environment.clock;
        self.creates.take((kind, self.exchange.filter(kind).key(value)), clock, limit.deadline().0).ok_or_else(|| {
            let text = "another create of the same identifier did not finish in time, so the next cycle tries again";
            Failure::transport(text).into()
        })
    }

    /// Notes that a lookup by the identifier or name found this resource, so that row 5a applies to it.
    pub(super) fn mark_found(&self, kind: ResourceType, id: &str) {
        let now = self.exchange.now();
        let mut links = lock_ignoring_poison(&self.links);
        let link = links.entry((kind, id.to_owned())).or_insert((Link::FoundOnly, now));
        if self.is_cycle_over(link.1) || link.0 == Link::FoundOnly {
            *link = (Link::FoundOnly, now);
        }
    }

    /// Notes that the connector has written to this resource.
    pub(super) fn mark_linked(&self, kind: ResourceType, id: &str) {
        lock_ignoring_poison(&self.links).insert((kind, id.to_owned()), (Link::Written, self.exchange.now()));
    }

    /// Returns false if only a lookup by the identifier or name found this resource.
    pub(super) fn is_linked(&self, kind: ResourceType, id: &str) -> bool {
        let links = lock_ignoring_poison(&self.links);
        links.get(&(kind, id.to_owned())).is_none_or(|(link, at)| *link == Link::Written || self.is_cycle_over(*at))
    }

    /// Notes that a host has found this resource by a name, while the target does not have the stored id.
    pub(super) fn mark_found_instead(&self, kind: ResourceType, found: &str, stored: &str) {
        let value = (stored.to_owned(), self.exchange.now());
        lock_ignoring_poison(&self.found_instead).insert((kind, found.to_owned()), value);
    }

    /// Returns the stored id instead of which a host has found this resource in this cycle. A removal of the resource may
    /// then mean the stored one, even if its owner was written meanwhile.
    pub(super) fn found_instead_of(&self, kind: ResourceType, found: &str) -> Option<String> {
        let found_instead = lock_ignoring_poison(&self.found_instead);
        let (stored, at) = found_instead.get(&(kind, found.to_owned()))?;
        (!self.is_cycle_over(*at)).then(|| stored.clone())
    }

    /// Notes that a create is about to be sent. `key` is that of the filter.
    pub(super) fn mark_create(&self, kind: ResourceType, key: &str) {
        lock_ignoring_poison(&self.sent_creates).insert((kind, key.to_owned()), self.exchange.now());
    }

    /// Returns true if a session sent a create at this time or later.
    pub(super) fn is_created_since(&self, kind: ResourceType, key: &str, at: Duration) -> bool {
        lock_ignoring_poison(&self.sent_creates).get(&(kind, key.to_owned())).is_some_and(|sent| *sent >= at)
    }

    /// Forgets what was noted before the current cycle.
    pub(super) fn forget_old_notes(&self) {
        lock_ignoring_poison(&self.links).retain(|_, (_, at)| !self.is_cycle_over(*at));
        lock_ignoring_poison(&self.found_instead).retain(|_, (_, at)| !self.is_cycle_over(*at));
        lock_ignoring_poison(&self.sent_creates).retain(|_, at| !self.is_cycle_over(*at));
    }

    /// Returns true if a cycle that began at `since` is over.
    pub(super) fn is_cycle_over(&self, since: Duration) -> bool {
        self.exchange.now().saturating_sub(since) >= CYCLE_DURATION_MAX
    }
}
