//! Names the rules about evidence, so that the simulation can switch off each one and must notice it.
//! Does not know: what a rule checks.

/// A rule about evidence. Every rule holds, except in a simulation that switches it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A response is used only if it is about the resource that the request was about.
    IdTied,
    /// A web page with status 404 or 410 does not prove that a resource is gone.
    PageIsNoProof,
    /// A linked resource is absent only if its id and its identifier both say so.
    SecondWitness,
    /// A list proves absence only if it is whole.
    WholeList,
    /// A removal acts on another account than the linked one only if that account is proved to be the record's.
    PassedOn,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 5] =
        [Self::IdTied, Self::PageIsNoProof, Self::SecondWitness, Self::WholeList, Self::PassedOn];

    /// Returns the name on the command line of the simulation.
    pub fn name(self) -> &'static str {
        match self {
            Self::IdTied => "id-tied",
            Self::PageIsNoProof => "page-is-no-proof",
            Self::SecondWitness => "second-witness",
            Self::WholeList => "whole-list",
            Self::PassedOn => "passed-on",
        }
    }
}

/// Returns true, except in a simulation that has switched off this rule.
#[cfg(not(feature = "switches"))]
pub(crate) const fn holds(_: Rule) -> bool {
    true
}

#[cfg(feature = "switches")]
static OFF: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// Returns true, except in a simulation that has switched off this rule.
#[cfg(feature = "switches")]
pub(crate) fn holds(rule: Rule) -> bool {
    OFF.load(std::sync::atomic::Ordering::Relaxed) & (1 << rule as u32) == 0
}

/// Switches off one rule in this process, and all others on, to see that the simulation notices it. `None`: every rule
/// holds.
#[cfg(feature = "switches")]
pub fn switch_off(rule: Option<Rule>) {
    OFF.store(rule.map_or(0, |rule| 1 << rule as u32), std::sync::atomic::Ordering::Relaxed);
}
