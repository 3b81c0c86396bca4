//! Tests what each fault does to a request, to the target and to the response.

use std::sync::Arc;
use std::time::Duration;

use pfscim_core::http::{Method, RawRequest, Transport as _, TransportError};
use serde_json::Value;

use crate::plan::{Account, Fault, Host, Incident, Owner, Plan, RequestClass, ThirdParty, What, testing};
use crate::target::Kind;
use crate::world::{SCIM_URL, SETTLED_AFTER, Wire, World};

const SECOND: Duration = Duration::from_secs(1);

fn plan(what: Option<What>) -> Plan {
    Plan {
        accounts: vec![Account { person: Some(0), active: true }, Account { person: None, active: true }],
        incidents: what.map(|what| Incident { class: RequestClass::CreateUser, nth: 0, what }).into_iter().collect(),
        ..testing::plan(Host::Engine { keeps_process: true })
    }
}

fn send(world: &Arc<World>, method: Method, path: &str, body: &str) -> Result<(u16, String), TransportError> {
    let url = format!("{SCIM_URL}{path}").parse().unwrap();
    let body = Some(body.as_bytes()).filter(|body| !body.is_empty());
    let request = RawRequest { method, url: &url, headers: &[], body, timeout: 30 * SECOND };
    let response = Wire(Arc::clone(world)).send(&request)?;
    Ok((response.status, String::from_utf8(response.body).unwrap()))
}

fn create(world: &Arc<World>) -> Result<(u16, String), TransportError> {
    send(world, Method::Post, "/Users", r#"{"userName": "user1"}"#)
}

/// Sends a create with this fault: returns the response, and whether the account exists.
fn faulty_create(fault: Fault) -> (Result<(u16, String), TransportError>, bool) {
    let world = World::new(&plan(Some(What::Fault(fault))), false);
    let result = create(&world);
    let exists = world.inside().target.users().contains_key("u3");
    (result, exists)
}

#[test]
fn a_create_without_a_fault_is_carried_out_and_shown() {
    let world = World::new(&plan(None), false);
    let (status, body) = create(&world).unwrap();
    assert_eq!(status, 201);
    assert!(body.contains(r#""id":"u3""#), "{body}");
    let (status, body) = send(&world, Method::Get, "/Users?filter=userName%20eq%20%22user1%22", "").unwrap();
    assert!(status == 200 && body.contains(r#""totalResults":1"#), "{body}");
}

#[test]
fn each_fault_has_its_response_and_its_effect() {
    let not_applied = [
        (Fault::Refused { status: 503, times: 1 }, 503, "not now"),
        (Fault::StrayNotFound, 404, "Error"),
        (Fault::PageNotFound { times: 1 }, 404, "<html>"),
        (Fault::Page, 200, "<html>"),
        (Fault::Dropped, 201, r#""id":"u3""#),
        (Fault::DroppedAndShown, 201, ""),
    ];
    for (fault, status, text) in not_applied {
        let (response, exists) = faulty_create(fault);
        let (got, body) = response.unwrap();
        assert!(got == status && body.contains(text) && !exists, "{fault:?}: {got} {body}");
    }
    let applied =
        [(Fault::AppliedThen(502), 502, "<html>"), (Fault::Empty, 201, ""), (Fault::OtherResource, 201, r#""id":"u"#)];
    for (fault, status, text) in applied {
        let (response, exists) = faulty_create(fault);
        let (got, body) = response.unwrap();
        assert!(got == status && body.contains(text) && exists, "{fault:?}: {got} {body}");
        assert!(!body.contains("u3"), "{fault:?}: {body}");
    }
    let broken =
        [(Fault::NoConnection, false, false), (Fault::ResetBefore, true, false), (Fault::ResetAfter, true, true)];
    for (fault, maybe_applied, applied) in broken {
        let (response, exists) = faulty_create(fault);
        assert_eq!((response.unwrap_err().maybe_applied, exists), (maybe_applied, applied), "{fault:?}");
    }
}

#[test]
fn a_dropped_create_takes_an_id_that_no_later_account_gets() {
    let world = World::new(&plan(Some(What::Fault(Fault::Dropped))), false);
    create(&world).unwrap();
    assert!(create(&world).unwrap().1.contains(r#""id":"u4""#));
}

#[test]
fn a_late_create_arrives_within_a_minute_and_counts_as_late() {
    let world = World::new(&plan(Some(What::Fault(Fault::LandsLate))), false);
    assert!(create(&world).unwrap_err().maybe_applied);
    world.wait(SETTLED_AFTER);
    let inside = world.inside();
    assert!(inside.target.users().contains_key("u3"));
    assert_eq!(inside.history.late, [0].into());
}

#[test]
fn lists_lack_their_last_resource_and_say_so_or_not() {
    for (fault, total) in [(Fault::CutList, 1), (Fault::ShortPage, 2)] {
        let mut plan = plan(Some(What::Fault(fault)));
        plan.incidents[0].class = RequestClass::ListUsers;
        let world = World::new(&plan, false);
        let (_, body) = send(&world, Method::Get, "/Users", "").unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["Resources"].as_array().unwrap().len(), 1);
        assert_eq!(body["totalResults"], total, "{fault:?}");
    }
}

#[test]
fn refusals_in_a_row_end_and_faults_end_with_the_first_phase() {
    let world = World::new(&plan(Some(What::Fault(Fault::Refused { status: 429, times: 2 }))), false);
    let statuses: Vec<u16> = (0..3).map(|_| create(&world).unwrap().0).collect();
    assert_eq!(statuses, [429, 429, 201]);
    let world = World::new(&plan(Some(What::Fault(Fault::Page))), false);
    world.end_faults();
    assert_eq!(create(&world).unwrap().0, 201);
}

#[test]
fn a_fault_that_changes_nothing_has_not_happened() {
    let mut plan = plan(Some(What::Fault(Fault::CutList)));
    plan.incidents[0].class = RequestClass::ListUsers;
    let happened = |path: &str| {
        let world = World::new(&plan, false);
        send(&world, Method::Get, path, "").unwrap();
        let inside = world.inside();
        inside.history.happened.len()
    };
    assert_eq!(happened("/Users"), 1);
    assert_eq!(happened("/Users?filter=userName%20eq%20%22unknown%22"), 0);
}

#[test]
fn a_third_party_writes_before_the_request_arrives() {
    let world = World::new(&plan(Some(What::ThirdParty(ThirdParty::Create(1)))), false);
    assert_eq!(create(&world).unwrap().0, 409);
    assert_eq!(world.inside().history.writers, [None]);
    let stranger = World::new(&plan(Some(What::ThirdParty(ThirdParty::Disable(Owner::Stranger)))), false);
    create(&stranger).unwrap();
    assert_eq!(stranger.inside().target.users()["u2"]["active"], false);
}

#[test]
fn a_write_counts_for_the_record_on_which_its_thread_works() {
    let world = World::new(&plan(None), false);
    World::working_on(Some((Kind::User, 1)), || create(&world)).unwrap();
    let inside = world.inside();
    assert_eq!(inside.history.writers, [Some((Kind::User, 1))]);
    assert_eq!(inside.history.requests[0].record, Some((Kind::User, 1)));
}
