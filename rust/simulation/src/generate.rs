//! Makes a plan from a seed.
//! Does not know: how a plan is carried out.
//!
//! Most plans have few causes, because a run with many is exempt from more and tells less.

use std::time::Duration;

use fastrand::Rng;

use crate::plan::{
    Account, Change, Edit, Fault, Group, Host, Incident, Owner, Person, Plan, Quirk, RequestClass, StartGroup,
    ThirdParty, What,
};

/// Keeps the choices of the plan apart from those of the run, which uses the seed itself.
const SALT: u64 = 0x5ca1_ab1e;
/// The first cycle before which the source changes.
pub const FIRST_CHANGE: usize = 1;
/// The most incidents of a plan.
const INCIDENTS_MAX: usize = 4;
/// The most quirks of a plan.
const QUIRKS_MAX: usize = 3;
/// Statuses of a request that is refused.
const REFUSALS: [u16; 9] = [400, 401, 403, 409, 410, 412, 429, 500, 503];
/// Statuses of a gateway that lost the response.
const LOST: [u16; 4] = [500, 502, 503, 504];

/// Returns the plan of a seed.
pub fn plan(seed: u64) -> Plan {
    let rng = &mut Rng::with_seed(seed ^ SALT);
    let people: Vec<Person> = (0..rng.usize(1..=5)).map(|number| person(rng, number)).collect();
    let groups = weighted(rng, &[(4, 0), (4, 1), (2, 2)]);
    let groups: Vec<Group> = (0..groups).map(|number| group(rng, number, people.len())).collect();
    let gaps: Vec<Duration> = (0..rng.usize(2..=4)).map(|_| Duration::from_secs(rng.u64(1..=120))).collect();
    let changes = (0..rng.usize(0..=5)).map(|number| change(rng, number, people.len(), groups.len(), gaps.len()));
    let changes = changes.collect();
    let quirks = weighted(rng, &[(7, 0), (7, 1), (4, 2), (2, QUIRKS_MAX)]);
    let incidents = weighted(rng, &[(2, 0), (8, 1), (5, 2), (3, 3), (2, INCIDENTS_MAX)]);
    let mut plan = Plan {
        seed,
        host: host(rng),
        settings: settings(rng),
        threads: weighted(rng, &[(4, 1), (3, 2), (3, 3)]),
        merge_groups: one_in(rng, 4),
        accounts: accounts(rng, people.len()),
        start_groups: start_groups(rng, groups.len()),
        gaps,
        changes,
        quirks: distinct_quirks(rng, quirks),
        incidents: (0..incidents).map(|_| incident(rng, people.len())).collect(),
        people,
        groups,
    };
    match rng.u32(0..20) {
        0 | 1 => add_vanished_account(rng, &mut plan),
        2 | 3 => add_undone_change(rng, &mut plan),
        _ => {}
    }
    plan
}

/// Adds what is rare by chance: a person changes, the cycle that sends it ends early, and the change is undone.
fn add_undone_change(rng: &mut Rng, plan: &mut Plan) {
    let person = rng.usize(0..plan.people.len());
    while plan.gaps.len() < FIRST_CHANGE + 2 {
        plan.gaps.push(Duration::from_secs(rng.u64(1..=120)));
    }
    let (first, second) = match rng.u32(0..3) {
        0 => (Edit::Disable(person), Edit::Enable(person)),
        1 => (Edit::Leave(person), Edit::Join(person)),
        _ => (Edit::Title(person, Some("Other".into())), Edit::Title(person, plan.people[person].title.clone())),
    };
    plan.changes.push(Change { cycle: FIRST_CHANGE, edit: first });
    plan.changes.push(Change { cycle: FIRST_CHANGE + 1, edit: second });
    plan.people[person] = Person { in_scope: true, enabled: true, ..plan.people[person].clone() };
    let what = if rng.bool() { What::Kill } else { What::Fault(Fault::ResetAfter) };
    plan.incidents.truncate(INCIDENTS_MAX - 1);
    plan.incidents.push(Incident { class: RequestClass::WriteUser, nth: rng.usize(0..3), what });
}

