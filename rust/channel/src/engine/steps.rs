//! The steps of a run for one user, as log lines.

use pfscim_core::text::printable;

use super::cycle::Cycle;
use crate::changes::ChangeSet;
use crate::state::UserRow;

/// The log target of the steps of a run for one user.
pub const STEP_LOG_TARGET: &str = "pfscim::step";

impl Cycle<'_> {
    /// What is known of the one user before anything is asked of the target.
    pub(super) fn tell_steps(&self, changes: &ChangeSet) {
        for present in &changes.pushes {
            self.step(|| {
                let status = if present.record.enabled { "enabled" } else { "disabled" };
                let filled = present.record.fields.iter().filter(|(_, values)| !values.is_empty());
                let codes: Vec<_> = filled.map(|(code, _)| code.as_str()).collect();
                format!("source: record {}, {status}; mapped: {}", printable(&present.source_id), codes.join(", "))
            });
            self.step(|| match &present.known {
                None => "state: not known".to_owned(),
                Some(user) => format!(
                    "state: {}, {}",
                    linked(user),
                    if user.values_hash.as_ref() == Some(&present.hash) {
                        "sent as it is now"
                    } else {
                        "not sent as it is now"
                    }
                ),
            });
        }
        for leaver in &changes.leavers {
            self.step(|| format!("source: no record {}, so the user left", printable(&leaver.source_id)));
            self.step(|| format!("state: {}", linked(leaver)));
        }
    }

    /// A step of a run for one user.
    pub(super) fn step(&self, text: impl FnOnce() -> String) {
        if self.options.only_user.is_some() {
            log::info!(target: STEP_LOG_TARGET, "{}", text());
        }
    }
}

fn linked(user: &UserRow) -> String {
    user.target_id
        .as_ref()
        .map_or_else(|| "not linked to an account".into(), |id| format!("linked to {}", printable(id)))
}
