//! Prints a cycle while it runs, and its summary, as text or JSON.
//! Does not know: how a cycle runs.

use std::collections::BTreeSet;

use pfscim_channel::engine::{CycleObserver, Event, RecordKind, Summary, Tally};
use pfscim_core::Outcome;
use pfscim_core::mapping::Change;
use pfscim_core::text::printable;
use serde_json::{Value, json};

use crate::output::counters::Counters;
use crate::output::lines::{advance_bar, clear_bar, out, out_json, start_bar};
use crate::output::redaction::redacted;
use crate::output::tables::table;

/// Prints a cycle while it runs.
pub(crate) struct Screen {
    /// Prints JSON instead of text.
    pub(crate) json: bool,
    /// Codes of the fields whose values are masked.
    pub(crate) masked: BTreeSet<String>,
    /// The cycle is a plan.
    pub(crate) preview: bool,
}

impl CycleObserver for Screen {
    fn guard_refused(&self, removals: &[String]) {
        if self.json {
            out(&json!({ "refused": { "removals": removals } }).to_string());
        }
    }

    fn begin(&self, operations: usize) {
        start_bar(operations);
    }

    fn event(&self, event: &Event) {
        if self.json {
            out_json(&self.object(event));
        } else if event.sent || event.result.is_err() {
            out(&self.lines(event));
        }
        if event.sent {
            advance_bar();
        }
    }
}

impl Screen {
    /// Returns one record as JSON.
    fn object(&self, event: &Event) -> Value {
        let mut object = json!({
            "kind": event.kind.as_str(),
            "source": event.source_id,
            "identifier": event.identifier,
            "operation": event.operation.as_str(),
            "outcome": "failed",
            "id": null,
            "code": null,
            "message": null,
            "hint": null,
            "warnings": [],
        });
        match &event.result {
            Ok(report) => {
                object["outcome"] = report.outcome.as_str().into();
                object["id"] = report.id.clone().into();
                object["warnings"] = report.warnings.clone().into();
            }
            Err(failure) => {
                object["code"] = failure.code().into();
                object["message"] = failure.message().text().into();
                object["hint"] = failure.message().hint().into();
            }
        }
        if self.preview {
            object["changes"] = event.changes.iter().map(|c| self.change(c)).collect();
            if event.kind == RecordKind::Group {
                object["members"] = json!({"added": event.members.added, "removed": event.members.removed});
            }
        }
        object
    }

    fn change(&self, change: &Change) -> Value {
        let shown = |values: &[String]| if self.is_masked(change) { redacted(values) } else { values.to_vec() };
        json!({"field": change.code, "old": shown(&change.old), "new": shown(&change.new)})
    }

    /// Returns one record as text.
    fn lines(&self, event: &Event) -> String {
        let (outcome, details) = match &event.result {
            Ok(report) => (
                report.outcome.as_str(),
                report.id.as_ref().map(|id| format!("  ({})", printable(id))).unwrap_or_default(),
            ),
            Err(failure) => ("failed", format!("  {}: {failure}", event.operation.as_str())),
        };
        let kind = if event.kind == RecordKind::Group { "group " } else { "" };
        let mut lines = vec![format!("{outcome:<16} {kind}{}{details}", printable(&event.identifier))];
        lines.extend(event.changes.iter().map(|change| {
            let shown = |values: &[String]| match values {
                [] => "nothing".to_owned(),
                values if self.is_masked(change) => redacted(values).join(", "),
                values => values.iter().map(|v| format!("`{}`", printable(v))).collect::<Vec<_>>().join(", "),
            };
            format!("{:<16}   {}: {} -> {}", "", change.code, shown(&change.old), shown(&change.new))
        }));
        let (added, removed) = (event.members.added.len(), event.members.removed.len());
        if added + removed > 0 {
            lines.push(format!("{:<16}   members: +{added} -{removed}", ""));
        }
        if let Ok(report) = &event.result {
            lines.extend(report.warnings.iter().map(|warning| format!("{:<16}   warning: {}", "", printable(warning))));
        }
        lines.join("\n")
    }

    fn is_masked(&self, change: &Change) -> bool {
        self.masked.contains(&change.code)
    }

