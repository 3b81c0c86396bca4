//! The rows of a mapping: what they take of an entry, and what is left out of every record.
//! Does not know: the target. Which fields exist comes from core's catalogue, by version of SCIM.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pfscim_core::mapping::{Catalogue, is_valid_custom_code};
use pfscim_core::scim::Version;
use pfscim_core::text::excerpt;
use pfscim_core::{Failure, Record};

use crate::Error;
use crate::connection::{Channel, CharacterCase, FieldInfo, Parser, SourceSettings};
use crate::directory::{Dn, Entry, Value};
use crate::mapping::expressions::{Expressions, Variable};
use crate::selection;

/// The rules of one channel.
#[derive(Debug)]
pub struct RecordMapper<'a> {
    fields: Vec<FieldMapping<'a>>,
    source: &'a SourceSettings,
    identifier: &'a str,
    expressions: Allowed<'a>,
    /// Fields that are left out of every record, and why; one line each.
    pub omitted_fields: Vec<String>,
    /// Codes of the fields whose values are never shown: masked ones, and those that targets never give away.
    pub hidden_fields: BTreeSet<String>,
}

#[derive(Debug)]
struct FieldMapping<'a> {
    code: String,
    multi_valued: bool,
    /// Users cannot be provisioned without it.
    needed: bool,
    info: &'a FieldInfo,
}

/// Who evaluates expressions, if anybody may. Prints only which of the two, so that rules print the same in every run.
#[derive(Clone, Copy)]
struct Allowed<'a>(Option<&'a dyn Expressions>);

impl fmt::Debug for Allowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "expressions" } else { "no expressions" })
    }
}

/// Codes of the mapped fields that are cleared at the target where the source has no value: those that may be empty there.
/// A field that is not standard may be a custom attribute; whether it may be empty, the target knows. What an expression
/// failed to give is left as it is.
pub fn clearable_fields(channel: &Channel, version: Version, identifier: &str) -> Vec<String> {
    let standard = Catalogue::standard(version);
    let mapped = channel.attribute_mapping.iter().filter(|m| {
        let info = &m.saas_field_info;
        info.is_mapped() && !info.create_only() && info.expression().is_none()
    });
    mapped
        .filter_map(|m| match standard.field(&m.field_name) {
            Some(field) if field.required || field.write_only || field.code == identifier => None,
            Some(field) => Some(field.code.clone()),
            None => (version == Version::V2_0 && is_valid_custom_code(&m.field_name)).then(|| m.field_name.clone()),
        })
        .collect()
}

impl<'a> RecordMapper<'a> {
    /// Reads the rules of a channel; `identifier` is the code of the *Unique User Identifier*. Expressions are evaluated
    /// where there is somebody for it.
    ///
    /// # Errors
    /// A mapped field that the target does not have, several attributes for one field without an expression, a required
    /// field that is not mapped or cannot be computed.
    pub fn new(
        channel: &'a Channel,
        catalogue: &Catalogue,
        identifier: &'a str,
        expressions: Option<&'a dyn Expressions>,
    ) -> Result<Self, Error> {
        let (mapper, errors) = Self::read(channel, catalogue, identifier, Allowed(expressions), true);
        errors.into_iter().next().map_or(Ok(mapper), |error| Err(Error::Unusable(error.into())))
    }

    /// As [`RecordMapper::new`], but told everything that is wrong, one line each; the rules are those that are not. What only
    /// needs leave to evaluate expressions is left out.
    pub fn examine(channel: &'a Channel, catalogue: &Catalogue, identifier: &'a str) -> (Self, Vec<String>) {
        Self::read(channel, catalogue, identifier, Allowed(None), false)
    }

