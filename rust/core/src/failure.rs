//! Describes why something failed: what happened, what to do, and a stable code.
//! Does not know: the target, the host.
//!
//! A failure prints on one line. It contains no secret, filter value or body: the code that makes one passes text
//! from outside through [`crate::text`].

use std::fmt;

use thiserror::Error;

use crate::text::{printable, redact};

/// What happened, and what the administrator can do about it. Displays as `text` or `text; hint`, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    text: String,
    hint: Option<String>,
}

impl Message {
    /// Separates text and hint in a line.
    const SEPARATOR: &str = "; ";

    /// Creates a message without a hint.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None }
    }

    /// Adds what to do: an imperative such as `set SCIM URL`, without a full stop.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Names the file, setting or record that the text is about: `place: text`.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self { text: format!("{place}: {}", self.text), ..self }
    }

    /// Returns what happened.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what to do, if pfscim knows it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Reads a line that [`Display`](fmt::Display) wrote, in this process or in another one.
    pub fn parse(line: &str) -> Self {
        match line.split_once(Self::SEPARATOR) {
            Some((text, hint)) => Self::new(printable(text)).with_hint(printable(hint)),
            None => Self::new(printable(line)),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The first `; ` of a line begins the hint. The text may contain a reason of the target, which must not look like
        // a hint.
        f.write_str(&self.text.replace(Self::SEPARATOR, ", "))?;
        match &self.hint {
            Some(hint) => write!(f, "{}{hint}", Self::SEPARATOR),
            None => Ok(()),
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Why an operation, a check or a session failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// A setting is missing or wrong, or does not fit the target. Stops the session.
    #[error("config: {0}")]
    Config(Message),
    /// The target returned 401 (a token was renewed once), or 403 to a check or to the first three operations. Or the
    /// token endpoint returned no token. Stops the session.
    #[error("auth_failed: {0}")]
    AuthFailed(Message),
    /// The target requested a wait beyond the deadline, or returned 429 to every attempt. Stops the session.
    #[error("rate_limited: {0}")]
    RateLimited(Message),
    /// The target is not reachable, timed out, failed in TLS, or returned 5xx. Or too little time was left to send the
    /// request. The fifth in a row stops the session.
    #[error("transport: {message}")]
    Transport {
        /// What happened, and what to do.
        message: Message,
        /// Whether it stops the session: from the fifth in a row on.
        stops: bool,
    },
    /// The target rejected the record (4xx), with its reason. Or the connector rejected it before the request.
    #[error("rejected: {0}")]
    Rejected(Message),
    /// The target reports that the identifier or name is taken, but a search finds no resource with it.
    #[error("conflict: {0}")]
    Conflict(Message),
    /// Several resources of the target have the identifier or name. None was changed.
    #[error("ambiguous: {0}")]
    Ambiguous(Message),
    /// The resource that the operation changes does not exist at the target.
    #[error("not_found: {0}")]
    NotFound(Message),
    /// The responses of the target do not prove whether it has the resource, or which one it is. Nothing was written, or a
    /// write was not confirmed.
    #[error("uncertain: {0}")]
    Uncertain(Message),
    /// The target reported success but did not make the change.
    #[error("not_honoured: {0}")]
    NotHonoured(Message),
    /// A removal was not sent, because *Maximum Removals Per Cycle* is reached.
    #[error("removal_limit: {0}")]
    RemovalLimit(Message),
    /// The response cannot be used, for example HTML or a redirect. Or the request must not be sent.
    #[error("protocol: {0}")]
    Protocol(Message),
}

impl Failure {
    /// Returns the stable code, as in logs, in `--json` and in the Java exception.
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
            Self::Uncertain(_) => "uncertain",
            Self::NotHonoured(_) => "not_honoured",
            Self::RemovalLimit(_) => "removal_limit",
            Self::Protocol(_) => "protocol",
        }
    }

    /// Returns what happened, and what to do.
    pub fn message(&self) -> &Message {
        match self {
            Self::Config(m)
            | Self::AuthFailed(m)
            | Self::RateLimited(m)
            | Self::Transport { message: m, .. }
            | Self::Rejected(m)
            | Self::Conflict(m)
            | Self::Ambiguous(m)
            | Self::NotFound(m)
            | Self::Uncertain(m)
            | Self::NotHonoured(m)
            | Self::RemovalLimit(m)
            | Self::Protocol(m) => m,
        }
    }

    /// Redacts a secret in text and hint.
    pub(crate) fn redact(&mut self, secret: &str) {
        let message = self.message_mut();
        message.text = redact(&message.text, secret);
        message.hint = message.hint.as_deref().map(|hint| redact(hint, secret));
    }

    fn message_mut(&mut self) -> &mut Message {
        match self {
            Self::Config(m)
            | Self::AuthFailed(m)
            | Self::RateLimited(m)
            | Self::Transport { message: m, .. }
            | Self::Rejected(m)
            | Self::Conflict(m)
            | Self::Ambiguous(m)
            | Self::NotFound(m)
            | Self::Uncertain(m)
            | Self::NotHonoured(m)
            | Self::RemovalLimit(m)
            | Self::Protocol(m) => m,
        }
    }

    /// Returns whether every later operation of the session would fail too.
    pub fn stops_session(&self) -> bool {
        match self {
            Self::Config(_) | Self::AuthFailed(_) | Self::RateLimited(_) => true,
            Self::Transport { stops, .. } => *stops,
            _ => false,
        }
    }

    /// Reads `code: text; hint`, a line that another process wrote. Returns `None` if the code is unknown.
    ///
    /// `stops` is used for `transport` only: whether the failure stopped the session in that process.
    pub fn parse(line: &str, stops: bool) -> Option<Self> {
        let (code, message) = line.split_once(": ")?;
        let message = Message::parse(message);
        Some(match code {
            "config" => Self::Config(message),
            "auth_failed" => Self::AuthFailed(message),
            "rate_limited" => Self::RateLimited(message),
            "transport" => Self::Transport { message, stops },
            "rejected" => Self::Rejected(message),
            "conflict" => Self::Conflict(message),
            "ambiguous" => Self::Ambiguous(message),
            "not_found" => Self::NotFound(message),
            "uncertain" => Self::Uncertain(message),
            "not_honoured" => Self::NotHonoured(message),
            "removal_limit" => Self::RemovalLimit(message),
            "protocol" => Self::Protocol(message),
            _ => return None,
        })
    }

    /// Replaces a hint, if the failure has this one.
    #[must_use]
    pub fn with_hint_instead(mut self, replaced: &str, hint: &str) -> Self {
        let message = self.message_mut();
        if message.hint.as_deref() == Some(replaced) {
            message.hint = Some(hint.to_owned());
        }
        self
    }

    /// Creates a transport failure that does not stop the session.
    pub fn transport(message: impl Into<Message>) -> Self {
        Self::Transport { message: message.into(), stops: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_as_the_same_failure() {
        let failures = [
            Failure::Config("a".into()),
            Failure::AuthFailed("a".into()),
            Failure::RateLimited("a".into()),
            Failure::Transport { message: Message::new("a: b").with_hint("c; d"), stops: true },
            Failure::Rejected("a".into()),
            Failure::Conflict("the target returned 409: a;b;".into()),
            Failure::Ambiguous(Message::new("a;").with_hint("b")),
            Failure::Ambiguous("a".into()),
            Failure::NotFound("a".into()),
            Failure::Uncertain("a".into()),
            Failure::NotHonoured("a".into()),
            Failure::RemovalLimit("a".into()),
            Failure::Protocol("a".into()),
        ];
        for failure in failures {
            let line = failure.to_string();
            assert!(line.starts_with(failure.code()));
            assert_eq!(Failure::parse(&line, failure.stops_session()), Some(failure));
        }
        assert_eq!(Failure::parse("nonsense", false), None);
    }

    #[test]
    fn a_reason_of_the_target_does_not_look_like_a_hint_in_a_line() {
        let message = Message::new("the target returned 400: a; b").at("x; y");
        assert_eq!((message.text(), message.hint()), ("x; y: the target returned 400: a; b", None));
        let line = message.with_hint("c; d").to_string();
        assert_eq!(line, "x, y: the target returned 400: a, b; c; d");
        let read = Message::parse(&line);
        assert_eq!((read.text(), read.hint()), ("x, y: the target returned 400: a, b", Some("c; d")));
    }
}
