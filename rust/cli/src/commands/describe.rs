//! `pfscim describe`: prints the settings, fields, mappings and attributes of the connector.
//! Does not know: a connection.

use pfscim_channel::prepare::describe;
use pfscim_core::mapping::Catalogue;
use pfscim_core::scim::Version;

use crate::args::{Described, Format};
use crate::exit_status::ExitStatus;
use crate::output::{lines, tables};

/// Prints one of the catalogues in the form that the arguments ask for.
pub(crate) fn run(described: &Described) -> ExitStatus {
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
    ExitStatus::Well
}
