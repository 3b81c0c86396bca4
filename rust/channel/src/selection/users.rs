//! Selects the entries of a source that are users of the channel (*Source Location*).
//! Does not know: what is mapped from the entries.
//!
//! A file is read completely, and its users are selected here. A directory selects the users itself. An entry of a
//! directory is read only if its *USN Attribute*, its *Timestamp Attribute* or a watched attribute changed.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ldap3::ldap_escape;
use pfscim_core::Message;
use pfscim_core::environment::Clock;
use pfscim_core::text::excerpt;

use super::guid;
use super::members::{Membership, base_dn, distinct, group_key, member_of_attribute};
use crate::Error;
use crate::connection::{ChangeAlgorithm, SourceSettings};
use crate::directory::{Dn, Entry, Filter, Search, Value, display_dn};
use crate::source::Source;

/// Up to this many changed entries are read one by one. If more changed, one search reads all users.
const SINGLE_READS_MAX: usize = 200;
/// A search filter contains this many groups at most.
const FILTER_GROUPS_MAX: usize = 50;
/// A timestamp is reliable only after this time, because an entry may change again within the same second, and the
/// clocks of directory servers differ.
const TIMESTAMP_SETTLE: Duration = Duration::from_secs(120);

/// Selects the users of a channel, entry by entry.
pub struct Selection<'a> {
    settings: &'a SourceSettings,
    /// Tells how old a timestamp is.
    clock: &'a dyn Clock,
    /// The source is a server, which evaluates the search itself.
    live: bool,
    base: Dn,
    filter: Option<Filter>,
    membership: Option<Membership>,
}

/// A user of the channel.
#[derive(Debug)]
pub enum SelectedUser {
    /// The entry, with its version if the directory has a reliable one.
    Entry(Entry, Option<Vec<u8>>),
    /// The source id of a user whose entry is unchanged. If groups are provisioned, with the attributes of the entry
    /// that its groups are found by.
    Unchanged(String, Option<Entry>),
}

/// Returns whether the state contains this version for this source id.
pub type VersionLookup<'k> = &'k dyn Fn(&str, &[u8]) -> bool;

impl<'a> Selection<'a> {
    /// Checks the settings and, with a group DN, reads the groups of the source.
    ///
    /// # Errors
    /// Base DN, group DN or filter cannot be used, or the source cannot be read.
    pub fn new(settings: &'a SourceSettings, source: &dyn Source, clock: &'a dyn Clock) -> Result<Self, Error> {
        let location = &settings.user_source_location;
        let live = source.server()?.is_some();
        let base = base_dn(settings)?;
        let filter = match location.filter() {
            Some(text) if live => Filter::validated_text(text).map(|_| None),
            _ => location.condition(),
        }
        .map_err(|message| Error::unusable(message.at("Users Filter")))?;
        let membership = Membership::read(location, "Users Group DN", &base, settings, source, live)?;
        Ok(Self { settings, clock, live, base, filter, membership })
    }

    /// Passes every user of the channel to `each`. A user whose present version is `known` is not read.
    ///
    /// `mapped` are the attributes that records are made of.
    ///
    /// # Errors
    /// The source cannot be read, or `each` returned an error.
    pub fn users(
        &self,
        source: &dyn Source,
        mapped: &[&str],
        known: Option<VersionLookup<'_>>,
        each: &mut dyn FnMut(SelectedUser) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let known = known.filter(|_| self.live);
        if let Some(users) = known.map(|known| self.changed_users(source, mapped, known)).transpose()?.flatten() {
            return users.into_iter().try_for_each(each);
        }
        self.read(source, &self.needed_attributes(mapped), &mut |entry| {
            let version = self.version(&entry, mapped);
            each(SelectedUser::Entry(entry, version))
        })
    }

    /// Checks the group after all users were read. `users_found` is their number.
    ///
    /// # Errors
    /// The group is not in the source and no user lists it: its DN is wrong, because an empty group would be an entry.
    pub fn check_group(&self, users_found: usize) -> Result<(), Error> {
        match (&self.membership, self.settings.user_source_location.group_dn()) {
            (Some(membership), Some(group)) if users_found == 0 && !membership.is_in_source => {
                let text = format!("`{}` is not in the source and no user lists it as a group", excerpt(group));
                Err(Error::unusable(Message::new(text).with_hint("check the DN").at("Users Group DN")))
            }
            _ => Ok(()),
        }
    }

