//! Logs the steps of a run for one user.
//! Does not know: how an operation is carried out.

use pfscim_core::text::printable;

use super::cycle::Cycle;
use crate::changes::ChangeSet;
use crate::state::UserRow;

/// The log target of the steps of a run for one user.
pub const STEP_LOG_TARGET: &str = "pfscim::step";

impl Cycle<'_> {
    /// Logs what the source and the state contain about the user.
    pub(super) fn log_comparison(&self, changes: &ChangeSet) {
        for present in &changes.pushes {
            self.log_step(|| {
                let status = if present.record.enabled { "enabled" } else { "disabled" };
                let fields = present.record.fields.iter().filter(|(_, values)| !values.is_empty());
                let codes: Vec<_> = fields.map(|(code, _)| code.as_str()).collect();
                format!("source: record {}, {status}; mapped: {}", printable(&present.source_id), codes.join(", "))
            });
            self.log_step(|| match &present.known {
                None => "state: no row of the user".to_owned(),
                Some(user) if user.values_hash.as_ref() == Some(&present.hash) => {
                    format!("state: {}, these values were sent", link_text(user))
                }
                Some(user) => format!("state: {}, these values were not sent", link_text(user)),
            });
        }
        for leaver in &changes.leavers {
            self.log_step(|| format!("source: no record {}, so the user left", printable(&leaver.source_id)));
            self.log_step(|| format!("state: {}", link_text(leaver)));
        }
    }

    /// Logs a step, if this is a run for one user.
    pub(super) fn log_step(&self, text: impl FnOnce() -> String) {
        if self.options.only_user.is_some() {
            log::info!(target: STEP_LOG_TARGET, "{}", text());
        }
    }
}

fn link_text(user: &UserRow) -> String {
    user.target_id
        .as_ref()
        .map_or_else(|| "not linked to an account".into(), |id| format!("linked to {}", printable(id)))
}
