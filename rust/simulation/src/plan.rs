//! Describes a run as data: settings, people, groups, changes of the source, and everything that goes wrong.
//! Does not know: how a run is carried out, what is right.
//!
//! A plan is made from a seed alone ([`crate::generate`]). Shrinking removes parts of it and keeps the seed, so the
//! order of threads and the delays stay those of the seed as far as possible.

use std::time::Duration;

/// Everything that a run depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Chooses the order of threads, the delays and the random numbers of pfscim.
    pub seed: u64,
    /// Which host calls core.
    pub host: Host,
    /// The settings of the Target tab that differ from the defaults: name and value.
    pub settings: Vec<(&'static str, String)>,
    /// How many threads send, *Max Threads*.
    pub threads: usize,
    /// Whether groups keep members that the source does not have.
    pub merge_groups: bool,
    /// The people of the source, by number. All numbers in a plan refer to this list.
    pub people: Vec<Person>,
    /// The groups of the source.
    pub groups: Vec<Group>,
    /// The accounts that the target has before the first cycle.
    pub accounts: Vec<Account>,
    /// The groups that the target has before the first cycle.
    pub start_groups: Vec<StartGroup>,
    /// The time before each cycle of the first phase, in which faults happen.
    pub gaps: Vec<Duration>,
    /// The changes of the source.
    pub changes: Vec<Change>,
    /// How the target behaves in the whole run.
    pub quirks: Vec<Quirk>,
    /// What happens once: faults, writes of a third party, kills.
    pub incidents: Vec<Incident>,
}

/// The program that calls core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// `pfscim`: the engine of `rust/channel`, with a state.
    Engine {
        /// Whether one process runs all cycles (`sync --every`). Otherwise each cycle has a process of its own.
        keeps_process: bool,
    },
    /// PingFederate: calls through the SPI, in any order, with a store of its own.
    Spi {
        /// Whether the host stores the id that `getUser` returns. Otherwise it stores only ids that writes return.
        stores_found_ids: bool,
        /// Whether `deprovisionUser` gets the identifier of the user.
        passes_identifier: bool,
        /// Whether the host calls `getUser` before `deprovisionUser`, and forgets a user who is not found.
        looks_up_leavers: bool,
        /// Whether the host updates a user whose id it has stored without a lookup before.
        trusts_stored_ids: bool,
        /// Whether the host looks up with one session and writes with another one.
        uses_two_sessions: bool,
        /// The *Timeout* after which the host does not wait for a call. The call goes on.
        gives_up_after: Option<Duration>,
    },
}

/// A person of the source. The number of the person gives the GUID.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The user name at the start.
    pub user_name: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The title, if the person has one.
    pub title: Option<String>,
    /// Whether the person is in the source before the first cycle.
    pub in_scope: bool,
    /// Whether the account of the person is enabled in the source.
    pub enabled: bool,
}

/// A group of the source. The number of the group gives the GUID.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The name at the start.
    pub name: String,
    /// The numbers of the people in it.
    pub members: Vec<usize>,
}

/// An account that exists before the first cycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The person whose user name it has; `None` for a stranger.
    pub person: Option<usize>,
    /// Whether it is active.
    pub active: bool,
}

/// A group that exists before the first cycle. It has attributes that are not mapped, and the first stranger is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct StartGroup {
    /// The group of the source whose name it has; `None` for a group that the source does not have.
    pub group: Option<usize>,
}

/// One change of the source.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The cycle before which it happens, from 0.
    pub cycle: usize,
    /// What changes.
    pub edit: Edit,
}

/// What changes in the source.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// The person comes into scope.
    Join(usize),
    /// The person leaves the scope.
    Leave(usize),
    /// The account of the person is enabled.
    Enable(usize),
    /// The account of the person is disabled.
    Disable(usize),
    /// The user name changes.
    Rename(usize, String),
    /// The title changes, or is cleared.
    Title(usize, Option<String>),
    /// A person comes into a group.
    Add {
        /// The number of the group.
        group: usize,
        /// The number of the person.
        person: usize,
    },
    /// A person leaves a group.
    Remove {
        /// The number of the group.
        group: usize,
        /// The number of the person.
        person: usize,
    },
    /// The group gets another name.
    RenameGroup(usize, String),
    /// The group leaves the source.
    DropGroup(usize),
}

