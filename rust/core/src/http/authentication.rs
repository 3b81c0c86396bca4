//! Who we are to the target: the `authorization` header for each authentication method, and the token of OAuth client
//! credentials (RFC 6749 section 4.4), which all threads share. Knows nothing of SCIM.

use crate::sync::lock_ignoring_poison;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::message::{Deadline, Method, RawResponse, RequestError, Response, user_agent};
use super::retrying_sender::{Message, RetryingSender};
use crate::Failure;
use crate::settings::{Authentication, Secret, Settings};

/// A token is renewed so much before it expires, or a tenth of its life where that is less.
const LONGEST_MARGIN: Duration = Duration::from_secs(60);
/// The scheme of RFC 6750 section 2.1.
const BEARER: &str = "Bearer";

/// The credentials of one connector.
pub(super) enum Credentials {
    /// Nothing to show.
    None,
    /// The same header for every request, and the secret in it.
    Fixed { header: Secret, secret: Secret, advice: &'static str },
    /// A token that is fetched.
    Token(Box<Tokens>),
}

impl Credentials {
    /// # Errors
    /// [`Failure::Config`] where a setting cannot stand in a header.
    pub(super) fn new(settings: &Settings) -> Result<Self, Failure> {
        let word = settings.authorization_type.as_deref();
        if word.is_some_and(|word| !fits_header(word)) {
            return Err(unfit("Authorization Header Type"));
        }
        let word = word.unwrap_or(BEARER);
        Ok(match &settings.authentication {
            Authentication::None => Self::None,
            Authentication::Basic { user, .. } if user.contains(':') => {
                let text = "Basic Authentication Username may not contain a colon (RFC 7617)";
                return Err(Failure::Config(text.into()));
            }
            Authentication::Basic { user, password } => Self::Fixed {
                header: Secret::new(basic(user, password.expose())),
                secret: password.clone(),
                advice: "check Basic Authentication Username and Basic Authentication Password",
            },
            Authentication::Bearer { token } if !fits_header(token.expose()) => return Err(unfit("Access Token")),
            Authentication::Bearer { token } => Self::Fixed {
                header: Secret::new(format!("{word} {}", token.expose())),
                secret: token.clone(),
                advice: "check Access Token (is it expired or withdrawn?) and Authorization Header Type",
            },
            Authentication::ClientCredentials { endpoint, client_id, client_secret, scopes } => {
                Self::Token(Box::new(Tokens {
                    endpoint: endpoint.clone(),
                    id: client_id.clone(),
                    secret: client_secret.clone(),
                    scope: scopes.join(" "),
                    word: word.to_owned(),
                    rounds: AtomicU64::new(0),
                    kept: Mutex::new(Kept::default()),
                }))
            }
        })
    }

    /// The value of `authorization` for the next request; fetches a token where there is none that is good.
    ///
    /// # Errors
    /// `auth_failed` where the token endpoint refuses, `transport` or `rate_limited` where it cannot be used now.
    pub(super) fn header(&self, courier: &RetryingSender, deadline: Deadline) -> Result<Option<String>, RequestError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed { header, .. } => Ok(Some(header.expose().to_owned())),
            Self::Token(tokens) => tokens.header(courier, deadline).map(Some).map_err(RequestError::not_done),
        }
    }

    /// Takes back what was used for a request that was answered 401; true where a fresh one may do better.
    pub(super) fn renewable(&self, used: Option<&str>) -> bool {
        let Self::Token(tokens) = self else { return false };
        let mut kept = tokens.lock();
        // Another thread may have fetched a new one already.
        if kept.token.as_ref().is_some_and(|token| Some(token.header.expose()) == used) {
            kept.token = None;
        }
        true
    }

    /// What must not be repeated of an answer: the secrets, and what was `used` as `authorization`, without its scheme.
    /// One of under four characters is in too many words to be struck out.
    pub(super) fn hidden<'s>(&'s self, used: Option<&'s str>) -> Vec<&'s str> {
        let secret = match self {
            Self::None => None,
            Self::Fixed { secret, .. } => Some(secret),
            Self::Token(tokens) => Some(&tokens.secret),
        };
        let used = used.and_then(|header| header.split_once(' ')).map(|(_, credentials)| credentials);
        secret.map(Secret::expose).into_iter().chain(used).filter(|hidden| hidden.len() >= 4).collect()
    }

    /// What to look at after a 401.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::None => "it wants credentials, choose one of the Authentication Methods",
            Self::Fixed { advice, .. } => advice,
            Self::Token(_) => {
                "it refuses even a token just fetched, check Scope, Authorization Header Type and what the client of \
                 Client ID may do"
            }
        }
    }
}

/// The token of one connector and where it comes from.
pub(super) struct Tokens {
    endpoint: Url,
    id: String,
    secret: Secret,
    /// Separated by blanks, as on the wire.
    scope: String,
    /// The scheme before the token.
    word: String,
    /// How many fetches have ended.
    rounds: AtomicU64,
    /// Locked while a fetch is under way: the other threads wait for its outcome.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    /// How the last fetch failed, for those who waited for it.
    failed: Option<Failure>,
    style: Style,
}

