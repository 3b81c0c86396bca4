//! Supplies the `authorization` header for each authentication method, and fetches tokens of OAuth client credentials.
//! Does not know: SCIM.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::retrying_sender::{OutgoingRequest, RetryingSender};
use super::types::{Deadline, Method, RawResponse, RequestError, Response, user_agent};
use crate::settings::{Authentication, Secret, Settings};
use crate::sync::{Turns, lock_ignoring_poison};
use crate::text::REDACTED_BYTES_MIN;
use crate::{Failure, Message};

/// A token is renewed this long before it expires, or a tenth of its lifetime if that is less.
const RENEWAL_MARGIN_MAX: Duration = Duration::from_secs(60);
/// The most bytes of an error code of a token endpoint in a message.
const ERROR_CODE_BYTES_MAX: usize = 40;
/// The authentication scheme of RFC 6750 section 2.1.
const BEARER: &str = "Bearer";

/// The credentials of one connector.
pub(super) enum Credentials {
    /// Requests have no `authorization` header.
    None,
    /// The same header for every request, the secret in it, and the hint after a 401.
    Fixed { header: Secret, secret: Secret, hint: &'static str },
    /// A token from a token endpoint.
    Token(Box<TokenSource>),
}

impl Credentials {
    /// Creates the credentials of the settings. Sends nothing.
    ///
    /// # Errors
    /// [`Failure::Config`] if a setting contains characters that a header must not contain.
    pub(super) fn new(settings: &Settings) -> Result<Self, Failure> {
        let scheme = settings.authorization_type.as_deref();
        if scheme.is_some_and(|scheme| !fits_header(scheme)) {
            return Err(not_a_header_value("Authorization Header Type"));
        }
        let scheme = scheme.unwrap_or(BEARER);
        Ok(match &settings.authentication {
            Authentication::None => Self::None,
            Authentication::Basic { user, .. } if user.contains(':') => {
                let text = "Basic Authentication Username: must not contain a colon (RFC 7617)";
                return Err(Failure::Config(text.into()));
            }
            Authentication::Basic { user, password } => Self::Fixed {
                header: Secret::new(basic_header(user, password.expose())),
                secret: password.clone(),
                hint: "check Basic Authentication Username and Basic Authentication Password",
            },
            Authentication::Bearer { token } if !fits_header(token.expose()) => {
                return Err(not_a_header_value("Access Token"));
            }
            Authentication::Bearer { token } => Self::Fixed {
                header: Secret::new(format!("{scheme} {}", token.expose())),
                secret: token.clone(),
                hint: "renew Access Token if it is expired or revoked, and check Authorization Header Type",
            },
            Authentication::ClientCredentials { endpoint, client_id, client_secret, scopes } => {
                Self::Token(Box::new(TokenSource {
                    endpoint: endpoint.clone(),
                    id: client_id.clone(),
                    secret: client_secret.clone(),
                    scope: scopes.join(" "),
                    scheme: scheme.to_owned(),
                    turns: Turns::default(),
                    cache: Mutex::new(TokenCache::default()),
                }))
            }
        })
    }

    /// Returns the value of `authorization` for the next request. Fetches a token if no valid token is cached.
    ///
    /// # Errors
    /// `auth_failed` if the token endpoint returns no token, `transport` or `rate_limited` if it is not available now.
    pub(super) fn header(&self, sender: &RetryingSender, deadline: Deadline) -> Result<Option<String>, RequestError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed { header, .. } => Ok(Some(header.expose().to_owned())),
            Self::Token(source) => source.header(sender, deadline).map(Some).map_err(RequestError::not_applied),
        }
    }

    /// Discards the token of a request that returned 401. Returns whether the request may succeed with a new token.
    pub(super) fn discard(&self, authorization: Option<&str>) -> bool {
        let Self::Token(source) = self else { return false };
        let mut cache = source.lock();
        // Another thread may have fetched a new token already.
        if cache.token.as_ref().is_some_and(|token| Some(token.header.expose()) == authorization) {
            cache.token = None;
        }
        true
    }

    /// Returns what must not be in a message: the secret, and the sent `authorization` without its scheme.
    pub(super) fn secrets<'s>(&'s self, authorization: Option<&'s str>) -> Vec<&'s str> {
        let secret = match self {
            Self::None => None,
            Self::Fixed { secret, .. } => Some(secret),
            Self::Token(source) => Some(&source.secret),
        };
        let sent = authorization.and_then(|header| header.split_once(' ')).map(|(_, credentials)| credentials);
        let secrets = secret.map(Secret::expose).into_iter().chain(sent);
        secrets.filter(|secret| secret.len() >= REDACTED_BYTES_MIN).collect()
    }

    /// Returns the message of a 401 of the target, with the settings to check.
    pub(super) fn unauthorized_message(&self, target: &str) -> Message {
        let text = format!("{target} returned 401 Unauthorized");
        match self {
            Self::None => Message::new(text).with_hint("set Authentication Methods"),
            Self::Fixed { hint, .. } => Message::new(text).with_hint(*hint),
            Self::Token(_) => Message::new(format!("{text} for a new token"))
                .with_hint("check Scope, Authorization Header Type and the permissions of the OAuth client"),
        }
    }
}