/// A lasting behaviour of the target that differs from RFC 7644, or that the RFC leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quirk {
    /// Several accounts may have one user name.
    NamesNotUnique,
    /// Lists ignore `filter`.
    FilterIgnored,
    /// Lists show a write up to 60 s later.
    ListsLag,
    /// Lists have at most two resources per page, also if `count` is larger.
    SmallPages,
    /// Lists have no `totalResults`.
    NoTotal,
    /// Lists of users have the right `totalResults` and no resources.
    ListsCountOnly,
    /// `PATCH` is answered 501, and the service provider configuration says so.
    NoPatch,
    /// `PATCH` is answered 405 although the service provider configuration announces it.
    PatchAnnounced,
    /// `PATCH` of users is answered 204 and changes nothing.
    PatchIgnored,
    /// `PUT` of users is answered 405.
    NoPut,
    /// Operations with a filtered path are accepted and change nothing.
    FilteredPathIgnored,
    /// `active` is never shown.
    ActiveNotShown,
    /// `active` is shown as text.
    ActiveAsText,
    /// Inactive accounts are not shown: neither by id nor in lists. Their names stay taken.
    InactiveHidden,
    /// A create ignores `active`.
    CreateIgnoresActive,
    /// Writes are answered 204 with an empty body. Creates are answered 201 with a `Location` and an empty body.
    NoContent,
    /// Creates are answered 200 with an empty body and no `Location`.
    CreateSaysNothing,
    /// `members` are shown by a read only if `attributes=members` requests them.
    MembersOnRequest,
    /// Groups show two members at most.
    MembersCut,
    /// `DELETE` of users is answered 405.
    NoDelete,
    /// A deleted account is shown for up to 60 s.
    DeletesLag,
    /// Writes without the current entity tag are answered 412 if a tag was sent. Resources have entity tags.
    EntityTags,
    /// The target has no service provider configuration.
    NoConfiguration,
}

impl Quirk {
    /// Every quirk.
    pub const ALL: [Self; 23] = [
        Self::NamesNotUnique,
        Self::FilterIgnored,
        Self::ListsLag,
        Self::SmallPages,
        Self::NoTotal,
        Self::ListsCountOnly,
        Self::NoPatch,
        Self::PatchAnnounced,
        Self::PatchIgnored,
        Self::NoPut,
        Self::FilteredPathIgnored,
        Self::ActiveNotShown,
        Self::ActiveAsText,
        Self::InactiveHidden,
        Self::CreateIgnoresActive,
        Self::NoContent,
        Self::CreateSaysNothing,
        Self::MembersOnRequest,
        Self::MembersCut,
        Self::NoDelete,
        Self::DeletesLag,
        Self::EntityTags,
        Self::NoConfiguration,
    ];
}

/// The requests that an incident waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestClass {
    /// A read of a user by its id.
    ReadUser,
    /// A list of users.
    ListUsers,
    /// `POST` of a user.
    CreateUser,
    /// `PUT` or `PATCH` of a user.
    WriteUser,
    /// `DELETE` of a user.
    DeleteUser,
    /// A read of a group by its id.
    ReadGroup,
    /// A list of groups.
    ListGroups,
    /// `POST`, `PUT`, `PATCH` or `DELETE` of a group.
    WriteGroup,
    /// The service provider configuration.
    ReadConfiguration,
}

impl RequestClass {
    /// Every class.
    pub const ALL: [Self; 9] = [
        Self::ReadUser,
        Self::ListUsers,
        Self::CreateUser,
        Self::WriteUser,
        Self::DeleteUser,
        Self::ReadGroup,
        Self::ListGroups,
        Self::WriteGroup,
        Self::ReadConfiguration,
    ];
}

/// Something that happens once, when a request of a class is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// The class of the request.
    pub class: RequestClass,
    /// Which request of this class it is, from 0. Only requests of the first phase count.
    pub nth: usize,
    /// What happens.
    pub what: What,
}

/// What happens at a request.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The request or its response goes wrong.
    Fault(Fault),
    /// A third party writes at the target just before the request arrives.
    ThirdParty(ThirdParty),
    /// The process of the host is killed while the request is on its way.
    Kill,
}

