//! Carries requests of core to the model target, with the faults of the plan, and supplies clock and random numbers.
//! Does not know: what is right, how core works.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use pfscim_core::environment::{Clock, Random};
use pfscim_core::http::{Method, RawRequest, RawResponse, Transport, TransportError};
use serde_json::{Value, json};

use crate::baton::Baton;
use crate::history::{History, Printed, Requested};
use crate::plan::{Account, Fault, Incident, Plan, RequestClass, StartGroup, What};
use crate::target::{Answer, Kind, Sent, Target};

/// *SCIM URL*.
pub const SCIM_URL: &str = "http://target.invalid/v2";
/// The time by which lists catch up, and requests that are on their way arrive.
pub const SETTLED_AFTER: Duration = Duration::from_secs(60);
/// The date at the beginning of each run: 2026-01-01.
const STARTED_AT: Duration = Duration::from_secs(1_767_225_600);

thread_local! {
    /// The record on which this thread works.
    static RECORD: RefCell<Option<(Kind, usize)>> = const { RefCell::new(None) };
}

/// The target, the wire and the time of one run.
pub struct World {
    /// Decides which thread goes on.
    pub baton: Baton,
    inside: Mutex<Inside>,
    traced: bool,
}

/// What only the thread with the baton uses.
pub struct Inside {
    /// The model target.
    pub target: Target,
    /// What happened so far.
    pub history: History,
    /// Incidents that have not happened yet.
    incidents: Vec<Incident>,
    /// How many requests of each class were sent in the first phase.
    counts: BTreeMap<RequestClass, usize>,
    /// Classes whose next requests are refused: status, and how many.
    refusing: BTreeMap<RequestClass, (Fault, u8)>,
    /// Whether incidents happen.
    first_phase: bool,
    /// Requests that were sent and did not arrive yet, by the slot of their thread.
    on_their_way: BTreeMap<usize, OnTheWay>,
    /// Requests that arrive after their client gave up.
    late: Vec<(Duration, OnTheWay)>,
    /// The user name of each person now.
    pub user_names: Vec<String>,
}

/// A request that was sent, with the record for which it was sent.
type OnTheWay = (Sent, Option<(Kind, usize)>);

impl World {
    /// Returns the world of a plan. `traced`: keep a line for each step.
    pub fn new(plan: &Plan, traced: bool) -> Arc<Self> {
        let mut target = Target::new(&plan.quirks);
        for (number, account) in plan.accounts.iter().enumerate() {
            target.add(Kind::User, starting_user(plan, number, account));
        }
        let stranger = plan.accounts.iter().position(|account| account.person.is_none());
        for (number, start) in plan.start_groups.iter().enumerate() {
            target.add(Kind::Group, starting_group(plan, number, start, stranger));
        }
        let inside = Inside {
            target,
            history: History::default(),
            incidents: plan.incidents.clone(),
            counts: BTreeMap::new(),
            refusing: BTreeMap::new(),
            first_phase: true,
            on_their_way: BTreeMap::new(),
            late: Vec::new(),
            user_names: plan.people.iter().map(|person| person.user_name.clone()).collect(),
        };
        Arc::new(Self { baton: Baton::new(plan.seed), inside: Mutex::new(inside), traced })
    }

    /// Locks what happens inside. Release it before the baton is given away.
    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the first phase: no fault happens any more.
    pub fn end_faults(&self) {
        let mut inside = self.inside();
        inside.first_phase = false;
        inside.refusing.clear();
    }

    /// Waits, and carries out requests that arrive meanwhile.
    pub fn wait(&self, time: Duration) {
        self.baton.sleep(time);
        let now = self.baton.now();
        self.inside().land(now);
    }

    /// Works on a record: the requests of this thread count for it.
    pub fn working_on<T>(record: Option<(Kind, usize)>, work: impl FnOnce() -> T) -> T {
        RECORD.set(record);
        let result = work();
        RECORD.set(None);
        result
    }

    /// Adds a line to the trace.
    pub fn trace(&self, line: impl FnOnce() -> String) {
        if self.traced {
            let at = self.baton.now();
            let text = format!("{:>9.3} #{} {}", at.as_secs_f64(), Baton::thread(), line());
            self.inside().history.trace.push(text);
        }
    }

    /// Notes a line of the host. Other threads may go on.
    pub fn print(&self, printed: Printed) {
        self.trace(|| printed.to_string());
        self.inside().history.printed.push(printed);
        self.baton.sleep(Duration::ZERO);
    }

