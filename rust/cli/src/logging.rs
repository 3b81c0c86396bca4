//! Log lines on standard error, one line each, with their level.

use log::{Level, LevelFilter, Log, Metadata, Record};
use pfscim_core::text::printable;

use crate::screen;

/// Whose lines are shown. Libraries would tell headers and bodies, and with them secrets.
const OURS: [&str; 2] = ["pfscim", "plugin"];

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        OURS.iter().any(|name| metadata.target().starts_with(name)) && metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = match record.level() {
                Level::Error => "error",
                Level::Warn => "warning",
                Level::Info => "info",
                Level::Debug | Level::Trace => "debug",
            };
            screen::err(&format!("{level}: {}", printable(&record.args().to_string())));
        }
    }

    fn flush(&self) {}
}

/// Shows warnings and errors, or everything.
pub(crate) fn start(verbose: bool) {
    log::set_max_level(if verbose { LevelFilter::Debug } else { LevelFilter::Warn });
    // Only a second call can fail, and there is none.
    let _ = log::set_logger(&Logger);
}
