//! Reads users, populations and groups with PingOne's platform API, page by page.
//! Does not know: which users a rule selects.
//!
//! A worker application authenticates with its client credentials. Core's HTTP client sends the requests: to one origin,
//! with a token that is renewed once, and with repeats.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pfscim_core::environment::{Clock, Environment};
use pfscim_core::http::{Client, Deadline, Method, Request, Response};
use pfscim_core::settings::Settings;
use pfscim_core::text::excerpt;
use pfscim_core::{Failure, Message};
use serde_json::Value as Json;
use url::Url;

use super::pages::link;
use super::tenant::{Tenant, text};
use crate::Error;
use crate::connection::pingone::{ApiAccess, CLIENT_SECRET};
use crate::directory::fold;

/// Users per page.
const PAGE_SIZE: &str = "200";
/// Labels of settings in the messages of core, and their names in a PingOne file.
const SETTING_NAMES: [(&str, &str); 5] = [
    ("SCIM URL", "source.apiPath"),
    ("Token Request Endpoint", "source.authPath"),
    ("Client ID", "source.clientId"),
    ("Client Secret", CLIENT_SECRET),
    ("Scope, Authorization Header Type and the rights", "the rights"),
];
/// The time limit of one page, including repeats.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// The API of one environment.
pub(super) struct Api {
    client: Client,
    clock: Arc<dyn Clock>,
    /// The URL of the environment: it ends with the environment's id.
    base: Url,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Api {
    /// Returns the API with this access. Sends nothing.
    ///
    /// # Errors
    /// A URL is not valid, the secret is missing, or TLS cannot be set up.
    pub(super) fn new(access: &ApiAccess, environment: &Environment) -> Result<Self, Error> {
        let secret =
            access.client_secret.as_ref().ok_or_else(|| {
                let message = Message::new("source: the secret of the worker application is missing");
                Error::unusable(message.with_hint(format!(
                    "add --secret {CLIENT_SECRET}=env:VARIABLE or --secret {CLIENT_SECRET}=file:PATH"
                )))
            })?;
        let base = url_below("apiPath", &access.api, &["environments", &access.environment])?;
        let token = url_below("authPath", &access.authorization, &[&access.environment, "as", "token"])?;
        let settings = [
            ("SCIM_URL", base.as_str()),
            // Version 1.1 makes core send and accept plain JSON.
            ("SCIM_VERSION", "1.1"),
            ("AUTHENTICATION_METHOD", "OAuth 2 Client Credentials"),
            ("OAUTH_TOKEN_REQUEST", token.as_str()),
            ("OAUTH_CLIENT_ID", &access.client_id),
            ("OAUTH_CLIENT_SECRET", secret.expose()),
        ];
        let core_error = |failure: Failure| pingone_error(in_names_of_file(failure.message()));
        let settings = Settings::parse(settings).map_err(core_error)?;
        let client = Client::new(&settings, environment).map_err(core_error)?;
        Ok(Self { client, clock: Arc::clone(&environment.clock), base })
    }

    /// Reads users and populations. If the rule names `groups` (by id or name), also all groups and the members of these.
    ///
    /// # Errors
    /// A collection cannot be read to its end.
    pub(super) fn read(&self, groups: &[&str]) -> Result<Tenant, Error> {
        let populations = self.read_collection("populations", &[])?;
        let all_groups = if groups.is_empty() { None } else { Some(self.read_collection("groups", &[])?) };
        let members = all_groups.as_ref().map(|all| self.read_members(all, groups)).transpose()?;
        let users = self.read_collection("users", &[("limit", PAGE_SIZE)])?;
        Ok(Tenant { users, populations: Some(populations), groups: all_groups, members })
    }

    /// Reads the members of the named groups. PingOne evaluates memberships, also those through other groups.
    fn read_members(&self, all_groups: &[Json], names: &[&str]) -> Result<HashMap<String, BTreeSet<String>>, Error> {
        let mut members: HashMap<String, BTreeSet<String>> = HashMap::new();
        let is_named = |group: &&Json| {
            let has_name = |name: &str| {
                text(group, "id") == Some(name) || text(group, "name").is_some_and(|n| fold(n) == fold(name))
            };
            names.iter().any(|name| has_name(name))
        };
        for id in all_groups.iter().filter(is_named).filter_map(|group| text(group, "id")) {
            let filter = format!("memberOfGroups[id eq {}]", Json::from(id));
            for user in self.read_collection("users", &[("limit", PAGE_SIZE), ("filter", &filter)])? {
                if let Some(user) = text(&user, "id") {
                    members.entry(user.to_owned()).or_default().insert(id.to_owned());
                }
            }
        }
        Ok(members)
    }

    /// Reads every item of a collection.
    ///
    /// # Errors
    /// The collection cannot be read to its end.
    fn read_collection(&self, collection: &str, query: &[(&str, &str)]) -> Result<Vec<Json>, Error> {
        let mut url = url_below("apiPath", self.base.as_str(), &[collection])?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let (mut items, mut visited) = (Vec::new(), HashSet::new());
        loop {
            if !visited.insert(url.clone()) {
                return Err(pingone_error(format!("the links between the pages of {collection} form a circle")));
            }
            let mut page = self.read_page(collection, &url)?;
            let Json::Array(page_items) = page["_embedded"][collection].take() else {
                let text = format!("the response for {collection} has no _embedded.{collection}");
                return Err(pingone_error(Message::new(text).with_hint("check source.apiPath")));
            };
            items.extend(page_items);
            let Some(next) = link(&page, "next") else {
                let count = page["count"].as_u64().unwrap_or_default();
                if (items.len() as u64) < count {
                    let text = format!(
                        "the count of {collection} is {count}, but {} were returned, so the list is not whole",
                        items.len()
                    );
                    return Err(pingone_error(Message::new(text).with_hint("run again")));
                }
                return Ok(items);
            };
            let next = url
                .join(next)
                .map_err(|_| pingone_error(format!("the link to the next page of {collection} is not a URL")))?;
            if next.origin() != url.origin() {
                return Err(pingone_error(format!(
                    "the link to the next page of {collection} leads to {}, which is another server",
                    excerpt(&next.origin().ascii_serialization())
                )));
            }
            url = next;
        }
    }

    fn read_page(&self, collection: &str, url: &Url) -> Result<Json, Error> {
        let request = Request { method: Method::Get, url: url.clone(), body: None, if_match: None };
        let deadline = Deadline(self.clock.monotonic() + PAGE_TIMEOUT);
        let response = self.client.send(&request, deadline).map_err(|error| {
            let failure = error.failure;
            pingone_error(in_names_of_file(failure.message()).at(failure.code()))
        })?;
        match (response.status, response.body) {
            (200..=299, Some(Ok(page))) => Ok(page),
            (200..=299, Some(Err(unreadable))) => {
                let text = format!("the response for {collection} cannot be read: {}", unreadable.reason);
                Err(pingone_error(Message::new(text).with_hint("check source.apiPath")))
            }
            (200..=299, None) => Err(pingone_error(format!("the response for {collection} is empty"))),
            (status, body) => {
                let response = Response { body, status, ..Response::no_content() };
                Err(pingone_error(status_error(collection, &response)))
            }
        }
    }
}

/// Returns the message about a response with a status other than success.
fn status_error(collection: &str, response: &Response) -> Message {
    let text = format!("the request for {collection} returned {} ({})", response.status, response.problem());
    match response.status {
        403 => Message::new(format!("{text}, because the worker application may not read {collection}"))
            .with_hint("give the application the role Identity Data Read Only for this environment"),
        404 => Message::new(text).with_hint("check that source.environment is the id of an environment"),
        _ => Message::new(text),
    }
}

/// Returns the URL with these path segments below `address`, the value of `source.NAME`.
fn url_below(name: &str, address: &str, segments: &[&str]) -> Result<Url, Error> {
    let error = || Error::unusable(format!("source.{name}: is not an http or https URL"));
    let mut url = Url::parse(address).map_err(|_| error())?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
        return Err(error());
    }
    url.path_segments_mut().map_err(|()| error())?.pop_if_empty().extend(segments);
    Ok(url)
}

fn pingone_error(message: impl Into<Message>) -> Error {
    Error::unusable(message.into().at("PingOne"))
}

/// Returns a message of core with the setting names of the file instead of labels.
fn in_names_of_file(message: &Message) -> Message {
    let renamed = |text: &str| {
        SETTING_NAMES.iter().fold(text.to_owned(), |text, (label, file_name)| text.replace(label, file_name))
    };
    let text = Message::new(renamed(message.text()));
    match message.hint() {
        Some(hint) => text.with_hint(renamed(hint)),
        None => text,
    }
}
