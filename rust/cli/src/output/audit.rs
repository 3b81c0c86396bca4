//! Writes the file of `--audit`: one line per operation, in the format of PingFederate's `provisioner-audit.log`.
//! Does not know: how a cycle runs.
//!
//! Columns (docs.pingidentity.com, *Outbound provisioning audit logging*): `time| cycle_id| channel_id| event_type|
//! source_id| target_id| is_success| non_success_cause`. Unchanged records produce no line.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

use jiff::Zoned;
use pfscim_channel::Error;
use pfscim_channel::engine::{CycleObserver, Event};
use pfscim_core::sync::lock_ignoring_poison;
use pfscim_core::text::printable;
use pfscim_core::{Message, Outcome};

/// An open audit file.
pub(crate) struct Audit {
    name: String,
    channel: usize,
    output: Mutex<AuditOutput>,
}

struct AuditOutput {
    file: File,
    cycle: String,
    /// The first error of a write.
    write_error: Option<String>,
}

impl Audit {
    /// Opens the file to append to it. A new file is readable by its owner only. `channel` is the number of the channel
    /// in its connection; the first is 1.
    ///
    /// # Errors
    /// [`Error::Unusable`] with the path.
    pub(crate) fn open(path: &Path, channel: usize) -> Result<Self, Error> {
        let name = printable(&path.display().to_string());
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|e| Error::unusable(format!("--audit: {name}: {e}")))?;
        Ok(Self { name, channel, output: Mutex::new(AuditOutput { file, cycle: String::new(), write_error: None }) })
    }

    /// Starts the lines of a new cycle.
    pub(crate) fn begin_cycle(&self) {
        // Distinguishes cycles in one file. Nothing depends on it, so 0 is good enough if the system has no random numbers.
        let id = getrandom::u64().unwrap_or_default();
        self.output().cycle = format!("{id:016x}");
    }

    /// Checks that every line since the last call was written.
    ///
    /// # Errors
    /// [`Error::Stopped`] with the first error of a write.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        match self.output().write_error.take() {
            Some(error) => Err(Error::Stopped(
                Message::new(format!("--audit: {}: lines are missing: {error}", self.name))
                    .with_hint("check the disk space and permissions of the file"),
            )),
            None => Ok(()),
        }
    }

    fn output(&self) -> std::sync::MutexGuard<'_, AuditOutput> {
        lock_ignoring_poison(&self.output)
    }
}

impl CycleObserver for Audit {
    fn begin(&self, _operations: usize) {}

    fn event(&self, event: &Event) {
        if !event.sent && event.result.is_ok() {
            return;
        }
        let mut output = self.output();
        let line = line(&Zoned::now(), &output.cycle, self.channel, event);
        // One call per line, because several runs may append to the same file.
        if let Err(error) = output.file.write_all(line.as_bytes()) {
            output.write_error.get_or_insert(error.to_string());
        }
    }
}

fn line(time: &Zoned, cycle: &str, channel: usize, event: &Event) -> String {
    let (target, cause) = match &event.result {
        Ok(report) if report.outcome == Outcome::Skipped => {
            let option = report.skipped_by.map(|option| format!(": {}", option.label())).unwrap_or_default();
            (report.id.as_deref(), format!("skipped{option}"))
        }
        Ok(report) => (report.id.as_deref(), String::new()),
        Err(failure) => (None, failure.to_string()),
    };
    let columns = [
        time.strftime("%Y-%m-%d %H:%M:%S,%3f").to_string(),
        cycle.to_owned(),
        channel.to_string(),
        event.operation.as_str().to_uppercase(),
        escaped(&event.source_id),
        escaped(target.unwrap_or_default()),
        cause.is_empty().to_string(),
        escaped(&cause),
    ];
    columns.join("| ") + "\n"
}

/// Escapes text for one column: line breaks and pipes.
fn escaped(text: &str) -> String {
    printable(text).replace('|', "\\u{7c}")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;
    use pfscim_channel::engine::{Operation, RecordKind};
    use pfscim_channel::provisioner::MemberChanges;
    use pfscim_core::record::ProvisioningOption;
    use pfscim_core::{Failure, Report};

    use super::*;

    fn event(operation: Operation, result: Result<Report, Failure>) -> Event {
        let source_id = "g|1\n".to_owned();
        let (kind, members) = (RecordKind::User, MemberChanges::default());
        let (changes, identifier) = (Vec::new(), "ada".into());
        Event { kind, source_id, identifier, operation, result, changes, members, sent: true, blocked_by_option: false }
    }

    fn written(event: &Event) -> String {
        let time = date(2025, 3, 9).at(7, 5, 2, 42_000_000).to_zoned(TimeZone::UTC).unwrap();
        line(&time, "00c1", 2, event)
    }

    #[test]
    fn a_line_has_the_columns_of_the_vendor() {
        let created = event(Operation::Create, Ok(Report::new(Outcome::Created, Some("t1"))));
        assert_eq!(written(&created), "2025-03-09 07:05:02,042| 00c1| 2| CREATE| g\\u{7c}1\\u{a}| t1| true| \n");
    }

    #[test]
    fn a_failed_or_skipped_record_has_its_cause_on_one_line() {
        let failed = event(Operation::Remove, Err(Failure::Rejected("no | way\r\nout".into())));
        assert!(
            written(&failed).ends_with("| REMOVE| g\\u{7c}1\\u{a}| | false| rejected: no \\u{7c} way\\u{d}\\u{a}out\n")
        );
        let skipped = event(Operation::Update, Ok(Report::skipped(ProvisioningOption::ALL[1], Some("t1"))));
        let line = written(&skipped);
        assert!(line.contains(&format!("| t1| false| skipped: {}\n", ProvisioningOption::ALL[1].label())), "{line}");
    }

    #[test]
    fn lines_are_appended_to_a_private_file_and_unchanged_records_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        for _ in 0..2 {
            let audit = Audit::open(&path, 1).unwrap();
            audit.begin_cycle();
            audit.event(&event(Operation::Create, Ok(Report::new(Outcome::Created, None))));
            let unchanged = event(Operation::Update, Ok(Report::new(Outcome::Unchanged, None)));
            audit.event(&Event { sent: false, ..unchanged });
            audit.finish().unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        let cycles: std::collections::BTreeSet<_> = text.lines().map(|l| l.split("| ").nth(1)).collect();
        assert_eq!(cycles.len(), 2, "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let error = Audit::open(&folder.path().join("no/where"), 1).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("--audit: "), "{error}");
    }
}
