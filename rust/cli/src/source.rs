//! `--source` and what belongs to it: where the users of a run come from.

use std::path::PathBuf;

use clap::Args;
use pfscim_channel::source::{Csv, Form, JsonLines, Ldif, Source};

const SHAPE: &str = "a source is given as ldif:FILE, csv:FILE or jsonl:FILE";

/// Where users come from.
#[derive(Debug, Args)]
pub(crate) struct SourceArguments {
    /// Where users come from: an export of a directory (LDIF), a table (CSV), or one JSON object a line.
    #[arg(long, value_name = "ldif:FILE|csv:FILE|jsonl:FILE", value_parser = place)]
    source: Place,
    /// What stands between the cells of a CSV file; \t is a tab. Default: a comma.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    csv_delimiter: Option<u8>,
    /// What stands between several values in one cell of a CSV file, for example ; (a semicolon). Default: a cell is
    /// one value.
    #[arg(long, value_name = "CHARACTER")]
    csv_values: Option<char>,
}

/// What was named.
#[derive(Debug, Clone)]
enum Place {
    Ldif(PathBuf),
    Csv(PathBuf),
    JsonLines(PathBuf),
}

impl SourceArguments {
    /// The source that the arguments name.
    pub(crate) fn open(&self) -> Box<dyn Source> {
        match &self.source {
            Place::Ldif(file) => Box::new(Ldif::new(file)),
            Place::JsonLines(file) => Box::new(JsonLines::new(file)),
            Place::Csv(file) => {
                let usual = Form::default();
                let form = Form { delimiter: self.csv_delimiter.unwrap_or(usual.delimiter), values: self.csv_values };
                Box::new(Csv::new(file, form))
            }
        }
    }
}

fn place(text: &str) -> Result<Place, String> {
    match text.split_once(':') {
        Some((_, "")) => Err(SHAPE.into()),
        Some(("ldif", file)) => Ok(Place::Ldif(file.into())),
        Some(("csv", file)) => Ok(Place::Csv(file.into())),
        Some(("jsonl", file)) => Ok(Place::JsonLines(file.into())),
        _ => Err(SHAPE.into()),
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "\\t" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
            _ => Err("is one ASCII character, no quote: , or ; or \\t".into()),
        },
    }
}
