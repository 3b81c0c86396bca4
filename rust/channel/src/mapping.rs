//! *Attribute Mapping*: from an entry to the flat record of a user. May not know SCIM: which fields there are comes
//! from core's catalogue.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pfscim_core::mapping::Catalogue;
use pfscim_core::text::excerpt;
use pfscim_core::{Failure, Record};

use crate::Error;
use crate::account;
use crate::connection::{Channel, CharacterCase, FieldInfo, Parser, SourceSettings};
use crate::dn::Dn;
use crate::source::{Entry, Value};

/// The rules of one channel.
#[derive(Debug)]
pub struct Rules<'a> {
    fields: Vec<Rule<'a>>,
    source: &'a SourceSettings,
    identifier: &'a str,
    /// Fields that are left out of every record, and why; one line each.
    pub left_out: Vec<String>,
    /// Codes of the fields whose values are never shown: masked ones, and those that targets never give away.
    pub hidden: BTreeSet<String>,
}

#[derive(Debug)]
struct Rule<'a> {
    code: String,
    multi_valued: bool,
    info: &'a FieldInfo,
}

impl<'a> Rules<'a> {
    /// Reads the rules of a channel; `identifier` is the code of the *Unique User Identifier*.
    ///
    /// # Errors
    /// A mapped field that the target does not have, several attributes for one field, a required field that is not
    /// mapped or cannot be computed.
    pub fn new(channel: &'a Channel, catalogue: &Catalogue, identifier: &'a str) -> Result<Self, Error> {
        let (rules, errors) = Self::examine(channel, catalogue, identifier);
        errors.into_iter().next().map_or(Ok(rules), |error| Err(Error::Unusable(error)))
    }

    /// As [`Rules::new`], but told everything that is wrong, one line each; the rules are those that are not.
    pub fn examine(channel: &'a Channel, catalogue: &Catalogue, identifier: &'a str) -> (Self, Vec<String>) {
        let place = format!("channel `{}`", excerpt(&channel.name));
        let (mut fields, mut left_out, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for mapping in channel.attribute_mapping.iter().filter(|m| m.saas_field_info.is_mapped()) {
            let (info, name) = (&mapping.saas_field_info, excerpt(&mapping.field_name));
            let Some(field) = catalogue.field(&mapping.field_name) else {
                errors.push(format!(
                    "{place}: `{name}` is mapped, but is not a field of this target (see `pfscim describe fields`)"
                ));
                continue;
            };
            if !seen.insert(field.code.clone()) {
                errors.push(format!("{place}: {name} is mapped twice"));
            } else if info.expression().is_some() {
                let why = format!("{place}: {name}: expressions are not evaluated by pfscim");
                if field.required || field.code == identifier {
                    errors.push(format!("{why}, and users cannot be provisioned without this field"));
                } else {
                    left_out.push(format!("{why}; the field is left as it is at the target"));
                }
            } else if info.attributes().len() > 1 {
                errors.push(format!("{place}: {name}: more than one attribute needs an expression"));
            } else {
                fields.push(Rule { code: field.code.clone(), multi_valued: field.multi_valued, info });
            }
        }
        let required = catalogue.fields().iter().filter(|f| f.required || f.code == identifier);
        let missing: Vec<_> = required.filter(|f| !seen.contains(&f.code)).map(|f| f.code.as_str()).collect();
        if !missing.is_empty() {
            errors.push(format!("{place}: required fields are not mapped: {}", missing.join(", ")));
        }
        let masked = fields.iter().filter(|r: &&Rule<'_>| r.info.masked()).map(|r| r.code.clone());
        let hidden = masked.chain(catalogue.fields().iter().filter(|f| f.write_only).map(|f| f.code.clone())).collect();
        (Self { fields, source: &channel.channel_source, identifier, left_out, hidden }, errors)
    }

    /// The record of an entry, with all fields that are mapped; `enabled` is the account status.
    pub fn record(&self, entry: &Entry, enabled: bool) -> Record {
        let fields: BTreeMap<_, _> =
            self.fields.iter().map(|rule| (rule.code.clone(), self.values(rule, entry))).collect();
        let masked = self.fields.iter().filter(|r| r.info.masked()).map(|r| r.code.clone()).collect();
        Record { id: None, enabled, fields, masked }
    }

    /// The value that tells users apart at the target.
    ///
    /// # Errors
    /// [`Failure::Rejected`] where the record has none.
    pub fn identifier<'r>(&self, record: &'r Record) -> Result<&'r str, Failure> {
        record.first(self.identifier).ok_or_else(|| {
            Failure::Rejected(format!("{} has no value in the source, and users are told apart by it", self.identifier))
        })
    }

