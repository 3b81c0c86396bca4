//! Runs the Java host process and exchanges lines with it.
//! Does not know: the plugin's operations, expressions, settings.

mod lines;
mod process;

pub use lines::PLUGIN_LOG;
pub(crate) use lines::{Pairs, all_values, first_value};
pub(crate) use process::{EXIT_TIMEOUT, HostProcess, MAIN_CLASS, class_path};
