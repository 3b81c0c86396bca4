//! One provisioning cycle: the operations a host asks for, and what is remembered between them.

use crate::sync::lock_ignoring_poison;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use super::Connector;
use super::groups::GroupMemory;
use super::limit::Removals;
use super::matching::Index;
use crate::http::{Deadline, RequestError, Response};
use crate::lifecycle::{DecisionInput, Effect, Options, RequestedOperation, TargetStatus, decide};
use crate::mapping::Change;
use crate::record::ProvisioningOption;
use crate::scim::ResourceType;
use crate::settings::Authentication;
use crate::text::{printable, without};
use crate::{Failure, Message, Outcome, Record, Report, scim};

/// How long a resource that was just read may serve the write that follows.
const FRESH: Duration = Duration::from_secs(60);
/// How many such resources are kept.
const MOST_CACHED: usize = 10_000;
/// So many 403 at the start of a session mean that these credentials may do nothing here.
const FORBIDDEN_AT_START: u32 = 3;
/// So many transport failures in a row mean that the target is away.
const BROKEN_IN_A_ROW: u32 = 5;

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
    fn from(unanswered: RequestError) -> Self {
        Self { failure: unanswered.failure, forbidden: false, maybe_done: unanswered.maybe_done }
    }
}

/// What a session remembers for the length of a cycle.
#[derive(Default)]
pub(super) struct Memory {
    /// When this cycle began.
    since: Duration,
    /// Resources just read, by id, with the time of reading.
    fresh: HashMap<String, (Duration, MatchedResource)>,
    /// Identifiers, in lower case, that were looked up in vain.
    pub(super) absent: HashSet<String>,
    /// Users found by their identifier only: id to the stored id that was asked for and is gone, if any.
    by_identifier: HashMap<String, Option<String>>,
    held_back: BTreeMap<ProvisioningOption, u64>,
    operations: u32,
    forbidden: u32,
    broken: u32,
}

