//! The log lines of one native call. Operations run wholly on the caller's thread, so the lines are kept per thread,
//! handed back with the result and logged by Java on that same thread, where the host's logging context is.

use std::cell::RefCell;
use std::sync::Once;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// One line: how grave, and what.
pub(crate) type Line = (Level, String);

/// What the call that runs on this thread has logged so far.
struct Collected {
    wanted: LevelFilter,
    lines: Vec<Line>,
}

thread_local! {
    static COLLECTED: RefCell<Collected> = const { RefCell::new(Collected { wanted: LevelFilter::Off, lines: Vec::new() }) };
}

struct Collector;

impl Log for Collector {
    /// Only our own crates: what libraries log at lower levels may hold URLs with filter values in them.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("pfscim")
            && COLLECTED.with(|c| c.try_borrow().is_ok_and(|c| metadata.level() <= c.wanted))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = (record.level(), record.args().to_string());
            COLLECTED.with(|c| {
                if let Ok(mut c) = c.try_borrow_mut() {
                    c.lines.push(line);
                }
            });
        }
    }

    fn flush(&self) {}
}

/// Starts collecting on this thread, with nothing left of an earlier call.
pub(crate) fn start(debug: bool) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Cannot fail: the library has a `log` of its own and nobody else sets its logger.
        let _ = log::set_logger(&Collector);
        log::set_max_level(LevelFilter::Debug);
    });
    let wanted = if debug { LevelFilter::Debug } else { LevelFilter::Info };
    COLLECTED.with(|c| c.replace(Collected { wanted, lines: Vec::new() }));
}

/// Ends collecting on this thread and hands over the lines.
pub(crate) fn finish() -> Vec<Line> {
    COLLECTED.with(|c| c.replace(Collected { wanted: LevelFilter::Off, lines: Vec::new() })).lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_gets_its_own_lines_and_no_others() {
        start(false);
        log::info!("mine");
        log::debug!("not asked for");
        log::warn!(target: "rustls::client", "a library's");
        std::thread::spawn(|| log::info!("of a thread without a call")).join().unwrap();
        assert_eq!(finish(), [(Level::Info, "mine".to_owned())]);
        log::info!("after the end");
        start(true);
        log::debug!("asked for");
        assert_eq!(finish(), [(Level::Debug, "asked for".to_owned())]);
    }
}
