//! *Source Location*: which entries of a source are users of the channel. May not know what is mapped from them.

use std::collections::HashSet;

use pfscim_core::text::excerpt;

use crate::Error;
use crate::account;
use crate::connection::{GroupMembership, SourceSettings};
use crate::dn::Dn;
use crate::filter::Filter;
use crate::source::{Entry, Source, Value};

/// The users of a channel, decided entry by entry.
#[derive(Debug)]
pub struct Selection<'a> {
    settings: &'a SourceSettings,
    base: Dn,
    filter: Option<Filter>,
    members: Option<Members>,
}

/// Who belongs to the group, seen from both sides.
#[derive(Debug, Default)]
struct Members {
    /// The names of the group and, with a nested search, of the groups in it.
    groups: HashSet<String>,
    /// What these groups list: names in their comparable form, and whatever else stands there (GUIDs).
    listed: HashSet<String>,
    /// Whether the group itself is an entry of the source.
    found: bool,
}

impl<'a> Selection<'a> {
    /// Reads the settings; with a group DN also the groups of the source.
    ///
    /// # Errors
    /// A base DN, group DN or filter that cannot be used, and those of the source.
    pub fn new(settings: &'a SourceSettings, source: &dyn Source) -> Result<Self, Error> {
        let location = &settings.user_source_location;
        let base = Dn::parse(&settings.base_dn).ok_or_else(|| {
            Error::unusable(format!("Base DN: `{}` is not a distinguished name", excerpt(&settings.base_dn)))
        })?;
        let filter = location
            .filter()
            .map(Filter::parse)
            .transpose()
            .map_err(|e| Error::unusable(format!("Users Filter: {e}")))?;
        let members = location.group_dn().map(|group| Members::read(group, settings, source)).transpose()?;
        Ok(Self { settings, base, filter, members })
    }

    /// Whether the entry is a user of the channel.
    pub fn has(&self, entry: &Entry) -> bool {
        if !entry.is_a(&self.settings.change_detection_settings.user_object_class) {
            return false;
        }
        let Some(name) = entry.name() else { return false };
        name.is_within(&self.base)
            && self.filter.as_ref().is_none_or(|f| f.matches(entry))
            && self.members.as_ref().is_none_or(|m| m.has(entry, &name, self.settings))
    }

    /// Told how many users there are: a group that neither the source nor any user knows is a wrong name, not an
    /// empty group.
    ///
    /// # Errors
    /// The group is not there.
    pub fn finish(&self, users: usize) -> Result<(), Error> {
        match (&self.members, self.settings.user_source_location.group_dn()) {
            (Some(members), Some(group)) if users == 0 && !members.found => Err(Error::unusable(format!(
                "Users Group DN: `{}` is not in the source and no user says to be a member of it",
                excerpt(group)
            ))),
            _ => Ok(()),
        }
    }
}

/// One group entry, as far as membership goes.
struct Group {
    name: String,
    member_of: Vec<String>,
    listed: Vec<String>,
}

impl Members {
    fn read(group: &str, settings: &SourceSettings, source: &dyn Source) -> Result<Self, Error> {
        let top = Dn::parse(group)
            .ok_or_else(|| {
                Error::unusable(format!("Users Group DN: `{}` is not a distinguished name", excerpt(group)))
            })?
            .key();
        let class = &settings.change_detection_settings.group_object_class;
        let detection = &settings.group_membership_detection;
        if member_of_attribute(detection).is_none() && member_attribute(detection).is_none() {
            return Err(Error::unusable(
                "Users Group DN needs the Member of Group Attribute or the Group Member Attribute of the source settings",
            ));
        }
        let mut groups = Vec::new();
        source.read(&mut |entry| {
            if let Some(name) = entry.name() {
                let name = name.key();
                if name == top || entry.is_a(class) {
                    groups.push(Group {
                        name,
                        member_of: keys(&entry, member_of_attribute(detection)),
                        listed: keys(&entry, member_attribute(detection)),
                    });
                }
            }
            Ok(())
        })?;
        Ok(Self::closure(top, &groups, settings.user_source_location.nested()))
    }

