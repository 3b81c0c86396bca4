//! Builds a channel from the arguments: connection, settings, mapping, provisioner.
//! Does not know: what is printed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pfscim_channel::Error;
use pfscim_channel::connection::{Channel, Connection, PLUGIN_TYPE};
use pfscim_channel::mapping::expressions::{Evaluator, Expressions};
use pfscim_channel::mapping::{self, RecordMapper};
use pfscim_channel::prepare::describe;
use pfscim_channel::provisioner::{DeployedJar, PluginProvisioner, operation_timeout};
use pfscim_channel::source::{PingOne, Source};
use pfscim_channel::state::Owner;
use pfscim_core::Message;
use pfscim_core::connector::{Connector, Connectors};
use pfscim_core::environment::{Environment, SystemClock, SystemRandom};
use pfscim_core::mapping::Catalogue;
use pfscim_core::settings::{Secret, Settings, setting};
use pfscim_core::text::printable;

use crate::args::{CycleArguments, TargetArguments};
use crate::setup::file::read;
use crate::setup::{network, source};

/// The setting with the fields that an empty value may clear.
const CLEARABLE: &str = "CLEARABLE_ATTRIBUTES";

/// A connection that was read and checked, with the environment of its runs.
pub(crate) struct Setup {
    pub(crate) connection: Connection,
    position: usize,
    pairs: Vec<(String, Secret)>,
    pub(crate) settings: Settings,
    pub(crate) environment: Environment,
    connectors: Connectors,
}

impl Setup {
    /// Reads and checks the connection. With `dry_run` core writes nothing to the target.
    ///
    /// # Errors
    /// [`Error::Unusable`] for a file, channel, setting, certificate or proxy that cannot be used.
    pub(crate) fn read(target: &TargetArguments, dry_run: bool) -> Result<Self, Error> {
        let name = printable(&target.connection.display().to_string());
        let unusable = |line: String| Error::unusable(Message::parse(&line).at(&name));
        let connection = Connection::read(&read(&target.connection)?).map_err(unusable)?;
        let channel = connection.channel(target.channel.as_deref()).map_err(unusable)?;
        let position = connection.channels.iter().position(|c| std::ptr::eq(c, channel)).unwrap_or_default();
        if channel.active == Some(false) {
            log::info!("the channel is inactive in PingFederate");
        }
        let environment = Environment {
            channel: channel.name.clone(),
            anchors: network::anchors(target.ca_file.as_deref())?,
            proxy: network::proxies()?,
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
            operation_timeout: operation_timeout(channel.timeout()),
            dry_run,
        };
        let parse = |pairs: &[(String, Secret)]| {
            let settings = Settings::parse(pairs.iter().map(|(n, v)| (n.as_str(), v.expose())));
            settings.map_err(|e| unusable(e.message().to_string()))
        };
        let mut pairs = connection.pairs(&target.secrets.secrets).map_err(unusable)?;
        let stored = parse(&pairs)?;
        pairs.retain(|(name, _)| setting(name).is_none_or(|s| s.name != CLEARABLE));
        pairs.push((CLEARABLE.to_owned(), Secret::new(clearable(channel, &stored))));
        let settings = parse(&pairs)?;
        Ok(Self { position, pairs, settings, environment, connectors: Connectors::default(), connection })
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.connection.channels[self.position]
    }

    /// Checks that a cycle can run: the PingOne rule and its connection are on, and a source is named.
    pub(crate) fn check_ready(&self, arguments: &CycleArguments) -> Result<(), Error> {
        match self.connection.rule.as_ref().and_then(|rule| rule.inactive_reason.clone()) {
            Some(reason) => Err(Error::unusable(Message::parse(&reason))),
            None => self.source(arguments).map(drop),
        }
    }

    /// Opens the source: that of the arguments or, for a PingOne rule, that of its file.
    pub(crate) fn source(&self, arguments: &CycleArguments) -> Result<Box<dyn Source>, Error> {
        let Some(rule) = &self.connection.rule else {
            return source::open(&arguments.source, &self.environment.anchors);
        };
        source::require_no_source(&arguments.source)?;
        let folder = arguments.target.connection.parent().unwrap_or(Path::new(""));
        Ok(Box::new(PingOne::open(rule, folder, &arguments.target.secrets.secrets, &self.environment)?))
    }

    pub(crate) fn owner(&self, channel: &Channel) -> Owner {
        Owner {
            connection: self.connection.id.clone(),
            channel: channel.name.clone(),
            scim_url: self.settings.scim_url.to_string(),
        }
    }

    pub(crate) fn connector(&self) -> Result<Arc<Connector>, Error> {
        Ok(self.connectors.open(self.settings.clone(), self.environment.clone())?)
    }

    /// Returns the standard fields. If other fields are mapped, it also reads the schemas of the target.
    pub(crate) fn catalogue(&self, channel: &Channel) -> Result<Arc<Catalogue>, Error> {
        let standard = Arc::new(Catalogue::standard(self.settings.version));
        let mut mapped = channel.attribute_mapping.iter().filter(|m| m.saas_field_info.is_mapped());
        if mapped.all(|m| standard.field(&m.field_name).is_some()) {
            return Ok(standard);
        }
        Ok(self.connector()?.session().fields()?)
    }

