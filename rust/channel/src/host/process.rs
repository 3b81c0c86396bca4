//! The Java host process (`pfscim-host.jar`): many calls at a time, each with a bound, and its end.
//! Does not know: what a call means.

use pfscim_core::sync::lock_ignoring_poison;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use pfscim_core::Failure;
use pfscim_core::text::{excerpt, printable};

use super::lines::{self, Line, Pairs, Reply};
use crate::Error;

/// The main class of the host jar.
pub(crate) const MAIN: &str = "org.pfscim.host.Main";
/// What the end of the process takes.
pub(crate) const END: Duration = Duration::from_secs(20);
/// As many operations without an answer, one after the other, end the cycle: the target or the plugin hangs.
const HANGING: u32 = 5;
/// As much of the virtual machine's own complaints is kept for messages, in bytes.
const COMPLAINTS: usize = 8 * 1024;

/// A running host process.
#[derive(Debug)]
pub(crate) struct Host {
    wire: Arc<Wire>,
    child: Mutex<Child>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    sequence: AtomicU64,
    silent: AtomicU32,
}

/// What the threads of the process share.
#[derive(Debug, Default)]
struct Wire {
    input: Mutex<Option<ChildStdin>>,
    /// Who waits for which answer; `None` once the host is gone.
    waiting: Mutex<Option<HashMap<u64, SyncSender<Reply>>>>,
    complaints: Mutex<Vec<u8>>,
}

impl Host {
    /// Starts a host; `option` is the one that asked for it.
    ///
    /// # Errors
    /// No Java.
    pub(crate) fn spawn(mut command: Command, option: &str) -> Result<Self, Error> {
        // Ctrl-C is for this program, which then ends the host when nothing is under way any more.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| {
            let java = printable(&command.get_program().display().to_string());
            Error::unusable(format!(
                "{option}: Java cannot be started as `{java}` ({e}); install Java 11 or later, or set JAVA_HOME"
            ))
        })?;
        let wire = Arc::new(Wire {
            input: Mutex::new(child.stdin.take()),
            waiting: Mutex::new(Some(HashMap::new())),
            ..Wire::default()
        });
        let mut readers = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            let wire = Arc::clone(&wire);
            readers.push(std::thread::spawn(move || wire.keep_complaints(stderr)));
        }
        if let Some(stdout) = child.stdout.take() {
            let wire = Arc::clone(&wire);
            readers.push(std::thread::spawn(move || wire.dispatch_responses(BufReader::new(stdout))));
        }
        Ok(Self {
            wire,
            child: Mutex::new(child),
            readers: Mutex::new(readers),
            sequence: AtomicU64::new(0),
            silent: AtomicU32::new(0),
        })
    }

    /// One request and its answer.
    pub(crate) fn call(&self, call: &str, args: Pairs, timeout: Duration) -> Result<Pairs, Failure> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = mpsc::sync_channel(1);
        match self.wire.waiting().as_mut() {
            Some(waiting) => waiting.insert(sequence, sender),
            None => return Err(self.gone()),
        };
        self.wire.send(sequence, call, &args).map_err(|_| self.gone())?;
        match receiver.recv_timeout(timeout) {
            Ok(Reply::Ok(pairs)) => {
                self.silent.store(0, Ordering::Relaxed);
                Ok(pairs)
            }
            Ok(Reply::Failed(pairs)) => {
                self.silent.store(0, Ordering::Relaxed);
                Err(lines::failure(&pairs))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
            Err(RecvTimeoutError::Timeout) => Err(self.abandon(sequence, call, timeout)),
        }
    }

    /// Gives up on a call as PingFederate does: it goes on running, its answer comes too late.
    fn abandon(&self, sequence: u64, call: &str, timeout: Duration) -> Failure {
        if let Some(waiting) = self.wire.waiting().as_mut() {
            waiting.remove(&sequence);
        }
        let own = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        // Where this cannot be sent either, the next call finds the host gone.
        let _ = self.wire.send(own, "abandon", &[("seq".to_owned(), sequence.to_string())]);
        let stops = self.silent.fetch_add(1, Ordering::Relaxed) + 1 >= HANGING;
        let text = format!(
            "the plugin did not answer {call} within {} s; the record is sent again next cycle",
            timeout.as_secs()
        );
        Failure::Transport { message: text.into(), stops }
    }

    /// What to say when the process ended by itself.
    fn gone(&self) -> Failure {
        let mut child = lock_ignoring_poison(&self.child);
        // The complaints are complete once both readers have come to an end.
        let ended = wait(&mut child, END);
        for reader in lock_ignoring_poison(&self.readers).drain(..) {
            if ended {
                let _ = reader.join();
            }
        }
        let complaints = lock_ignoring_poison(&self.wire.complaints);
        let complaints = String::from_utf8_lossy(&complaints);
        let why = complaints.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("Picked up "));
        let text = match why {
            Some(why) => format!("the host ended: {}", excerpt(why)),
            None => "the host ended without a word".to_owned(),
        };
        Failure::Transport { message: text.into(), stops: true }
    }
}

impl Drop for Host {
    /// The end of its input ends the host; one that does not end is killed.
    fn drop(&mut self) {
        lock_ignoring_poison(&self.wire.input).take();
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !wait(child, END) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Wire {
    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u64, SyncSender<Reply>>>> {
        lock_ignoring_poison(&self.waiting)
    }

    fn send(&self, sequence: u64, call: &str, args: &[(String, String)]) -> std::io::Result<()> {
        let mut input = lock_ignoring_poison(&self.input);
        let input = input.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        input.write_all(lines::request(sequence, call, args).as_bytes())?;
        input.flush()
    }

    /// Reads answers until there are no more; then whoever still waits learns that none will come.
    fn dispatch_responses(&self, output: impl BufRead) {
        for line in output.lines() {
            let Ok(line) = line else { break };
            let (sequence, reply) = match lines::read(&line) {
                Line::Response(sequence, reply) => (sequence, reply),
                Line::Log(pairs) => {
                    lines::log_line(&pairs);
                    continue;
                }
                Line::Unknown => {
                    log::warn!("the host wrote a line that is no answer: {}", excerpt(&line));
                    continue;
                }
            };
            let waiting = sequence.and_then(|sequence| self.waiting().as_mut()?.remove(&sequence));
            if let Some(sender) = waiting {
                // Who gave up in this very moment does not hear it.
                let _ = sender.send(reply);
            }
        }
        self.waiting().take();
    }

    fn keep_complaints(&self, mut stderr: impl Read) {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stderr.read(&mut buffer) {
            let mut kept = lock_ignoring_poison(&self.complaints);
            let room = COMPLAINTS.saturating_sub(kept.len());
            kept.extend_from_slice(&buffer[..read.min(room)]);
        }
    }
}

/// The host and what it serves.
pub(crate) fn class_path(host: &Path, mut jars: Vec<PathBuf>) -> Result<OsString, Error> {
    if !host.is_file() {
        let host = printable(&host.display().to_string());
        return Err(Error::unusable(format!("--host: {host} is not there; name the pfscim-host.jar of this program")));
    }
    jars.insert(0, host.to_owned());
    std::env::join_paths(jars).map_err(|e| Error::unusable(format!("the jars cannot be put on a class path: {e}")))
}

/// Waits for the end of a process, for a while.
fn wait(child: &mut Child, patience: Duration) -> bool {
    const STEP: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        match child.try_wait() {
            Ok(Some(_)) | Err(_) => return true,
            Ok(None) if waited >= patience => return false,
            Ok(None) => std::thread::sleep(STEP),
        }
        waited += STEP;
    }
}
