//! Finds, creates, updates and deletes groups: their name and members, nothing else.
//! Does not know: users, fields.

use super::exchange::{OperationError, TimeLimit, is_conflict, is_success, status_and_reason, unexpected_status};
use super::lookup::{Located, Lookup, Reading};
use super::session::Session;
use super::writing::{Written, refused};
use crate::facts::{Absence, ById, InResponse, Shown, doubt};
use crate::http::{Method, Response};
use crate::scim::{self, GroupDifferences, MemberId, ResourceType};
use crate::text::{excerpt, printable};
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

const GROUP: ResourceType = ResourceType::Group;

impl Session {
    /// Finds a group by the id, then by the name. Returns its id. `None` means that it is proved that the target does not
    /// have the group: if an id is given, by the id and by the name.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] without a proof; [`Failure::Ambiguous`] if several groups have the name; failures of the
    /// requests.
    pub fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        self.operation(None, |limit| {
            let found = self.find_present(id, name, Reading::Fresh, limit)?;
            if let (Some(stored), Some((shown, true))) = (id.filter(|id| !id.is_empty()), &found) {
                self.connector.mark_found_instead(GROUP, shown.id(), stored);
            }
            Ok(found.map(|(shown, _)| shown.id().to_owned()))
        })
    }

    /// Creates a group, or adopts the group with that name.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn create_group(&self, group: &GroupRecord) -> Result<Report, Failure> {
        self.operation(None, |limit| match self.find_present(None, &group.name, Reading::Fresh, limit)? {
            Some((found, _)) => self.change_group(group, &found, true, limit),
            None => self.post_group(group, limit),
        })
    }

    /// Updates the name and the members of a group, or creates a group that the target does not have.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn update_group(&self, group: &GroupRecord) -> Result<Report, Failure> {
        self.operation(None, |limit| match self.find_group_to_update(group, limit)? {
            Some((found, is_adopted)) => self.change_group(group, &found, is_adopted, limit),
            None => self.post_group(group, limit),
        })
    }

    /// Returns what an update, or the create of an absent group, would change. Reads as the operation does, and writes
    /// nothing.
    ///
    /// # Errors
    /// As the operation; [`Failure::Config`] if the environment is not a dry run.
    pub fn preview_group(&self, group: &GroupRecord) -> Result<GroupPreview, Failure> {
        self.require_dry_run()?;
        self.operation(None, |limit| match self.find_group_to_update(group, limit)? {
            Some((found, is_adopted)) => {
                let report = self.change_group(group, &found, is_adopted, limit)?;
                let changes = GroupDifferences::between(
                    found.resource(),
                    &group.name,
                    group.member_ids().as_deref(),
                    group.removable_ids(),
                );
                let old_name = changes.name.and_then(|_| scim::display_name(found.resource())).map(str::to_owned);
                let added = changes.add.into_iter().map(|member| member.id).collect();
                Ok(GroupPreview { report, old_name, added, removed: changes.remove })
            }
            None => {
                let report = self.post_group(group, limit)?;
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
        self.operation(None, |limit| {
            let stored = group.known_id();
            let Some(id) = stored else {
                return match self.look_up(GROUP, &group.name, limit)? {
                    Lookup::NoMatch(no_match) => Ok(already_gone(None, &Absence::of_unlinked(no_match))),
                    Lookup::Found(other) => Err(not_linked(None, &other).into()),
                };
            };
            if let Some(missing) = self.connector.found_instead_of(GROUP, id)
                && let ById::Shown(other) = self.read(GROUP, id, limit)?
            {
                return Err(not_linked(Some(&missing), &other).into());
            }
            let found = match self.locate(GROUP, id, Some(&group.name), Reading::Fresh, limit)? {
                Located::Absent(absence) => return Ok(already_gone(stored, &absence)),
                Located::Linked(found) => found,
                Located::Instead(other) => return Err(not_linked(stored, &other).into()),
            };
            if !self.connector.is_linked(GROUP, found.id()) {
                return Ok(Report::new(Outcome::Skipped, Some(found.id()))
                    .warn("this cycle found the group by its name only, so it was not deleted"));
            }
            self.count_removal()?;
            if self.is_dry_run() {
                return Ok(Report::new(Outcome::Deleted, Some(found.id())));
            }
            let exchange = &self.connector.exchange;
            let send = |current: &Shown| exchange.send(Method::Delete, current, None, limit);
            if let Written::Done(_) = self.send_with_reread(&found, limit, send)? {
                return Ok(Report::new(Outcome::Deleted, Some(found.id())));
            }
            let name = scim::display_name(found.resource()).unwrap_or(&group.name);
            match self.locate(GROUP, found.id(), Some(name), Reading::Fresh, limit)? {
                Located::Absent(absence) => Ok(already_gone(Some(found.id()), &absence)),
                Located::Linked(current) => Err(refused(&current).into()),
                Located::Instead(other) => Err(not_linked(stored, &other).into()),
            }
        })
    }

    /// Returns the group with the stored id, or with the name. The second value is true if it was found by its name.
    fn find_present(
        &self,
        id: Option<&str>,
        name: &str,
        reading: Reading,
        limit: &TimeLimit,
    ) -> Result<Option<(Shown, bool)>, OperationError> {
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            return Ok(match self.locate(GROUP, id, Some(name), reading, limit)? {
                Located::Linked(shown) => Some((shown, false)),
                Located::Instead(shown) => {
                    self.connector.mark_found(GROUP, shown.id());
                    Some((shown, true))
                }
                Located::Absent(_) => None,
            });
        }
        Ok(match self.locate_unlinked(GROUP, name, reading, limit)? {
            Lookup::Found(shown) => Some((shown, true)),
            Lookup::NoMatch(_) => None,
        })
    }

    /// Finds the group of an update. The second value is true if the update adopts it, because only its name was known.
    fn find_group_to_update(
        &self,
        group: &GroupRecord,
        limit: &TimeLimit,
    ) -> Result<Option<(Shown, bool)>, OperationError> {
        let found = self.find_present(group.known_id(), &group.name, Reading::Remembered, limit)?;
        Ok(found.map(|(shown, is_by_name)| {
            // The host may pass an id that a lookup by the name found.
            let is_adopted = is_by_name || !self.connector.is_linked(GROUP, shown.id());
            (shown, is_adopted)
        }))
    }

    /// Creates a group, or adopts it if another request has created it.
    fn post_group(&self, group: &GroupRecord, limit: &TimeLimit) -> Result<Report, OperationError> {
        let exchange = &self.connector.exchange;
        let (members, warning) = (group.member_ids(), group.unsent_members_warning());
        let report = |outcome, id: Option<&str>| {
            let report = Report::new(outcome, id);
            warning.iter().fold(report, |report, warning| report.warn(warning))
        };
        if self.is_dry_run() {
            return Ok(report(Outcome::Created, None));
        }
        let turn = self.connector.take_create_turn(GROUP, &group.name, limit)?;
        if turn.has_waited()
            && let Lookup::Found(found) = self.look_up(GROUP, &group.name, limit)?
        {
            return self.change_group(group, &found, true, limit);
        }
        // With PATCH, the members after the first batch follow. Without PATCH, the create has all members.
        let all_members = members.unwrap_or_default();
        let is_batched = exchange.settings.group_patch && all_members.len() > scim::PATCH_MEMBERS_MAX;
        let first_batch = if is_batched { &all_members[..scim::PATCH_MEMBERS_MAX] } else { &all_members[..] };
        let first_batch = group.members.as_ref().map(|_| first_batch);
        let body = scim::new_group_body(exchange.settings.version, &group.name, first_batch);
        let key = exchange.group_filter.key(&group.name);
        self.connector.mark_create(GROUP, &key);
        let response = match exchange.post(GROUP, body, limit) {
            Ok(response) if is_conflict(&response) => {
                self.memory.forget_list(GROUP);
                return match self.look_up(GROUP, &group.name, limit)? {
                    Lookup::Found(found) => self.change_group(group, &found, true, limit),
                    Lookup::NoMatch(_) => {
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
            Ok(response) => return Err(unexpected_status("creating the group", &response)),
            Err(error) if error.maybe_applied => {
                self.memory.forget_list(GROUP);
                match self.look_up(GROUP, &group.name, limit)? {
                    Lookup::Found(found) => {
                        self.change_group(group, &found, false, limit)?;
                        return Ok(report(Outcome::Created, Some(found.id())));
                    }
                    Lookup::NoMatch(_) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        };
        let id = self.created_group_id(group, &response, limit)?;
        self.memory.note_written(GROUP, &id, &key, &group.name, exchange.now());
        self.connector.mark_linked(GROUP, &id);
        if is_batched && let ById::Shown(found) = self.read(GROUP, &id, limit)? {
            self.change_group(
                &GroupRecord { unlisted_members: UnlistedMembers::KEEP_ALL, ..group.clone() },
                &found,
                false,
                limit,
            )?;
        }
        Ok(report(Outcome::Created, Some(&id)))
    }

    /// Returns the id of a created group.
    fn created_group_id(
        &self,
        group: &GroupRecord,
        response: &Response,
        limit: &TimeLimit,
    ) -> Result<String, OperationError> {
        let filter = &self.connector.exchange.group_filter;
        match InResponse::read(GROUP, response, filter, &group.name)? {
            InResponse::Shown(shown) => return Ok(shown.id().to_owned()),
            InResponse::Named(id) => {
                if let ById::Shown(shown) = self.read(GROUP, &id, limit)? {
                    shown.check_identifier(filter, &group.name)?;
                    return Ok(id);
                }
            }
            InResponse::Nothing => {}
        }
        self.memory.forget_list(GROUP);
        match self.look_up(GROUP, &group.name, limit)? {
            Lookup::Found(found) => Ok(found.id().to_owned()),
            Lookup::NoMatch(_) => {
                let text = "creating the group: the target does not show the group whose create it accepted, so the next \
                            cycle searches again";
                Err(doubt(text).into())
            }
        }
    }

    /// Writes the differences of a group.
    fn change_group(
        &self,
        group: &GroupRecord,
        found: &Shown,
        is_adopted: bool,
        limit: &TimeLimit,
    ) -> Result<Report, OperationError> {
        let exchange = &self.connector.exchange;
        let (members, warning) = (group.member_ids(), group.unsent_members_warning());
        let changes_from = |current: &Shown| {
            GroupDifferences::between(current.resource(), &group.name, members.as_deref(), group.removable_ids())
        };
        let changes = changes_from(found);
        let outcome = match (is_adopted, changes.is_empty()) {
            (true, _) => Outcome::Adopted,
            (false, true) => Outcome::Unchanged,
            (false, false) => Outcome::Updated,
        };
        if !changes.is_empty() && !self.is_dry_run() {
            let written = self.send_with_reread(found, limit, |current| {
                // After a 412 the group was read again, so the differences are new.
                self.send_group(current, &changes_from(current), members.is_some(), limit)
            })?;
            let key = exchange.group_filter.key(&group.name);
            self.memory.note_written(GROUP, found.id(), &key, &group.name, exchange.now());
            if let Written::NotFound = written {
                return Err(refused(found).into());
            }
        }
        self.connector.mark_linked(GROUP, found.id());
        Ok(warning.into_iter().fold(Report::new(outcome, Some(found.id())), Report::warn))
    }

    /// Sends the differences in batches by `PATCH`, or the whole group by `PUT`. If the members are unknown and the
    /// target supports `PATCH`, a rename is a `PATCH`, so that no members are sent.
    fn send_group(
        &self,
        found: &Shown,
        changes: &GroupDifferences,
        are_members_known: bool,
        limit: &TimeLimit,
    ) -> Result<Response, OperationError> {
        if changes.is_empty() {
            return Ok(Response::no_content());
        }
        let exchange = &self.connector.exchange;
        let use_patch = exchange.settings.group_patch || !are_members_known && exchange.configuration(limit)?.patch();
        if !use_patch {
            return exchange.send(Method::Put, found, Some(changes.merged(found.resource())), limit);
        }
        let mut current = found.clone();
        let mut bodies = changes.patches(exchange.settings.version).into_iter().peekable();
        loop {
            let response = exchange.send(Method::Patch, &current, bodies.next(), limit)?;
            if bodies.peek().is_none() || !is_success(&response) {
                return Ok(response);
            }
            // The previous batch changed the version of the group.
            current = current.with_etag(response.etag);
        }
    }
}

/// Reports that the target does not have the group, which is proved.
fn already_gone(id: Option<&str>, _: &Absence) -> Report {
    Report::new(Outcome::AlreadyGone, id)
}

/// Returns the failure for a delete if only a group with the name is found, which was never linked to the record.
fn not_linked(stored: Option<&str>, other: &Shown) -> Failure {
    let text = match stored {
        Some(stored) => format!(
            "the target no longer has the group with the stored id {}, and group {} has its name, and it is not proved that it \
             is the same, so nothing was deleted",
            excerpt(stored),
            excerpt(other.id())
        ),
        None => format!(
            "no target id is stored for this group, and group {} with the same name was never linked, so it was not deleted",
            excerpt(other.id())
        ),
    };
    let hint = "delete that group at the target if it is the same";
    Failure::NotFound(Message::new(text).with_hint(hint))
}
