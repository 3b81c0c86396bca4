//! Runs the operations of a provisioning cycle, and caches what later operations of the cycle need.
//! Does not know: which requests find or write a resource.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use super::Connector;
use super::groups::GroupCache;
use super::index::ResourceIndex;
use super::limit::RemovalCounter;
use crate::http::{Deadline, RequestError, Response};
use crate::lifecycle::{DecisionInput, DecisionOptions, Effect, RequestedOperation, TargetStatus, decide};
use crate::mapping::Change;
use crate::record::ProvisioningOption;
use crate::scim::ResourceType;
use crate::settings::Authentication;
use crate::sync::lock_ignoring_poison;
use crate::text::printable;
use crate::{Failure, Message, Outcome, Record, Report, scim};

/// A write may use a resource that was read within this time.
const CACHE_TTL: Duration = Duration::from_secs(60);
/// The cache keeps this many resources at most.
const CACHE_ENTRIES_MAX: usize = 10_000;
/// A session stops if this number of operations at its start all get 403.
const INITIAL_FORBIDDEN_MAX: u32 = 3;
/// This number of transport failures in a row stops the session, because the target is unreachable.
const CONSECUTIVE_TRANSPORT_FAILURES_MAX: u32 = 5;

/// The result of a preview: the outcome that the operation would have, and its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The report that the operation would return.
    pub report: Report,
    /// The changed fields in catalogue order, after `active` if an update changes it. A create lists every field,
    /// without old values.
    pub changes: Vec<Change>,
}

/// A user or group that was found at the target.
#[derive(Debug, Clone)]
pub(super) struct MatchedResource {
    pub(super) kind: ResourceType,
    pub(super) id: String,
    pub(super) resource: Value,
    pub(super) etag: Option<String>,
    /// False if only a search by the identifier or the name found it.
    pub(super) linked: bool,
}

/// Why an operation failed, before the session makes a [`Failure`] of it.
#[derive(Debug)]
pub(super) struct OperationError {
    pub(super) failure: Failure,
    /// The target returned 403.
    pub(super) is_forbidden: bool,
    /// The target may have carried out the request although it failed.
    pub(super) maybe_applied: bool,
}

impl From<Failure> for OperationError {
    fn from(failure: Failure) -> Self {
        Self { failure, is_forbidden: false, maybe_applied: false }
    }
}

impl From<RequestError> for OperationError {
    fn from(error: RequestError) -> Self {
        Self { failure: error.failure, is_forbidden: false, maybe_applied: error.maybe_applied }
    }
}

/// What a session caches and counts during a cycle.
#[derive(Default)]
pub(super) struct SessionCache {
    /// When this cycle began, on the monotonic clock.
    started_at: Duration,
    /// Resources by id, with the time when they were read.
    resources: HashMap<String, (Duration, MatchedResource)>,
    /// Identifiers, in lower case, for which a search found no account.
    pub(super) absent_identifiers: HashSet<String>,
    /// Ids of accounts that only a search by the identifier found. The value is the stored id that the host passed and
    /// that the target does not have, or `None` if the host passed no id.
    matched_by_identifier: HashMap<String, Option<String>>,
    /// How many operations each option skipped.
    skip_counts: BTreeMap<ProvisioningOption, u64>,
    /// Number of operations in this cycle.
    operations: u32,
    /// Number of operations in this cycle that got 403.
    forbidden_count: u32,
    /// Number of transport failures in a row.
    transport_failures: u32,
}

