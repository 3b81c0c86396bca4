//! A live directory (LDAP version 3, RFC 4511), with or without TLS. Asked page by page (RFC 2696); whatever keeps an
//! answer from being the whole one is an error: a limit, a reference to another server, a connection that ends. May
//! not know what is looked for.

use pfscim_core::sync::lock_ignoring_poison;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::time::Duration;

use ldap3::asn1::StructureTag;
use ldap3::controls::{Control, ControlType, PagedResults};
use ldap3::{LdapConn, LdapConnSettings, LdapError, LdapResult, Scope, parse_refs};
use pfscim_core::http::tls;
use pfscim_core::settings::Secret;
use pfscim_core::text::{excerpt, printable};
use url::Url;

use super::Source;
use crate::Error;
use crate::directory::{Entry, Search, Value};

/// As many entries are asked for at a time (PingFederate's `PageSize`).
const PAGE: i32 = 500;
/// A server may answer a page without entries and still have more; one that does so for ever is not waited for.
const EMPTY_PAGES: usize = 1000;
/// For a connection with TLS, and for every single answer after that.
const CONNECT: Duration = Duration::from_secs(15);
const ANSWER: Duration = Duration::from_secs(60);
/// No page: one entry is asked for.
const NO_COOKIE: Vec<u8> = Vec::new();
/// The partitions of Active Directory that hold no users; it refers to them whenever a whole domain is searched.
const WITHOUT_USERS: [&str; 3] = ["DC=ForestDnsZones,", "DC=DomainDnsZones,", "CN=Configuration,"];

/// What a refused search is about, by result code (RFC 4511 appendix A, and Microsoft's 87).
const REFUSED: &[(u32, &str)] = &[
    (1, "the search is refused; some directories answer so until an account signs in (--bind-dn)"),
    (3, "the search takes longer than the directory allows; have its time limit raised for this account"),
    (4, "there are more entries than the directory gives this account; have its size limit raised"),
    (8, "the directory wants an encrypted connection (ldaps:// or --start-tls) or an account (--bind-dn)"),
    (11, "there are more entries than the directory gives this account; have its limits raised"),
    (13, "the directory wants an encrypted connection: ldaps:// or --start-tls"),
    (18, "Users Filter: the directory cannot evaluate it"),
    (48, "the directory does not answer without an account (--bind-dn)"),
    (50, "the account may not search there (--bind-dn)"),
    (51, "the directory is busy; try again later"),
    (52, "the directory is not available; try again later"),
    (53, "the directory is not willing to answer this account (--bind-dn)"),
    (87, "Users Filter: the directory does not accept it"),
];
const NO_SUCH_OBJECT: u32 = 32;
const INVALID_DN: u32 = 34;
const INVALID_CREDENTIALS: u32 = 49;

/// Who asks.
#[derive(Debug, Clone)]
pub struct BindAccount {
    /// A distinguished name, or what else the directory lets people sign in with.
    pub name: String,
    /// Its password.
    pub password: Secret,
}

/// A directory server.
pub struct Ldap {
    url: Url,
    start_tls: bool,
    account: Option<BindAccount>,
    anchors: Vec<Vec<u8>>,
    connection: Mutex<Option<LdapConn>>,
    name: OnceLock<String>,
}

/// Checks the address of a server.
///
/// # Errors
/// One line: what is wrong with it.
pub fn parse_server_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| format!("`{}` is not the address of a directory: {e}", excerpt(text)))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an account does not belong into the address: give it with --bind-dn and --bind-password".into());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("is ldap://HOST:PORT without more: base DN, filter and attributes are those of the channel".into());
    }
    match (url.scheme(), url.host_str()) {
        ("ldap" | "ldaps", Some(host)) if !host.is_empty() => Ok(url),
        ("ldap" | "ldaps", _) => Err("names no host".into()),
        (other, _) => Err(format!("`{}` is neither ldap nor ldaps", excerpt(other))),
    }
}

/// What came of one page.
struct SearchPage {
    entries: Vec<Read>,
    /// Where to go on; empty at the end.
    cookie: Vec<u8>,
}

/// An entry as it came.
struct Read {
    entry: Entry,
    /// Attributes of which only some values came, and the number of the next one.
    partial: Vec<(String, u64)>,
}

impl Ldap {
    /// The server at an [`parse_server_url`]; it is connected to when it is first asked. `anchors` are certificates in DER.
    ///
    /// # Errors
    /// An account without password, which directories take for nobody; StartTLS where TLS is spoken anyway.
    pub fn new(url: Url, start_tls: bool, account: Option<BindAccount>, anchors: Vec<Vec<u8>>) -> Result<Self, Error> {
        if start_tls && url.scheme() == "ldaps" {
            return Err(Error::unusable("--start-tls is for ldap://; ldaps:// is encrypted from the beginning"));
        }
        // RFC 4513 section 5.1.2: such a bind succeeds, as nobody.
        if account.as_ref().is_some_and(|a| a.name.trim().is_empty() || a.password.expose().is_empty()) {
            return Err(Error::unusable("--bind-dn, --bind-password: neither may be empty"));
        }
        if account.is_some() && !start_tls && url.scheme() == "ldap" {
            log::warn!("{url}: the password of --bind-dn travels in clear; use ldaps:// or --start-tls");
        }
        Ok(Self { url, start_tls, account, anchors, connection: Mutex::new(None), name: OnceLock::new() })
    }

