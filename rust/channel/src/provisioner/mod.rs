//! The way out of a channel: who carries an operation to the target. Two ways, which must end in the same target
//! state: core in this process, or the deployed jar behind the host.

mod direct;
mod plugin;

use std::time::Duration;

use pfscim_core::connector::GroupRecord;
use pfscim_core::mapping::Change;
use pfscim_core::{Failure, Record, Report};

pub use direct::DirectProvisioner;
pub use plugin::{DeployedJar, PluginProvisioner};

/// How long core may take for one operation, so that it answers before a channel with this time-out gives up.
pub fn operation_timeout(channel: Duration) -> Duration {
    const ANSWER: Duration = Duration::from_secs(5);
    // No write starts with under 5 s left: less than 10 s would mean that none ever does.
    channel.saturating_sub(ANSWER).max(2 * ANSWER)
}

/// How an operation ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationResult {
    /// What happened.
    pub report: Report,
    /// What changed, field by field; known to previews only.
    pub changes: Vec<Change>,
    /// Who came and went, of a group; known to previews only.
    pub members: MemberChanges,
}

/// Members that a group gets and loses: target ids from a provisioner, names in events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberChanges {
    /// Not members before.
    pub added: Vec<String>,
    /// Not members any more.
    pub removed: Vec<String>,
}

impl From<Report> for OperationResult {
    fn from(report: Report) -> Self {
        Self { report, changes: Vec::new(), members: MemberChanges::default() }
    }
}

/// Carries operations to the target. Serves many threads.
pub trait Provisioner: Sync {
    /// Proves that the target can be reached with these settings; returns what somebody should know, a line each.
    ///
    /// # Errors
    /// Whatever keeps the connection from working.
    fn check(&self) -> Result<Vec<String>, Failure>;

    /// The user with this id, else with this value of the unique user identifier.
    ///
    /// # Errors
    /// As core's `Session::find_user`.
    fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure>;

    /// Makes a user.
    ///
    /// # Errors
    /// As core's `Session::create_user`.
    fn create(&self, record: &Record) -> Result<OperationResult, Failure>;

    /// Brings a user up to date.
    ///
    /// # Errors
    /// As core's `Session::update_user`.
    fn update(&self, record: &Record) -> Result<OperationResult, Failure>;

    /// Disables or deletes a user, by its id.
    ///
    /// # Errors
    /// As core's `Session::remove_user`.
    fn remove(&self, record: &Record) -> Result<OperationResult, Failure>;

    /// The id of the group with this id, else with this name.
    ///
    /// # Errors
    /// As core's `Session::find_group`.
    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure>;

    /// Makes a group with all its members.
    ///
    /// # Errors
    /// As core's `Session::create_group`.
    fn create_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure>;

    /// Brings a group's name and members up to date.
    ///
    /// # Errors
    /// As core's `Session::update_group`.
    fn update_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure>;

    /// Deletes a group, by its id.
    ///
    /// # Errors
    /// As core's `Session::delete_group`.
    fn delete_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure>;

    /// Ends the cycle; returns its closing lines.
    fn close(&self) -> Vec<String>;
}
