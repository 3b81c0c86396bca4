//! Reads the list of known findings, and compares a run with it.
//! Does not know: how seeds are run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::hosts::Ran;
use crate::oracle::{Symptom, Violation};
use crate::plan::{Host, Incident, Plan};

/// One known finding: a symptom and the causes that are enough for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What goes wrong.
    pub symptom: Symptom,
    /// The names of quirks and incidents. If none is needed: those of settings and of the host.
    pub causes: BTreeSet<String>,
    /// A seed that shows it.
    pub seed: u64,
}

/// The list of known findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// The findings, by symptom and causes.
    pub findings: Vec<Finding>,
}

impl Findings {
    /// Returns the committed list, `rust/simulation/findings.toml`.
    ///
    /// # Errors
    /// The file is not such a list.
    pub fn committed() -> Result<Self, String> {
        toml::from_str(include_str!("../findings.toml")).map_err(|error| format!("findings.toml: {error}"))
    }

    /// Returns whether a finding of the list explains a symptom of a run with these causes.
    pub fn explains(&self, symptom: Symptom, causes: &BTreeSet<String>) -> bool {
        self.findings.iter().any(|finding| finding.symptom == symptom && finding.causes.is_subset(causes))
    }

    /// Adds a finding, unless another one explains it. Findings that it explains are removed.
    pub fn add(&mut self, finding: Finding) {
        if self.explains(finding.symptom, &finding.causes) {
            return;
        }
        self.findings.retain(|other| other.symptom != finding.symptom || !finding.causes.is_subset(&other.causes));
        self.findings.push(finding);
        self.findings.sort();
    }

    /// Returns the text of the file.
    pub fn text(&self) -> String {
        let lines = self.findings.iter().map(|Finding { symptom, causes, seed }| {
            let causes: Vec<String> = causes.iter().map(|cause| format!("{cause:?}")).collect();
            format!("    {{ symptom = \"{symptom:?}\", causes = [{}], seed = {seed} }},\n", causes.join(", "))
        });
        format!("findings = [\n{}]\n", lines.collect::<String>())
    }
}

/// Returns the causes of a plan whose run is `ran`: quirks, incidents that happened, settings, host.
pub fn causes(plan: &Plan, ran: &Ran) -> BTreeSet<String> {
    let settings = plan.settings.iter().map(|(name, value)| format!("{name}={value}"));
    let quirks = plan.quirks.iter().map(|quirk| format!("{quirk:?}"));
    quirks.chain(ran.history.happened.iter().cloned()).chain(settings).chain([host_name(plan).to_owned()]).collect()
}

/// Returns the causes that a plan may have: as [`causes`], with all incidents.
pub fn possible_causes(plan: &Plan) -> BTreeSet<String> {
    let settings = plan.settings.iter().map(|(name, value)| format!("{name}={value}"));
    quirks_and_incidents(plan).chain(settings).chain([host_name(plan).to_owned()]).collect()
}

/// Returns the causes that a shrunk plan still has. Settings and the host count only if there is nothing else.
pub fn needed_causes(plan: &Plan) -> BTreeSet<String> {
    let causes: BTreeSet<String> = quirks_and_incidents(plan).collect();
    if !causes.is_empty() {
        return causes;
    }
    let settings = plan.settings.iter().map(|(name, value)| format!("{name}={value}"));
    settings.chain([host_name(plan).to_owned()]).collect()
}

fn quirks_and_incidents(plan: &Plan) -> impl Iterator<Item = String> {
    let quirks = plan.quirks.iter().map(|quirk| format!("{quirk:?}"));
    quirks.chain(plan.incidents.iter().map(Incident::name))
}

fn host_name(plan: &Plan) -> &'static str {
    if matches!(plan.host, Host::Engine { .. }) { "Engine" } else { "Spi" }
}

/// Returns the symptoms of violations, each once.
pub fn symptoms(violations: &[Violation]) -> BTreeSet<Symptom> {
    violations.iter().map(|violation| violation.symptom).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(causes: &[&str]) -> Finding {
        Finding {
            symptom: Symptom::LeaverActive,
            causes: causes.iter().map(|cause| (*cause).to_owned()).collect(),
            seed: 1,
        }
    }

    #[test]
    fn a_finding_explains_its_symptom_with_more_causes_but_not_with_fewer() {
        let list = Findings { findings: vec![finding(&["a", "b"])] };
        let causes = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert!(list.explains(Symptom::LeaverActive, &causes(&["a", "b", "c"])));
        assert!(!list.explains(Symptom::LeaverActive, &causes(&["a", "c"])));
        assert!(!list.explains(Symptom::NoAccount, &causes(&["a", "b"])));
    }

    #[test]
    fn a_finding_with_fewer_causes_replaces_others() {
        let mut list = Findings { findings: vec![finding(&["a", "b"]), finding(&["c"])] };
        list.add(finding(&["a"]));
        assert_eq!(list.findings, [finding(&["a"]), finding(&["c"])]);
        list.add(finding(&["b", "c"]));
        assert_eq!(list.findings.len(), 2, "another one explains it");
    }

    #[test]
    fn the_text_of_the_list_reads_back() {
        let list = Findings { findings: vec![finding(&["a \"b\""])] };
        assert_eq!(toml::from_str::<Findings>(&list.text()).unwrap(), list);
    }

    #[test]
    fn the_committed_list_is_sorted_and_no_finding_explains_another() {
        let list = Findings::committed().unwrap();
        let mut again = Findings::default();
        list.findings.iter().for_each(|finding| again.add(finding.clone()));
        assert_eq!(list, again);
    }
}
