//! Records what a run did: what the host printed, which requests were sent, what the source contained, how cycles ended.
//! Does not know: what is right.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use pfscim_core::{Outcome, Report};

use crate::target::Kind;

/// What a host requests for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// The target does not have the record.
    Create,
    /// The target has the record, or had it.
    Update,
    /// The record left.
    Remove,
}

/// One line that the host printed about a record.
#[derive(Debug, Clone)]
pub struct Printed {
    /// The cycle, from 0.
    pub cycle: usize,
    /// When the host began to work on the record in this cycle.
    pub since: Duration,
    /// When the line was printed.
    pub at: Duration,
    /// User or group.
    pub kind: Kind,
    /// The number of the person or group, from the GUID.
    pub number: usize,
    /// The requested operation.
    pub operation: Operation,
    /// The report, or the code of the failure.
    pub result: Result<Report, String>,
    /// False if the host sent nothing, because the record is unchanged or cannot be sent.
    pub sent: bool,
    /// A provisioning option blocked the operation, now or in an earlier cycle.
    pub blocked: bool,
}

impl Printed {
    /// Returns the outcome; `None` after a failure.
    pub fn outcome(&self) -> Option<Outcome> {
        self.result.as_ref().ok().map(|report| report.outcome)
    }
}

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = if self.kind == Kind::User { 'p' } else { 'g' };
        write!(f, "{letter}{} {:?}: ", self.number, self.operation)?;
        match &self.result {
            Ok(report) => write!(f, "{report}"),
            Err(code) => write!(f, "failed code={code}"),
        }
    }
}

/// One request that reached the wire.
#[derive(Debug, Clone, Copy)]
pub struct Requested {
    /// The cycle, from 0.
    pub cycle: usize,
    /// When it arrived.
    pub at: Duration,
    /// The record on which the host worked: the number of a person or group. `None` for a check of the target.
    pub record: Option<(Kind, usize)>,
}

/// A person of the source in one cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonNow {
    /// Whether the person is in the source.
    pub in_scope: bool,
    /// Whether the account is enabled in the source.
    pub enabled: bool,
    /// The user name.
    pub user_name: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The title.
    pub title: Option<String>,
}

/// A group of the source in one cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupNow {
    /// Whether the group is in the source.
    pub in_scope: bool,
    /// The name.
    pub name: String,
    /// The numbers of the people in it.
    pub members: BTreeSet<usize>,
}

/// The source in one cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The people, by number.
    pub people: Vec<PersonNow>,
    /// The groups, by number.
    pub groups: Vec<GroupNow>,
}

/// How a cycle ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CycleEnd {
    /// Every record was printed.
    Complete,
    /// The cycle did not start, or stopped early; the reason.
    Stopped(String),
    /// The process was killed.
    Killed,
    /// A panic; its message. The run ends.
    Panicked(String),
    /// The run took too many steps, and was ended.
    TooLong,
}

/// Everything that happened in a run.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The source, by cycle.
    pub source: Vec<Snapshot>,
    /// The lines of the host, in order.
    pub printed: Vec<Printed>,
    /// The record of each write at the target, in the order of the target. `None` for a third party.
    pub writers: Vec<Option<(Kind, usize)>>,
    /// The positions of writes that arrived after their client gave up.
    pub late: BTreeSet<usize>,
    /// The requests, in order of their arrival.
    pub requests: Vec<Requested>,
    /// The ends of the cycles.
    pub ends: Vec<CycleEnd>,
    /// When each cycle began.
    pub began: Vec<Duration>,
    /// The message of the first panic of the code under test.
    pub panic: Option<String>,
    /// The names of the faults, third party writes and kills that happened.
    pub happened: BTreeSet<String>,
    /// One line for each step, if the run is traced.
    pub trace: Vec<String>,
}