    /// Field code of the *Unique User Identifier*.
    pub fn identifier_code(&self) -> &str {
        self.identifier
    }

    /// Takes out what is sent on create only.
    pub fn without_create_only(&self, record: &Record) -> Record {
        let mut record = record.clone();
        for rule in self.fields.iter().filter(|r| r.info.create_only()) {
            record.fields.remove(&rule.code);
        }
        record
    }

    fn values(&self, rule: &Rule<'_>, entry: &Entry) -> Vec<String> {
        let attributes = rule.info.attributes().iter();
        let mut values: Vec<_> = attributes
            .flat_map(|name| entry.values(name).iter().map(move |value| self.text(name, value)))
            .filter_map(|value| converted(&value, rule.info))
            .collect();
        if !rule.multi_valued {
            values.truncate(1);
        }
        if values.is_empty() {
            values.extend(rule.info.default_value().map(str::to_owned));
        }
        values
    }

    /// A value as text: the GUID as the source id is written, other bytes that are no text in base64, as JSON has it.
    fn text(&self, attribute: &str, value: &Value) -> String {
        if attribute.eq_ignore_ascii_case(&self.source.guid_attribute_name) {
            return account::guid_text(value, self.source);
        }
        value.text().map_or_else(|| STANDARD.encode(value.bytes()), str::to_owned)
    }
}

/// One value after parser, trim and case; `None` where nothing is left of it.
fn converted(value: &str, info: &FieldInfo) -> Option<String> {
    let value = match info.parser() {
        Parser::None => value.to_owned(),
        Parser::ExtractCnFromDn => Dn::parse(value)?.common_name()?.to_owned(),
        Parser::ExtractUsernameFromEmail => value.split_once('@').map_or(value, |(user, _)| user).to_owned(),
    };
    let value = if info.trim() { value.trim().to_owned() } else { value };
    let value = match info.character_case() {
        CharacterCase::None => value,
        CharacterCase::Lower => value.to_lowercase(),
        CharacterCase::Upper => value.to_uppercase(),
    };
    Some(value).filter(|v| !v.is_empty())
}

#[cfg(test)]
mod tests {
    use pfscim_core::target::Version;
    use serde_json::{Value as Json, json};

    use super::*;

    fn channel(mapping: Json) -> Channel {
        let mut rows = vec![
            json!({"fieldName": "userName", "saasFieldInfo": {"attributeNames": ["uid"]}}),
            json!({"fieldName": "workEmail", "saasFieldInfo": {"attributeNames": ["mail"]}}),
            json!({"fieldName": "givenName", "saasFieldInfo": {"attributeNames": ["givenName"]}}),
            json!({"fieldName": "familyName", "saasFieldInfo": {"attributeNames": ["sn"]}}),
        ];
        for row in mapping.as_array().unwrap() {
            rows.retain(|r| r["fieldName"] != row["fieldName"]);
            rows.push(row.clone());
        }
        serde_json::from_value(json!({
            "name": "corp", "attributeMapping": rows,
            "channelSource": {
                "guidAttributeName": "objectGUID", "guidBinary": true,
                "changeDetectionSettings": {"userObjectClass": "user", "groupObjectClass": "group"},
                "accountManagementSettings": {
                    "accountStatusAttributeName": "x", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_AD"
                },
                "baseDn": "dc=x", "userSourceLocation": {}
            }
        }))
        .unwrap()
    }

    fn row(field: &str, info: Json) -> Json {
        json!([{"fieldName": field, "saasFieldInfo": info}])
    }

    fn jane() -> Entry {
        let mut entry = Entry::new("uid=jane,dc=x");
        for (name, value) in [
            ("uid", "Jane"),
            ("mail", " Jane.Doe@Example.com "),
            ("title", "First"),
            ("title", "Second"),
            ("manager", r"CN=Doe\, John,OU=x"),
            ("empty", ""),
        ] {
            entry.push(name, Value::from(value));
        }
        entry.push("objectGUID", Value::new((0..16).collect()));
        entry.push("userCertificate", Value::new(vec![0xff, 0x00]));
        entry
    }

