//! Runs `pfscim sync` and `pfscim plan`: passes each event of a cycle to the screen, the audit file and the page.
//! Does not know: how a record is sent.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use pfscim_channel::Error;
use pfscim_channel::engine::{Cycle, CycleObserver, CycleOptions, Event, Summary, SystemThreads};
use pfscim_channel::mapping::RecordMapper;
use pfscim_channel::provisioner::{DirectProvisioner, PluginProvisioner, Provisioner};
use pfscim_channel::state::{Owner, State};
use pfscim_core::connector::Connector;

use crate::args::{CycleArguments, Plan, Sync};
use crate::exit_status::ExitStatus;
use crate::output::audit::Audit;
use crate::output::counters::Counters;
use crate::output::lines::{self, print_error};
use crate::output::report::{ReportHeader, ReportPage};
use crate::output::screen::Screen;
use crate::setup::run::{Setup, default_state_path};
use crate::setup::stop;

/// Shows what a cycle would do.
pub(crate) fn plan(plan: &Plan) -> Result<ExitStatus, Error> {
    let page = plan.html.as_deref().map(|path| ReportPage::new(path, plan.force)).transpose()?;
    let arguments = &plan.arguments;
    let setup = Setup::read(&arguments.target, true)?;
    setup.check_ready(arguments)?;
    setup.settings.warnings().iter().for_each(|warning| log::warn!("{warning}"));
    let channel = setup.channel();
    let expressions = setup.expressions(&arguments.target)?;
    let catalogue = setup.catalogue(channel)?;
    let mapper = setup.record_mapper(&catalogue, expressions.as_ref())?;
    let run = Run::new(arguments, &setup, &mapper, true);
    let state = State::preview(&run.path, &run.owner, Arc::clone(&setup.environment.clock))?;
    if let Some(folder) = &arguments.target.plugin {
        setup.compare(&setup.plugin(&arguments.target, channel, folder)?)?;
    }
    let provisioner = DirectProvisioner::preview(&setup.connector()?);
    let observers: Vec<&dyn CycleObserver> =
        [&run.screen as &dyn CycleObserver].into_iter().chain(page.iter().map(|p| p as _)).collect();
    let options = CycleOptions {
        max_removals: arguments.max_removals,
        preview: true,
        full: arguments.source.full,
        ..CycleOptions::default()
    };
    let (summary, result) = run.cycle(&state, &provisioner, &Observers(observers), options);
    let guard = result.as_ref().err();
    // The page of a plan that ended early would look complete.
    if let (Some(page), None | Some(Error::Guard(_))) = (&page, guard) {
        let header = ReportHeader {
            connection: &setup.connection.name,
            channel: &channel.name,
            target: &run.owner.scim_url,
            masked: &mapper.hidden_fields,
        };
        page.write(&header, &summary, guard)?;
    }
    result.map(|()| run.exit_status(&summary))
}

/// Runs one cycle, or with --every a cycle at each interval until a signal.
pub(crate) fn sync(sync: &Sync) -> Result<ExitStatus, Error> {
    stop::listen(lines::err)?;
    let arguments = &sync.arguments;
    let setup = Setup::read(&arguments.target, false)?;
    setup.check_ready(arguments)?;
    setup.settings.warnings().iter().for_each(|warning| log::warn!("{warning}"));
    let channel = setup.channel();
    let expressions = setup.expressions(&arguments.target)?;
    let catalogue = setup.catalogue(channel)?;
    let mapper = setup.record_mapper(&catalogue, expressions.as_ref())?;
    let run = Run::new(arguments, &setup, &mapper, false);
    let audit = sync.audit.as_deref().map(|path| Audit::open(path, setup.number())).transpose()?;
    let options = CycleOptions {
        max_removals: arguments.max_removals,
        full: arguments.source.full,
        stop: Some(&stop::STOP_REQUESTED),
        only_user: sync.on_demand.as_deref(),
        ..CycleOptions::default()
    };
    let Some(every) = sync.every else { return run.sync(&mut None, audit.as_ref(), options) };
    let (mut provisioner, mut is_first) = (None, true);
    loop {
        let start = Instant::now();
        let exit_status = match run.sync(&mut provisioner, audit.as_ref(), options) {
            Ok(exit_status) => exit_status,
            Err(error @ Error::Configuration(_)) => return Err(error),
            // In the first cycle this is a mistake in the arguments. Later the file or server may come back.
            Err(error @ Error::Unusable(_)) if is_first => return Err(error),
            Err(error) if stop::is_requested() => return Err(error),
            Err(error) => {
                print_error(&format!("{error} (the next cycle tries again)"));
                provisioner = None;
                ExitStatus::from(&error)
            }
        };
        is_first = false;
        stop::sleep(start + every);
        if stop::is_requested() {
            return Ok(exit_status);
        }
    }
}

