//! The arguments of `pfscim describe` and `pfscim presets`.
//! Does not know: what is listed.

use clap::{Args, Subcommand};

pub(super) const PRESETS_EXAMPLES: &str = "\
Examples:
  pfscim presets
  pfscim presets --json";

#[derive(Debug, Args)]
pub(crate) struct ListFormat {
    /// As a JSON array.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Described {
    /// The settings of the Target tab.
    Settings(Output),
    /// The fields that can be mapped.
    Fields(Output),
    /// The mapping that a new channel starts with.
    Mappings(Output),
    /// The attributes of a PingOne user that a rule can name and map.
    Attributes(ListFormat),
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// As a JSON array.
    #[arg(long, conflicts_with = "properties")]
    json: bool,
    /// As the Java properties that PingFederate and the jar read.
    #[arg(long)]
    properties: bool,
}

/// How a description is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
    Properties,
}

impl Described {
    pub(crate) fn format(&self) -> Format {
        let (json, properties) = match self {
            Self::Settings(output) | Self::Fields(output) | Self::Mappings(output) => (output.json, output.properties),
            Self::Attributes(listed) => (listed.json, false),
        };
        match (json, properties) {
            (true, _) => Format::Json,
            (_, true) => Format::Properties,
            _ => Format::Table,
        }
    }
}
