//! pfscim-simulation: runs the real engine and core against a model target with faults, and finds untrue outcomes.
//! Does not know: files, the network. It is never shipped, and nothing depends on it.
//!
//! - [`generate`] makes a [`plan::Plan`] from a seed.
//! - [`hosts`] run it: the [`baton`] lets one thread run at a time, and the [`world`] carries requests to the [`target`].
//! - The [`oracle`] judges the [`history`], [`shrink`] finds the smallest plan, and [`replay`] describes it.
//! - The [`runner`] does this for many seeds, with [`coverage`] and the list of known [`findings`].
//!
//! `docs/concepts/simulation.md` explains how to use it.

pub mod baton;
pub mod coverage;
pub mod findings;
pub mod generate;
pub mod history;
pub mod hosts;
pub mod oracle;
pub mod plan;
pub mod replay;
pub mod runner;
pub mod shrink;
pub mod source;
pub mod target;
pub mod world;
