//! Account status: whether a directory says that an account is enabled.

use pfscim_core::Failure;

use crate::connection::{AccountManagement, StatusAlgorithm};
use crate::directory::Entry;

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
                Failure::Rejected(format!("{attribute} is not a number, so the account status is unknown").into())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Value;

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
}
