//! Runs `pfscim state`: shows and edits a state file.
//! Does not know: the format of a state file, the target.

use pfscim_channel::Error;
use pfscim_channel::state::{StateCounts, StateEntry, StateMaintenance};
use pfscim_core::Message;
use pfscim_core::environment::SystemClock;
use pfscim_core::text::{excerpt, printable};
use serde_json::{Value, json};

use crate::args::{StateCommand, StateFile};
use crate::exit_status::ExitStatus;
use crate::output::lines::out;
use crate::output::tables::table;

/// Runs one of the commands.
pub(crate) fn run(command: &StateCommand) -> Result<ExitStatus, Error> {
    match command {
        StateCommand::Show(file) => show(file)?,
        StateCommand::User { file, name } => {
            let state = StateMaintenance::read(&file.path)?;
            let found = state.find(name)?;
            if found.is_empty() {
                return Err(unknown(file, name));
            }
            list(file, &found);
        }
        StateCommand::Dirty(file) => {
            let dirty = dirty(&StateMaintenance::read(&file.path)?)?;
            if dirty.is_empty() && !file.json {
                out("the next cycle sends nothing again");
            } else {
                list(file, &dirty);
            }
        }
        StateCommand::Reset { file, all } => {
            let count = StateMaintenance::open(&file.path)?.reset(*all)?;
            let source = if *all { ", and reads the whole source" } else { "" };
            let text = format!(
                "the next cycle compares all {count} users and groups with the target{source} (nothing was sent)"
            );
            print_result(file, &json!({"reset": count}), &text);
        }
        StateCommand::Forget { file, users, dirty: false, all: false } if users.is_empty() => {
            let name = printable(&file.path.display().to_string());
            return Err(Error::unusable(
                Message::new(format!("{name}: no user or group to forget is named")).with_hint(
                    "name users by identifier, source id or target id, groups also by name, or use --dirty or --all",
                ),
            ));
        }
        StateCommand::Forget { file, users, dirty, .. } => forget(file, users, *dirty)?,
    }
    Ok(ExitStatus::Success)
}

fn show(file: &StateFile) -> Result<(), Error> {
    let state = StateMaintenance::read(&file.path)?;
    let ((users, groups), closed, marks, owner) = (state.counts()?, state.closed()?, state.watermarks()?, &state.owner);
    if file.json {
        let counts = |counts: StateCounts| {
            json!({
                "known": counts.known, "inScope": counts.in_scope, "linked": counts.linked,
                "dirty": counts.dirty, "skipped": counts.skipped,
            })
        };
        let object = json!({
            "connection": owner.connection, "channel": owner.channel, "scimUrl": owner.scim_url,
            "users": counts(users), "groups": counts(groups), "closed": closed, "watermarks": marks,
        });
        out(&object.to_string());
        return Ok(());
    }
    let mut rows = table(["state", printable(&file.path.display().to_string()).as_str()]);
    let owner_rows = [("connection", &owner.connection), ("channel", &owner.channel), ("SCIM URL", &owner.scim_url)];
    for (what, value) in owner_rows {
        rows.add_row([what, printable(value).as_str()]);
    }
    for (what, counts) in [("users", users), ("groups", groups)] {
        rows.add_row([what, counts.known.to_string().as_str()]);
        let parts = [
            ("  in scope", counts.in_scope),
            ("  linked", counts.linked),
            ("  to send again", counts.dirty),
            ("  skipped (an option prevents it)", counts.skipped),
        ];
        for (what, count) in parts.into_iter().filter(|_| counts.known > 0) {
            rows.add_row([what, count.to_string().as_str()]);
        }
    }
    rows.add_row(["closed (remembered for 400 days)", closed.to_string().as_str()]);
    for (what, value) in &marks {
        rows.add_row([*what, value]);
    }
    out(&rows.to_string());
    Ok(())
}

fn forget(file: &StateFile, users: &[String], dirty: bool) -> Result<(), Error> {
    let mut state = StateMaintenance::open(&file.path)?;
    let mut found = Vec::new();
    match (dirty, users) {
        (true, _) => found = self::dirty(&state)?,
        (false, []) => found = state.entries()?,
        (false, named) => {
            for name in named {
                let matches = state.find(name)?;
                // An unknown name may be a typing error, so nothing is forgotten.
                if matches.is_empty() {
                    return Err(unknown(file, name));
                }
                found.extend(matches.into_iter().filter(|entry| !found.contains(entry)).collect::<Vec<_>>());
            }
        }
    }
    state.forget(&found, &SystemClock::default())?;
    let names: Vec<_> = found.iter().map(|entry| entry.identifier.as_str()).collect();
    if !file.json {
        names.iter().for_each(|name| out(&format!("{:<16} {}", "forgotten", printable(name))));
    }
    let text = format!("{} forgotten (the target was not contacted)", names.len());
    print_result(file, &json!({"forgotten": names}), &text);
    Ok(())
}

fn dirty(state: &StateMaintenance) -> Result<Vec<StateEntry>, Error> {
    Ok(state.entries()?.into_iter().filter(|entry| entry.dirty).collect())
}

fn print_result(file: &StateFile, object: &Value, text: &str) {
    if file.json {
        out(&object.to_string());
    } else {
        out(text);
    }
}

fn unknown(file: &StateFile, user: &str) -> Error {
    let name = printable(&file.path.display().to_string());
    Error::unusable(Message::new(format!("{name}: contains no user or group `{}`", excerpt(user))).with_hint(
        "name it by identifier, group name, source id or target id (`pfscim state dirty` and `pfscim sync --json` print them)",
    ))
}

/// Prints users and groups, one after the other.
fn list(file: &StateFile, entries: &[StateEntry]) {
    for entry in entries {
        let kind = if entry.is_group { "group" } else { "user" };
        if file.json {
            let object = json!({
                "kind": kind, "source": entry.source_id, "id": entry.target_id, "identifier": entry.identifier,
                "sent": entry.sent, "inScope": entry.in_scope, "enabled": entry.enabled, "dirty": entry.dirty,
                "skipped": entry.skipped, "created": entry.created, "modified": entry.modified,
            });
            out(&object.to_string());
            continue;
        }
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let mut rows = table([kind, printable(&entry.identifier).as_str()]);
        for (what, value) in [
            ("source id", printable(&entry.source_id)),
            ("target id", entry.target_id.as_deref().map_or_else(|| "none".into(), printable)),
            ("in scope", yes(entry.in_scope)),
            ("enabled", yes(entry.enabled)),
            ("to send again", yes(entry.dirty)),
            ("skipped (an option prevents it)", yes(entry.skipped)),
            ("first known", entry.created.clone()),
            ("last written", entry.modified.clone()),
        ] {
            rows.add_row([what, &value]);
        }
        out(&rows.to_string());
    }
}
