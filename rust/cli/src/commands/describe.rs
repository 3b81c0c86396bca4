//! Runs `pfscim describe`: prints the settings, fields, mappings and attributes of the connector.
//! Does not know: connections.

use pfscim_channel::prepare::describe;
use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::Version;

use crate::args::{DescribeCommand, Format};
use crate::exit_status::ExitStatus;
use crate::output::{lines, tables};

/// Prints one of the lists in the format that the arguments name.
pub(crate) fn run(command: &DescribeCommand) -> ExitStatus {
    let standard = Catalogue::standard(Version::V2_0);
    let json = |value: serde_json::Value| format!("{value:#}");
    let text = match (command, command.format()) {
        (DescribeCommand::Settings(_), Format::Json) => json(describe::settings_json()),
        (DescribeCommand::Settings(_), Format::Properties) => describe::settings_properties(),
        (DescribeCommand::Settings(_), Format::Table) => tables::settings(),
        (DescribeCommand::Fields(_), Format::Json) => json(describe::fields_json(&standard)),
        (DescribeCommand::Fields(_), Format::Properties) => describe::fields_properties(&standard),
        (DescribeCommand::Fields(_), Format::Table) => tables::fields(&standard),
        (DescribeCommand::Mappings(_), Format::Json) => json(describe::mappings_json()),
        (DescribeCommand::Mappings(_), _) => describe::mappings_properties(),
        (DescribeCommand::Attributes(_), Format::Json) => json(describe::attributes_json()),
        (DescribeCommand::Attributes(_), _) => tables::attributes(),
    };
    lines::out(text.trim_end());
    ExitStatus::Success
}
