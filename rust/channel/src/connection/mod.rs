//! Reads a saved connection: an SP connection of PingFederate, or a PingOne store with its rule.
//! Does not know: sources, targets, files. The caller passes the text.

mod model;
pub mod pingone;
mod reading;
mod secrets;

pub use model::{
    AccountManagement, ChangeAlgorithm, ChangeDetection, Channel, CharacterCase, Connection, FieldInfo,
    GroupMembership, Location, Mapping, PLUGIN_TYPE, Parser, SettingValue, SourceSettings, StatusAlgorithm,
    TargetSetting,
};
