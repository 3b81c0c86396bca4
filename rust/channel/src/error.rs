//! Why a run did not take place, or ended early. One line each, for the person who has to act; what went wrong with
//! a single record is a [`Failure`] of that record and not told here.

use pfscim_core::{Failure, Message};
use thiserror::Error;

/// What keeps a run from starting, or stopped it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument, file, setting or deployed jar that cannot be used. Nothing was sent.
    #[error("{0}")]
    Unusable(Message),
    /// The target does not fit the settings: no later run could do better.
    #[error("{0}")]
    Configuration(Message),
    /// More removals than the run may make. Nothing was sent.
    #[error("{0}")]
    Guard(Message),
    /// The session was stopped: the rest of the cycle would have failed too. The state is true.
    #[error("{0}")]
    Stopped(Message),
}

impl Error {
    /// The run was asked to stop, and did.
    pub(crate) fn stopped_as_asked() -> Self {
        Self::Stopped("stopped by a signal, after the operations that were running".into())
    }

    /// What happened, and what to do.
    pub fn message(&self) -> &Message {
        match self {
            Self::Unusable(m) | Self::Configuration(m) | Self::Guard(m) | Self::Stopped(m) => m,
        }
    }

    /// An [`Error::Unusable`] about a named thing.
    pub fn unusable(message: impl Into<Message>) -> Self {
        Self::Unusable(message.into())
    }
}

/// Settings that do not fit are a matter of configuration, every other failure of the session's.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Config(message) => Self::Configuration(message),
            other => Self::Stopped(other.message().clone().at(other.code()).at("stopped")),
        }
    }
}
