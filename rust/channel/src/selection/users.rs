//! *Source Location*: which entries of a source are users of the channel. A file is read whole and sorted out here; a
//! directory is asked for the users alone and, where a marker says that an entry is as it was, not even for these. May
//! not know what is mapped from the entries.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ldap3::ldap_escape;
use pfscim_core::text::excerpt;

use super::guid;
use super::members::{Members, base, distinct, member_of_attribute, top};
use crate::Error;
use crate::connection::{ChangeAlgorithm, SourceSettings};
use crate::directory::{Dn, Entry, Filter, Search, Value, spelled};
use crate::source::Source;

/// As many entries are read one by one; more, and everything is read.
const FEW: usize = 200;
/// As many groups a filter may name.
const NAMED: usize = 50;
/// Times are whole seconds: an entry that changed so lately may change again and keep its time. Also what the clocks of
/// directories may differ by.
const FRESH: Duration = Duration::from_secs(120);

/// The users of a channel, decided entry by entry.
#[derive(Debug)]
pub struct Selection<'a> {
    settings: &'a SourceSettings,
    /// The source is a server, which evaluates what it is asked for.
    live: bool,
    base: Dn,
    filter: Option<Filter>,
    members: Option<Members>,
}

/// A user of the channel.
#[derive(Debug)]
pub enum SelectedUser {
    /// As read, with the version of the entry where its directory tells one that can be relied on.
    Entry(Entry, Option<Vec<u8>>),
    /// The user with this source id is as before; with as much of its entry as says which groups it is in, where
    /// groups are provisioned.
    Unchanged(String, Option<Entry>),
}

/// Whether the user with a source id is known in a version.
pub type VersionLookup<'k> = &'k dyn Fn(&str, &[u8]) -> bool;

impl<'a> Selection<'a> {
    /// Reads the settings; with a group DN also the groups of the source.
    ///
    /// # Errors
    /// A base DN, group DN or filter that cannot be used, and those of the source.
    pub fn new(settings: &'a SourceSettings, source: &dyn Source) -> Result<Self, Error> {
        let location = &settings.user_source_location;
        let live = source.server()?.is_some();
        let base = base(settings)?;
        let filter = match location.filter() {
            Some(text) if live => Filter::checked(text).map(|_| None),
            _ => location.condition(),
        }
        .map_err(|e| Error::unusable(format!("Users Filter: {e}")))?;
        let members = Members::read(location, "Users Group DN", &base, settings, source, live)?;
        Ok(Self { settings, live, base, filter, members })
    }

