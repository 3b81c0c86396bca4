//! Says what may be concluded from responses of a target: presence, absence, whole lists, what a session remembers.
//! Does not know: which requests are sent, which operation needs the answer.
//!
//! `docs/concepts/facts.md` explains the rules. A value that proves something is built here only, by a function that checks
//! the evidence.

mod learnt;
mod matching;
mod memory;
mod presence;
mod rules;
mod whole;

pub(crate) use learnt::{FilterUse, Learnt};
pub(crate) use matching::{Match, Matches};
pub(crate) use memory::{Listed, Memory, NameIndex, Remembered};
pub use presence::DOUBT_HINT;
pub(crate) use presence::{
    Absence, ById, Closed, InResponse, Missing, NoMatch, Presence, Shown, check_same_resource, doubt,
};
pub use rules::Rule;
pub(crate) use rules::holds;
#[cfg(feature = "switches")]
pub use rules::switch_off;
pub(crate) use whole::{ListReading, NextPage, Wholeness};
