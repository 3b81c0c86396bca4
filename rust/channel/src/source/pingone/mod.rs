//! Reads users, populations and groups of PingOne as entries: from saved pages of its API, or from the API.
//! Does not know: how a rule selects users.

mod api;
mod entries;
mod pages;
mod tenant;

pub use entries::PingOne;

#[cfg(test)]
mod tests;