    /// Gives every user of the channel, those who are `known` in their present version without reading them.
    /// `mapped` are the attributes that records are made of.
    ///
    /// # Errors
    /// Those of the source, and whatever `each` returned.
    pub fn users(
        &self,
        source: &dyn Source,
        mapped: &[&str],
        known: Option<VersionLookup<'_>>,
        each: &mut dyn FnMut(SelectedUser) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let known = known.filter(|_| self.live);
        if let Some(found) = known.map(|known| self.changed(source, mapped, known)).transpose()?.flatten() {
            return found.into_iter().try_for_each(each);
        }
        self.read(source, &self.all(mapped), &mut |entry| {
            let version = self.version(&entry, mapped);
            each(SelectedUser::Entry(entry, version))
        })
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

    /// The groups that decided who is a user of the channel and are entries of a file.
    pub fn groups(&self) -> BTreeSet<String> {
        self.members.as_ref().map(|m| m.here.clone()).unwrap_or_default()
    }

    /// Why a file may be only a part of what it was when it held the groups `before`: a group that is gone, or a
    /// member that its group still lists. One that was cut off between two lines shows no other sign.
    pub fn doubt(&self, before: &BTreeSet<String>) -> Option<String> {
        let members = self.members.as_ref().filter(|_| !self.live)?;
        if let Some(group) = before.iter().find(|group| !members.all.contains(*group)) {
            return Some(format!("the source does not hold the group `{}` any more", excerpt(&spelled(group))));
        }
        let first = members.absent.first()?;
        let count = members.absent.len();
        Some(format!(
            "the group lists {count} members that the source does not hold, such as `{}`",
            excerpt(&spelled(first))
        ))
    }

    /// Lists who there is, and reads those who are not known in that version. `None` where these are many, or one of
    /// them went away meanwhile: then everything has to be read.
    fn changed(
        &self,
        source: &dyn Source,
        mapped: &[&str],
        known: VersionLookup<'_>,
    ) -> Result<Option<Vec<SelectedUser>>, Error> {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        self.read(source, &self.watched(mapped), &mut |entry| {
            let version = self.version(&entry, mapped);
            match (guid::guid(&entry, self.settings), version) {
                (Some(guid), Some(version)) if known(&guid, &version) => {
                    found.push(SelectedUser::Unchanged(guid, self.settings.group_location().map(|_| entry)));
                }
                _ => unknown.push(entry.dn),
            }
            Ok(())
        })?;
        if unknown.len() > FEW {
            return Ok(None);
        }
        for dn in &unknown {
            let before = found.len();
            let search = Search { base: dn, base_only: true, ..self.search(&self.all(mapped), false) };
            source.read(&search, &mut |entry| {
                if self.has(&entry) {
                    let version = self.version(&entry, mapped);
                    found.push(SelectedUser::Entry(entry, version));
                }
                Ok(())
            })?;
            if found.len() == before {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    /// Reads the entries of all users. Members that a directory does not find by the users' own word are looked for
    /// among everybody.
    fn read(
        &self,
        source: &dyn Source,
        attributes: &[&str],
        each: &mut dyn FnMut(Entry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let clause = self.membership().is_some();
        let mut seen = HashSet::new();
        source.read(&self.search(attributes, true), &mut |entry| {
            if !self.has(&entry) {
                return Ok(());
            }
            if clause {
                seen.extend(entry.name().map(|name| name.key()));
                seen.extend(guid::guid(&entry, self.settings).map(|guid| guid.to_lowercase()));
            }
            each(entry)
        })?;
        let complete =
            self.members.as_ref().is_none_or(|m| m.listed.iter().all(|l| seen.contains(l) || m.groups.contains(l)));
        if !clause || complete {
            return Ok(());
        }
        source.read(&self.search(attributes, false), &mut |entry| {
            let fresh = entry.name().is_some_and(|name| !seen.contains(&name.key()));
            if fresh && self.has(&entry) { each(entry) } else { Ok(()) }
        })
    }

    fn search<'s>(&'s self, attributes: &[&'s str], by_membership: bool) -> Search<'s> {
        let class = ldap_escape(self.settings.change_detection_settings.user_object_class.trim());
        // Checked when the settings were read.
        let filter = self.settings.user_source_location.filter().and_then(|f| Filter::checked(f).ok());
        let membership = if by_membership { self.membership() } else { None };
        Search {
            base: &self.settings.base_dn,
            base_label: "Base DN",
            base_only: false,
            filter: format!("(&(objectClass={class}){}{})", filter.unwrap_or_default(), membership.unwrap_or_default()),
            attributes: attributes.to_vec(),
        }
    }

    /// The part of a filter that finds members by what users say; none where they do not.
    fn membership(&self) -> Option<String> {
        let members = self.members.as_ref().filter(|m| self.live && m.spelled.len() <= NAMED)?;
        let attribute = member_of_attribute(&self.settings.group_membership_detection)?;
        let parts = members.spelled.iter().map(|group| format!("({attribute}={})", ldap_escape(group.as_str())));
        Some(format!("(|{})", parts.collect::<String>()))
    }

    /// The attributes that tell who a user is and whether anything changed. Account status and memberships are among
    /// them: directories change these without touching the marker.
    fn watched(&self, mapped: &[&'a str]) -> Vec<&'a str> {
        let settings = self.settings;
        let member_of = member_of_attribute(&settings.group_membership_detection).filter(|m| {
            let grouped = self.members.is_some() || settings.group_location().is_some();
            grouped || mapped.iter().any(|a| a.eq_ignore_ascii_case(m))
        });
        let status = settings.account_management_settings.account_status_attribute_name.as_str();
        let names = [Some(settings.guid_attribute_name.as_str()), settings.change_detection_settings.marker()];
        distinct(names.into_iter().flatten().chain(member_of).chain([status]))
    }

    /// All attributes that are needed of a user.
    fn all(&self, mapped: &[&'a str]) -> Vec<&'a str> {
        distinct(self.watched(mapped).into_iter().chain(mapped.iter().copied()))
    }

    /// What is another one once the entry changed; `None` where nothing says so reliably.
    fn version(&self, entry: &Entry, mapped: &[&str]) -> Option<Vec<u8>> {
        let detection = &self.settings.change_detection_settings;
        let [marker] = entry.values(detection.marker()?) else { return None };
        if detection.changed_users_algorithm != Some(ChangeAlgorithm::ActiveDirectoryUsn) {
            let changed = marker.text().and_then(generalized_time)?;
            if SystemTime::now().duration_since(changed).ok()? < FRESH {
                return None;
            }
        }
        let mut version = Vec::new();
        let mut add = |bytes: &[u8]| {
            version.extend((bytes.len() as u64).to_be_bytes());
            version.extend(bytes);
        };
        add(entry.dn.as_bytes());
        for attribute in self.watched(mapped) {
            let values: BTreeSet<_> = entry.values(attribute).iter().map(Value::bytes).collect();
            add(attribute.as_bytes());
            add(&(values.len() as u64).to_be_bytes());
            values.into_iter().for_each(&mut add);
        }
        Some(version)
    }

    /// Whether the entry is a user of the channel; what a server was asked for, it has looked at.
    fn has(&self, entry: &Entry) -> bool {
        let class = &self.settings.change_detection_settings.user_object_class;
        (self.live
            || entry.is_a(class)
                && entry.is_within(&self.base)
                && self.filter.as_ref().is_none_or(|f| f.matches(entry)))
            && self.members.as_ref().is_none_or(|m| m.has(entry, self.settings))
    }
}

/// `20240131235959Z`, `20240131235959.0Z` (RFC 4517 section 3.3.13, in universal time).
fn generalized_time(text: &str) -> Option<SystemTime> {
    let (whole, _) = text.trim().strip_suffix('Z')?.split_at_checked(14)?;
    let part = |range: std::ops::Range<usize>| whole.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    // Years are counted from March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let seconds = days.checked_sub(719_468)? * 86_400 + part(8..10)? * 3600 + part(10..12)? * 60 + part(12..14)?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// What of these settings cannot be used, whatever the source holds; one line each. A filter is held to its syntax
/// only: directories evaluate more than this program does.
pub fn setting_errors(settings: &SourceSettings) -> Vec<String> {
    let mut refused: Vec<_> = base(settings).err().map(|e| e.to_string()).into_iter().collect();
    let locations =
        [(Some(&settings.user_source_location), "Users"), (settings.group_location(), "Groups")].into_iter();
    for (location, whose) in locations.filter_map(|(location, whose)| Some((location?, whose))) {
        let filter = location.filter().map(Filter::checked).transpose().err();
        refused.extend(filter.map(|e| format!("{whose} Filter: {e}")));
        let label = format!("{whose} Group DN");
        let group = location.group_dn().map(|group| top(group, &label, settings)).transpose();
        refused.extend(group.err().map(|e| e.to_string()));
    }
    refused
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use serde_json::{Value as Json, json};

    use super::*;

    struct Memory(Vec<Entry>);

    impl Source for Memory {
        fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
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
    fn a_file_is_doubted_where_a_group_or_a_listed_member_is_missing() {
        let settings = settings(json!({"groupDN": "cn=staff,dc=x", "nestedSearch": true}));
        let whole = directory();
        let selection = Selection::new(&settings, &whole).unwrap();
        let before = selection.groups();
        assert_eq!(before.len(), 3);
        assert_eq!(selection.doubt(&before), None);

        let without = |dn: &str| Memory(whole.0.iter().filter(|e| e.dn != dn).cloned().collect());
        let doubt = |source: &Memory| Selection::new(&settings, source).unwrap().doubt(&before);
        assert!(doubt(&without("cn=outer,dc=x")).unwrap().contains("cn=outer,dc=x"));
        assert!(doubt(&without("cn=Staff,dc=x")).unwrap().contains("cn=staff,dc=x"));
        assert!(doubt(&without("uid=a,ou=people,dc=x")).unwrap().contains("uid=a,ou=people,dc=x"));
        // Whom no group lists by name may come and go.
        assert_eq!(doubt(&without("uid=c,ou=people,dc=x")), None);
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

    /// A directory server: answers searches, notes them, and loses an entry after the first one.
    struct Server {
        entries: Mutex<Vec<Entry>>,
        asked: Mutex<Vec<String>>,
        loses: Option<&'static str>,
    }

    impl Server {
        fn new(entries: Vec<Entry>) -> Self {
            Self { entries: Mutex::new(entries), asked: Mutex::default(), loses: None }
        }

        fn asked(&self) -> Vec<String> {
            std::mem::take(&mut self.asked.lock().unwrap())
        }
    }

    impl Source for Server {
        fn read(&self, search: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
            let whole = if search.attributes.contains(&"title") { "read" } else { "list" };
            self.asked.lock().unwrap().push(format!("{whole} {}", search.base));
            let (base, filter) = (Dn::parse(search.base).unwrap(), Filter::parse(&search.filter).unwrap());
            let found = |e: &&Entry| {
                let name = e.name().unwrap();
                name.is_within(&base) && (!search.base_only || name == base) && filter.matches(e)
            };
            let mut entries = self.entries.lock().unwrap();
            entries.iter().filter(found).cloned().try_for_each(each)?;
            entries.retain(|e| self.loses.is_none_or(|lost| !e.dn.starts_with(lost)));
            Ok(())
        }

        fn server(&self) -> Result<Option<String>, Error> {
            Ok(Some("ldap://test".into()))
        }
    }

    const LONG_AGO: &str = "20240102030405Z";

    fn person(uid: &str, changed: &str) -> Entry {
        let more = [("entryUUID", uid), ("changed", changed), ("title", "x"), ("x", "512")];
        entry(&format!("uid={uid},ou=people,dc=x"), "person", &more)
    }

    fn followed(algorithm: &str) -> SourceSettings {
        let mut settings = settings(json!({}));
        settings.change_detection_settings = serde_json::from_value(json!({
            "userObjectClass": "person", "groupObjectClass": "groupOfNames",
            "changedUsersAlgorithm": algorithm, "usnAttributeName": "changed", "timeStampAttributeName": "changed"
        }))
        .unwrap();
        settings
    }

    /// Who is found by entry and who is the same (in brackets), with `known` users and versions.
    fn found(
        settings: &SourceSettings,
        server: &Server,
        known: Option<&HashMap<String, Vec<u8>>>,
    ) -> (Vec<String>, HashMap<String, Vec<u8>>) {
        let selection = Selection::new(settings, server).unwrap();
        let (mut names, mut versions) = (Vec::new(), HashMap::new());
        let is_known = |id: &str, version: &[u8]| known.is_some_and(|k| k.get(id).map(Vec::as_slice) == Some(version));
        let asked: Option<VersionLookup<'_>> = known.map(|_| &is_known as VersionLookup<'_>);
        selection
            .users(server, &["title"], asked, &mut |user| {
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
            let settings = followed(algorithm);
            let server = Server::new(vec![person("a", LONG_AGO), person("b", LONG_AGO)]);
            let (names, versions) = found(&settings, &server, None);
            assert_eq!((names, server.asked()), (vec!["a".into(), "b".into()], vec!["read ou=people,dc=x".into()]));

            server.entries.lock().unwrap()[1] = person("b", "20240102030406Z");
            server.entries.lock().unwrap().push(person("c", LONG_AGO));
            let (names, _) = found(&settings, &server, Some(&versions));
            assert_eq!(names, ["[a]", "b", "c"]);
            assert_eq!(
                server.asked(),
                ["list ou=people,dc=x", "read uid=b,ou=people,dc=x", "read uid=c,ou=people,dc=x"]
            );
        }
    }

    #[test]
    fn a_changed_account_status_is_seen_whatever_the_marker_says() {
        let settings = followed("TIMESTAMP");
        let server = Server::new(vec![person("a", LONG_AGO)]);
        let (_, versions) = found(&settings, &server, None);
        server.entries.lock().unwrap()[0].push("x", Value::from("514"));
        assert_eq!(found(&settings, &server, Some(&versions)).0, ["a"]);
    }

    #[test]
    fn a_time_that_may_come_again_is_not_relied_on() {
        for (changed, relied_on) in
            [(LONG_AGO, true), ("20240102030405.0Z", true), ("99991231235959Z", false), ("yesterday", false)]
        {
            let server = Server::new(vec![person("a", changed)]);
            assert_eq!(found(&followed("TIMESTAMP"), &server, None).1.len(), usize::from(relied_on), "{changed}");
        }
        let silent = Server::new(vec![entry("uid=a,ou=people,dc=x", "person", &[("entryUUID", "a")])]);
        assert!(found(&followed("TIMESTAMP"), &silent, None).1.is_empty());
    }

    #[test]
    fn an_entry_that_goes_away_between_list_and_read_makes_everything_be_read() {
        let settings = followed("TIMESTAMP");
        let mut server = Server::new(vec![person("a", LONG_AGO), person("b", LONG_AGO)]);
        let (_, versions) = found(&settings, &server, None);
        server.entries.lock().unwrap()[1] = person("b", "20240102030406Z");
        server.loses = Some("uid=b");
        server.asked();
        assert_eq!(found(&settings, &server, Some(&versions)).0, ["a"]);
        assert_eq!(server.asked().last().unwrap(), "read ou=people,dc=x");
    }

    #[test]
    fn many_changes_make_everything_be_read_at_once() {
        let settings = followed("TIMESTAMP");
        let server = Server::new((0..=FEW).map(|n| person(&format!("u{n}"), LONG_AGO)).collect());
        let nobody = HashMap::new();
        assert_eq!(found(&settings, &server, Some(&nobody)).0.len(), FEW + 1);
        assert_eq!(server.asked(), ["list ou=people,dc=x", "read ou=people,dc=x"]);
    }

    #[test]
    fn times_are_read_as_directories_write_them() {
        let seconds = |text: &str| generalized_time(text).map(|t| t.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds("19700101000000Z"), Some(0));
        assert_eq!(seconds("20240229235959Z"), Some(1_709_251_199));
        assert_eq!(seconds("20240301000000.123Z"), Some(1_709_251_200));
        for text in ["20240301000000+0100", "20240001000000Z", "20240300000000", "Z", "202403010000ääZ", ""] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
