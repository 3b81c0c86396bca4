//! Tests each invariant with small histories written by hand: what is right passes, what is wrong is found.

use std::time::Duration;

use pfscim_core::{Outcome, Report};
use serde_json::{Value, json};

use super::*;
use crate::history::{GroupNow, History, Operation, PersonNow, Printed, Requested, Snapshot};
use crate::plan::{Host, Owner, Quirk, ThirdParty, testing};
use crate::target::{Kind, Sent, Target};

/// A run that a test tells step by step. Each step takes one second.
struct Story {
    plan: Plan,
    target: Target,
    history: History,
    now: Duration,
}

const P0: (Kind, usize) = (Kind::User, 0);
const P1: (Kind, usize) = (Kind::User, 1);
const G0: (Kind, usize) = (Kind::Group, 0);

impl Story {
    /// One cycle with the people `user0` and `user1`, and the group `group0` of `user0`.
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(quirks: &[Quirk]) -> Self {
        let host = Host::Engine { keeps_process: false };
        let plan = Plan { quirks: quirks.to_vec(), ..testing::plan(host) };
        let person = |number| PersonNow {
            in_scope: true,
            enabled: true,
            user_name: format!("user{number}"),
            given_name: "Ada".into(),
            family_name: "Byron".into(),
            title: None,
        };
        let group = GroupNow { in_scope: true, name: "group0".into(), members: [0].into() };
        let history = History {
            source: vec![Snapshot { people: vec![person(0), person(1)], groups: vec![group] }],
            began: vec![Duration::ZERO],
            ends: vec![CycleEnd::Complete],
            ..History::default()
        };
        Self { plan, target: Target::new(quirks), history, now: Duration::ZERO }
    }

    /// Everything is as it should be.
    fn right() -> Self {
        let mut story = Self::new();
        story.send(P0, "POST", "/Users", account("user0"));
        story.print(P0, Operation::Create, Outcome::Created, Some("u1"));
        story.send(P1, "POST", "/Users", account("user1"));
        story.print(P1, Operation::Create, Outcome::Created, Some("u2"));
        story.send(G0, "POST", "/Groups", json!({"displayName": "group0", "members": [{"value": "u1"}]}));
        story.print(G0, Operation::Create, Outcome::Created, Some("g1"));
        story
    }

    fn person(&mut self, number: usize) -> &mut PersonNow {
        &mut self.history.source[0].people[number]
    }

    fn send(&mut self, record: (Kind, usize), method: &'static str, path: &str, body: Value) {
        self.now += Duration::from_secs(1);
        let sent = Sent { method, path: path.into(), query: Vec::new(), if_match: None, body };
        let answer = self.target.respond(&sent, self.now);
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        self.history.writers.resize(self.target.writes().len(), Some(record));
    }

    fn third_party(&mut self, write: &ThirdParty) {
        self.now += Duration::from_secs(1);
        assert!(self.target.third_party(write, &["user0".into(), "user1".into()], self.now));
        self.history.writers.resize(self.target.writes().len(), None);
    }

    /// Prints a line about what happened in the last second.
    fn print(&mut self, record: (Kind, usize), operation: Operation, outcome: Outcome, id: Option<&str>) {
        self.line(record, operation, Ok(Report::new(outcome, id)));
    }

    fn fail(&mut self, record: (Kind, usize)) {
        self.line(record, Operation::Update, Err("transport".into()));
    }

    fn line(&mut self, (kind, number): (Kind, usize), operation: Operation, result: Result<Report, String>) {
        let since = self.now;
        self.now += Duration::from_secs(1);
        let (at, blocked) = (self.now, false);
        self.history.printed.push(Printed {
            cycle: 0,
            since,
            at,
            kind,
            number,
            operation,
            result,
            sent: true,
            blocked,
        });
    }

    fn symptoms(self) -> Vec<Symptom> {
        let ran = Ran { history: self.history, target: self.target };
        judge(&self.plan, &ran).into_iter().map(|violation| violation.symptom).collect()
    }
}

fn account(name: &str) -> Value {
    json!({
        "userName": name,
        "name": {"givenName": "Ada", "familyName": "Byron"},
        "emails": [{"type": "work", "value": format!("{name}@example.com")}],
        "active": true,
    })
}

fn active(value: bool) -> Value {
    json!({"Operations": [{"op": "replace", "path": "active", "value": value}]})
}

fn members(members: Value) -> Value {
    json!({"Operations": [{"op": "replace", "path": "members", "value": members}]})
}

fn title() -> Value {
    json!({"Operations": [{"op": "replace", "path": "title", "value": "Countess"}]})
}

#[test]
fn a_run_in_which_all_is_right_has_no_symptom() {
    assert_eq!(Story::right().symptoms(), []);
}

