//! Prints lines to standard output and standard error, above the progress bar.
//! Does not know: the content of the lines.

use std::io::{IsTerminal as _, Write as _};
use std::sync::OnceLock;

use indicatif::{ProgressBar, ProgressStyle};
use pfscim_core::text::{printable, printable_json};
use serde_json::Value;

static BAR: OnceLock<ProgressBar> = OnceLock::new();

/// Prints a line to standard output. A closed output is not an error: its reader stopped on purpose.
pub(crate) fn out(line: &str) {
    with_progress_hidden(|| {
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    });
}

/// Prints a JSON value to standard output, on one line.
pub(crate) fn out_json(value: &Value) {
    out(&printable_json(&value.to_string()));
}

/// Prints a line to standard error.
pub(crate) fn err(line: &str) {
    with_progress_hidden(|| {
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    });
}

/// Prints a message for the administrator to standard error, on one line.
pub(crate) fn print_error(text: &str) {
    err(&format!("pfscim: {}", printable(text)));
}

fn with_progress_hidden(print: impl FnOnce()) {
    match BAR.get() {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// Shows the progress bar, if standard error is a terminal. `operations` is its length.
pub(crate) fn start_bar(operations: usize) {
    if std::io::stderr().is_terminal() && operations > 0 {
        let bar = BAR.get_or_init(|| ProgressBar::new(0));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {per_sec}  {eta} left") {
            bar.set_style(style);
        }
        // An earlier cycle of this run may have used the bar.
        bar.reset();
        bar.set_length(operations as u64);
    }
}

/// Advances the bar by one operation.
pub(crate) fn advance_bar() {
    if let Some(bar) = BAR.get() {
        bar.inc(1);
    }
}

/// Removes the bar from the terminal.
pub(crate) fn clear_bar() {
    if let Some(bar) = BAR.get() {
        bar.finish_and_clear();
    }
}
