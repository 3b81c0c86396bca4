//! pfscim: arguments and printing. What a channel is and does is `pfscim-channel`'s.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod output;
mod setup;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use pfscim_channel::Error;
use pfscim_channel::prepare::describe;
use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::Version;
use pfscim_core::text::printable;

use args::{Arguments, Command, Described, Format};
use commands::{cycles, help, prepare, state, verify};
use output::{lines, logging, tables};

/// How the program ends (README, *Exit status*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All well.
    Well,
    /// Some records failed.
    Failures,
    /// Bad arguments or configuration, or a guard that refused.
    Unusable,
    /// The session was stopped.
    Stopped,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        match end {
            End::Well => Self::SUCCESS,
            End::Failures => Self::from(1),
            End::Unusable => Self::from(2),
            End::Stopped => Self::from(3),
        }
    }
}

impl From<&Error> for End {
    fn from(error: &Error) -> Self {
        match error {
            Error::Stopped(_) => Self::Stopped,
            _ => Self::Unusable,
        }
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error).into(),
    };
    let on_demand = matches!(&arguments.command, Command::Sync(sync) if sync.on_demand.is_some());
    logging::start(arguments.verbose, on_demand);
    let end = match &arguments.command {
        Command::Check(check) => verify::check(check),
        Command::Test(test) => Ok(verify::test(test)),
        Command::Init(init) => prepare::init(init),
        Command::Import(import) => prepare::import(import),
        Command::Convert(convert) => prepare::convert(convert),
        Command::Presets(listed) => Ok(prepare::presets(listed)),
        Command::Sync(sync) => cycles::sync(sync),
        Command::Plan(plan) => cycles::plan(plan),
        Command::State(command) => state::run(command),
        Command::Describe(described) => Ok(print_description(described)),
        Command::Completions { shell } => Ok(help::completions(*shell)),
        Command::Man { command } => help::page(command),
    };
    end.unwrap_or_else(|error| {
        complain(&error.to_string());
        End::from(&error)
    })
    .into()
}

/// The text of a file that was named on the command line.
fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|e| Error::unusable(format!("{}: {e}", printable(&path.display().to_string()))))
}

/// One line on standard error for the person who has to act.
fn complain(text: &str) {
    lines::err(&format!("pfscim: {}", printable(text)));
}

/// Help goes where it was asked for; what was mistyped is one line.
fn usage(error: &clap::Error) -> End {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            lines::out(error.render().to_string().trim_end());
            End::Well
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            lines::err(error.render().to_string().trim_end());
            End::Unusable
        }
        _ => {
            let text = error.render().to_string();
            let told: Vec<_> = text
                .lines()
                .map(str::trim)
                .take_while(|l| !l.starts_with("Usage:") && !l.starts_with("For more information"))
                .filter(|l| !l.is_empty())
                .collect();
            let told = told.join(" ");
            // `Usage: pfscim state show [OPTIONS] ...`: the words are the command.
            let usage = text.lines().find_map(|l| l.trim().strip_prefix("Usage: ")).unwrap_or("pfscim");
            let command: Vec<_> = usage.split(' ').take_while(|w| w.bytes().all(|b| b.is_ascii_lowercase())).collect();
            let told = told.strip_prefix("error: ").unwrap_or(&told);
            complain(&format!("{told} (see `{} --help`)", command.join(" ")));
            End::Unusable
        }
    }
}

fn print_description(described: &Described) -> End {
    let standard = Catalogue::standard(Version::V2_0);
    let json = |value: serde_json::Value| format!("{value:#}");
    let text = match (described, described.format()) {
        (Described::Settings(_), Format::Json) => json(describe::settings_json()),
        (Described::Settings(_), Format::Properties) => describe::settings_properties(),
        (Described::Settings(_), Format::Table) => tables::settings(),
        (Described::Fields(_), Format::Json) => json(describe::fields_json(&standard)),
        (Described::Fields(_), Format::Properties) => describe::fields_properties(&standard),
        (Described::Fields(_), Format::Table) => tables::fields(&standard),
        (Described::Mappings(_), Format::Json) => json(describe::mappings_json()),
        (Described::Mappings(_), _) => describe::mappings_properties(),
        (Described::Attributes(_), Format::Json) => json(describe::attributes_json()),
        (Described::Attributes(_), _) => tables::attributes(),
    };
    lines::out(text.trim_end());
    End::Well
}
