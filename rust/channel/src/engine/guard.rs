//! Stops a run that would remove too many users and groups, before it sends anything.
//! Does not know: the source, the target.

use pfscim_core::Message;
use pfscim_core::text::excerpt;

use crate::Error;
use crate::changes::ChangeSet;

/// The guard allows this many removals in a population of any size.
const GUARD_MIN_REMOVALS: usize = 10;
/// The guard allows the removal of the known users and groups divided by this number: a fifth of them.
const GUARD_SHARE_DIVISOR: usize = 5;
/// The message of the guard contains this many names at most.
const GUARD_NAMES_MAX: usize = 20;

/// Checks the removals of a run. `max_removals` is the number of `--max-removals`, and replaces all other checks.
///
/// # Errors
/// [`Error::Guard`] if the run would remove too much: all users or all groups, anything from a source that may be
/// incomplete, or more than the allowed number.
pub(super) fn guard(changes: &ChangeSet, max_removals: Option<usize>) -> Result<(), Error> {
    let removals = changes.removals.len();
    let known = changes.known + changes.groups.known;
    let what = if changes.groups.known > 0 { "users and groups" } else { "users" };
    if max_removals.is_none() {
        for (selected, known, what) in
            [(changes.selected, changes.known, "users"), (changes.groups.selected, changes.groups.known, "groups")]
        {
            if selected == 0 && known > 0 {
                return Err(refusal(
                    format!("the source contains none of the {known} known {what}"),
                    format!(
                        "check the source and Source Location, or run with --max-removals {removals} to remove them all"
                    ),
                ));
            }
        }
    }
    if let (Some(reason), None, 1..) = (&changes.incomplete_reason, max_removals, removals) {
        return Err(refusal(
            format!("{removals} of {known} known {what} would be removed, but the source may be incomplete: {reason}"),
            format!("export the source again, or run with --max-removals {removals} if the source is complete"),
        ));
    }
    let allowed = max_removals.unwrap_or_else(|| GUARD_MIN_REMOVALS.max(known / GUARD_SHARE_DIVISOR));
    if removals <= allowed {
        return Ok(());
    }
    let mut names: Vec<_> = changes.removals.iter().take(GUARD_NAMES_MAX).map(|name| excerpt(name)).collect();
    if removals > GUARD_NAMES_MAX {
        names.push(format!("and {} more", removals - GUARD_NAMES_MAX));
    }
    Err(refusal(
        format!(
            "{removals} of {known} known {what} would be removed, more than the {allowed} allowed in one run: {}",
            names.join(", ")
        ),
        format!("check the source, or run with --max-removals {removals} to remove them"),
    ))
}

fn refusal(text: String, hint: String) -> Error {
    Error::Guard(Message::new(text).with_hint(hint).at("removal guard"))
}