    /// Returns the groups of the source location that are entries of the source, in comparable form.
    pub fn found_groups(&self) -> BTreeSet<String> {
        self.membership.as_ref().map(|m| m.found_groups.clone()).unwrap_or_default()
    }

    /// Returns why a file may be incomplete, or `None`. `before` are its groups in the last cycle.
    ///
    /// A group is missing, or a member that its group still lists. A file that was cut off between two lines shows no
    /// other sign.
    pub fn incomplete_reason(&self, before: &BTreeSet<String>) -> Option<String> {
        let membership = self.membership.as_ref().filter(|_| !self.live)?;
        if let Some(group) = before.iter().find(|group| !membership.all_groups.contains(*group)) {
            return Some(format!("it no longer contains the group `{}`", excerpt(&display_dn(group))));
        }
        let first = membership.absent.first()?;
        let count = membership.absent.len();
        Some(format!(
            "the group lists {count} members that the source does not contain, such as `{}`",
            excerpt(&display_dn(first))
        ))
    }

    /// Lists all users, and reads the entries whose version is not known.
    ///
    /// Returns `None` if all users must be read, because too many entries changed or a changed entry disappeared.
    fn changed_users(
        &self,
        source: &dyn Source,
        mapped: &[&str],
        known: VersionLookup<'_>,
    ) -> Result<Option<Vec<SelectedUser>>, Error> {
        let (mut users, mut changed_dns) = (Vec::new(), Vec::new());
        self.read(source, &self.watched_attributes(mapped), &mut |entry| {
            let version = self.version(&entry, mapped);
            match (guid::guid(&entry, self.settings), version) {
                (Some(guid), Some(version)) if known(&guid, &version) => {
                    users.push(SelectedUser::Unchanged(guid, self.settings.group_location().map(|_| entry)));
                }
                _ => changed_dns.push(entry.dn),
            }
            Ok(())
        })?;
        if changed_dns.len() > SINGLE_READS_MAX {
            return Ok(None);
        }
        for dn in &changed_dns {
            let users_before = users.len();
            let search = Search { base: dn, base_only: true, ..self.search(&self.needed_attributes(mapped), false) };
            source.read(&search, &mut |entry| {
                if self.includes(&entry) {
                    let version = self.version(&entry, mapped);
                    users.push(SelectedUser::Entry(entry, version));
                }
                Ok(())
            })?;
            if users.len() == users_before {
                return Ok(None);
            }
        }
        Ok(Some(users))
    }