    /// The group and, with a nested search, all groups below it; a circle of groups ends where it began.
    fn closure(top: String, groups: &[Group], nested: bool) -> Self {
        let mut members = Self { found: groups.iter().any(|g| g.name == top), ..Self::default() };
        let mut open = vec![top];
        while let Some(name) = open.pop() {
            if !members.groups.insert(name.clone()) {
                continue;
            }
            for group in groups {
                if group.name == name {
                    members.listed.extend(group.listed.iter().cloned());
                }
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

    fn has(&self, entry: &Entry, name: &Dn, settings: &SourceSettings) -> bool {
        let listed = self.listed.contains(&name.key())
            || account::guid(entry, settings).is_some_and(|guid| self.listed.contains(&guid.to_lowercase()));
        let says = || keys(entry, member_of_attribute(&settings.group_membership_detection));
        listed || says().iter().any(|group| self.groups.contains(group))
    }
}

fn member_of_attribute(detection: &GroupMembership) -> Option<&str> {
    detection.member_of_group_attribute_name.as_deref().filter(|a| !a.trim().is_empty())
}

fn member_attribute(detection: &GroupMembership) -> Option<&str> {
    detection.group_member_attribute_name.as_deref().filter(|a| !a.trim().is_empty())
}

/// The values of an attribute in comparable form: names as names, everything else without letter case.
fn keys(entry: &Entry, attribute: Option<&str>) -> Vec<String> {
    let Some(attribute) = attribute else { return Vec::new() };
    let text =
        |value: &Value| value.text().map(|t| Dn::parse(t).map_or_else(|| t.trim().to_lowercase(), |dn| dn.key()));
    entry.values(attribute).iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    struct Memory(Vec<Entry>);

    impl Source for Memory {
        fn read(&self, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
            self.0.iter().cloned().try_for_each(each)
        }
    }

    fn entry(dn: &str, class: &str, more: &[(&str, &str)]) -> Entry {
        let mut entry = Entry::new(dn);
        entry.push("objectClass", Value::from(class));
        for (name, value) in more {
            entry.push(name, Value::from(*value));
        }
        entry
    }

    fn settings(location: Json) -> SourceSettings {
        serde_json::from_value(json!({
            "guidAttributeName": "entryUUID",
            "changeDetectionSettings": {"userObjectClass": "person", "groupObjectClass": "groupOfNames"},
            "groupMembershipDetection": {"memberOfGroupAttributeName": "memberOf", "groupMemberAttributeName": "member"},
            "accountManagementSettings": {
                "accountStatusAttributeName": "x", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_AD"
            },
            "baseDn": "ou=people,dc=x",
            "userSourceLocation": location
        }))
        .unwrap()
    }

    fn directory() -> Memory {
        Memory(vec![
            entry("cn=Staff,dc=x", "groupOfNames", &[("member", "UID=a, OU=people,DC=x"), ("member", "cn=inner,dc=x")]),
            entry("cn=inner,dc=x", "groupOfNames", &[("member", "cn=staff,dc=x"), ("member", "0-0-B")]),
            entry("cn=outer,dc=x", "groupOfNames", &[("memberOf", "cn=inner,dc=x")]),
            entry("uid=a,ou=people,dc=x", "person", &[]),
            entry("uid=b,ou=people,dc=x", "person", &[("entryUUID", "0-0-b")]),
            entry("uid=c,ou=people,dc=x", "person", &[("memberOf", "CN=outer,DC=x")]),
            entry("uid=d,ou=people,dc=x", "person", &[("mail", "d@x")]),
            entry("uid=e,ou=robots,dc=x", "person", &[("memberOf", "cn=staff,dc=x")]),
            entry("cn=printer,ou=people,dc=x", "device", &[("memberOf", "cn=staff,dc=x")]),
        ])
    }

    fn selected(location: Json) -> Vec<String> {
        let settings = settings(location);
        let source = directory();
        let selection = Selection::new(&settings, &source).unwrap();
        source.0.iter().filter(|e| selection.has(e)).map(|e| e.dn[4..5].to_owned()).collect()
    }

    #[test]
    fn users_are_of_the_class_and_below_the_base() {
        assert_eq!(selected(json!({})), ["a", "b", "c", "d"]);
        assert_eq!(selected(json!({"filter": "(mail=*)"})), ["d"]);
    }

    #[test]
    fn members_are_found_from_either_side() {
        assert_eq!(selected(json!({"groupDN": "cn=staff,dc=x"})), ["a"]);
        assert_eq!(selected(json!({"groupDN": "cn=outer,dc=x"})), ["c"]);
        assert_eq!(selected(json!({"groupDN": "cn=inner,dc=x"})), ["b"]);
    }

    #[test]
    fn a_nested_search_follows_groups_and_ends_in_a_circle() {
        assert_eq!(selected(json!({"groupDN": "cn=staff,dc=x", "nestedSearch": true})), ["a", "b", "c"]);
    }

    #[test]
    fn a_group_that_nobody_knows_is_an_error() {
        let settings = settings(json!({"groupDN": "cn=typo,dc=x"}));
        let selection = Selection::new(&settings, &directory()).unwrap();
        assert!(selection.finish(0).unwrap_err().to_string().contains("cn=typo,dc=x"));
    }

    #[test]
    fn wrong_settings_are_named() {
        for (location, words) in
            [(json!({"filter": "(x"}), "Users Filter"), (json!({"groupDN": "staff"}), "Users Group DN")]
        {
            let settings = settings(location);
            assert!(Selection::new(&settings, &directory()).unwrap_err().to_string().contains(words));
        }
    }
}