/// Adds what is rare by chance: the account of a person disappears, and then the person changes.
fn add_vanished_account(rng: &mut Rng, plan: &mut Plan) {
    let person = rng.usize(0..plan.people.len());
    let classes = [RequestClass::ReadUser, RequestClass::ListUsers, RequestClass::WriteUser];
    let class = classes[rng.usize(0..classes.len())];
    let what = What::ThirdParty(ThirdParty::Delete(Owner::Person(person)));
    plan.incidents.truncate(INCIDENTS_MAX - 1);
    plan.incidents.push(Incident { class, nth: rng.usize(0..4), what });
    let cycle = plan.gaps.len() - 1;
    plan.changes.push(Change { cycle, edit: Edit::Title(person, Some("LastTitle".into())) });
    if rng.bool() {
        plan.people[person].enabled = false;
        plan.settings.retain(|(name, _)| !["PROVISION_DISABLED_USERS_PROV_OPT", "REMOVE_ACTION"].contains(name));
        plan.settings.push(("PROVISION_DISABLED_USERS_PROV_OPT", "true".into()));
    }
}

fn one_in(rng: &mut Rng, count: u32) -> bool {
    rng.u32(0..count) == 0
}

/// Chooses one of the values, each with its weight.
fn weighted<T: Copy + Default>(rng: &mut Rng, choices: &[(u32, T)]) -> T {
    let mut at = rng.u32(0..choices.iter().map(|(weight, _)| weight).sum::<u32>().max(1));
    for (weight, value) in choices {
        if at < *weight {
            return *value;
        }
        at -= weight;
    }
    T::default()
}

fn person(rng: &mut Rng, number: usize) -> Person {
    Person {
        user_name: format!("user{number}"),
        given_name: format!("Given{number}"),
        family_name: format!("Family{number}"),
        title: rng.bool().then(|| format!("Title{number}")),
        in_scope: !one_in(rng, 6),
        enabled: !one_in(rng, 4),
    }
}

fn group(rng: &mut Rng, number: usize, people: usize) -> Group {
    Group { name: format!("group{number}"), members: (0..people).filter(|_| !one_in(rng, 3)).collect() }
}

/// Returns some accounts of people, and of strangers.
fn accounts(rng: &mut Rng, people: usize) -> Vec<Account> {
    let mut accounts = Vec::new();
    for person in 0..people {
        if one_in(rng, 4) {
            accounts.push(Account { person: Some(person), active: !one_in(rng, 4) });
        }
    }
    let strangers = weighted(rng, &[(3, 0), (5, 1), (2, 2)]);
    accounts.extend((0..strangers).map(|_| Account { person: None, active: !one_in(rng, 4) }));
    rng.shuffle(&mut accounts);
    accounts
}

/// Returns some groups of the source, and one that the source does not have.
fn start_groups(rng: &mut Rng, groups: usize) -> Vec<StartGroup> {
    let names = (0..groups).map(Some).chain([None]);
    names.filter(|_| one_in(rng, 4)).map(|group| StartGroup { group }).collect()
}

fn change(rng: &mut Rng, number: usize, people: usize, groups: usize, cycles: usize) -> Change {
    let person = rng.usize(0..people);
    let group = rng.usize(0..groups.max(1));
    let kinds = if groups > 0 { 10 } else { 6 };
    let edit = match rng.u32(0..kinds) {
        0 => Edit::Join(person),
        1 => Edit::Leave(person),
        2 => Edit::Enable(person),
        3 => Edit::Disable(person),
        4 => Edit::Rename(person, format!("new{number}user{person}")),
        5 => Edit::Title(person, rng.bool().then(|| format!("NewTitle{number}"))),
        6 => Edit::Add { group, person },
        7 => Edit::Remove { group, person },
        8 => Edit::RenameGroup(group, format!("new{number}group{group}")),
        _ => Edit::DropGroup(group),
    };
    Change { cycle: rng.usize(FIRST_CHANGE..cycles), edit }
}

fn host(rng: &mut Rng) -> Host {
    if rng.u32(0..10) < 6 {
        return Host::Engine { keeps_process: rng.bool() };
    }
    Host::Spi {
        stores_found_ids: rng.bool(),
        passes_identifier: rng.bool(),
        looks_up_leavers: rng.bool(),
        trusts_stored_ids: one_in(rng, 4),
        uses_two_sessions: one_in(rng, 3),
        gives_up_after: one_in(rng, 3).then_some(Duration::from_secs(20)),
    }
}

