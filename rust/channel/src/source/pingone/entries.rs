//! Users, populations and groups of PingOne: pages of its API that were saved, or the API itself. Users say which
//! population they are in by its id, and groups say little of who is in them; what a rule needs of all that is put
//! together here. May not know what a rule asks for, only what it names: a population that is not there is a mistake,
//! never an empty one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pfscim_core::environment::Environment;
use pfscim_core::settings::Secret;
use pfscim_core::text::excerpt;
use serde_json::Value as Json;

use super::api::Api;
use super::pages;
use super::tenant::{Tenant, text, texts};
use crate::Error;
use crate::connection::pingone::attributes::{
    GROUP_CLASS, GROUP_IDS, GROUP_MEMBER, GROUP_NAME, GROUP_NAMES, ID, POPULATION_NAME, USER_CLASS,
};
use crate::connection::pingone::{ApiAccess, CLIENT_SECRET, NamedObjects, Rule, RuleSource};
use crate::directory::{Entry, Search, Value, fold};
use crate::source::Source;
use crate::source::file::TextFile;

/// PingOne as a source.
#[derive(Debug)]
pub struct PingOne {
    place: Place,
    /// What the rule names.
    named: NamedObjects,
    /// The groups to be provisioned, by id or name.
    groups: Vec<String>,
    /// Read once, so that users and groups are of one moment.
    entries: OnceLock<Vec<Entry>>,
}

#[derive(Debug)]
enum Place {
    Files(Vec<TextFile>),
    Api(Box<Api>),
}

impl PingOne {
    /// The source of a rule. Files are looked for in `folder`, that of the connection. Sends nothing yet.
    ///
    /// # Errors
    /// What is missing, or does not fit.
    pub fn open(
        rule: &Rule,
        folder: &Path,
        secrets: &[(String, Secret)],
        environment: &Environment,
    ) -> Result<Self, Error> {
        match &rule.origin {
            RuleSource::Files(files) => {
                let files = files.iter().map(|file| folder.join(file));
                Ok(Self::files(files, rule.named.clone(), rule.groups.clone()))
            }
            RuleSource::Api(access) => {
                let given = secrets.iter().find(|(name, _)| name == CLIENT_SECRET).map(|(_, secret)| secret.clone());
                let client_secret = given.or_else(|| access.client_secret.clone());
                let access = ApiAccess { client_secret, ..access.clone() };
                Self::api(&access, rule.named.clone(), rule.groups.clone(), environment)
            }
        }
    }

    /// Saved pages; `groups` are to be provisioned.
    pub fn files(files: impl IntoIterator<Item = PathBuf>, named: NamedObjects, groups: Vec<String>) -> Self {
        Self::new(Place::Files(files.into_iter().map(TextFile::new).collect()), named, groups)
    }

    /// The API. Sends nothing yet.
    ///
    /// # Errors
    /// What is missing or does not fit.
    pub fn api(
        access: &ApiAccess,
        named: NamedObjects,
        groups: Vec<String>,
        environment: &Environment,
    ) -> Result<Self, Error> {
        Ok(Self::new(Place::Api(Box::new(Api::new(access, environment)?)), named, groups))
    }

    fn new(place: Place, named: NamedObjects, groups: Vec<String>) -> Self {
        Self { place, named, groups, entries: OnceLock::new() }
    }

    fn entries(&self) -> Result<&[Entry], Error> {
        if let Some(entries) = self.entries.get() {
            return Ok(entries);
        }
        let wanted: Vec<&str> = self.named.groups.iter().chain(&self.groups).map(String::as_str).collect();
        let tenant = match &self.place {
            Place::Files(files) => pages::read(files)?,
            Place::Api(api) => api.read(&wanted)?,
        };
        if tenant.users.is_empty() {
            return Err(Error::unusable(
                "PingOne: there is no user: an empty export is not taken for an empty PingOne",
            ));
        }
        let entries = Directory::of(&tenant, !wanted.is_empty())?.entries(&tenant, &self.named, &self.groups)?;
        Ok(self.entries.get_or_init(|| entries))
    }
}

impl Source for PingOne {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.entries()?.iter().cloned().try_for_each(each)
    }
}

