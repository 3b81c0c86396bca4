//! Defines what a host passes in and gets back: records, outcomes, reports.
//! Does not know: resources, HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::text::printable;

/// The flat user that a host sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The target id, if the host knows it. An empty id counts as unknown.
    pub id: Option<String>,
    /// The account status in the source, or `active` at the target.
    pub enabled: bool,
    /// Maps field codes to values. A field without values is not sent.
    pub fields: BTreeMap<String, Vec<String>>,
    /// Codes of fields whose values must not be in a message.
    pub masked: BTreeSet<String>,
    /// The `externalId` that was sent for this record, if it is the GUID of its entry. An account with this value belongs
    /// to the record, also under a new target id. `None` if the host does not know that.
    pub external_guid: Option<String>,
}

impl Record {
    /// Returns the target id, unless it is unknown or empty.
    pub fn known_id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }

    /// Returns the first value of a field that is not empty.
    pub fn first(&self, code: &str) -> Option<&str> {
        self.fields.get(code)?.iter().map(String::as_str).find(|v| !v.is_empty())
    }
}

/// What happened to a user or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The account or group was created.
    Created,
    /// The account or group existed at the target. It was linked and updated.
    Adopted,
    /// The differences were written.
    Updated,
    /// The account was inactive and is active now.
    ReEnabled,
    /// Nothing differed, so nothing was sent.
    Unchanged,
    /// `active` is false now, and nothing else changed.
    Disabled,
    /// The account was already inactive, so nothing was sent.
    AlreadyDisabled,
    /// The account or group was deleted.
    Deleted,
    /// The target does not have the account or group.
    AlreadyGone,
    /// The account or group belongs to another record of the source now, so nothing was sent.
    PassedOn,
    /// A provisioning option prevented the operation, so nothing was sent.
    Skipped,
}

impl Outcome {
    /// Every outcome, in the order of tables.
    pub const ALL: [Self; 11] = [
        Self::Created,
        Self::Adopted,
        Self::Updated,
        Self::ReEnabled,
        Self::Unchanged,
        Self::Disabled,
        Self::AlreadyDisabled,
        Self::Deleted,
        Self::AlreadyGone,
        Self::PassedOn,
        Self::Skipped,
    ];

    /// Returns the name in log lines, tables and `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Adopted => "adopted",
            Self::Updated => "updated",
            Self::ReEnabled => "re-enabled",
            Self::Unchanged => "unchanged",
            Self::Disabled => "disabled",
            Self::AlreadyDisabled => "already-disabled",
            Self::Deleted => "deleted",
            Self::AlreadyGone => "already-gone",
            Self::PassedOn => "passed-on",
            Self::Skipped => "skipped",
        }
    }
}

impl FromStr for Outcome {
    type Err = UnknownName;

    /// Reads what [`Outcome::as_str`] returns.
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name).ok_or(UnknownName)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The option that prevented an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProvisioningOption {
    /// *User Create* is cleared.
    UserCreate,
    /// *User Update* is cleared.
    UserUpdate,
    /// *User Disable / Delete* is cleared.
    UserRemove,
    /// *Provision Disabled Users* is cleared.
    ProvisionDisabled,
    /// *Remove User Action* is `Delete`, which rows 4 and 5a of `docs/decisions.md` do not allow.
    RemoveAction,
}

impl ProvisioningOption {
    /// Every option.
    pub const ALL: [Self; 5] =
        [Self::UserCreate, Self::UserUpdate, Self::UserRemove, Self::ProvisionDisabled, Self::RemoveAction];

    /// Returns the label on the *Target* tab.
    pub fn label(self) -> &'static str {
        match self {
            Self::UserCreate => "User Create",
            Self::UserUpdate => "User Update",
            Self::UserRemove => "User Disable / Delete",
            Self::ProvisionDisabled => "Provision Disabled Users",
            Self::RemoveAction => "Remove User Action",
        }
    }

    /// Returns a warning: the label, the value of the option and its effect.
    pub fn warning(self) -> String {
        let effect = match self {
            Self::UserCreate => "is cleared, so users who do not exist at the target are not created",
            Self::UserUpdate => "is cleared, so users who exist at the target are not updated",
            Self::UserRemove => "is cleared, so removed or disabled users do not change at the target",
            Self::ProvisionDisabled => "is cleared, so disabled users are not created",
            Self::RemoveAction => {
                "is Delete, so disabled users are not created, and an account that was never linked is not deleted"
            }
        };
        format!("{}: {effect}", self.label())
    }
}

impl FromStr for ProvisioningOption {
    type Err = UnknownName;

    /// Reads what [`ProvisioningOption::label`] returns.
    fn from_str(label: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|option| option.label() == label).ok_or(UnknownName)
    }
}

/// The text is not the name of an outcome, or not the label of a provisioning option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown name")]
pub struct UnknownName;

/// The result of an operation that did not fail. Displays as one line, such as `outcome=disabled id=2819c223` or
/// `outcome=skipped by="User Update" id=2819c223`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The target id; `None` if the target has no account or group of this record.
    pub id: Option<String>,
    /// What happened.
    pub outcome: Outcome,
    /// With [`Outcome::Skipped`]: the option that prevented the operation.
    pub skipped_by: Option<ProvisioningOption>,
    /// Printable lines, for the administrator.
    pub warnings: Vec<String>,
}

impl Report {
    /// Returns a report without warnings.
    pub fn new(outcome: Outcome, id: Option<&str>) -> Self {
        Self { id: id.map(str::to_owned), outcome, skipped_by: None, warnings: Vec::new() }
    }

    /// Returns a report of an operation that an option prevented.
    pub fn skipped(by: ProvisioningOption, id: Option<&str>) -> Self {
        Self { skipped_by: Some(by), ..Self::new(Outcome::Skipped, id) }
    }

    /// Adds a warning.
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }

    /// Reads the line that [`Display`](fmt::Display) wrote. The line does not contain the warnings.
    pub fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("outcome=")?;
        let (head, id) = match rest.split_once(" id=") {
            Some((head, id)) => (head, Some(id)),
            None => (rest, None),
        };
        match head.split_once(" by=") {
            Some((name, label)) => {
                let by = label.trim_matches('"').parse().ok()?;
                (name.parse::<Outcome>().ok()? == Outcome::Skipped).then(|| Self::skipped(by, id))
            }
            None => Some(Self::new(head.parse().ok()?, id)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "outcome={}", self.outcome)?;
        if let Some(by) = self.skipped_by {
            write!(f, " by=\"{}\"", by.label())?;
        }
        match &self.id {
            Some(id) => write!(f, " id={}", printable(id)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_line_reads_back() {
        for outcome in Outcome::ALL {
            for id in [None, Some("2819c223-7f76"), Some("a id=b")] {
                let report = Report::new(outcome, id);
                assert_eq!(Report::parse(&report.to_string()), Some(report));
            }
        }
        for by in ProvisioningOption::ALL {
            let report = Report::skipped(by, Some("7"));
            assert_eq!(Report::parse(&report.to_string()), Some(report));
        }
        assert_eq!(Report::parse("outcome=exploded id=1"), None);
        assert_eq!(Report::parse("outcome=created by=\"User Update\""), None);
    }

    #[test]
    fn labels_read_back() {
        for option in ProvisioningOption::ALL {
            assert_eq!(option.label().parse(), Ok(option));
        }
    }
}
