//! Ctrl-C and the termination signal: the first one asks the run to end when nothing is under way any more, the
//! second one ends the program at once. A state file is true at every moment, so neither loses anything.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pfscim_channel::Error;

use crate::exit_status::ExitStatus;

/// Set by the first signal.
pub(crate) static ASKED: AtomicBool = AtomicBool::new(false);

/// Listens from now on, and wakes this thread where it sleeps in [`sleep`]. `say` prints a line on standard error.
pub(crate) fn listen(say: impl Fn(&str) + Send + 'static) -> Result<(), Error> {
    let waiting = std::thread::current();
    ctrlc::set_handler(move || {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(ExitStatus::Stopped.status().into());
        }
        if std::io::stderr().is_terminal() {
            say("stopping when what is under way is finished; Ctrl-C again ends at once");
        }
        waiting.unpark();
    })
    .map_err(|e| Error::unusable(format!("Ctrl-C cannot be listened to: {e}")))
}

/// Whether somebody asked to stop.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Sleeps until then, or until somebody asks to stop.
pub(crate) fn sleep(until: Instant) {
    while !is_asked() {
        match until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => break,
            left => std::thread::park_timeout(left),
        }
    }
}
