//! Runs `pfscim completions` and `pfscim man`, which render the definition of the arguments.
//! Does not know: what a command does.

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use pfscim_channel::Error;
use pfscim_core::Message;
use pfscim_core::text::excerpt;

use crate::args::Arguments;
use crate::exit_status::ExitStatus;
use crate::output::lines;

/// Prints the completion script of a shell.
pub(crate) fn completions(shell: Shell) -> ExitStatus {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "pfscim", &mut text);
    lines::out(String::from_utf8_lossy(&text).trim_end());
    ExitStatus::Success
}

/// Prints the manual page of the program or of one command.
///
/// # Errors
/// [`Error::Unusable`] for an unknown command, with the known ones.
pub(crate) fn page(path: &[String]) -> Result<ExitStatus, Error> {
    let mut command = Arguments::command();
    // Fills in the full names of commands (`pfscim-state-show`).
    command.build();
    let mut found = &command;
    for name in path {
        found = found.find_subcommand(name).filter(|c| c.get_name() != "help").ok_or_else(|| {
            let known: Vec<_> = found.get_subcommands().map(clap::Command::get_name).filter(|n| *n != "help").collect();
            let message = Message::new(format!("man: `{}` is not a command of {}", excerpt(name), found.get_name()));
            Error::unusable(match known.as_slice() {
                [] => message.with_hint("omit it"),
                known => message.with_hint(format!("use one of {}", known.join(", "))),
            })
        })?;
    }
    let mut text = Vec::new();
    let version = concat!("pfscim ", env!("CARGO_PKG_VERSION"));
    Man::new(found.clone()).source(version).render(&mut text).map_err(|e| Error::unusable(format!("man: {e}")))?;
    lines::out(String::from_utf8_lossy(&text).trim_end());
    Ok(ExitStatus::Success)
}
