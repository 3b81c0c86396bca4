//! The groups of a channel and who is in them, put together from what groups list and what users and groups say of
//! themselves. May not know what the target has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ldap3::ldap_escape;
use pfscim_core::Failure;
use pfscim_core::settings::GroupNameSource;
use pfscim_core::text::excerpt;

use super::guid;
use super::members::{Members, base, distinct, key, keys, member_attribute, member_of_attribute, says_who_is_in};
use crate::Error;
use crate::connection::{Location, SourceSettings};
use crate::directory::{Entry, Filter, Search, Value};
use crate::source::Source;

/// A user of the channel, as a member.
#[derive(Debug, PartialEq, Eq)]
pub struct MemberUser {
    /// The entry GUID.
    pub source_id: String,
    /// For people who read: the identifier, or the DN where there is none.
    pub name: String,
}

/// A group of the channel.
#[derive(Debug)]
pub struct SourceGroup {
    /// The entry GUID.
    pub source_id: String,
    /// What to call the entry in messages.
    pub label: String,
    /// What it is called at the target; a failure where the entry cannot be provisioned as it is.
    pub name: Result<String, Failure>,
    /// Its members among the users of the channel.
    pub people: Vec<Arc<MemberUser>>,
    /// The groups of the channel that are its members: their places in the roster.
    pub nested: Vec<usize>,
}

/// The groups of a channel. Members outside the channel are left out.
#[derive(Debug, Default)]
pub struct SourceGroups<'a> {
    groups: Vec<SourceGroup>,
    /// Where users say which groups they are in.
    member_of: Option<&'a str>,
    /// A group's name in comparable form to its place.
    places: HashMap<String, usize>,
    /// Who is listed, a name or GUID in comparable form, to the places of the groups that do.
    listing: HashMap<String, Vec<usize>>,
}

/// One group entry, as far as membership goes.
struct Member {
    key: Option<String>,
    guid: String,
    /// The groups that it says to be in.
    says: Vec<String>,
}

impl<'a> SourceGroups<'a> {
    /// The groups of a location, with the groups in them but without users. With a filter those that it finds, with a
    /// group DN the groups that are members of that group.
    ///
    /// # Errors
    /// Settings that cannot be used, groups that cannot be told apart, and those of the source.
    pub fn read(
        location: &Location,
        settings: &'a SourceSettings,
        naming: GroupNameSource,
        source: &dyn Source,
    ) -> Result<Self, Error> {
        let detection = &settings.group_membership_detection;
        let mut roster = Self { member_of: member_of_attribute(detection), ..Self::default() };
        let mut members = Vec::new();
        entries(location, settings, source, &mut |entry| {
            let guid = guid::guid(&entry, settings).ok_or_else(|| {
                Error::unusable(format!(
                    "{}: {} has no {}; groups are told apart by it, so the source has to give it for all (operational attributes are exported on request only)",
                    entry.place,
                    excerpt(entry.label()),
                    settings.guid_attribute_name
                ))
            })?;
            let at = roster.groups.len();
            let key = entry.name().map(|name| name.key());
            roster.places.extend(key.iter().map(|key| (key.clone(), at)));
            let values = member_attribute(detection).map_or(&[][..], |attribute| entry.values(attribute));
            let listed: Vec<_> = values.iter().filter_map(|value| member(value, settings)).collect();
            let readable = listed.len() == values.len();
            for member in listed {
                roster.listing.entry(member).or_default().push(at);
            }
            roster.groups.push(SourceGroup {
                source_id: guid.clone(),
                label: entry.label().to_owned(),
                name: if readable { name(&entry, naming) } else { Err(unreadable()) },
                people: Vec::new(),
                nested: Vec::new(),
            });
            members.push(Member { key, guid, says: keys(&entry, roster.member_of) });
            Ok(())
        })?;
        for (at, group) in members.iter().enumerate() {
            for holder in roster.holders(group.key.as_deref(), &group.guid, &group.says) {
                // A group cannot be in itself, whatever the directory lets it say.
                if holder != at {
                    roster.groups[holder].nested.push(at);
                }
            }
        }
        Ok(roster)
    }

    /// Puts a user of the channel into the groups that have it.
    pub fn add(&mut self, entry: &Entry, person: MemberUser) {
        if self.groups.is_empty() {
            return;
        }
        let name = entry.name().map(|name| name.key());
        let holders = self.holders(name.as_deref(), &person.source_id, &keys(entry, self.member_of));
        let person = Arc::new(person);
        for holder in holders {
            self.groups[holder].people.push(Arc::clone(&person));
        }
    }

