//! The deployed jar, behind the host process: requests and answers are lines (`<seq> <call> <args>`, arguments as
//! form-encoded pairs), many at a time. May not know what an operation means.

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

use pfscim_core::connector::Group;
use pfscim_core::text::{excerpt, printable};
use pfscim_core::{Failure, Record, Report};
use serde_json::Value;
use url::form_urlencoded::{self, Serializer};

use super::{Done, Provisioner, operation_timeout};
use crate::Error;

pub(crate) const MAIN: &str = "org.pfscim.host.Main";
/// Loading a virtual machine, the jar and its native library; and what one ending takes.
const START: Duration = Duration::from_secs(120);
const END: Duration = Duration::from_secs(20);
/// As many operations without an answer, one after the other, end the cycle: the target or the plugin hangs.
const HANGING: u32 = 5;
/// As much of the virtual machine's own complaints is kept for messages.
const COMPLAINTS: usize = 8 * 1024;

/// What runs the deployed jar.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The folder with the plugin's jar: `server/default/deploy`.
    pub folder: PathBuf,
    /// `pfscim-host.jar`.
    pub host: PathBuf,
    /// The Java program, as `JAVA_HOME` and `PATH` give it.
    pub java: PathBuf,
    /// The plugin's id.
    pub id: String,
}

/// The host process, most of the time with one plugin in it.
#[derive(Debug)]
pub struct Plugin {
    wire: Arc<Wire>,
    child: Mutex<Child>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    sequence: AtomicU64,
    silent: AtomicU32,
    timeout: Duration,
}

/// What the threads of the process share.
#[derive(Debug, Default)]
struct Wire {
    input: Mutex<Option<ChildStdin>>,
    /// Who waits for which answer; `None` once the host is gone.
    waiting: Mutex<Option<HashMap<u64, SyncSender<Reply>>>>,
    complaints: Mutex<Vec<u8>>,
}

/// The pairs of a request or an answer, in order.
pub(crate) type Pairs = Vec<(String, String)>;

#[derive(Debug)]
enum Reply {
    Ok(Pairs),
    Failed(Pairs),
}

impl Plugin {
    /// Starts the host with every jar of the folder; `timeout` is what one operation may take.
    ///
    /// # Errors
    /// A folder without jars, no host jar, no Java.
    pub fn start(deployed: &Deployed, threads: usize, timeout: Duration) -> Result<Self, Error> {
        let mut command = Command::new(&deployed.java);
        if log::max_level() >= log::LevelFilter::Debug {
            command.arg("-Dorg.pfscim.host.log=all");
        }
        command
            .arg(format!("-Dorg.pfscim.operation.timeout={}", operation_timeout(timeout).as_secs()))
            .arg("-cp")
            .arg(class_path(&deployed.host, jars(&deployed.folder)?)?)
            .args([MAIN, "--id", &deployed.id, "--threads", &threads.to_string()]);
        Self::spawn(command, "--plugin", timeout)
    }

