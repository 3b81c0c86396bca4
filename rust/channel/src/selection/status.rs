//! Reads the account status: whether a user is enabled in the source.
//! Does not know: which entries are users, the target.

use pfscim_core::{Failure, Message};

use crate::connection::{AccountManagement, StatusAlgorithm};
use crate::directory::Entry;

/// The bit `ADS_UF_ACCOUNTDISABLE` of Active Directory's `userAccountControl`.
const DISABLED_BIT: i64 = 0x2;

/// Returns whether the user is enabled. Without the attribute, *Default Status* decides.
///
/// # Errors
/// [`Failure::Rejected`] if a bitmap is not a number: pfscim does not guess the status.
pub fn is_enabled(entry: &Entry, settings: &AccountManagement) -> Result<bool, Failure> {
    let attribute = &settings.account_status_attribute_name;
    let Some(value) = entry.values(attribute).first() else { return Ok(settings.default_status()) };
    let text = value.text().map(str::trim);
    match &settings.account_status_algorithm {
        StatusAlgorithm::Bitmap => {
            let bits = text.and_then(|t| t.parse::<i64>().ok());
            let bits = bits.ok_or_else(|| {
                let text = format!("{attribute} is not a number, so the account status is unknown");
                let hint = "check Account Status Attribute and Account Status Algorithm";
                Failure::Rejected(Message::new(text).with_hint(hint))
            })?;
            Ok(bits & DISABLED_BIT == 0)
        }
        StatusAlgorithm::Flag => {
            let expected = settings.flag_comparison_value.as_deref().map(str::trim);
            // LDAP writes TRUE, consoles write true.
            let matches = matches!((text, expected), (Some(t), Some(e)) if t.eq_ignore_ascii_case(e));
            Ok(matches == settings.flag_comparison_status())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Value;

    fn entry(attribute: &str, value: &str) -> Entry {
        let mut entry = Entry::new("cn=a");
        entry.push(attribute, Value::from(value));
        entry
    }

    fn settings(json: serde_json::Value) -> AccountManagement {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_bit_of_user_account_control_disables_the_account() {
        let settings = settings(serde_json::json!({
            "accountStatusAttributeName": "userAccountControl", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_AD"
        }));
        for (value, enabled) in [("512", true), ("514", false), ("66050", false), ("-2147483646", false)] {
            assert_eq!(is_enabled(&entry("useraccountcontrol", value), &settings), Ok(enabled), "{value}");
        }
        assert_eq!(is_enabled(&Entry::new("cn=a"), &settings), Ok(true));
        assert_eq!(is_enabled(&entry("userAccountControl", "?"), &settings).unwrap_err().code(), "rejected");
    }

    #[test]
    fn a_matching_flag_gives_the_comparison_status_and_another_value_the_opposite() {
        let mut json = serde_json::json!({
            "accountStatusAttributeName": "nsAccountLock", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_FLAG",
            "flagComparisonValue": "true", "flagComparisonStatus": false, "defaultStatus": true
        });
        let locked = settings(json.clone());
        assert_eq!(is_enabled(&entry("nsAccountLock", "TRUE"), &locked), Ok(false));
        assert_eq!(is_enabled(&entry("nsAccountLock", "false"), &locked), Ok(true));
        assert_eq!(is_enabled(&Entry::new("cn=a"), &locked), Ok(true));
        json["flagComparisonStatus"] = true.into();
        json["defaultStatus"] = false.into();
        let active = settings(json);
        assert_eq!(is_enabled(&entry("nsAccountLock", "true"), &active), Ok(true));
        assert_eq!(is_enabled(&entry("nsAccountLock", "no"), &active), Ok(false));
        assert_eq!(is_enabled(&Entry::new("cn=a"), &active), Ok(false));
    }
}
