//! Reads entries from a directory server (LDAP version 3, RFC 4511), with or without TLS.
//! Does not know: what the entries are used for.
//!
//! A search runs page by page (RFC 2696). A search that is not complete is an error: a limit, a referral, or a connection
//! that closes.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::time::Duration;

use ldap3::asn1::StructureTag;
use ldap3::controls::{Control, ControlType, PagedResults};
use ldap3::{LdapConn, LdapConnSettings, LdapError, LdapResult, Scope, parse_refs};
use pfscim_core::Message;
use pfscim_core::http::tls;
use pfscim_core::settings::Secret;
use pfscim_core::sync::lock_ignoring_poison;
use pfscim_core::text::{excerpt, printable};
use url::Url;

use super::Source;
use crate::Error;
use crate::directory::{Entry, Search, Value};

/// Entries per page, as PingFederate's `PageSize`.
const PAGE_SIZE: i32 = 500;
/// Consecutive pages without entries. A server may return empty pages before the last page, but not without end.
const EMPTY_PAGES_MAX: usize = 1000;
/// The time limit of a connection, including TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The time limit of each response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);
/// The cookie of the first page, and of a search without pages.
const NO_COOKIE: Vec<u8> = Vec::new();
/// The partitions of Active Directory without users. A search of a whole domain returns referrals to them.
const PARTITIONS_WITHOUT_USERS: [&str; 3] = ["DC=ForestDnsZones,", "DC=DomainDnsZones,", "CN=Configuration,"];

/// Result code, text and hint of a failed search (RFC 4511 appendix A, and Microsoft's 87).
const SEARCH_ERRORS: &[(u32, &str, &str)] = &[
    (
        1,
        "the directory rejected the search, as some directories do without an account",
        "set --bind-dn and --bind-password",
    ),
    (3, "the search takes longer than the directory allows", "raise the time limit of the directory for this account"),
    (
        4,
        "the search matches more entries than the directory allows",
        "raise the size limit of the directory for this account",
    ),
    (
        8,
        "the directory requires an encrypted connection or an account",
        "use ldaps:// or --start-tls, or set --bind-dn and --bind-password",
    ),
    (
        11,
        "the search matches more entries than the directory allows",
        "raise the limits of the directory for this account",
    ),
    (13, "the directory requires an encrypted connection", "use ldaps:// or --start-tls"),
    (18, "the directory cannot evaluate the filter", "check Users Filter and Groups Filter"),
    (48, "the directory rejects searches without an account", "set --bind-dn and --bind-password"),
    (50, "the account may not search this part of the directory", "set --bind-dn to an account that may search it"),
    (51, "the directory is busy", "run again later"),
    (52, "the directory is not available", "run again later"),
    (53, "the directory rejects the search of this account", "set --bind-dn to another account"),
    (87, "the directory does not accept the filter", "check Users Filter and Groups Filter"),
];
// Result codes (RFC 4511 appendix A).
const NO_SUCH_OBJECT: u32 = 32;
const INVALID_DN: u32 = 34;
const INVALID_CREDENTIALS: u32 = 49;

/// The account that binds to the directory.
#[derive(Debug, Clone)]
pub struct BindAccount {
    /// The bind DN, or another name that the directory accepts.
    pub name: String,
    /// The password of the account.
    pub password: Secret,
}

/// A directory server.
pub struct Ldap {
    url: Url,
    start_tls: bool,
    account: Option<BindAccount>,
    anchors: Vec<Vec<u8>>,
    connection: Mutex<Option<LdapConn>>,
    server_id: OnceLock<String>,
}

/// Reads the URL of a server: `ldap://HOST:PORT` or `ldaps://HOST:PORT`.
///
/// # Errors
/// The text is not such a URL, or contains an account, a path or a query.
pub fn parse_server_url(text: &str) -> Result<Url, Message> {
    let url = Url::parse(text).map_err(|e| format!("`{}` is not the URL of a directory: {e}", excerpt(text)))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Message::new("the URL contains an account").with_hint("use --bind-dn and --bind-password"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(Message::new("the URL contains more than ldap://HOST:PORT")
            .with_hint("set base DN, filter and attributes in the channel"));
    }
    match (url.scheme(), url.host_str()) {
        ("ldap" | "ldaps", Some(host)) if !host.is_empty() => Ok(url),
        ("ldap" | "ldaps", _) => Err("the URL contains no host".into()),
        (other, _) => Err(format!("the scheme `{}` is neither ldap nor ldaps", excerpt(other)).into()),
    }
}