    fn error(&self, text: impl AsRef<str>) -> Error {
        Error::unusable(format!("{}: {}", printable(self.url.as_str()), text.as_ref()))
    }

    /// Does something with the connection. After an error the next use begins with a new one.
    fn connected<T>(&self, work: impl FnOnce(&mut LdapConn) -> Result<T, Error>) -> Result<T, Error> {
        let mut slot = lock_ignoring_poison(&self.connection);
        let open = slot.take().and_then(|mut open| (!open.is_closed()).then_some(open));
        let result = without_panic(|| {
            let mut connection = open.map_or_else(|| self.connect(), Ok)?;
            Ok((work(&mut connection)?, connection))
        })
        .unwrap_or_else(|| Err(self.error("the answer is not LDAP: is this the port of a directory?")));
        let (done, connection) = result?;
        *slot = Some(connection);
        Ok(done)
    }

    fn connect(&self) -> Result<LdapConn, Error> {
        let mut settings = LdapConnSettings::new().set_conn_timeout(CONNECT);
        if self.start_tls || self.url.scheme() == "ldaps" {
            let config = tls::config(&self.anchors)?;
            settings = settings.set_config(Arc::new(config)).set_starttls(self.start_tls);
        }
        let mut connection = LdapConn::from_url_with_settings(settings, &self.url).map_err(|e| match e {
            LdapError::LdapResult { result } => {
                self.error(format!("--start-tls: the directory refuses it ({})", told(&result)))
            }
            LdapError::EndOfStream | LdapError::ResultRecv { .. } => {
                self.error("the connection ends before anything is answered: is this the right port?")
            }
            other => self.lost(&other),
        })?;
        let Some(account) = &self.account else { return Ok(connection) };
        let result = connection
            .with_timeout(ANSWER)
            .simple_bind(&account.name, account.password.expose())
            .map_err(|e| self.lost(&e))?;
        match result.rc {
            0 => Ok(connection),
            INVALID_CREDENTIALS => Err(self.error(format!(
                "--bind-dn, --bind-password: the directory does not accept this name with this password ({})",
                told(&result)
            ))),
            INVALID_DN => Err(self.error(format!(
                "--bind-dn: `{}` is not a name that the directory understands ({})",
                excerpt(&account.name),
                told(&result)
            ))),
            8 | 13 => Err(self.error(format!(
                "the directory takes passwords on an encrypted connection only: ldaps:// or --start-tls ({})",
                told(&result)
            ))),
            _ => Err(self.error(format!("--bind-dn: signing in failed ({})", told(&result)))),
        }
    }