    /// Ends the process of the host. Requests on their way are lost, arrive now, or arrive later.
    fn kill(&self) -> ! {
        let now = self.baton.now();
        let on_their_way = std::mem::take(&mut self.inside().on_their_way);
        for (sent, record) in on_their_way.into_values() {
            match self.baton.below(3) {
                0 => {}
                1 => {
                    let delay = Duration::from_millis(self.baton.below(SETTLED_AFTER.as_millis() as u64));
                    self.inside().late.push((now + delay, (sent, record)));
                }
                _ => {
                    let mut inside = self.inside();
                    inside.target.respond(&sent, now);
                    inside.attribute(record);
                }
            }
        }
        self.trace(|| "killed".into());
        self.baton.kill()
    }
}

impl Inside {
    /// Carries out late requests that have arrived by now.
    fn land(&mut self, now: Duration) {
        self.late.sort_by_key(|(at, _)| *at);
        while self.late.first().is_some_and(|(at, _)| *at <= now) {
            let (at, (sent, record)) = self.late.remove(0);
            self.target.respond(&sent, at);
            self.history.late.extend(self.history.writers.len()..self.target.writes().len());
            self.attribute(record);
        }
    }

    /// Notes the record of the writes that the target has carried out since the last call.
    fn attribute(&mut self, record: Option<(Kind, usize)>) {
        self.history.writers.resize(self.target.writes().len(), record);
    }

    /// Returns what happens at the next request of a class: the write of a third party, the fault, whether a kill.
    fn incidents_of(&mut self, class: RequestClass) -> Vec<Incident> {
        if !self.first_phase {
            return Vec::new();
        }
        let count = self.counts.entry(class).or_default();
        let nth = *count;
        *count += 1;
        let (due, left) = std::mem::take(&mut self.incidents)
            .into_iter()
            .partition(|incident| incident.class == class && incident.nth == nth);
        self.incidents = left;
        due
    }

    /// Returns the fault of this request.
    fn fault(&mut self, class: RequestClass, due: &[Incident]) -> Option<Fault> {
        if let Some((fault, left)) = self.refusing.get_mut(&class) {
            let fault = *fault;
            *left -= 1;
            if *left == 0 {
                self.refusing.remove(&class);
            }
            return Some(fault);
        }
        let fault = due.iter().find_map(|incident| match incident.what {
            What::Fault(fault) => Some(fault),
            _ => None,
        })?;
        if let Fault::Refused { times, .. } | Fault::PageNotFound { times } = fault
            && times > 1
        {
            self.refusing.insert(class, (fault, times - 1));
        }
        Some(fault)
    }
}

/// The resource of an account that exists before the first cycle. It has attributes that are not mapped.
fn starting_user(plan: &Plan, number: usize, account: &Account) -> Value {
    let user_name = match account.person {
        Some(person) => plan.people.get(person).map_or_else(String::new, |person| person.user_name.clone()),
        None => format!("stranger{number}"),
    };
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name,
        "active": account.active,
        "name": {"middleName": format!("Middle{number}")},
        "emails": [
            {"type": "home", "value": format!("home{number}@example.net")},
            {"type": "work", "value": format!("work{number}@example.net"), "verified": true}
        ],
        "nickName": format!("nick{number}"),
        "costCentre": {"code": 9_007_199_254_740_993_u64, "share": 0.1 + number as f64},
        "phoneNumbers": [{"type": "mobile", "value": format!("+1 555 {number}")}],
    })
}

/// The resource of a group that exists before the first cycle.
fn starting_group(plan: &Plan, number: usize, start: &StartGroup, stranger: Option<usize>) -> Value {
    let name = start.group.and_then(|group| Some(plan.groups.get(group)?.name.clone()));
    // The accounts have the ids u1, u2, in their order.
    let members: Vec<Value> = stranger.map(|at| json!({"value": format!("u{}", at + 1)})).into_iter().collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name.unwrap_or_else(|| format!("foreign{number}")),
        "externalId": format!("external{number}"),
        "costCentre": {"code": 9_007_199_254_740_993_u64},
        "members": members,
    })
}

/// The clock of core and of the host.
pub struct WorldClock(pub Arc<World>);

impl Clock for WorldClock {
    fn monotonic(&self) -> Duration {
        self.0.baton.now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + STARTED_AT + self.0.baton.now()
    }

    fn sleep(&self, time: Duration) {
        self.0.baton.sleep(time);
    }
}

/// The random numbers of core.
pub struct WorldRandom(pub Arc<World>);

impl Random for WorldRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.baton.below(256) as u8;
        }
    }
}

/// The transport of core.
pub struct Wire(pub Arc<World>);