/// A group.
#[derive(Debug)]
struct Group {
    name: String,
    /// Made by another identity provider: such a group is not provisioned.
    external: bool,
    /// The groups that it is in: its members are members of these too.
    parents: Vec<String>,
}

/// Populations and groups, and who is in them.
#[derive(Debug)]
struct Directory {
    /// Whether the populations were read, not only what users say.
    complete: bool,
    /// Id to name.
    populations: HashMap<String, Option<String>>,
    /// Id to group, of those that were read.
    groups: BTreeMap<String, Group>,
    /// Names and ids of groups that users say to be in.
    said: HashSet<String>,
}

impl Directory {
    /// `grouped`: the rule is about groups, so that users have to say theirs.
    fn of(tenant: &Tenant, grouped: bool) -> Result<Self, Error> {
        let mut populations = HashMap::new();
        for population in tenant.populations.iter().flatten() {
            let id = text(population, "id").ok_or_else(|| Error::unusable("PingOne: a population has no id"))?;
            populations.insert(id.to_owned(), text(population, "name").map(str::to_owned));
        }
        let mut groups = BTreeMap::new();
        for group in tenant.groups.iter().flatten() {
            let (Some(id), Some(name)) = (text(group, "id"), text(group, "name")) else {
                return Err(Error::unusable("PingOne: a group has no id or no name"));
            };
            let parents = group["memberOfGroups"].as_array().into_iter().flatten();
            let parents = parents.filter_map(|parent| text(parent, "id").or_else(|| parent.as_str()));
            let parents = parents.chain(texts(group, GROUP_IDS)).map(str::to_owned).collect();
            let external = group["isExternal"] == true;
            groups.insert(id.to_owned(), Group { name: name.to_owned(), external, parents });
        }
        let mut said = HashSet::new();
        let mut says = tenant.members.is_some();
        for user in &tenant.users {
            if let Some(id) = text(&user["population"], "id") {
                let name = text(&user["population"], "name").map(str::to_owned);
                let known = populations.entry(id.to_owned()).or_insert_with(|| name.clone());
                *known = known.take().or(name);
            }
            says = says || user.get(GROUP_IDS).is_some() || user.get(GROUP_NAMES).is_some();
            said.extend([GROUP_IDS, GROUP_NAMES].iter().flat_map(|list| texts(user, list)).map(fold));
        }
        if grouped && !says {
            return Err(Error::unusable(
                "PingOne: the rule is about groups, but no user says its groups: save the users with ?include=memberOfGroupIDs",
            ));
        }
        Ok(Self { complete: tenant.populations.is_some(), populations, groups, said })
    }