/// One page of a search.
struct SearchPage {
    entries: Vec<ReceivedEntry>,
    /// The cookie of the next page; empty after the last page.
    cookie: Vec<u8>,
}

/// An entry of a response.
struct ReceivedEntry {
    entry: Entry,
    /// Attributes of which only some values were received, each with the number of the next value.
    partial: Vec<(String, u64)>,
}

impl Ldap {
    /// Returns the server at a URL of [`parse_server_url`]. The first search opens the connection. `anchors` are the
    /// trusted certificates, in DER.
    ///
    /// # Errors
    /// An account without name or password, or StartTLS with `ldaps`.
    pub fn new(url: Url, start_tls: bool, account: Option<BindAccount>, anchors: Vec<Vec<u8>>) -> Result<Self, Error> {
        if start_tls && url.scheme() == "ldaps" {
            return Err(Error::unusable(
                Message::new("--start-tls: the connection of ldaps:// is already encrypted")
                    .with_hint("use ldap://, or omit --start-tls"),
            ));
        }
        // Such a bind succeeds as anonymous (RFC 4513 section 5.1.2).
        if account.as_ref().is_some_and(|a| a.name.trim().is_empty() || a.password.expose().is_empty()) {
            return Err(Error::unusable("--bind-dn, --bind-password: neither may be empty"));
        }
        if account.is_some() && !start_tls && url.scheme() == "ldap" {
            log::warn!("{url}: the password of --bind-dn is sent in clear text; use ldaps:// or --start-tls");
        }
        Ok(Self { url, start_tls, account, anchors, connection: Mutex::new(None), server_id: OnceLock::new() })
    }

    fn error(&self, message: impl Into<Message>) -> Error {
        Error::unusable(message.into().at(printable(self.url.as_str())))
    }

    /// Runs `work` with the connection. After an error, the next call opens a new connection.
    fn with_connection<T>(&self, work: impl FnOnce(&mut LdapConn) -> Result<T, Error>) -> Result<T, Error> {
        let mut slot = lock_ignoring_poison(&self.connection);
        let open = slot.take().and_then(|mut open| (!open.is_closed()).then_some(open));
        let result = without_panic(|| {
            let mut connection = open.map_or_else(|| self.connect(), Ok)?;
            Ok((work(&mut connection)?, connection))
        })
        .unwrap_or_else(|| {
            let message = Message::new("the response is not LDAP");
            Err(self.error(message.with_hint("check that a directory listens at this port")))
        });
        let (value, connection) = result?;
        *slot = Some(connection);
        Ok(value)
    }

    fn connect(&self) -> Result<LdapConn, Error> {
        let mut settings = LdapConnSettings::new().set_conn_timeout(CONNECT_TIMEOUT);
        if self.start_tls || self.url.scheme() == "ldaps" {
            let config = tls::config(&self.anchors)?;
            settings = settings.set_config(Arc::new(config)).set_starttls(self.start_tls);
        }
        let mut connection = LdapConn::from_url_with_settings(settings, &self.url).map_err(|e| match e {
            LdapError::LdapResult { result } => {
                self.error(format!("--start-tls: the directory rejects StartTLS ({})", ldap_error_text(&result)))
            }
            LdapError::EndOfStream | LdapError::ResultRecv { .. } => {
                self.error(Message::new("the connection closed before any response").with_hint("check the port"))
            }
            other => self.connection_error(&other),
        })?;
        let Some(account) = &self.account else { return Ok(connection) };
        let result = connection
            .with_timeout(RESPONSE_TIMEOUT)
            .simple_bind(&account.name, account.password.expose())
            .map_err(|e| self.connection_error(&e))?;
        let reason = ldap_error_text(&result);
        match result.rc {
            0 => Ok(connection),
            INVALID_CREDENTIALS => Err(self.error(format!(
                "--bind-dn, --bind-password: the directory does not accept this name with this password ({reason})"
            ))),
            INVALID_DN => Err(self.error(format!(
                "--bind-dn: the directory does not accept the name `{}` ({reason})",
                excerpt(&account.name)
            ))),
            8 | 13 => {
                let text = format!("the directory accepts passwords only on an encrypted connection ({reason})");
                Err(self.error(Message::new(text).with_hint("use ldaps:// or --start-tls")))
            }
            _ => Err(self.error(format!("--bind-dn: the bind failed ({reason})"))),
        }
    }

