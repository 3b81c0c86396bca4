//! Membership: who is in a group, put together from what groups list and what users and groups say of themselves.
//! Does not know: which location the group is of, what the members are for.

use std::collections::{BTreeSet, HashSet};

use ldap3::ldap_escape;
use pfscim_core::text::excerpt;

use super::guid;
use crate::Error;
use crate::connection::{GroupMembership, Location, SourceSettings};
use crate::directory::{Dn, Entry, Search};
use crate::source::Source;

/// Who belongs to the group, seen from both sides.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The names of the group and, with a nested search, of the groups in it.
    pub(super) groups: HashSet<String>,
    /// The same names as the source wrote them.
    pub(super) spelled: Vec<String>,
    /// What these groups list: names in their comparable form, and whatever else stands there (GUIDs).
    pub(super) listed: HashSet<String>,
    /// Whether the group itself is an entry of the source.
    pub(super) found: bool,
    /// Which of the groups are entries of a file, by name.
    pub(super) here: BTreeSet<String>,
    /// Every group that is an entry of a file, by name.
    pub(super) all: HashSet<String>,
    /// Members below the base DN that these groups list and a file does not have.
    pub(super) absent: BTreeSet<String>,
}

pub(super) fn base(settings: &SourceSettings) -> Result<Dn, Error> {
    Dn::parse(&settings.base_dn).ok_or_else(|| {
        Error::unusable(format!("Base DN: `{}` is not a distinguished name", excerpt(&settings.base_dn)))
    })
}

/// The comparable name of a location's group.
pub(super) fn top(group: &str, label: &str, settings: &SourceSettings) -> Result<String, Error> {
    let top = Dn::parse(group)
        .ok_or_else(|| Error::unusable(format!("{label}: `{}` is not a distinguished name", excerpt(group))))?;
    says_who_is_in(label, settings)?;
    Ok(top.key())
}

/// Members are found by one of two settings at least.
pub(super) fn says_who_is_in(what: &str, settings: &SourceSettings) -> Result<(), Error> {
    let detection = &settings.group_membership_detection;
    if member_of_attribute(detection).is_none() && member_attribute(detection).is_none() {
        return Err(Error::unusable(format!(
            "{what} needs the Member of Group Attribute or the Group Member Attribute of the source settings"
        )));
    }
    Ok(())
}

/// One group entry, as far as membership goes.
struct Group {
    name: String,
    spelled: String,
    member_of: Vec<String>,
    listed: Vec<String>,
    /// Those of the listed names that lie below the base DN.
    below: Vec<String>,
}

impl Members {
    /// Reads the group of a location and, with a nested search, the groups in it; `None` where it names none.
    pub(super) fn read(
        location: &Location,
        label: &'static str,
        base: &Dn,
        settings: &SourceSettings,
        source: &dyn Source,
        live: bool,
    ) -> Result<Option<Self>, Error> {
        let Some(group) = location.group_dn() else { return Ok(None) };
        let top = top(group, label, settings)?;
        let class = &settings.change_detection_settings.group_object_class;
        let detection = &settings.group_membership_detection;
        let attributes = distinct(member_of_attribute(detection).into_iter().chain(member_attribute(detection)));
        let nested = location.nested();
        let mut groups = Vec::new();
        let mut names = HashSet::new();
        let mut add = |entry: Entry| {
            if let Some(name) = entry.name() {
                let name = name.key();
                names.insert(name.clone());
                if live || name == top || entry.is_a(class) {
                    groups.push(Group {
                        name,
                        member_of: keys(&entry, member_of_attribute(detection)),
                        listed: keys(&entry, member_attribute(detection)),
                        below: names_below(&entry, member_attribute(detection), base),
                        spelled: entry.dn,
                    });
                }
            }
            Ok(())
        };
        let itself =
            Search { base: group, base_label: label, base_only: true, filter: "(objectClass=*)".into(), attributes };
        source.read(&itself, &mut add)?;
        if live && nested {
            let filter = format!("(objectClass={})", ldap_escape(class.trim()));
            source.read(
                &Search { base: &settings.base_dn, base_label: "Base DN", base_only: false, filter, ..itself },
                &mut add,
            )?;
        }
        let mut members = Self::closure(top, &groups, nested);
        members.absent.retain(|name| !names.contains(name));
        members.all = groups.into_iter().map(|group| group.name).collect();
        if live && !members.found {
            return Err(Error::unusable(format!(
                "{label}: `{}` is not in the directory, or the account that asks may not see it",
                excerpt(group)
            )));
        }
        Ok(Some(members))
    }

    /// The group and, with a nested search, all groups below it; a circle of groups ends where it began.
    fn closure(top: String, groups: &[Group], nested: bool) -> Self {
        let mut members = Self { found: groups.iter().any(|g| g.name == top), ..Self::default() };
        let mut open = vec![top];
        while let Some(name) = open.pop() {
            if !members.groups.insert(name.clone()) {
                continue;
            }
            let mut itself = groups.iter().filter(|g| g.name == name).peekable();
            members.spelled.extend(itself.peek().map(|g| g.spelled.clone()));
            for group in itself {
                members.here.insert(name.clone());
                members.absent.extend(group.below.iter().cloned());
                members.listed.extend(group.listed.iter().cloned());
            }
            if nested {
                open.extend(
                    groups
                        .iter()
                        .filter(|g| g.member_of.contains(&name) || members.listed.contains(&g.name))
                        .map(|g| g.name.clone())
                        .filter(|g| !members.groups.contains(g)),
                );
            }
        }
        members
    }

    /// Whether the entry belongs to the group.
    pub(super) fn has(&self, entry: &Entry, settings: &SourceSettings) -> bool {
        let listed = entry.name().is_some_and(|name| self.listed.contains(&name.key()))
            || guid::guid(entry, settings).is_some_and(|guid| self.listed.contains(&guid.to_lowercase()));
        let says = || keys(entry, member_of_attribute(&settings.group_membership_detection));
        listed || says().iter().any(|group| self.groups.contains(group))
    }
}

pub(super) fn member_of_attribute(detection: &GroupMembership) -> Option<&str> {
    detection.member_of_group_attribute_name.as_deref().filter(|a| !a.trim().is_empty())
}

pub(super) fn member_attribute(detection: &GroupMembership) -> Option<&str> {
    detection.group_member_attribute_name.as_deref().filter(|a| !a.trim().is_empty())
}

/// The values of an attribute in comparable form: names as names, everything else without letter case.
pub(super) fn keys(entry: &Entry, attribute: Option<&str>) -> Vec<String> {
    let Some(attribute) = attribute else { return Vec::new() };
    entry.values(attribute).iter().filter_map(|value| value.text().map(key)).collect()
}

pub(super) fn key(text: &str) -> String {
    Dn::parse(text).map_or_else(|| text.trim().to_lowercase(), |dn| dn.key())
}

/// The values of an attribute that are names below the base, in comparable form.
fn names_below(entry: &Entry, attribute: Option<&str>, base: &Dn) -> Vec<String> {
    let Some(attribute) = attribute else { return Vec::new() };
    let names = entry.values(attribute).iter().filter_map(|value| value.text().and_then(Dn::parse));
    names.filter(|name| name.is_within(base)).map(|name| name.key()).collect()
}

pub(super) fn distinct<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut kept: Vec<&str> = Vec::new();
    for name in names.map(str::trim).filter(|n| !n.is_empty()) {
        if !kept.iter().any(|k| k.eq_ignore_ascii_case(name)) {
            kept.push(name);
        }
    }
    kept
}
