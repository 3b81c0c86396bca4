//! Reads trust anchors and proxies from the system and the environment.
//! Does not know: the target.

use std::path::Path;

use pfscim_channel::Error;
use pfscim_core::environment::{Proxy, ProxyRules};
use pfscim_core::text::excerpt;
use rustls_native_certs::{load_certs_from_paths, load_native_certs};
use url::Url;

/// Returns the system's trust anchors and those of a PEM file, in DER.
///
/// A system without trust anchors is not an error: the file may have the one that is needed, or the target uses HTTP.
///
/// # Errors
/// [`Error::Unusable`] if the file cannot be read or contains no certificate.
pub(crate) fn anchors(file: Option<&Path>) -> Result<Vec<Vec<u8>>, Error> {
    let system = load_native_certs();
    for error in &system.errors {
        log::debug!("the system has a trust anchor that cannot be read: {error}");
    }
    let mut anchors: Vec<_> = system.certs.iter().map(|c| c.to_vec()).collect();
    if let Some(path) = file {
        let name = path.display();
        let loaded = load_certs_from_paths(Some(path), None);
        if let Some(error) = loaded.errors.first() {
            return Err(Error::unusable(format!("--ca-file: {name}: {error}")));
        }
        if loaded.certs.is_empty() {
            return Err(Error::unusable(format!("--ca-file: {name}: contains no certificate in PEM format")));
        }
        anchors.extend(loaded.certs.iter().map(|c| c.to_vec()));
    }
    Ok(anchors)
}

/// Reads the proxies from `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower case or upper case.
///
/// # Errors
/// [`Error::Unusable`] if a variable is not the URL of a proxy.
pub(crate) fn proxies() -> Result<ProxyRules, Error> {
    proxy_rules(|name| {
        let value = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
        value(name).or_else(|| value(&name.to_uppercase()))
    })
}

fn proxy_rules(variable: impl Fn(&str) -> Option<String>) -> Result<ProxyRules, Error> {
    let proxy_of = |name: &str| match variable(name)
        .map(|v| (name, v))
        .or_else(|| variable("all_proxy").map(|v| ("all_proxy", v)))
    {
        Some((name, value)) => proxy(value.trim()).map(Some).map_err(|e| Error::unusable(format!("{name}: {e}"))),
        None => Ok(None),
    };
    let direct_hosts = variable("no_proxy").unwrap_or_default();
    Ok(ProxyRules {
        http: proxy_of("http_proxy")?,
        https: proxy_of("https_proxy")?,
        direct_hosts: direct_hosts.split(',').flat_map(patterns).collect(),
    })
}

/// Parses `[http://][user:password@]host[:port]`.
fn proxy(text: &str) -> Result<Proxy, String> {
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // The text may contain a password, so messages do not repeat it.
    let mut url = Url::parse(&text).map_err(|e| format!("not the URL of a proxy: {e}"))?;
    if url.scheme() != "http" {
        return Err(format!("the scheme is {}, but a proxy must have the scheme http", excerpt(url.scheme())));
    }
    let decoded = |part: &str| {
        url::form_urlencoded::parse(part.replace('+', "%2B").as_bytes()).next().map(|(k, _)| k.into_owned())
    };
    let credentials = (!url.username().is_empty())
        .then(|| (decoded(url.username()).unwrap_or_default(), url.password().and_then(decoded).unwrap_or_default()));
    // An http URL has an authority, so neither can fail.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(Proxy { url: url.as_str().trim_end_matches('/').to_owned(), credentials })
}

/// Returns the patterns of one entry of `no_proxy`: the name itself and all names below it.
fn patterns(entry: &str) -> Vec<String> {
    let entry = entry.trim();
    let name = entry.strip_prefix("*.").unwrap_or(entry).trim_start_matches('.');
    match name {
        "" => Vec::new(),
        "*" => vec!["*".into()],
        _ => vec![name.to_owned(), format!("*.{name}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules_of(pairs: &[(&str, &str)]) -> Result<ProxyRules, Error> {
        proxy_rules(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn proxies_are_read_in_the_usual_spellings() {
        let rules = rules_of(&[
            ("http_proxy", "proxy.example:3128"),
            ("https_proxy", "http://jo%40x:p%3Aw+d@proxy.example:8080/"),
            ("no_proxy", "localhost, .corp.example,*.lab,*"),
        ])
        .unwrap();
        assert_eq!(rules.http, Some(Proxy { url: "http://proxy.example:3128".into(), credentials: None }));
        let https = rules.https.unwrap();
        assert_eq!(https.url, "http://proxy.example:8080");
        assert_eq!(https.credentials, Some(("jo@x".into(), "p:w+d".into())));
        assert_eq!(
            rules.direct_hosts,
            ["localhost", "*.localhost", "corp.example", "*.corp.example", "lab", "*.lab", "*"]
        );
        assert_eq!(rules_of(&[("all_proxy", "p:1")]).unwrap().https.unwrap().url, "http://p:1");
        assert_eq!(rules_of(&[]).unwrap(), ProxyRules::default());
    }

    #[test]
    fn an_unusable_proxy_is_named_by_its_variable_without_its_password() {
        let error = rules_of(&[("https_proxy", "socks5://user:hunter2@p:1")]).unwrap_err().to_string();
        assert!(error.starts_with("https_proxy: ") && !error.contains("hunter2"), "{error}");
    }
}