struct Token {
    header: Secret,
    /// On the monotonic clock; `None` = good until it is refused.
    until: Option<Duration>,
}

/// How the client shows its secret to the token endpoint (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Style {
    #[default]
    Header,
    Body,
}

impl Style {
    fn other(self) -> Self {
        match self {
            Self::Header => Self::Body,
            Self::Body => Self::Header,
        }
    }
}

impl Tokens {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        lock_ignoring_poison(&self.kept)
    }

    fn header(&self, courier: &RetryingSender, deadline: Deadline) -> Result<String, Failure> {
        self.header_since(self.rounds.load(Ordering::Acquire), courier, deadline)
    }

    /// As [`Tokens::header`], for one who came when `before` fetches had ended: a fetch that failed since then was
    /// waited for, and is not repeated at once.
    fn header_since(&self, before: u64, courier: &RetryingSender, deadline: Deadline) -> Result<String, Failure> {
        let mut kept = self.lock();
        if let Some(token) = &kept.token
            && token.until.is_none_or(|until| courier.clock.monotonic() < until)
        {
            return Ok(token.header.expose().to_owned());
        }
        if before != self.rounds.load(Ordering::Acquire)
            && let Some(failure) = &kept.failed
        {
            return Err(failure.clone());
        }
        let fetched = self.fetch(&mut kept.style, courier, deadline);
        self.rounds.fetch_add(1, Ordering::Release);
        match fetched {
            Ok(token) => {
                let header = token.header.expose().to_owned();
                kept.token = Some(token);
                kept.failed = None;
                Ok(header)
            }
            Err(failure) => {
                kept.token = None;
                kept.failed = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// Asks in the style that worked last, then in the other one where the client was not recognised.
    fn fetch(&self, style: &mut Style, courier: &RetryingSender, deadline: Deadline) -> Result<Token, Failure> {
        let first = match self.ask(*style, courier, deadline)? {
            Ok(granted) => return self.keep(granted, courier),
            Err(refusal) => refusal,
        };
        if !first.unrecognised {
            return Err(self.refused(&first));
        }
        match self.ask(style.other(), courier, deadline)? {
            Ok(granted) => {
                *style = style.other();
                self.keep(granted, courier)
            }
            // A server that knows only one style words its refusal of the other one as a malformed request.
            Err(second) if first.code.is_none() && second.code.is_some() => Err(self.refused(&second)),
            Err(_) => Err(self.refused(&first)),
        }
    }

    fn ask(
        &self,
        style: Style,
        courier: &RetryingSender,
        deadline: Deadline,
    ) -> Result<Result<Granted, Refusal>, Failure> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.scope.is_empty() {
            form.append_pair("scope", &self.scope);
        }
        let mut headers = vec![
            ("accept", "application/json".to_owned()),
            ("user-agent", user_agent().to_owned()),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ];
        match style {
            Style::Header => headers.push(("authorization", basic(&encoded(&self.id), &encoded(self.secret.expose())))),
            Style::Body => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", self.secret.expose());
            }
        }
        let (receiver, body) = (self.name(), form.finish());
        let message = Message {
            receiver: &receiver,
            method: Method::Post,
            url: &self.endpoint,
            headers: &headers,
            body: Some(body.as_bytes()),
            repeatable: true,
            changes: false,
            paced: false,
        };
        let (reply, _) = courier.carry(&message, deadline).map_err(|unanswered| unanswered.failure)?;
        match reply.status {
            200..=299 => Ok(read(&reply)),
            400..=499 => Ok(Err(Refusal::read(&reply))),
            500..=599 => Err(Failure::transport(format!("{} answers {}", self.name(), reply.status))),
            _ => Err(Failure::AuthFailed(
                format!(
                    "{} answers {}: redirects are not followed, correct Token Request Endpoint",
                    self.name(),
                    reply.status
                )
                .into(),
            )),
        }
    }

    fn keep(&self, granted: Granted, courier: &RetryingSender) -> Result<Token, Failure> {
        if !fits_header(granted.token.expose()) {
            let text = format!("{} gave a token with characters that no header may hold", self.name());
            return Err(Failure::AuthFailed(text.into()));
        }
        let until = granted.life.map(|life| {
            let good = life - LONGEST_MARGIN.min(life / 10);
            courier.clock.monotonic().saturating_add(good)
        });
        Ok(Token { header: Secret::new(format!("{} {}", self.word, granted.token.expose())), until })
    }

    fn refused(&self, refusal: &Refusal) -> Failure {
        let code = refusal.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
        let advice = ADVICE
            .iter()
            .find(|(known, _)| refusal.code.as_deref() == Some(known))
            .map_or("check Token Request Endpoint, Client ID and Client Secret", |(_, advice)| advice);
        Failure::AuthFailed(format!("{} {}{code}: {advice}", self.name(), refusal.what).into())
    }

    /// The endpoint's name in messages.
    fn name(&self) -> String {
        format!("Token Request Endpoint {}", self.endpoint.origin().ascii_serialization())
    }
}

