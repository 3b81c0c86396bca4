//! Account status and entry GUID: how a directory says whether an account is enabled, and who it is.

use pfscim_core::Failure;

use crate::connection::{AccountManagement, SourceSettings, StatusAlgorithm};
use crate::directory::{Entry, Value};

/// `ADS_UF_ACCOUNTDISABLE` of Active Directory's `userAccountControl`.
const DISABLED_BIT: i64 = 0x2;

/// Whether the account is enabled.
///
/// # Errors
/// [`Failure::Rejected`] where the attribute of a bitmap is no number: nobody is enabled or disabled by a guess.
pub fn is_enabled(entry: &Entry, rules: &AccountManagement) -> Result<bool, Failure> {
    let attribute = &rules.account_status_attribute_name;
    let Some(value) = entry.values(attribute).first() else { return Ok(rules.default_status()) };
    let text = value.text().map(str::trim);
    match &rules.account_status_algorithm {
        StatusAlgorithm::Bitmap => {
            let bits = text.and_then(|t| t.parse::<i64>().ok());
            let bits = bits.ok_or_else(|| {
                Failure::Rejected(format!("{attribute} is not a number, so the account status is unknown"))
            })?;
            Ok(bits & DISABLED_BIT == 0)
        }
        StatusAlgorithm::Flag => {
            let wanted = rules.flag_comparison_value.as_deref().map(str::trim);
            // LDAP writes TRUE where consoles write true.
            let matches = matches!((text, wanted), (Some(t), Some(w)) if t.eq_ignore_ascii_case(w));
            Ok(matches == rules.flag_comparison_status())
        }
    }
}

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
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attribute: &str, value: &str) -> Entry {
        let mut entry = Entry::new("cn=a");
        entry.push(attribute, Value::from(value));
        entry
    }

    fn rules(json: serde_json::Value) -> AccountManagement {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn active_directory_disables_by_a_bit() {
        let rules = rules(serde_json::json!({
            "accountStatusAttributeName": "userAccountControl", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_AD"
        }));
        for (value, enabled) in [("512", true), ("514", false), ("66050", false), ("-2147483646", false)] {
            assert_eq!(is_enabled(&entry("useraccountcontrol", value), &rules), Ok(enabled), "{value}");
        }
        assert_eq!(is_enabled(&Entry::new("cn=a"), &rules), Ok(true));
        assert_eq!(is_enabled(&entry("userAccountControl", "?"), &rules).unwrap_err().code(), "rejected");
    }

    #[test]
    fn a_flag_says_what_the_status_is_when_it_matches() {
        let mut json = serde_json::json!({
            "accountStatusAttributeName": "nsAccountLock", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG",
            "flagComparisonValue": "true", "flagComparisonStatus": false, "defaultStatus": true
        });
        let locked = rules(json.clone());
        assert_eq!(is_enabled(&entry("nsAccountLock", "TRUE"), &locked), Ok(false));
        assert_eq!(is_enabled(&entry("nsAccountLock", "false"), &locked), Ok(true));
        assert_eq!(is_enabled(&Entry::new("cn=a"), &locked), Ok(true));
        json["flagComparisonStatus"] = true.into();
        json["defaultStatus"] = false.into();
        let active = rules(json);
        assert_eq!(is_enabled(&entry("nsAccountLock", "true"), &active), Ok(true));
        assert_eq!(is_enabled(&entry("nsAccountLock", "no"), &active), Ok(false));
        assert_eq!(is_enabled(&Entry::new("cn=a"), &active), Ok(false));
    }

    #[test]
    fn binary_guids_become_text() {
        assert_eq!(active_directory(&(0..16).collect::<Vec<u8>>()), "03020100-0504-0706-0809-0a0b0c0d0e0f");
        assert_eq!(hex(&[0, 255]), "00ff");
        assert!(is_guid("03020100-0504-0706-0809-0a0b0c0d0e0f"));
        assert!(!is_guid("03020100-0504-0706-0809-0a0b0c0d0e0"));
    }
}
