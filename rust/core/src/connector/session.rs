//! One provisioning cycle: the operations a host asks for, and what is remembered between them.

use crate::sync::lock_ignoring_poison;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use super::Connector;
use super::groups::GroupCache;
use super::limit::RemovalCounter;
use super::matching::UserIndex;
use crate::http::{Deadline, RequestError, Response};
use crate::lifecycle::{DecisionInput, DecisionOptions, Effect, RequestedOperation, TargetStatus, decide};
use crate::mapping::Change;
use crate::record::ProvisioningOption;
use crate::scim::ResourceType;
use crate::settings::Authentication;
use crate::text::{printable, without};
use crate::{Failure, Message, Outcome, Record, Report, scim};

/// How long a resource that was just read may serve the write that follows.
const CACHE_TTL: Duration = Duration::from_secs(60);
/// How many such resources are kept.
const CACHE_ENTRIES_MAX: usize = 10_000;
/// So many 403 at the start of a session mean that these credentials may do nothing here.
const INITIAL_FORBIDDEN_MAX: u32 = 3;
/// So many transport failures in a row mean that the target is away.
const CONSECUTIVE_TRANSPORT_FAILURES_MAX: u32 = 5;

/// How an operation would end, and what it would change; for previews.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// How the operation would end.
    pub report: Report,
    /// Field by field, in catalogue order, before them `active` where an update turns it. A create lists every field
    /// with no old values.
    pub changes: Vec<Change>,
}

/// A user or group of the target.
#[derive(Debug, Clone)]
pub(super) struct MatchedResource {
    pub(super) kind: ResourceType,
    pub(super) id: String,
    pub(super) resource: Value,
    pub(super) etag: Option<String>,
    /// False where it was found by its identifier only.
    pub(super) linked: bool,
}

/// Why an operation did not come to its end, on the way to a [`Failure`].
#[derive(Debug)]
pub(super) struct OperationError {
    pub(super) failure: Failure,
    /// The target answered 403.
    pub(super) forbidden: bool,
    /// The target may have acted all the same.
    pub(super) maybe_done: bool,
}

impl From<Failure> for OperationError {
    fn from(failure: Failure) -> Self {
        Self { failure, forbidden: false, maybe_done: false }
    }
}

impl From<RequestError> for OperationError {
    fn from(error: RequestError) -> Self {
        Self { failure: error.failure, forbidden: false, maybe_done: error.maybe_done }
    }
}

/// What a session remembers for the length of a cycle.
#[derive(Default)]
pub(super) struct SessionCache {
    /// When this cycle began.
    started_at: Duration,
    /// Resources just read, by id, with the time of reading.
    resources: HashMap<String, (Duration, MatchedResource)>,
    /// Identifiers, in lower case, that were looked up in vain.
    pub(super) absent_identifiers: HashSet<String>,
    /// Users found by their identifier only: id to the stored id that was asked for and is gone, if any.
    matched_by_identifier: HashMap<String, Option<String>>,
    skip_counts: BTreeMap<ProvisioningOption, u64>,
    operations: u32,
    forbidden: u32,
    transport_failures: u32,
}

