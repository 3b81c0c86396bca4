//! Groups: found, created, updated and deleted. Their name and their members are provisioned, nothing else.

use crate::sync::lock_ignoring_poison;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::matching::choose_match;
use super::session::{MatchedResource, OperationError, Session, status_and_reason};
use super::writing::{id_from_location, is_conflict, is_success};
use crate::http::{Deadline, Method, Request, Response};
use crate::scim::{self, GroupChanges, MemberId, ResourceType};
use crate::text::printable;
use crate::{Failure, Outcome, Report};

/// So many members without an id are named in a warning.
const WARNING_NAMES_MAX: usize = 10;

/// A group as the host sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupRecord {
    /// The target's id, when it is known. An empty id counts as unknown.
    pub id: Option<String>,
    /// Its name: CN or DN, as *GroupRecord Name Source* says.
    pub name: String,
    /// Its members; `None` = unknown, so that nothing about members is sent; empty = nobody.
    pub members: Option<Vec<GroupMember>>,
    /// What becomes of members at the target that are not among these.
    pub unlisted_members: UnlistedMembers,
}

/// What becomes of members at the target that a group of the source does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UnlistedMembers {
    /// They are removed.
    #[default]
    Remove,
    /// They stay members.
    Keep {
        /// The target ids of members that are removed nevertheless.
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
    /// The target's id; a member without one is left out and named.
    pub id: Option<String>,
    /// What the source calls it, for warnings.
    pub name: String,
    /// A nested group.
    pub is_group: bool,
}

/// How an operation on a group would end, and what it would change; for previews.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPreview {
    /// How the operation would end.
    pub report: Report,
    /// Its name now, where it would get another one.
    pub old_name: Option<String>,
    /// Target ids of the members that it would get.
    pub added: Vec<String>,
    /// Target ids of the members that it would lose.
    pub removed: Vec<String>,
}

/// What a session remembers of groups.
#[derive(Debug, Default)]
pub(super) struct GroupCache {
    /// Groups just read, by id: taken by the update that follows.
    resources: HashMap<String, MatchedResource>,
    /// Names to ids: found or made in this session.
    ids_by_name: HashMap<String, String>,
    /// Ids of groups that were found by their name only.
    matched_by_name: HashSet<String>,
    /// The whole list, where the target has no usable filter.
    index: Option<Arc<GroupIndex>>,
}

/// Name in lower case to the groups that carry it: id and name as the target spells it.
type GroupIndex = HashMap<String, Vec<(String, String)>>;

/// So many groups just read are kept; they can be large.
const CACHE_ENTRIES_MAX: usize = 100;

impl GroupRecord {
    /// The target's id, unless it is unknown or empty.
    pub fn known_id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }

    /// One line that names the members which cannot be sent because they have no id; `None` where all have one.
    pub fn skipped_members_warning(&self) -> Option<String> {
        let members = self.members.iter().flatten();
        let without: Vec<_> = members.filter(|m| m.known_id().is_none()).map(|m| printable(&m.name)).collect();
        let more = without.len().saturating_sub(WARNING_NAMES_MAX);
        let names = without[..without.len() - more].join(", ");
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = || format!("{} members without a target id were left out: {names}{rest}", without.len());
        (!without.is_empty()).then(text)
    }

    /// Whether others stay members, and which of them do not.
    fn removable_ids(&self) -> Option<&[String]> {
        match &self.unlisted_members {
            UnlistedMembers::Remove => None,
            UnlistedMembers::Keep { except } => Some(except),
        }
    }

    /// The members that can be sent.
    fn member_ids(&self) -> Option<Vec<MemberId>> {
        let member = |m: &GroupMember| Some(MemberId { id: m.known_id()?.to_owned(), is_group: m.is_group });
        self.members.as_ref().map(|members| members.iter().filter_map(member).collect())
    }
}

impl GroupMember {
    /// The target's id, unless it is unknown or empty.
    pub fn known_id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }
}

