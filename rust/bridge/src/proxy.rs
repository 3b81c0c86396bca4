//! Converts the proxy properties of the Java virtual machine to core's proxy rules.
//! Does not know: the virtual machine, environment variables.
//!
//! Names and defaults of the properties are those of the JDK ("Java Networking and Proxies").

use std::collections::BTreeMap;

use pfscim_core::environment::{Proxy, ProxyRules};

/// Hosts that the JDK reaches without a proxy, unless `http.nonProxyHosts` is empty.
const ALWAYS_DIRECT: &str = "localhost|127.*|[::1]";

/// Returns the rules for both schemes.
///
/// `https.proxyUser` and `https.proxyPassword` default to those of `http`. Both schemes share one list of direct hosts,
/// as in the JDK.
pub(crate) fn proxy_rules(properties: &BTreeMap<String, String>) -> ProxyRules {
    let direct = match properties.get("http.nonProxyHosts").map(String::as_str) {
        None => ALWAYS_DIRECT.to_owned(),
        Some("") => String::new(),
        Some(hosts) => format!("{hosts}|{ALWAYS_DIRECT}"),
    };
    ProxyRules {
        http: proxy(properties, "http", "80"),
        https: proxy(properties, "https", "443"),
        direct_hosts: direct.split('|').map(without_brackets).filter(|host| !host.is_empty()).collect(),
    }
}

fn proxy(properties: &BTreeMap<String, String>, scheme: &str, default_port: &str) -> Option<Proxy> {
    let own = |name: &str| properties.get(&format!("{scheme}.{name}")).map(|v| v.trim()).filter(|v| !v.is_empty());
    let own_or_http = |name: &str| own(name).or_else(|| properties.get(&format!("http.{name}")).map(String::as_str));
    let host = own("proxyHost")?;
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let credentials = own_or_http("proxyUser").filter(|user| !user.is_empty());
    Some(Proxy {
        url: format!("http://{host}:{}", own("proxyPort").unwrap_or(default_port)),
        credentials: credentials
            .map(|user| (user.to_owned(), own_or_http("proxyPassword").unwrap_or_default().to_owned())),
    })
}

/// Returns a pattern without the brackets of an IPv6 address.
fn without_brackets(pattern: &str) -> String {
    let pattern = pattern.trim();
    pattern.strip_prefix('[').and_then(|p| p.strip_suffix(']')).unwrap_or(pattern).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules_of(pairs: &[(&str, &str)]) -> ProxyRules {
        proxy_rules(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn without_properties_no_proxy_is_used() {
        let rules = rules_of(&[]);
        assert_eq!((rules.http, rules.https), (None, None));
        assert_eq!(rules.direct_hosts, ["localhost", "127.*", "::1"]);
    }

    #[test]
    fn each_scheme_has_its_own_host_and_port() {
        let rules = rules_of(&[("http.proxyHost", "web"), ("https.proxyHost", "fe80::1"), ("https.proxyPort", "3128")]);
        assert_eq!(rules.http, Some(Proxy { url: "http://web:80".into(), credentials: None }));
        assert_eq!(rules.https, Some(Proxy { url: "http://[fe80::1]:3128".into(), credentials: None }));
    }

    #[test]
    fn credentials_of_http_are_the_default_for_https() {
        let rules = rules_of(&[
            ("https.proxyHost", "web"),
            ("https.proxyPort", "8443"),
            ("http.proxyUser", "user"),
            ("http.proxyPassword", " with blanks "),
        ]);
        let credentials = Some(("user".to_owned(), " with blanks ".to_owned()));
        assert_eq!(rules.https, Some(Proxy { url: "http://web:8443".into(), credentials }));
        assert_eq!(rules.http, None);
    }

    #[test]
    fn direct_hosts_are_added_to_the_defaults_and_an_empty_list_removes_the_defaults() {
        assert_eq!(
            rules_of(&[("http.nonProxyHosts", "*.example.com|[fe80::*]")]).direct_hosts,
            ["*.example.com", "fe80::*", "localhost", "127.*", "::1"]
        );
        assert_eq!(rules_of(&[("http.nonProxyHosts", "")]).direct_hosts, [""; 0]);
    }
}
