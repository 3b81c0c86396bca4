//! Log lines on standard error, one line each, with their level.

use std::sync::OnceLock;

use log::{Level, LevelFilter, Log, Metadata, Record};
use pfscim_channel::engine::STEPS;
use pfscim_channel::host::PLUGIN_LOG;
use pfscim_core::http::REQUESTS;
use pfscim_core::text::printable;

use crate::output::lines;

/// Whose lines are shown. Libraries would tell headers and bodies, and with them secrets.
const OURS: [&str; 2] = ["pfscim", PLUGIN_LOG];

/// Set once, before anything is logged.
struct Logger {
    /// Steps and requests have names of their own.
    steps: bool,
}

static LOGGER: OnceLock<Logger> = OnceLock::new();

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        OURS.iter().any(|name| metadata.target().starts_with(name)) && metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = match record.level() {
                Level::Info if self.steps && record.target() == STEPS => "step",
                Level::Debug if self.steps && record.target() == REQUESTS => "request",
                Level::Debug if self.steps && record.target() == PLUGIN_LOG => "plugin",
                Level::Error => "error",
                Level::Warn => "warning",
                Level::Info => "info",
                Level::Debug | Level::Trace => "debug",
            };
            lines::err(&format!("{level}: {}", printable(&record.args().to_string())));
        }
    }

    fn flush(&self) {}
}

/// Shows warnings and errors, or everything; `steps` shows everything and tells steps and requests apart from it.
pub(crate) fn start(verbose: bool, steps: bool) {
    log::set_max_level(if verbose || steps { LevelFilter::Debug } else { LevelFilter::Warn });
    // Only a second call can fail, and there is none.
    let _ = log::set_logger(LOGGER.get_or_init(|| Logger { steps }));
}
