//! Finds, creates, updates and deletes groups: their name and members, nothing else.
//! Does not know: users, fields.

use std::collections::{HashMap, HashSet};

use super::index::ResourceIds;
use super::matching::choose_match;
use super::session::{MatchedResource, OperationError, Session, status_and_reason};
use super::writing::{id_from_location, is_conflict, is_success};
use crate::http::{Deadline, Method, Request, Response};
use crate::scim::{self, GroupDifferences, MemberId, ResourceType};
use crate::sync::lock_ignoring_poison;
use crate::text::printable;
use crate::{Failure, Message, Outcome, Report};

/// A warning names this many members without an id at most.
const WARNING_NAMES_MAX: usize = 10;

/// The group that a host sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupRecord {
    /// The target id, if the host knows it. An empty id counts as unknown.
    pub id: Option<String>,
    /// The name: CN or DN, depending on *Group Name Source*.
    pub name: String,
    /// The members. `None`: unknown, so the connector does not change members. Empty: the group has no members.
    pub members: Option<Vec<GroupMember>>,
    /// What happens to members at the target that `members` does not contain.
    pub unlisted_members: UnlistedMembers,
}

/// What happens to members at the target that the record of the group does not contain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UnlistedMembers {
    /// They are removed.
    #[default]
    Remove,
    /// They stay members, with exceptions.
    Keep {
        /// The target ids of members that are removed.
        except: Vec<String>,
    },
}

impl UnlistedMembers {
    /// All of them stay.
    pub const KEEP_ALL: Self = Self::Keep { except: Vec::new() };
}

/// A member of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupMember {
    /// The target id. A member without a target id is not sent, and a warning names it.
    pub id: Option<String>,
    /// The name in the source, for warnings.
    pub name: String,
    /// True for a nested group.
    pub is_group: bool,
}

/// The result of a preview of a group: the outcome that the operation would have, and its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPreview {
    /// The report that the operation would return.
    pub report: Report,
    /// The name at the target, if the operation would change it.
    pub old_name: Option<String>,
    /// Target ids of the members that the operation would add.
    pub added: Vec<String>,
    /// Target ids of the members that the operation would remove.
    pub removed: Vec<String>,
}

/// What a session caches about groups.
#[derive(Debug, Default)]
pub(super) struct GroupCache {
    /// Groups by id that a lookup has read. The next update takes them out.
    resources: HashMap<String, MatchedResource>,
    /// Maps names to ids of groups that this session found or created.
    ids_by_name: HashMap<String, String>,
    /// Ids of groups that only a search by the name found.
    matched_by_name: HashSet<String>,
}

/// The cache keeps this many groups at most, because they can be large.
const GROUP_CACHE_ENTRIES_MAX: usize = 100;

impl GroupRecord {
    /// Returns the target id, unless it is unknown or empty.
    pub fn known_id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }

    /// Returns a warning that names the members without a target id; `None` if each member has one.
    pub fn unsent_members_warning(&self) -> Option<String> {
        let members = self.members.iter().flatten();
        let without: Vec<_> = members.filter(|m| m.known_id().is_none()).map(|m| printable(&m.name)).collect();
        let more = without.len().saturating_sub(WARNING_NAMES_MAX);
        let names = without[..without.len() - more].join(", ");
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = || format!("members without a target id were not sent ({}): {names}{rest}", without.len());
        (!without.is_empty()).then(text)
    }

    /// Returns the ids of the unlisted members that may be removed; `None` if each of them may be removed.
    fn removable_ids(&self) -> Option<&[String]> {
        match &self.unlisted_members {
            UnlistedMembers::Remove => None,
            UnlistedMembers::Keep { except } => Some(except),
        }
    }

    /// Returns the members with a target id; `None` if the members are unknown.
    fn member_ids(&self) -> Option<Vec<MemberId>> {
        let member = |m: &GroupMember| Some(MemberId { id: m.known_id()?.to_owned(), is_group: m.is_group });
        self.members.as_ref().map(|members| members.iter().filter_map(member).collect())
    }
}

impl GroupMember {
    /// Returns the target id, unless it is unknown or empty.
    pub fn known_id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }
}

