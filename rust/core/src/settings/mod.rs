//! Describes, checks and parses the settings of the Target tab. The table in `catalogue.rs` is the only list of them.
//! Does not know: HTTP.

mod catalogue;
mod check;
mod findings;
mod import;
mod model;
mod parse;
mod presets;
mod secret;

pub use catalogue::{PLACEHOLDER, Setting, SettingKind, ValueCheck, catalogue, setting};
pub use import::import_settings;
pub use model::{Authentication, GroupNameSource, RemoveAction, Settings, UpdateMethod};
pub use presets::{FieldSource, Preset, preset, presets};
pub use secret::Secret;

#[cfg(test)]
mod tests;