    /// Prints the counts at the end of a cycle.
    pub(crate) fn summary(&self, summary: &Summary) {
        clear_bar();
        if self.json {
            out_json(&json!({"summary": counted(&summary.users), "groups": counted(&summary.groups)}));
            return;
        }
        let mut table = table([if self.preview { "planned outcome" } else { "outcome" }, "users", "groups"]);
        for ((outcome, users), (_, groups)) in counts(&summary.users).zip(counts(&summary.groups)) {
            if users + groups > 0 {
                table.add_row([outcome.to_owned(), users.to_string(), groups.to_string()]);
            }
        }
        out(&table.to_string());
    }

    /// Prints PingOne's counters.
    pub(crate) fn counters(&self, counters: &Counters) {
        if self.json { out_json(&counters.json()) } else { out(&counters.text()) }
    }
}

/// Returns each outcome with its count, and then the failures.
fn counts(tally: &Tally) -> impl Iterator<Item = (&'static str, usize)> {
    let outcomes = Outcome::ALL.map(|o| (o.as_str(), tally.outcomes.get(&o).copied().unwrap_or(0)));
    outcomes.into_iter().chain([("failed", tally.failed)])
}

fn counted(tally: &Tally) -> Value {
    counts(tally).map(|(outcome, count)| (outcome.to_owned(), Value::from(count))).collect()
}

#[cfg(test)]
mod tests {
    use pfscim_channel::engine::Operation;
    use pfscim_channel::provisioner::MemberChanges;
    use pfscim_core::{Failure, Message, Report};

    use super::*;

    fn screen() -> Screen {
        Screen { json: true, masked: ["password".to_owned()].into(), preview: true }
    }

    fn event() -> Event {
        let change =
            |code: &str| Change { code: code.into(), old: vec!["old\u{1b}[2J".into()], new: vec!["new".into()] };
        Event {
            kind: RecordKind::User,
            source_id: "g1".into(),
            identifier: "ada\n".into(),
            operation: Operation::Update,
            result: Ok(Report::new(Outcome::Updated, Some("t\r1")).warn("look\u{202e}")),
            changes: vec![change("title"), change("password")],
            members: MemberChanges::default(),
            sent: true,
            blocked_by_option: false,
        }
    }

    #[test]
    fn a_record_is_one_json_object() {
        assert_eq!(
            screen().object(&event()),
            json!({
                "kind": "user", "source": "g1", "identifier": "ada\n", "operation": "update",
                "outcome": "updated", "id": "t\r1", "code": null, "message": null, "hint": null, "warnings": ["look\u{202e}"],
                "changes": [
                    {"field": "title", "old": ["old\u{1b}[2J"], "new": ["new"]},
                    {"field": "password", "old": ["***"], "new": ["***"]}
                ]
            })
        );
        let failed = Event {
            result: Err(Failure::Conflict(Message::new("taken").with_hint("rename it"))),
            changes: Vec::new(),
            ..event()
        };
        let object = Screen { preview: false, ..screen() }.object(&failed);
        assert_eq!(
            (&object["outcome"], &object["code"], &object["message"], &object["hint"]),
            (&json!("failed"), &json!("conflict"), &json!("taken"), &json!("rename it"))
        );
        assert_eq!(object.get("changes"), None);
    }

    #[test]
    fn a_group_counts_its_members_as_text_and_names_them_in_json() {
        let members = MemberChanges { added: vec!["ada".into(), "bob".into()], removed: vec!["eve".into()] };
        let group = Event { kind: RecordKind::Group, identifier: "Staff".into(), members, ..event() };
        let text = screen().lines(&group);
        assert!(text.starts_with("updated          group Staff") && text.contains("members: +2 -1"), "{text}");
        let object = screen().object(&group);
        assert_eq!(
            (&object["kind"], &object["members"]),
            (&json!("group"), &json!({"added": ["ada", "bob"], "removed": ["eve"]}))
        );
    }

    #[test]
    fn text_cannot_control_the_terminal_and_masked_values_are_not_printed() {
        let text = screen().lines(&event());
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("title: `old\\u{1b}[2J` -> `new`"), "{text}");
        assert!(text.contains("password: *** -> ***"), "{text}");
        assert!(text.contains("warning: look\\u{202e}"), "{text}");
    }
}
