//! `pfscim state`: runs its commands and prints what they find. What is in a state file is `pfscim-channel`'s.

use pfscim_channel::Error;
use pfscim_channel::state::{StateCounts, StateEntry, StateMaintenance};
use pfscim_core::text::{excerpt, printable};
use serde_json::{Value, json};

use crate::args::{File, StateCommand};
use crate::exit_status::ExitStatus;
use crate::output::lines::out;
use crate::output::tables::table;

/// Runs one of the commands.
pub(crate) fn run(command: &StateCommand) -> Result<ExitStatus, Error> {
    match command {
        StateCommand::Show(file) => show(file)?,
        StateCommand::User { file, who } => {
            let state = StateMaintenance::look(&file.path)?;
            let found = state.find(who)?;
            if found.is_empty() {
                return Err(unknown(file, who));
            }
            list(file, &found);
        }
        StateCommand::Dirty(file) => {
            let dirty = dirty(&StateMaintenance::look(&file.path)?)?;
            if dirty.is_empty() && !file.json {
                out("nothing has to be sent again");
            } else {
                list(file, &dirty);
            }
        }
        StateCommand::Reset { file, all } => {
            let count = StateMaintenance::open(&file.path)?.reset(*all)?;
            let source = if *all { ", and the source is read as if for the first time" } else { "" };
            let text = format!(
                "the next cycle compares all {count} users and groups with the target{source}; nothing was sent"
            );
            tell(file, &json!({"reset": count}), &text);
        }
        StateCommand::Forget { file, users, dirty: false, all: false } if users.is_empty() => {
            let name = printable(&file.path.display().to_string());
            return Err(Error::unusable(format!(
                "{name}: who is to be forgotten? Name users (identifier, source id or target id), or say --dirty or --all"
            )));
        }
        StateCommand::Forget { file, users, dirty, .. } => forget(file, users, *dirty)?,
    }
    Ok(ExitStatus::Well)
}

fn show(file: &File) -> Result<(), Error> {
    let state = StateMaintenance::look(&file.path)?;
    let ((users, groups), marks, owner) = (state.counts()?, state.watermarks()?, &state.owner);
    if file.json {
        let counts = |counts: StateCounts| {
            json!({
                "known": counts.known, "inScope": counts.in_scope, "linked": counts.linked,
                "dirty": counts.dirty, "skipped": counts.skipped,
            })
        };
        let object = json!({
            "connection": owner.connection, "channel": owner.channel, "scimUrl": owner.scim_url,
            "users": counts(users), "groups": counts(groups), "watermarks": marks,
        });
        out(&object.to_string());
        return Ok(());
    }
    let mut rows = table(["state", printable(&file.path.display().to_string()).as_str()]);
    let whose = [("connection", &owner.connection), ("channel", &owner.channel), ("SCIM URL", &owner.scim_url)];
    for (what, value) in whose {
        rows.add_row([what, printable(value).as_str()]);
    }
    for (what, counts) in [("users", users), ("groups", groups)] {
        rows.add_row([what, counts.known.to_string().as_str()]);
        let parts = [
            ("  in scope", counts.in_scope),
            ("  linked", counts.linked),
            ("  to be sent (again)", counts.dirty),
            ("  held back by an option", counts.skipped),
        ];
        for (what, count) in parts.into_iter().filter(|_| counts.known > 0) {
            rows.add_row([what, count.to_string().as_str()]);
        }
    }
    for (what, value) in &marks {
        rows.add_row([*what, value]);
    }
    out(&rows.to_string());
    Ok(())
}

fn forget(file: &File, users: &[String], dirty: bool) -> Result<(), Error> {
    let mut state = StateMaintenance::open(&file.path)?;
    let mut found = Vec::new();
    match (dirty, users) {
        (true, _) => found = self::dirty(&state)?,
        (false, []) => found = state.entries()?,
        (false, named) => {
            for who in named {
                let these = state.find(who)?;
                // One who is not there may be a slip of the hand: nobody is forgotten then.
                if these.is_empty() {
                    return Err(unknown(file, who));
                }
                found.extend(these.into_iter().filter(|kept| !found.contains(kept)).collect::<Vec<_>>());
            }
        }
    }
    state.forget(&found)?;
    let names: Vec<_> = found.iter().map(|kept| kept.identifier.as_str()).collect();
    if !file.json {
        names.iter().for_each(|name| out(&format!("{:<16} {}", "forgotten", printable(name))));
    }
    let text = format!("{} forgotten; the target was not touched", names.len());
    tell(file, &json!({"forgotten": names}), &text);
    Ok(())
}

fn dirty(state: &StateMaintenance) -> Result<Vec<StateEntry>, Error> {
    Ok(state.entries()?.into_iter().filter(|kept| kept.dirty).collect())
}

fn tell(file: &File, object: &Value, text: &str) {
    if file.json {
        out(&object.to_string());
    } else {
        out(text);
    }
}

fn unknown(file: &File, who: &str) -> Error {
    let name = printable(&file.path.display().to_string());
    Error::unusable(format!(
        "{name}: knows no user or group `{}`; name one by identifier, source id or target id (`pfscim state dirty` and the lines of `pfscim sync --json` show them)",
        excerpt(who)
    ))
}

/// Users and groups, one after the other.
fn list(file: &File, these: &[StateEntry]) {
    for kept in these {
        let kind = if kept.is_group { "group" } else { "user" };
        if file.json {
            let object = json!({
                "kind": kind, "source": kept.source_id, "id": kept.target_id, "identifier": kept.identifier,
                "sent": kept.sent, "inScope": kept.in_scope, "enabled": kept.enabled, "dirty": kept.dirty,
                "skipped": kept.skipped, "created": kept.created, "modified": kept.modified,
            });
            out(&object.to_string());
            continue;
        }
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let mut rows = table([kind, printable(&kept.identifier).as_str()]);
        for (what, value) in [
            ("source id", printable(&kept.source_id)),
            ("target id", kept.target_id.as_deref().map_or_else(|| "none".into(), printable)),
            ("in scope", yes(kept.in_scope)),
            ("enabled", yes(kept.enabled)),
            ("to be sent (again)", yes(kept.dirty)),
            ("held back by an option", yes(kept.skipped)),
            ("first known", kept.created.clone()),
            ("last written", kept.modified.clone()),
        ] {
            rows.add_row([what, &value]);
        }
        out(&rows.to_string());
    }
}