#[test]
fn a_second_account_is_found_unless_it_is_reported() {
    let second = || {
        let mut story = Story::right();
        story.target = Target::new(&[Quirk::NamesNotUnique]);
        story.history.writers.clear();
        for _ in 0..2 {
            story.send(P0, "POST", "/Users", account("user0"));
        }
        story.send(P1, "POST", "/Users", account("user1"));
        story.send(G0, "POST", "/Groups", json!({"displayName": "group0", "members": [{"value": "u1"}]}));
        story.history.printed.clear();
        story
    };
    assert_eq!(second().symptoms(), [Symptom::TwoAccounts]);
    let mut reported = second();
    reported.fail(P0);
    assert_eq!(reported.symptoms(), []);
    let mut late = second();
    late.history.late.insert(1);
    assert_eq!(late.symptoms(), [], "a create that is still on its way cannot be found");
}

#[test]
fn a_user_without_an_account_is_found_unless_creates_are_off() {
    let mut story = Story::right();
    story.send(P1, "DELETE", "/Users/u2", Value::Null);
    assert_eq!(story.symptoms(), [Symptom::NoAccount]);
    let mut story = Story::right();
    story.send(P1, "DELETE", "/Users/u2", Value::Null);
    story.plan.settings.push(("CREATE_USERS_PROV_OPT", "false".into()));
    assert_eq!(story.symptoms(), []);
}

#[test]
fn wrong_values_and_inactive_accounts_are_found_unless_a_third_party_wrote() {
    let mut story = Story::right();
    story.person(0).family_name = "King".into();
    let symptoms = story.symptoms();
    assert_eq!(symptoms, [Symptom::WrongValues, Symptom::ClaimedWritten]);
    let mut story = Story::right();
    story.send(P0, "PATCH", "/Users/u1", active(false));
    assert_eq!(story.symptoms(), [Symptom::NotActive]);
    let mut story = Story::right();
    story.third_party(&ThirdParty::Disable(Owner::Person(0)));
    assert_eq!(story.symptoms(), []);
    let mut story = Story::right();
    story.third_party(&ThirdParty::Disable(Owner::Person(0)));
    story.now += Duration::from_secs(1);
    story.print(P0, Operation::Update, Outcome::Disabled, Some("u1"));
    assert_eq!(story.symptoms(), [Symptom::NotActive], "a later operation had to bring it back");
    let mut story = Story::right();
    story.third_party(&ThirdParty::ChangeUnmapped(Owner::Person(0)));
    story.send(P0, "PATCH", "/Users/u1", active(false));
    assert_eq!(story.symptoms(), [Symptom::NotActive], "an attribute that is not mapped excuses nothing");
}

#[test]
fn a_disabled_user_who_is_provisioned_has_the_mapped_values_too() {
    let renamed = |outcome| {
        let mut story = Story::right();
        story.plan.settings.push(("PROVISION_DISABLED_USERS_PROV_OPT", "true".into()));
        story.send(P1, "PATCH", "/Users/u2", active(false));
        story.person(1).enabled = false;
        story.person(1).family_name = "King".into();
        story.history.printed.clear();
        story.print(P1, Operation::Update, outcome, Some("u2"));
        story.symptoms()
    };
    assert!(renamed(Outcome::Updated).contains(&Symptom::WrongValues));
    assert_eq!(renamed(Outcome::Disabled), [], "row 12 changes nothing else");
}

#[test]
fn the_active_account_of_a_leaver_is_found_unless_it_is_reported() {
    let left = || {
        let mut story = Story::right();
        story.person(1).in_scope = false;
        story
    };
    assert_eq!(left().symptoms(), [Symptom::LeaverActive]);
    let mut reported = left();
    reported.fail(P1);
    assert_eq!(reported.symptoms(), []);
    let mut closed = left();
    closed.send(P1, "PATCH", "/Users/u2", active(false));
    closed.print(P1, Operation::Remove, Outcome::Disabled, Some("u2"));
    assert_eq!(closed.symptoms(), []);
    let mut off = left();
    off.plan.settings.push(("REMOVE_USERS_PROV_OPT", "false".into()));
    assert_eq!(off.symptoms(), []);
    let mut kept = left();
    kept.plan.settings.push(("REMOVE_ACTION", "Delete".into()));
    kept.send(P1, "PATCH", "/Users/u2", active(false));
    assert_eq!(kept.symptoms(), [Symptom::LeaverKept]);
    let mut disabled = Story::right();
    disabled.person(1).enabled = false;
    assert_eq!(disabled.symptoms().first(), Some(&Symptom::LeaverActive));
}

