//! Converts records to SCIM resources and back, for versions 1.1 and 2.0. The catalogue of fields is data.
//! Does not know: HTTP, settings, the host.

mod catalogue;
mod custom;
mod defaults;
mod field;
mod fields;
mod patch;
mod path;
mod resource;
mod update;
mod values;

pub use catalogue::Catalogue;
pub use custom::is_valid_custom_code;
pub use defaults::{DefaultMapping, default_mappings};
pub use field::{Change, Field};
pub use patch::PatchPaths;
pub use values::ValueType;

#[cfg(test)]
mod tests;