/// One provisioning cycle. Serves many threads.
pub struct Session {
    connector: Arc<Connector>,
    removals: Removals,
    memory: Mutex<Memory>,
    /// The whole list of a target that ignores filters.
    pub(super) index: Mutex<Option<Arc<Index>>>,
    pub(super) groups: Mutex<GroupMemory>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("connector", &self.connector).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(connector: Arc<Connector>) -> Self {
        let removals = Removals::new(Arc::clone(&connector.latch), connector.settings.max_removals, connector.now());
        Self { connector, removals, memory: Mutex::default(), index: Mutex::default(), groups: Mutex::default() }
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
                self.keep(found);
                record
            }))
        })
    }

    /// Rows 1 to 5a of `docs/decisions.md`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn create_user(&self, record: &Record) -> Result<Report, Failure> {
        self.carry_out(RequestedOperation::Create, record).map(|preview| preview.report)
    }

    /// Rows 6 to 16 of `docs/decisions.md`: an update, which for a disabled record may be a removal.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn update_user(&self, record: &Record) -> Result<Report, Failure> {
        self.carry_out(RequestedOperation::Update, record).map(|preview| preview.report)
    }

    /// Rows 11 to 16: always a removal, of the stored id only.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn remove_user(&self, record: &Record) -> Result<Report, Failure> {
        self.carry_out(RequestedOperation::Remove, record).map(|preview| preview.report)
    }

    /// The operation, in an environment with `dry_run`: reads as it would, writes nothing, and tells what would
    /// change field by field.
    ///
    /// # Errors
    /// As the operation; [`Failure::Config`] where the environment is no dry run.
    pub fn preview(&self, asked: RequestedOperation, record: &Record) -> Result<Preview, Failure> {
        self.dry_run_only()?;
        self.carry_out(asked, record)
    }

    pub(super) fn dry_run_only(&self) -> Result<(), Failure> {
        if self.connector.environment.dry_run {
            return Ok(());
        }
        Err(Failure::Config("a preview needs a connector that was opened for a dry run".into()))
    }

    /// Ends the cycle: calls still running finish. Returns the closing lines for the log: how often each
    /// provisioning option held something back.
    pub fn close(&self) -> Vec<String> {
        let held_back = std::mem::take(&mut self.memory().held_back);
        held_back
            .into_iter()
            .map(|(switch, count)| format!("{} {} ({count} in this cycle)", switch.label(), switch.consequence()))
            .collect()
    }

    fn carry_out(&self, asked: RequestedOperation, record: &Record) -> Result<Preview, Failure> {
        self.operation(Some(record), |deadline| match asked {
            RequestedOperation::Create => self.create(asked, record, deadline),
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
            self.connector.matched(&found.id);
            self.memory().by_identifier.insert(found.id.clone(), id.map(str::to_owned));
        }
        Ok(found)
    }

    /// A user by its id: as just read, or read now. Whoever was found by identifier only stays not linked until
    /// something is written.
    fn by_id(&self, id: &str, deadline: Deadline) -> Result<Option<MatchedResource>, OperationError> {
        let fresh = self.memory().fresh.remove(id);
        if let Some((at, found)) = fresh
            && self.connector.now().saturating_sub(at) < FRESH
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
        asked: RequestedOperation,
        record: &Record,
        deadline: Deadline,
    ) -> Result<Preview, OperationError> {
        let value = self.identifier_of(record)?;
        let turn = self.connector.take_turn(value, deadline)?;
        let known_absent = !turn.waited && self.memory().absent.contains(&value.to_lowercase());
        let found = if known_absent { None } else { self.look_up(value, deadline)? };
        self.apply(asked, record, found, deadline)
    }

    fn update(&self, record: &Record, deadline: Deadline) -> Result<Preview, OperationError> {
        let found = match record.known_id() {
            Some(id) => self.by_id(id, deadline)?,
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
        if let Some(gone) = self.now_somebody_elses(id) {
            return Ok(gone);
        }
        if let Some(found) = self.by_id(id, deadline)? {
            return self.apply(RequestedOperation::Update, record, Some(found), deadline);
        }
        let situation = DecisionInput {
            asked: RequestedOperation::Update,
            enabled: false,
            target_status: TargetStatus::Absent,
            linked: true,
        };
        match decide(situation, Options::from(&self.connector.settings)) {
            // Row 10a, unless the identifier has passed to another account meanwhile.
            Effect::Create { .. } => {
                let value = self.identifier_of(record)?;
                let turn = self.connector.take_turn(value, deadline)?;
                let known_absent = !turn.waited && self.memory().absent.contains(&value.to_lowercase());
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
        if let Some(gone) = self.now_somebody_elses(id) {
            return Ok(gone);
        }
        let found = self.by_id(id, deadline)?;
        let preview = self.apply(RequestedOperation::Remove, record, found, deadline)?;
        let passed_on = self.memory().by_identifier.values().any(|stored| stored.as_deref() == Some(id));
        Ok(if passed_on { report_reused_identifier(id) } else { preview })
    }

    /// Where this cycle's lookup met a stored id that is gone and matched this account by the identifier instead,
    /// the account belongs to somebody else by now.
    fn now_somebody_elses(&self, id: &str) -> Option<Preview> {
        let stored = self.memory().by_identifier.get(id).cloned().flatten()?;
        Some(report_reused_identifier(&stored))
    }

    /// Carries out what the decision table says.
    pub(super) fn apply(
        &self,
        asked: RequestedOperation,
        record: &Record,
        found: Option<MatchedResource>,
        deadline: Deadline,
    ) -> Result<Preview, OperationError> {
        let situation = DecisionInput {
            asked,
            enabled: record.enabled,
            target_status: match &found {
                None => TargetStatus::Absent,
                Some(found) if scim::is_active(&found.resource) => TargetStatus::Active,
                Some(_) => TargetStatus::Inactive,
            },
            linked: found.as_ref().is_some_and(|found| found.linked),
        };
        let id = found.as_ref().map(|found| found.id.as_str()).or(record.known_id());
        match (decide(situation, Options::from(&self.connector.settings)), &found) {
            (Effect::Create { active }, _) => self.post(record, active, deadline),
            (Effect::Skip(switch), _) => Ok(self.skip(switch, id).into()),
            (Effect::Nothing(outcome), _) => Ok(Report::new(outcome, id).into()),
            (effect, Some(found)) => {
                let done = match effect {
                    Effect::Write { active, changed, unchanged } => {
                        self.write(record, found, active, (changed, unchanged), deadline)
                    }
                    Effect::Delete => self.delete(found, record, deadline),
                    _ => self.disable(found, record, deadline),
                }?;
                self.connector.link(&found.id);
                Ok(done)
            }
            // The table gives these effects for a present user only.
            (_, None) => Err(Failure::NotFound("the user is not at the target".into()).into()),
        }
    }

    /// The first time in a session the setting is explained, later it is only counted.
    fn skip(&self, switch: ProvisioningOption, id: Option<&str>) -> Report {
        let mut memory = self.memory();
        let count = memory.held_back.entry(switch).or_default();
        *count += 1;
        let report = Report::skipped(switch, id);
        match *count {
            1 => report.warn(format!("{} {}", switch.label(), switch.consequence())),
            _ => report,
        }
    }

    /// Takes a removal from what the limit allows; a removal of the connector's own account is refused.
    pub(super) fn allow_removal(&self, found: &MatchedResource, record: &Record) -> Result<(), OperationError> {
        if let Authentication::Basic { user, .. } = &self.connector.settings.authentication {
            let own = |name: &str| name.to_lowercase() == user.to_lowercase();
            let identifier = self.connector.settings.identifier;
            if scim::any_value(&found.resource, identifier).iter().any(|v| own(v))
                || scim::member(&found.resource, "userName").and_then(Value::as_str).is_some_and(own)
                || record.first(identifier.code()).is_some_and(own)
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
        Ok(self.removals.take(self.connector.now())?)
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

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        lock_ignoring_poison(&self.memory)
    }

    /// A host may keep one session open: what was learnt of the target is then forgotten when a cycle's time is over.
    fn turn_cycle(&self) {
        let mut memory = self.memory();
        if self.connector.is_over(memory.since) {
            let held_back = std::mem::take(&mut memory.held_back);
            *memory = Memory { since: self.connector.now(), held_back, ..Memory::default() };
            *lock_ignoring_poison(&self.index) = None;
            *lock_ignoring_poison(&self.groups) = GroupMemory::default();
        }
    }

    fn keep(&self, found: MatchedResource) {
        let now = self.connector.now();
        let mut memory = self.memory();
        if memory.fresh.len() >= MOST_CACHED {
            memory.fresh.retain(|_, (at, _)| now.saturating_sub(*at) < FRESH);
        }
        if memory.fresh.len() < MOST_CACHED {
            memory.fresh.insert(found.id.clone(), (now, found));
        }
    }

    /// Runs one operation: its deadline, and what its end means for the session.
    pub(super) fn operation<T>(
        &self,
        record: Option<&Record>,
        run: impl FnOnce(Deadline) -> Result<T, OperationError>,
    ) -> Result<T, Failure> {
        self.connector.touch();
        self.turn_cycle();
        let result = run(self.connector.deadline());
        let mut memory = self.memory();
        memory.operations = memory.operations.saturating_add(1);
        match result {
            Ok(value) => {
                memory.broken = 0;
                Ok(value)
            }
            Err(trouble) => Err(self.connector.without_secrets(record, memory.judge(trouble))),
        }
    }
}

impl Memory {
    /// What a trouble means after all that the session has seen.
    fn judge(&mut self, trouble: OperationError) -> Failure {
        self.forbidden += u32::from(trouble.forbidden);
        if trouble.forbidden && self.forbidden == FORBIDDEN_AT_START && self.operations == FORBIDDEN_AT_START {
            let text = format!(
                "the target answered 403 to the first {FORBIDDEN_AT_START} operations: {}",
                trouble.failure.message().text()
            );
            let hint = "check Authentication Methods and the permissions of these credentials at the target";
            return Failure::AuthFailed(Message::new(text).with_hint(hint));
        }
        match trouble.failure {
            Failure::Transport { message, stops } => {
                self.broken += 1;
                Failure::Transport { message, stops: stops || self.broken >= BROKEN_IN_A_ROW }
            }
            other => {
                self.broken = 0;
                other
            }
        }
    }
}

impl Connector {
    /// The failure behind an answer that is neither success nor dealt with.
    pub(super) fn refused(&self, doing: &str, answer: &Response) -> OperationError {
        let text = format!("{doing}: the target answered {}", told(answer));
        let failure = match answer.status {
            400..=499 => Failure::Rejected(text.into()),
            500..=599 => Failure::transport(text),
            _ => Failure::Protocol(text.into()),
        };
        OperationError { failure, forbidden: answer.status == 403, maybe_done: answer.status >= 500 }
    }

    /// A target may repeat what it was sent; values that must not be seen are struck out of its reason. (Credentials
    /// are by the client.)
    fn without_secrets(&self, record: Option<&Record>, failure: Failure) -> Failure {
        let mut hidden: Vec<&str> = Vec::new();
        if let Some(record) = record {
            let catalogue = self.catalogue();
            let masked =
                |code: &&String| record.masked.contains(*code) || catalogue.field(code).is_some_and(|f| f.write_only);
            let values = record.fields.keys().filter(masked).filter_map(|code| record.fields.get(code)).flatten();
            hidden.extend(values.map(String::as_str));
        }
        let mut message = failure.to_string();
        for secret in hidden {
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
pub(super) fn told(answer: &Response) -> String {
    let problem = answer.problem();
    let status = answer.status.to_string();
    if problem.starts_with(&status) { problem } else { format!("{status}: {problem}") }
}

fn report_reused_identifier(stored: &str) -> Preview {
    Report::new(Outcome::AlreadyGone, Some(stored))
        .warn("the account with the stored id is gone, and its identifier belongs to another account now, which was not touched")
        .into()
}