/// Returns the settings that differ from the defaults.
fn settings(rng: &mut Rng) -> Vec<(&'static str, String)> {
    let mut settings = Vec::new();
    let mut set = |is_set: bool, name: &'static str, value: &str| {
        if is_set {
            settings.push((name, value.to_owned()));
        }
    };
    let method = weighted(rng, &[(5, ""), (3, "PATCH"), (2, "Automatic")]);
    set(!method.is_empty(), "USER_UPDATE_METHOD", method);
    set(one_in(rng, 4), "REMOVE_ACTION", "Delete");
    set(one_in(rng, 16), "CREATE_USERS_PROV_OPT", "false");
    set(one_in(rng, 16), "UPDATE_USERS_PROV_OPT", "false");
    set(one_in(rng, 20), "REMOVE_USERS_PROV_OPT", "false");
    set(one_in(rng, 3), "PROVISION_DISABLED_USERS_PROV_OPT", "true");
    set(one_in(rng, 12), "MAX_REMOVALS_PER_CYCLE", "1");
    set(one_in(rng, 3), "GROUP_PATCH_PROV_OPT", "true");
    set(one_in(rng, 4), "CLEARABLE_ATTRIBUTES", "title");
    settings
}

fn distinct_quirks(rng: &mut Rng, count: usize) -> Vec<Quirk> {
    let mut quirks = rng.choose_multiple(Quirk::ALL, count);
    quirks.sort_unstable();
    quirks
}

fn incident(rng: &mut Rng, people: usize) -> Incident {
    let class =
        RequestClass::ALL[weighted(rng, &[(3, 0), (4, 1), (4, 2), (4, 3), (1, 4), (1, 5), (2, 6), (3, 7), (1, 8)])];
    let last = rng.usize(0..=6);
    let nth = rng.usize(0..=last);
    let what = match rng.u32(0..20) {
        0..=11 => What::Fault(fault(rng, class)),
        12..=16 => What::ThirdParty(third_party(rng, people)),
        _ => What::Kill,
    };
    Incident { class, nth, what }
}

fn fault(rng: &mut Rng, class: RequestClass) -> Fault {
    let times = weighted(rng, &[(3, 1), (1, 2), (1, 4), (2, 8)]);
    let faults = [
        Fault::Refused { status: REFUSALS[rng.usize(0..REFUSALS.len())], times },
        Fault::Refused { status: 503, times },
        Fault::AppliedThen(LOST[rng.usize(0..LOST.len())]),
        Fault::StrayNotFound,
        Fault::PageNotFound { times },
        Fault::Page,
        Fault::NoConnection,
        Fault::ResetBefore,
        Fault::ResetAfter,
        Fault::LandsLate,
        Fault::Dropped,
        Fault::DroppedAndShown,
        Fault::Empty,
        Fault::OtherResource,
        Fault::CutList,
        Fault::ShortPage,
    ];
    let fitting: Vec<Fault> = faults.into_iter().filter(|fault| fault.fits(class)).collect();
    fitting[rng.usize(0..fitting.len())]
}

fn third_party(rng: &mut Rng, people: usize) -> ThirdParty {
    let person = rng.usize(0..people);
    let owner = if one_in(rng, 4) { Owner::Stranger } else { Owner::Person(person) };
    match rng.u32(0..14) {
        0 | 9 | 10 => ThirdParty::Delete(owner),
        1 => ThirdParty::Disable(owner),
        2 => ThirdParty::Enable(owner),
        3 => ThirdParty::ChangeUnmapped(owner),
        4 => ThirdParty::Create(person),
        5 | 12 | 13 => ThirdParty::MakeAgain(person),
        6 => ThirdParty::Rename(owner),
        7 => ThirdParty::AddMember,
        _ => ThirdParty::RemoveMember,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_plan_and_seeds_differ() {
        assert_eq!(plan(7), plan(7));
        assert_ne!(Plan { seed: 0, ..plan(7) }, Plan { seed: 0, ..plan(8) });
    }

    #[test]
    fn plans_stay_within_their_limits() {
        for seed in 0..2000 {
            let plan = plan(seed);
            assert!(plan.incidents.len() <= INCIDENTS_MAX && plan.quirks.len() <= QUIRKS_MAX);
            assert!(plan.changes.iter().all(|change| (FIRST_CHANGE..plan.gaps.len()).contains(&change.cycle)));
            for incident in &plan.incidents {
                if let What::Fault(fault) = incident.what {
                    assert!(fault.fits(incident.class), "{incident:?}");
                }
            }
        }
    }
}
