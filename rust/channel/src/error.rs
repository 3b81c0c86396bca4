//! Why a run did not take place, or ended early. One line each, for the person who has to act; what went wrong with
//! a single record is a [`Failure`] of that record and not told here.

use pfscim_core::Failure;
use thiserror::Error;

/// What keeps a run from starting, or stopped it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument, file, setting or deployed jar that cannot be used. Nothing was sent.
    #[error("{0}")]
    Unusable(String),
    /// The target does not fit the settings: no later run could do better.
    #[error("{0}")]
    Configuration(String),
    /// More removals than the run may make. Nothing was sent.
    #[error("{0}")]
    Guard(String),
    /// The session was stopped: the rest of the cycle would have failed too. The state is true.
    #[error("{0}")]
    Stopped(String),
}

impl Error {
    /// The run was asked to stop, and did.
    pub(crate) fn stopped_as_asked() -> Self {
        Self::Stopped("stopped as asked; what was under way is finished, the next run does the rest".into())
    }

    /// An [`Error::Unusable`] about a named thing.
    pub fn unusable(text: impl Into<String>) -> Self {
        Self::Unusable(text.into())
    }
}

/// Settings that do not fit are a matter of configuration, every other failure of the session's.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Config(text) => Self::Configuration(text),
            other => Self::Stopped(format!("stopped: {other}")),
        }
    }
}
