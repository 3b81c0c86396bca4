//! Defines what the host supplies to core: clock, random values, trust anchors, proxy, deadline.
//! Does not know: SCIM, environment variables, files.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The clock that the host supplies.
pub trait Clock: Send + Sync {
    /// Returns the time since a fixed point; it never goes back.
    fn monotonic(&self) -> Duration;
    /// Returns the date, for rate limits that end at a date (`Retry-After`).
    fn system_time(&self) -> SystemTime;
    /// Blocks the thread for this time.
    fn sleep(&self, time: Duration);
}

/// The machine's clock, for hosts without a clock of their own.
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

/// The source of random values that the host supplies. No secret is made of them.
pub trait Random: Send + Sync {
    /// Fills the bytes with random values. If the source fails, the bytes stay as they are.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's random values, for hosts without a source of their own.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one source of random values that core offers to its hosts")]
    fn fill(&self, bytes: &mut [u8]) {
        let mut random = vec![0; bytes.len()];
        if getrandom::fill(&mut random).is_ok() {
            bytes.copy_from_slice(&random);
        }
    }
}

/// A forward proxy.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// `http://host:port`, without credentials.
    pub url: String,
    /// User name and password, if the proxy requires them.
    pub credentials: Option<(String, String)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = self.credentials.as_ref().map(|_| "[redacted]");
        f.debug_struct("Proxy").field("url", &self.url).field("credentials", &credentials).finish()
    }
}

/// The proxy of each scheme, and the hosts that need none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ProxyRules {
    /// The proxy for `http://` targets.
    pub http: Option<Proxy>,
    /// The proxy for `https://` targets, by `CONNECT` (RFC 9110 section 9.3.6).
    pub https: Option<Proxy>,
    /// Patterns of hosts that are reached without a proxy. A pattern is a host name or an address, with at most one `*`
    /// at either end (`*.example.com`, `10.*`). Case is ignored. A leading dot means `*.`, and `*` alone means all.
    pub direct_hosts: Vec<String>,
}

/// What a connector needs in addition to the target settings.
#[derive(Clone)]
pub struct Environment {
    /// Distinguishes the channels that share one set of target settings.
    pub channel: String,
    /// The certificates (DER) that end a chain of trust. If one cannot be parsed, it is logged and left out.
    pub anchors: Vec<Vec<u8>>,
    /// The proxies.
    pub proxy: ProxyRules,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
    /// The source of random values.
    pub random: Arc<dyn Random>,
    /// The limit of one operation, including repeats. No write starts in its last five seconds.
    pub operation_timeout: Duration,
    /// If true, the connector writes nothing to the target. Reports then contain what a write would have done.
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

/// What tests of several modules share.
#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Mutex;

    use super::*;

    /// A clock that moves only when the code under test sleeps.
    #[derive(Default)]
    pub(crate) struct ManualClock(Mutex<Duration>);

    impl Clock for ManualClock {
        fn monotonic(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        fn system_time(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + self.monotonic()
        }

        fn sleep(&self, time: Duration) {
            *self.0.lock().unwrap() += time;
            std::thread::yield_now();
        }
    }

    /// An environment with this clock, and without anchors and proxies.
    pub(crate) fn environment(clock: Arc<dyn Clock>) -> Environment {
        Environment {
            channel: "1".into(),
            anchors: Vec::new(),
            proxy: ProxyRules::default(),
            clock,
            random: Arc::new(SystemRandom),
            operation_timeout: Duration::from_secs(50),
            dry_run: false,
        }
    }
}
