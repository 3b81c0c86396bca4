//! The entry GUID: the source id that tells users and groups apart.

use crate::connection::SourceSettings;
use crate::directory::{Entry, Value};

/// The source id of an entry, as text; `None` where the entry has none.
pub fn guid(entry: &Entry, settings: &SourceSettings) -> Option<String> {
    let value = entry.values(&settings.guid_attribute_name).iter().find(|v| !v.bytes().is_empty())?;
    Some(guid_text(value, settings))
}

/// A GUID value as text. Active Directory's sixteen bytes in the form its own tools print; other binary ones as
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

/// Whether a tool has written the GUID as text already.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

/// The first three groups are stored with their lowest byte first (MS-DTYP section 2.3.4).
fn active_directory(b: &[u8]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let digits: String = order.iter().filter_map(|i| b.get(*i)).map(|byte| format!("{byte:02x}")).collect();
    [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().filter_map(|part| digits.get(part)).collect::<Vec<_>>().join("-")
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
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
