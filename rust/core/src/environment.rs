//! What the host knows and this crate may not find out by itself: time, trust anchors, the way out.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Time, as the host keeps it.
pub trait Clock: Send + Sync {
    /// Time since some fixed point; never goes back.
    fn monotonic(&self) -> Duration;
    /// The date, for `Retry-After` and token expiry.
    fn system_time(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The machine's clock, for hosts that have no other.
#[derive(Debug, Clone)]
#[expect(clippy::disallowed_types, reason = "the one clock that core offers to its hosts")]
pub struct SystemClock(std::time::Instant);

#[expect(clippy::disallowed_types, reason = "the one clock that core offers to its hosts")]
impl Default for SystemClock {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

#[expect(clippy::disallowed_methods, reason = "the one clock that core offers to its hosts")]
impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// One forward proxy.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// `http://host:port`, without credentials.
    pub url: String,
    /// User name and password, if the proxy wants them.
    pub credentials: Option<(String, String)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = self.credentials.as_ref().map(|_| "[redacted]");
        f.debug_struct("Proxy").field("url", &self.url).field("credentials", &credentials).finish()
    }
}

/// Which proxy a request goes through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ProxyRules {
    /// For `http://` targets.
    pub http: Option<Proxy>,
    /// For `https://` targets (by CONNECT).
    pub https: Option<Proxy>,
    /// Hosts that are reached directly. A pattern is a host name or address with at most one `*` at either end
    /// (`*.example.com`, `10.*`), compared without letter case; a leading dot stands for `*.`; `*` alone is all.
    pub direct_hosts: Vec<String>,
}

/// What a connector is opened with beside the target settings.
#[derive(Clone)]
pub struct Environment {
    /// Tells apart the channels that share one set of target settings.
    pub channel: String,
    /// DER of the certificates that end a chain of trust. One that cannot be parsed is logged and skipped.
    pub anchors: Vec<Vec<u8>>,
    /// The way out.
    pub proxy: ProxyRules,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How long one operation may take in all, repeats included: no write starts in its last five seconds.
    pub operation_timeout: Duration,
    /// True: reads are sent, writes are not; reports say what would have happened.
    pub dry_run: bool,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("channel", &self.channel)
            .field("anchors", &self.anchors.len())
            .field("proxy", &self.proxy)
            .field("operation_timeout", &self.operation_timeout)
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}