/// One provisioning cycle. Many threads may use it.
pub struct Session {
    connector: Arc<Connector>,
    removal_counter: RemovalCounter,
    cache: Mutex<SessionCache>,
    /// All users, for a target that ignores filters.
    pub(super) user_index: ResourceIndex,
    pub(super) group_cache: Mutex<GroupCache>,
    /// All groups, for a target without a usable filter.
    pub(super) group_index: ResourceIndex,
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
            user_index: ResourceIndex::new(ResourceType::User),
            group_cache: Mutex::default(),
            group_index: ResourceIndex::new(ResourceType::Group),
        }
    }

    /// Returns the connector of this session.
    pub fn connector(&self) -> &Arc<Connector> {
        &self.connector
    }

    /// Finds a user by id, then by the value of the unique user identifier.
    ///
    /// # Errors
    /// [`Failure::Ambiguous`] if several users have the identifier; failures of the requests.
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

    /// Creates a user: rows 1 to 5a of `docs/decisions.md`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn create_user(&self, record: &Record) -> Result<Report, Failure> {
        self.execute(RequestedOperation::Create, record).map(|preview| preview.report)
    }

    /// Updates a user, or removes a disabled one: rows 6 to 16 of `docs/decisions.md`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn update_user(&self, record: &Record) -> Result<Report, Failure> {
        self.execute(RequestedOperation::Update, record).map(|preview| preview.report)
    }

    /// Removes the user with the stored id: rows 11 to 16 of `docs/decisions.md`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn remove_user(&self, record: &Record) -> Result<Report, Failure> {
        self.execute(RequestedOperation::Remove, record).map(|preview| preview.report)
    }

    /// Returns what an operation would change. Reads as the operation does, and writes nothing.
    ///
    /// # Errors
    /// As the operation; [`Failure::Config`] if the environment is not a dry run.
    pub fn preview(&self, operation: RequestedOperation, record: &Record) -> Result<Preview, Failure> {
        self.require_dry_run()?;
        self.execute(operation, record)
    }

    pub(super) fn require_dry_run(&self) -> Result<(), Failure> {
        if self.connector.environment.dry_run {
            return Ok(());
        }
        Err(Failure::Config("a preview needs a connector that is opened for a dry run".into()))
    }

    /// Ends the cycle; operations that are running finish. Returns lines for the log: how many operations each
    /// provisioning option skipped.
    pub fn close(&self) -> Vec<String> {
        let skip_counts = std::mem::take(&mut self.cache().skip_counts);
        skip_counts.into_iter().map(|(option, count)| format!("{} ({count} in this cycle)", option.warning())).collect()
    }

    fn execute(&self, operation: RequestedOperation, record: &Record) -> Result<Preview, Failure> {
        self.operation(Some(record), |deadline| match operation {
            RequestedOperation::Create => self.create(operation, record, deadline),
            RequestedOperation::Update if record.enabled => self.update(record, deadline),
            RequestedOperation::Update => self.update_disabled(record, deadline),
            RequestedOperation::Remove => self.remove(record, deadline),
        })
    }

    /// Finds a user by the id. If the id is unknown or the target does not have it, searches by the identifier.
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

    /// Returns the user with this id, from the cache or from the target. An account that a search by the identifier
    /// found stays unlinked until the connector writes to it.
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

    /// Creates a user. Searches for the identifier first, unless a search of this cycle found no account.
    fn create(
        &self,
        operation: RequestedOperation,
        record: &Record,
        deadline: Deadline,
    ) -> Result<Preview, OperationError> {
        let value = self.identifier_of(record)?;
        let turn = self.connector.take_create_turn(value, deadline)?;
        let is_known_absent = !turn.has_waited() && self.cache().absent_identifiers.contains(&value.to_lowercase());
        let found = if is_known_absent { None } else { self.look_up(value, deadline)? };
        self.apply(operation, record, found, deadline)
    }

    fn update(&self, record: &Record, deadline: Deadline) -> Result<Preview, OperationError> {
        let found = match record.known_id() {
            Some(id) => self.cached_or_read(id, deadline)?,
            None => None,
        };
        match found {
            Some(found) => self.apply(RequestedOperation::Update, record, Some(found), deadline),
            // Row 9. The create searches for the identifier.
            None => self.create(RequestedOperation::Update, record, deadline),
        }
    }

    /// Updates a disabled user. If an id is stored, acts on that id only, because the update may become a removal.
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
            // Row 10a, unless another account has the identifier by now.
            Effect::Create { .. } => {
                let value = self.identifier_of(record)?;
                let turn = self.connector.take_create_turn(value, deadline)?;
                let is_known_absent =
                    !turn.has_waited() && self.cache().absent_identifiers.contains(&value.to_lowercase());
                match if is_known_absent { None } else { self.look_up(value, deadline)? } {
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
                .warn("no target id is stored for this user, so nothing was removed");
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

    /// Returns a report if this account belongs to another user by now. A lookup of this cycle showed it: the target
    /// did not have the stored id, and the search by the identifier found this account.
    fn report_if_identifier_reused(&self, id: &str) -> Option<Preview> {
        let stored = self.cache().matched_by_identifier.get(id).cloned().flatten()?;
        Some(report_reused_identifier(&stored))
    }

    /// Decides what happens to the user, and does it.
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
            // The table has these effects for a present account only.
            (_, None) => Err(Failure::NotFound("the target does not have the user".into()).into()),
        }
    }

    /// Reports a skipped operation. The first skip by each option in a session has a warning.
    fn skip(&self, option: ProvisioningOption, id: Option<&str>) -> Report {
        let mut cache = self.cache();
        let count = cache.skip_counts.entry(option).or_default();
        *count += 1;
        let report = Report::skipped(option, id);
        match *count {
            1 => report.warn(option.warning()),
            _ => report,
        }
    }

    /// Counts a removal. Rejects the removal of the account with which the connector signs in.
    pub(super) fn allow_removal(&self, found: &MatchedResource, record: &Record) -> Result<(), OperationError> {
        if let Authentication::Basic { user, .. } = &self.connector.settings.authentication {
            let is_own = |name: &str| name.to_lowercase() == user.to_lowercase();
            let identifier = self.connector.settings.identifier;
            if scim::identifier_values(&found.resource, identifier).iter().any(|v| is_own(v))
                || scim::member(&found.resource, "userName").and_then(Value::as_str).is_some_and(is_own)
                || record.first(identifier.code()).is_some_and(is_own)
            {
                let text = "the connector does not remove the account of Basic Authentication Username, with which it \
                            signs in";
                let hint = "exclude it from the source of the channel";
                return Err(Failure::Rejected(Message::new(text).with_hint(hint)).into());
            }
        }
        self.count_removal()
    }

    /// Counts a removal (row 16).
    pub(super) fn count_removal(&self) -> Result<(), OperationError> {
        Ok(self.removal_counter.count(self.connector.now())?)
    }

    /// Returns the identifier of a record.
    pub(super) fn identifier_of<'r>(&self, record: &'r Record) -> Result<&'r str, OperationError> {
        let code = self.connector.settings.identifier.code();
        record.first(code).ok_or_else(|| {
            let text = format!("{code}: the Unique User Identifier has no value");
            Failure::Rejected(Message::new(text).with_hint(format!("check the mapping of {code}"))).into()
        })
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, SessionCache> {
        lock_ignoring_poison(&self.cache)
    }

    /// Clears the caches after the time of a cycle, because a host may keep one session open.
    fn start_new_cycle_if_due(&self) {
        let mut cache = self.cache();
        if self.connector.is_cycle_over(cache.started_at) {
            let skip_counts = std::mem::take(&mut cache.skip_counts);
            *cache = SessionCache { started_at: self.connector.now(), skip_counts, ..SessionCache::default() };
            self.user_index.clear();
            self.group_index.clear();
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

    /// Runs one operation with a deadline, and counts failures that stop the session.
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
    /// Counts an error. Returns its failure, which stops the session after too many errors.
    fn record_error(&mut self, error: OperationError) -> Failure {
        self.forbidden_count += u32::from(error.is_forbidden);
        if error.is_forbidden
            && self.forbidden_count == INITIAL_FORBIDDEN_MAX
            && self.operations == INITIAL_FORBIDDEN_MAX
        {
            let text = format!(
                "the target returned 403 for the first {INITIAL_FORBIDDEN_MAX} operations: {}",
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
    /// Returns the error for a status that the caller does not handle.
    pub(super) fn unexpected_status(&self, action: &str, response: &Response) -> OperationError {
        let text = format!("{action}: the target returned {}", status_and_reason(response));
        let failure = match response.status {
            400..=499 => Failure::Rejected(text.into()),
            500..=599 => Failure::transport(text),
            _ => Failure::Protocol(text.into()),
        };
        OperationError { failure, is_forbidden: response.status == 403, maybe_applied: response.status >= 500 }
    }

    /// Redacts secret values of the record in a failure, because the reason of a target may repeat them. The HTTP
    /// client redacts credentials.
    fn without_secrets(&self, record: Option<&Record>, mut failure: Failure) -> Failure {
        let mut secrets: Vec<&str> = Vec::new();
        if let Some(record) = record {
            let catalogue = self.catalogue();
            let is_secret =
                |code: &&String| record.masked.contains(*code) || catalogue.field(code).is_some_and(|f| f.write_only);
            let values = record.fields.keys().filter(is_secret).filter_map(|code| record.fields.get(code)).flatten();
            secrets.extend(values.map(String::as_str));
        }
        for secret in secrets {
            failure.redact(&printable(secret));
        }
        failure
    }
}

impl From<Report> for Preview {
    fn from(report: Report) -> Self {
        Self { report, changes: Vec::new() }
    }
}

/// Returns the status of a response and the reason in its body.
pub(super) fn status_and_reason(response: &Response) -> String {
    let problem = response.problem();
    let status = response.status.to_string();
    if problem.starts_with(&status) { problem } else { format!("{status}: {problem}") }
}

/// Returns the report for a stored account that is absent while another account has its identifier.
fn report_reused_identifier(stored: &str) -> Preview {
    Report::new(Outcome::AlreadyGone, Some(stored))
        .warn(
            "the target does not have the account with the stored id, and another account has its identifier, which \
             was not changed",
        )
        .into()
}
