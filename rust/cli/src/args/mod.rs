//! The command line as types.
//! Does not know what a command does with them.

mod command;

pub(crate) use self::command::{
    Arguments, Check, Command, Convert, Described, Format, Import, Init, Job, Listed, Origin, Plan, Sync, Target, Test,
    secret_at,
};
