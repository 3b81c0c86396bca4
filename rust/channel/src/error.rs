//! Describes why a run did not start, or stopped early.
//! Does not know: failures of single records, each of which is a [`Failure`] of its record.
//!
//! An error prints on one line, for the administrator.

use pfscim_core::{Failure, Message};
use thiserror::Error;

/// Why a run did not start, or stopped early.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// pfscim cannot use an argument, a file, a setting or the deployed jar. Nothing was sent.
    #[error("{0}")]
    Unusable(Message),
    /// The settings do not fit the target, so a later run would fail too.
    #[error("{0}")]
    Configuration(Message),
    /// The guard refused the removals of the run. Nothing was sent.
    #[error("{0}")]
    Guard(Message),
    /// The session stopped, because the rest of the cycle would fail too. The state is correct.
    #[error("{0}")]
    Stopped(Message),
}

impl Error {
    /// Returns the error of a run that stopped after a signal.
    pub(crate) fn stopped_by_signal() -> Self {
        Self::Stopped("stopped by a signal, after the running operations had ended".into())
    }

    /// Returns the error of a run that stopped after this failure.
    pub(crate) fn stopped_by_failure(failure: &Failure) -> Self {
        Self::Stopped(failure.message().clone().at(failure.code()).at("stopped"))
    }

    /// Returns what happened, and what to do.
    pub fn message(&self) -> &Message {
        match self {
            Self::Unusable(m) | Self::Configuration(m) | Self::Guard(m) | Self::Stopped(m) => m,
        }
    }

    /// Returns an [`Error::Unusable`] with this message.
    pub fn unusable(message: impl Into<Message>) -> Self {
        Self::Unusable(message.into())
    }
}

/// Wrong settings are [`Error::Configuration`]; every other failure that stops a session is [`Error::Stopped`].
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Config(message) => Self::Configuration(message),
            other => Self::stopped_by_failure(&other),
        }
    }
}
