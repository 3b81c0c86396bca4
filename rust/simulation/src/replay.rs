//! Describes the smallest run with a symptom of a seed, in a page that fits a screen.
//! Does not know: which findings are known.

use std::fmt::Write as _;

use crate::oracle::{self, Symptom};
use crate::plan::{Account, Edit, Host, Plan, StartGroup};
use crate::shrink::Shrunk;

/// The most lines of a description. One more names the other symptoms.
const LINES_MAX: usize = 39;
/// The most characters of a line.
const LINE_CHARS_MAX: usize = 160;

/// Returns the description: what is needed, what happened, what is wrong.
pub fn describe(shrunk: &Shrunk, symptom: Symptom) -> String {
    let Shrunk { plan, ran } = shrunk;
    let mut head = vec![format!("seed {}, {}", plan.seed, host(plan))];
    let mut list = |name: &str, items: Vec<String>| {
        if !items.is_empty() {
            head.push(format!("{name}: {}", items.join(", ")));
        }
    };
    list("settings", plan.settings.iter().map(|(name, value)| format!("{name}={value}")).collect());
    list("quirks", plan.quirks.iter().map(|quirk| format!("{quirk:?}")).collect());
    list(
        "incidents",
        plan.incidents.iter().map(|incident| format!("{} (number {})", incident.name(), incident.nth)).collect(),
    );
    list("people", people(plan));
    list("groups", plan.groups.iter().map(|group| format!("{} {:?}", group.name, group.members)).collect());
    list("accounts", plan.accounts.iter().enumerate().map(|(at, account)| account_text(at, account)).collect());
    list("groups at the target", plan.start_groups.iter().map(start_group_text).collect());
    list("changes", plan.changes.iter().map(|change| format!("cycle {} {:?}", change.cycle, change.edit)).collect());
    let violations = oracle::judge(plan, ran);
    let tail: Vec<String> =
        violations.iter().filter(|violation| violation.symptom == symptom).take(3).map(ToString::to_string).collect();
    let is_telling = |line: &&String| {
        !["pfscim-check", "/ServiceProviderConfig", "outcome=unchanged", "ended: Complete"]
            .iter()
            .any(|no| line.contains(no))
    };
    let steps: Vec<&String> = ran.history.trace.iter().filter(is_telling).collect();
    let room = LINES_MAX.saturating_sub(head.len() + tail.len() + 1);
    let left_out = steps.len().saturating_sub(room);
    let mut text = String::new();
    for line in &head {
        push(&mut text, line);
    }
    // What happens at the end tells more than the first searches.
    if left_out > 0 {
        push(&mut text, &format!("{:>9} {left_out} steps", "..."));
    }
    steps.into_iter().skip(left_out).for_each(|line| push(&mut text, line));
    tail.iter().for_each(|line| push(&mut text, line));
    text
}

fn push(text: &mut String, line: &str) {
    let line: String = line.chars().take(LINE_CHARS_MAX).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

fn host(plan: &Plan) -> String {
    let threads = plan.threads;
    match plan.host {
        Host::Engine { keeps_process } => {
            let processes = if keeps_process { "one process for all cycles" } else { "a process for each cycle" };
            format!("host: engine, {processes}, threads: {threads}")
        }
        Host::Spi { .. } => format!("host: {:?}, threads: {threads}", plan.host),
    }
}

fn people(plan: &Plan) -> Vec<String> {
    let joins = |number| plan.changes.iter().any(|change| change.edit == Edit::Join(number));
    let people = plan.people.iter().enumerate().filter(|(number, person)| person.in_scope || joins(*number));
    let people = people.map(|(number, person)| {
        let enabled = if person.enabled { "" } else { " disabled" };
        let scope = if person.in_scope { "" } else { " not in the source" };
        format!("p{number}{enabled}{scope}")
    });
    people.collect()
}

fn start_group_text(start: &StartGroup) -> String {
    start.group.map_or("a stranger's".to_owned(), |group| format!("g{group}"))
}

fn account_text(at: usize, account: &Account) -> String {
    let active = if account.active { "active" } else { "inactive" };
    let owner = account.person.map_or("a stranger".to_owned(), |person| format!("p{person}"));
    format!("u{} of {owner} {active}", at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{generate, hosts};

    #[test]
    fn a_description_fits_a_screen_and_ends_with_the_last_steps() {
        let mut has_left_out = false;
        for seed in 0..50 {
            let plan = generate::plan(seed);
            let ran = hosts::run(&plan, true).unwrap();
            let text = describe(&Shrunk { plan, ran }, Symptom::TooLong);
            assert!(text.lines().count() <= LINES_MAX, "{text}");
            assert!(text.starts_with(&format!("seed {seed}, host: ")), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= LINE_CHARS_MAX));
            has_left_out |= text.contains("... ");
        }
        assert!(has_left_out);
    }
}
