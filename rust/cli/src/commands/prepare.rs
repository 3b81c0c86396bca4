//! `pfscim presets`, `pfscim init`, `pfscim import` and `pfscim convert`: connections to start with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use pfscim_channel::Error;
use pfscim_channel::prepare::import::{self, Imported};
use pfscim_channel::prepare::inspect::inspect;
use pfscim_channel::prepare::template::SourceType;
use pfscim_channel::prepare::{pingone, template};
use pfscim_core::settings;
use pfscim_core::text::{printable, printable_json};
use serde_json::{Value, json};

use crate::args::{Convert, Import, Init, ListFormat, Origin};
use crate::exit_status::ExitStatus;
use crate::output::lines::{self, print_error};
use crate::output::tables;
use crate::setup::file::read;

/// Lists the presets.
pub(crate) fn presets(listed: &ListFormat) -> ExitStatus {
    let row = |preset: &settings::Preset| {
        json!({
            "name": preset.name, "title": preset.title, "limits": preset.limits, "settings": preset.settings,
        })
    };
    lines::out(&if listed.json {
        format!("{:#}", settings::presets().iter().map(row).collect::<Value>())
    } else {
        tables::preset_list()
    });
    ExitStatus::Well
}

/// Writes the connection of a preset, and says what is left to do.
pub(crate) fn init(init: &Init) -> Result<ExitStatus, Error> {
    let usual =
        if init.preset.from_ping_one { Origin::PingOne } else { Origin::Directory(SourceType::ActiveDirectory) };
    let connection = match init.source_type.unwrap_or(usual) {
        Origin::Directory(source) => template::connection(init.preset, source),
        Origin::PingOne => pingone::file(init.preset),
    };
    let text = format!("{connection:#}");
    match &init.out {
        None => lines::out(&text),
        Some(path) => write_new(path, &format!("{text}\n"))?,
    }
    for limit in &init.preset.limits {
        print_error(&format!("note: {}: {limit}", init.preset.title));
    }
    for open in inspect(&text, &[]).errors {
        print_error(&format!("to do: {open}"));
    }
    Ok(ExitStatus::Well)
}

/// Secrets will stand in the file, so it is its owner's only.
fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let name = printable(&path.display().to_string());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|e| {
        Error::unusable(match e.kind() {
            ErrorKind::AlreadyExists => format!("--out: {name} is there already; nothing was written"),
            _ => format!("--out: {name}: {e}"),
        })
    })?;
    file.write_all(text.as_bytes()).map_err(|e| {
        // Half a connection is of no use to anybody, and would be in the way of the next try.
        let _ = std::fs::remove_file(path);
        Error::unusable(format!("--out: {name}: {e}"))
    })
}

/// Prints another connector's connection as one of ours, and says what has to be looked at.
pub(crate) fn import(import: &Import) -> Result<ExitStatus, Error> {
    print(&import.connection, import::import)
}

/// Prints a connection for the other product, and says what could not be carried over.
pub(crate) fn convert(convert: &Convert) -> Result<ExitStatus, Error> {
    print(&convert.connection, |text| pingone::convert(text, convert.channel.as_deref()))
}

fn print(path: &Path, turn: impl FnOnce(&str) -> Result<Imported, String>) -> Result<ExitStatus, Error> {
    let name = printable(&path.display().to_string());
    let turned = turn(&read(path)?).map_err(|e| Error::unusable(format!("{name}: {e}")))?;
    lines::out(&printable_json(&format!("{:#}", turned.connection)));
    for note in turned.notes {
        print_error(&format!("note: {note}"));
    }
    Ok(ExitStatus::Well)
}
