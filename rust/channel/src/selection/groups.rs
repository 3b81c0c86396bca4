//! Reads the groups of a channel and their members.
//! Does not know: what the target has.
//!
//! A group lists members (*Group Member Attribute*), and an entry lists its groups (*Member of Group Attribute*).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ldap3::ldap_escape;
use pfscim_core::settings::GroupNameSource;
use pfscim_core::text::excerpt;
use pfscim_core::{Failure, Message};

use super::guid::{duplicate_guid, guid, guid_text, missing_guid};
use super::members::{
    Membership, base_dn, comparable, comparable_values, distinct, member_attribute, member_of_attribute,
    require_membership_attribute,
};
use crate::Error;
use crate::connection::{Location, SourceSettings};
use crate::directory::{Entry, Filter, Search, Value};
use crate::source::Source;

/// A user of the channel, as a member of groups.
#[derive(Debug, PartialEq, Eq)]
pub struct MemberUser {
    /// The entry GUID.
    pub source_id: String,
    /// The identifier, or the DN if the user has no identifier; for messages.
    pub name: String,
}

/// A group of the channel.
#[derive(Debug)]
pub struct SourceGroup {
    /// The entry GUID.
    pub source_id: String,
    /// The name of the entry in messages.
    pub label: String,
    /// The name at the target; a failure if the entry cannot be sent.
    pub name: Result<String, Failure>,
    /// The members that are users of the channel.
    pub users: Vec<Arc<MemberUser>>,
    /// The members that are groups of the channel: their positions in the list of groups.
    pub nested: Vec<usize>,
}

/// The groups of a channel. Members outside the channel are left out.
#[derive(Debug, Default)]
pub struct SourceGroups<'a> {
    groups: Vec<SourceGroup>,
    /// *Member of Group Attribute*: the attribute of a user that lists the groups of the user.
    member_of: Option<&'a str>,
    /// The DN of a group in comparable form, to its position.
    positions: HashMap<String, usize>,
    /// A listed member (DN or GUID, in comparable form), to the positions of the groups that list it.
    listing: HashMap<String, Vec<usize>>,
}

/// What identifies a group as a member of other groups.
struct GroupIdentity {
    key: Option<String>,
    guid: String,
    /// The groups that it is in by its own attribute, in comparable form.
    member_of: Vec<String>,
}

impl<'a> SourceGroups<'a> {
    /// Reads the groups of a location, with the groups in them but without users.
    ///
    /// With a filter these are the groups that it matches, with a group DN the groups that are members of that group.
    ///
    /// # Errors
    /// The settings cannot be used, the source cannot be read, or a group has no unique GUID.
    pub fn read(
        location: &Location,
        settings: &'a SourceSettings,
        name_source: GroupNameSource,
        source: &dyn Source,
    ) -> Result<Self, Error> {
        let detection = &settings.group_membership_detection;
        let mut source_groups = Self { member_of: member_of_attribute(detection), ..Self::default() };
        let mut identities = Vec::new();
        entries(location, settings, source, &mut |entry| {
            let guid =
                guid(&entry, settings).ok_or_else(|| missing_guid(&entry, &settings.guid_attribute_name, "group"))?;
            let position = source_groups.groups.len();
            let key = entry.name().map(|name| name.key());
            source_groups.positions.extend(key.iter().map(|key| (key.clone(), position)));
            let values = member_attribute(detection).map_or(&[][..], |attribute| entry.values(attribute));
            let listed: Vec<_> = values.iter().filter_map(|value| comparable_member(value, settings)).collect();
            let is_readable = listed.len() == values.len();
            for member in listed {
                source_groups.listing.entry(member).or_default().push(position);
            }
            source_groups.groups.push(SourceGroup {
                source_id: guid.clone(),
                label: entry.label().to_owned(),
                name: if is_readable { target_name(&entry, name_source) } else { Err(unreadable_member()) },
                users: Vec::new(),
                nested: Vec::new(),
            });
            let member_of = comparable_values(&entry, source_groups.member_of);
            identities.push(GroupIdentity { key, guid, member_of });
            Ok(())
        })?;
        for (position, group) in identities.iter().enumerate() {
            for parent in source_groups.parents(group.key.as_deref(), &group.guid, &group.member_of) {
                // A directory may list a group as a member of itself, but a target cannot.
                if parent != position {
                    source_groups.groups[parent].nested.push(position);
                }
            }
        }
        Ok(source_groups)
    }

    /// Adds a user of the channel to the groups that the user is in.
    pub fn add(&mut self, entry: &Entry, user: MemberUser) {
        if self.groups.is_empty() {
            return;
        }
        let key = entry.name().map(|name| name.key());
        let member_of = comparable_values(entry, self.member_of);
        let parents = self.parents(key.as_deref(), &user.source_id, &member_of);
        let user = Arc::new(user);
        for parent in parents {
            self.groups[parent].users.push(Arc::clone(&user));
        }
    }