/// The parts of a run that all its cycles share.
struct Run<'a> {
    arguments: &'a CycleArguments,
    setup: &'a Setup,
    mapper: &'a RecordMapper<'a>,
    owner: Owner,
    path: PathBuf,
    screen: Screen,
}

/// The provisioner of a run. It stays open between cycles, with its connections and tokens.
enum ProvisionerHandle {
    Core(Arc<Connector>),
    Jar(Box<PluginProvisioner>),
}

/// Passes each event to several observers.
struct Observers<'a>(Vec<&'a dyn CycleObserver>);

impl CycleObserver for Observers<'_> {
    fn guard_refused(&self, removals: &[String]) {
        self.0.iter().for_each(|observer| observer.guard_refused(removals));
    }

    fn begin(&self, operations: usize) {
        self.0.iter().for_each(|observer| observer.begin(operations));
    }

    fn event(&self, event: &Event) {
        self.0.iter().for_each(|observer| observer.event(event));
    }
}

impl<'a> Run<'a> {
    fn new(arguments: &'a CycleArguments, setup: &'a Setup, mapper: &'a RecordMapper<'a>, preview: bool) -> Self {
        let channel = setup.channel();
        for line in &mapper.omitted_fields {
            print_error(line);
        }
        Self {
            arguments,
            setup,
            mapper,
            owner: setup.owner(channel),
            path: arguments
                .state
                .clone()
                .unwrap_or_else(|| default_state_path(&arguments.target.connection, &channel.name)),
            screen: Screen { json: arguments.json, masked: mapper.hidden_fields.clone(), preview },
        }
    }

    /// Runs one cycle.
    fn sync(
        &self,
        provisioner: &mut Option<ProvisionerHandle>,
        audit: Option<&Audit>,
        options: CycleOptions<'_>,
    ) -> Result<ExitStatus, Error> {
        // The file is closed between cycles, so that `pfscim state` and `pfscim plan` can read it.
        let state = State::open(&self.path, &self.owner, Arc::clone(&self.setup.environment.clock))?;
        let handle = match provisioner.take() {
            Some(ProvisionerHandle::Jar(plugin)) => {
                self.setup.open(&plugin)?;
                provisioner.insert(ProvisionerHandle::Jar(plugin))
            }
            Some(core) => provisioner.insert(core),
            None => provisioner.insert(self.open_provisioner()?),
        };
        let direct;
        let provisioner: &dyn Provisioner = match handle {
            ProvisionerHandle::Jar(plugin) => &**plugin,
            ProvisionerHandle::Core(connector) => {
                direct = DirectProvisioner::new(connector);
                &direct
            }
        };
        audit.iter().for_each(|audit| audit.begin_cycle());
        let observers: Vec<&dyn CycleObserver> =
            [&self.screen as &dyn CycleObserver].into_iter().chain(audit.map(|a| a as _)).collect();
        let (summary, result) = self.cycle(&state, provisioner, &Observers(observers), options);
        result?;
        audit.map_or(Ok(()), Audit::finish)?;
        Ok(self.exit_status(&summary))
    }

    fn open_provisioner(&self) -> Result<ProvisionerHandle, Error> {
        match &self.arguments.target.plugin {
            Some(folder) => {
                let plugin = self.setup.plugin(&self.arguments.target, self.setup.channel(), folder)?;
                Ok(ProvisionerHandle::Jar(Box::new(plugin)))
            }
            None => self.setup.connector().map(ProvisionerHandle::Core),
        }
    }

    fn cycle(
        &self,
        state: &State,
        provisioner: &dyn Provisioner,
        observer: &dyn CycleObserver,
        options: CycleOptions<'_>,
    ) -> (Summary, Result<(), Error>) {
        let source = match self.setup.source(self.arguments) {
            Ok(source) => source,
            Err(error) => return (Summary::default(), Err(error)),
        };
        let counters = self.setup.connection.rule.as_ref().map(|_| Counters::default());
        let observers = Observers([observer].into_iter().chain(counters.iter().map(|c| c as _)).collect());
        let cycle = Cycle {
            channel: self.setup.channel(),
            mapper: self.mapper,
            settings: &self.setup.settings,
            source: source.as_ref(),
            state,
            clock: self.setup.environment.clock.as_ref(),
            workers: &SystemThreads,
            provisioner,
            observer: &observers,
            options,
        };
        let (summary, result) = cycle.run();
        if result.is_ok() || summary != Summary::default() {
            self.screen.summary(&summary);
            counters.iter().for_each(|counters| self.screen.counters(counters));
        }
        (summary, result)
    }

    fn exit_status(&self, summary: &Summary) -> ExitStatus {
        if summary.failed() > 0 || !self.mapper.omitted_fields.is_empty() {
            ExitStatus::Failures
        } else {
            ExitStatus::Success
        }
    }
}