/// One provisioning cycle. Serves many threads.
pub struct Session {
    connector: Arc<Connector>,
    removal_counter: RemovalCounter,
    cache: Mutex<SessionCache>,
    /// The whole list of a target that ignores filters.
    pub(super) user_index: Mutex<Option<Arc<UserIndex>>>,
    pub(super) group_cache: Mutex<GroupCache>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("connector", &self.connector).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        let removal_counter =
            RemovalCounter::new(Arc::clone(&connector.latch), connector.settings.max_removals, connector.now());
        Self {
            connector,
            removal_counter,
            cache: Mutex::default(),
            user_index: Mutex::default(),
            group_cache: Mutex::default(),
        }
    }

    /// The connector behind this session.
    pub fn connector(&self) -> &Arc<Connector> {
        &self.connector
    }

    /// Finds a user by id, then by the value of the unique user identifier.
    ///
    /// # Errors
    /// `ambiguous` where several users carry the identifier; wire failures.
    pub fn find_user(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        self.operation(None, |deadline| {
            let found = self.find(id, identifier, deadline)?;
            Ok(found.map(|found| {
                let record =
                    Record { id: Some(found.id.clone()), ..self.connector.catalogue().record(&found.resource) };
                self.cache_resource(found);
                record
            }))
        })
    }

    /// Rows 1 to 5a of `docs/decisions.md`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn create_user(&self, record: &Record) -> Result<Report, Failure> {
        self.execute(RequestedOperation::Create, record).map(|preview| preview.report)
    }

    /// Rows 6 to 16 of `docs/decisions.md`: an update, which for a disabled record may be a removal.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn update_user(&self, record: &Record) -> Result<Report, Failure> {
        self.execute(RequestedOperation::Update, record).map(|preview| preview.report)
    }

    /// Rows 11 to 16: always a removal, of the stored id only.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn remove_user(&self, record: &Record) -> Result<Report, Failure> {
        self.execute(RequestedOperation::Remove, record).map(|preview| preview.report)
    }

    /// The operation, in an environment with `dry_run`: reads as it would, writes nothing, and tells what would
    /// change field by field.
    ///
    /// # Errors
    /// As the operation; [`Failure::Config`] where the environment is no dry run.
    pub fn preview(&self, operation: RequestedOperation, record: &Record) -> Result<Preview, Failure> {
        self.require_dry_run()?;
        self.execute(operation, record)
    }

    pub(super) fn require_dry_run(&self) -> Result<(), Failure> {
        if self.connector.environment.dry_run {
            return Ok(());
        }
        Err(Failure::Config("a preview needs a connector that was opened for a dry run".into()))
    }

    /// Ends the cycle: calls still running finish. Returns the closing lines for the log: how often each
    /// provisioning option held something back.
    pub fn close(&self) -> Vec<String> {
        let skip_counts = std::mem::take(&mut self.cache().skip_counts);
        skip_counts
            .into_iter()
            .map(|(option, count)| format!("{} {} ({count} in this cycle)", option.label(), option.consequence()))
            .collect()
    }

    fn execute(&self, operation: RequestedOperation, record: &Record) -> Result<Preview, Failure> {
        self.operation(Some(record), |deadline| match operation {
            RequestedOperation::Create => self.create(operation, record, deadline),
            RequestedOperation::Update if record.enabled => self.update(record, deadline),
            RequestedOperation::Update => self.update_disabled(record, deadline),
            RequestedOperation::Remove => self.remove(record, deadline),
        })
    }

    /// By id first; where that is gone, or unknown, by the identifier.
    fn find(
        &self,
        id: Option<&str>,
        identifier: Option<&str>,
        deadline: Deadline,
    ) -> Result<Option<MatchedResource>, OperationError> {
        let id = id.filter(|id| !id.is_empty());
        if let Some(id) = id
            && let Some(found) = self.read(ResourceType::User, id, deadline)?
        {
            return Ok(Some(found));
        }
        let Some(value) = identifier.filter(|value| !value.is_empty()) else { return Ok(None) };
        let found = self.look_up(value, deadline)?;
        if let Some(found) = &found {
            self.connector.mark_unlinked(&found.id);
            self.cache().matched_by_identifier.insert(found.id.clone(), id.map(str::to_owned));
        }
        Ok(found)
    }

    /// A user by its id: as just read, or read now. Whoever was found by identifier only stays not linked until
    /// something is written.
    fn cached_or_read(&self, id: &str, deadline: Deadline) -> Result<Option<MatchedResource>, OperationError> {
        let cached = self.cache().resources.remove(id);
        if let Some((at, found)) = cached
            && self.connector.now().saturating_sub(at) < CACHE_TTL
        {
            return Ok(Some(found));
        }
        let found = self.read(ResourceType::User, id, deadline)?;
        let linked = self.connector.is_linked(id);
        Ok(found.map(|found| MatchedResource { linked, ..found }))
    }

    /// A create looks up first, unless this cycle's lookup has just found nobody.
    fn create(
        &self,
        operation: RequestedOperation,
        record: &Record,
        deadline: Deadline,
    ) -> Result<Preview, OperationError> {
        let value = self.identifier_of(record)?;
        let lock = self.connector.lock_identifier(value, deadline)?;
        let known_absent = !lock.waited && self.cache().absent_identifiers.contains(&value.to_lowercase());
        let found = if known_absent { None } else { self.look_up(value, deadline)? };
        self.apply(operation, record, found, deadline)
    }

    fn update(&self, record: &Record, deadline: Deadline) -> Result<Preview, OperationError> {
        let found = match record.known_id() {
            Some(id) => self.cached_or_read(id, deadline)?,
            None => None,
        };
        match found {
            Some(found) => self.apply(RequestedOperation::Update, record, Some(found), deadline),
            // Row 9; the create looks the identifier up.
            None => self.create(RequestedOperation::Update, record, deadline),
        }
    }

    /// An update of a disabled user may end as a removal, so it acts on the stored id only.
    fn update_disabled(&self, record: &Record, deadline: Deadline) -> Result<Preview, OperationError> {
        let Some(id) = record.known_id() else {
            return self.create(RequestedOperation::Update, record, deadline);
        };
        if let Some(preview) = self.report_if_identifier_reused(id) {
            return Ok(preview);
        }
        if let Some(found) = self.cached_or_read(id, deadline)? {
            return self.apply(RequestedOperation::Update, record, Some(found), deadline);
        }
        let input = DecisionInput {
            operation: RequestedOperation::Update,
            enabled: false,
            target_status: TargetStatus::Absent,
            linked: true,
        };
        match decide(input, DecisionOptions::from(&self.connector.settings)) {
            // Row 10a, unless the identifier has passed to another account meanwhile.
            Effect::Create { .. } => {
                let value = self.identifier_of(record)?;
                let lock = self.connector.lock_identifier(value, deadline)?;
                let known_absent = !lock.waited && self.cache().absent_identifiers.contains(&value.to_lowercase());
                match if known_absent { None } else { self.look_up(value, deadline)? } {
                    Some(_) => Ok(report_reused_identifier(id)),
                    None => self.apply(RequestedOperation::Update, record, None, deadline),
                }
            }
            _ => self.apply(RequestedOperation::Update, record, None, deadline),
        }
    }

    fn remove(&self, record: &Record, deadline: Deadline) -> Result<Preview, OperationError> {
        let Some(id) = record.known_id() else {
            let report = Report::new(Outcome::AlreadyGone, None)
                .warn("no target id is stored for this user, so there is nothing that may be removed");
            return Ok(report.into());
        };
        if let Some(preview) = self.report_if_identifier_reused(id) {
            return Ok(preview);
        }
        let found = self.cached_or_read(id, deadline)?;
        let preview = self.apply(RequestedOperation::Remove, record, found, deadline)?;
        let is_reused = self.cache().matched_by_identifier.values().any(|stored| stored.as_deref() == Some(id));
        Ok(if is_reused { report_reused_identifier(id) } else { preview })
    }

    /// Where this cycle's lookup met a stored id that is gone and matched this account by the identifier instead,
    /// the account belongs to somebody else by now.
    fn report_if_identifier_reused(&self, id: &str) -> Option<Preview> {
        let stored = self.cache().matched_by_identifier.get(id).cloned().flatten()?;
        Some(report_reused_identifier(&stored))
    }

    /// Carries out what the decision table says.
    pub(super) fn apply(
        &self,
        operation: RequestedOperation,
        record: &Record,
        found: Option<MatchedResource>,
        deadline: Deadline,
    ) -> Result<Preview, OperationError> {
        let input = DecisionInput {
            operation,
            enabled: record.enabled,
            target_status: match &found {
                None => TargetStatus::Absent,
                Some(found) if scim::is_active(&found.resource) => TargetStatus::Active,
                Some(_) => TargetStatus::Inactive,
            },
            linked: found.as_ref().is_some_and(|found| found.linked),
        };
        let id = found.as_ref().map(|found| found.id.as_str()).or(record.known_id());
        match (decide(input, DecisionOptions::from(&self.connector.settings)), &found) {
            (Effect::Create { active }, _) => self.post(record, active, deadline),
            (Effect::Skip(option), _) => Ok(self.skip(option, id).into()),
            (Effect::Nothing(outcome), _) => Ok(Report::new(outcome, id).into()),
            (effect, Some(found)) => {
                let preview = match effect {
                    Effect::Write { active, changed, unchanged } => {
                        self.write(record, found, active, (changed, unchanged), deadline)
                    }
                    Effect::Delete => self.delete(found, record, deadline),
                    _ => self.disable(found, record, deadline),
                }?;
                self.connector.mark_linked(&found.id);
                Ok(preview)
            }
            // The table gives these effects for a present user only.
            (_, None) => Err(Failure::NotFound("the user is not at the target".into()).into()),
        }
    }

    /// The first time in a session the setting is explained, later it is only counted.
    fn skip(&self, option: ProvisioningOption, id: Option<&str>) -> Report {
        let mut cache = self.cache();
        let count = cache.skip_counts.entry(option).or_default();
        *count += 1;
        let report = Report::skipped(option, id);
        match *count {
            1 => report.warn(format!("{} {}", option.label(), option.consequence())),
            _ => report,
        }
    }

    /// Takes a removal from what the limit allows; a removal of the connector's own account is refused.
    pub(super) fn allow_removal(&self, found: &MatchedResource, record: &Record) -> Result<(), OperationError> {
        if let Authentication::Basic { user, .. } = &self.connector.settings.authentication {
            let is_own = |name: &str| name.to_lowercase() == user.to_lowercase();
            let identifier = self.connector.settings.identifier;
            if scim::identifier_values(&found.resource, identifier).iter().any(|v| is_own(v))
                || scim::member(&found.resource, "userName").and_then(Value::as_str).is_some_and(is_own)
                || record.first(identifier.code()).is_some_and(is_own)
            {
                return Err(Failure::Rejected(
                    "this is the account of Basic Authentication Username, with which the connector itself signs in; \
                     it is not removed, take it out of the channel's source"
                        .into(),
                )
                .into());
            }
        }
        self.count_removal()
    }

    /// Row 16.
    pub(super) fn count_removal(&self) -> Result<(), OperationError> {
        Ok(self.removal_counter.count(self.connector.now())?)
    }

    pub(super) fn identifier_of<'r>(&self, record: &'r Record) -> Result<&'r str, OperationError> {
        let code = self.connector.settings.identifier.code();
        record.first(code).ok_or_else(|| {
            Failure::Rejected(
                format!("{code} has no value, but it is the Unique User Identifier; check its mapping").into(),
            )
            .into()
        })
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, SessionCache> {
        lock_ignoring_poison(&self.cache)
    }

    /// A host may keep one session open: what was learnt of the target is then forgotten when a cycle's time is over.
    fn start_new_cycle_if_due(&self) {
        let mut cache = self.cache();
        if self.connector.is_cycle_over(cache.started_at) {
            let skip_counts = std::mem::take(&mut cache.skip_counts);
            *cache = SessionCache { started_at: self.connector.now(), skip_counts, ..SessionCache::default() };
            *lock_ignoring_poison(&self.user_index) = None;
            *lock_ignoring_poison(&self.group_cache) = GroupCache::default();
        }
    }

    fn cache_resource(&self, found: MatchedResource) {
        let now = self.connector.now();
        let mut cache = self.cache();
        if cache.resources.len() >= CACHE_ENTRIES_MAX {
            cache.resources.retain(|_, (at, _)| now.saturating_sub(*at) < CACHE_TTL);
        }
        if cache.resources.len() < CACHE_ENTRIES_MAX {
            cache.resources.insert(found.id.clone(), (now, found));
        }
    }

    /// Runs one operation: its deadline, and what its end means for the session.
    pub(super) fn operation<T>(
        &self,
        record: Option<&Record>,
        run: impl FnOnce(Deadline) -> Result<T, OperationError>,
    ) -> Result<T, Failure> {
        self.connector.mark_used();
        self.start_new_cycle_if_due();
        let result = run(self.connector.deadline());
        let mut cache = self.cache();
        cache.operations = cache.operations.saturating_add(1);
        match result {
            Ok(value) => {
                cache.transport_failures = 0;
                Ok(value)
            }
            Err(error) => Err(self.connector.without_secrets(record, cache.record_error(error))),
        }
    }
}

