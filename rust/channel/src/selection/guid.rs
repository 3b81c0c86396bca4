//! Reads the entry GUID, which is the source id of users and groups.
//! Does not know: which entries are users or groups.

use pfscim_core::Message;
use pfscim_core::text::excerpt;

use crate::Error;
use crate::connection::SourceSettings;
use crate::directory::{Entry, Value};

/// Returns the source id of an entry as text, or `None` if the entry has no GUID.
pub fn guid(entry: &Entry, settings: &SourceSettings) -> Option<String> {
    let value = entry.values(&settings.guid_attribute_name).iter().find(|v| !v.bytes().is_empty())?;
    Some(guid_text(value, settings))
}

/// Returns a GUID value as text.
///
/// The sixteen bytes of `objectGUID` become the form that Active Directory's tools print. Other binary values become
/// hexadecimal digits.
pub fn guid_text(value: &Value, settings: &SourceSettings) -> String {
    let bytes = value.bytes();
    match value.text() {
        Some(text) if !settings.guid_binary || is_guid(text) => text.trim().to_owned(),
        _ if settings.guid_attribute_name.eq_ignore_ascii_case("objectGUID") && bytes.len() == 16 => {
            active_directory(bytes)
        }
        _ => hex(bytes),
    }
}

/// Returns whether a tool has already written the GUID as text.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

/// Returns the text of sixteen bytes, whose first three groups have the lowest byte first (MS-DTYP section 2.3.4).
fn active_directory(b: &[u8]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let digits: String = order.iter().filter_map(|i| b.get(*i)).map(|byte| format!("{byte:02x}")).collect();
    [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().filter_map(|part| digits.get(part)).collect::<Vec<_>>().join("-")
}

/// Returns lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Returns the error for an entry without GUID. `kind`: `user` or `group`.
pub(crate) fn missing_guid(entry: &Entry, attribute: &str, kind: &str) -> Error {
    let text = format!("{} has no {attribute}, which identifies {kind}s", excerpt(entry.label()));
    let hint = format!(
        "check Entry GUID Attribute, and export it for every {kind} (directories return operational attributes only \
         on request)"
    );
    Error::unusable(Message::new(text).with_hint(hint).at(&entry.place))
}

/// Returns the error for an entry with the GUID of another entry. `kind`: `user` or `group`.
pub(crate) fn duplicate_guid(entry: &Entry, attribute: &str, kind: &str) -> Error {
    let text = format!("{} has the same {attribute} as another {kind}", excerpt(entry.label()));
    let hint = "set Entry GUID Attribute to an attribute with unique values";
    Error::unusable(Message::new(text).with_hint(hint).at(&entry.place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_guids_become_text() {
        assert_eq!(active_directory(&(0..16).collect::<Vec<u8>>()), "03020100-0504-0706-0809-0a0b0c0d0e0f");
        assert_eq!(hex(&[0, 255]), "00ff");
        assert!(is_guid("03020100-0504-0706-0809-0a0b0c0d0e0f"));
        assert!(!is_guid("03020100-0504-0706-0809-0a0b0c0d0e0"));
    }
}
