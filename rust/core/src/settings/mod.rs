//! Target settings: the Target tab. The catalogue of settings is data (`catalogue.rs`); everything that lists,
//! checks or reads a setting goes through it.
//! Does not know: the wire.

mod catalogue;
mod check;
mod findings;
mod import;
mod model;
mod parse;
mod presets;
mod secret;

pub use catalogue::{Check, PLACEHOLDER, Setting, SettingKind, catalogue, setting};
pub use import::import_settings;
pub use model::{Authentication, GroupNameSource, RemoveAction, Settings, UpdateMethod};
pub use presets::{FieldSource, Preset, preset, presets};
pub use secret::Secret;

#[cfg(test)]
mod tests;