impl SessionCache {
    /// What a trouble means after all that the session has seen.
    fn record_error(&mut self, error: OperationError) -> Failure {
        self.forbidden += u32::from(error.forbidden);
        if error.forbidden && self.forbidden == INITIAL_FORBIDDEN_MAX && self.operations == INITIAL_FORBIDDEN_MAX {
            let text = format!(
                "the target answered 403 to the first {INITIAL_FORBIDDEN_MAX} operations: {}",
                error.failure.message().text()
            );
            let hint = "check Authentication Methods and the permissions of these credentials at the target";
            return Failure::AuthFailed(Message::new(text).with_hint(hint));
        }
        match error.failure {
            Failure::Transport { message, stops } => {
                self.transport_failures += 1;
                Failure::Transport {
                    message,
                    stops: stops || self.transport_failures >= CONSECUTIVE_TRANSPORT_FAILURES_MAX,
                }
            }
            other => {
                self.transport_failures = 0;
                other
            }
        }
    }
}

impl Connector {
    /// The failure behind an answer that is neither success nor dealt with.
    pub(super) fn unexpected_status(&self, action: &str, response: &Response) -> OperationError {
        let text = format!("{action}: the target answered {}", status_and_reason(response));
        let failure = match response.status {
            400..=499 => Failure::Rejected(text.into()),
            500..=599 => Failure::transport(text),
            _ => Failure::Protocol(text.into()),
        };
        OperationError { failure, forbidden: response.status == 403, maybe_done: response.status >= 500 }
    }

