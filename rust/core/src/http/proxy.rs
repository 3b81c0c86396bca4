//! Converts the environment's proxy rules to reqwest's proxies.
//! Does not know: environment variables.

use url::Url;

use crate::Failure;
use crate::environment::{Proxy, ProxyRules};

/// Returns a reqwest proxy, with its credentials, for each scheme that has a proxy.
///
/// # Errors
/// [`Failure::Config`] if the URL of a proxy is not `http://host:port`. The message does not contain the URL.
pub(super) fn proxies(rules: &ProxyRules) -> Result<Vec<reqwest::Proxy>, Failure> {
    [("http", &rules.http), ("https", &rules.https)]
        .into_iter()
        .filter_map(|(scheme, proxy)| proxy.as_ref().map(|proxy| reqwest_proxy(scheme, proxy, &rules.direct_hosts)))
        .collect()
}

fn reqwest_proxy(scheme: &'static str, proxy: &Proxy, direct_hosts: &[String]) -> Result<reqwest::Proxy, Failure> {
    let address = Url::parse(&proxy.url)
        .ok()
        .filter(|url| url.scheme() == "http" && url.has_host() && url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| {
            Failure::Config(format!("the URL of the proxy for {scheme} targets is not http://host:port").into())
        })?;
    let direct_hosts = direct_hosts.to_vec();
    let converted = reqwest::Proxy::custom(move |target| {
        let proxied = target.scheme() == scheme && !is_direct(&direct_hosts, target.host_str().unwrap_or_default());
        proxied.then(|| address.clone())
    });
    Ok(match &proxy.credentials {
        Some((user, password)) => converted.basic_auth(user, password),
        None => converted,
    })
}

/// Returns whether a host is reached without a proxy (patterns: [`ProxyRules::direct_hosts`]).
fn is_direct(patterns: &[String], host: &str) -> bool {
    let host = comparable(host);
    patterns.iter().map(|pattern| comparable(pattern)).filter(|pattern| !pattern.is_empty()).any(|pattern| {
        let pattern = if pattern.starts_with('.') { format!("*{pattern}") } else { pattern };
        match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(_), Some(_)) => host.contains(pattern.trim_matches('*')),
            (Some(end), None) => host.ends_with(end),
            (None, Some(start)) => host.starts_with(start),
            (None, None) => host == pattern,
        }
    })
}

/// Returns a host in lower case, without blanks around it and without the brackets of an IPv6 address.
fn comparable(host: &str) -> String {
    host.trim().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(pattern: &str, host: &str) -> bool {
        is_direct(&[pattern.to_owned()], host)
    }

    #[test]
    fn patterns_match_as_the_jvm_matches_them() {
        let cases = [
            ("localhost", "LOCALHOST", true),
            ("localhost", "localhost.example", false),
            ("*.example.com", "scim.Example.com", true),
            ("*.example.com", "example.com", false),
            (".example.com", "scim.example.com", true),
            (".example.com", "scimexample.com", false),
            ("10.*", "10.1.2.3", true),
            ("10.*", "110.1.2.3", false),
            ("*", "anything", true),
            ("*corp*", "scim.corp.example", true),
            ("[::1]", "[::1]", true),
            ("::1", "[::1]", true),
            ("", "anything", false),
        ];
        for (pattern, host, expected) in cases {
            assert_eq!(direct(pattern, host), expected, "{pattern} against {host}");
        }
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let proxy = Proxy { url: "http://127.0.0.1:3128".into(), credentials: None };
        assert_eq!(proxies(&ProxyRules::default()).unwrap().len(), 0);
        let rules = ProxyRules { https: Some(proxy.clone()), ..ProxyRules::default() };
        assert_eq!(proxies(&rules).unwrap().len(), 1);
        let rules = ProxyRules { http: Some(proxy.clone()), https: Some(proxy), direct_hosts: Vec::new() };
        assert_eq!(proxies(&rules).unwrap().len(), 2);
    }

    #[test]
    fn an_unusable_proxy_is_a_config_failure_that_does_not_repeat_it() {
        for url in ["proxy:3128", "socks5://127.0.0.1:1", "http://user:hush@127.0.0.1:3128", ""] {
            let rules =
                ProxyRules { https: Some(Proxy { url: url.into(), credentials: None }), ..ProxyRules::default() };
            let failure = proxies(&rules).unwrap_err();
            assert_eq!(failure.code(), "config");
            assert!(!failure.to_string().contains("hush"));
        }
    }
}