    fn entries(&self, tenant: &Tenant, named: &NamedObjects, provisioned: &[String]) -> Result<Vec<Entry>, Error> {
        self.knows(named)?;
        let provisioned =
            provisioned.iter().map(|group| self.provisioned(group)).collect::<Result<BTreeSet<_>, _>>()?;
        let mut members: BTreeMap<&str, Vec<&str>> = provisioned.iter().map(|id| (*id, Vec::new())).collect();
        let mut entries = Vec::with_capacity(tenant.users.len() + members.len());
        for (position, user) in tenant.users.iter().enumerate() {
            let mut entry = Entry::row(format!("PingOne user {}", position + 1));
            entry.push("objectClass", Value::from(USER_CLASS));
            if !user.is_object() {
                return Err(Error::unusable(format!("{}: is no user", entry.place)));
            }
            flatten(&mut entry, "", user);
            let population = text(&user["population"], "id").and_then(|id| self.populations.get(id)).cloned().flatten();
            if let Some(name) = population.filter(|_| entry.values(POPULATION_NAME).is_empty()) {
                entry.push(POPULATION_NAME, Value::from(name.as_str()));
            }
            let own = text(user, ID).unwrap_or_default();
            for id in self.memberships(user, tenant.members.as_ref().and_then(|members| members.get(own))) {
                if let Some(listed) = members.get_mut(id.as_str()) {
                    listed.extend(text(user, ID));
                }
                if let Some(group) = self.groups.get(&id) {
                    add(&mut entry, GROUP_NAMES, &group.name);
                }
                add(&mut entry, GROUP_IDS, &id);
            }
            entries.push(entry);
        }
        for (id, members) in members {
            let mut entry = Entry::row(format!("PingOne group {}", excerpt(id)));
            entry.push("objectClass", Value::from(GROUP_CLASS));
            entry.push(ID, Value::from(id));
            entry.push(GROUP_NAME, Value::from(self.groups[id].name.as_str()));
            members.into_iter().for_each(|member| entry.push(GROUP_MEMBER, Value::from(member)));
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The ids of the groups that a user is in, by its own word and by theirs, and of the groups that these are in.
    fn memberships(&self, user: &Json, members: Option<&BTreeSet<String>>) -> BTreeSet<String> {
        let mut open: Vec<String> = texts(user, GROUP_IDS).map(str::to_owned).collect();
        // Names are told apart by ids only, so they count where there is no id.
        if open.is_empty() {
            let named = |group: &Group| texts(user, GROUP_NAMES).any(|name| name == group.name);
            open.extend(self.groups.iter().filter(|(_, group)| named(group)).map(|(id, _)| id.clone()));
        }
        open.extend(members.into_iter().flatten().cloned());
        let mut all = BTreeSet::new();
        while let Some(id) = open.pop() {
            if let Some(group) = self.groups.get(&id).filter(|_| !all.contains(&id)) {
                open.extend(group.parents.iter().cloned());
            }
            all.insert(id);
        }
        all
    }

    /// Whether everything that a rule names is there.
    fn knows(&self, named: &NamedObjects) -> Result<(), Error> {
        for name in &named.populations {
            let names = self.populations.values().flatten();
            let known = self.populations.contains_key(name) || names.clone().any(|other| fold(other) == fold(name));
            if !known {
                let hint = if self.complete {
                    ""
                } else {
                    "; the populations themselves were not read, add them to source.files"
                };
                return Err(Error::unusable(format!(
                    "rule: its user filter names the population `{}`, which PingOne does not have{hint}",
                    excerpt(name)
                )));
            }
        }
        for name in &named.groups {
            let read =
                self.groups.contains_key(name) || self.groups.values().any(|group| fold(&group.name) == fold(name));
            if !(read || self.said.contains(&fold(name))) {
                return Err(Error::unusable(format!(
                    "rule: its user filter names the group `{}`, which PingOne does not have (or the groups are missing from source.files)",
                    excerpt(name)
                )));
            }
        }
        Ok(())
    }

    /// The id of a group to be provisioned.
    fn provisioned(&self, wanted: &str) -> Result<&str, Error> {
        let told = |text: &str| Err(Error::unusable(format!("rule.groups: `{}` {text}", excerpt(wanted))));
        let found = match self.groups.get_key_value(wanted) {
            Some(found) => Some(found),
            None => {
                let mut named = self.groups.iter().filter(|(_, group)| fold(&group.name) == fold(wanted));
                match (named.next(), named.next()) {
                    (_, Some(_)) => return told("is the name of several groups; say which by its id"),
                    (found, None) => found,
                }
            }
        };
        match found {
            Some((_, group)) if group.external => told("is an external group, which is not provisioned"),
            Some((id, _)) => Ok(id),
            None => told("is no group of PingOne (or the groups are missing from source.files)"),
        }
    }
}

/// Adds a value that is not there yet.
fn add(entry: &mut Entry, attribute: &str, text: &str) {
    let value = Value::from(text);
    if !entry.values(attribute).contains(&value) {
        entry.push(attribute, value);
    }
}

/// Every text, number and boolean of a JSON object, under the path to it.
fn flatten(entry: &mut Entry, path: &str, json: &Json) {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                // Links, and what would be taken for a class of the directory.
                if name.starts_with('_') || path.is_empty() && name.eq_ignore_ascii_case("objectClass") {
                    continue;
                }
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(entry, &path, value);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| flatten(entry, path, item)),
        Json::String(text) if text.is_empty() => {}
        Json::String(text) => entry.push(path, Value::from(text.as_str())),
        Json::Number(number) => entry.push(path, Value::from(number.to_string().as_str())),
        Json::Bool(flag) => entry.push(path, Value::from(if *flag { "true" } else { "false" })),
        Json::Null => {}
    }
}