    /// Returns the error of a connection that cannot be opened, or that closed.
    fn connection_error(&self, error: &LdapError) -> Error {
        self.error(match error {
            LdapError::Io { source } => match source.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(rustls::Error::InvalidMessage(_)) => Message::new("the server does not speak TLS at this port")
                    .with_hint("check the port, or use ldap:// for a port without TLS"),
                Some(problem) => tls::error_message(problem),
                None => format!("the connection failed: {}", excerpt(&source.to_string())).into(),
            },
            LdapError::Rustls { source } => tls::error_message(source),
            LdapError::Timeout { .. } => "the server did not respond in time".into(),
            LdapError::EndOfStream
            | LdapError::ResultRecv { .. }
            | LdapError::OpSend { .. }
            | LdapError::IdScrubSend { .. } => Message::new(
                "the connection closed before the response was complete, so the partial result was discarded",
            )
            .with_hint("run again"),
            other => excerpt(&other.to_string()).into(),
        })
    }

    /// Returns the error of a search with a result code other than success.
    fn search_error(&self, search: &Search<'_>, result: &LdapResult) -> Error {
        let reason = ldap_error_text(result);
        let label = search.base_label;
        let base_error = |text: &str, hint: String| {
            let text = format!("{label}: `{}` {text} ({reason})", excerpt(search.base));
            self.error(Message::new(text).with_hint(hint))
        };
        match result.rc {
            NO_SUCH_OBJECT => base_error(
                "is not in the directory, or the account may not see it",
                format!("check {label} and the rights of the account"),
            ),
            INVALID_DN => {
                base_error("is not a distinguished name that the directory accepts", format!("check {label}"))
            }
            code => self.error(match SEARCH_ERRORS.iter().find(|(known, _, _)| *known == code) {
                Some((_, text, hint)) => Message::new(format!("{text} ({reason})")).with_hint(*hint),
                None => format!("the search failed ({reason})").into(),
            }),
        }
    }

    /// Returns the error of a referral: some entries of the search are on another server, so the result is not whole.
    fn referral_error(&self, search: &Search<'_>, urls: &[String]) -> Error {
        let label = search.base_label;
        let urls = excerpt(&urls.join(" "));
        let text =
            format!("{label}: the directory returned a referral to {urls}, and pfscim does not follow referrals");
        self.error(Message::new(text).with_hint(format!("narrow {label}, or use a server with the whole tree")))
    }

    /// Reads one page of a search.
    ///
    /// # Errors
    /// The page is not complete, or its result is not success.
    fn page(
        &self,
        connection: &mut LdapConn,
        search: &Search<'_>,
        attributes: &[&str],
        cookie: Vec<u8>,
    ) -> Result<SearchPage, Error> {
        let scope = if search.base_only { Scope::Base } else { Scope::Subtree };
        if !search.base_only {
            connection.with_controls(PagedResults { size: PAGE_SIZE, cookie });
        }
        let mut stream = connection
            .with_timeout(RESPONSE_TIMEOUT)
            .streaming_search(search.base, scope, &search.filter, attributes)
            .map_err(|e| self.connection_error(&e))?;
        let mut entries = Vec::new();
        while let Some(item) = stream.next().map_err(|e| self.connection_error(&e))? {
            if item.is_ref() {
                let urls = parse_refs(item.0);
                if !urls.iter().all(|url| is_without_users(url)) {
                    return Err(self.referral_error(search, &urls));
                }
            } else if !item.is_intermediate() {
                entries.push(parse_entry(item.0).ok_or_else(|| self.error("an entry of the response cannot be read"))?);
            }
        }
        let result = stream.result();
        match result.rc {
            0 if result.refs.is_empty() => {}
            NO_SUCH_OBJECT if search.base_only => {}
            0 | 10 => return Err(self.referral_error(search, &result.refs)),
            _ => return Err(self.search_error(search, &result)),
        }
        let mut paged = result.ctrls.iter().filter(|c| matches!(c.0, Some(ControlType::PagedResults)));
        let cookie = paged.next().map_or(NO_COOKIE, |Control(_, raw)| raw.parse::<PagedResults>().cookie);
        Ok(SearchPage { entries, cookie })
    }

    /// Reads the missing values of an entry: Active Directory returns the values of long attributes in parts.
    fn complete(&self, connection: &mut LdapConn, search: &Search<'_>, entry: ReceivedEntry) -> Result<Entry, Error> {
        let ReceivedEntry { mut entry, mut partial } = entry;
        entry.place = printable(self.url.as_str());
        let dn = entry.dn.clone();
        while let Some((name, next)) = partial.pop() {
            let attribute = format!("{name};range={next}-*");
            let rest = Search { base: &dn, base_only: true, filter: "(objectClass=*)".into(), ..search.clone() };
            let page = self.page(connection, &rest, &[attribute.as_str()], NO_COOKIE)?;
            let incomplete =
                || self.error(format!("{}: the directory did not return all values of {name}", excerpt(&dn)));
            let part = page.entries.into_iter().next().ok_or_else(incomplete)?;
            let values = part.entry.values(&name);
            if values.is_empty() || part.partial.iter().any(|(_, next_of_part)| *next_of_part <= next) {
                return Err(incomplete());
            }
            values.iter().for_each(|value| entry.push(&name, value.clone()));
            partial.extend(part.partial);
        }
        Ok(entry)
    }
}

