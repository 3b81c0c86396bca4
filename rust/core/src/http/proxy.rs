//! The way out: the environment's proxy rules as reqwest understands them. Proxy settings of the process's own
//! environment count for nothing.

use url::Url;

use crate::Failure;
use crate::environment::{Proxy, ProxyRules};

/// One reqwest proxy for each scheme that has one, with its own credentials.
pub(super) fn proxies(rules: &ProxyRules) -> Result<Vec<reqwest::Proxy>, Failure> {
    [("http", &rules.http), ("https", &rules.https)]
        .into_iter()
        .filter_map(|(scheme, proxy)| proxy.as_ref().map(|proxy| one(scheme, proxy, &rules.direct_hosts)))
        .collect()
}

fn one(scheme: &'static str, proxy: &Proxy, direct: &[String]) -> Result<reqwest::Proxy, Failure> {
    let address = Url::parse(&proxy.url)
        .ok()
        .filter(|url| url.scheme() == "http" && url.has_host() && url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| {
            Failure::Config(format!("the proxy for {scheme} targets has to be given as http://host:port").into())
        })?;
    let direct = direct.to_vec();
    let way = reqwest::Proxy::custom(move |target| {
        let proxied = target.scheme() == scheme && !is_direct(&direct, target.host_str().unwrap_or_default());
        proxied.then(|| address.clone())
    });
    Ok(match &proxy.credentials {
        Some((user, password)) => way.basic_auth(user, password),
        None => way,
    })
}

/// Whether a host is reached without a proxy (patterns: [`ProxyRules::direct_hosts`]).
fn is_direct(patterns: &[String], host: &str) -> bool {
    let host = bare(host);
    patterns.iter().map(|pattern| bare(pattern)).filter(|pattern| !pattern.is_empty()).any(|pattern| {
        let pattern = if pattern.starts_with('.') { format!("*{pattern}") } else { pattern };
        match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(_), Some(_)) => host.contains(pattern.trim_matches('*')),
            (Some(end), None) => host.ends_with(end),
            (None, Some(start)) => host.starts_with(start),
            (None, None) => host == pattern,
        }
    })
}

/// Lower case, without blanks around it or the brackets of an IPv6 address.
fn bare(host: &str) -> String {
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
