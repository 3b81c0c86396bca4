//! Runs the Java host process (`pfscim-host.jar`): sends calls from many threads, each with a time limit, and ends it.
//! Does not know: what a call means.

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

use pfscim_core::sync::lock_ignoring_poison;
use pfscim_core::text::{excerpt, printable};
use pfscim_core::{Failure, Message};

use super::lines::{self, CallResult, HostLine, Pairs};
use crate::Error;

/// The main class of the host jar.
pub(crate) const MAIN_CLASS: &str = "org.pfscim.host.Main";
/// The time in which the process must end.
pub(crate) const EXIT_TIMEOUT: Duration = Duration::from_secs(20);
/// Consecutive calls that may time out. The last one ends the cycle, because the target or the plugin hangs.
const CONSECUTIVE_TIMEOUTS_MAX: u32 = 5;
/// Bytes of the standard error that are kept for messages.
const STDERR_BYTES_MAX: usize = 8 * 1024;

/// A running host process.
#[derive(Debug)]
pub(crate) struct HostProcess {
    pipes: Arc<Pipes>,
    child: Mutex<Child>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    sequence: AtomicU64,
    consecutive_timeouts: AtomicU32,
}

/// The pipes of the process and the calls that wait for a response. All threads share them.
#[derive(Debug, Default)]
struct Pipes {
    input: Mutex<Option<ChildStdin>>,
    /// The receiver of each response, by sequence number; `None` after the process has ended.
    pending_calls: Mutex<Option<HashMap<u64, SyncSender<CallResult>>>>,
    /// The first bytes of the standard error.
    stderr: Mutex<Vec<u8>>,
}

impl HostProcess {
    /// Starts a process; `option` is the command option that needs it, for messages.
    ///
    /// # Errors
    /// Java cannot be started.
    #[expect(clippy::disallowed_methods, reason = "the pipes of a real process are read while it runs")]
    pub(crate) fn spawn(mut command: Command, option: &str) -> Result<Self, Error> {
        // A process group of its own: Ctrl-C reaches this program only, which ends the host after the running calls.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| {
            let java = printable(&command.get_program().display().to_string());
            Error::unusable(
                Message::new(format!("{option}: Java cannot be started as `{java}` ({e})"))
                    .with_hint("install Java 11 or later, or set JAVA_HOME"),
            )
        })?;
        let pipes = Arc::new(Pipes {
            input: Mutex::new(child.stdin.take()),
            pending_calls: Mutex::new(Some(HashMap::new())),
            ..Pipes::default()
        });
        let mut readers = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            let pipes = Arc::clone(&pipes);
            readers.push(std::thread::spawn(move || pipes.read_stderr(stderr)));
        }
        if let Some(stdout) = child.stdout.take() {
            let pipes = Arc::clone(&pipes);
            readers.push(std::thread::spawn(move || pipes.dispatch_responses(BufReader::new(stdout))));
        }
        Ok(Self {
            pipes,
            child: Mutex::new(child),
            readers: Mutex::new(readers),
            sequence: AtomicU64::new(0),
            consecutive_timeouts: AtomicU32::new(0),
        })
    }

    /// Sends a request and returns its response.
    ///
    /// # Errors
    /// The exception of the plugin, a call that takes longer than `timeout`, or a process that has ended.
    pub(crate) fn call(&self, call: &str, args: Pairs, timeout: Duration) -> Result<Pairs, Failure> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = mpsc::sync_channel(1);
        match self.pipes.pending_calls().as_mut() {
            Some(pending) => pending.insert(sequence, sender),
            None => return Err(self.exit_failure()),
        };
        self.pipes.send(sequence, call, &args).map_err(|_| self.exit_failure())?;
        match receiver.recv_timeout(timeout) {
            Ok(CallResult::Ok(pairs)) => {
                self.consecutive_timeouts.store(0, Ordering::Relaxed);
                Ok(pairs)
            }
            Ok(CallResult::Failed(pairs)) => {
                self.consecutive_timeouts.store(0, Ordering::Relaxed);
                Err(lines::failure(&pairs))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.exit_failure()),
            Err(RecvTimeoutError::Timeout) => Err(self.abandon(sequence, call, timeout)),
        }
    }

    /// Abandons a call as PingFederate does: the plugin continues with it, and its response is ignored.
    fn abandon(&self, sequence: u64, call: &str, timeout: Duration) -> Failure {
        if let Some(pending) = self.pipes.pending_calls().as_mut() {
            pending.remove(&sequence);
        }
        let abandon_sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        // If this cannot be sent either, the next call fails because the process has ended.
        let _ = self.pipes.send(abandon_sequence, "abandon", &[("seq".to_owned(), sequence.to_string())]);
        let stops = self.consecutive_timeouts.fetch_add(1, Ordering::Relaxed) + 1 >= CONSECUTIVE_TIMEOUTS_MAX;
        let text = format!(
            "the plugin did not return from {call} within {} s, and the next cycle sends the record again",
            timeout.as_secs()
        );
        Failure::Transport { message: text.into(), stops }
    }

    /// Returns the failure of calls after the process has ended, with the first line of its standard error.
    fn exit_failure(&self) -> Failure {
        let mut child = lock_ignoring_poison(&self.child);
        // The standard error is complete when both readers have ended.
        let ended = wait_for_exit(&mut child, EXIT_TIMEOUT);
        for reader in lock_ignoring_poison(&self.readers).drain(..) {
            if ended {
                let _ = reader.join();
            }
        }
        let stderr = lock_ignoring_poison(&self.pipes.stderr);
        let stderr = String::from_utf8_lossy(&stderr);
        // Java itself prints `Picked up JAVA_TOOL_OPTIONS`, which is not a reason.
        let reason = stderr.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("Picked up "));
        let text = match (reason, child.try_wait()) {
            (Some(reason), _) => format!("the Java host process ended: {}", excerpt(reason)),
            (None, Ok(Some(status))) => format!("the Java host process ended ({status}) and printed no reason"),
            (None, _) => "the Java host process ended and printed no reason".to_owned(),
        };
        Failure::Transport { message: text.into(), stops: true }
    }
}