impl Transport for Wire {
    fn send(&self, request: &RawRequest<'_>) -> Result<RawResponse, TransportError> {
        let world = &self.0;
        let sent = decode(request);
        let class = classify(&sent);
        let slot = Baton::thread();
        let record = RECORD.with_borrow(|record| *record);
        world.inside().on_their_way.insert(slot, (sent.clone(), record));
        world.baton.sleep(Duration::from_millis(1 + world.baton.below(200)));
        let now = world.baton.now();
        let due = class.map_or_else(Vec::new, |class| world.inside().incidents_of(class));
        for incident in &due {
            world.happen(incident, now);
        }
        let (result, note) = {
            let mut inside = world.inside();
            inside.land(now);
            inside.on_their_way.remove(&slot);
            let fault = class.and_then(|class| inside.fault(class, &due));
            let choice = world.baton.below(1 << 20) as usize;
            let (result, is_faulty) = inside.answer(&sent, record, fault, choice, now);
            let cycle = inside.history.began.len().saturating_sub(1);
            inside.attribute(record);
            inside.history.requests.push(Requested { cycle, at: now, record });
            let note = fault.filter(|_| is_faulty).map(Fault::name).unwrap_or_default();
            if let (false, Some(class)) = (note.is_empty(), class) {
                inside.history.happened.insert(format!("{note} of {class:?}"));
            }
            (result, note)
        };
        world.trace(|| {
            let status = result.as_ref().map_or("no response".into(), |answer| answer.status.to_string());
            format!("{} {}{} {status} {note}", sent.method, sent.path, query(&sent)).trim_end().to_owned()
        });
        match result {
            Ok(answer) => {
                world.baton.sleep(Duration::from_millis(1 + world.baton.below(200)));
                Ok(raw(answer))
            }
            Err(broken) => {
                let time = if broken.times_out { request.timeout } else { Duration::from_millis(10) };
                world.baton.sleep(time);
                Err(TransportError {
                    message: "the connection broke".into(),
                    maybe_applied: broken.maybe_applied,
                    permanent: false,
                })
            }
        }
    }
}

/// A request without a response.
struct Broken {
    maybe_applied: bool,
    times_out: bool,
}

impl World {
    /// Carries out the write of a third party, or kills the host.
    fn happen(&self, incident: &Incident, now: Duration) {
        let name = incident.name();
        match &incident.what {
            // It happens when the request is answered.
            What::Fault(_) => {}
            What::ThirdParty(write) => {
                let mut inside = self.inside();
                let Inside { target, user_names, history, .. } = &mut *inside;
                if target.third_party(write, user_names, now) {
                    history.happened.insert(name);
                }
                inside.attribute(None);
                drop(inside);
                self.trace(|| format!("{write:?}"));
            }
            What::Kill => {
                self.inside().history.happened.insert(name);
                self.kill();
            }
        }
    }
}

impl Inside {
    /// Carries out a request with a fault. `choice` is a random number. Returns also whether the fault changed anything.
    fn answer(
        &mut self,
        sent: &Sent,
        record: Option<(Kind, usize)>,
        fault: Option<Fault>,
        choice: usize,
        now: Duration,
    ) -> (Result<Answer, Broken>, bool) {
        let broken = |maybe_applied| Err(Broken { maybe_applied, times_out: false });
        let Some(fault) = fault else { return (Ok(self.target.respond(sent, now)), false) };
        let answer = match fault {
            Fault::Refused { status, .. } => Ok(refusal(status)),
            Fault::StrayNotFound => Ok(refusal(404)),
            Fault::PageNotFound { .. } => Ok(page(404)),
            Fault::Page => Ok(page(200)),
            Fault::NoConnection => broken(false),
            Fault::ResetBefore => broken(true),
            Fault::AppliedThen(status) => {
                self.target.respond(sent, now);
                Ok(page(status))
            }
            Fault::ResetAfter => {
                self.target.respond(sent, now);
                broken(true)
            }
            Fault::LandsLate => {
                let delay = Duration::from_millis(choice as u64 % SETTLED_AFTER.as_millis() as u64);
                self.late.push((now + delay, (sent.clone(), record)));
                Err(Broken { maybe_applied: true, times_out: true })
            }
            Fault::Dropped => {
                let answer = self.target.clone().respond(sent, now);
                self.target.skip_id();
                Ok(answer)
            }
            Fault::DroppedAndShown => Ok(self.unchanged(sent, now)),
            Fault::Empty | Fault::OtherResource | Fault::CutList | Fault::ShortPage => {
                let right = self.target.respond(sent, now);
                let wrong = match fault {
                    Fault::Empty if right.status < 300 => {
                        Answer { status: right.status, headers: Vec::new(), body: Value::Null }
                    }
                    Fault::OtherResource => self.other(sent, right.clone(), choice),
                    Fault::CutList | Fault::ShortPage => cut(right.clone(), fault == Fault::CutList),
                    _ => right.clone(),
                };
                let is_faulty = wrong != right;
                return (Ok(wrong), is_faulty);
            }
        };
        (answer, true)
    }

