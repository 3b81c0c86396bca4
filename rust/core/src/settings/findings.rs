//! Warns about settings that are valid but have a risk or no effect.
//! Does not know: the target, the mapping.

use url::{Host, Url};

use super::model::{Authentication, RemoveAction, Settings};
use crate::scim::Version;

/// Returns whether the host of a URL is this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|mapped| mapped.is_loopback())
        }
        None => false,
    }
}

fn is_unencrypted(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

/// A condition, and the warning if it is true.
type Finding = (fn(&Settings) -> bool, &'static str);

const FINDINGS: &[Finding] = &[
    (
        |s| s.authentication != Authentication::None && is_unencrypted(&s.scim_url),
        "SCIM URL: credentials and user data go over plain http, which is not encrypted; use https",
    ),
    (
        |s| s.authentication == Authentication::None && is_unencrypted(&s.scim_url),
        "SCIM URL: user data goes over plain http, which is not encrypted; use https",
    ),
    (
        |s| matches!(&s.authentication, Authentication::ClientCredentials { endpoint, .. } if is_unencrypted(endpoint)),
        "Token Request Endpoint: the client secret goes over plain http, which is not encrypted; use https",
    ),
    (
        |s| {
            let path = s.scim_url.path().to_ascii_lowercase();
            path.ends_with(&s.users_path.to_ascii_lowercase()) || path.ends_with(&s.groups_path.to_ascii_lowercase())
        },
        "SCIM URL: ends with the path of the users or groups, which the connector adds again; enter only the base URL",
    ),
    (
        |s| s.users_path == s.groups_path,
        "Groups Path API: is the same as Users API Path, so users and groups have the same address; correct one of them",
    ),
    (
        |s| s.authorization_type.is_some() && s.authentication == Authentication::None,
        "Authorization Header Type: has no effect because Authentication Methods is None; leave it blank, or set Authentication Methods",
    ),
    (
        |s| !(s.create || s.update || s.remove),
        "User Create, User Update and User Disable / Delete are all cleared, so the connector writes no user; select at least one of them",
    ),
    (
        |s| s.provision_disabled && s.remove_action == RemoveAction::Delete,
        "Provision Disabled Users: has no effect because Remove User Action is Delete; clear it, or set Remove User Action = Disable",
    ),
    (
        |s| s.provision_disabled && s.remove_action == RemoveAction::Disable && !s.create,
        "Provision Disabled Users: creates no users because User Create is cleared; select User Create, or clear Provision Disabled Users",
    ),
    (
        |s| s.remove && s.remove_action == RemoveAction::Disable && !s.update,
        "User Update: is cleared, so the connector never enables a disabled user again, and some targets reject a disable; select User Update",
    ),
    (
        |s| s.max_removals == Some(0),
        "Maximum Removals Per Cycle: is 0, so every removal fails; leave it blank for no limit",
    ),
    (
        |s| s.version == Version::V1_1 && !s.extension_urns.is_empty(),
        "Custom Attribute Schema URNs: has no effect with SCIM Version 1.1; leave it blank",
    ),
];

impl Settings {
    /// Returns a warning for each combination that has a risk or no effect: one line, `label: text; hint`.
    pub fn warnings(&self) -> Vec<String> {
        FINDINGS.iter().filter(|(applies, _)| applies(self)).map(|(_, line)| (*line).to_owned()).collect()
    }
}
