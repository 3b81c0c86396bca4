//! Carries out operations with the deployed jar, in the Java host process: each operation is one call of the SPI.
//! Does not know: what an operation means.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pfscim_core::connector::GroupRecord;
use pfscim_core::text::printable;
use pfscim_core::{Failure, Message, Record, Report};
use serde_json::Value;

use super::{OperationResult, Provisioner, operation_timeout};
use crate::Error;
use crate::host::{EXIT_TIMEOUT, HostProcess, MAIN_CLASS, Pairs, all_values, class_path, first_value};

/// The time limit of calls before the first operation. It includes the start of the JVM and of the native library.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// The deployed jar, and the programs that run it.
#[derive(Debug, Clone)]
pub struct DeployedJar {
    /// The folder with the plugin's jar: `server/default/deploy`.
    pub folder: PathBuf,
    /// `pfscim-host.jar`.
    pub host: PathBuf,
    /// The Java program that `JAVA_HOME` or `PATH` names.
    pub java: PathBuf,
    /// The plugin's id.
    pub id: String,
}

/// The plugin of the deployed jar.
#[derive(Debug)]
pub struct PluginProvisioner {
    host: HostProcess,
    /// The time limit of one operation.
    timeout: Duration,
}

impl PluginProvisioner {
    /// Starts the host with every jar of the folder; `timeout` is the time limit of one operation.
    ///
    /// # Errors
    /// The folder contains no jar, the host jar does not exist, or Java cannot be started.
    pub fn start(deployed: &DeployedJar, threads: usize, timeout: Duration) -> Result<Self, Error> {
        let mut command = Command::new(&deployed.java);
        if log::max_level() >= log::LevelFilter::Debug {
            command.arg("-Dorg.pfscim.host.log=all");
        }
        command
            .arg(format!("-Dorg.pfscim.operation.timeout={}", operation_timeout(timeout).as_secs()))
            .arg("-cp")
            .arg(class_path(&deployed.host, jars(&deployed.folder)?)?)
            .args([MAIN_CLASS, "--id", &deployed.id, "--threads", &threads.to_string()]);
        Ok(Self { host: HostProcess::spawn(command, "--plugin")?, timeout })
    }

    /// Passes the target settings to the plugin and opens its session. `channel` is the channel's number, from 1.
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
        self.setup_call("init", args).map(|_| ())
    }

    /// Returns the setting descriptors of the plugin, in the form of `pfscim describe settings --json`.
    ///
    /// # Errors
    /// As [`PluginProvisioner::open`].
    pub fn settings(&self) -> Result<Value, Error> {
        self.json_call("settings")
    }

    /// Returns the field list of the plugin, in the form of `pfscim describe fields --json`.
    ///
    /// # Errors
    /// As [`PluginProvisioner::open`].
    pub fn fields(&self) -> Result<Value, Error> {
        self.json_call("fields")
    }

    fn json_call(&self, call: &str) -> Result<Value, Error> {
        let response = self.setup_call(call, Vec::new())?;
        let json = first_value(&response, "json").unwrap_or_default();
        serde_json::from_str(json)
            .map_err(|_| Error::unusable(format!("--plugin: the response of the host to `{call}` cannot be read")))
    }

    /// Makes a call before the first operation. If it fails, the deployment or the configuration is wrong.
    fn setup_call(&self, call: &str, args: Pairs) -> Result<Pairs, Error> {
        self.host.call(call, args, START_TIMEOUT).map_err(|failure| match failure {
            Failure::Config(message) | Failure::Protocol(message) | Failure::Transport { message, .. } => {
                Error::unusable(message.at("--plugin"))
            }
            other => Error::from(other),
        })
    }

    fn operation(&self, call: &str, args: Pairs) -> Result<OperationResult, Failure> {
        let response = self.host.call(call, args, self.timeout)?;
        let outcome_line = first_value(&response, "outcome");
        let mut report = outcome_line
            .and_then(Report::parse)
            .ok_or_else(|| Failure::Protocol(format!("the plugin logged no outcome for {call}").into()))?;
        // The id that the plugin returned to the host counts, not the id in the logged line.
        report.id = first_value(&response, "id").map(str::to_owned).or(report.id);
        report.warnings = all_values(&response, "warning").map(printable).collect();
        Ok(report.into())
    }

    /// Creates or updates a group. The SPI takes only ids of members, so a warning here names members without an id.
    fn push_group(&self, call: &str, group: &GroupRecord) -> Result<OperationResult, Failure> {
        let mut result = self.operation(call, group_pairs(group))?;
        result.report.warnings.extend(group.unsent_members_warning());
        Ok(result)
    }
}

impl Provisioner for PluginProvisioner {
    fn check(&self) -> Result<Vec<String>, Failure> {
        self.host
            .call("check", Vec::new(), self.timeout)
            .map(|response| all_values(&response, "warning").map(printable).collect())
    }

    fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        let keys = [("guid", id), ("username", identifier)];
        let args = keys.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        let response = self.host.call("getUser", args, self.timeout)?;
        Ok((first_value(&response, "found") == Some("true")).then(|| read_record(&response)))
    }

    fn create(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.operation("createUser", record_pairs(record))
    }

    fn update(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.operation("updateUser", record_pairs(record))
    }

    fn remove(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.operation("deprovisionUser", record_pairs(record))
    }

    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        let mut args = vec![("name".to_owned(), name.to_owned())];
        args.extend(id.map(|id| ("guid".to_owned(), id.to_owned())));
        let response = self.host.call("doesGroupExist", args, self.timeout)?;
        if first_value(&response, "exists") != Some("true") {
            return Ok(None);
        }
        let guid = first_value(&response, "guid").map(str::to_owned);
        guid.map(Some).ok_or_else(|| Failure::Protocol("the plugin found the group but returned no id".into()))
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
        match self.host.call("close", Vec::new(), EXIT_TIMEOUT) {
            Ok(response) => all_values(&response, "warning").map(printable).collect(),
            Err(failure) => vec![format!("closing the session of the plugin failed: {failure}")],
        }
    }
}

fn record_pairs(record: &Record) -> Pairs {
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

fn read_record(pairs: &Pairs) -> Record {
    let mut record = Record {
        id: first_value(pairs, "id").map(str::to_owned),
        enabled: first_value(pairs, "enabled") != Some("false"),
        ..Record::default()
    };
    for (name, value) in pairs {
        if let Some(code) = name.strip_prefix("a.") {
            record.fields.entry(code.to_owned()).or_default().push(value.clone());
        }
    }
    record
}

/// Returns the jars of the folder, in the order of their names.
fn jars(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let name = printable(&folder.display().to_string());
    let files = std::fs::read_dir(folder).map_err(|e| Error::unusable(format!("--plugin: {name}: {e}")))?;
    let mut jars: Vec<_> = files
        .filter_map(Result::ok)
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jar")))
        .collect();
    if jars.is_empty() {
        return Err(Error::unusable(
            Message::new(format!("--plugin: {name} contains no jar"))
                .with_hint("set --plugin to the folder in which the connector is deployed"),
        ));
    }
    jars.sort();
    Ok(jars)
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
