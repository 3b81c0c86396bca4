//! Finds the members of a group.
//! Does not know: which location the group is of, what the members are for.
//!
//! A group lists members (*Group Member Attribute*), and an entry lists its groups (*Member of Group Attribute*).

use std::collections::{BTreeSet, HashSet};

use ldap3::ldap_escape;
use pfscim_core::Message;
use pfscim_core::text::excerpt;

use super::guid;
use crate::Error;
use crate::connection::{GroupMembership, Location, SourceSettings};
use crate::directory::{Dn, Entry, Search};
use crate::source::Source;

/// The members of one group, from both sides.
#[derive(Debug, Default)]
pub(super) struct Membership {
    /// The DN of the group and, with a nested search, of the groups in it, in comparable form.
    pub(super) group_keys: HashSet<String>,
    /// The same DNs as the source wrote them.
    pub(super) group_dns: Vec<String>,
    /// What these groups list, in comparable form: DNs, and other values such as GUIDs.
    pub(super) listed: HashSet<String>,
    /// Whether the group itself is an entry of the source.
    pub(super) is_in_source: bool,
    /// Those of `group_keys` that are entries of the source.
    pub(super) found_groups: BTreeSet<String>,
    /// Every group that is an entry of the source, in comparable form.
    pub(super) all_groups: HashSet<String>,
    /// Listed members below the base DN that are not entries of the source, in comparable form.
    pub(super) absent: BTreeSet<String>,
}

/// Returns *Base DN*.
pub(super) fn base_dn(settings: &SourceSettings) -> Result<Dn, Error> {
    Dn::parse(&settings.base_dn).ok_or_else(|| not_a_dn("Base DN", &settings.base_dn))
}

/// Returns the DN of a location's group in comparable form.
pub(super) fn group_key(group: &str, label: &str, settings: &SourceSettings) -> Result<String, Error> {
    let dn = Dn::parse(group).ok_or_else(|| not_a_dn(label, group))?;
    require_membership_attribute(label, settings)?;
    Ok(dn.key())
}

fn not_a_dn(label: &str, text: &str) -> Error {
    let message = Message::new(format!("`{}` is not a distinguished name", excerpt(text)));
    Error::unusable(message.with_hint(format!("correct {label}")).at(label))
}

/// Checks that *Member of Group Attribute* or *Group Member Attribute* is set. `label`: the setting that needs one.
pub(super) fn require_membership_attribute(label: &str, settings: &SourceSettings) -> Result<(), Error> {
    let detection = &settings.group_membership_detection;
    if member_of_attribute(detection).is_none() && member_attribute(detection).is_none() {
        let message = Message::new("needs Member of Group Attribute or Group Member Attribute, and neither is set");
        return Err(Error::unusable(message.with_hint("set one of them in the source settings").at(label)));
    }
    Ok(())
}

/// The part of a group entry that is about membership.
struct GroupEntry {
    key: String,
    dn: String,
    member_of: Vec<String>,
    listed: Vec<String>,
    /// The listed DNs that are below the base DN.
    listed_below_base: Vec<String>,
}

impl Membership {
    /// Reads the group of a location and, with a nested search, the groups in it; `None` if the location has no group.
    ///
    /// `label` is the setting with the group. `live`: the source is a server, which evaluates searches.
    ///
    /// # Errors
    /// The settings cannot be used, the source cannot be read, or a server does not have the group.
    pub(super) fn read(
        location: &Location,
        label: &'static str,
        base: &Dn,
        settings: &SourceSettings,
        source: &dyn Source,
        live: bool,
    ) -> Result<Option<Self>, Error> {
        let Some(group) = location.group_dn() else { return Ok(None) };
        let top = group_key(group, label, settings)?;
        let class = &settings.change_detection_settings.group_object_class;
        let detection = &settings.group_membership_detection;
        let attributes = distinct(member_of_attribute(detection).into_iter().chain(member_attribute(detection)));
        let nested = location.nested();
        let mut groups = Vec::new();
        let mut entry_keys = HashSet::new();
        let mut add = |entry: Entry| {
            if let Some(name) = entry.name() {
                let key = name.key();
                entry_keys.insert(key.clone());
                if live || key == top || entry.has_object_class(class) {
                    groups.push(GroupEntry {
                        key,
                        member_of: comparable_values(&entry, member_of_attribute(detection)),
                        listed: comparable_values(&entry, member_attribute(detection)),
                        listed_below_base: dns_below(&entry, member_attribute(detection), base),
                        dn: entry.dn,
                    });
                }
            }
            Ok(())
        };
        let group_search =
            Search { base: group, base_label: label, base_only: true, filter: "(objectClass=*)".into(), attributes };
        source.read(&group_search, &mut add)?;
        if live && nested {
            let filter = format!("(objectClass={})", ldap_escape(class.trim()));
            source.read(
                &Search { base: &settings.base_dn, base_label: "Base DN", base_only: false, filter, ..group_search },
                &mut add,
            )?;
        }
        let mut membership = Self::closure(top, &groups, nested);
        membership.absent.retain(|key| !entry_keys.contains(key));
        membership.all_groups = groups.into_iter().map(|group| group.key).collect();
        if live && !membership.is_in_source {
            let text = format!("`{}` is not in the directory, or the bind account may not read it", excerpt(group));
            let hint = "check the DN and the rights of the bind account";
            return Err(Error::unusable(Message::new(text).with_hint(hint).at(label)));
        }
        Ok(Some(membership))
    }

