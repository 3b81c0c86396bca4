//! `pfscim plan --html FILE`: the plan as one page for the person who approves the change. It loads nothing, says so in
//! its content security policy, and can be read, sorted out and printed without its script. Everything that came
//! from somewhere else is escaped by the template; masked values are not in it.

use pfscim_core::sync::lock_ignoring_poison;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Zoned;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pfscim_channel::Error;
use pfscim_channel::engine::{CycleObserver, Event, RecordKind, Summary, Tally};
use pfscim_core::Outcome;
use pfscim_core::mapping::Change;
use pfscim_core::text::printable;
use sha2::{Digest as _, Sha256};

use crate::output::redaction::redacted;

const STYLE: &str = include_str!("report/style.css");
const SCRIPT: &str = include_str!("report/script.js");
/// By this a report is known again; it stands at the beginning of the page.
const GENERATOR: &str = "pfscim";
const BEGINNING: u64 = 2048;

/// One kind of outcome on the page.
struct ReportSection {
    /// None for records that would fail.
    outcome: Option<Outcome>,
    heading: &'static str,
    explanation: &'static str,
    /// How much attention it asks for: a class of the style sheet.
    tone: &'static str,
}

/// What a reader has to look at first comes first.
const REPORT_SECTIONS: [ReportSection; 11] = [
    kind(None, "Would fail", "nothing is sent for these records until the cause is gone", "stop"),
    kind(Some(Outcome::Deleted), "Would be deleted", "the account is deleted at the target", "stop"),
    kind(Some(Outcome::Disabled), "Would be disabled", "active is set to false, everything else is kept", "stop"),
    kind(Some(Outcome::Created), "Would be created", "there is no such account at the target", "go"),
    kind(Some(Outcome::ReEnabled), "Would be re-enabled", "the account is inactive at the target", "go"),
    kind(Some(Outcome::Adopted), "Would be adopted", "the account is there already and is linked", "calm"),
    kind(Some(Outcome::Updated), "Would be updated", "", "calm"),
    kind(Some(Outcome::Skipped), "Held back", "a provisioning option does not allow it", "warn"),
    kind(Some(Outcome::AlreadyDisabled), "Already disabled", "nothing is sent", ""),
    kind(Some(Outcome::AlreadyGone), "Already gone", "nothing is sent", ""),
    kind(Some(Outcome::Unchanged), "Unchanged", "nothing is sent", ""),
];

const fn kind(
    outcome: Option<Outcome>,
    heading: &'static str,
    explanation: &'static str,
    tone: &'static str,
) -> ReportSection {
    ReportSection { outcome, heading, explanation, tone }
}

impl ReportSection {
    fn as_str(&self) -> &'static str {
        self.outcome.map_or("failed", Outcome::as_str)
    }

    fn count(&self, summary: &Summary) -> usize {
        let of = |tally: &Tally| tally.outcomes.get(&self.outcome?).copied();
        match self.outcome {
            None => summary.failed(),
            Some(_) => [&summary.users, &summary.groups].into_iter().filter_map(of).sum(),
        }
    }

    fn is_of(&self, event: &Event) -> bool {
        event.result.as_ref().ok().map(|report| report.outcome) == self.outcome
    }
}

/// What stands at the top of the page.
pub(crate) struct About<'a> {
    /// The connection's name.
    pub(crate) connection: &'a str,
    /// The channel's name.
    pub(crate) channel: &'a str,
    /// *SCIM URL*.
    pub(crate) target: &'a str,
    /// Field codes whose values are not shown.
    pub(crate) hidden: &'a BTreeSet<String>,
}

/// A page to be written, which takes notes until then.
pub(crate) struct ReportPage {
    path: PathBuf,
    force: bool,
    events: Mutex<Vec<Event>>,
    refused: Mutex<Vec<String>>,
}

impl CycleObserver for ReportPage {
    fn refused(&self, removals: &[String]) {
        *lock_ignoring_poison(&self.refused) = removals.to_vec();
    }

    fn begin(&self, _operations: usize) {}

    fn event(&self, event: &Event) {
        if event.sent || event.result.is_err() {
            lock_ignoring_poison(&self.events).push(event.clone());
        }
    }
}

impl ReportPage {
    /// Looks at the place before anything else is done; `force` goes over whatever is there.
    pub(crate) fn at(path: &Path, force: bool) -> Result<Self, Error> {
        let page = Self { path: path.to_owned(), force, events: Mutex::default(), refused: Mutex::default() };
        page.may_replace()?;
        Ok(page)
    }

    /// Whether the file is there, and may be written over.
    fn may_replace(&self) -> Result<bool, Error> {
        let is_there = self.path.symlink_metadata().is_ok();
        if is_there && !self.force && !is_report(&self.path) {
            let name = printable(&self.path.display().to_string());
            return Err(Error::unusable(format!(
                "--html: {name}: is there already and is no report of pfscim; choose another name, or write over it with --force"
            )));
        }
        Ok(is_there)
    }

