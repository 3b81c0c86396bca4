//! Makes entries of the rows of a table.
//! Does not know: files, formats.

use crate::directory::{Dn, Entry, Value};

/// The columns that contain the distinguished name of an entry.
const DN_COLUMNS: [&str; 2] = ["dn", "distinguishedName"];

/// Returns whether a column contains the distinguished name.
pub(super) fn is_dn_column(name: &str) -> bool {
    DN_COLUMNS.iter().any(|column| column.eq_ignore_ascii_case(name))
}

/// Returns the entry of a row.
///
/// # Errors
/// The row has several distinguished names, or a name that is not valid.
pub(super) fn entry_of_row(line: usize, pairs: Vec<(String, Value)>) -> Result<Entry, String> {
    let mut entry = Entry::row(format!("line {line}"));
    for (name, value) in pairs {
        if is_dn_column(&name) {
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
