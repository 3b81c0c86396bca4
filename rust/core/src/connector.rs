//! The facade: what a host may ask of a target (design section 3).

use std::sync::Arc;

use crate::environment::Environment;
use crate::mapping::{Catalogue, Change};
use crate::target::Settings;
use crate::{Failure, Record, Report};

/// What a check found out. Every line is printable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What the target supports, one fact a line.
    pub facts: Vec<String>,
    /// Settings that do not fit the target, or are risky; one a line.
    pub warnings: Vec<String>,
}

/// What an update or create would change at the target; for previews.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// How the operation would end.
    pub report: Report,
    /// Field by field, in catalogue order. A create lists every field with no old values.
    pub changes: Vec<Change>,
}

/// One target with one set of settings: HTTP client, token, rate limiter, removal latch.
#[derive(Debug)]
pub struct Connector {
    settings: Settings,
    environment: Environment,
}

impl Connector {
    /// The connector for these settings and this channel: the one that is open already, or a new one. Sends nothing.
    ///
    /// # Errors
    /// [`Failure::Config`].
    pub fn open(settings: Settings, environment: Environment) -> Result<Arc<Self>, Failure> {
        Ok(Arc::new(Self { settings, environment }))
    }

    /// The settings it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Proves the credentials and reports what the target can do.
    ///
    /// # Errors
    /// Whatever keeps this connection from working.
    pub fn check(&self) -> Result<Checked, Failure> {
        Err(Failure::transport(format!("not there yet {}", self.environment.dry_run)))
    }

    /// Starts a provisioning cycle. Sends nothing.
    pub fn session(self: &Arc<Self>) -> Session {
        Session { connector: Arc::clone(self) }
    }
}

/// One provisioning cycle. Serves many threads.
#[derive(Debug)]
pub struct Session {
    connector: Arc<Connector>,
}

impl Session {
    /// The connector behind this session.
    pub fn connector(&self) -> &Arc<Connector> {
        &self.connector
    }

    /// The fields that can be mapped: the standard ones and what the target offers beyond.
    ///
    /// # Errors
    /// Any failure of reading the target's schemas but their absence.
    pub fn fields(&self) -> Result<Catalogue, Failure> {
        Ok(Catalogue::standard(self.connector.settings.version))
    }

    /// Finds a user by id, then by the value of the unique user identifier.
    ///
    /// # Errors
    /// `ambiguous` where several users carry the identifier; wire failures.
    pub fn find_user(&self, _id: Option<&str>, _identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        Err(Failure::transport("not there yet"))
    }

    /// Rows 1 to 5a of the decision table.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn create_user(&self, _record: &Record) -> Result<Report, Failure> {
        Err(Failure::transport("not there yet"))
    }

    /// Rows 6 to 16 of the decision table: an update, which for a disabled record may be a removal.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn update_user(&self, _record: &Record) -> Result<Report, Failure> {
        Err(Failure::transport("not there yet"))
    }

    /// Rows 11 to 16: always a removal, of the stored id only.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn remove_user(&self, _record: &Record) -> Result<Report, Failure> {
        Err(Failure::transport("not there yet"))
    }

    /// As the operation itself, in an environment with `dry_run`, with the changes field by field.
    ///
    /// # Errors
    /// As the operation.
    pub fn preview(&self, _asked: Asked, _record: &Record) -> Result<Preview, Failure> {
        Err(Failure::transport("not there yet"))
    }

    /// Ends the cycle: calls still running finish. Returns the closing lines for the log: how often each
    /// provisioning option held something back.
    pub fn close(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a host asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    /// `create_user`.
    Create,
    /// `update_user`.
    Update,
    /// `remove_user`.
    Remove,
}
