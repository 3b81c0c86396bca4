//! Renders settings, fields, attributes and presets as tables and lists.
//! Does not know: where they are printed.

use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use pfscim_channel::connection::pingone;
use pfscim_core::mapping::Catalogue;
use pfscim_core::settings::{SettingKind, catalogue, presets};

/// Returns an empty table with this header.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_header(header);
    table
}

/// Renders the settings of the Target tab.
pub(crate) fn settings() -> String {
    let mut table = table(["label", "name", "default", "description"]);
    for setting in catalogue() {
        if setting.kind == SettingKind::Heading {
            table.add_row([&format!("- {} -", setting.label), "", "", ""]);
        } else {
            table.add_row([setting.label, setting.name, setting.default, setting.description]);
        }
    }
    table.to_string()
}

/// Renders the presets as a list, because the limits of their targets are too long for a table.
pub(crate) fn preset_list() -> String {
    let mut lines = Vec::new();
    for preset in presets() {
        lines.push(format!("{}: {}", preset.name, preset.title));
        lines.extend(preset.limits.iter().map(|limit| format!("    {limit}")));
    }
    lines.join("\n")
}

/// Renders the fields.
pub(crate) fn fields(catalogue: &Catalogue) -> String {
    let mut table = table(["code", "label", "SCIM 2.0", "SCIM 1.1"]);
    for field in catalogue.fields() {
        let label = if field.required { format!("{} *", field.label) } else { field.label.clone() };
        table.add_row([field.code.as_str(), &label, &field.scim2, field.scim1.as_deref().unwrap_or("")]);
    }
    table.to_string()
}

/// Renders the attributes of a PingOne user.
pub(crate) fn attributes() -> String {
    let mut table = table(["label", "path", "mappable"]);
    for attribute in pingone::attributes() {
        table.add_row([attribute.label, attribute.path, if attribute.mapped { "yes" } else { "no" }]);
    }
    table.to_string()
}
