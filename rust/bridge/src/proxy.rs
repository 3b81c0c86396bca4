//! The Java virtual machine's proxy properties as the core's rules. Knows the names and defaults of the JDK's networking
//! properties ("Java Networking and Proxies"), and reads no environment.

use std::collections::BTreeMap;

use pfscim_core::environment::{Proxy, ProxyRules};

/// What the JDK always reaches directly, unless `http.nonProxyHosts` is set to nothing.
const ALWAYS_DIRECT: &str = "localhost|127.*|[::1]";

/// Rules for both schemes. `https.proxyUser` and `https.proxyPassword` fall back to those of `http`; the list of direct
/// hosts is one for both, as in the JDK.
pub(crate) fn rules(properties: &BTreeMap<String, String>) -> ProxyRules {
    let direct = match properties.get("http.nonProxyHosts").map(String::as_str) {
        None => ALWAYS_DIRECT.to_owned(),
        Some("") => String::new(),
        Some(hosts) => format!("{hosts}|{ALWAYS_DIRECT}"),
    };
    ProxyRules {
        http: proxy(properties, "http", "80"),
        https: proxy(properties, "https", "443"),
        direct_hosts: direct.split('|').map(bare).filter(|host| !host.is_empty()).collect(),
    }
}

fn proxy(properties: &BTreeMap<String, String>, scheme: &str, usual_port: &str) -> Option<Proxy> {
    let own = |name: &str| properties.get(&format!("{scheme}.{name}")).map(|v| v.trim()).filter(|v| !v.is_empty());
    let any = |name: &str| own(name).or_else(|| properties.get(&format!("http.{name}")).map(String::as_str));
    let host = own("proxyHost")?;
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let credentials = any("proxyUser").filter(|user| !user.is_empty());
    Some(Proxy {
        url: format!("http://{host}:{}", own("proxyPort").unwrap_or(usual_port)),
        credentials: credentials.map(|user| (user.to_owned(), any("proxyPassword").unwrap_or_default().to_owned())),
    })
}

/// A pattern without the brackets of an IPv6 address.
fn bare(pattern: &str) -> String {
    let pattern = pattern.trim();
    pattern.strip_prefix('[').and_then(|p| p.strip_suffix(']')).unwrap_or(pattern).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> ProxyRules {
        rules(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn without_properties_there_is_no_proxy() {
        let rules = of(&[]);
        assert_eq!((rules.http, rules.https), (None, None));
        assert_eq!(rules.direct_hosts, ["localhost", "127.*", "::1"]);
    }

    #[test]
    fn each_scheme_has_its_own_host_and_port() {
        let rules = of(&[("http.proxyHost", "web"), ("https.proxyHost", "fe80::1"), ("https.proxyPort", "3128")]);
        assert_eq!(rules.http, Some(Proxy { url: "http://web:80".into(), credentials: None }));
        assert_eq!(rules.https, Some(Proxy { url: "http://[fe80::1]:3128".into(), credentials: None }));
    }

    #[test]
    fn credentials_of_http_serve_https_too() {
        let rules = of(&[
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
    fn direct_hosts_are_added_to_the_usual_ones_and_an_empty_list_means_none() {
        assert_eq!(
            of(&[("http.nonProxyHosts", "*.example.com|[fe80::*]")]).direct_hosts,
            ["*.example.com", "fe80::*", "localhost", "127.*", "::1"]
        );
        assert_eq!(of(&[("http.nonProxyHosts", "")]).direct_hosts, [""; 0]);
    }
}
