//! What settings alone tell about trouble to come. Nothing here stops a connection.

use url::{Host, Url};

use super::model::{Authentication, RemoveAction, Settings};
use crate::scim::Version;

/// Whether a URL leads to this machine only.
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

fn is_open_to_readers(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

/// One finding: whether it applies, and the line that says so.
type Finding = (fn(&Settings) -> bool, &'static str);

const FINDINGS: &[Finding] = &[
    (
        |s| s.authentication != Authentication::None && is_open_to_readers(&s.scim_url),
        "SCIM URL: credentials and user data go over plain http, where anybody on the way can read them; use https",
    ),
    (
        |s| s.authentication == Authentication::None && is_open_to_readers(&s.scim_url),
        "SCIM URL: user data goes over plain http, where anybody on the way can read it; use https",
    ),
    (
        |s| matches!(&s.authentication, Authentication::ClientCredentials { endpoint, .. } if is_open_to_readers(endpoint)),
        "Token Request Endpoint: the client secret goes over plain http, where anybody on the way can read it; use https",
    ),
    (
        |s| {
            let path = s.scim_url.path().to_ascii_lowercase();
            path.ends_with(&s.users_path.to_ascii_lowercase()) || path.ends_with(&s.groups_path.to_ascii_lowercase())
        },
        "SCIM URL: ends with the path of the users or groups, which is added to it once more; enter the base URL only",
    ),
    (
        |s| s.users_path == s.groups_path,
        "Groups Path API: is the same as Users API Path, so groups and users would meet at one address",
    ),
    (
        |s| s.authorization_type.is_some() && s.authentication == Authentication::None,
        "Authorization Header Type: has no effect while Authentication Methods is None",
    ),
    (
        |s| !(s.create || s.update || s.remove),
        "User Create, User Update and User Disable / Delete are all cleared: no user will ever be written",
    ),
    (
        |s| s.provision_disabled && s.remove_action == RemoveAction::Delete,
        "Provision Disabled Users: has no effect while Remove User Action is Delete",
    ),
    (
        |s| s.provision_disabled && s.remove_action == RemoveAction::Disable && !s.create,
        "Provision Disabled Users: creates nobody while User Create is cleared",
    ),
    (
        |s| s.remove && s.remove_action == RemoveAction::Disable && !s.update,
        "User Update: is cleared, so a disabled user is never enabled again; some targets also refuse to disable without it",
    ),
    (
        |s| s.max_removals == Some(0),
        "Maximum Removals Per Cycle: is 0, so every removal is refused; leave it blank for no limit",
    ),
    (
        |s| s.version == Version::V1_1 && !s.extension_urns.is_empty(),
        "Custom Attribute Schema URNs: has no effect with SCIM Version 1.1",
    ),
];

impl Settings {
    /// What is not wrong but deserves a word: risky or useless combinations, one line each, settings by their labels.
    pub fn warnings(&self) -> Vec<String> {
        FINDINGS.iter().filter(|(applies, _)| applies(self)).map(|(_, line)| (*line).to_owned()).collect()
    }
}
