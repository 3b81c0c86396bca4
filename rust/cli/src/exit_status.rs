//! Defines the exit status of the program.
//! Does not know: the commands, what they print.

use std::process::ExitCode;

use pfscim_channel::Error;

/// The exit status (README, *Exit status*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// The command did everything, without a failure.
    Success,
    /// Some records failed.
    Failures,
    /// Wrong arguments or configuration, or the removal guard stopped the run.
    Unusable,
    /// The cycle or test was stopped.
    Stopped,
}

impl ExitStatus {
    /// Returns the number.
    pub(crate) const fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failures => 1,
            Self::Unusable => 2,
            Self::Stopped => 3,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.status())
    }
}

impl From<&Error> for ExitStatus {
    fn from(error: &Error) -> Self {
        match error {
            Error::Stopped(_) => Self::Stopped,
            _ => Self::Unusable,
        }
    }
}