impl Session {
    /// The id of a group: by id, then by its name.
    ///
    /// # Errors
    /// `ambiguous` where several groups carry the name; wire failures.
    pub fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        self.operation(None, |deadline| {
            let found = self.locate_group(id.filter(|id| !id.is_empty()), name, deadline)?;
            Ok(found.map(|found| self.cache_group(name, found)))
        })
    }

    /// Creates a group, or adopts the one of that name.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn create_group(&self, group: &GroupRecord) -> Result<Report, Failure> {
        self.operation(None, |deadline| match self.locate_group(None, &group.name, deadline)? {
            Some(found) => self.change_group(group, &found, true, deadline),
            None => self.post_group(group, deadline),
        })
    }

    /// Brings a group up to date: its name and its members.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn update_group(&self, group: &GroupRecord) -> Result<Report, Failure> {
        self.operation(None, |deadline| match self.find_group_to_update(group, deadline)? {
            Some((found, is_adopted)) => self.change_group(group, &found, is_adopted, deadline),
            None => self.post_group(group, deadline),
        })
    }

    /// An update (or, where the group is not there, a create) in an environment with `dry_run`: reads as it would,
    /// writes nothing, and tells what would change.
    ///
    /// # Errors
    /// As the operation; [`Failure::Config`] where the environment is no dry run.
    pub fn preview_group(&self, group: &GroupRecord) -> Result<GroupPreview, Failure> {
        self.require_dry_run()?;
        self.operation(None, |deadline| match self.find_group_to_update(group, deadline)? {
            Some((found, is_adopted)) => {
                let report = self.change_group(group, &found, is_adopted, deadline)?;
                let changes = GroupChanges::between(
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

    /// Deletes a group, by its stored id only.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn delete_group(&self, group: &GroupRecord) -> Result<Report, Failure> {
        self.operation(None, |deadline| {
            let Some(id) = group.known_id() else {
                return Ok(Report::new(Outcome::AlreadyGone, None)
                    .warn("no target id is stored for this group, so there is nothing that may be deleted"));
            };
            if lock_ignoring_poison(&self.group_cache).matched_by_name.contains(id) {
                return Ok(Report::new(Outcome::Skipped, Some(id))
                    .warn("the group was found by its name in this very cycle; it is not deleted in the same one"));
            }
            let Some(found) = self.read(ResourceType::Group, id, deadline)? else {
                return Ok(Report::new(Outcome::AlreadyGone, Some(id)));
            };
            self.count_removal()?;
            let outcome = if self.connector().environment.dry_run {
                Outcome::Deleted
            } else {
                match self
                    .send_with_retry(&found, deadline, |current| self.send(Method::Delete, current, None, deadline))
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

    /// The group that an update is about, and whether this cycle found it by its name only.
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
            // A host that looked it up first hands in the id that was found by name.
            let is_matched_by_name =
                !found.linked && lock_ignoring_poison(&self.group_cache).matched_by_name.contains(&found.id);
            let is_adopted = is_matched_by_name || group.known_id() != Some(&found.id);
            (found, is_adopted)
        }))
    }

    fn cache_group(&self, name: &str, found: MatchedResource) -> String {
        let mut cache = lock_ignoring_poison(&self.group_cache);
        let id = found.id.clone();
        // A group that this session made is its own, however it is found again.
        let is_own =
            cache.ids_by_name.values().any(|cached_id| *cached_id == id) && !cache.matched_by_name.contains(&id);
        if !found.linked && !is_own {
            cache.matched_by_name.insert(id.clone());
        }
        cache.ids_by_name.insert(name.to_owned(), id.clone());
        if cache.resources.len() < CACHE_ENTRIES_MAX {
            cache.resources.insert(id.clone(), found);
        }
        id
    }

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

    /// By a `displayName` filter where the target supports filters, else from all pages.
    fn group_by_name(&self, name: &str, deadline: Deadline) -> Result<Option<String>, OperationError> {
        let connector = self.connector();
        let is_unindexed = lock_ignoring_poison(&self.group_cache).index.is_none();
        if is_unindexed && connector.capabilities(deadline)?.is_some_and(|capabilities| capabilities.filter) {
            match self.group_by_filter(name, deadline) {
                Ok(Some(found)) => return Ok(found),
                // Strangers in the answer: the filter is not obeyed.
                Ok(None) => {}
                // The claim does not hold for groups.
                Err(OperationError { failure: Failure::Rejected(_), forbidden: false, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let index = self.group_index(deadline)?;
        let matches = index.get(&name.to_lowercase()).into_iter().flatten();
        choose_match(matches.map(|(id, spelling)| (spelling == name, id.clone())).collect(), "groups", "displayName")
    }

    /// `None` where the target does not obey the filter.
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

    fn group_index(&self, deadline: Deadline) -> Result<Arc<GroupIndex>, OperationError> {
        if let Some(index) = &lock_ignoring_poison(&self.group_cache).index {
            return Ok(Arc::clone(index));
        }
        let mut index = GroupIndex::new();
        self.connector().for_each_resource(ResourceType::Group, None, deadline, |group| {
            if let (Some(id), Some(spelling)) = (scim::id(&group), scim::display_name(&group)) {
                let matches = index.entry(spelling.to_lowercase()).or_default();
                if matches.iter().all(|(other_id, _)| *other_id != id) {
                    matches.push((id, spelling.to_owned()));
                }
            }
            true
        })?;
        let index = Arc::new(index);
        lock_ignoring_poison(&self.group_cache).index = Some(Arc::clone(&index));
        Ok(index)
    }

    fn post_group(&self, group: &GroupRecord, deadline: Deadline) -> Result<Report, OperationError> {
        let connector = self.connector();
        let (members, warning) = (group.member_ids(), group.skipped_members_warning());
        let report = |outcome, id: Option<&str>| {
            let report = Report::new(outcome, id);
            warning.iter().fold(report, |report, warning| report.warn(warning))
        };
        if connector.environment.dry_run {
            return Ok(report(Outcome::Created, None));
        }
        let lock = connector.lock_identifier(&format!("group {}", group.name), deadline)?;
        if lock.waited
            && let Some(found) = self.locate_group(None, &group.name, deadline)?
        {
            return self.change_group(group, &found, true, deadline);
        }
        // With PATCH, what is beyond one batch follows; a PUT-only target takes the members as a whole.
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
                lock_ignoring_poison(&self.group_cache).index = None;
                return match self.locate_group(None, &group.name, deadline)? {
                    Some(found) => self.change_group(group, &found, true, deadline),
                    None => Err(Failure::Conflict(
                        format!(
                            "the target says that the group exists ({}), but does not find it by displayName",
                            status_and_reason(&response)
                        )
                        .into(),
                    )
                    .into()),
                };
            }
            Ok(response) if is_success(&response) => response,
            Ok(response) => return Err(connector.unexpected_status("creating the group", &response)),
            Err(error) if error.maybe_done => {
                lock_ignoring_poison(&self.group_cache).index = None;
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
                Failure::Protocol("the target created the group but tells no id and does not find it".into())
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

    fn change_group(
        &self,
        group: &GroupRecord,
        found: &MatchedResource,
        is_adopted: bool,
        deadline: Deadline,
    ) -> Result<Report, OperationError> {
        let connector = self.connector();
        let (members, warning) = (group.member_ids(), group.skipped_members_warning());
        let changes_from = |current: &MatchedResource| {
            GroupChanges::between(&current.resource, &group.name, members.as_deref(), group.removable_ids())
        };
        let changes = changes_from(found);
        let outcome = match (is_adopted, changes.is_empty()) {
            (true, _) => Outcome::Adopted,
            (false, true) => Outcome::Unchanged,
            (false, false) => Outcome::Updated,
        };
        if !changes.is_empty() && !connector.environment.dry_run {
            self.send_with_retry(found, deadline, |current| {
                // After a 412 the differences are those to the group as it is now.
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

    /// Differences in batches by `PATCH`, or the whole group by `PUT`. A rename with unknown members is a `PATCH`
    /// where the target says that it can, so that no members are sent.
    fn send_group(
        &self,
        found: &MatchedResource,
        changes: &GroupChanges,
        members_known: bool,
        deadline: Deadline,
    ) -> Result<Response, OperationError> {
        if changes.is_empty() {
            return Ok(Response::nothing());
        }
        let connector = self.connector();
        let use_patch = connector.settings.group_patch
            || !members_known && connector.capabilities(deadline)?.is_some_and(|capabilities| capabilities.patch);
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
            // The next batch meets the version that this one made.
            current.etag = response.etag;
        }
    }
}
