//! Defines the arguments of `pfscim describe` and `pfscim presets`.
//! Does not know: the lists themselves.

use clap::{Args, Subcommand};

pub(super) const PRESETS_EXAMPLES: &str = "\
Examples:
  pfscim presets
  pfscim presets --json";

#[derive(Debug, Args)]
pub(crate) struct ListFormat {
    /// Print a JSON array.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DescribeCommand {
    /// List the settings of the Target tab.
    Settings(Output),
    /// List the fields that can be mapped.
    Fields(Output),
    /// List the default attribute mapping of a new channel.
    Mappings(Output),
    /// List the attributes of a PingOne user that a rule can use.
    Attributes(ListFormat),
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print a JSON array.
    #[arg(long, conflicts_with = "properties")]
    json: bool,
    /// Print the Java properties that PingFederate and the jar read.
    #[arg(long)]
    properties: bool,
}

/// The output format of `pfscim describe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
    Properties,
}

impl DescribeCommand {
    pub(crate) fn format(&self) -> Format {
        let (json, properties) = match self {
            Self::Settings(output) | Self::Fields(output) | Self::Mappings(output) => (output.json, output.properties),
            Self::Attributes(format) => (format.json, false),
        };
        match (json, properties) {
            (true, _) => Format::Json,
            (_, true) => Format::Properties,
            _ => Format::Table,
        }
    }
}