    /// Collects the group and, with a nested search, all groups below it. Each group is visited once, so a circle ends.
    fn closure(top: String, groups: &[GroupEntry], nested: bool) -> Self {
        let mut membership = Self { is_in_source: groups.iter().any(|g| g.key == top), ..Self::default() };
        let mut to_visit = vec![top];
        while let Some(key) = to_visit.pop() {
            if !membership.group_keys.insert(key.clone()) {
                continue;
            }
            let mut entries = groups.iter().filter(|g| g.key == key).peekable();
            membership.group_dns.extend(entries.peek().map(|g| g.dn.clone()));
            for group in entries {
                membership.found_groups.insert(key.clone());
                membership.absent.extend(group.listed_below_base.iter().cloned());
                membership.listed.extend(group.listed.iter().cloned());
            }
            if nested {
                to_visit.extend(
                    groups
                        .iter()
                        .filter(|g| g.member_of.contains(&key) || membership.listed.contains(&g.key))
                        .map(|g| g.key.clone())
                        .filter(|g| !membership.group_keys.contains(g)),
                );
            }
        }
        membership
    }

    /// Returns whether the entry is a member of the group.
    pub(super) fn includes(&self, entry: &Entry, settings: &SourceSettings) -> bool {
        let is_listed = entry.name().is_some_and(|name| self.listed.contains(&name.key()))
            || guid::guid(entry, settings).is_some_and(|guid| self.listed.contains(&guid.to_lowercase()));
        let member_of = || comparable_values(entry, member_of_attribute(&settings.group_membership_detection));
        is_listed || member_of().iter().any(|group| self.group_keys.contains(group))
    }
}

/// Returns *Member of Group Attribute*.
pub(super) fn member_of_attribute(detection: &GroupMembership) -> Option<&str> {
    detection.member_of_group_attribute_name.as_deref().filter(|a| !a.trim().is_empty())
}

/// Returns *Group Member Attribute*.
pub(super) fn member_attribute(detection: &GroupMembership) -> Option<&str> {
    detection.group_member_attribute_name.as_deref().filter(|a| !a.trim().is_empty())
}

/// Returns the text values of an attribute in comparable form.
pub(super) fn comparable_values(entry: &Entry, attribute: Option<&str>) -> Vec<String> {
    let Some(attribute) = attribute else { return Vec::new() };
    entry.values(attribute).iter().filter_map(|value| value.text().map(comparable)).collect()
}

/// Returns a value in comparable form: a DN by its parts, any other text in lower case.
pub(super) fn comparable(text: &str) -> String {
    Dn::parse(text).map_or_else(|| text.trim().to_lowercase(), |dn| dn.key())
}

/// Returns the values of an attribute that are DNs below the base, in comparable form.
fn dns_below(entry: &Entry, attribute: Option<&str>, base: &Dn) -> Vec<String> {
    let Some(attribute) = attribute else { return Vec::new() };
    let dns = entry.values(attribute).iter().filter_map(|value| value.text().and_then(Dn::parse));
    dns.filter(|dn| dn.is_within(base)).map(|dn| dn.key()).collect()
}

/// Returns the attribute names once each, without empty ones. Letter case does not count.
pub(super) fn distinct<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut distinct: Vec<&str> = Vec::new();
    for name in names.map(str::trim).filter(|n| !n.is_empty()) {
        if !distinct.iter().any(|d| d.eq_ignore_ascii_case(name)) {
            distinct.push(name);
        }
    }
    distinct
}
