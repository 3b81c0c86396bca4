//! The Java host process and the lines between it and this program.
//! Does not know: the plugin's operations, expressions, settings.

mod lines;
mod process;

pub use lines::PLUGIN_LOG;
pub(crate) use lines::{Pairs, all, first};
pub(crate) use process::{END, Host, MAIN, class_path};