/// How a request, or its response, goes wrong. The numbers of requests are those in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The next requests of the class get a status and are not carried out.
    Refused {
        /// The status.
        status: u16,
        /// How many requests.
        times: u8,
    },
    /// The request is carried out, and the response has a status of 500 or more, from a gateway.
    AppliedThen(u16),
    /// 404 with a SCIM error, although the resource exists or the list could be read.
    StrayNotFound,
    /// The next requests of the class get a web page with status 404 and are not carried out.
    PageNotFound {
        /// How many requests.
        times: u8,
    },
    /// The response is a web page with status 200. The request is not carried out.
    Page,
    /// No connection. The request is not carried out.
    NoConnection,
    /// The connection breaks before the target receives the request.
    ResetBefore,
    /// The connection breaks after the target carried out the request.
    ResetAfter,
    /// The connection breaks, and the target carries out the request up to 60 s later.
    LandsLate,
    /// The write is answered with success and is not carried out. The response shows what was sent.
    Dropped,
    /// The write is answered with success and is not carried out. The response shows the state before it.
    DroppedAndShown,
    /// The write is carried out, and the response is empty.
    Empty,
    /// The response contains another resource of the same kind.
    OtherResource,
    /// A list lacks its last resource, and `totalResults` counts only what is shown.
    CutList,
    /// A list lacks its last resource, and `totalResults` counts it.
    ShortPage,
}

impl Fault {
    /// The name without numbers, as in the list of known findings.
    pub fn name(self) -> String {
        match self {
            Self::Refused { status, .. } => format!("Refused{status}"),
            Self::AppliedThen(_) => "AppliedThen".into(),
            Self::PageNotFound { .. } => "PageNotFound".into(),
            other => format!("{other:?}"),
        }
    }

    /// Returns whether the fault can happen to this class of request.
    pub fn fits(self, class: RequestClass) -> bool {
        use RequestClass::{CreateUser, DeleteUser, ListGroups, ListUsers, ReadGroup, ReadUser, WriteGroup, WriteUser};
        let is_read = matches!(class, ReadUser | ReadGroup | ListUsers | ListGroups);
        match self {
            Self::CutList | Self::ShortPage => matches!(class, ListUsers | ListGroups),
            Self::StrayNotFound | Self::PageNotFound { .. } => class != RequestClass::ReadConfiguration,
            Self::LandsLate | Self::Dropped => matches!(class, CreateUser | WriteUser | DeleteUser | WriteGroup),
            // The answer to a `DELETE` is empty anyway.
            Self::DroppedAndShown | Self::Empty => matches!(class, CreateUser | WriteUser | WriteGroup),
            Self::OtherResource => matches!(class, ReadUser | CreateUser | WriteUser | ReadGroup),
            Self::AppliedThen(_) | Self::ResetAfter => !is_read && class != RequestClass::ReadConfiguration,
            Self::Refused { status: 409, .. } => matches!(class, CreateUser | WriteUser | WriteGroup),
            Self::Refused { status: 412, .. } => matches!(class, WriteUser | DeleteUser | WriteGroup),
            _ => true,
        }
    }
}

/// Whose account a third party writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The account with the user name of this person.
    Person(usize),
    /// The first account of a stranger.
    Stranger,
}

/// A write of an administrator or another program at the target.
#[derive(Debug, Clone, PartialEq)]
pub enum ThirdParty {
    /// Deletes the account.
    Delete(Owner),
    /// Disables the account.
    Disable(Owner),
    /// Enables the account.
    Enable(Owner),
    /// Changes an attribute that is not mapped.
    ChangeUnmapped(Owner),
    /// Creates an account with the user name of this person, if no account has it.
    Create(usize),
    /// Deletes the account and creates another one with the same user name and a new id.
    MakeAgain(usize),
    /// Gives the account another user name.
    Rename(Owner),
    /// Adds a stranger to the first group of the target.
    AddMember,
    /// Removes the first member of the first group of the target.
    RemoveMember,
}

impl Incident {
    /// The name of the cause, as in the list of known findings.
    pub fn name(&self) -> String {
        match &self.what {
            What::Fault(fault) => format!("{} of {:?}", fault.name(), self.class),
            What::ThirdParty(write) => {
                let text = format!("{write:?}");
                format!("ThirdParty{}", text.split('(').next().unwrap_or_default())
            }
            What::Kill => "Kill".into(),
        }
    }
}

/// What tests of several modules share.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A plan in which nothing happens, with `user0` and `user1` in the source.
    pub(crate) fn plan(host: Host) -> Plan {
        let person = |number| Person {
            user_name: format!("user{number}"),
            given_name: "Ada".into(),
            family_name: "Byron".into(),
            title: None,
            in_scope: true,
            enabled: true,
        };
        Plan {
            seed: 1,
            host,
            settings: Vec::new(),
            threads: 1,
            merge_groups: false,
            people: vec![person(0), person(1)],
            groups: Vec::new(),
            accounts: Vec::new(),
            start_groups: Vec::new(),
            gaps: Vec::new(),
            changes: Vec::new(),
            quirks: Vec::new(),
            incidents: Vec::new(),
        }
    }
}