/// Fetches the token of one connector (RFC 6749 section 4.4). All threads share it.
pub(super) struct TokenSource {
    endpoint: Url,
    id: String,
    secret: Secret,
    /// Separated by blanks, as in the request.
    scope: String,
    /// The authentication scheme before the token.
    scheme: String,
    /// The thread that fetches a token has the turn. The other threads wait for its result.
    turns: Turns<()>,
    cache: Mutex<TokenCache>,
}

#[derive(Default)]
struct TokenCache {
    token: Option<Token>,
    /// The number of fetches that have ended.
    fetches: u64,
    /// The failure of the last fetch, for the threads that waited for it.
    failure: Option<Failure>,
    client_authentication: ClientAuthentication,
}

impl TokenCache {
    /// Returns the header of the token, unless it is due for renewal.
    fn valid_header(&self, sender: &RetryingSender) -> Option<String> {
        let is_due = |renew_at| sender.clock.monotonic() >= renew_at;
        let token = self.token.as_ref().filter(|token| !token.renew_at.is_some_and(is_due))?;
        Some(token.header.expose().to_owned())
    }
}

struct Token {
    header: Secret,
    /// When to renew it, on the monotonic clock. `None` means that it is valid until the target rejects it.
    renew_at: Option<Duration>,
}

/// Where the client secret is in a request to the token endpoint (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum ClientAuthentication {
    #[default]
    Header,
    Body,
}

impl ClientAuthentication {
    fn other(self) -> Self {
        match self {
            Self::Header => Self::Body,
            Self::Body => Self::Header,
        }
    }
}

