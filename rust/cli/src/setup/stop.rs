//! Handles Ctrl-C and the termination signals.
//! Does not know: what a run does.
//!
//! After the first signal the run finishes the records that it has started. A second signal ends the program
//! immediately. The state file is consistent at every moment, so both are safe.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pfscim_channel::Error;

use crate::exit_status::ExitStatus;

/// Set by the first signal.
pub(crate) static STOP_REQUESTED: AtomicBool = AtomicBool::new(false);

/// Starts to handle signals, and wakes this thread if it is in [`sleep`]. `print` writes a line to standard error.
///
/// # Errors
/// [`Error::Unusable`] if the system refuses the handler.
pub(crate) fn listen(print: impl Fn(&str) + Send + 'static) -> Result<(), Error> {
    let sleeper = std::thread::current();
    ctrlc::set_handler(move || {
        if STOP_REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(ExitStatus::Stopped.status().into());
        }
        if std::io::stderr().is_terminal() {
            print("pfscim: stopping after the records that it has started; press Ctrl-C again to stop immediately");
        }
        sleeper.unpark();
    })
    .map_err(|e| Error::unusable(format!("signals cannot be handled: {e}")))
}

/// Returns whether a signal was received.
pub(crate) fn is_requested() -> bool {
    STOP_REQUESTED.load(Ordering::Relaxed)
}

/// Sleeps until the time, or until a signal.
pub(crate) fn sleep(until: Instant) {
    while !is_requested() {
        match until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => break,
            left => std::thread::park_timeout(left),
        }
    }
}
