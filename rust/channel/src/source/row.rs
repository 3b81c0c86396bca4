//! Rows of a table as entries.

use crate::directory::{Dn, Entry, Value};

/// What tables call the name of an entry.
pub(super) const NAMES: [&str; 2] = ["dn", "distinguishedName"];

/// The entry of a row; what is wrong with it otherwise.
pub(super) fn row(line: usize, pairs: Vec<(String, Value)>) -> Result<Entry, String> {
    let mut entry = Entry::row(format!("line {line}"));
    for (name, value) in pairs {
        if NAMES.iter().any(|n| n.eq_ignore_ascii_case(&name)) {
            if !entry.dn.is_empty() {
                return Err(format!("{name} has more than one value"));
            }
            let dn = value.text().filter(|dn| Dn::parse(dn).is_some());
            entry.dn = dn.ok_or_else(|| format!("the value of {name} is not a distinguished name"))?.to_owned();
        }
        entry.push(&name, value);
    }
    Ok(entry)
}
