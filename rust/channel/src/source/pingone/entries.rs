//! Makes entries of the users and groups of PingOne, and adds the names of populations and the memberships to them.
//! Does not know: the filter of a rule, only the populations and groups that it names.
//!
//! A user has only the id of its population, and a group has hardly any data about its members. A named population or
//! group that does not exist is an error; it never counts as empty.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pfscim_core::Message;
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

/// What to do if a group is not found.
const GROUP_HINT: &str = "check the name or id of the group, or add the pages of groups to source.files";

/// PingOne as a source.
#[derive(Debug)]
pub struct PingOne {
    pages: PageSource,
    /// The populations and groups that the rule names.
    named: NamedObjects,
    /// The groups to provision, by id or name.
    groups: Vec<String>,
    /// The entries, read once, so that users and groups are from the same time.
    entries: OnceLock<Vec<Entry>>,
}

/// The location of the pages.
#[derive(Debug)]
enum PageSource {
    Files(Vec<TextFile>),
    Api(Box<Api>),
}

impl PingOne {
    /// Returns the source of a rule. Paths of files are relative to `folder`, the folder of the connection. Sends
    /// nothing.
    ///
    /// # Errors
    /// As [`PingOne::api`].
    pub fn open(
        rule: &Rule,
        folder: &Path,
        secrets: &[(String, Secret)],
        environment: &Environment,
    ) -> Result<Self, Error> {
        match &rule.source {
            RuleSource::Files(files) => {
                let files = files.iter().map(|file| folder.join(file));
                Ok(Self::files(files, rule.named.clone(), rule.groups.clone()))
            }
            RuleSource::Api(access) => {
                let option = secrets.iter().find(|(name, _)| name == CLIENT_SECRET).map(|(_, secret)| secret.clone());
                let client_secret = option.or_else(|| access.client_secret.clone());
                let access = ApiAccess { client_secret, ..access.clone() };
                Self::api(&access, rule.named.clone(), rule.groups.clone(), environment)
            }
        }
    }

    /// Returns a source of saved pages; `groups` are the groups to provision.
    pub fn files(files: impl IntoIterator<Item = PathBuf>, named: NamedObjects, groups: Vec<String>) -> Self {
        Self::new(PageSource::Files(files.into_iter().map(TextFile::new).collect()), named, groups)
    }

    /// Returns a source that reads the API. Sends nothing.
    ///
    /// # Errors
    /// A URL is not valid, the secret is missing, or TLS cannot be set up.
    pub fn api(
        access: &ApiAccess,
        named: NamedObjects,
        groups: Vec<String>,
        environment: &Environment,
    ) -> Result<Self, Error> {
        Ok(Self::new(PageSource::Api(Box::new(Api::new(access, environment)?)), named, groups))
    }

    fn new(pages: PageSource, named: NamedObjects, groups: Vec<String>) -> Self {
        Self { pages, named, groups, entries: OnceLock::new() }
    }

    fn entries(&self) -> Result<&[Entry], Error> {
        if let Some(entries) = self.entries.get() {
            return Ok(entries);
        }
        let group_names: Vec<&str> = self.named.groups.iter().chain(&self.groups).map(String::as_str).collect();
        let tenant = match &self.pages {
            PageSource::Files(files) => pages::read(files)?,
            PageSource::Api(api) => api.read(&group_names)?,
        };
        if tenant.users.is_empty() {
            let message =
                Message::new("PingOne: no user was read, and an empty export does not mean an empty environment");
            return Err(Error::unusable(
                message.with_hint("check the export, or the rights of the worker application"),
            ));
        }
        let entries =
            TenantIndex::new(&tenant, !group_names.is_empty())?.entries(&tenant, &self.named, &self.groups)?;
        Ok(self.entries.get_or_init(|| entries))
    }
}

impl Source for PingOne {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.entries()?.iter().cloned().try_for_each(each)
    }
}

/// A group of PingOne.
#[derive(Debug)]
struct PingOneGroup {
    name: String,
    /// Whether another identity provider made the group. Such a group is not provisioned.
    is_external: bool,
    /// The ids of the groups that contain this group. Its members are members of these too.
    parents: Vec<String>,
}

/// Populations and groups by id, and the names that users mention.
#[derive(Debug)]
struct TenantIndex {
    /// Whether the populations were read. Otherwise only the populations of users are known.
    has_all_populations: bool,
    /// Ids of populations to their names.
    populations: HashMap<String, Option<String>>,
    /// Ids to groups.
    groups: BTreeMap<String, PingOneGroup>,
    /// Names and ids of the groups that users list, folded.
    groups_of_users: HashSet<String>,
}