impl TokenSource {
    fn lock(&self) -> MutexGuard<'_, TokenCache> {
        lock_ignoring_poison(&self.cache)
    }

    fn header(&self, sender: &RetryingSender, deadline: Deadline) -> Result<String, Failure> {
        let before = self.lock().fetches;
        self.header_since(before, sender, deadline)
    }

    /// Returns the header for a thread that requested it when `before` fetches had ended.
    ///
    /// If a later fetch failed, the thread waited for it and gets its failure. The fetch is not repeated at once.
    fn header_since(&self, before: u64, sender: &RetryingSender, deadline: Deadline) -> Result<String, Failure> {
        if let Some(header) = self.lock().valid_header(sender) {
            return Ok(header);
        }
        let _turn = self.turns.take((), &*sender.clock, deadline.0).ok_or_else(|| {
            Failure::transport(format!(
                "{} returned no token to another thread in time, so the next cycle tries again",
                self.name()
            ))
        })?;
        let mut client_authentication = {
            let cache = self.lock();
            if let Some(header) = cache.valid_header(sender) {
                return Ok(header);
            }
            if before != cache.fetches
                && let Some(failure) = &cache.failure
            {
                return Err(failure.clone());
            }
            cache.client_authentication
        };
        let fetched = self.fetch(&mut client_authentication, sender, deadline);
        let header = fetched.as_ref().map(|token| token.header.expose().to_owned()).map_err(Failure::clone);
        let mut cache = self.lock();
        cache.client_authentication = client_authentication;
        cache.fetches += 1;
        cache.failure = header.as_ref().err().cloned();
        cache.token = fetched.ok();
        header
    }

    /// Fetches a token with the client authentication that worked last. If the endpoint did not recognise the client,
    /// tries the other client authentication.
    fn fetch(
        &self,
        client_authentication: &mut ClientAuthentication,
        sender: &RetryingSender,
        deadline: Deadline,
    ) -> Result<Token, Failure> {
        let first = match self.request_token(*client_authentication, sender, deadline)? {
            Ok(response) => return self.token(response, sender),
            Err(error) => error,
        };
        if !first.client_unrecognised {
            return Err(self.failure(&first));
        }
        match self.request_token(client_authentication.other(), sender, deadline)? {
            Ok(response) => {
                *client_authentication = client_authentication.other();
                self.token(response, sender)
            }
            // An endpoint that knows one client authentication may reject the other as a malformed request.
            Err(second) if first.code.is_none() && second.code.is_some() => Err(self.failure(&second)),
            Err(_) => Err(self.failure(&first)),
        }
    }

    fn request_token(
        &self,
        client_authentication: ClientAuthentication,
        sender: &RetryingSender,
        deadline: Deadline,
    ) -> Result<Result<TokenResponse, TokenError>, Failure> {
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
        match client_authentication {
            ClientAuthentication::Header => {
                let header = basic_header(&form_encoded(&self.id), &form_encoded(self.secret.expose()));
                headers.push(("authorization", header));
            }
            ClientAuthentication::Body => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", self.secret.expose());
            }
        }
        let (receiver, body) = (self.name(), form.finish());
        let request = OutgoingRequest {
            receiver: &receiver,
            method: Method::Post,
            url: &self.endpoint,
            headers: &headers,
            body: Some(body.as_bytes()),
            repeatable: true,
            is_write: false,
            rate_limited: false,
        };
        let (raw, _) = sender.send(&request, deadline).map_err(|error| error.failure)?;
        match raw.status {
            200..=299 => Ok(read_token(&raw)),
            400..=499 => Ok(Err(TokenError::read(&raw))),
            500..=599 => Err(Failure::transport(format!("{receiver} returned {}", raw.status))),
            _ => Err(Failure::AuthFailed(
                Message::new(format!(
                    "{receiver} returned {}, and the connector does not follow redirects",
                    raw.status
                ))
                .with_hint("correct Token Request Endpoint"),
            )),
        }
    }

    fn token(&self, response: TokenResponse, sender: &RetryingSender) -> Result<Token, Failure> {
        if !fits_header(response.token.expose()) {
            let text = format!("{} returned a token with characters that a header must not contain", self.name());
            return Err(Failure::AuthFailed(text.into()));
        }
        let renew_at = response.lifetime.map(|lifetime| {
            let valid = lifetime - RENEWAL_MARGIN_MAX.min(lifetime / 10);
            sender.clock.monotonic().saturating_add(valid)
        });
        Ok(Token { header: Secret::new(format!("{} {}", self.scheme, response.token.expose())), renew_at })
    }

    fn failure(&self, error: &TokenError) -> Failure {
        let code = error.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
        let hint = TOKEN_ERROR_HINTS
            .iter()
            .find(|(known, _)| error.code.as_deref() == Some(known))
            .map_or("check Token Request Endpoint, Client ID and Client Secret", |(_, hint)| hint);
        Failure::AuthFailed(Message::new(format!("{} {}{code}", self.name(), error.text)).with_hint(hint))
    }

    /// Returns the endpoint's name in messages.
    fn name(&self) -> String {
        format!("Token Request Endpoint {}", self.endpoint.origin().ascii_serialization())
    }
}

/// The hint for each error code of RFC 6749 section 5.2.
const TOKEN_ERROR_HINTS: [(&str, &str); 5] = [
    ("invalid_client", "check Client ID and Client Secret"),
    ("invalid_scope", "check Scope"),
    ("unauthorized_client", "allow the client credentials grant for this OAuth client at the token endpoint"),
    ("unsupported_grant_type", "enable the client credentials grant at the token endpoint"),
    ("invalid_request", "check Scope, Client ID and Client Secret"),
];

/// A response of the token endpoint with a token.
struct TokenResponse {
    token: Secret,
    lifetime: Option<Duration>,
}

/// A response of the token endpoint without a token.
struct TokenError {
    /// What happened, after the name of the endpoint.
    text: String,
    code: Option<String>,
    /// Whether the endpoint may not have recognised the client authentication.
    client_unrecognised: bool,
}

impl TokenError {
    fn read(raw: &RawResponse) -> Self {
        let code = match Response::read(raw).body {
            Some(Ok(body)) => error_code(&body),
            _ => None,
        };
        let client_unrecognised = match code.as_deref() {
            Some(code) => matches!(code, "invalid_client" | "invalid_request"),
            None => matches!(raw.status, 400 | 401),
        };
        Self { text: format!("returned {}", raw.status), code, client_unrecognised }
    }

