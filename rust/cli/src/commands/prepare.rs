//! Runs `pfscim presets`, `pfscim init`, `pfscim import` and `pfscim convert`, which write connections.
//! Does not know: targets, sources.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use pfscim_channel::Error;
use pfscim_channel::prepare::import::{self, ConvertedConnection};
use pfscim_channel::prepare::inspect::inspect;
use pfscim_channel::prepare::template::DirectoryType;
use pfscim_channel::prepare::{pingone, template};
use pfscim_core::text::{printable, printable_json};
use pfscim_core::{Message, settings};
use serde_json::{Value, json};

use crate::args::{Convert, Import, Init, ListFormat, SourceType};
use crate::exit_status::ExitStatus;
use crate::output::lines::{self, print_error};
use crate::output::tables;
use crate::setup::file::read;

/// Lists the presets.
pub(crate) fn presets(format: &ListFormat) -> ExitStatus {
    let row = |preset: &settings::Preset| {
        json!({
            "name": preset.name, "title": preset.title, "limits": preset.limits, "settings": preset.settings,
        })
    };
    lines::out(&if format.json {
        format!("{:#}", settings::presets().iter().map(row).collect::<Value>())
    } else {
        tables::preset_list()
    });
    ExitStatus::Success
}

/// Writes a connection from a preset, and prints what is left to fill in.
pub(crate) fn init(init: &Init) -> Result<ExitStatus, Error> {
    let default = if init.preset.from_ping_one {
        SourceType::PingOne
    } else {
        SourceType::Directory(DirectoryType::ActiveDirectory)
    };
    let connection = match init.source_type.unwrap_or(default) {
        SourceType::Directory(source) => template::connection(init.preset, source),
        SourceType::PingOne => pingone::file(init.preset),
    };
    let text = format!("{connection:#}");
    match &init.out {
        None => lines::out(&text),
        Some(path) => write_new(path, &format!("{text}\n"))?,
    }
    for limit in &init.preset.limits {
        print_error(&format!("note: {}: {limit}", init.preset.title));
    }
    for error in inspect(&text, &[]).errors {
        print_error(&format!("to do: {error}"));
    }
    Ok(ExitStatus::Success)
}

/// Writes a new file that only its owner can read, because the administrator will put secrets into it.
fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let name = printable(&path.display().to_string());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|e| {
        Error::unusable(match e.kind() {
            ErrorKind::AlreadyExists => {
                Message::new(format!("--out: {name} exists, so nothing was written")).with_hint("choose another name")
            }
            _ => Message::new(format!("--out: {name}: {e}")),
        })
    })?;
    file.write_all(text.as_bytes()).map_err(|e| {
        // An incomplete file is useless, and would block the next attempt.
        let _ = std::fs::remove_file(path);
        Error::unusable(format!("--out: {name}: {e}"))
    })
}

/// Prints a connection of another connector as a connection of this one, and what the administrator must review.
pub(crate) fn import(import: &Import) -> Result<ExitStatus, Error> {
    print(&import.connection, import::import)
}

/// Prints a connection for the other product, and what could not be converted.
pub(crate) fn convert(convert: &Convert) -> Result<ExitStatus, Error> {
    print(&convert.connection, |text| pingone::convert(text, convert.channel.as_deref()))
}

fn print(path: &Path, convert: impl FnOnce(&str) -> Result<ConvertedConnection, String>) -> Result<ExitStatus, Error> {
    let name = printable(&path.display().to_string());
    let converted = convert(&read(path)?).map_err(|e| Error::unusable(Message::parse(&e).at(&name)))?;
    lines::out(&printable_json(&format!("{:#}", converted.connection)));
    for note in converted.notes {
        print_error(&format!("note: {note}"));
    }
    Ok(ExitStatus::Success)
}
