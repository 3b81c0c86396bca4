//! Defines what can be wrong about a run.
//! Does not know: how it is found.

use std::fmt;

use pfscim_core::Outcome;
use serde::{Deserialize, Serialize};

use crate::target::Kind;

/// The outcomes that link an account to a person.
pub(super) const LINKS: [Outcome; 5] =
    [Outcome::Created, Outcome::Adopted, Outcome::Updated, Outcome::ReEnabled, Outcome::Unchanged];

/// What is not true or not right, as in the list of known findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Symptom {
    /// Invariant 1: a user has two accounts, and pfscim created one of them while the other one existed.
    TwoAccounts,
    /// Invariant 1: a user has no account.
    NoAccount,
    /// Invariant 1: the account of a user lacks a mapped value.
    WrongValues,
    /// Invariant 1: the account of an enabled user is inactive.
    NotActive,
    /// Invariant 2: the account of a user who left or is disabled is active.
    LeaverActive,
    /// Invariant 2: the account of such a user exists although *Remove User Action* is `Delete`.
    LeaverKept,
    /// Invariant 3: an account was changed or deleted that never belonged to the source.
    StrangerChanged,
    /// Invariant 3: the operation on one record changed the account or group of another one.
    AnotherChanged,
    /// Invariant 4: a group lacks a member.
    MemberMissing,
    /// Invariant 4: a group has a member that pfscim put in and that the source does not have.
    MemberKept,
    /// Invariant 4: a group does not exist.
    NoGroup,
    /// Invariant 4: a group exists twice.
    TwoGroups,
    /// Invariant 4: a group that left exists.
    GroupKept,
    /// Invariant 5: a line says that a user was written or is equal, and at no moment was it so.
    ClaimedWritten,
    /// Invariant 5: a line says that a user was disabled or deleted, and at no moment was it so.
    ClaimedClosed,
    /// Invariant 5: a line says that the account or group does not exist, and at all moments it existed.
    ClaimedGone,
    /// Invariant 5: a line says that a group was written, and at no moment was it so.
    ClaimedGroup,
    /// Invariant 6: a value that is not mapped changed.
    UnmappedChanged,
    /// Invariant 7: a record took too many requests in one cycle.
    TooManyRequests,
    /// The code under test panicked.
    Panicked,
    /// The run took too many steps.
    TooLong,
    /// The last cycle ended with an error, long after the last incident. It reports no record then.
    Stopped,
}

/// One thing that is not right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What it is.
    pub symptom: Symptom,
    /// One line for the developer.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.symptom, self.text)
    }
}

/// Returns the GUID of a record.
pub(super) fn name(kind: Kind, number: usize) -> String {
    format!("{}{number}", if kind == Kind::User { 'p' } else { 'g' })
}
