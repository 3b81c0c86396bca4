//! Prints log messages to standard error, one line each, with their level.
//! Does not know: the content of the messages.

use std::sync::OnceLock;

use log::{Level, LevelFilter, Log, Metadata, Record};
use pfscim_channel::engine::STEP_LOG_TARGET;
use pfscim_channel::host::PLUGIN_LOG;
use pfscim_core::http::REQUEST_LOG_TARGET;
use pfscim_core::text::printable;

use crate::output::lines;

/// The log targets that are printed. Other libraries would log headers and bodies, which contain secrets.
const LOG_TARGETS: [&str; 2] = ["pfscim", PLUGIN_LOG];

/// The logger of the program.
struct Logger {
    /// Prints steps and requests with a level of their own, for --on-demand.
    steps: bool,
}

static LOGGER: OnceLock<Logger> = OnceLock::new();

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        LOG_TARGETS.iter().any(|name| metadata.target().starts_with(name)) && metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = match record.level() {
                Level::Info if self.steps && record.target() == STEP_LOG_TARGET => "step",
                Level::Debug if self.steps && record.target() == REQUEST_LOG_TARGET => "request",
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

/// Starts to print warnings and errors. `verbose` and `steps` also print debug messages; `steps` marks steps and
/// requests. Must be called before anything is logged.
pub(crate) fn start(verbose: bool, steps: bool) {
    log::set_max_level(if verbose || steps { LevelFilter::Debug } else { LevelFilter::Warn });
    // Only a second call can fail.
    let _ = log::set_logger(LOGGER.get_or_init(|| Logger { steps }));
}