    /// A target may repeat what it was sent; values that must not be seen are struck out of its reason. (Credentials
    /// are by the client.)
    fn without_secrets(&self, record: Option<&Record>, failure: Failure) -> Failure {
        let mut secrets: Vec<&str> = Vec::new();
        if let Some(record) = record {
            let catalogue = self.catalogue();
            let is_secret =
                |code: &&String| record.masked.contains(*code) || catalogue.field(code).is_some_and(|f| f.write_only);
            let values = record.fields.keys().filter(is_secret).filter_map(|code| record.fields.get(code)).flatten();
            secrets.extend(values.map(String::as_str));
        }
        let mut message = failure.to_string();
        for secret in secrets {
            message = without(&message, &printable(secret));
        }
        Failure::parse(&message, failure.stops_session()).unwrap_or(failure)
    }
}

impl From<Report> for Preview {
    fn from(report: Report) -> Self {
        Self { report, changes: Vec::new() }
    }
}

/// The status and the reason of an answer.
pub(super) fn status_and_reason(response: &Response) -> String {
    let problem = response.problem();
    let status = response.status.to_string();
    if problem.starts_with(&status) { problem } else { format!("{status}: {problem}") }
}

fn report_reused_identifier(stored: &str) -> Preview {
    Report::new(Outcome::AlreadyGone, Some(stored))
        .warn("the account with the stored id is gone, and its identifier belongs to another account now, which was not touched")
        .into()
}
