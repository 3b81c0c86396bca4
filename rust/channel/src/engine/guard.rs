//! The guard against accidental removals: a run that would remove too much sends nothing.
//! Does not know: the source, the target.

use pfscim_core::text::excerpt;

use crate::Error;
use crate::changes::ChangeSet;

/// As many removals are never suspicious, whatever share of the users they are.
const FEW: usize = 10;
/// One in so many of the known users may be removed in one run.
const SHARE: usize = 5;
/// As many names stand in the message of the guard.
const NAMED: usize = 20;

/// The guard against accidental removals: refuses before anything is sent.
pub(super) fn guard(changes: &ChangeSet, max_removals: Option<usize>) -> Result<(), Error> {
    let removals = changes.removals.len();
    let known = changes.known + changes.groups.known;
    let what = if changes.groups.known > 0 { "users and groups" } else { "users" };
    if max_removals.is_none() {
        for (selected, known, what) in
            [(changes.selected, changes.known, "users"), (changes.groups.selected, changes.groups.known, "groups")]
        {
            if selected == 0 && known > 0 {
                return Err(Error::Guard(format!(
                    "the source has none of the {known} known {what} any more, which is taken for a mistake in the source or its location; if all of them are to go, run with --max-removals {removals}"
                ).into()));
            }
        }
    }
    if let (Some(doubt), None, 1..) = (&changes.doubt, max_removals, removals) {
        return Err(Error::Guard(format!(
            "{removals} of {known} known {what} would be removed, but {doubt}: the source looks cut off; if it is whole, run with --max-removals {removals}"
        ).into()));
    }
    let allowed = max_removals.unwrap_or_else(|| FEW.max(known / SHARE));
    if removals <= allowed {
        return Ok(());
    }
    let mut names: Vec<_> = changes.removals.iter().take(NAMED).map(|name| excerpt(name)).collect();
    if removals > NAMED {
        names.push(format!("and {} more", removals - NAMED));
    }
    Err(Error::Guard(format!(
        "{removals} of {known} known {what} would be removed, more than the {allowed} that one run may remove: {}; if that is meant, run with --max-removals {removals}",
        names.join(", ")
    ).into()))
}