impl Session {
    /// Finds a group by the id, then by the name. Returns its id.
    ///
    /// # Errors
    /// [`Failure::Ambiguous`] if several groups have the name; failures of the requests.
    pub fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        self.operation(None, |deadline| {
            let found = self.locate_group(id.filter(|id| !id.is_empty()), name, deadline)?;
            Ok(found.map(|found| self.cache_group(name, found)))
        })
    }

    /// Creates a group, or adopts the group with that name.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn create_group(&self, group: &GroupRecord) -> Result<Report, Failure> {
        self.operation(None, |deadline| match self.locate_group(None, &group.name, deadline)? {
            Some(found) => self.change_group(group, &found, true, deadline),
            None => self.post_group(group, deadline),
        })
    }

    /// Updates the name and the members of a group, or creates a group that the target does not have.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn update_group(&self, group: &GroupRecord) -> Result<Report, Failure> {
        self.operation(None, |deadline| match self.find_group_to_update(group, deadline)? {
            Some((found, is_adopted)) => self.change_group(group, &found, is_adopted, deadline),
            None => self.post_group(group, deadline),
        })
    }

    /// Returns what an update, or the create of an absent group, would change. Reads as the operation does, and writes
    /// nothing.
    ///
    /// # Errors
    /// As the operation; [`Failure::Config`] if the environment is not a dry run.
    pub fn preview_group(&self, group: &GroupRecord) -> Result<GroupPreview, Failure> {
        self.require_dry_run()?;
        self.operation(None, |deadline| match self.find_group_to_update(group, deadline)? {
            Some((found, is_adopted)) => {
                let report = self.change_group(group, &found, is_adopted, deadline)?;
                let changes = GroupDifferences::between(
                    &found.resource,
                    &group.name,
                    group.member_ids().as_deref(),
                    group.removable_ids(),
                );
                let old_name = changes.name.and_then(|_| scim::display_name(&found.resource)).map(str::to_owned);
                let added = changes.add.into_iter().map(|member| member.id).collect();
                Ok(GroupPreview { report, old_name, added, removed: changes.remove })
            }
            None => {
                let report = self.post_group(group, deadline)?;
                let added = group.member_ids().unwrap_or_default().into_iter().map(|member| member.id).collect();
                Ok(GroupPreview { report, old_name: None, added, removed: Vec::new() })
            }
        })
    }

    /// Deletes the group with the stored id.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn delete_group(&self, group: &GroupRecord) -> Result<Report, Failure> {
        self.operation(None, |deadline| {
            let Some(id) = group.known_id() else {
                return Ok(Report::new(Outcome::AlreadyGone, None)
                    .warn("no target id is stored for this group, so nothing was deleted"));
            };
            if lock_ignoring_poison(&self.group_cache).matched_by_name.contains(id) {
                return Ok(Report::new(Outcome::Skipped, Some(id))
                    .warn("this cycle found the group by its name only, so it was not deleted"));
            }
            let Some(found) = self.read(ResourceType::Group, id, deadline)? else {
                return Ok(Report::new(Outcome::AlreadyGone, Some(id)));
            };
            self.count_removal()?;
            let outcome = if self.connector().environment.dry_run {
                Outcome::Deleted
            } else {
                match self
                    .send_with_reread(&found, deadline, |current| self.send(Method::Delete, current, None, deadline))
                {
                    Ok(_) => Outcome::Deleted,
                    Err(OperationError { failure: Failure::NotFound(_), .. }) => Outcome::AlreadyGone,
                    Err(error) => return Err(error),
                }
            };
            lock_ignoring_poison(&self.group_cache).ids_by_name.retain(|_, cached_id| cached_id != id);
            Ok(Report::new(outcome, Some(id)))
        })
    }

    /// Finds the group of an update. The second value is true if the update adopts it, because only its name was known.
    fn find_group_to_update(
        &self,
        group: &GroupRecord,
        deadline: Deadline,
    ) -> Result<Option<(MatchedResource, bool)>, OperationError> {
        let cached_id = lock_ignoring_poison(&self.group_cache).ids_by_name.get(&group.name).cloned();
        let id = group.known_id().or(cached_id.as_deref());
        let cached = id.and_then(|id| lock_ignoring_poison(&self.group_cache).resources.remove(id));
        let found = match cached {
            Some(found) => Some(found),
            None => self.locate_group(id, &group.name, deadline)?,
        };
        Ok(found.map(|found| {
            // The host may pass an id that a search by the name found.
            let is_matched_by_name =
                !found.linked && lock_ignoring_poison(&self.group_cache).matched_by_name.contains(&found.id);
            let is_adopted = is_matched_by_name || group.known_id() != Some(&found.id);
            (found, is_adopted)
        }))
    }

    /// Caches a group for the update that may follow. Returns its id.
    fn cache_group(&self, name: &str, found: MatchedResource) -> String {
        let mut cache = lock_ignoring_poison(&self.group_cache);
        let id = found.id.clone();
        // A group that this session created is linked, also if a search by the name finds it again.
        let is_own =
            cache.ids_by_name.values().any(|cached_id| *cached_id == id) && !cache.matched_by_name.contains(&id);
        if !found.linked && !is_own {
            cache.matched_by_name.insert(id.clone());
        }
        cache.ids_by_name.insert(name.to_owned(), id.clone());
        if cache.resources.len() < GROUP_CACHE_ENTRIES_MAX {
            cache.resources.insert(id.clone(), found);
        }
        id
    }

    /// Finds a group by the id, then by the name, and reads it by its id.
    fn locate_group(
        &self,
        id: Option<&str>,
        name: &str,
        deadline: Deadline,
    ) -> Result<Option<MatchedResource>, OperationError> {
        if let Some(id) = id
            && let Some(found) = self.read(ResourceType::Group, id, deadline)?
        {
            return Ok(Some(found));
        }
        let Some(id) = self.group_by_name(name, deadline)? else { return Ok(None) };
        Ok(self.read(ResourceType::Group, &id, deadline)?.map(|found| MatchedResource { linked: false, ..found }))
    }

    /// Finds a group by a `displayName` filter if the target supports filters, otherwise in the list of all groups.
    fn group_by_name(&self, name: &str, deadline: Deadline) -> Result<Option<String>, OperationError> {
        let connector = self.connector();
        if self.group_index.cached().is_none()
            && connector.capabilities(deadline)?.is_some_and(|capabilities| capabilities.filter)
        {
            match self.group_by_filter(name, deadline) {
                Ok(Some(found)) => return Ok(found),
                // The target ignored the filter.
                Ok(None) => {}
                // The target supports filters, but not for groups.
                Err(OperationError { failure: Failure::Rejected(_), is_forbidden: false, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let clock = &*connector.environment.clock;
        let index = self.group_index.cached_or_read(clock, deadline, || self.read_group_index(deadline))?;
        let matches = index.get(&name.to_lowercase()).into_iter().flatten();
        choose_match(matches.map(|(id, spelling)| (spelling == name, id.clone())).collect(), "groups", "displayName")
    }

    /// Finds a group by a `displayName` filter. The outer `None` means that the target ignored the filter.
    fn group_by_filter(&self, name: &str, deadline: Deadline) -> Result<Option<Option<String>>, OperationError> {
        let mut matches = Vec::new();
        let mut has_mismatch = false;
        let filter = scim::display_name_equals(name);
        self.connector().for_each_resource(ResourceType::Group, Some(&filter), deadline, |group| {
            match (scim::id(&group), scim::display_name(&group)) {
                (Some(id), Some(spelling)) if spelling.to_lowercase() == name.to_lowercase() => {
                    matches.push((spelling == name, id));
                }
                _ => has_mismatch = true,
            }
            !has_mismatch
        })?;
        if has_mismatch {
            return Ok(None);
        }
        choose_match(matches, "groups", "displayName").map(Some)
    }

    fn read_group_index(&self, deadline: Deadline) -> Result<ResourceIds, OperationError> {
        let mut index = ResourceIds::new();
        self.connector().for_each_resource(ResourceType::Group, None, deadline, |group| {
            if let (Some(id), Some(spelling)) = (scim::id(&group), scim::display_name(&group)) {
                let matches = index.entry(spelling.to_lowercase()).or_default();
                if matches.iter().all(|(other_id, _)| *other_id != id) {
                    matches.push((id, spelling.to_owned()));
                }
            }
            true
        })?;
        Ok(index)
    }

    /// Creates a group, or adopts it if another request has created it.
    fn post_group(&self, group: &GroupRecord, deadline: Deadline) -> Result<Report, OperationError> {
        let connector = self.connector();
        let (members, warning) = (group.member_ids(), group.unsent_members_warning());
        let report = |outcome, id: Option<&str>| {
            let report = Report::new(outcome, id);
            warning.iter().fold(report, |report, warning| report.warn(warning))
        };
        if connector.environment.dry_run {
            return Ok(report(Outcome::Created, None));
        }
        let turn = connector.take_create_turn(&format!("group {}", group.name), deadline)?;
        if turn.has_waited()
            && let Some(found) = self.locate_group(None, &group.name, deadline)?
        {
            return self.change_group(group, &found, true, deadline);
        }
        // With PATCH, the members after the first batch follow. Without PATCH, the create has all members.
        let all_members = members.unwrap_or_default();
        let is_batched = connector.settings.group_patch && all_members.len() > scim::PATCH_MEMBERS_MAX;
        let first_batch = if is_batched { &all_members[..scim::PATCH_MEMBERS_MAX] } else { &all_members[..] };
        let first_batch = group.members.as_ref().map(|_| first_batch);
        let request = Request {
            method: Method::Post,
            url: connector.addresses.endpoint(ResourceType::Group),
            body: Some(scim::new_group_body(connector.settings.version, &group.name, first_batch)),
            if_match: None,
        };
        let response = match connector.client.send(&request, deadline) {
            Ok(response) if is_conflict(&response) => {
                self.group_index.clear();
                return match self.locate_group(None, &group.name, deadline)? {
                    Some(found) => self.change_group(group, &found, true, deadline),
                    None => {
                        let text = format!(
                            "creating the group: the target returned {}, but a search by displayName does not find the \
                             group",
                            status_and_reason(&response)
                        );
                        let hint = "search the target for a hidden or deleted group with this name";
                        Err(Failure::Conflict(Message::new(text).with_hint(hint)).into())
                    }
                };
            }
            Ok(response) if is_success(&response) => response,
            Ok(response) => return Err(connector.unexpected_status("creating the group", &response)),
            Err(error) if error.maybe_applied => {
                self.group_index.clear();
                match self.locate_group(None, &group.name, deadline)? {
                    Some(found) => {
                        let id = found.id.clone();
                        self.change_group(group, &found, false, deadline)?;
                        return Ok(report(Outcome::Created, Some(&id)));
                    }
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        let response_id = response.body.and_then(Result::ok).as_ref().and_then(scim::id);
        let id = match response_id.or_else(|| response.location.as_deref().and_then(id_from_location)) {
            Some(id) => id,
            None => self.group_by_name(&group.name, deadline)?.ok_or_else(|| {
                let text = "creating the group: the target returned no id, and a search by displayName does not find \
                            the group";
                Failure::Protocol(text.into())
            })?,
        };
        lock_ignoring_poison(&self.group_cache).ids_by_name.insert(group.name.clone(), id.clone());
        if is_batched && let Some(found) = self.read(ResourceType::Group, &id, deadline)? {
            self.change_group(
                &GroupRecord { unlisted_members: UnlistedMembers::KEEP_ALL, ..group.clone() },
                &found,
                false,
                deadline,
            )?;
        }
        Ok(report(Outcome::Created, Some(&id)))
    }

    /// Writes the differences of a group.
    fn change_group(
        &self,
        group: &GroupRecord,
        found: &MatchedResource,
        is_adopted: bool,
        deadline: Deadline,
    ) -> Result<Report, OperationError> {
        let connector = self.connector();
        let (members, warning) = (group.member_ids(), group.unsent_members_warning());
        let changes_from = |current: &MatchedResource| {
            GroupDifferences::between(&current.resource, &group.name, members.as_deref(), group.removable_ids())
        };
        let changes = changes_from(found);
        let outcome = match (is_adopted, changes.is_empty()) {
            (true, _) => Outcome::Adopted,
            (false, true) => Outcome::Unchanged,
            (false, false) => Outcome::Updated,
        };
        if !changes.is_empty() && !connector.environment.dry_run {
            self.send_with_reread(found, deadline, |current| {
                // After a 412 the group was read again, so the differences are new.
                self.send_group(current, &changes_from(current), members.is_some(), deadline)
            })?;
        }
        let mut cache = lock_ignoring_poison(&self.group_cache);
        cache.ids_by_name.insert(group.name.clone(), found.id.clone());
        if is_adopted && !found.linked {
            cache.matched_by_name.insert(found.id.clone());
        }
        Ok(warning.into_iter().fold(Report::new(outcome, Some(&found.id)), Report::warn))
    }

    /// Sends the differences in batches by `PATCH`, or the whole group by `PUT`. If the members are unknown and the
    /// target supports `PATCH`, a rename is a `PATCH`, so that no members are sent.
    fn send_group(
        &self,
        found: &MatchedResource,
        changes: &GroupDifferences,
        are_members_known: bool,
        deadline: Deadline,
    ) -> Result<Response, OperationError> {
        if changes.is_empty() {
            return Ok(Response::no_content());
        }
        let connector = self.connector();
        let use_patch = connector.settings.group_patch
            || !are_members_known && connector.capabilities(deadline)?.is_some_and(|capabilities| capabilities.patch);
        if !use_patch {
            return self.send(Method::Put, found, Some(changes.merged(&found.resource)), deadline);
        }
        let mut current = found.clone();
        let mut bodies = changes.patches(connector.settings.version).into_iter().peekable();
        loop {
            let response = self.send(Method::Patch, &current, bodies.next(), deadline)?;
            if bodies.peek().is_none() || !is_success(&response) {
                return Ok(response);
            }
            // The previous batch changed the version of the group.
            current.etag = response.etag;
        }
    }
}