impl Drop for HostProcess {
    /// Closes the standard input, which ends the process, and kills it if it does not end in time.
    fn drop(&mut self) {
        lock_ignoring_poison(&self.pipes.input).take();
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !wait_for_exit(child, EXIT_TIMEOUT) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Pipes {
    fn pending_calls(&self) -> MutexGuard<'_, Option<HashMap<u64, SyncSender<CallResult>>>> {
        lock_ignoring_poison(&self.pending_calls)
    }

    fn send(&self, sequence: u64, call: &str, args: &[(String, String)]) -> std::io::Result<()> {
        let mut input = lock_ignoring_poison(&self.input);
        let input = input.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        input.write_all(lines::request_line(sequence, call, args).as_bytes())?;
        input.flush()
    }

    /// Reads responses to the end of the output. Then every pending call fails, because its sender is dropped.
    fn dispatch_responses(&self, output: impl BufRead) {
        for line in output.lines() {
            let Ok(line) = line else { break };
            let (sequence, result) = match lines::read(&line) {
                HostLine::Response(sequence, result) => (sequence, result),
                HostLine::Log(pairs) => {
                    lines::log_line(&pairs);
                    continue;
                }
                HostLine::Unknown => {
                    log::warn!("the Java host process wrote a line that is not a response: {}", excerpt(&line));
                    continue;
                }
            };
            let sender = sequence.and_then(|sequence| self.pending_calls().as_mut()?.remove(&sequence));
            if let Some(sender) = sender {
                // Fails if the call timed out in this moment.
                let _ = sender.send(result);
            }
        }
        self.pending_calls().take();
    }

    fn read_stderr(&self, mut stderr: impl Read) {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stderr.read(&mut buffer) {
            let mut bytes = lock_ignoring_poison(&self.stderr);
            let room = STDERR_BYTES_MAX.saturating_sub(bytes.len());
            bytes.extend_from_slice(&buffer[..read.min(room)]);
        }
    }
}

/// Returns the class path of the process: the host jar, then the other jars.
///
/// # Errors
/// The host jar is not a file, or a path cannot be part of a class path.
pub(crate) fn class_path(host: &Path, mut jars: Vec<PathBuf>) -> Result<OsString, Error> {
    if !host.is_file() {
        let host = printable(&host.display().to_string());
        return Err(Error::unusable(
            Message::new(format!("--host: {host} is not a file"))
                .with_hint("set --host to the pfscim-host.jar of this program"),
        ));
    }
    jars.insert(0, host.to_owned());
    std::env::join_paths(jars).map_err(|e| Error::unusable(format!("the jars cannot be put on a class path: {e}")))
}

/// Waits until the process ends, at most for `timeout`. Returns whether it has ended.
#[expect(clippy::disallowed_methods, reason = "a real process ends in real time")]
fn wait_for_exit(child: &mut Child, timeout: Duration) -> bool {
    const STEP: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        match child.try_wait() {
            Ok(Some(_)) | Err(_) => return true,
            Ok(None) if waited >= timeout => return false,
            Ok(None) => std::thread::sleep(STEP),
        }
        waited += STEP;
    }
}