    /// Writes the page, whole or not at all, readable by its owner only: it shows who works here.
    pub(crate) fn write(&self, about: &About<'_>, summary: &Summary, guard: Option<&Error>) -> Result<(), Error> {
        let name = printable(&self.path.display().to_string());
        let told = |e: &dyn std::fmt::Display| Error::unusable(format!("--html: {name}: cannot be written: {e}"));
        let mut events = lock_ignoring_poison(&self.events);
        events.sort_by(|a, b| a.identifier.cmp(&b.identifier).then_with(|| a.source.cmp(&b.source)));
        let refused = lock_ignoring_poison(&self.refused);
        let guard = guard.map(|error| (error.to_string(), refused.as_slice()));
        let page = page(about, summary, guard, &events, &Zoned::now()).into_string();
        let replace = self.may_replace()?;
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".pfscim-").tempfile_in(folder).map_err(|e| told(&e))?;
        file.write_all(page.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|e| told(&e))?;
        let persisted = if replace { file.persist(&self.path) } else { file.persist_noclobber(&self.path) };
        persisted.map(|_| ()).map_err(|e| told(&e.error))
    }
}

fn is_report(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning));
    read.is_ok() && String::from_utf8_lossy(&beginning).contains(generator().into_string().as_str())
}

fn generator() -> Markup {
    html! { meta name="generator" content=(GENERATOR); }
}

/// The style sheet; which outcomes are shown is decided by it, so that it works without the script.
fn style() -> String {
    let rule = |kind: &ReportSection| {
        let word = kind.as_str();
        format!("body:has(#show-{word}:not(:checked)) section[data-outcome=\"{word}\"] {{ display: none; }}\n")
    };
    REPORT_SECTIONS.iter().map(rule).fold(STYLE.to_owned(), |style, rule| style + &rule)
}

