//! Parses the arguments, runs a command and returns its exit status.
//! Does not know: what a channel does; that is in `pfscim-channel`.
//!
//! `docs/architecture.md` lists the folders and which of them uses which.

mod args;
mod commands;
mod exit_status;
mod output;
mod setup;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use args::{Arguments, Command};
use commands::{cycles, describe, help, prepare, state, verify};
use exit_status::ExitStatus;
use output::{lines, logging};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error).into(),
    };
    let on_demand = matches!(&arguments.command, Command::Sync(sync) if sync.on_demand.is_some());
    logging::start(arguments.verbose, on_demand);
    let result = match &arguments.command {
        Command::Check(check) => verify::check(check),
        Command::Test(test) => Ok(verify::test(test)),
        Command::Init(init) => prepare::init(init),
        Command::Import(import) => prepare::import(import),
        Command::Convert(convert) => prepare::convert(convert),
        Command::Presets(format) => Ok(prepare::presets(format)),
        Command::Sync(sync) => cycles::sync(sync),
        Command::Plan(plan) => cycles::plan(plan),
        Command::State(command) => state::run(command),
        Command::Describe(command) => Ok(describe::run(command)),
        Command::Completions { shell } => Ok(help::completions(*shell)),
        Command::Man { command } => help::page(command),
    };
    result
        .unwrap_or_else(|error| {
            lines::print_error(&error.to_string());
            ExitStatus::from(&error)
        })
        .into()
}

/// Prints help that was requested to standard output, and a wrong argument as one line to standard error.
fn usage(error: &clap::Error) -> ExitStatus {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            lines::out(error.render().to_string().trim_end());
            ExitStatus::Success
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            lines::err(error.render().to_string().trim_end());
            ExitStatus::Unusable
        }
        _ => {
            let text = error.render().to_string();
            let lines: Vec<_> = text
                .lines()
                .map(str::trim)
                .take_while(|l| !l.starts_with("Usage:") && !l.starts_with("For more information"))
                .filter(|l| !l.is_empty())
                .collect();
            let message = lines.join(" ");
            // In `Usage: pfscim state show [OPTIONS] ...` the words in lower case are the command.
            let usage = text.lines().find_map(|l| l.trim().strip_prefix("Usage: ")).unwrap_or("pfscim");
            let command: Vec<_> = usage.split(' ').take_while(|w| w.bytes().all(|b| b.is_ascii_lowercase())).collect();
            let message = message.strip_prefix("error: ").unwrap_or(&message);
            lines::print_error(&format!("{message} (see `{} --help`)", command.join(" ")));
            ExitStatus::Unusable
        }
    }
}