    fn without_token(text: impl Into<String>, code: Option<String>) -> Self {
        Self { text: text.into(), code, client_unrecognised: false }
    }
}

/// Reads a 2xx response of the token endpoint (RFC 6749 section 5.1). Some endpoints report errors with status 200.
fn read_token(raw: &RawResponse) -> Result<TokenResponse, TokenError> {
    let body = match Response::read(raw).body {
        None => return Err(TokenError::without_token("returned an empty body instead of a token", None)),
        Some(Err(_)) => return Err(TokenError::without_token("returned a body that is not JSON", None)),
        Some(Ok(body)) => body,
    };
    match body.get("access_token").and_then(Value::as_str).map(str::trim).filter(|token| !token.is_empty()) {
        Some(token) => Ok(TokenResponse { token: Secret::new(token), lifetime: lifetime(body.get("expires_in")) }),
        None => Err(TokenError::without_token("returned no access_token", error_code(&body))),
    }
}

/// Returns the error code of RFC 6749 section 5.2, which is one word. Other text is replaced, because it may repeat the
/// request and its secret.
fn error_code(body: &Value) -> Option<String> {
    let code = body.get("error")?.as_str()?;
    let is_word = code.len() <= ERROR_CODE_BYTES_MAX && code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    Some(if is_word { code } else { "non-standard error code" }.to_owned())
}

/// Reads `expires_in`, a number or its text. Returns `None` if it is missing or unusable.
fn lifetime(expires_in: Option<&Value>) -> Option<Duration> {
    let seconds = match expires_in? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok().filter(|lifetime| !lifetime.is_zero())
}

/// Returns the header of RFC 7617.
fn basic_header(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Encodes text as RFC 6749 appendix B requires.
fn form_encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn fits_header(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn not_a_header_value(label: &str) -> Failure {
    let text = format!("{label}: contains characters that a header must not contain, such as a line break");
    Failure::Config(Message::new(text).with_hint("enter the value again"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::environment::SystemRandom;
    use crate::environment::testing::ManualClock;
    use crate::http::rate_limiter::RateLimiter;
    use crate::http::{RawRequest, Transport, TransportError};

    struct RefusingEndpoint;

    impl Transport for RefusingEndpoint {
        fn send(&self, _: &RawRequest<'_>) -> Result<RawResponse, TransportError> {
            Ok(RawResponse { status: 400, headers: Vec::new(), body: b"{\"error\":\"invalid_scope\"}".to_vec() })
        }
    }

    fn refused() -> (RetryingSender, TokenSource) {
        let sender = RetryingSender {
            transport: Box::new(RefusingEndpoint),
            clock: Arc::new(ManualClock::default()),
            random: Arc::new(SystemRandom),
            request_timeout: Duration::from_secs(1),
            rate_limiter: RateLimiter::new(None),
        };
        let source = TokenSource {
            endpoint: Url::parse("https://login.example/token").unwrap(),
            id: "id".into(),
            secret: Secret::new("hush"),
            scope: String::new(),
            scheme: BEARER.into(),
            turns: Turns::default(),
            cache: Mutex::new(TokenCache::default()),
        };
        (sender, source)
    }

    #[test]
    fn threads_that_waited_for_a_fetch_share_its_failure_and_later_threads_fetch_again() {
        let (sender, source) = refused();
        let deadline = Deadline(Duration::from_secs(60));
        let fetches = || source.lock().fetches;
        assert_eq!(source.header_since(0, &sender, deadline).unwrap_err().code(), "auth_failed");
        assert_eq!(fetches(), 1);
        assert_eq!(source.header_since(0, &sender, deadline).unwrap_err().code(), "auth_failed");
        assert_eq!(fetches(), 1, "the thread that waited did not fetch");
        assert_eq!(source.header(&sender, deadline).unwrap_err().code(), "auth_failed");
        assert_eq!(fetches(), 2);
    }

    #[test]
    fn a_thread_that_waits_for_the_fetch_of_another_thread_fails_at_its_deadline() {
        let (sender, source) = refused();
        let deadline = Deadline(Duration::from_secs(60));
        let _fetching = source.turns.take((), &*sender.clock, deadline.0).unwrap();
        let failure = source.header(&sender, deadline).unwrap_err();
        assert_eq!((failure.code(), sender.clock.monotonic()), ("transport", deadline.0));
    }
}