    fn read(
        channel: &'a Channel,
        catalogue: &Catalogue,
        identifier: &'a str,
        expressions: Allowed<'a>,
        strict: bool,
    ) -> (Self, Vec<String>) {
        let place = format!("channel `{}`", excerpt(&channel.name));
        let (mut fields, mut omitted_fields, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for mapping in channel.attribute_mapping.iter().filter(|m| m.saas_field_info.is_mapped()) {
            let (info, name) = (&mapping.saas_field_info, excerpt(&mapping.field_name));
            let Some(field) = catalogue.field(&mapping.field_name) else {
                errors.push(format!(
                    "{place}: `{name}` is mapped, but is not a field of this target (see `pfscim describe fields`)"
                ));
                continue;
            };
            let needed = field.required || field.code == identifier;
            if !seen.insert(field.code.clone()) {
                errors.push(format!("{place}: {name} is mapped twice"));
            } else if let Some(why) = info.expression().and_then(|text| expressions.refusal(text, info.attributes())) {
                let why = format!("{place}: {name}: {why}");
                if needed {
                    let told = if strict { &mut errors } else { &mut omitted_fields };
                    told.push(format!("{why}, and users cannot be provisioned without this field"));
                } else {
                    omitted_fields.push(format!("{why}; the field is left as it is at the target"));
                }
            } else if info.attributes().len() > 1 && info.expression().is_none() {
                errors.push(format!("{place}: {name}: more than one attribute needs an expression"));
            } else {
                let multi_valued = field.multi_valued && !channel.single_valued;
                fields.push(FieldMapping { code: field.code.clone(), multi_valued, needed, info });
            }
        }
        let required = catalogue.fields().iter().filter(|f| f.required || f.code == identifier);
        let missing: Vec<_> = required.filter(|f| !seen.contains(&f.code)).map(|f| f.code.as_str()).collect();
        if !missing.is_empty() {
            errors.push(format!("{place}: required fields are not mapped: {}", missing.join(", ")));
        }
        let masked = fields.iter().filter(|r: &&FieldMapping<'_>| r.info.masked()).map(|r| r.code.clone());
        let hidden_fields =
            masked.chain(catalogue.fields().iter().filter(|f| f.write_only).map(|f| f.code.clone())).collect();
        (
            Self { fields, source: &channel.channel_source, identifier, expressions, omitted_fields, hidden_fields },
            errors,
        )
    }

    /// The record of an entry, with all fields that are mapped, and what is to be told of it; `enabled` is the account
    /// status. Where an expression fails, its default value stands in, else the field is not in the record.
    ///
    /// # Errors
    /// The expression of a needed field failed, or expressions are not evaluated any more.
    pub fn record(&self, entry: &Entry, enabled: bool) -> Result<(Record, Vec<String>), Failure> {
        let (mut fields, mut warnings) = (BTreeMap::new(), Vec::new());
        for rule in &self.fields {
            let (why, default) = match self.values(rule, entry) {
                Ok(values) => {
                    fields.insert(rule.code.clone(), values);
                    continue;
                }
                Err(Failure::Rejected(why)) => {
                    (format!("{}: its expression failed: {why}", rule.code), rule.info.default_value())
                }
                Err(gone) => return Err(gone),
            };
            match default {
                Some(default) => {
                    fields.insert(rule.code.clone(), vec![default.to_owned()]);
                    warnings.push(format!("{why}; the default value stands in"));
                }
                None if rule.needed => return Err(Failure::Rejected(why.into())),
                None => warnings.push(format!("{why}; the field is left as it is at the target")),
            }
        }
        let masked = self.fields.iter().filter(|r| r.info.masked()).map(|r| r.code.clone()).collect();
        Ok((Record { id: None, enabled, fields, masked }, warnings))
    }

    /// The value that tells users apart at the target.
    ///
    /// # Errors
    /// [`Failure::Rejected`] where the record has none.
    pub fn identifier<'r>(&self, record: &'r Record) -> Result<&'r str, Failure> {
        record.first(self.identifier).ok_or_else(|| {
            Failure::Rejected(
                format!("{} has no value in the source, and users are told apart by it", self.identifier).into(),
            )
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

    fn values(&self, rule: &FieldMapping<'_>, entry: &Entry) -> Result<Vec<String>, Failure> {
        let given = rule.info.attributes().iter().map(|name| {
            let texts = entry.values(name).iter().map(|value| self.text(name, value));
            (name.clone(), texts.filter(|text| !text.is_empty()).collect())
        });
        let given: Vec<Variable> = given.collect();
        let given = match (self.expressions.0, rule.info.expression()) {
            (Some(expressions), Some(expression)) => expressions.evaluate(expression, &given)?,
            _ => given.into_iter().flat_map(|(_, texts)| texts).collect(),
        };
        let mut values: Vec<_> = given.iter().filter_map(|value| converted(value, rule.info)).collect();
        if !rule.multi_valued {
            values.truncate(1);
        }
        if values.is_empty() {
            values.extend(rule.info.default_value().map(str::to_owned));
        }
        Ok(values)
    }

    /// A value as text: the GUID as the source id is written, other bytes that are no text in base64, as JSON has it.
    fn text(&self, attribute: &str, value: &Value) -> String {
        if attribute.eq_ignore_ascii_case(&self.source.guid_attribute_name) {
            return selection::guid_text(value, self.source);
        }
        value.text().map_or_else(|| STANDARD.encode(value.bytes()), str::to_owned)
    }
}

impl Allowed<'_> {
    /// Why this expression is not evaluated, if it is not.
    fn refusal(self, expression: &str, names: &[String]) -> Option<String> {
        let Some(expressions) = self.0 else {
            return Some("expressions are not evaluated without --allow-expressions".to_owned());
        };
        let failure = expressions.accepts(expression, names).err()?;
        Some(format!("its expression is refused: {}", failure.message()))
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
        let mapper = RecordMapper::new(&channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap();
        mapper.record(&jane(), true).unwrap().0.fields.remove(field).unwrap()
    }

    fn refused(mapping: Json) -> String {
        let channel = channel(mapping);
        RecordMapper::new(&channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap_err().to_string()
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
        let mapper = RecordMapper::new(&channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap();
        let (record, _) = mapper.record(&jane(), true).unwrap();
        assert!(
            record.masked.contains("nickName")
                && mapper.hidden_fields.contains("nickName")
                && mapper.hidden_fields.contains("password")
        );
        let update = mapper.without_create_only(&record);
        assert!(!update.fields.contains_key("nickName") && update.fields.contains_key("userName"));
    }

    /// Joins what it is given, or fails as its expression says.
    struct Fake;

    impl Expressions for Fake {
        fn accepts(&self, expression: &str, names: &[String]) -> Result<(), Failure> {
            match expression {
                "bad" => Err(Failure::Rejected(format!("not with {}", names.join("+")).into())),
                _ => Ok(()),
            }
        }

        fn evaluate(&self, expression: &str, variables: &[Variable]) -> Result<Vec<String>, Failure> {
            match expression {
                "join" => Ok(vec![variables.iter().map(|(_, v)| v.join("|")).collect::<Vec<_>>().join(" ")]),
                "names" => Ok(variables.iter().map(|(name, _)| name.clone()).collect()),
                "null" => Ok(Vec::new()),
                "fails" => Err(Failure::Rejected("a value is missing".into())),
                _ => Err(Failure::Config("no more".into())),
            }
        }
    }

    fn evaluated(field: &str, info: Json) -> Result<(Record, Vec<String>), Failure> {
        let channel = channel(row(field, info));
        let standard = Catalogue::standard(Version::V2_0);
        RecordMapper::new(&channel, &standard, "userName", Some(&Fake)).unwrap().record(&jane(), true)
    }

    #[test]
    fn what_is_mapped_may_be_cleared_but_for_what_identifies_is_required_or_is_sent_once() {
        let mut rows = row("title", json!({"attributeNames": ["title"]}));
        let more = [
            row("nickName", json!({"attributeNames": ["x"], "createOnly": true})),
            row("password", json!({"attributeNames": ["x"]})),
            row("locale", json!({"attributeNames": ["x"], "expression": "join"})),
            row("desk.floor", json!({"attributeNames": ["x"]})),
        ];
        for row in more {
            rows.as_array_mut().unwrap().extend(row.as_array().unwrap().clone());
        }
        let channel = channel(rows);
        let codes = clearable_fields(&channel, Version::V2_0, "workEmail");
        assert_eq!(codes, ["givenName", "familyName", "title", "desk.floor"]);
    }

    #[test]
    fn without_leave_an_expression_leaves_its_field_alone_and_says_so() {
        let channel = channel(row(
            "displayName",
            json!({"attributeNames": ["a", "b"], "expression": "join", "defaultValue": "x"}),
        ));
        let mapper = RecordMapper::new(&channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap();
        assert!(
            mapper.omitted_fields[0].contains("displayName: expressions are not evaluated without --allow-expressions")
        );
        assert!(!mapper.record(&jane(), true).unwrap().0.fields.contains_key("displayName"));
        let needed = row("userName", json!({"attributeNames": ["uid"], "expression": "join"}));
        assert!(refused(needed.clone()).contains("userName"));
        // Whoever only looks at the file does not know whether there will be leave.
        let needed = self::channel(needed);
        let (mapper, errors) = RecordMapper::examine(&needed, &Catalogue::standard(Version::V2_0), "userName");
        assert_eq!((errors.len(), mapper.omitted_fields.len()), (0, 1));
    }

    #[test]
    fn an_expression_is_given_every_value_and_its_own_go_on_as_any_other() {
        let (record, warnings) = evaluated(
            "displayName",
            json!({"attributeNames": ["uid", "title", "nothing", "empty"], "expression": "join", "characterCase": "UPPER", "trim": true}),
        )
        .unwrap();
        assert_eq!((&*record.fields["displayName"], warnings.len()), (&["JANE FIRST|SECOND".to_owned()][..], 0));
        let several = json!({"attributeNames": ["uid", "sn"], "expression": "names"});
        assert_eq!(evaluated("displayName", several.clone()).unwrap().0.fields["displayName"], ["uid"]);
        assert_eq!(evaluated("roles", several).unwrap().0.fields["roles"], ["uid", "sn"]);
        let nothing = json!({"attributeNames": ["uid"], "expression": "null", "defaultValue": "x"});
        assert_eq!(evaluated("displayName", nothing).unwrap().0.fields["displayName"], ["x"]);
    }

    #[test]
    fn where_an_expression_fails_the_default_stands_in_or_the_field_is_left_alone() {
        let info = json!({"attributeNames": ["uid"], "expression": "fails"});
        let (record, warnings) = evaluated("displayName", info.clone()).unwrap();
        assert!(!record.fields.contains_key("displayName"));
        assert_eq!(
            warnings,
            ["displayName: its expression failed: a value is missing; the field is left as it is at the target"]
        );
        let with_default = json!({"attributeNames": ["uid"], "expression": "fails", "defaultValue": "x"});
        let (record, warnings) = evaluated("displayName", with_default).unwrap();
        assert_eq!(record.fields["displayName"], ["x"]);
        assert!(warnings[0].contains("the default value stands in"), "{warnings:?}");
        let failure = evaluated("userName", info).unwrap_err();
        assert!(
            matches!(&failure, Failure::Rejected(message) if message.text().starts_with("userName: its expression")),
            "{failure}"
        );
    }

    #[test]
    fn no_default_stands_in_where_nothing_is_evaluated_any_more() {
        let info = json!({"attributeNames": ["uid"], "expression": "gone", "defaultValue": "x"});
        assert_eq!(evaluated("displayName", info).unwrap_err(), Failure::Config("no more".into()));
    }

    #[test]
    fn a_refused_expression_is_told_before_anything_is_read() {
        let standard = Catalogue::standard(Version::V2_0);
        let bad = json!({"attributeNames": ["a", "b"], "expression": "bad", "defaultValue": "x"});
        let optional = channel(row("displayName", bad.clone()));
        let mapper = RecordMapper::new(&optional, &standard, "userName", Some(&Fake)).unwrap();
        assert!(
            mapper.omitted_fields[0]
                .contains("displayName: its expression is refused: not with a+b; the field is left"),
            "{:?}",
            mapper.omitted_fields
        );
        assert!(!mapper.record(&jane(), true).unwrap().0.fields.contains_key("displayName"));
        let needed = channel(row("userName", bad));
        assert!(RecordMapper::new(&needed, &standard, "userName", Some(&Fake)).is_err());
    }

    #[test]
    fn rules_print_the_same_in_every_run() {
        let channel = channel(json!([]));
        let standard = Catalogue::standard(Version::V2_0);
        let printed = |expressions| format!("{:?}", RecordMapper::new(&channel, &standard, "userName", expressions));
        assert_eq!(printed(Some(&Fake as &dyn Expressions)), printed(Some(&Fake)));
        assert_ne!(printed(Some(&Fake as &dyn Expressions)), printed(None));
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
        assert!(RecordMapper::new(&unmapped, &Catalogue::standard(Version::V2_0), "userName", None).is_ok());
    }
}