impl TenantIndex {
    /// Indexes the collections. `needs_groups`: the rule names groups, so the memberships of users must be known.
    fn new(tenant: &Tenant, needs_groups: bool) -> Result<Self, Error> {
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
            let is_external = group["isExternal"] == true;
            groups.insert(id.to_owned(), PingOneGroup { name: name.to_owned(), is_external, parents });
        }
        let mut groups_of_users = HashSet::new();
        let mut has_memberships = tenant.members.is_some();
        for user in &tenant.users {
            if let Some(id) = text(&user["population"], "id") {
                let name = text(&user["population"], "name").map(str::to_owned);
                let known = populations.entry(id.to_owned()).or_insert_with(|| name.clone());
                *known = known.take().or(name);
            }
            has_memberships = has_memberships || user.get(GROUP_IDS).is_some() || user.get(GROUP_NAMES).is_some();
            groups_of_users.extend([GROUP_IDS, GROUP_NAMES].iter().flat_map(|list| texts(user, list)).map(fold));
        }
        if needs_groups && !has_memberships {
            return Err(Error::unusable(
                Message::new("PingOne: the rule names groups, but the users contain no groups")
                    .with_hint("save the users with ?include=memberOfGroupIDs"),
            ));
        }
        Ok(Self { has_all_populations: tenant.populations.is_some(), populations, groups, groups_of_users })
    }

    fn entries(&self, tenant: &Tenant, named: &NamedObjects, provisioned: &[String]) -> Result<Vec<Entry>, Error> {
        self.check_names(named)?;
        let provisioned =
            provisioned.iter().map(|group| self.provisioned_group_id(group)).collect::<Result<BTreeSet<_>, _>>()?;
        let mut members: BTreeMap<&str, Vec<&str>> = provisioned.iter().map(|id| (*id, Vec::new())).collect();
        let mut entries = Vec::with_capacity(tenant.users.len() + members.len());
        for (position, user) in tenant.users.iter().enumerate() {
            let mut entry = Entry::row(format!("PingOne user {}", position + 1));
            entry.push("objectClass", Value::from(USER_CLASS));
            if !user.is_object() {
                return Err(Error::unusable(format!("{}: is not a JSON object", entry.place)));
            }
            flatten(&mut entry, "", user);
            let population = text(&user["population"], "id").and_then(|id| self.populations.get(id)).cloned().flatten();
            if let Some(name) = population.filter(|_| entry.values(POPULATION_NAME).is_empty()) {
                entry.push(POPULATION_NAME, Value::from(name.as_str()));
            }
            let user_id = text(user, ID).unwrap_or_default();
            for id in self.group_ids(user, tenant.members.as_ref().and_then(|members| members.get(user_id))) {
                if let Some(group_members) = members.get_mut(id.as_str()) {
                    group_members.extend(text(user, ID));
                }
                if let Some(group) = self.groups.get(&id) {
                    push_unique(&mut entry, GROUP_NAMES, &group.name);
                }
                push_unique(&mut entry, GROUP_IDS, &id);
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

    /// Returns the ids of the groups of a user: those that the user lists, `from_groups`, and all groups that contain
    /// these.
    fn group_ids(&self, user: &Json, from_groups: Option<&BTreeSet<String>>) -> BTreeSet<String> {
        let mut remaining: Vec<String> = texts(user, GROUP_IDS).map(str::to_owned).collect();
        // Names are not unique, so they count only if the user lists no ids.
        if remaining.is_empty() {
            let is_listed = |group: &PingOneGroup| texts(user, GROUP_NAMES).any(|name| name == group.name);
            remaining.extend(self.groups.iter().filter(|(_, group)| is_listed(group)).map(|(id, _)| id.clone()));
        }
        remaining.extend(from_groups.into_iter().flatten().cloned());
        let mut all = BTreeSet::new();
        while let Some(id) = remaining.pop() {
            if let Some(group) = self.groups.get(&id).filter(|_| !all.contains(&id)) {
                remaining.extend(group.parents.iter().cloned());
            }
            all.insert(id);
        }
        all
    }

    /// Checks that the populations and groups that a rule names exist.
    fn check_names(&self, named: &NamedObjects) -> Result<(), Error> {
        for name in &named.populations {
            let names = self.populations.values().flatten();
            let known = self.populations.contains_key(name) || names.clone().any(|other| fold(other) == fold(name));
            if !known {
                let text = format!("rule: the user filter names the population `{}`, which ", excerpt(name));
                return Err(Error::unusable(if self.has_all_populations {
                    Message::new(text + "PingOne does not have").with_hint("check the user filter")
                } else {
                    Message::new(text + "no user has, and the populations were not read")
                        .with_hint("add the pages of populations to source.files")
                }));
            }
        }
        for name in &named.groups {
            let is_group =
                self.groups.contains_key(name) || self.groups.values().any(|group| fold(&group.name) == fold(name));
            if !(is_group || self.groups_of_users.contains(&fold(name))) {
                let text =
                    format!("rule: the user filter names the group `{}`, which PingOne does not have", excerpt(name));
                return Err(Error::unusable(Message::new(text).with_hint(GROUP_HINT)));
            }
        }
        Ok(())
    }

    /// Returns the id of the group to provision that has this id or name.
    fn provisioned_group_id(&self, group_name: &str) -> Result<&str, Error> {
        let message = |text: &str| Message::new(format!("rule.groups: `{}` {text}", excerpt(group_name)));
        let found = match self.groups.get_key_value(group_name) {
            Some(found) => Some(found),
            None => {
                let mut named = self.groups.iter().filter(|(_, group)| fold(&group.name) == fold(group_name));
                match (named.next(), named.next()) {
                    (_, Some(_)) => {
                        let message = message("is the name of several groups");
                        return Err(Error::unusable(message.with_hint("name the group by its id")));
                    }
                    (found, None) => found,
                }
            }
        };
        match found {
            Some((_, group)) if group.is_external => {
                Err(Error::unusable(message("is an external group, which is not provisioned")))
            }
            Some((id, _)) => Ok(id),
            None => Err(Error::unusable(message("is not a group of PingOne").with_hint(GROUP_HINT))),
        }
    }
}

/// Adds a value if the attribute does not contain it.
fn push_unique(entry: &mut Entry, attribute: &str, text: &str) {
    let value = Value::from(text);
    if !entry.values(attribute).contains(&value) {
        entry.push(attribute, value);
    }
}

/// Adds every text, number and boolean of a JSON object to the entry, under the path to it (`name.given`).
fn flatten(entry: &mut Entry, path: &str, json: &Json) {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                // Skips links, and a member that would count as the object class of the entry.
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
