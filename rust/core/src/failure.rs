//! The one error of this crate. Every variant has a stable code, prints on one line as `code: text`, and holds no
//! secret, filter value or body: whoever makes one passes foreign text through [`crate::text`].

use thiserror::Error;

use crate::text::printable;

/// Why an operation, a check or a session failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// A setting is missing, wrong or does not fit the target. Stops the session.
    #[error("config: {0}")]
    Config(String),
    /// 401 after one renewal, a token endpoint that refuses, or three 403 at the start. Stops the session.
    #[error("auth_failed: {0}")]
    AuthFailed(String),
    /// `Retry-After` lies beyond the deadline. Stops the session.
    #[error("rate_limited: {0}")]
    RateLimited(String),
    /// Not reachable, timed out, or TLS. The fifth in a row stops the session.
    #[error("transport: {text}")]
    Transport {
        /// What happened and what to look at.
        text: String,
        /// True from the fifth in a row on.
        stops: bool,
    },
    /// The target refused this record (4xx), with its reason.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The identifier is taken, but no user with it can be found.
    #[error("conflict: {0}")]
    Conflict(String),
    /// Several users carry the identifier; none was touched.
    #[error("ambiguous: {0}")]
    Ambiguous(String),
    /// What should be changed is not there.
    #[error("not_found: {0}")]
    NotFound(String),
    /// The target said yes and did not do it.
    #[error("not_honoured: {0}")]
    NotHonoured(String),
    /// *Maximum Removals Per Cycle* is reached.
    #[error("removal_limit: {0}")]
    RemovalLimit(String),
    /// An answer that cannot be read.
    #[error("protocol: {0}")]
    Protocol(String),
}

impl Failure {
    /// The stable code, as in logs, in `--json` and in the Java exception.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::AuthFailed(_) => "auth_failed",
            Self::RateLimited(_) => "rate_limited",
            Self::Transport { .. } => "transport",
            Self::Rejected(_) => "rejected",
            Self::Conflict(_) => "conflict",
            Self::Ambiguous(_) => "ambiguous",
            Self::NotFound(_) => "not_found",
            Self::NotHonoured(_) => "not_honoured",
            Self::RemovalLimit(_) => "removal_limit",
            Self::Protocol(_) => "protocol",
        }
    }

    /// The text behind the code.
    pub fn text(&self) -> &str {
        match self {
            Self::Config(t)
            | Self::AuthFailed(t)
            | Self::RateLimited(t)
            | Self::Transport { text: t, .. }
            | Self::Rejected(t)
            | Self::Conflict(t)
            | Self::Ambiguous(t)
            | Self::NotFound(t)
            | Self::NotHonoured(t)
            | Self::RemovalLimit(t)
            | Self::Protocol(t) => t,
        }
    }

    /// Whether the rest of the cycle is pointless after this.
    pub fn stops_session(&self) -> bool {
        match self {
            Self::Config(_) | Self::AuthFailed(_) | Self::RateLimited(_) => true,
            Self::Transport { stops, .. } => *stops,
            _ => false,
        }
    }

    /// The failure that a one-line message of another process told, if it is one: `code: text`.
    pub fn from_message(message: &str, stops: bool) -> Option<Self> {
        let (code, text) = message.split_once(": ")?;
        let text = printable(text);
        Some(match code {
            "config" => Self::Config(text),
            "auth_failed" => Self::AuthFailed(text),
            "rate_limited" => Self::RateLimited(text),
            "transport" => Self::Transport { text, stops },
            "rejected" => Self::Rejected(text),
            "conflict" => Self::Conflict(text),
            "ambiguous" => Self::Ambiguous(text),
            "not_found" => Self::NotFound(text),
            "not_honoured" => Self::NotHonoured(text),
            "removal_limit" => Self::RemovalLimit(text),
            "protocol" => Self::Protocol(text),
            _ => return None,
        })
    }

    /// A transport failure that does not stop the session by itself.
    pub fn transport(text: impl Into<String>) -> Self {
        Self::Transport { text: text.into(), stops: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_read_back_is_the_same_failure() {
        let all = [
            Failure::Config("a".into()),
            Failure::AuthFailed("a".into()),
            Failure::RateLimited("a".into()),
            Failure::Transport { text: "a: b".into(), stops: true },
            Failure::Rejected("a".into()),
            Failure::Conflict("a".into()),
            Failure::Ambiguous("a".into()),
            Failure::NotFound("a".into()),
            Failure::NotHonoured("a".into()),
            Failure::RemovalLimit("a".into()),
            Failure::Protocol("a".into()),
        ];
        for failure in all {
            let message = failure.to_string();
            assert!(message.starts_with(failure.code()));
            assert_eq!(Failure::from_message(&message, failure.stops_session()), Some(failure));
        }
        assert_eq!(Failure::from_message("nonsense", false), None);
    }
}
