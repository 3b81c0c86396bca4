//! PingOne as a source.

mod api;
mod entries;
mod pages;
mod tenant;

pub use entries::PingOne;

#[cfg(test)]
mod tests;
