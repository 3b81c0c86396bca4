//! Writes the page of `pfscim plan --html`, for the person who approves the plan.
//! Does not know: how a plan is made.
//!
//! The page loads nothing; its content security policy forbids it. It can be read, filtered by outcome and printed
//! without its script. The template escapes all data. Masked values are not in the page.

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
use pfscim_core::mapping::Change;
use pfscim_core::sync::lock_ignoring_poison;
use pfscim_core::text::printable;
use pfscim_core::{Message, Outcome};
use sha2::{Digest as _, Sha256};

use crate::output::redaction::redacted;

const STYLE: &str = include_str!("report/style.css");
const SCRIPT: &str = include_str!("report/script.js");
/// The content of `meta name="generator"`, by which pfscim recognises its own page.
const GENERATOR: &str = "pfscim";
/// pfscim looks for the generator in this part of the page, in bytes.
const HEAD_BYTES_MAX: u64 = 2048;

/// One section of the page: the records with one outcome.
struct ReportSection {
    /// `None` for records that would fail.
    outcome: Option<Outcome>,
    heading: &'static str,
    explanation: &'static str,
    /// A class of the style sheet: how much attention the section needs.
    tone: &'static str,
}

/// The sections of the page, the most important first.
const REPORT_SECTIONS: [ReportSection; 12] = [
    section(None, "Would fail", "nothing is sent for these records until the cause is removed", "stop"),
    section(Some(Outcome::Deleted), "Would be deleted", "the account is deleted at the target", "stop"),
    section(Some(Outcome::Disabled), "Would be disabled", "active becomes false, all other attributes stay", "stop"),
    section(Some(Outcome::Created), "Would be created", "the target does not have this account", "go"),
    section(Some(Outcome::ReEnabled), "Would be re-enabled", "the account is inactive at the target", "go"),
    section(Some(Outcome::Adopted), "Would be adopted", "the target already has the account; it is linked", "calm"),
    section(Some(Outcome::Updated), "Would be updated", "", "calm"),
    section(Some(Outcome::Skipped), "Skipped", "a provisioning option prevents it", "warn"),
    section(Some(Outcome::AlreadyDisabled), "Already disabled", "nothing is sent", ""),
    section(Some(Outcome::AlreadyGone), "Already gone", "nothing is sent", ""),
    section(Some(Outcome::PassedOn), "Passed on", "the account belongs to another record now, and nothing is sent", ""),
    section(Some(Outcome::Unchanged), "Unchanged", "nothing is sent", ""),
];

const fn section(
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

/// The facts at the top of the page.
pub(crate) struct ReportHeader<'a> {
    /// Name of the connection.
    pub(crate) connection: &'a str,
    /// Name of the channel.
    pub(crate) channel: &'a str,
    /// *SCIM URL*.
    pub(crate) target: &'a str,
    /// Codes of the fields whose values are masked.
    pub(crate) masked: &'a BTreeSet<String>,
}

/// A page that collects events, and is written at the end.
pub(crate) struct ReportPage {
    path: PathBuf,
    force: bool,
    events: Mutex<Vec<Event>>,
    /// The users and groups that the guard refused to remove.
    refused_removals: Mutex<Vec<String>>,
}

impl CycleObserver for ReportPage {
    fn guard_refused(&self, removals: &[String]) {
        *lock_ignoring_poison(&self.refused_removals) = removals.to_vec();
    }

    fn begin(&self, _operations: usize) {}

    fn event(&self, event: &Event) {
        if event.sent || event.result.is_err() {
            lock_ignoring_poison(&self.events).push(event.clone());
        }
    }
}

impl ReportPage {
    /// Checks the path before anything else happens. `force` overwrites any file.
    ///
    /// # Errors
    /// [`Error::Unusable`] if the file exists and is not a page of pfscim.
    pub(crate) fn new(path: &Path, force: bool) -> Result<Self, Error> {
        let page = Self { path: path.to_owned(), force, events: Mutex::default(), refused_removals: Mutex::default() };
        page.check_path()?;
        Ok(page)
    }