/// What to look at for each error code of RFC 6749 section 5.2.
const ADVICE: [(&str, &str); 5] = [
    ("invalid_client", "check Client ID and Client Secret"),
    ("invalid_scope", "check Scope"),
    ("unauthorized_client", "the client of Client ID has to be allowed the grant type client credentials there"),
    ("unsupported_grant_type", "the grant type client credentials has to be enabled there"),
    ("invalid_request", "check Scope, Client ID and Client Secret"),
];

/// A token as the endpoint gave it.
struct Granted {
    token: Secret,
    life: Option<Duration>,
}

/// An answer of the endpoint without a token.
struct Refusal {
    what: String,
    code: Option<String>,
    /// The endpoint may not have understood how the client showed its secret.
    unrecognised: bool,
}

impl Refusal {
    fn read(reply: &RawResponse) -> Self {
        let code = match Response::read(reply).body {
            Some(Ok(body)) => code(&body),
            _ => None,
        };
        let unrecognised = match code.as_deref() {
            Some(code) => matches!(code, "invalid_client" | "invalid_request"),
            None => matches!(reply.status, 400 | 401),
        };
        Self { what: format!("answers {}", reply.status), code, unrecognised }
    }

    fn without_token(why: impl Into<String>, code: Option<String>) -> Self {
        Self { what: why.into(), code, unrecognised: false }
    }
}

/// Reads a successful answer of the endpoint (RFC 6749 section 5.1). Some endpoints report errors with status 200.
fn read(reply: &RawResponse) -> Result<Granted, Refusal> {
    let body = match Response::read(reply).body {
        None => return Err(Refusal::without_token("answers with an empty page instead of a token", None)),
        Some(Err(_)) => return Err(Refusal::without_token("answers with something else than a token", None)),
        Some(Ok(body)) => body,
    };
    match body.get("access_token").and_then(Value::as_str).map(str::trim).filter(|token| !token.is_empty()) {
        Some(token) => Ok(Granted { token: Secret::new(token), life: life(body.get("expires_in")) }),
        None => Err(Refusal::without_token("answers without an access_token", code(&body))),
    }
}

/// The error code of RFC 6749 section 5.2, which is one word; anything else may repeat the request and its secret.
fn code(body: &Value) -> Option<String> {
    const LONGEST: usize = 40;
    let word = body.get("error")?.as_str()?;
    let fits = word.len() <= LONGEST && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    Some(if fits { word } else { "an error code of its own" }.to_owned())
}

/// `expires_in`, a number or its text. What says nothing usable counts as not said.
fn life(expires_in: Option<&Value>) -> Option<Duration> {
    let seconds = match expires_in? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok().filter(|life| !life.is_zero())
}

/// RFC 7617.
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// RFC 6749 appendix B.
fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn fits_header(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn unfit(label: &str) -> Failure {
    Failure::Config(format!("{label} holds characters that no header may hold (a line break?): enter it again").into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::environment::SystemClock;
    use crate::http::rate_limiter::RateLimiter;
    use crate::http::{RawRequest, Transport, TransportError};

    struct Refusing;

    impl Transport for Refusing {
        fn send(&self, _: &RawRequest<'_>) -> Result<RawResponse, TransportError> {
            Ok(RawResponse { status: 400, headers: Vec::new(), body: b"{\"error\":\"invalid_scope\"}".to_vec() })
        }
    }

    #[test]
    fn those_who_waited_for_a_fetch_share_its_failure_and_later_ones_try_anew() {
        let courier = RetryingSender {
            transport: Box::new(Refusing),
            clock: Arc::new(SystemClock::default()),
            request_timeout: Duration::from_secs(1),
            pace: RateLimiter::new(None),
        };
        let tokens = Tokens {
            endpoint: Url::parse("https://login.example/token").unwrap(),
            id: "id".into(),
            secret: Secret::new("hush"),
            scope: String::new(),
            word: BEARER.into(),
            rounds: AtomicU64::new(0),
            kept: Mutex::new(Kept::default()),
        };
        let deadline = Deadline(Duration::from_secs(60));
        let fetches = || tokens.rounds.load(Ordering::SeqCst);
        assert_eq!(tokens.header_since(0, &courier, deadline).unwrap_err().code(), "auth_failed");
        assert_eq!(fetches(), 1);
        assert_eq!(tokens.header_since(0, &courier, deadline).unwrap_err().code(), "auth_failed");
        assert_eq!(fetches(), 1, "the one who waited did not ask");
        assert_eq!(tokens.header(&courier, deadline).unwrap_err().code(), "auth_failed");
        assert_eq!(fetches(), 2);
    }
}
