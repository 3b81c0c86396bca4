//! Carries operations to the target: with core in this process, or with the deployed jar in the Java host process.
//! Does not know: the source, the state.
//!
//! Both provisioners must end in the same target state.

mod direct;
mod plugin;

use std::time::Duration;

use pfscim_core::connector::GroupRecord;
use pfscim_core::mapping::Change;
use pfscim_core::{Failure, Record, Report};

pub use direct::DirectProvisioner;
pub use plugin::{DeployedJar, PluginProvisioner};

/// Returns the time limit of core for one operation: 5 s less than the time-out of the channel, so that core ends
/// first.
pub fn operation_timeout(channel_timeout: Duration) -> Duration {
    const RESERVE: Duration = Duration::from_secs(5);
    // Core starts no write with less than 5 s left. With less than 10 s it might never write.
    channel_timeout.saturating_sub(RESERVE).max(2 * RESERVE)
}

/// The result of an operation that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationResult {
    /// The outcome, the target id and the warnings.
    pub report: Report,
    /// The changed fields; filled by previews only.
    pub changes: Vec<Change>,
    /// The members that a group gets and loses; filled by previews only.
    pub members: MemberChanges,
}

/// Members that a group gets and loses: target ids from a provisioner, names in events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberChanges {
    /// New members.
    pub added: Vec<String>,
    /// Removed members.
    pub removed: Vec<String>,
}

impl From<Report> for OperationResult {
    fn from(report: Report) -> Self {
        Self { report, changes: Vec::new(), members: MemberChanges::default() }
    }
}

/// Carries operations to the target, for many threads at a time.
pub trait Provisioner: Sync {
    /// Checks that the target can be reached with these settings; returns warnings, one line each.
    ///
    /// # Errors
    /// The target cannot be reached, rejects the credentials, or does not fit the settings.
    fn check(&self) -> Result<Vec<String>, Failure>;

    /// Returns the user with this id, or else with this value of the *Unique User Identifier*.
    ///
    /// # Errors
    /// As core's `Session::find_user`.
    fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure>;

    /// Creates a user.
    ///
    /// # Errors
    /// As core's `Session::create_user`.
    fn create(&self, record: &Record) -> Result<OperationResult, Failure>;

    /// Updates a user.
    ///
    /// # Errors
    /// As core's `Session::update_user`.
    fn update(&self, record: &Record) -> Result<OperationResult, Failure>;

    /// Disables or deletes the user with the id of the record.
    ///
    /// # Errors
    /// As core's `Session::remove_user`.
    fn remove(&self, record: &Record) -> Result<OperationResult, Failure>;

    /// Returns the id of the group with this id, or else with this name.
    ///
    /// # Errors
    /// As core's `Session::find_group`.
    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure>;

    /// Creates a group with all its members.
    ///
    /// # Errors
    /// As core's `Session::create_group`.
    fn create_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure>;

    /// Updates the name and the members of a group.
    ///
    /// # Errors
    /// As core's `Session::update_group`.
    fn update_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure>;

    /// Deletes the group with this id.
    ///
    /// # Errors
    /// As core's `Session::delete_group`.
    fn delete_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure>;

    /// Ends the cycle; returns its last warnings, one line each.
    fn close(&self) -> Vec<String>;

    /// Takes what earlier cycles learnt about the target: the text that [`Provisioner::learnt`] returned.
    fn learn(&self, _learnt: &str) {}

    /// Returns what was learnt about the target, for the state; `None` if the deployed jar keeps it.
    fn learnt(&self) -> Option<String> {
        None
    }
}