#[test]
fn a_write_to_a_stranger_or_to_another_user_is_found() {
    let mut story = Story::right();
    let id = story.target.add(Kind::User, account("stranger0"));
    story.send(P0, "PATCH", &format!("/Users/{id}"), title());
    assert_eq!(story.symptoms(), [Symptom::StrangerChanged]);
    let mut story = Story::right();
    story.send(P0, "PATCH", "/Users/u2", title());
    assert_eq!(story.symptoms(), [Symptom::AnotherChanged]);
    let mut story = Story::right();
    story.send(P1, "DELETE", "/Users/u1", Value::Null);
    assert!(story.symptoms().contains(&Symptom::AnotherChanged));
}

#[test]
fn wrong_members_and_groups_are_found_unless_they_are_reported() {
    let mut missing = Story::right();
    missing.send(G0, "PATCH", "/Groups/g1", members(json!([])));
    assert_eq!(missing.symptoms(), [Symptom::MemberMissing]);
    let mut kept = Story::right();
    kept.send(G0, "PATCH", "/Groups/g1", members(json!([{"value": "u1"}, {"value": "u2"}])));
    kept.fail(P0);
    assert_eq!(kept.symptoms(), [Symptom::MemberKept]);
    let mut reported = Story::right();
    reported.send(G0, "PATCH", "/Groups/g1", members(json!([])));
    reported.fail(G0);
    assert_eq!(reported.symptoms(), []);
    let mut gone = Story::right();
    gone.send(G0, "DELETE", "/Groups/g1", Value::Null);
    assert_eq!(gone.symptoms(), [Symptom::NoGroup]);
    let mut left = Story::right();
    left.history.source[0].groups[0].in_scope = false;
    assert_eq!(left.symptoms(), [Symptom::GroupKept]);
    let mut third = Story::right();
    third.third_party(&ThirdParty::RemoveMember);
    assert_eq!(third.symptoms(), []);
}

#[test]
fn an_account_that_others_made_instead_of_the_linked_one_must_not_be_closed() {
    for (is_closed, expected) in [(true, vec![Symptom::StrangerChanged]), (false, vec![])] {
        let mut story = Story::right();
        story.third_party(&ThirdParty::MakeAgain(1));
        if is_closed {
            story.send(P1, "PATCH", "/Users/u3", active(false));
            story.send(P1, "PATCH", "/Users/u3", active(true));
        }
        assert_eq!(story.symptoms(), expected);
    }
}

#[test]
fn a_line_that_was_true_at_a_moment_passes_and_one_that_never_was_is_found() {
    let after = |change: &dyn Fn(&mut Story)| {
        let mut story = Story::right();
        change(&mut story);
        story.symptoms()
    };
    let found = |symptom| vec![symptom];
    let create_nothing = |story: &mut Story| story.print(P1, Operation::Create, Outcome::Created, Some("u9"));
    assert_eq!(after(&create_nothing), found(Symptom::ClaimedWritten));
    let wrong_id = |story: &mut Story| story.print(P1, Operation::Update, Outcome::Updated, Some("u1"));
    assert_eq!(after(&wrong_id), found(Symptom::ClaimedWritten));
    let still_active = |story: &mut Story| story.print(P1, Operation::Update, Outcome::Disabled, Some("u2"));
    assert_eq!(after(&still_active), found(Symptom::ClaimedClosed));
    let still_there = |story: &mut Story| story.print(P1, Operation::Update, Outcome::Deleted, Some("u2"));
    assert_eq!(after(&still_there), found(Symptom::ClaimedClosed));
    let not_gone = |story: &mut Story| story.print(P1, Operation::Update, Outcome::AlreadyGone, None);
    assert_eq!(after(&not_gone), found(Symptom::ClaimedGone));
    let never_linked = |story: &mut Story| story.print(P1, Operation::Remove, Outcome::AlreadyGone, None);
    assert_eq!(after(&never_linked), found(Symptom::ClaimedGone));
    // Without an id, an account of others counts only under the name that the person has.
    for (is_renamed, expected) in [(false, true), (true, false)] {
        let mut story = Story::new();
        story.third_party(&ThirdParty::Create(1));
        if is_renamed {
            story.third_party(&ThirdParty::Rename(Owner::Person(1)));
        }
        story.print(P1, Operation::Remove, Outcome::AlreadyGone, None);
        assert_eq!(story.symptoms().contains(&Symptom::ClaimedGone), expected);
    }
    let of_another = |story: &mut Story| {
        story.send(P0, "PATCH", "/Users/u1", active(false));
        story.print(P1, Operation::Update, Outcome::Disabled, Some("u1"));
        story.send(P0, "PATCH", "/Users/u1", active(true));
    };
    assert_eq!(after(&of_another), found(Symptom::ClaimedClosed));
    let too_many = |story: &mut Story| {
        story.send(G0, "PATCH", "/Groups/g1", members(json!([{"value": "u1"}, {"value": "u2"}])));
        story.print(G0, Operation::Update, Outcome::Updated, Some("g1"));
        story.send(G0, "PATCH", "/Groups/g1", members(json!([{"value": "u1"}])));
    };
    assert_eq!(after(&too_many), []);
    let too_many_for_longer = |story: &mut Story| {
        story.send(G0, "PATCH", "/Groups/g1", members(json!([{"value": "u1"}, {"value": "u2"}])));
        story.now += Duration::from_secs(1);
        story.print(G0, Operation::Update, Outcome::Updated, Some("g1"));
        story.now += Duration::from_secs(1);
        story.send(G0, "PATCH", "/Groups/g1", members(json!([{"value": "u1"}])));
    };
    assert_eq!(after(&too_many_for_longer), found(Symptom::ClaimedGroup));
    let no_group = |story: &mut Story| story.print(G0, Operation::Update, Outcome::Updated, Some("g9"));
    assert_eq!(after(&no_group), found(Symptom::ClaimedGroup));
    // The line is about the time from the request to the line, so a third party may undo it meanwhile.
    let undone = |story: &mut Story| {
        story.send(P1, "PATCH", "/Users/u2", active(false));
        story.print(P1, Operation::Update, Outcome::Disabled, Some("u2"));
        story.third_party(&ThirdParty::Enable(Owner::Person(1)));
    };
    assert_eq!(after(&undone), []);
}

