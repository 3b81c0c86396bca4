//! What a record is about, what is asked for it, and records that need no request.

use pfscim_core::{Failure, Report};

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl RecordKind {
    /// The word used in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

/// What was asked for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A user or group that the target does not have.
    Create,
    /// One that it has, or had.
    Update,
    /// One that left the source location.
    Remove,
}

impl Operation {
    /// The word used in tables and `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }
}

/// A record that nothing is sent for: it is as it was sent before, or cannot be sent as it is.
#[derive(Debug, Clone)]
pub(crate) struct UnsentRecord {
    /// What it is about.
    pub(crate) kind: RecordKind,
    /// The source id.
    pub(crate) source_id: String,
    /// The value of the unique user identifier, or the name of the group; the DN where there is none.
    pub(crate) identifier: String,
    /// What would have been asked.
    pub(crate) operation: Operation,
    /// How it ended.
    pub(crate) result: Result<Report, Failure>,
    /// A provisioning option keeps the record from being what the source says, since an earlier cycle.
    pub(crate) blocked_by_option: bool,
}

impl UnsentRecord {
    /// Not held back by an earlier cycle.
    pub(crate) fn new(
        kind: RecordKind,
        source: &str,
        identifier: &str,
        operation: Operation,
        result: Result<Report, Failure>,
    ) -> Self {
        Self {
            kind,
            source_id: source.to_owned(),
            identifier: identifier.to_owned(),
            operation,
            result,
            blocked_by_option: false,
        }
    }
}