    /// Returns the groups with all their members.
    pub fn into_groups(self) -> Vec<SourceGroup> {
        self.groups
    }

    /// Returns the positions of the groups that have this member, each once.
    fn parents(&self, key: Option<&str>, guid: &str, member_of: &[String]) -> Vec<usize> {
        let guid = guid.to_lowercase();
        let listed = [key, Some(&guid)].into_iter().flatten().filter_map(|member| self.listing.get(member));
        let mut parents: Vec<_> = listed.flatten().copied().collect();
        parents.extend(member_of.iter().filter_map(|group| self.positions.get(group)));
        parents.sort_unstable();
        parents.dedup();
        parents
    }
}

/// Passes every group of the location to `each`.
fn entries(
    location: &Location,
    settings: &SourceSettings,
    source: &dyn Source,
    each: &mut dyn FnMut(Entry) -> Result<(), Error>,
) -> Result<(), Error> {
    const GROUP_DN_LABEL: &str = "Groups Group DN";
    let live = source.server()?.is_some();
    let base = base_dn(settings)?;
    let filter_error = |message: Message| Error::unusable(message.at("Groups Filter"));
    let filter_text = location.filter().map(Filter::validated_text).transpose().map_err(filter_error)?;
    // A server has already evaluated the filter of the search.
    let filter = if live { None } else { location.condition().map_err(filter_error)? };
    require_membership_attribute("Groups", settings)?;
    let membership = Membership::read(location, GROUP_DN_LABEL, &base, settings, source, live)?;
    let class = settings.change_detection_settings.group_object_class.trim();
    let detection = &settings.group_membership_detection;
    let attributes =
        [Some(settings.guid_attribute_name.as_str()), member_of_attribute(detection), member_attribute(detection)];
    let search = Search {
        base: &settings.base_dn,
        base_label: "Base DN",
        base_only: false,
        filter: format!("(&(objectClass={}){})", ldap_escape(class), filter_text.unwrap_or_default()),
        attributes: distinct(attributes.into_iter().flatten().chain(["cn"])),
    };
    let (mut seen, mut is_empty) = (HashSet::new(), true);
    source.read(&search, &mut |entry| {
        // A row of a table without object class is a user.
        let is_group = || entry.has_object_class(class) && !entry.values("objectClass").is_empty();
        let is_candidate =
            live || is_group() && entry.is_within(&base) && filter.as_ref().is_none_or(|f| f.matches(&entry));
        if !is_candidate || membership.as_ref().is_some_and(|m| !m.includes(&entry, settings)) {
            return Ok(());
        }
        is_empty = false;
        if guid(&entry, settings).is_some_and(|guid| !seen.insert(guid)) {
            return Err(duplicate_guid(&entry, &settings.guid_attribute_name, "group"));
        }
        each(entry)
    })?;
    match (&membership, location.group_dn()) {
        (Some(membership), Some(group)) if is_empty && !membership.is_in_source => {
            let text = format!("`{}` is not in the source and no group lists it as a group", excerpt(group));
            Err(Error::unusable(Message::new(text).with_hint("check the DN").at(GROUP_DN_LABEL)))
        }
        _ => Ok(()),
    }
}

/// Returns the name of the group at the target (*Group Name Source*).
fn target_name(entry: &Entry, name_source: GroupNameSource) -> Result<String, Failure> {
    let rdn = || entry.name().and_then(|name| name.common_name().map(str::to_owned));
    let attribute = || entry.values("cn").iter().find_map(Value::text).map(str::to_owned);
    let (name, what) = match name_source {
        GroupNameSource::DistinguishedName => (Some(entry.dn.clone()), "DN"),
        GroupNameSource::CommonName => (rdn().or_else(attribute), "CN"),
    };
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.ok_or_else(|| {
        let message = Message::new(format!("the group has no {what} in the source"));
        Failure::Rejected(message.with_hint(format!("add a {what} or change Group Name Source")))
    })
}

fn unreadable_member() -> Failure {
    let text = "the group is not changed, because a value of Group Member Attribute is neither a distinguished name \
                nor a GUID";
    Failure::Rejected(Message::new(text).with_hint("check Group Member Attribute and GUID Type"))
}

/// Returns one member of a group in comparable form: a DN, or the GUID of an entry, which may be bytes.
fn comparable_member(value: &Value, settings: &SourceSettings) -> Option<String> {
    let binary_guid = || settings.guid_binary.then(|| guid_text(value, settings).to_lowercase());
    value.text().map(comparable).or_else(binary_guid)
}
