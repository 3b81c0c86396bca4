//! The deployed jar, in a host process: each operation is one call of the SPI.
//! Does not know: what an operation means.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pfscim_core::connector::GroupRecord;
use pfscim_core::text::printable;
use pfscim_core::{Failure, Record, Report};
use serde_json::Value;

use super::{OperationResult, Provisioner, operation_timeout};
use crate::Error;
use crate::host::{END, Host, MAIN, Pairs, all, class_path, first};

/// Loading a virtual machine, the jar and its native library.
const START: Duration = Duration::from_secs(120);

/// What runs the deployed jar.
#[derive(Debug, Clone)]
pub struct DeployedJar {
    /// The folder with the plugin's jar: `server/default/deploy`.
    pub folder: PathBuf,
    /// `pfscim-host.jar`.
    pub host: PathBuf,
    /// The Java program, as `JAVA_HOME` and `PATH` give it.
    pub java: PathBuf,
    /// The plugin's id.
    pub id: String,
}

/// The plugin of the deployed jar.
#[derive(Debug)]
pub struct PluginProvisioner {
    host: Host,
    /// What one operation may take.
    timeout: Duration,
}

impl PluginProvisioner {
    /// Starts the host with every jar of the folder; `timeout` is what one operation may take.
    ///
    /// # Errors
    /// A folder without jars, no host jar, no Java.
    pub fn start(deployed: &DeployedJar, threads: usize, timeout: Duration) -> Result<Self, Error> {
        let mut command = Command::new(&deployed.java);
        if log::max_level() >= log::LevelFilter::Debug {
            command.arg("-Dorg.pfscim.host.log=all");
        }
        command
            .arg(format!("-Dorg.pfscim.operation.timeout={}", operation_timeout(timeout).as_secs()))
            .arg("-cp")
            .arg(class_path(&deployed.host, jars(&deployed.folder)?)?)
            .args([MAIN, "--id", &deployed.id, "--threads", &threads.to_string()]);
        Ok(Self { host: Host::spawn(command, "--plugin")?, timeout })
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
    /// As [`PluginProvisioner::open`].
    pub fn settings(&self) -> Result<Value, Error> {
        self.described("settings")
    }

    /// The plugin's own field list, as `pfscim describe fields --json` has it.
    ///
    /// # Errors
    /// As [`PluginProvisioner::open`].
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
        self.host.call(call, args, START).map_err(|failure| match failure {
            Failure::Config(message) | Failure::Protocol(message) | Failure::Transport { message, .. } => {
                Error::unusable(message.at("--plugin"))
            }
            other => Error::from(other),
        })
    }

    fn operation(&self, call: &str, args: Pairs) -> Result<OperationResult, Failure> {
        let answer = self.host.call(call, args, self.timeout)?;
        let line = first(&answer, "outcome");
        let mut report = line
            .and_then(Report::parse)
            .ok_or_else(|| Failure::Protocol(format!("the plugin logged no outcome for {call}").into()))?;
        // The id that the host was given counts, not the printed one.
        report.id = first(&answer, "id").map(str::to_owned).or(report.id);
        report.warnings = all(&answer, "warning").map(printable).collect();
        Ok(report.into())
    }

    /// Creates or updates a group. The SPI takes ids of members only, so those without one are named here.
    fn push_group(&self, call: &str, group: &GroupRecord) -> Result<OperationResult, Failure> {
        let mut done = self.operation(call, group_pairs(group))?;
        done.report.warnings.extend(group.unsent_members_warning());
        Ok(done)
    }
}

impl Provisioner for PluginProvisioner {
    fn check(&self) -> Result<Vec<String>, Failure> {
        self.host.call("check", Vec::new(), self.timeout).map(|answer| all(&answer, "warning").map(printable).collect())
    }

    fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        let given = [("guid", id), ("username", identifier)];
        let args = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        let answer = self.host.call("getUser", args, self.timeout)?;
        Ok((first(&answer, "found") == Some("true")).then(|| record(&answer)))
    }

    fn create(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.operation("createUser", pairs(record))
    }

    fn update(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.operation("updateUser", pairs(record))
    }

    fn remove(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.operation("deprovisionUser", pairs(record))
    }

    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        let mut args = vec![("name".to_owned(), name.to_owned())];
        args.extend(id.map(|id| ("guid".to_owned(), id.to_owned())));
        let answer = self.host.call("doesGroupExist", args, self.timeout)?;
        if first(&answer, "exists") != Some("true") {
            return Ok(None);
        }
        let guid = first(&answer, "guid").map(str::to_owned);
        guid.map(Some).ok_or_else(|| Failure::Protocol("the plugin found the group but gave it no id".into()))
    }

    fn create_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.push_group("createGroup", group)
    }

    fn update_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.push_group("updateGroup", group)
    }

    fn delete_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.operation("deleteGroup", group_pairs(&GroupRecord { members: None, ..group.clone() }))
    }

    fn close(&self) -> Vec<String> {
        match self.host.call("close", Vec::new(), END) {
            Ok(answer) => all(&answer, "warning").map(printable).collect(),
            Err(failure) => vec![format!("the plugin's session did not end well: {failure}")],
        }
    }
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

fn group_pairs(group: &GroupRecord) -> Pairs {
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

#[cfg(test)]
#[cfg(unix)]
mod tests;
