//! Describes records and the operations that are requested for them, including records that need no request.
//! Does not know: the source, the state, the target.

use pfscim_core::{Failure, Report};

/// User or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl RecordKind {
    /// Returns the value in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

/// The operation that is requested for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The target does not have the user or group.
    Create,
    /// The target has the user or group, or had it.
    Update,
    /// The user or group left the source location.
    Remove,
}

impl Operation {
    /// Returns the value in tables and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }
}

/// A record that is not sent, because it is unchanged or cannot be sent.
#[derive(Debug, Clone)]
pub(crate) struct UnsentRecord {
    /// User or group.
    pub(crate) kind: RecordKind,
    /// The source id.
    pub(crate) source_id: String,
    /// The value of the unique user identifier, or the name of the group; the DN if neither is known.
    pub(crate) identifier: String,
    /// The operation that would have been requested.
    pub(crate) operation: Operation,
    /// The outcome, or the failure.
    pub(crate) result: Result<Report, Failure>,
    /// A provisioning option blocked the operation in an earlier cycle.
    pub(crate) blocked_by_option: bool,
}

impl UnsentRecord {
    /// Returns a record whose operation no provisioning option blocked.
    pub(crate) fn new(
        kind: RecordKind,
        source_id: &str,
        identifier: &str,
        operation: Operation,
        result: Result<Report, Failure>,
    ) -> Self {
        Self {
            kind,
            source_id: source_id.to_owned(),
            identifier: identifier.to_owned(),
            operation,
            result,
            blocked_by_option: false,
        }
    }
}