    /// Returns whether the file exists, or an error if it must not be overwritten.
    fn check_path(&self) -> Result<bool, Error> {
        let exists = self.path.symlink_metadata().is_ok();
        if exists && !self.force && !is_report(&self.path) {
            let name = printable(&self.path.display().to_string());
            return Err(Error::unusable(
                Message::new(format!("--html: {name}: the file exists and is not a page of pfscim"))
                    .with_hint("choose another name, or overwrite it with --force"),
            ));
        }
        Ok(exists)
    }

    /// Writes the page completely or not at all. Only its owner can read it, because it contains personal data.
    ///
    /// # Errors
    /// [`Error::Unusable`] with the path.
    pub(crate) fn write(
        &self,
        header: &ReportHeader<'_>,
        summary: &Summary,
        guard: Option<&Error>,
    ) -> Result<(), Error> {
        let name = printable(&self.path.display().to_string());
        let unwritable = |e: &dyn std::fmt::Display| Error::unusable(format!("--html: {name}: cannot be written: {e}"));
        let mut events = lock_ignoring_poison(&self.events);
        events.sort_by(|a, b| a.identifier.cmp(&b.identifier).then_with(|| a.source_id.cmp(&b.source_id)));
        let refused_removals = lock_ignoring_poison(&self.refused_removals);
        let guard = guard.map(|error| (error.to_string(), refused_removals.as_slice()));
        let page = page(header, summary, guard, &events, &Zoned::now()).into_string();
        let replace = self.check_path()?;
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".pfscim-").tempfile_in(folder).map_err(|e| unwritable(&e))?;
        file.write_all(page.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(|e| unwritable(&e))?;
        let persisted = if replace { file.persist(&self.path) } else { file.persist_noclobber(&self.path) };
        persisted.map(|_| ()).map_err(|e| unwritable(&e.error))
    }
}

fn is_report(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(HEAD_BYTES_MAX).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains(generator().into_string().as_str())
}

fn generator() -> Markup {
    html! { meta name="generator" content=(GENERATOR); }
}

/// Returns the style sheet. It shows and hides sections itself, so that the page works without the script.
fn style() -> String {
    let rule = |section: &ReportSection| {
        let name = section.as_str();
        format!("body:has(#show-{name}:not(:checked)) section[data-outcome=\"{name}\"] {{ display: none; }}\n")
    };
    REPORT_SECTIONS.iter().map(rule).fold(STYLE.to_owned(), |style, rule| style + &rule)
}

/// Returns the source expression of the content security policy that allows exactly this text.
fn csp_hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