    /// Starts a host; `option` is the one that asked for it.
    ///
    /// # Errors
    /// No Java.
    pub(crate) fn spawn(mut command: Command, option: &str, timeout: Duration) -> Result<Self, Error> {
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
            readers.push(std::thread::spawn(move || wire.hand_out(BufReader::new(stdout))));
        }
        Ok(Self {
            wire,
            child: Mutex::new(child),
            readers: Mutex::new(readers),
            sequence: AtomicU64::new(0),
            silent: AtomicU32::new(0),
            timeout,
        })
    }

    /// Hands the target settings to the plugin and opens its session.
    ///
    /// # Errors
    /// The jar, its descriptor, its native library or a setting cannot be used.
    pub fn open<'s>(
        &self,
        channel: usize,
        settings: impl IntoIterator<Item = (&'s str, &'s str)>,
    ) -> Result<(), Error> {
        let mut args = vec![("channel".to_owned(), channel.to_string())];
        args.extend(settings.into_iter().map(|(name, value)| (format!("p.{name}"), value.to_owned())));
        self.ask("init", args).map(|_| ())
    }

    /// The plugin's own setting descriptors, as `pfscim describe settings --json` has them.
    ///
    /// # Errors
    /// As [`Plugin::open`].
    pub fn settings(&self) -> Result<Value, Error> {
        self.described("settings")
    }

    /// The plugin's own field list, as `pfscim describe fields --json` has it.
    ///
    /// # Errors
    /// As [`Plugin::open`].
    pub fn fields(&self) -> Result<Value, Error> {
        self.described("fields")
    }

    fn described(&self, what: &str) -> Result<Value, Error> {
        let answer = self.ask(what, Vec::new())?;
        let json = first(&answer, "json").unwrap_or_default();
        serde_json::from_str(json)
            .map_err(|_| Error::unusable(format!("--plugin: the host's answer to `{what}` cannot be read")))
    }

    /// A call before the first operation: whatever fails now is a matter of what is deployed or configured.
    fn ask(&self, call: &str, args: Pairs) -> Result<Pairs, Error> {
        self.call(call, args, START).map_err(|failure| match failure {
            Failure::Config(text) | Failure::Protocol(text) => Error::unusable(format!("--plugin: {text}")),
            Failure::Transport { text, .. } => Error::unusable(format!("--plugin: {text}")),
            other => Error::from(other),
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
                Err(failure(&pairs))
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
        Failure::Transport { text, stops }
    }

    /// What to say when the process ended by itself.
    fn gone(&self) -> Failure {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // The complaints are complete once both readers have come to an end.
        let ended = wait(&mut child, END);
        for reader in self.readers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if ended {
                let _ = reader.join();
            }
        }
        let complaints = self.wire.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        let complaints = String::from_utf8_lossy(&complaints);
        let why = complaints.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("Picked up "));
        let text = match why {
            Some(why) => format!("the host ended: {}", excerpt(why)),
            None => "the host ended without a word".to_owned(),
        };
        Failure::Transport { text, stops: true }
    }

    fn operation(&self, call: &str, args: Pairs) -> Result<Done, Failure> {
        let answer = self.call(call, args, self.timeout)?;
        let line = first(&answer, "outcome");
        let mut report = line
            .and_then(Report::parse)
            .ok_or_else(|| Failure::Protocol(format!("the plugin logged no outcome for {call}")))?;
        // The id that the host was given counts, not the printed one.
        report.id = first(&answer, "id").map(str::to_owned).or(report.id);
        report.warnings = all(&answer, "warning").map(printable).collect();
        Ok(report.into())
    }

    /// Creates or updates a group. The SPI takes ids of members only, so those without one are named here.
    fn push_group(&self, call: &str, group: &Group) -> Result<Done, Failure> {
        let mut done = self.operation(call, group_pairs(group))?;
        done.report.warnings.extend(group.left_out());
        Ok(done)
    }
}

impl Provisioner for Plugin {
    fn check(&self) -> Result<Vec<String>, Failure> {
        self.call("check", Vec::new(), self.timeout).map(|answer| all(&answer, "warning").map(printable).collect())
    }

    fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        let given = [("guid", id), ("username", identifier)];
        let args = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        let answer = self.call("getUser", args, self.timeout)?;
        Ok((first(&answer, "found") == Some("true")).then(|| record(&answer)))
    }

    fn create(&self, record: &Record) -> Result<Done, Failure> {
        self.operation("createUser", pairs(record))
    }

    fn update(&self, record: &Record) -> Result<Done, Failure> {
        self.operation("updateUser", pairs(record))
    }

    fn remove(&self, record: &Record) -> Result<Done, Failure> {
        self.operation("deprovisionUser", pairs(record))
    }

    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        let mut args = vec![("name".to_owned(), name.to_owned())];
        args.extend(id.map(|id| ("guid".to_owned(), id.to_owned())));
        let answer = self.call("doesGroupExist", args, self.timeout)?;
        if first(&answer, "exists") != Some("true") {
            return Ok(None);
        }
        let guid = first(&answer, "guid").map(str::to_owned);
        guid.map(Some).ok_or_else(|| Failure::Protocol("the plugin found the group but gave it no id".into()))
    }

    fn create_group(&self, group: &Group) -> Result<Done, Failure> {
        self.push_group("createGroup", group)
    }

    fn update_group(&self, group: &Group) -> Result<Done, Failure> {
        self.push_group("updateGroup", group)
    }

    fn delete_group(&self, group: &Group) -> Result<Done, Failure> {
        self.operation("deleteGroup", group_pairs(&Group { members: None, ..group.clone() }))
    }

    fn close(&self) -> Vec<String> {
        match self.call("close", Vec::new(), END) {
            Ok(answer) => all(&answer, "warning").map(printable).collect(),
            Err(failure) => vec![format!("the plugin's session did not end well: {failure}")],
        }
    }
}

