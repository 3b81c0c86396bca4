//! Tests both hosts: cycles without faults, kills, and calls that the host gives up.

use std::time::Duration;

use pfscim_core::Outcome;

use super::*;
use crate::history::{CycleEnd, Operation};
use crate::oracle;
use crate::plan::{Change, Edit, Fault, Group, Incident, RequestClass, What, testing};

const SPI: Host = Host::Spi {
    stores_found_ids: true,
    passes_identifier: true,
    looks_up_leavers: true,
    trusts_stored_ids: false,
    uses_two_sessions: false,
    gives_up_after: None,
};

/// Two people and a group; the second person leaves before the second cycle.
fn plan(host: Host) -> Plan {
    Plan {
        threads: 2,
        groups: vec![Group { name: "group0".into(), members: vec![0, 1] }],
        gaps: vec![Duration::from_secs(5); 2],
        changes: vec![Change { cycle: 1, edit: Edit::Leave(1) }],
        ..testing::plan(host)
    }
}

fn with_incident(host: Host, class: RequestClass, what: What) -> Plan {
    Plan { incidents: vec![Incident { class, nth: 0, what }], ..plan(host) }
}

fn outcomes(ran: &Ran, kind: Kind, number: usize) -> Vec<(Operation, Option<Outcome>)> {
    let lines = ran.history.printed.iter().filter(|line| line.kind == kind && line.number == number && line.sent);
    lines.map(|line| (line.operation, line.outcome())).collect()
}

#[test]
fn without_faults_both_hosts_bring_the_target_to_what_the_source_has() {
    for host in [Host::Engine { keeps_process: true }, Host::Engine { keeps_process: false }, SPI] {
        let plan = plan(host);
        let ran = run(&plan, false).unwrap();
        assert_eq!(oracle::judge(&plan, &ran), [], "{host:?}");
        assert_eq!(ran.history.ends, vec![CycleEnd::Complete; 2 + FINAL_CYCLES]);
        assert_eq!(
            outcomes(&ran, Kind::User, 1),
            [(Operation::Create, Some(Outcome::Created)), (Operation::Remove, Some(Outcome::Disabled))],
            "{host:?}"
        );
        let actives: Vec<_> = ran.target.users().values().map(|user| user["active"].clone()).collect();
        assert!(actives.contains(&true.into()) && actives.contains(&false.into()), "{actives:?}");
        let group = ran.target.groups().values().next().unwrap();
        assert_eq!(group["members"].as_array().unwrap().len(), 1, "{group}");
    }
}

#[test]
fn a_killed_host_goes_on_with_what_it_has_stored() {
    for host in [Host::Engine { keeps_process: true }, SPI] {
        let plan = with_incident(host, RequestClass::WriteGroup, What::Kill);
        let ran = run(&plan, false).unwrap();
        assert_eq!(ran.history.ends[0], CycleEnd::Killed, "{host:?}");
        assert_eq!(ran.history.ends[1..], vec![CycleEnd::Complete; 1 + FINAL_CYCLES]);
        assert!(!ran.target.groups().is_empty());
    }
}

#[test]
fn a_call_that_the_host_gives_up_goes_on_and_is_repeated() {
    let host = Host::Spi {
        stores_found_ids: true,
        passes_identifier: true,
        looks_up_leavers: false,
        trusts_stored_ids: true,
        uses_two_sessions: true,
        gives_up_after: Some(Duration::from_secs(20)),
    };
    let plan = with_incident(host, RequestClass::CreateUser, What::Fault(Fault::LandsLate));
    let ran = run(&plan, false).unwrap();
    let given_up = ran.history.printed.iter().filter(|line| line.result == Err("given up".into())).count();
    assert_eq!(given_up, 1);
    assert_eq!(ran.target.users().len(), 2);
}

#[test]
fn a_run_with_a_trace_is_the_run_without_one() {
    for seed in 0..20 {
        let plan = crate::generate::plan(seed);
        let (first, second) = (run(&plan, true).unwrap(), run(&plan, true).unwrap());
        assert_eq!(first.history.trace, second.history.trace, "seed {seed}");
        assert_eq!(run(&plan, false).unwrap().target.users(), first.target.users(), "seed {seed}");
    }
}