fn page(
    header: &ReportHeader<'_>,
    summary: &Summary,
    guard: Option<(String, &[String])>,
    events: &[Event],
    time: &Zoned,
) -> Markup {
    let style = style();
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        csp_hash(&style),
        csp_hash(SCRIPT)
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                (generator())
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Provisioning plan: " (printable(header.connection)) }
                style { (PreEscaped(&style)) }
            }
            body {
                header {
                    h1 { "Provisioning plan" }
                    dl .about {
                        dt { "Connection" } dd { (printable(header.connection)) }
                        dt { "Channel" } dd { (printable(header.channel)) }
                        dt { "Target" } dd { (printable(header.target)) }
                        dt { "Created" } dd { (time.strftime("%Y-%m-%d %H:%M %:z")) " by pfscim " (env!("CARGO_PKG_VERSION")) }
                    }
                    (tiles(summary, events))
                }
                @if let Some((text, removals)) = guard { (refusal(&text, removals)) }
                div .filter hidden {
                    input #search type="search" placeholder="Name, id, field or value" aria-label="Show records with these words";
                    output #shown {}
                }
                main {
                    @if events.is_empty() { p .empty { "The cycle changes nothing." } }
                    @for section in &REPORT_SECTIONS { (render_section(section, events, header.masked)) }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// Renders the counts with the boxes that show and hide sections. Unchanged records are counted, but have no section.
fn tiles(summary: &Summary, events: &[Event]) -> Markup {
    html! {
        ul .tiles {
            @for section in REPORT_SECTIONS.iter().filter(|section| section.count(summary) > 0) {
                li { label class=(section.tone) {
                    @if events.iter().any(|event| section.is_of(event)) {
                        input id=(format!("show-{}", section.as_str())) type="checkbox" checked;
                    }
                    b { (section.count(summary)) }
                    (section.heading)
                } }
            }
        }
    }
}

fn refusal(text: &str, removals: &[String]) -> Markup {
    html! {
        section .refused {
            h2 { "The removal guard stops this cycle" }
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

fn render_section(section: &ReportSection, events: &[Event], masked: &BTreeSet<String>) -> Markup {
    let of_section: Vec<_> = events.iter().filter(|event| section.is_of(event)).collect();
    html! {
        @if !of_section.is_empty() {
            section data-outcome=(section.as_str()) class=(format!("{} {}", section.as_str(), section.tone)) {
                h2 { (section.heading) " " small { (of_section.len()) @if !section.explanation.is_empty() { " · " (section.explanation) } } }
                @for event in of_section { (record(event, masked)) }
            }
        }
    }
}

fn record(event: &Event, masked: &BTreeSet<String>) -> Markup {
    let (id, notes) = match &event.result {
        Ok(report) => (report.id.as_deref(), report.warnings.clone()),
        Err(failure) => (None, vec![format!("{}: {failure}", event.operation.as_str())]),
    };
    html! {
        article {
            h3 { @if event.kind == RecordKind::Group { "Group " } (printable(&event.identifier)) }
            span .ids {
                span { "source " (printable(&event.source_id)) }
                @if let Some(id) = id { span { "target " (printable(id)) } }
            }
            @for note in notes { p .note { (printable(&note)) } }
            (members("Would join", &event.members.added))
            (members("Would leave", &event.members.removed))
            @if !event.changes.is_empty() {
                table {
                    thead { tr { th scope="col" { "Field" } th scope="col" { "At the target" } th scope="col" { "Would become" } } }
                    tbody { @for change in &event.changes { (row(change, masked)) } }
                }
            }
        }
    }
}

/// Renders the members that a group gains or loses.
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

fn row(change: &Change, masked: &BTreeSet<String>) -> Markup {
    let values = |values: &[String]| {
        let shown = if masked.contains(&change.code) { redacted(values) } else { values.to_vec() };
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
            source_id: "g1".into(),
            identifier: identifier.into(),
            operation: Operation::Update,
            result,
            changes: vec![change("title"), change("password")],
            members: MemberChanges { added: vec![HOSTILE.into()], removed: Vec::new() },
            sent: true,
            blocked_by_option: false,
        }
    }

    fn write_page(folder: &Path, force: bool) -> Result<String, Error> {
        let path = folder.join("plan.html");
        let page = ReportPage::new(&path, force)?;
        page.event(&event(HOSTILE, Ok(Report::new(Outcome::Updated, Some(HOSTILE)).warn(HOSTILE))));
        page.event(&event("bob", Err(Failure::Rejected(HOSTILE.into()))));
        page.guard_refused(&[HOSTILE.to_owned()]);
        let masked = ["password".to_owned()].into();
        let header = ReportHeader { connection: HOSTILE, channel: HOSTILE, target: "https://x/", masked: &masked };
        let users = Tally { outcomes: [(Outcome::Updated, 1)].into(), failed: 1 };
        let summary = Summary { users, ..Summary::default() };
        page.write(&header, &summary, Some(&Error::Guard(HOSTILE.into())))?;
        Ok(std::fs::read_to_string(path).unwrap())
    }

    #[test]
    fn data_cannot_become_markup_on_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let page = write_page(folder.path(), false).unwrap();
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
        let page = write_page(folder.path(), false).unwrap();
        let password = page.split("<th scope=\"row\">password</th>").nth(1).unwrap();
        assert!(password.starts_with("<td class=\"old\"><span>***</span></td>"), "{password}");
    }

    #[test]
    fn only_a_page_of_pfscim_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        write_page(folder.path(), false).unwrap();
        write_page(folder.path(), false).unwrap();
        let path = folder.path().join("plan.html");
        std::fs::write(&path, "<html>other content</html>").unwrap();
        let error = write_page(folder.path(), false).unwrap_err().to_string();
        assert!(error.contains("--force"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "<html>other content</html>");
        write_page(folder.path(), true).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_outcome_has_a_section_on_the_page() {
        for outcome in Outcome::ALL {
            assert_eq!(
                REPORT_SECTIONS.iter().filter(|section| section.outcome == Some(outcome)).count(),
                1,
                "{outcome}"
            );
        }
    }
}
