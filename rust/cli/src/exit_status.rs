//! How the program ends: its exit status.
//! Does not know: the commands, nor what they print.

use std::process::ExitCode;

use pfscim_channel::Error;

/// How the program ends (README, *Exit status*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// All well.
    Well,
    /// Some records failed.
    Failures,
    /// Bad arguments or configuration, or a guard that refused.
    Unusable,
    /// The session was stopped.
    Stopped,
}

impl ExitStatus {
    /// The exit status.
    pub(crate) const fn status(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Failures => 1,
            Self::Unusable => 2,
            Self::Stopped => 3,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(end: ExitStatus) -> Self {
        Self::from(end.status())
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