impl Source for Ldap {
    fn read(&self, search: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        let (mut cookie, mut empty_pages) = (NO_COOKIE, 0);
        loop {
            let (entries, next) = self.with_connection(|connection| {
                let page = self.page(connection, search, &search.attributes, std::mem::take(&mut cookie))?;
                let entries = page.entries.into_iter().map(|entry| self.complete(connection, search, entry));
                Ok((entries.collect::<Result<Vec<_>, _>>()?, page.cookie))
            })?;
            empty_pages = if entries.is_empty() { empty_pages + 1 } else { 0 };
            entries.into_iter().try_for_each(&mut *each)?;
            if next.is_empty() {
                return Ok(());
            }
            if empty_pages > EMPTY_PAGES_MAX {
                return Err(self.error(format!("the directory returned {empty_pages} pages without entries in a row")));
            }
            cookie = next;
        }
    }

    /// Returns the URL and the account, because another account may see other entries. For Active Directory also the
    /// domain controller, because each of them counts changes for itself.
    fn server(&self) -> Result<Option<String>, Error> {
        if let Some(id) = self.server_id.get() {
            return Ok(Some(id.clone()));
        }
        let root = Search {
            base: "",
            base_label: "Root DSE",
            base_only: true,
            filter: "(objectClass=*)".into(),
            attributes: vec!["dsServiceName"],
        };
        let mut service = String::new();
        self.read(&root, &mut |entry| {
            service = entry.values("dsServiceName").iter().filter_map(Value::text).collect();
            Ok(())
        })?;
        let account = self.account.as_ref().map_or("", |a| &a.name);
        Ok(Some(self.server_id.get_or_init(|| format!("{} {account} {service}", self.url)).clone()))
    }
}

thread_local! {
    static IN_LIBRARY: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`. Returns `None` if it panics: the LDAP library panics at some malformed responses. The panic is logged at
/// debug level, and not printed.
fn without_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    static SET_HOOK: Once = Once::new();
    SET_HOOK.call_once(|| {
        let default_hook = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match IN_LIBRARY.get() {
            true => log::debug!("{panic}"),
            false => default_hook(panic),
        }));
    });
    IN_LIBRARY.set(true);
    // Unwind safe: after a panic, the connection is dropped.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    IN_LIBRARY.set(false);
    result.ok()
}

/// Returns code and text of a result as printable text.
fn ldap_error_text(result: &LdapResult) -> String {
    excerpt(&result.to_string())
}

/// Returns whether a referral leads to a partition without users.
fn is_without_users(url: &str) -> bool {
    let name = url.splitn(4, '/').nth(3).unwrap_or_default().to_ascii_lowercase();
    PARTITIONS_WITHOUT_USERS.iter().any(|partition| name.starts_with(&partition.to_ascii_lowercase()))
}

/// Reads a `SearchResultEntry` (RFC 4511 section 4.5.2); `None` if the tag has another form.
fn parse_entry(tag: StructureTag) -> Option<ReceivedEntry> {
    let mut parts = tag.match_id(4)?.expect_constructed()?.into_iter();
    let text = |tag: Option<StructureTag>| String::from_utf8(tag?.expect_primitive()?).ok();
    let mut entry = Entry::new(text(parts.next())?);
    let mut partial = Vec::new();
    for attribute in parts.next()?.expect_constructed()? {
        let mut parts = attribute.expect_constructed()?.into_iter();
        let description = text(parts.next())?;
        for value in parts.next()?.expect_constructed()? {
            entry.push_described(&description, Value::new(value.expect_primitive()?));
        }
        let lower = description.to_ascii_lowercase();
        if let Some((name, range)) = lower.split_once(";range=")
            && let Some((_, last)) = range.split_once('-')
            && last != "*"
        {
            partial.push((name.to_owned(), last.parse::<u64>().ok()? + 1));
        }
    }
    Some(ReceivedEntry { entry, partial })
}

#[cfg(test)]
mod tests;
