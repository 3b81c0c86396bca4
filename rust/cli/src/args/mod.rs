//! Defines the commands and options.
//! Does not know: what a command does with them.

mod command;
mod cycles;
mod describe;
mod prepare;
mod secret;
mod source;
mod state;
mod target;
mod verify;

pub(crate) use self::command::{Arguments, Command};
pub(crate) use self::cycles::{CycleArguments, Plan, Sync};
pub(crate) use self::describe::{DescribeCommand, Format, ListFormat};
pub(crate) use self::prepare::{Convert, Import, Init, SourceType};
pub(crate) use self::source::{SOURCE_FORMS, SourceArguments, SourceLocation};
pub(crate) use self::state::{StateCommand, StateFile};
pub(crate) use self::target::TargetArguments;
pub(crate) use self::verify::{Check, Test};