#[test]
fn a_changed_value_that_is_not_mapped_is_found_unless_a_third_party_changed_it_just_before() {
    let mut story = Story::right();
    let nick_name = json!({"Operations": [{"op": "add", "path": "nickName", "value": "x"}]});
    story.send(P0, "PATCH", "/Users/u1", nick_name);
    assert_eq!(story.symptoms(), [Symptom::UnmappedChanged]);
    let mut story = Story::right();
    story.third_party(&ThirdParty::ChangeUnmapped(Owner::Person(0)));
    story.send(P0, "PUT", "/Users/u1", account("user0"));
    assert_eq!(story.symptoms(), []);
    let mut story = Story::right();
    story.third_party(&ThirdParty::ChangeUnmapped(Owner::Person(0)));
    story.now += Duration::from_secs(100);
    story.send(P0, "PUT", "/Users/u1", account("user0"));
    assert_eq!(story.symptoms(), [Symptom::UnmappedChanged], "a read of the last minute would have shown it");
}

#[test]
fn a_merged_group_keeps_the_members_of_others() {
    let drop_stranger = |merges| {
        let mut story = Story::right();
        story.plan.merge_groups = merges;
        let stranger = story.target.add(Kind::User, account("stranger0"));
        story.third_party(&ThirdParty::AddMember);
        assert!(story.target.groups()["g1"].to_string().contains(&stranger));
        story.now += Duration::from_secs(100);
        story.send(G0, "PATCH", "/Groups/g1", members(json!([{"value": "u1"}])));
        story.symptoms()
    };
    assert_eq!(drop_stranger(true), [Symptom::UnmappedChanged]);
    assert_eq!(drop_stranger(false), []);
}

#[test]
fn too_many_requests_for_a_record_are_found() {
    let request = Requested { cycle: 0, at: Duration::ZERO, record: Some(P0) };
    let mut story = Story::right();
    story.history.requests = vec![request; REQUESTS_MAX];
    assert_eq!(story.symptoms(), []);
    let mut story = Story::right();
    story.history.requests = vec![request; REQUESTS_MAX + 1];
    assert_eq!(story.symptoms(), [Symptom::TooManyRequests]);
}

#[test]
fn a_panic_and_a_run_without_end_are_found() {
    let mut story = Story::right();
    story.history.panic = Some("overflow".into());
    assert_eq!(story.symptoms(), [Symptom::Panicked]);
    let mut story = Story::right();
    story.history.ends.push(CycleEnd::TooLong);
    assert_eq!(story.symptoms(), [Symptom::TooLong]);
}

#[test]
fn a_last_cycle_that_stopped_is_found_and_an_earlier_one_is_not() {
    let stopped = || CycleEnd::Stopped("transport".into());
    let mut story = Story::right();
    story.history.ends = vec![CycleEnd::Complete, stopped()];
    assert_eq!(story.symptoms(), [Symptom::Stopped]);
    let mut story = Story::right();
    story.history.ends = vec![stopped(), CycleEnd::Complete];
    assert_eq!(story.symptoms(), []);
}
