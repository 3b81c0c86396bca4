//! Runs a plan: the cycles of a host against the model target, first with incidents and then without.
//! Does not know: what is right.

mod bench;
mod engine;
mod spi;

use std::collections::BTreeMap;

use pfscim_core::settings::Settings;

use self::bench::Bench;
use crate::history::{History, Snapshot};
use crate::plan::{Host, Plan};
use crate::source;
use crate::target::{Kind, Target};
use crate::world::{SCIM_URL, World};

/// How many cycles run after the last incident.
pub const FINAL_CYCLES: usize = 3;

/// What a run leaves behind.
pub struct Ran {
    /// What happened.
    pub history: History,
    /// The target at the end.
    pub target: Target,
}

/// Runs a plan. `traced`: keep a line for each step.
///
/// # Errors
/// The plan has settings or a channel that cannot be read: a mistake in the generator.
pub fn run(plan: &Plan, traced: bool) -> Result<Ran, String> {
    let settings = settings(plan)?;
    let channel = source::channel(plan).map_err(|error| format!("the channel cannot be read: {error}"))?;
    let snapshots = source::snapshots(plan, plan.gaps.len() + FINAL_CYCLES);
    let world = World::new(plan, traced);
    let bench = Bench { plan, world: &world, settings, names: names(&snapshots) };
    world.inside().history.source.clone_from(&snapshots);
    match plan.host {
        Host::Engine { .. } => engine::cycles(&bench, &channel, &snapshots)?,
        Host::Spi { .. } => spi::cycles(&bench, &snapshots)?,
    }
    let mut inside = world.inside();
    Ok(Ran { history: std::mem::take(&mut inside.history), target: inside.target.clone() })
}

fn settings(plan: &Plan) -> Result<Settings, String> {
    let pairs = plan.settings.iter().map(|(name, value)| (*name, value.as_str()));
    Settings::parse([("SCIM_URL", SCIM_URL)].into_iter().chain(pairs)).map_err(|error| format!("settings: {error:?}"))
}

fn names(snapshots: &[Snapshot]) -> BTreeMap<String, (Kind, usize)> {
    let mut names = BTreeMap::new();
    for snapshot in snapshots {
        for (number, person) in snapshot.people.iter().enumerate() {
            names.insert(person.user_name.to_lowercase(), (Kind::User, number));
        }
        for (number, group) in snapshot.groups.iter().enumerate() {
            names.insert(group.name.to_lowercase(), (Kind::Group, number));
        }
    }
    names
}

#[cfg(test)]
mod tests;