    /// The values of one field of Jane's.
    fn mapped(field: &str, info: Json) -> Vec<String> {
        let channel = channel(row(field, info));
        let rules = Rules::new(&channel, &Catalogue::standard(Version::V2_0), "userName").unwrap();
        rules.record(&jane(), true).fields.remove(field).unwrap()
    }

    fn refused(mapping: Json) -> String {
        let channel = channel(mapping);
        Rules::new(&channel, &Catalogue::standard(Version::V2_0), "userName").unwrap_err().to_string()
    }

    #[test]
    fn values_go_through_parser_trim_and_case() {
        assert_eq!(mapped("nickName", json!({"attributeNames": ["UID"]})), ["Jane"]);
        assert_eq!(
            mapped("nickName", json!({"attributeNames": ["mail"], "trim": true, "characterCase": "LOWER"})),
            ["jane.doe@example.com"]
        );
        assert_eq!(
            mapped(
                "nickName",
                json!({"attributeNames": ["mail"], "trim": true, "parser": "EXTRACT_USERNAME_FROM_EMAIL"})
            ),
            ["Jane.Doe"]
        );
        assert_eq!(
            mapped(
                "nickName",
                json!({"attributeNames": ["manager"], "parser": "EXTRACT_CN_FROM_DN", "characterCase": "UPPER"})
            ),
            ["DOE, JOHN"]
        );
    }

    #[test]
    fn a_default_stands_in_for_a_missing_value() {
        assert_eq!(
            mapped("userType", json!({"attributeNames": ["employeeType"], "defaultValue": "Employee"})),
            ["Employee"]
        );
        assert_eq!(mapped("userType", json!({"attributeNames": ["empty"], "defaultValue": "Employee"})), ["Employee"]);
        assert_eq!(mapped("userType", json!({"defaultValue": "Employee"})), ["Employee"]);
        assert_eq!(mapped("userType", json!({"attributeNames": ["uid"], "defaultValue": "Employee"})), ["Jane"]);
    }

    #[test]
    fn only_multi_valued_fields_keep_all_values() {
        assert_eq!(mapped("title", json!({"attributeNames": ["title"]})), ["First"]);
        assert_eq!(mapped("roles", json!({"attributeNames": ["title"]})), ["First", "Second"]);
    }

    #[test]
    fn bytes_become_text() {
        assert_eq!(
            mapped("externalId", json!({"attributeNames": ["objectGUID"]})),
            ["03020100-0504-0706-0809-0a0b0c0d0e0f"]
        );
        assert_eq!(mapped("nickName", json!({"attributeNames": ["userCertificate"]})), ["/wA="]);
    }

    #[test]
    fn create_only_fields_are_left_out_of_updates_and_masked_ones_marked() {
        let channel = channel(row("nickName", json!({"attributeNames": ["uid"], "createOnly": true, "masked": true})));
        let rules = Rules::new(&channel, &Catalogue::standard(Version::V2_0), "userName").unwrap();
        let record = rules.record(&jane(), true);
        assert!(
            record.masked.contains("nickName")
                && rules.hidden.contains("nickName")
                && rules.hidden.contains("password")
        );
        let update = rules.without_create_only(&record);
        assert!(!update.fields.contains_key("nickName") && update.fields.contains_key("userName"));
    }

    #[test]
    fn an_expression_leaves_its_field_alone_and_says_so() {
        let channel = channel(row(
            "displayName",
            json!({"attributeNames": ["a", "b"], "expression": "#a + #b", "defaultValue": "x"}),
        ));
        let rules = Rules::new(&channel, &Catalogue::standard(Version::V2_0), "userName").unwrap();
        assert!(rules.left_out[0].contains("displayName: expressions are not evaluated"));
        assert!(!rules.record(&jane(), true).fields.contains_key("displayName"));
        assert!(refused(row("userName", json!({"expression": "#uid"}))).contains("userName"));
    }

    #[test]
    fn what_the_console_would_not_save_is_refused() {
        assert!(
            refused(row("shoeSize", json!({"attributeNames": ["x"]})))
                .contains("`shoeSize` is mapped, but is not a field")
        );
        assert!(
            refused(row("nickName", json!({"attributeNames": ["a", "b"]})))
                .contains("nickName: more than one attribute")
        );
        assert!(refused(row("userName", json!({}))).contains("required fields are not mapped: userName"));
        let unmapped = channel(row("shoeSize", json!({})));
        assert!(Rules::new(&unmapped, &Catalogue::standard(Version::V2_0), "userName").is_ok());
    }
}
