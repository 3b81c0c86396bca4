//! Gives the people and groups of a plan as a directory, cycle by cycle, and the channel that reads it.
//! Does not know: the target, who calls core.

use pfscim_channel::Error;
use pfscim_channel::connection::Channel;
use pfscim_channel::directory::{Entry, Search, Value};
use pfscim_channel::source::Source;
use serde_json::json;

use crate::history::{GroupNow, PersonNow, Snapshot};
use crate::plan::{Edit, Plan};

/// Returns the source in each of the first `cycles` cycles.
pub fn snapshots(plan: &Plan, cycles: usize) -> Vec<Snapshot> {
    let people = plan.people.iter().map(|person| PersonNow {
        in_scope: person.in_scope,
        enabled: person.enabled,
        user_name: person.user_name.clone(),
        given_name: person.given_name.clone(),
        family_name: person.family_name.clone(),
        title: person.title.clone(),
    });
    let groups = plan.groups.iter().map(|group| GroupNow {
        in_scope: true,
        name: group.name.clone(),
        members: group.members.iter().copied().collect(),
    });
    let mut now = Snapshot { people: people.collect(), groups: groups.collect() };
    (0..cycles)
        .map(|cycle| {
            plan.changes.iter().filter(|change| change.cycle == cycle).for_each(|change| apply(&mut now, &change.edit));
            now.clone()
        })
        .collect()
}

fn apply(now: &mut Snapshot, edit: &Edit) {
    let person = |now: &mut Snapshot, number: usize, change: &dyn Fn(&mut PersonNow)| {
        if let Some(person) = now.people.get_mut(number) {
            change(person);
        }
    };
    let group = |now: &mut Snapshot, number: usize, change: &dyn Fn(&mut GroupNow)| {
        if let Some(group) = now.groups.get_mut(number) {
            change(group);
        }
    };
    match edit {
        Edit::Join(number) => person(now, *number, &|p| p.in_scope = true),
        Edit::Leave(number) => person(now, *number, &|p| p.in_scope = false),
        Edit::Enable(number) => person(now, *number, &|p| p.enabled = true),
        Edit::Disable(number) => person(now, *number, &|p| p.enabled = false),
        Edit::Rename(number, name) => person(now, *number, &|p| p.user_name.clone_from(name)),
        Edit::Title(number, title) => person(now, *number, &|p| p.title.clone_from(title)),
        Edit::Add { group: number, person } => group(now, *number, &|g| _ = g.members.insert(*person)),
        Edit::Remove { group: number, person } => group(now, *number, &|g| _ = g.members.remove(person)),
        Edit::RenameGroup(number, name) => group(now, *number, &|g| g.name.clone_from(name)),
        Edit::DropGroup(number) => group(now, *number, &|g| g.in_scope = false),
    }
}

/// Returns the mail address of a user name.
pub fn mail(user_name: &str) -> String {
    format!("{user_name}@example.com")
}

/// Reads the number of a person or group from its GUID.
pub fn number(guid: &str) -> Option<usize> {
    guid.get(1..)?.parse().ok()
}

/// The source in one cycle.
pub struct Directory<'s>(pub &'s Snapshot);

impl Source for Directory<'_> {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        let people = self.0.people.iter().enumerate().filter(|(_, person)| person.in_scope);
        people.map(|(number, person)| person_entry(number, person)).try_for_each(&mut *each)?;
        let groups = self.0.groups.iter().enumerate().filter(|(_, group)| group.in_scope);
        groups.map(|(number, group)| group_entry(self.0, number, group)).try_for_each(each)
    }
}

fn person_entry(number: usize, person: &PersonNow) -> Entry {
    let mail = mail(&person.user_name);
    let guid = format!("p{number}");
    let mut values = vec![
        ("objectClass", "person"),
        ("entryUUID", &guid),
        ("uid", &person.user_name),
        ("mail", &mail),
        ("givenName", &person.given_name),
        ("sn", &person.family_name),
        ("locked", if person.enabled { "false" } else { "true" }),
    ];
    values.extend(person.title.as_deref().map(|title| ("title", title)));
    entry(person_dn(number), &values)
}

fn group_entry(now: &Snapshot, number: usize, group: &GroupNow) -> Entry {
    let guid = format!("g{number}");
    let members: Vec<String> = members_now(now, group).map(person_dn).collect();
    let mut values = vec![("objectClass", "group"), ("entryUUID", &guid), ("cn", &group.name)];
    values.extend(members.iter().map(|dn| ("member", dn.as_str())));
    entry(format!("cn={},dc=x", group.name), &values)
}

/// Returns the numbers of the members who are in the source: a directory removes a deleted entry from its groups.
pub fn members_now<'s>(now: &'s Snapshot, group: &'s GroupNow) -> impl Iterator<Item = usize> + 's {
    group.members.iter().copied().filter(|number| now.people.get(*number).is_some_and(|person| person.in_scope))
}

fn person_dn(number: usize) -> String {
    format!("uid=p{number},dc=x")
}

fn entry(dn: String, values: &[(&str, &str)]) -> Entry {
    let mut entry = Entry::new(dn);
    for (name, value) in values {
        entry.push(name, Value::from(*value));
    }
    entry
}

/// Returns the channel that reads the source.
///
/// # Errors
/// The channel cannot be read: a mistake in this function.
pub fn channel(plan: &Plan) -> Result<Channel, serde_json::Error> {
    let row =
        |field: &str, attribute: &str| json!({"fieldName": field, "saasFieldInfo": {"attributeNames": [attribute]}});
    let mut channel: Channel = serde_json::from_value(json!({
        "name": "simulated",
        "maxThreads": plan.threads,
        "attributeMapping": [
            row("userName", "uid"), row("workEmail", "mail"), row("givenName", "givenName"), row("familyName", "sn"),
            row("title", "title"),
        ],
        "channelSource": {
            "guidAttributeName": "entryUUID",
            "changeDetectionSettings": {"userObjectClass": "person", "groupObjectClass": "group"},
            "groupMembershipDetection": {
                "memberOfGroupAttributeName": "memberOf", "groupMemberAttributeName": "member"
            },
            "accountManagementSettings": {
                "accountStatusAttributeName": "locked", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG",
                "flagComparisonValue": "true", "flagComparisonStatus": false
            },
            "baseDn": "dc=x",
            "userSourceLocation": {},
            "groupSourceLocation": {"filter": "(cn=*)"}
        }
    }))?;
    channel.merge_groups = plan.merge_groups;
    Ok(channel)
}