    /// Returns a success that shows the state before the write.
    fn unchanged(&self, sent: &Sent, now: Duration) -> Answer {
        match sent.method {
            "DELETE" => Answer { status: 204, headers: Vec::new(), body: Value::Null },
            "POST" => Answer { status: 201, headers: Vec::new(), body: Value::Null },
            _ => {
                let read = Sent { method: "GET", if_match: None, body: Value::Null, ..sent.clone() };
                self.target.clone().respond(&read, now)
            }
        }
    }

    /// Replaces the resource in a response by another one of the same kind.
    fn other(&self, sent: &Sent, answer: Answer, choice: usize) -> Answer {
        let (kind, resources) = match sent.path.starts_with("/Groups") {
            true => (Kind::Group, self.target.groups()),
            false => (Kind::User, self.target.users()),
        };
        let id = answer.body.get("id").cloned().unwrap_or(Value::Null);
        let others: Vec<&Value> = resources.values().filter(|other| other.get("id") != Some(&id)).collect();
        if answer.status >= 300 || others.is_empty() || answer.body.is_null() {
            return answer;
        }
        let body = self.target.shown(kind, others[choice % others.len()]);
        Answer { body, ..answer }
    }
}

/// Takes the last resource out of a list. `counts`: `totalResults` is what the list shows then.
fn cut(mut answer: Answer, counts: bool) -> Answer {
    if let Some(resources) = answer.body.get_mut("Resources").and_then(Value::as_array_mut) {
        resources.pop();
        let shown = resources.len();
        if counts && answer.body.get("totalResults").is_some() {
            answer.body["totalResults"] = json!(shown);
        }
    }
    answer
}

fn refusal(status: u16) -> Answer {
    let headers = if status == 429 { vec![("retry-after", "1".to_owned())] } else { Vec::new() };
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "detail": "not now"
    });
    Answer { status, headers, body }
}

/// A web page of a gateway. Its body is text that is not JSON.
fn page(status: u16) -> Answer {
    Answer { status, headers: vec![("content-type", "text/html".into())], body: json!("<html>sorry</html>") }
}

fn raw(answer: Answer) -> RawResponse {
    let is_page = answer.headers.iter().any(|(_, value)| value == "text/html");
    let body = match answer.body {
        Value::Null => Vec::new(),
        Value::String(page) if is_page => page.into_bytes(),
        body => body.to_string().into_bytes(),
    };
    let headers = answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    RawResponse { status: answer.status, headers, body }
}

fn decode(request: &RawRequest<'_>) -> Sent {
    let decoded = |text: &str| {
        let query = format!("x={}", text.replace('+', "%2B"));
        url::form_urlencoded::parse(query.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    Sent {
        method: match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        },
        path: decoded(request.url.path().trim_start_matches("/v2")),
        query: request.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        if_match: request.headers.iter().find(|(name, _)| *name == "if-match").map(|(_, value)| value.clone()),
        body: request.body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or(Value::Null),
    }
}

fn query(sent: &Sent) -> String {
    let pairs: Vec<String> = sent.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Returns the class of a request; `None` for a request outside all classes.
fn classify(sent: &Sent) -> Option<RequestClass> {
    let mut parts = sent.path.trim_matches('/').splitn(2, '/');
    let (kind, has_id) = (parts.next().unwrap_or_default(), parts.next().is_some());
    match (kind, sent.method, has_id) {
        ("Users", "GET", true) => Some(RequestClass::ReadUser),
        ("Users", "GET", false) => Some(RequestClass::ListUsers),
        ("Users", "POST", _) => Some(RequestClass::CreateUser),
        ("Users", "DELETE", _) => Some(RequestClass::DeleteUser),
        ("Users", ..) => Some(RequestClass::WriteUser),
        ("Groups", "GET", true) => Some(RequestClass::ReadGroup),
        ("Groups", "GET", false) => Some(RequestClass::ListGroups),
        ("Groups", ..) => Some(RequestClass::WriteGroup),
        ("ServiceProviderConfig" | "ServiceProviderConfigs", "GET", _) => Some(RequestClass::ReadConfiguration),
        _ => None,
    }
}
