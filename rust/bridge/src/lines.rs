//! Collects the log lines of one native call. They go back with its result, and Java logs them.
//! Does not know: the virtual machine, operations.
//!
//! An operation runs on the thread of its caller, so the lines are collected per thread. Java logs them on the same
//! thread, which has the logging context of the host.

use std::cell::RefCell;
use std::sync::Once;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// A log line: level and text.
pub(crate) type Line = (Level, String);

/// The lines of the call that runs on this thread.
struct CallLog {
    level: LevelFilter,
    lines: Vec<Line>,
}

thread_local! {
    static CALL_LOG: RefCell<CallLog> = const { RefCell::new(CallLog { level: LevelFilter::Off, lines: Vec::new() }) };
}

struct Collector;

impl Log for Collector {
    /// Returns true for crates of pfscim only, because libraries may log URLs with filter values.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("pfscim")
            && CALL_LOG.with(|c| c.try_borrow().is_ok_and(|c| metadata.level() <= c.level))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = (record.level(), record.args().to_string());
            CALL_LOG.with(|c| {
                if let Ok(mut c) = c.try_borrow_mut() {
                    c.lines.push(line);
                }
            });
        }
    }

    fn flush(&self) {}
}

/// Starts to collect on this thread, and drops lines of an earlier call.
pub(crate) fn start(debug: bool) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Cannot fail: this library contains its own copy of `log`, and no other code sets its logger.
        let _ = log::set_logger(&Collector);
        log::set_max_level(LevelFilter::Debug);
    });
    let level = if debug { LevelFilter::Debug } else { LevelFilter::Info };
    CALL_LOG.with(|c| c.replace(CallLog { level, lines: Vec::new() }));
}

/// Stops collecting on this thread. Returns the lines.
pub(crate) fn finish() -> Vec<Line> {
    CALL_LOG.with(|c| c.replace(CallLog { level: LevelFilter::Off, lines: Vec::new() })).lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_collects_only_its_own_lines() {
        start(false);
        log::info!("of this call");
        log::debug!("below the level");
        log::warn!(target: "rustls::client", "a library's");
        std::thread::spawn(|| log::info!("of a thread without a call")).join().unwrap();
        assert_eq!(finish(), [(Level::Info, "of this call".to_owned())]);
        log::info!("after the end");
        start(true);
        log::debug!("at the level");
        assert_eq!(finish(), [(Level::Debug, "at the level".to_owned())]);
    }
}