/// A source of the content security policy: exactly this text.
fn exactly(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

fn page(
    about: &About<'_>,
    summary: &Summary,
    guard: Option<(String, &[String])>,
    events: &[Event],
    time: &Zoned,
) -> Markup {
    let style = style();
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        exactly(&style),
        exactly(SCRIPT)
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                (generator())
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Provisioning plan: " (printable(about.connection)) }
                style { (PreEscaped(&style)) }
            }
            body {
                header {
                    h1 { "Provisioning plan" }
                    dl .about {
                        dt { "Connection" } dd { (printable(about.connection)) }
                        dt { "Channel" } dd { (printable(about.channel)) }
                        dt { "Target" } dd { (printable(about.target)) }
                        dt { "Made" } dd { (time.strftime("%Y-%m-%d %H:%M %:z")) " by pfscim " (env!("CARGO_PKG_VERSION")) }
                    }
                    (tiles(summary, events))
                }
                @if let Some((text, removals)) = guard { (refusal(&text, removals)) }
                div .filter hidden {
                    input #search type="search" placeholder="Name, id, field or value" aria-label="Show records with these words";
                    output #shown {}
                }
                main {
                    @if events.is_empty() { p .empty { "There is nothing to do." } }
                    @for kind in &REPORT_SECTIONS { (section(kind, events, about.hidden)) }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// The counts, which are also what shows and hides. Most unchanged records are only counted.
fn tiles(summary: &Summary, events: &[Event]) -> Markup {
    html! {
        ul .tiles {
            @for kind in REPORT_SECTIONS.iter().filter(|kind| kind.count(summary) > 0) {
                li { label class=(kind.tone) {
                    @if events.iter().any(|event| kind.is_of(event)) {
                        input id=(format!("show-{}", kind.as_str())) type="checkbox" checked;
                    }
                    b { (kind.count(summary)) }
                    (kind.heading)
                } }
            }
        }
    }
}

fn refusal(text: &str, removals: &[String]) -> Markup {
    html! {
        section .refused {
            h2 { "This would be refused" }
            p { (printable(text)) }
            @if !removals.is_empty() {
                details {
                    summary { (removals.len()) " would be removed" }
                    ul { @for name in removals { li { (printable(name)) } } }
                }
            }
        }
    }
}

fn section(kind: &ReportSection, events: &[Event], hidden: &BTreeSet<String>) -> Markup {
    let of_kind: Vec<_> = events.iter().filter(|event| kind.is_of(event)).collect();
    html! {
        @if !of_kind.is_empty() {
            section data-outcome=(kind.as_str()) class=(format!("{} {}", kind.as_str(), kind.tone)) {
                h2 { (kind.heading) " " small { (of_kind.len()) @if !kind.explanation.is_empty() { " · " (kind.explanation) } } }
                @for event in of_kind { (record(event, hidden)) }
            }
        }
    }
}

fn record(event: &Event, hidden: &BTreeSet<String>) -> Markup {
    let (id, notes) = match &event.result {
        Ok(report) => (report.id.as_deref(), report.warnings.clone()),
        Err(failure) => (None, vec![format!("{}: {failure}", event.operation.as_str())]),
    };
    html! {
        article {
            h3 { @if event.kind == RecordKind::Group { "Group " } (printable(&event.identifier)) }
            span .ids {
                span { "source " (printable(&event.source)) }
                @if let Some(id) = id { span { "target " (printable(id)) } }
            }
            @for note in notes { p .note { (printable(&note)) } }
            (members("Would join", &event.members.added))
            (members("Would leave", &event.members.removed))
            @if !event.changes.is_empty() {
                table {
                    thead { tr { th scope="col" { "Field" } th scope="col" { "At the target" } th scope="col" { "Would become" } } }
                    tbody { @for change in &event.changes { (row(change, hidden)) } }
                }
            }
        }
    }
}

/// Who comes to a group, or goes.
fn members(heading: &str, names: &[String]) -> Markup {
    html! {
        @if !names.is_empty() {
            details {
                summary { (heading) ": " (names.len()) }
                ul { @for name in names { li { (printable(name)) } } }
            }
        }
    }
}

fn row(change: &Change, hidden: &BTreeSet<String>) -> Markup {
    let values = |values: &[String]| {
        let shown = if hidden.contains(&change.code) { redacted(values) } else { values.to_vec() };
        html! {
            @for value in &shown { span { (printable(value)) } }
            @if shown.is_empty() { span .none { "nothing" } }
        }
    };
    html! {
        tr {
            th scope="row" { (printable(&change.code)) }
            td .old { (values(&change.old)) }
            td .new { (values(&change.new)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use pfscim_channel::engine::Operation;
    use pfscim_channel::provisioner::MemberChanges;
    use pfscim_core::{Failure, Report};

    use super::*;

    const HOSTILE: &str = "</script><script>alert(1)</script>\u{202e}\"'&";

    fn event(identifier: &str, result: Result<Report, Failure>) -> Event {
        let change = |code: &str| Change { code: code.into(), old: vec![HOSTILE.into()], new: Vec::new() };
        Event {
            kind: RecordKind::Group,
            source: "g1".into(),
            identifier: identifier.into(),
            operation: Operation::Update,
            result,
            changes: vec![change("title"), change("password")],
            members: MemberChanges { added: vec![HOSTILE.into()], removed: Vec::new() },
            sent: true,
            blocked_by_option: false,
        }
    }

    fn told(folder: &Path, force: bool) -> Result<String, Error> {
        let path = folder.join("plan.html");
        let page = ReportPage::at(&path, force)?;
        page.event(&event(HOSTILE, Ok(Report::new(Outcome::Updated, Some(HOSTILE)).warn(HOSTILE))));
        page.event(&event("bob", Err(Failure::Rejected(HOSTILE.into()))));
        page.refused(&[HOSTILE.to_owned()]);
        let hidden = ["password".to_owned()].into();
        let about = About { connection: HOSTILE, channel: HOSTILE, target: "https://x/", hidden: &hidden };
        let users = Tally { outcomes: [(Outcome::Updated, 1)].into(), failed: 1 };
        let summary = Summary { users, ..Summary::default() };
        page.write(&about, &summary, Some(&Error::Guard(HOSTILE.into())))?;
        Ok(std::fs::read_to_string(path).unwrap())
    }

    #[test]
    fn whatever_stands_in_the_data_is_text_on_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let page = told(folder.path(), false).unwrap();
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("</script>").count(), 1);
        assert!(!page.contains("\u{202e}") && page.contains("&lt;/script&gt;&lt;script&gt;alert(1)"));
        for outside in ["http:", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn masked_values_are_not_in_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let page = told(folder.path(), false).unwrap();
        let password = page.split("<th scope=\"row\">password</th>").nth(1).unwrap();
        assert!(password.starts_with("<td class=\"old\"><span>***</span></td>"), "{password}");
    }

    #[test]
    fn only_a_report_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        told(folder.path(), false).unwrap();
        told(folder.path(), false).unwrap();
        let path = folder.path().join("plan.html");
        std::fs::write(&path, "<html>somebody's own</html>").unwrap();
        let refused = told(folder.path(), false).unwrap_err().to_string();
        assert!(refused.contains("--force"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "<html>somebody's own</html>");
        told(folder.path(), true).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_outcome_has_its_place_on_the_page() {
        for outcome in Outcome::ALL {
            assert_eq!(REPORT_SECTIONS.iter().filter(|kind| kind.outcome == Some(outcome)).count(), 1, "{outcome}");
        }
    }
}