impl Drop for Plugin {
    /// The end of its input ends the host; one that does not end is killed.
    fn drop(&mut self) {
        self.wire.input.lock().unwrap_or_else(PoisonError::into_inner).take();
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !wait(child, END) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Wire {
    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u64, SyncSender<Reply>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, sequence: u64, call: &str, args: &[(String, String)]) -> std::io::Result<()> {
        let line = format!("{sequence} {call} {}\n", Serializer::new(String::new()).extend_pairs(args).finish());
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let input = input.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        input.write_all(line.as_bytes())?;
        input.flush()
    }

    /// Reads answers until there are no more; then whoever still waits learns that none will come.
    fn hand_out(&self, output: impl BufRead) {
        for line in output.lines() {
            let Ok(line) = line else { break };
            let mut words = line.splitn(3, ' ');
            let (sequence, kind, args) = (words.next(), words.next(), words.next().unwrap_or_default());
            let pairs = || form_urlencoded::parse(args.as_bytes()).into_owned().collect::<Pairs>();
            let reply = match (sequence, kind) {
                (Some("-"), Some("log")) => {
                    log_line(&pairs());
                    continue;
                }
                (_, Some("ok")) => Reply::Ok(pairs()),
                (_, Some("failed")) => Reply::Failed(pairs()),
                _ => {
                    log::warn!("the host wrote a line that is no answer: {}", excerpt(&line));
                    continue;
                }
            };
            let waiting = sequence.and_then(|s| s.parse().ok()).and_then(|s: u64| self.waiting().as_mut()?.remove(&s));
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
            let mut kept = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
            let room = COMPLAINTS.saturating_sub(kept.len());
            kept.extend_from_slice(&buffer[..read.min(room)]);
        }
    }
}

/// A line that the plugin logged. Outcomes and warnings of operations come with their answers as well.
fn log_line(pairs: &Pairs) {
    let text = printable(first(pairs, "text").unwrap_or_default());
    let level = match first(pairs, "level") {
        _ if first(pairs, "seq").is_some() => log::Level::Debug,
        Some("FATAL" | "ERROR") => log::Level::Error,
        Some("WARN") => log::Level::Warn,
        Some("INFO") => log::Level::Info,
        _ => log::Level::Debug,
    };
    log::log!(target: "plugin", level, "{text}");
}

/// What the plugin's exception says.
fn failure(pairs: &Pairs) -> Failure {
    let message = first(pairs, "message").unwrap_or_default();
    let stops = first(pairs, "stop") == Some("true");
    Failure::from_message(message, stops).unwrap_or_else(|| {
        let class = first(pairs, "class").map(|class| format!("{}: ", excerpt(class))).unwrap_or_default();
        let text = format!("{class}{}", excerpt(message));
        if stops { Failure::Transport { text, stops } } else { Failure::Protocol(text) }
    })
}

fn pairs(record: &Record) -> Pairs {
    let mut pairs: Pairs = Vec::new();
    pairs.extend(record.known_id().map(|id| ("id".to_owned(), id.to_owned())));
    pairs.push(("enabled".to_owned(), record.enabled.to_string()));
    for (code, values) in &record.fields {
        pairs.extend(values.iter().map(|value| (format!("a.{code}"), value.clone())));
    }
    pairs.extend(record.masked.iter().map(|code| ("m".to_owned(), code.clone())));
    pairs
}

fn group_pairs(group: &Group) -> Pairs {
    let mut pairs = vec![("name".to_owned(), group.name.clone())];
    pairs.extend(group.id.as_ref().map(|id| ("guid".to_owned(), id.clone())));
    pairs.push(("members".to_owned(), if group.members.is_some() { "list" } else { "null" }.to_owned()));
    for member in group.members.iter().flatten() {
        let kind = if member.is_group { "g" } else { "u" };
        pairs.extend(member.known_id().map(|id| (kind.to_owned(), id.to_owned())));
    }
    pairs
}

fn record(pairs: &Pairs) -> Record {
    let mut record = Record {
        id: first(pairs, "id").map(str::to_owned),
        enabled: first(pairs, "enabled") != Some("false"),
        ..Record::default()
    };
    for (name, value) in pairs {
        if let Some(code) = name.strip_prefix("a.") {
            record.fields.entry(code.to_owned()).or_default().push(value.clone());
        }
    }
    record
}

fn first<'p>(pairs: &'p Pairs, name: &str) -> Option<&'p str> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

pub(crate) fn all<'p>(pairs: &'p Pairs, name: &'p str) -> impl Iterator<Item = &'p str> {
    pairs.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
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

/// Every jar of the folder, in the order of their names.
fn jars(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let name = printable(&folder.display().to_string());
    let files = std::fs::read_dir(folder).map_err(|e| Error::unusable(format!("--plugin: {name}: {e}")))?;
    let mut jars: Vec<_> = files
        .filter_map(Result::ok)
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jar")))
        .collect();
    if jars.is_empty() {
        return Err(Error::unusable(format!(
            "--plugin: {name} holds no jar; name the folder that the connector is deployed in"
        )));
    }
    jars.sort();
    Ok(jars)
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

#[cfg(test)]
#[cfg(unix)]
mod tests;