    /// Reads the entries of all users.
    ///
    /// The first search finds members by *Member of Group Attribute*. If it does not find every listed member, a second
    /// search reads all users.
    fn read(
        &self,
        source: &dyn Source,
        attributes: &[&str],
        each: &mut dyn FnMut(Entry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let by_membership = self.membership_filter().is_some();
        let mut seen = HashSet::new();
        source.read(&self.search(attributes, true), &mut |entry| {
            if !self.includes(&entry) {
                return Ok(());
            }
            if by_membership {
                seen.extend(entry.name().map(|name| name.key()));
                seen.extend(guid::guid(&entry, self.settings).map(|guid| guid.to_lowercase()));
            }
            each(entry)
        })?;
        let is_complete = self
            .membership
            .as_ref()
            .is_none_or(|m| m.listed.iter().all(|l| seen.contains(l) || m.group_keys.contains(l)));
        if !by_membership || is_complete {
            return Ok(());
        }
        source.read(&self.search(attributes, false), &mut |entry| {
            let is_new = entry.name().is_some_and(|name| !seen.contains(&name.key()));
            if is_new && self.includes(&entry) { each(entry) } else { Ok(()) }
        })
    }

    fn search<'s>(&'s self, attributes: &[&'s str], by_membership: bool) -> Search<'s> {
        let class = ldap_escape(self.settings.change_detection_settings.user_object_class.trim());
        // `new` has already checked the filter.
        let filter = self.settings.user_source_location.filter().and_then(|f| Filter::validated_text(f).ok());
        let membership = if by_membership { self.membership_filter() } else { None };
        Search {
            base: &self.settings.base_dn,
            base_label: "Base DN",
            base_only: false,
            filter: format!("(&(objectClass={class}){}{})", filter.unwrap_or_default(), membership.unwrap_or_default()),
            attributes: attributes.to_vec(),
        }
    }

    /// Returns the part of a filter that finds members by *Member of Group Attribute*.
    ///
    /// `None`: the source is a file, the attribute is not set, or the groups are too many for a filter.
    fn membership_filter(&self) -> Option<String> {
        let membership = self.membership.as_ref().filter(|m| self.live && m.group_dns.len() <= FILTER_GROUPS_MAX)?;
        let attribute = member_of_attribute(&self.settings.group_membership_detection)?;
        let parts = membership.group_dns.iter().map(|group| format!("({attribute}={})", ldap_escape(group.as_str())));
        Some(format!("(|{})", parts.collect::<String>()))
    }

    /// Returns the attributes that identify a user and show a change.
    ///
    /// Account status and memberships are among them, because directories change these without changing the marker.
    fn watched_attributes(&self, mapped: &[&'a str]) -> Vec<&'a str> {
        let settings = self.settings;
        let member_of = member_of_attribute(&settings.group_membership_detection).filter(|m| {
            let uses_groups = self.membership.is_some() || settings.group_location().is_some();
            uses_groups || mapped.iter().any(|a| a.eq_ignore_ascii_case(m))
        });
        let status = settings.account_management_settings.account_status_attribute_name.as_str();
        let names = [Some(settings.guid_attribute_name.as_str()), settings.change_detection_settings.marker()];
        distinct(names.into_iter().flatten().chain(member_of).chain([status]))
    }

    /// Returns all attributes that are needed of a user.
    fn needed_attributes(&self, mapped: &[&'a str]) -> Vec<&'a str> {
        distinct(self.watched_attributes(mapped).into_iter().chain(mapped.iter().copied()))
    }

    /// Returns bytes that differ after each change of the entry, or `None` if the directory has no reliable marker.
    fn version(&self, entry: &Entry, mapped: &[&str]) -> Option<Vec<u8>> {
        let detection = &self.settings.change_detection_settings;
        let [marker] = entry.values(detection.marker()?) else { return None };
        if detection.changed_users_algorithm != Some(ChangeAlgorithm::ActiveDirectoryUsn) {
            let changed = marker.text().and_then(generalized_time)?;
            if self.clock.system_time().duration_since(changed).ok()? < TIMESTAMP_SETTLE {
                return None;
            }
        }
        let mut version = Vec::new();
        let mut add = |bytes: &[u8]| {
            version.extend((bytes.len() as u64).to_be_bytes());
            version.extend(bytes);
        };
        add(entry.dn.as_bytes());
        for attribute in self.watched_attributes(mapped) {
            let values: BTreeSet<_> = entry.values(attribute).iter().map(Value::bytes).collect();
            add(attribute.as_bytes());
            add(&(values.len() as u64).to_be_bytes());
            values.into_iter().for_each(&mut add);
        }
        Some(version)
    }

    /// Returns whether the entry is a user of the channel. A server has already evaluated the search.
    fn includes(&self, entry: &Entry) -> bool {
        let class = &self.settings.change_detection_settings.user_object_class;
        (self.live
            || entry.has_object_class(class)
                && entry.is_within(&self.base)
                && self.filter.as_ref().is_none_or(|f| f.matches(entry)))
            && self.membership.as_ref().is_none_or(|m| m.includes(entry, self.settings))
    }
}

/// Reads a time such as `20240131235959Z` or `20240131235959.0Z` (RFC 4517 section 3.3.13), in UTC only.
fn generalized_time(text: &str) -> Option<SystemTime> {
    let (whole, _) = text.trim().strip_suffix('Z')?.split_at_checked(14)?;
    let part = |range: std::ops::Range<usize>| whole.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    // A year from March to February has its leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let seconds = days.checked_sub(719_468)? * 86_400 + part(8..10)? * 3600 + part(10..12)? * 60 + part(12..14)?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Returns the errors of these settings that do not depend on the source, one line each.
///
/// Only the syntax of a filter is checked, because directories can evaluate more filters than pfscim can.
pub fn setting_errors(settings: &SourceSettings) -> Vec<String> {
    let mut errors: Vec<_> = base_dn(settings).err().map(|e| e.to_string()).into_iter().collect();
    let locations =
        [(Some(&settings.user_source_location), "Users"), (settings.group_location(), "Groups")].into_iter();
    for (location, tab) in locations.filter_map(|(location, tab)| Some((location?, tab))) {
        let filter = location.filter().map(Filter::validated_text).transpose().err();
        errors.extend(filter.map(|e| format!("{tab} Filter: {e}")));
        let label = format!("{tab} Group DN");
        let group = location.group_dn().map(|group| group_key(group, &label, settings)).transpose();
        errors.extend(group.err().map(|e| e.to_string()));
    }
    errors
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use serde_json::{Value as Json, json};

    use super::*;

    /// A clock that always shows this generalized time.
    struct FixedClock(&'static str);

    impl Clock for FixedClock {
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        fn system_time(&self) -> SystemTime {
            generalized_time(self.0).unwrap()
        }

        fn sleep(&self, _: Duration) {}
    }

    const NOW: FixedClock = FixedClock("20260102030405Z");

    struct Memory(Vec<Entry>);

    impl Source for Memory {
        fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
            self.0.iter().cloned().try_for_each(each)
        }
    }

    fn entry(dn: &str, class: &str, attributes: &[(&str, &str)]) -> Entry {
        let mut entry = Entry::new(dn);
        entry.push("objectClass", Value::from(class));
        for (name, value) in attributes {
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
        let selection = Selection::new(&settings, &source, &NOW).unwrap();
        source.0.iter().filter(|e| selection.includes(e)).map(|e| e.dn[4..5].to_owned()).collect()
    }

    #[test]
    fn users_have_the_class_and_are_below_the_base() {
        assert_eq!(selected(json!({})), ["a", "b", "c", "d"]);
        assert_eq!(selected(json!({"filter": "(mail=*)"})), ["d"]);
    }

    #[test]
    fn members_are_found_from_the_group_and_from_the_user() {
        assert_eq!(selected(json!({"groupDN": "cn=staff,dc=x"})), ["a"]);
        assert_eq!(selected(json!({"groupDN": "cn=outer,dc=x"})), ["c"]);
        assert_eq!(selected(json!({"groupDN": "cn=inner,dc=x"})), ["b"]);
    }

    #[test]
    fn a_nested_search_follows_groups_and_ends_in_a_circle() {
        assert_eq!(selected(json!({"groupDN": "cn=staff,dc=x", "nestedSearch": true})), ["a", "b", "c"]);
    }

    #[test]
    fn a_group_that_the_source_does_not_contain_is_an_error() {
        let settings = settings(json!({"groupDN": "cn=typo,dc=x"}));
        let selection = Selection::new(&settings, &directory(), &NOW).unwrap();
        assert!(selection.check_group(0).unwrap_err().to_string().contains("cn=typo,dc=x"));
    }

    #[test]
    fn a_file_without_a_group_or_a_listed_member_may_be_incomplete() {
        let settings = settings(json!({"groupDN": "cn=staff,dc=x", "nestedSearch": true}));
        let whole = directory();
        let selection = Selection::new(&settings, &whole, &NOW).unwrap();
        let before = selection.found_groups();
        assert_eq!(before.len(), 3);
        assert_eq!(selection.incomplete_reason(&before), None);

        let without = |dn: &str| Memory(whole.0.iter().filter(|e| e.dn != dn).cloned().collect());
        let reason = |source: &Memory| Selection::new(&settings, source, &NOW).unwrap().incomplete_reason(&before);
        assert!(reason(&without("cn=outer,dc=x")).unwrap().contains("cn=outer,dc=x"));
        assert!(reason(&without("cn=Staff,dc=x")).unwrap().contains("cn=staff,dc=x"));
        assert!(reason(&without("uid=a,ou=people,dc=x")).unwrap().contains("uid=a,ou=people,dc=x"));
        // A missing user that no group lists by name is an ordinary leaver.
        assert_eq!(reason(&without("uid=c,ou=people,dc=x")), None);
    }

    #[test]
    fn an_error_names_the_wrong_setting() {
        for (location, label) in
            [(json!({"filter": "(x"}), "Users Filter"), (json!({"groupDN": "staff"}), "Users Group DN")]
        {
            let settings = settings(location);
            assert!(Selection::new(&settings, &directory(), &NOW).map(drop).unwrap_err().to_string().contains(label));
        }
    }

    /// A directory server that notes its searches. `disappearing`: the entry that is missing after the first search.
    struct Server {
        entries: Mutex<Vec<Entry>>,
        searches: Mutex<Vec<String>>,
        disappearing: Option<&'static str>,
    }

    impl Server {
        fn new(entries: Vec<Entry>) -> Self {
            Self { entries: Mutex::new(entries), searches: Mutex::default(), disappearing: None }
        }

        fn take_searches(&self) -> Vec<String> {
            std::mem::take(&mut self.searches.lock().unwrap())
        }
    }

    impl Source for Server {
        fn read(&self, search: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
            let kind = if search.attributes.contains(&"title") { "read" } else { "list" };
            self.searches.lock().unwrap().push(format!("{kind} {}", search.base));
            let (base, filter) = (Dn::parse(search.base).unwrap(), Filter::parse(&search.filter).unwrap());
            let found = |e: &&Entry| {
                let name = e.name().unwrap();
                name.is_within(&base) && (!search.base_only || name == base) && filter.matches(e)
            };
            let mut entries = self.entries.lock().unwrap();
            entries.iter().filter(found).cloned().try_for_each(each)?;
            entries.retain(|e| self.disappearing.is_none_or(|dn| !e.dn.starts_with(dn)));
            Ok(())
        }

        fn server(&self) -> Result<Option<String>, Error> {
            Ok(Some("ldap://test".into()))
        }
    }

    const LONG_AGO: &str = "20240102030405Z";

    fn user(uid: &str, changed: &str) -> Entry {
        let attributes = [("entryUUID", uid), ("changed", changed), ("title", "x"), ("x", "512")];
        entry(&format!("uid={uid},ou=people,dc=x"), "person", &attributes)
    }

    fn settings_with(algorithm: &str) -> SourceSettings {
        let mut settings = settings(json!({}));
        settings.change_detection_settings = serde_json::from_value(json!({
            "userObjectClass": "person", "groupObjectClass": "groupOfNames",
            "changedUsersAlgorithm": algorithm, "usnAttributeName": "changed", "timeStampAttributeName": "changed"
        }))
        .unwrap();
        settings
    }

    /// Source ids of the users, unchanged ones in brackets, and the versions that were read. `known`: earlier versions.
    fn found(
        settings: &SourceSettings,
        server: &Server,
        known: Option<&HashMap<String, Vec<u8>>>,
    ) -> (Vec<String>, HashMap<String, Vec<u8>>) {
        found_at(&NOW, settings, server, known)
    }

    fn found_at(
        clock: &dyn Clock,
        settings: &SourceSettings,
        server: &Server,
        known: Option<&HashMap<String, Vec<u8>>>,
    ) -> (Vec<String>, HashMap<String, Vec<u8>>) {
        let selection = Selection::new(settings, server, clock).unwrap();
        let (mut names, mut versions) = (Vec::new(), HashMap::new());
        let is_known = |id: &str, version: &[u8]| known.is_some_and(|k| k.get(id).map(Vec::as_slice) == Some(version));
        let lookup: Option<VersionLookup<'_>> = known.map(|_| &is_known as VersionLookup<'_>);
        selection
            .users(server, &["title"], lookup, &mut |user| {
                match user {
                    SelectedUser::Entry(entry, version) => {
                        let guid = guid::guid(&entry, settings).unwrap();
                        versions.extend(version.map(|v| (guid.clone(), v)));
                        names.push(guid);
                    }
                    SelectedUser::Unchanged(guid, _) => names.push(format!("[{guid}]")),
                }
                Ok(())
            })
            .unwrap();
        names.sort();
        (names, versions)
    }

    #[test]
    fn only_entries_that_changed_are_read() {
        for algorithm in ["TIMESTAMP", "TIMESTAMP_NO_NEGATION", "ACTIVE_DIRECTORY_USN"] {
            let settings = settings_with(algorithm);
            let server = Server::new(vec![user("a", LONG_AGO), user("b", LONG_AGO)]);
            let (names, versions) = found(&settings, &server, None);
            assert_eq!(
                (names, server.take_searches()),
                (vec!["a".into(), "b".into()], vec!["read ou=people,dc=x".into()])
            );

            server.entries.lock().unwrap()[1] = user("b", "20240102030406Z");
            server.entries.lock().unwrap().push(user("c", LONG_AGO));
            let (names, _) = found(&settings, &server, Some(&versions));
            assert_eq!(names, ["[a]", "b", "c"]);
            assert_eq!(
                server.take_searches(),
                ["list ou=people,dc=x", "read uid=b,ou=people,dc=x", "read uid=c,ou=people,dc=x"]
            );
        }
    }

    #[test]
    fn a_changed_account_status_is_read_although_the_marker_is_unchanged() {
        let settings = settings_with("TIMESTAMP");
        let server = Server::new(vec![user("a", LONG_AGO)]);
        let (_, versions) = found(&settings, &server, None);
        server.entries.lock().unwrap()[0].push("x", Value::from("514"));
        assert_eq!(found(&settings, &server, Some(&versions)).0, ["a"]);
    }

    #[test]
    fn a_timestamp_that_is_in_the_future_or_unreadable_gives_no_version() {
        for (changed, is_reliable) in
            [(LONG_AGO, true), ("20240102030405.0Z", true), ("99991231235959Z", false), ("yesterday", false)]
        {
            let server = Server::new(vec![user("a", changed)]);
            assert_eq!(
                found(&settings_with("TIMESTAMP"), &server, None).1.len(),
                usize::from(is_reliable),
                "{changed}"
            );
        }
        let without_marker = Server::new(vec![entry("uid=a,ou=people,dc=x", "person", &[("entryUUID", "a")])]);
        assert!(found(&settings_with("TIMESTAMP"), &without_marker, None).1.is_empty());
    }

    #[test]
    fn a_timestamp_gives_a_version_after_two_minutes_of_the_clock() {
        let server = Server::new(vec![user("a", LONG_AGO)]);
        for (now, is_reliable) in [("20240102030405Z", false), ("20240102030604Z", false), ("20240102030605Z", true)] {
            let versions = |algorithm| found_at(&FixedClock(now), &settings_with(algorithm), &server, None).1.len();
            assert_eq!(versions("TIMESTAMP"), usize::from(is_reliable), "{now}");
            assert_eq!(versions("ACTIVE_DIRECTORY_USN"), 1, "{now}");
        }
    }

    #[test]
    fn if_an_entry_disappears_between_list_and_read_all_users_are_read() {
        let settings = settings_with("TIMESTAMP");
        let mut server = Server::new(vec![user("a", LONG_AGO), user("b", LONG_AGO)]);
        let (_, versions) = found(&settings, &server, None);
        server.entries.lock().unwrap()[1] = user("b", "20240102030406Z");
        server.disappearing = Some("uid=b");
        server.take_searches();
        assert_eq!(found(&settings, &server, Some(&versions)).0, ["a"]);
        assert_eq!(server.take_searches().last().unwrap(), "read ou=people,dc=x");
    }

    #[test]
    fn if_many_entries_changed_one_search_reads_all_users() {
        let settings = settings_with("TIMESTAMP");
        let server = Server::new((0..=SINGLE_READS_MAX).map(|n| user(&format!("u{n}"), LONG_AGO)).collect());
        let no_versions = HashMap::new();
        assert_eq!(found(&settings, &server, Some(&no_versions)).0.len(), SINGLE_READS_MAX + 1);
        assert_eq!(server.take_searches(), ["list ou=people,dc=x", "read ou=people,dc=x"]);
    }

    #[test]
    fn generalized_times_are_read_in_utc_only() {
        let seconds = |text: &str| generalized_time(text).map(|t| t.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("19700101000000Z"), Some(0));
        assert_eq!(seconds("20240229235959Z"), Some(1_709_251_199));
        assert_eq!(seconds("20240301000000.123Z"), Some(1_709_251_200));
        for text in ["20240301000000+0100", "20240001000000Z", "20240300000000", "Z", "202403010000ääZ", ""] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
