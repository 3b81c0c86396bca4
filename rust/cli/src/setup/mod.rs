//! Puts together what a command needs before it runs. Does not know the commands.

pub(crate) mod network;
pub(crate) mod run;
pub(crate) mod source;
pub(crate) mod stop;
