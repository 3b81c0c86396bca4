//! What the machine knows of the way to a target: trust anchors and proxies.

use std::path::Path;

use pfscim_channel::Error;
use pfscim_core::environment::{Proxy, ProxyRules};
use pfscim_core::text::excerpt;
use rustls_native_certs::{load_certs_from_paths, load_native_certs};
use url::Url;

/// The system's trust anchors and those of a PEM file, in DER. A system without any is none of our business: the
/// target may be one of the file, or speak plain HTTP.
pub(crate) fn anchors(file: Option<&Path>) -> Result<Vec<Vec<u8>>, Error> {
    let system = load_native_certs();
    for error in &system.errors {
        log::debug!("a trust anchor of the system cannot be read: {error}");
    }
    let mut anchors: Vec<_> = system.certs.iter().map(|c| c.to_vec()).collect();
    if let Some(path) = file {
        let name = path.display();
        let loaded = load_certs_from_paths(Some(path), None);
        if let Some(error) = loaded.errors.first() {
            return Err(Error::unusable(format!("--ca-file: {name}: {error}")));
        }
        if loaded.certs.is_empty() {
            return Err(Error::unusable(format!("--ca-file: {name} holds no certificate in PEM form")));
        }
        anchors.extend(loaded.certs.iter().map(|c| c.to_vec()));
    }
    Ok(anchors)
}

/// The proxies that the environment asks for: `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower case or
/// upper case.
pub(crate) fn proxies() -> Result<ProxyRules, Error> {
    rules(|name| {
        let value = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
        value(name).or_else(|| value(&name.to_uppercase()))
    })
}

fn rules(variable: impl Fn(&str) -> Option<String>) -> Result<ProxyRules, Error> {
    let of = |name: &str| match variable(name)
        .map(|v| (name, v))
        .or_else(|| variable("all_proxy").map(|v| ("all_proxy", v)))
    {
        Some((name, value)) => proxy(value.trim()).map(Some).map_err(|e| Error::unusable(format!("{name}: {e}"))),
        None => Ok(None),
    };
    let direct = variable("no_proxy").unwrap_or_default();
    Ok(ProxyRules {
        http: of("http_proxy")?,
        https: of("https_proxy")?,
        direct: direct.split(',').flat_map(patterns).collect(),
    })
}

/// `http://user:password@host:port`, the scheme left out or not.
fn proxy(text: &str) -> Result<Proxy, String> {
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // The text may hold a password, so it is not repeated.
    let mut url = Url::parse(&text).map_err(|e| format!("is not the URL of a proxy: {e}"))?;
    if url.scheme() != "http" {
        return Err(format!("proxies are spoken to with http, not {}", excerpt(url.scheme())));
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

/// A name in `no_proxy` stands for itself and everything below it.
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

    fn given(pairs: &[(&str, &str)]) -> Result<ProxyRules, Error> {
        rules(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn proxies_are_read_in_the_usual_spellings() {
        let rules = given(&[
            ("http_proxy", "proxy.example:3128"),
            ("https_proxy", "http://jo%40x:p%3Aw+d@proxy.example:8080/"),
            ("no_proxy", "localhost, .corp.example,*.lab,*"),
        ])
        .unwrap();
        assert_eq!(rules.http, Some(Proxy { url: "http://proxy.example:3128".into(), credentials: None }));
        let https = rules.https.unwrap();
        assert_eq!(https.url, "http://proxy.example:8080");
        assert_eq!(https.credentials, Some(("jo@x".into(), "p:w+d".into())));
        assert_eq!(rules.direct, ["localhost", "*.localhost", "corp.example", "*.corp.example", "lab", "*.lab", "*"]);
        assert_eq!(given(&[("all_proxy", "p:1")]).unwrap().https.unwrap().url, "http://p:1");
        assert_eq!(given(&[]).unwrap(), ProxyRules::default());
    }

    #[test]
    fn a_proxy_that_is_none_is_named_by_its_variable() {
        let told = given(&[("https_proxy", "socks5://user:hunter2@p:1")]).unwrap_err().to_string();
        assert!(told.starts_with("https_proxy: ") && !told.contains("hunter2"), "{told}");
    }
}