    /// A connection that could not be made, or that ended.
    fn lost(&self, error: &LdapError) -> Error {
        self.error(match error {
            LdapError::Io { source } => match source.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(rustls::Error::InvalidMessage(_)) => {
                    "it does not speak TLS at this port; ldap:// goes to the port without".to_owned()
                }
                Some(problem) => tls::error_message(problem).to_string(),
                None => format!("it cannot be talked to: {}", excerpt(&source.to_string())),
            },
            LdapError::Rustls { source } => tls::error_message(source).to_string(),
            LdapError::Timeout { .. } => "it does not answer in time".to_owned(),
            LdapError::EndOfStream
            | LdapError::ResultRecv { .. }
            | LdapError::OpSend { .. }
            | LdapError::IdScrubSend { .. } => {
                "the connection ended before the answer did; nothing is taken from the part that came".to_owned()
            }
            other => excerpt(&other.to_string()),
        })
    }

    fn refused(&self, search: &Search<'_>, result: &LdapResult) -> Error {
        let about = |what: &str| {
            let (label, base) = (search.base_label, excerpt(search.base));
            self.error(format!("{label}: `{base}` {what} ({})", told(result)))
        };
        match result.rc {
            NO_SUCH_OBJECT => about("is not in the directory, or the account may not see it"),
            INVALID_DN => about("is not a distinguished name that the directory understands"),
            code => {
                let known = REFUSED.iter().find(|(known, _)| *known == code).map(|(_, text)| *text);
                self.error(format!("{} ({})", known.unwrap_or("the search failed"), told(result)))
            }
        }
    }

    /// Part of what is looked for lies on another server, so this one's answer is not the whole.
    fn elsewhere(&self, search: &Search<'_>, to: &[String]) -> Error {
        self.error(format!(
            "{}: the directory refers to another server, which is not asked: {}; narrow it, or search where everything is",
            search.base_label,
            excerpt(&to.join(" "))
        ))
    }

    /// One page of an answer, checked.
    fn page(
        &self,
        connection: &mut LdapConn,
        search: &Search<'_>,
        attributes: &[&str],
        cookie: Vec<u8>,
    ) -> Result<SearchPage, Error> {
        let scope = if search.base_only { Scope::Base } else { Scope::Subtree };
        if !search.base_only {
            connection.with_controls(PagedResults { size: PAGE, cookie });
        }
        let mut stream = connection
            .with_timeout(ANSWER)
            .streaming_search(search.base, scope, &search.filter, attributes)
            .map_err(|e| self.lost(&e))?;
        let mut entries = Vec::new();
        while let Some(item) = stream.next().map_err(|e| self.lost(&e))? {
            if item.is_ref() {
                let to = parse_refs(item.0);
                if !to.iter().all(|url| is_without_users(url)) {
                    return Err(self.elsewhere(search, &to));
                }
            } else if !item.is_intermediate() {
                entries.push(entry(item.0).ok_or_else(|| self.error("an entry of the answer cannot be read"))?);
            }
        }
        let result = stream.result();
        match result.rc {
            0 if result.refs.is_empty() => {}
            NO_SUCH_OBJECT if search.base_only => {}
            0 | 10 => return Err(self.elsewhere(search, &result.refs)),
            _ => return Err(self.refused(search, &result)),
        }
        let mut paged = result.ctrls.iter().filter(|c| matches!(c.0, Some(ControlType::PagedResults)));
        let cookie = paged.next().map_or(NO_COOKIE, |Control(_, raw)| raw.parse::<PagedResults>().cookie);
        Ok(SearchPage { entries, cookie })
    }

    /// An entry with all its values: Active Directory gives long attributes in parts.
    fn complete(&self, connection: &mut LdapConn, search: &Search<'_>, read: Read) -> Result<Entry, Error> {
        let Read { mut entry, mut partial } = read;
        entry.place = printable(self.url.as_str());
        let dn = entry.dn.clone();
        while let Some((name, next)) = partial.pop() {
            let attribute = format!("{name};range={next}-*");
            let rest = Search { base: &dn, base_only: true, filter: "(objectClass=*)".into(), ..search.clone() };
            let page = self.page(connection, &rest, &[attribute.as_str()], NO_COOKIE)?;
            let incomplete = || self.error(format!("{}: not all values of {name} are given", excerpt(&dn)));
            let part = page.entries.into_iter().next().ok_or_else(incomplete)?;
            let values = part.entry.values(&name);
            if values.is_empty() || part.partial.iter().any(|(_, further)| *further <= next) {
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
        let (mut cookie, mut empty) = (NO_COOKIE, 0);
        loop {
            let (entries, next) = self.connected(|connection| {
                let page = self.page(connection, search, &search.attributes, std::mem::take(&mut cookie))?;
                let entries = page.entries.into_iter().map(|read| self.complete(connection, search, read));
                Ok((entries.collect::<Result<Vec<_>, _>>()?, page.cookie))
            })?;
            empty = if entries.is_empty() { empty + 1 } else { 0 };
            entries.into_iter().try_for_each(&mut *each)?;
            if next.is_empty() {
                return Ok(());
            }
            if empty > EMPTY_PAGES {
                return Err(self.error("the directory goes on without sending entries"));
            }
            cookie = next;
        }
    }

    /// The address and who asks, for others may see other things; of Active Directory also which domain controller
    /// answers: each counts changes for itself.
    fn server(&self) -> Result<Option<String>, Error> {
        if let Some(name) = self.name.get() {
            return Ok(Some(name.clone()));
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
        Ok(Some(self.name.get_or_init(|| format!("{} {account} {service}", self.url)).clone()))
    }
}

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// The library takes some malformed answers for impossible and panics; here that is `None`, and no trace on the screen.
fn without_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match ASKING.get() {
            true => log::debug!("{panic}"),
            false => usual(panic),
        }));
    });
    ASKING.set(true);
    // Whatever was half done is dropped with the connection.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    ASKING.set(false);
    result.ok()
}

/// How the server words a result.
fn told(result: &LdapResult) -> String {
    excerpt(&result.to_string())
}

fn is_without_users(url: &str) -> bool {
    let name = url.splitn(4, '/').nth(3).unwrap_or_default().to_ascii_lowercase();
    WITHOUT_USERS.iter().any(|partition| name.starts_with(&partition.to_ascii_lowercase()))
}

/// `SearchResultEntry` (RFC 4511 section 4.5.2); `None` where it is none.
fn entry(tag: StructureTag) -> Option<Read> {
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
    Some(Read { entry, partial })
}

#[cfg(test)]
mod tests;