    /// Checks that the deployed jar has the settings and fields of this program.
    pub(crate) fn compare(&self, plugin: &PluginProvisioner) -> Result<(), Error> {
        describe::compare("settings", "name", &plugin.settings()?, &describe::settings_json())?;
        let standard = Catalogue::standard(self.settings.version);
        describe::compare("fields", "code", &plugin.fields()?, &describe::fields_json(&standard))
    }

    /// Starts the evaluator, if the mapping has expressions and --allow-expressions is set.
    pub(crate) fn expressions(&self, target: &TargetArguments) -> Result<Option<Evaluator>, Error> {
        let mut mapping = self.channel().attribute_mapping.iter();
        if !target.allow_expressions || !mapping.any(|m| m.saas_field_info.expression().is_some()) {
            return Ok(None);
        }
        Evaluator::start(&java(), &host(target, "--allow-expressions")?).map(Some)
    }

    /// Returns the mapping of the channel.
    pub(crate) fn record_mapper<'a>(
        &'a self,
        catalogue: &Catalogue,
        expressions: Option<&'a Evaluator>,
    ) -> Result<RecordMapper<'a>, Error> {
        let expressions = expressions.map(|evaluator| evaluator as &dyn Expressions);
        RecordMapper::new(self.channel(), catalogue, self.settings.identifier.code(), expressions)
    }

    /// Starts the deployed jar in its Java host process, and opens it with the settings of the connection.
    pub(crate) fn plugin(
        &self,
        target: &TargetArguments,
        channel: &Channel,
        folder: &Path,
    ) -> Result<PluginProvisioner, Error> {
        if channel.merge_groups && channel.channel_source.group_location().is_some() {
            return Err(Error::unusable(
                Message::new("--plugin: GROUP_MEMBERSHIP_HANDLING is Merge, but the jar overwrites the members of a group, as PingFederate does")
                    .with_hint("choose Overwrite, or run without --plugin"),
            ));
        }
        let deployed = DeployedJar {
            folder: folder.to_owned(),
            host: host(target, "--plugin")?,
            java: java(),
            id: PLUGIN_TYPE.to_owned(),
        };
        let plugin = PluginProvisioner::start(&deployed, channel.threads(), channel.timeout())?;
        self.open(&plugin)?;
        Ok(plugin)
    }

    /// Opens a session of the deployed jar, for the next cycle.
    pub(crate) fn open(&self, plugin: &PluginProvisioner) -> Result<(), Error> {
        let pairs = self.pairs.iter().map(|(name, value)| (name.as_str(), value.expose()));
        plugin.open(self.number(), pairs)
    }

    /// Returns the number of the channel in its connection. The first channel is 1.
    pub(crate) fn number(&self) -> usize {
        self.position + 1
    }
}

fn host(target: &TargetArguments, option: &str) -> Result<PathBuf, Error> {
    target.host.clone().map_or_else(|| host_jar(option), Ok)
}

/// Returns the value of *Clear Attributes When Empty* for core and the jar: the stored value, and every mapped field
/// that may be empty.
fn clearable(channel: &Channel, stored: &Settings) -> String {
    let mapped = mapping::clearable_fields(channel, stored.version, stored.identifier.code());
    let codes: BTreeSet<_> = stored.clearable.iter().cloned().chain(mapped).collect();
    codes.into_iter().collect::<Vec<_>>().join(",")
}

/// Returns the path of the state file without --state: next to the connection, `NAME.CHANNEL.state`.
pub(crate) fn default_state_path(connection: &Path, channel: &str) -> PathBuf {
    let stem = connection.file_stem().unwrap_or_default().to_string_lossy();
    let channel: String =
        channel.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    connection.with_file_name(format!("{stem}.{channel}.state"))
}

/// Returns the path of Java: from `JAVA_HOME`, otherwise by `PATH`.
fn java() -> PathBuf {
    let program = format!("java{}", std::env::consts::EXE_SUFFIX);
    match std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        Some(home) => Path::new(&home).join("bin").join(program),
        None => program.into(),
    }
}

/// Finds pfscim-host.jar in `../lib`, relative to this program, or in the checkout that it was built in.
fn host_jar(option: &str) -> Result<PathBuf, Error> {
    const JAR_PATHS: [&str; 3] =
        ["lib/pfscim-host.jar", "dist/lib/pfscim-host.jar", "tests/host/build/libs/pfscim-host.jar"];
    let program = std::env::current_exe().map_err(|e| {
        Error::unusable(
            Message::new(format!("{option}: the path of this program is unknown: {e}"))
                .with_hint("set --host to the path of pfscim-host.jar"),
        )
    })?;
    let program = program.canonicalize().unwrap_or(program);
    let (folders, in_checkout) = (program.ancestors().skip(1), program.ancestors().skip(2));
    let installed = folders.skip(1).take(1).map(|folder| folder.join(JAR_PATHS[0]));
    let built = in_checkout.flat_map(|folder| JAR_PATHS[1..].iter().map(|path| folder.join(path)));
    installed.chain(built).find(|jar| jar.is_file()).ok_or_else(|| {
        Error::unusable(
            Message::new(format!("{option}: pfscim-host.jar is not in ../lib, relative to this program"))
                .with_hint("set --host to its path"),
        )
    })
}
