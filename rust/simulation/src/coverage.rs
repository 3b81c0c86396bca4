//! Counts which faults, quirks, writes of third parties and rows of the decision table the seeds have met.
//! Does not know: what is right.

use std::collections::BTreeMap;

use pfscim_core::Outcome;
use pfscim_core::record::ProvisioningOption;

use crate::history::{Operation, Printed};
use crate::hosts::Ran;
use crate::plan::{Host, Plan, Quirk};
use crate::target::Kind;

/// The rows of the decision table in `docs/decisions.md`.
const ROWS: [&str; 18] =
    ["1", "2", "3", "4", "5", "5a", "6", "7", "8", "9", "10", "10a", "11", "12", "13", "14", "15", "16"];
/// The faults, kills and writes of third parties, without their numbers.
const INCIDENTS: [&str; 25] = [
    "Refused",
    "AppliedThen",
    "StrayNotFound",
    "PageNotFound",
    "Page",
    "NoConnection",
    "ResetBefore",
    "ResetAfter",
    "LandsLate",
    "Dropped",
    "DroppedAndShown",
    "Empty",
    "OtherResource",
    "CutList",
    "ShortPage",
    "Kill",
    "ThirdPartyDelete",
    "ThirdPartyDisable",
    "ThirdPartyEnable",
    "ThirdPartyChangeUnmapped",
    "ThirdPartyCreate",
    "ThirdPartyMakeAgain",
    "ThirdPartyRename",
    "ThirdPartyAddMember",
    "ThirdPartyRemoveMember",
];

/// How many seeds have met each thing.
#[derive(Debug, Clone)]
pub struct Coverage(BTreeMap<String, u64>);

impl Default for Coverage {
    fn default() -> Self {
        let quirks = Quirk::ALL.iter().map(|quirk| format!("{quirk:?}"));
        let rows = ROWS.iter().map(|row| format!("row {row}"));
        let incidents = INCIDENTS.iter().map(|name| (*name).to_owned());
        let hosts = ["engine", "SPI"].map(str::to_owned);
        Self(quirks.chain(rows).chain(incidents).chain(hosts).map(|name| (name, 0)).collect())
    }
}

impl Coverage {
    /// Counts a run.
    pub fn add(&mut self, plan: &Plan, ran: &Ran) {
        let quirks = plan.quirks.iter().filter(|quirk| ran.target.has_met(**quirk)).map(|quirk| format!("{quirk:?}"));
        let incidents = ran.history.happened.iter().map(|name| base(name));
        let host = if matches!(plan.host, Host::Engine { .. }) { "engine" } else { "SPI" };
        let rows = ran.history.printed.iter().filter_map(|line| Some(format!("row {}", row(ran, line)?)));
        let mut met: Vec<String> = quirks.chain(incidents).chain(rows).chain([host.to_owned()]).collect();
        met.sort_unstable();
        met.dedup();
        for name in met {
            *self.0.entry(name).or_default() += 1;
        }
    }

    /// Adds the counts of other seeds.
    pub fn join(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }

    /// Returns what no seed has met.
    pub fn gaps(&self) -> Vec<&str> {
        self.0.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name.as_str()).collect()
    }

    /// Returns the counts, smallest first.
    pub fn counts(&self) -> Vec<(&str, u64)> {
        let mut counts: Vec<_> = self.0.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        counts.sort_by_key(|(name, count)| (*count, *name));
        counts
    }
}

/// Returns the name of an incident without its class and status.
fn base(name: &str) -> String {
    let name = name.split(' ').next().unwrap_or_default();
    name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()
}

/// Returns the row of the decision table that a line shows.
fn row(ran: &Ran, line: &Printed) -> Option<&'static str> {
    if line.kind != Kind::User || !line.sent {
        return None;
    }
    let person = ran.history.source.get(line.cycle)?.people.get(line.number)?;
    let is_enabled = person.enabled && line.operation != Operation::Remove;
    let is_create = line.operation == Operation::Create;
    let report = match &line.result {
        Ok(report) => report,
        Err(code) => return (code == "removal_limit").then_some("16"),
    };
    Some(match (report.outcome, is_enabled, is_create, report.skipped_by) {
        (Outcome::Created, true, true, _) => "1",
        (Outcome::Created, true, false, _) => "9",
        (Outcome::Created, false, true, _) => "3",
        (Outcome::Created, false, false, _) => "10a",
        (Outcome::Skipped, true, true, Some(ProvisioningOption::UserCreate)) => "2",
        (Outcome::Skipped, true, _, Some(ProvisioningOption::UserUpdate)) => "8",
        (Outcome::Skipped, false, false, Some(ProvisioningOption::RemoveAction)) => "5a",
        (Outcome::Skipped, false, _, Some(ProvisioningOption::UserRemove)) => "11",
        (Outcome::Skipped, false, true, _) => "4",
        (Outcome::Adopted, ..) => "5",
        (Outcome::Updated | Outcome::Unchanged, true, ..) => "6",
        (Outcome::Updated | Outcome::Unchanged, false, ..) => "10",
        (Outcome::ReEnabled, ..) => "7",
        (Outcome::Disabled, ..) => "12",
        (Outcome::AlreadyDisabled, ..) => "13",
        (Outcome::AlreadyGone, ..) => "14",
        (Outcome::Deleted, ..) => "15",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{generate, hosts};

    #[test]
    fn every_incident_of_a_plan_has_a_name_in_the_table() {
        let table = Coverage::default().0;
        for seed in 0..3000 {
            for incident in generate::plan(seed).incidents {
                let name = base(&incident.name());
                assert!(table.contains_key(&name), "{name}");
            }
        }
    }

    #[test]
    fn what_no_seed_met_is_a_gap() {
        let mut coverage = Coverage::default();
        let plan = generate::plan(1);
        coverage.add(&plan, &hosts::run(&plan, false).unwrap());
        let gaps = coverage.gaps().len();
        assert!(gaps > 0 && gaps < coverage.0.len());
        let mut twice = coverage.clone();
        twice.join(&coverage);
        assert_eq!(twice.gaps(), coverage.gaps());
    }
}