    /// The groups with all their members.
    pub fn into_groups(self) -> Vec<SourceGroup> {
        self.groups
    }

    /// The places of the groups that have this member, each once.
    fn holders(&self, key: Option<&str>, guid: &str, says: &[String]) -> Vec<usize> {
        let guid = guid.to_lowercase();
        let listed = [key, Some(&guid)].into_iter().flatten().filter_map(|member| self.listing.get(member));
        let mut holders: Vec<_> = listed.flatten().copied().collect();
        holders.extend(says.iter().filter_map(|group| self.places.get(group)));
        holders.sort_unstable();
        holders.dedup();
        holders
    }
}

/// Gives every group of the location.
fn entries(
    location: &Location,
    settings: &SourceSettings,
    source: &dyn Source,
    each: &mut dyn FnMut(Entry) -> Result<(), Error>,
) -> Result<(), Error> {
    const LABEL: &str = "Groups Group DN";
    let live = source.server()?.is_some();
    let base = base(settings)?;
    let told = |e: String| Error::unusable(format!("Groups Filter: {e}"));
    let text = location.filter().map(Filter::checked).transpose().map_err(told)?;
    // A server has looked at what it was asked for.
    let filter = if live { None } else { location.condition().map_err(told)? };
    says_who_is_in("A location for groups", settings)?;
    let members = Members::read(location, LABEL, &base, settings, source, live)?;
    let class = settings.change_detection_settings.group_object_class.trim();
    let detection = &settings.group_membership_detection;
    let names =
        [Some(settings.guid_attribute_name.as_str()), member_of_attribute(detection), member_attribute(detection)];
    let search = Search {
        base: &settings.base_dn,
        base_label: "Base DN",
        base_only: false,
        filter: format!("(&(objectClass={}){})", ldap_escape(class), text.unwrap_or_default()),
        attributes: distinct(names.into_iter().flatten().chain(["cn"])),
    };
    let (mut seen, mut some) = (HashSet::new(), false);
    source.read(&search, &mut |entry| {
        // A row of a table that does not say what it is, is a user.
        let is_group = || entry.is_a(class) && !entry.values("objectClass").is_empty();
        let candidate =
            live || is_group() && entry.is_within(&base) && filter.as_ref().is_none_or(|f| f.matches(&entry));
        if !candidate || members.as_ref().is_some_and(|m| !m.has(&entry, settings)) {
            return Ok(());
        }
        some = true;
        if guid::guid(&entry, settings).is_some_and(|guid| !seen.insert(guid)) {
            let text = format!("{}: {} has a GUID that another group has too", entry.place, excerpt(entry.label()));
            return Err(Error::unusable(text));
        }
        each(entry)
    })?;
    match (&members, location.group_dn()) {
        (Some(members), Some(top)) if !some && !members.found => Err(Error::unusable(format!(
            "{LABEL}: `{}` is not in the source and no group says to be a member of it",
            excerpt(top)
        ))),
        _ => Ok(()),
    }
}

/// What the group is called at the target (*Group Name Source*).
fn name(entry: &Entry, naming: GroupNameSource) -> Result<String, Failure> {
    let own = || entry.name().and_then(|name| name.common_name().map(str::to_owned));
    let attribute = || entry.values("cn").iter().find_map(Value::text).map(str::to_owned);
    let (name, what) = match naming {
        GroupNameSource::DistinguishedName => (Some(entry.dn.clone()), "DN"),
        GroupNameSource::CommonName => (own().or_else(attribute), "CN"),
    };
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    name.ok_or_else(|| {
        Failure::Rejected(format!("the group has no {what} in the source, which Group Name Source asks for").into())
    })
}

fn unreadable() -> Failure {
    Failure::Rejected(
        "a value of the Group Member Attribute is neither a name nor a GUID; the group is left as it is".into(),
    )
}

/// One member of a group in comparable form: a name, or the GUID of an entry, which may be bytes.
fn member(value: &Value, settings: &SourceSettings) -> Option<String> {
    let bytes = || settings.guid_binary.then(|| guid::guid_text(value, settings).to_lowercase());
    value.text().map(key).or_else(bytes)
}
