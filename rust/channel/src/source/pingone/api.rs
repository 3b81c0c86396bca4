//! PingOne's platform API: pages of users, populations and groups, read with the client credentials of a worker
//! application. The wire is core's: one origin, a token that is renewed once, repeats where that is safe.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pfscim_core::environment::{Clock, Environment};
use pfscim_core::http::{Client, Deadline, Method, Request, Response};
use pfscim_core::settings::Settings;
use pfscim_core::text::excerpt;
use serde_json::Value as Json;
use url::Url;

use super::pages::href;
use super::tenant::{Tenant, text};
use crate::Error;
use crate::connection::pingone::{ApiAccess, CLIENT_SECRET};
use crate::directory::fold;

/// The most users on a page.
const PAGE: &str = "200";
/// What core calls the settings of its wire, and what they are in the file.
const CALLED: [(&str, &str); 5] = [
    ("SCIM URL", "source.apiPath"),
    ("Token Request Endpoint", "source.authPath"),
    ("Client ID", "source.clientId"),
    ("Client Secret", CLIENT_SECRET),
    ("Scope, Authorization Header Type and the rights", "the rights"),
];
/// One page, with its repeats.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Api {
    client: Client,
    clock: Arc<dyn Clock>,
    /// Up to and with the environment's id.
    base: Url,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Api {
    /// # Errors
    /// An address that is none, a secret that is missing, TLS that cannot be set up.
    pub(super) fn new(access: &ApiAccess, environment: &Environment) -> Result<Self, Error> {
        let secret = access.client_secret.as_ref().ok_or_else(|| {
            Error::unusable(format!(
                "source: the secret of the worker application is missing; give it with --secret {CLIENT_SECRET}=env:VARIABLE or --secret {CLIENT_SECRET}=file:PATH"
            ))
        })?;
        let base = below("apiPath", &access.api, &["environments", &access.environment])?;
        let token = below("authPath", &access.authorization, &[&access.environment, "as", "token"])?;
        let settings = [
            ("SCIM_URL", base.as_str()),
            // Its media type is plain JSON.
            ("SCIM_VERSION", "1.1"),
            ("AUTHENTICATION_METHOD", "OAuth 2 Client Credentials"),
            ("OAUTH_TOKEN_REQUEST", token.as_str()),
            ("OAUTH_CLIENT_ID", &access.client_id),
            ("OAUTH_CLIENT_SECRET", secret.expose()),
        ];
        let settings = Settings::parse(settings).map_err(|failure| unusable(&failure.message().to_string()))?;
        let client = Client::new(&settings, environment).map_err(|failure| unusable(&failure.message().to_string()))?;
        Ok(Self { client, clock: Arc::clone(&environment.clock), base })
    }

    /// Users and populations and, where a rule is about groups, these with their members.
    pub(super) fn read(&self, groups: &[&str]) -> Result<Tenant, Error> {
        let populations = self.all("populations", &[])?;
        let all = if groups.is_empty() { None } else { Some(self.all("groups", &[])?) };
        let members = all.as_ref().map(|all| self.members(all, groups)).transpose()?;
        let users = self.all("users", &[("limit", PAGE)])?;
        Ok(Tenant { users, populations: Some(populations), groups: all, members })
    }

    /// Who is in these groups, by whatever way: PingOne evaluates that.
    fn members(&self, all: &[Json], wanted: &[&str]) -> Result<HashMap<String, BTreeSet<String>>, Error> {
        let mut members: HashMap<String, BTreeSet<String>> = HashMap::new();
        let named = |group: &&Json| {
            let is = |name: &str| {
                text(group, "id") == Some(name) || text(group, "name").is_some_and(|n| fold(n) == fold(name))
            };
            wanted.iter().any(|name| is(name))
        };
        for id in all.iter().filter(named).filter_map(|group| text(group, "id")) {
            let filter = format!("memberOfGroups[id eq {}]", Json::from(id));
            for user in self.all("users", &[("limit", PAGE), ("filter", &filter)])? {
                if let Some(user) = text(&user, "id") {
                    members.entry(user.to_owned()).or_default().insert(id.to_owned());
                }
            }
        }
        Ok(members)
    }

    /// Every item of a collection. A collection that cannot be read to its end is an error.
    fn all(&self, kind: &str, query: &[(&str, &str)]) -> Result<Vec<Json>, Error> {
        let mut url = below("apiPath", self.base.as_str(), &[kind])?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let (mut items, mut seen) = (Vec::new(), HashSet::new());
        loop {
            if !seen.insert(url.clone()) {
                return Err(told(&format!("the pages of its {kind} lead in a circle")));
            }
            let mut page = self.page(kind, &url)?;
            let Json::Array(found) = page["_embedded"][kind].take() else {
                return Err(told(&format!(
                    "the answer for its {kind} has no _embedded.{kind}; is source.apiPath right?"
                )));
            };
            items.extend(found);
            let Some(next) = href(&page, "next") else {
                let count = page["count"].as_u64().unwrap_or_default();
                if (items.len() as u64) < count {
                    let text = format!(
                        "it has {count} {kind}, but gave {} before its last page: they changed meanwhile, or it broke off; run again",
                        items.len()
                    );
                    return Err(told(&text));
                }
                return Ok(items);
            };
            let next =
                url.join(next).map_err(|_| told(&format!("the link to the next page of its {kind} is no address")))?;
            if next.origin() != url.origin() {
                return Err(told(&format!(
                    "the link to the next page of its {kind} leads to {}, which is another server",
                    excerpt(&next.origin().ascii_serialization())
                )));
            }
            url = next;
        }
    }

    fn page(&self, kind: &str, url: &Url) -> Result<Json, Error> {
        let call = Request { method: Method::Get, url: url.clone(), body: None, if_match: None };
        let deadline = Deadline(self.clock.monotonic() + PATIENCE);
        let answer =
            self.client.send(&call, deadline).map_err(|unanswered| unusable(&unanswered.failure.to_string()))?;
        match (answer.status, answer.body) {
            (200..=299, Some(Ok(page))) => Ok(page),
            (200..=299, Some(Err(reason))) => {
                Err(unusable(&format!("the answer for its {kind} cannot be read: {reason}; check SCIM URL")))
            }
            (200..=299, None) => Err(told(&format!("the answer for its {kind} is empty"))),
            (status, body) => Err(told(&refused(kind, &Response { body, status, etag: None, location: None }))),
        }
    }
}

fn refused(kind: &str, answer: &Response) -> String {
    let advice = match answer.status {
        403 => {
            ": the token of the worker application may not read them; give the application the role Identity Data Read Only for this environment"
        }
        404 => ": is source.environment the id of an environment there?",
        _ => "",
    };
    format!("answers {} for its {kind} ({}){advice}", answer.status, answer.problem())
}

/// An address below one of the file.
fn below(name: &str, address: &str, segments: &[&str]) -> Result<Url, Error> {
    let wrong = || Error::unusable(format!("source.{name}: is no http or https address"));
    let mut url = Url::parse(address).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong());
    }
    url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend(segments);
    Ok(url)
}

fn told(text: &str) -> Error {
    Error::unusable(format!("PingOne: {text}"))
}

/// What core says of the wire, in the words of the file.
fn unusable(text: &str) -> Error {
    let text = CALLED.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours));
    told(&text)
}
