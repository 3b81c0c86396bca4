//! Prints lines on standard output and standard error, above the progress bar.
//! Does not know: what the lines are about.

use std::io::{IsTerminal as _, Write as _};
use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressStyle};
use pfscim_core::text::{printable, printable_json};
use serde_json::Value;

static BAR: OnceLock<ProgressBar> = OnceLock::new();

/// A line on standard output. Whoever closed it does not want to read on, so that is no error.
pub(crate) fn out(line: &str) {
    with_progress_hidden(|| {
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    });
}

/// A JSON value on standard output, on one line.
pub(crate) fn out_json(value: &Value) {
    out(&printable_json(&value.to_string()));
}

/// A line on standard error.
pub(crate) fn err(line: &str) {
    with_progress_hidden(|| {
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    });
}

/// One line on standard error for the person who has to act.
pub(crate) fn print_error(text: &str) {
    err(&format!("pfscim: {}", printable(text)));
}

fn with_progress_hidden(print: impl FnOnce()) {
    match BAR.get() {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// Shows the bar on a terminal, at the beginning of a cycle with so many operations.
pub(crate) fn start_bar(operations: usize) {
    if std::io::stderr().is_terminal() && operations > 0 {
        let bar = BAR.get_or_init(|| ProgressBar::new(0));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {per_sec}  {eta} left") {
            bar.set_style(style);
        }
        // There may have been a cycle before this one.
        bar.reset();
        bar.set_length(operations as u64);
    }
}

/// Counts one operation as done.
pub(crate) fn advance_bar() {
    if let Some(bar) = BAR.get() {
        bar.inc(1);
    }
}

/// Removes the bar from the terminal, at the end of a cycle.
pub(crate) fn clear_bar() {
    if let Some(bar) = BAR.get() {
        bar.finish_and_clear();
    }
}
