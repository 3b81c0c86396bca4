//! Makes the record of an entry from the rows of a mapping.
//! Does not know: the target. Core's catalogue of each SCIM version has the fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pfscim_core::mapping::{Catalogue, is_valid_custom_code};
use pfscim_core::scim::Version;
use pfscim_core::text::excerpt;
use pfscim_core::{Failure, Message, Record};

use crate::Error;
use crate::connection::{Channel, CharacterCase, FieldInfo, Parser, SourceSettings};
use crate::directory::{Dn, Entry, Value};
use crate::mapping::expressions::{Expressions, Variable};
use crate::selection;

/// The mapping of one channel. Makes the record of each entry.
#[derive(Debug)]
pub struct RecordMapper<'a> {
    fields: Vec<FieldMapping<'a>>,
    source: &'a SourceSettings,
    identifier: &'a str,
    expressions: OptionalExpressions<'a>,
    /// The fields that no record contains, with the reason; one line each.
    pub omitted_fields: Vec<String>,
    /// Codes of the fields whose values are never printed: masked fields, and fields that a target never returns.
    pub hidden_fields: BTreeSet<String>,
}

/// One row of the mapping.
#[derive(Debug)]
struct FieldMapping<'a> {
    code: String,
    multi_valued: bool,
    /// Whether users cannot be provisioned without this field.
    required: bool,
    info: &'a FieldInfo,
}

/// Evaluates expressions if `--allow-expressions` is set. Its debug output is the same in every run: the debug output of
/// the mapping decides whether a stored version of an entry is still valid.
#[derive(Clone, Copy)]
struct OptionalExpressions<'a>(Option<&'a dyn Expressions>);

impl fmt::Debug for OptionalExpressions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "expressions" } else { "no expressions" })
    }
}

/// Returns the codes of the mapped fields that are cleared at the target if the source has no value.
///
/// Required fields, write-only fields, create-only fields and the identifier are never cleared. Fields with an expression
/// are not cleared either, because an expression can fail. With SCIM 2.0, a field that is not standard may be a custom
/// attribute; only the target knows whether that may be empty.
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
    /// Reads the mapping of a channel; `identifier` is the code of the *Unique User Identifier*. Expressions are evaluated
    /// if `expressions` is given.
    ///
    /// # Errors
    /// - A mapped field that the target does not have, or that is mapped twice.
    /// - Several attributes for one field, without an expression.
    /// - A required field that is not mapped, or whose expression is not evaluated.
    pub fn new(
        channel: &'a Channel,
        catalogue: &Catalogue,
        identifier: &'a str,
        expressions: Option<&'a dyn Expressions>,
    ) -> Result<Self, Error> {
        let (mapper, errors) = Self::read(channel, catalogue, identifier, OptionalExpressions(expressions), true);
        errors.into_iter().next().map_or(Ok(mapper), |error| Err(Error::Unusable(error)))
    }

    /// Reads the mapping as [`RecordMapper::new`] does, but returns all errors, one line each. The mapping has the rows
    /// without an error. An expression is not an error here: its field is among the omitted fields.
    pub fn examine(channel: &'a Channel, catalogue: &Catalogue, identifier: &'a str) -> (Self, Vec<String>) {
        let (mapper, errors) = Self::read(channel, catalogue, identifier, OptionalExpressions(None), false);
        (mapper, errors.iter().map(Message::to_string).collect())
    }

    fn read(
        channel: &'a Channel,
        catalogue: &Catalogue,
        identifier: &'a str,
        expressions: OptionalExpressions<'a>,
        strict: bool,
    ) -> (Self, Vec<Message>) {
        const UNPROVISIONED: &str = "and users cannot be provisioned without this field";
        let place = format!("channel `{}`", excerpt(&channel.name));
        let (mut fields, mut omitted_fields, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for mapping in channel.attribute_mapping.iter().filter(|m| m.saas_field_info.is_mapped()) {
            let (info, name) = (&mapping.saas_field_info, excerpt(&mapping.field_name));
            let Some(field) = catalogue.field(&mapping.field_name) else {
                errors.push(
                    Message::new(format!("{place}: `{name}` is mapped, but is not a field of this target"))
                        .with_hint("see `pfscim describe fields`"),
                );
                continue;
            };
            let required = field.required || field.code == identifier;
            if !seen.insert(field.code.clone()) {
                errors.push(format!("{place}: {name} is mapped twice").into());
            } else if let Some(reason) = info.expression().and_then(|e| expressions.rejection(e, info.attributes())) {
                let reason = reason.at(format!("{place}: {name}"));
                if !required {
                    omitted_fields.push(with_consequence(&reason, "so the field keeps its value at the target"));
                } else if strict {
                    errors.push(with_consequence(&reason, UNPROVISIONED));
                } else {
                    omitted_fields.push(with_consequence(&reason, UNPROVISIONED));
                }
            } else if info.attributes().len() > 1 && info.expression().is_none() {
                errors.push(
                    Message::new(format!("{place}: {name}: several attributes are mapped without an expression"))
                        .with_hint("map one attribute, or add an expression"),
                );
            } else {
                let multi_valued = field.multi_valued && !channel.single_valued;
                fields.push(FieldMapping { code: field.code.clone(), multi_valued, required, info });
            }
        }
        let required_fields = catalogue.fields().iter().filter(|f| f.required || f.code == identifier);
        let missing: Vec<_> = required_fields.filter(|f| !seen.contains(&f.code)).map(|f| f.code.as_str()).collect();
        if !missing.is_empty() {
            errors.push(format!("{place}: required fields are not mapped: {}", missing.join(", ")).into());
        }
        let masked = fields.iter().filter(|r: &&FieldMapping<'_>| r.info.masked()).map(|r| r.code.clone());
        let hidden_fields =
            masked.chain(catalogue.fields().iter().filter(|f| f.write_only).map(|f| f.code.clone())).collect();
        let omitted_fields = omitted_fields.iter().map(Message::to_string).collect();
        (
            Self { fields, source: &channel.channel_source, identifier, expressions, omitted_fields, hidden_fields },
            errors,
        )
    }

    /// Returns the record of an entry, with all mapped fields, and warnings; `enabled` is the account status. If an
    /// expression fails, its field has the default value. Without a default value the record does not contain the field.
    ///
    /// # Errors
    /// The expression of a required field failed, or expressions cannot be evaluated any more.
    pub fn record(&self, entry: &Entry, enabled: bool) -> Result<(Record, Vec<String>), Failure> {
        let (mut fields, mut warnings) = (BTreeMap::new(), Vec::new());
        for field in &self.fields {
            let reason = match self.values(field, entry) {
                Ok(values) => {
                    fields.insert(field.code.clone(), values);
                    continue;
                }
                Err(Failure::Rejected(reason)) => reason,
                Err(failure) => return Err(failure),
            };
            let failed = format!("{}: the expression failed", field.code);
            match field.info.default_value() {
                Some(default) => {
                    fields.insert(field.code.clone(), vec![default.to_owned()]);
                    warnings.push(format!("{failed}, so the default value is used: {reason}"));
                }
                None if field.required => return Err(Failure::Rejected(reason.at(failed))),
                None => warnings.push(format!("{failed}, so the field keeps its value at the target: {reason}")),
            }
        }
        let masked = self.fields.iter().filter(|r| r.info.masked()).map(|r| r.code.clone()).collect();
        let source_id = selection::guid(entry, self.source);
        let external_guid = source_id.and_then(|source_id| self.external_guid(&source_id));
        Ok((Record { id: None, enabled, fields, masked, external_guid }, warnings))
    }

    /// Returns the `externalId` of the record with this source id, if `externalId` is mapped from the GUID attribute.
    pub fn external_guid(&self, source_id: &str) -> Option<String> {
        let info = self.fields.iter().find(|field| field.code == "externalId")?.info;
        let is_guid = |name: &String| name.eq_ignore_ascii_case(&self.source.guid_attribute_name);
        let is_only = info.expression().is_none() && matches!(info.attributes(), [name] if is_guid(name));
        if is_only { converted(source_id, info) } else { None }
    }

    /// Returns the value of the *Unique User Identifier*.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the record has none.
    pub fn identifier<'r>(&self, record: &'r Record) -> Result<&'r str, Failure> {
        record.first(self.identifier).ok_or_else(|| {
            Failure::Rejected(
                format!("{} has no value in the source, but is the Unique User Identifier", self.identifier).into(),
            )
        })
    }

    /// Returns the field code of the *Unique User Identifier*.
    pub fn identifier_code(&self) -> &str {
        self.identifier
    }

    /// Returns the record without the fields that are sent on create only.
    pub fn without_create_only(&self, record: &Record) -> Record {
        let mut record = record.clone();
        for field in self.fields.iter().filter(|r| r.info.create_only()) {
            record.fields.remove(&field.code);
        }
        record
    }

    fn values(&self, field: &FieldMapping<'_>, entry: &Entry) -> Result<Vec<String>, Failure> {
        let variables = field.info.attributes().iter().map(|name| {
            let texts = entry.values(name).iter().map(|value| self.text(name, value));
            (name.clone(), texts.filter(|text| !text.is_empty()).collect())
        });
        let variables: Vec<Variable> = variables.collect();
        let texts = match (self.expressions.0, field.info.expression()) {
            (Some(expressions), Some(expression)) => expressions.evaluate(expression, &variables)?,
            _ => variables.into_iter().flat_map(|(_, texts)| texts).collect(),
        };
        let mut values: Vec<_> = texts.iter().filter_map(|value| converted(value, field.info)).collect();
        if !field.multi_valued {
            values.truncate(1);
        }
        if values.is_empty() {
            values.extend(field.info.default_value().map(str::to_owned));
        }
        Ok(values)
    }

    /// Returns a value as text: the GUID in the form of the source id, other bytes that are not UTF-8 in base64.
    fn text(&self, attribute: &str, value: &Value) -> String {
        if attribute.eq_ignore_ascii_case(&self.source.guid_attribute_name) {
            return selection::guid_text(value, self.source);
        }
        value.text().map_or_else(|| STANDARD.encode(value.bytes()), str::to_owned)
    }
}

impl OptionalExpressions<'_> {
    /// Returns why this expression is not evaluated; `None` if it is.
    fn rejection(self, expression: &str, names: &[String]) -> Option<Message> {
        let Some(expressions) = self.0 else {
            return Some(Message::new("the expression is not evaluated").with_hint("run with --allow-expressions"));
        };
        let failure = expressions.check(expression, names).err()?;
        Some(failure.message().clone().at("the expression is rejected"))
    }
}

/// Returns the message with a consequence after its text; the hint stays.
fn with_consequence(message: &Message, consequence: &str) -> Message {
    let longer = Message::new(format!("{}, {consequence}", message.text()));
    match message.hint() {
        Some(hint) => longer.with_hint(hint),
        None => longer,
    }
}

/// Returns one value after parser, trim and case; `None` if the result is empty.
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

    /// Returns the values of one field of Jane's record.
    fn mapped(field: &str, info: Json) -> Vec<String> {
        let channel = channel(row(field, info));
        let mapper = RecordMapper::new(&channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap();
        mapper.record(&jane(), true).unwrap().0.fields.remove(field).unwrap()
    }

    fn error_of(mapping: Json) -> String {
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
    fn the_default_value_is_used_if_a_value_is_missing() {
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
    fn updates_contain_no_create_only_fields_and_masked_fields_are_hidden() {
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

    /// Joins the values, or fails, as its expression says.
    struct FakeExpressions;

    impl Expressions for FakeExpressions {
        fn check(&self, expression: &str, names: &[String]) -> Result<(), Failure> {
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
        RecordMapper::new(&channel, &standard, "userName", Some(&FakeExpressions)).unwrap().record(&jane(), true)
    }

    #[test]
    fn mapped_fields_are_cleared_unless_required_create_only_or_the_identifier() {
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
    fn without_allow_expressions_the_field_is_omitted_with_a_reason() {
        let channel = channel(row(
            "displayName",
            json!({"attributeNames": ["a", "b"], "expression": "join", "defaultValue": "x"}),
        ));
        let mapper = RecordMapper::new(&channel, &Catalogue::standard(Version::V2_0), "userName", None).unwrap();
        assert!(
            mapper.omitted_fields[0].ends_with(
                "displayName: the expression is not evaluated, so the field keeps its value at the target; run with --allow-expressions"
            )
        );
        assert!(!mapper.record(&jane(), true).unwrap().0.fields.contains_key("displayName"));
        let required = row("userName", json!({"attributeNames": ["uid"], "expression": "join"}));
        assert!(error_of(required.clone()).contains("userName"));
        // A check of the file alone cannot know whether expressions will be allowed.
        let required = self::channel(required);
        let (mapper, errors) = RecordMapper::examine(&required, &Catalogue::standard(Version::V2_0), "userName");
        assert_eq!((errors.len(), mapper.omitted_fields.len()), (0, 1));
    }

    #[test]
    fn an_expression_receives_all_values_and_its_results_are_converted_like_others() {
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
    fn if_an_expression_fails_the_default_value_is_used_or_the_field_is_omitted() {
        let info = json!({"attributeNames": ["uid"], "expression": "fails"});
        let (record, warnings) = evaluated("displayName", info.clone()).unwrap();
        assert!(!record.fields.contains_key("displayName"));
        assert_eq!(
            warnings,
            ["displayName: the expression failed, so the field keeps its value at the target: a value is missing"]
        );
        let with_default = json!({"attributeNames": ["uid"], "expression": "fails", "defaultValue": "x"});
        let (record, warnings) = evaluated("displayName", with_default).unwrap();
        assert_eq!(record.fields["displayName"], ["x"]);
        assert!(
            warnings[0].contains("the expression failed, so the default value is used: a value is missing"),
            "{warnings:?}"
        );
        let failure = evaluated("userName", info).unwrap_err();
        assert!(
            matches!(&failure, Failure::Rejected(message) if message.text() == "userName: the expression failed: a value is missing"),
            "{failure}"
        );
    }

    #[test]
    fn no_default_value_is_used_if_expressions_cannot_be_evaluated_any_more() {
        let info = json!({"attributeNames": ["uid"], "expression": "gone", "defaultValue": "x"});
        assert_eq!(evaluated("displayName", info).unwrap_err(), Failure::Config("no more".into()));
    }

    #[test]
    fn a_rejected_expression_is_reported_before_the_source_is_read() {
        let standard = Catalogue::standard(Version::V2_0);
        let bad = json!({"attributeNames": ["a", "b"], "expression": "bad", "defaultValue": "x"});
        let optional = channel(row("displayName", bad.clone()));
        let mapper = RecordMapper::new(&optional, &standard, "userName", Some(&FakeExpressions)).unwrap();
        assert!(
            mapper.omitted_fields[0]
                .contains("displayName: the expression is rejected: not with a+b, so the field keeps its value"),
            "{:?}",
            mapper.omitted_fields
        );
        assert!(!mapper.record(&jane(), true).unwrap().0.fields.contains_key("displayName"));
        let required = channel(row("userName", bad));
        assert!(RecordMapper::new(&required, &standard, "userName", Some(&FakeExpressions)).is_err());
    }

    #[test]
    fn the_debug_output_is_the_same_in_every_run() {
        let channel = channel(json!([]));
        let standard = Catalogue::standard(Version::V2_0);
        let printed = |expressions| format!("{:?}", RecordMapper::new(&channel, &standard, "userName", expressions));
        assert_eq!(printed(Some(&FakeExpressions as &dyn Expressions)), printed(Some(&FakeExpressions)));
        assert_ne!(printed(Some(&FakeExpressions as &dyn Expressions)), printed(None));
    }

    #[test]
    fn mappings_that_the_console_would_not_save_are_rejected() {
        assert!(
            error_of(row("shoeSize", json!({"attributeNames": ["x"]})))
                .contains("`shoeSize` is mapped, but is not a field")
        );
        assert!(
            error_of(row("nickName", json!({"attributeNames": ["a", "b"]})))
                .contains("nickName: several attributes are mapped without an expression")
        );
        assert!(error_of(row("userName", json!({}))).contains("required fields are not mapped: userName"));
        let unmapped = channel(row("shoeSize", json!({})));
        assert!(RecordMapper::new(&unmapped, &Catalogue::standard(Version::V2_0), "userName", None).is_ok());
    }
}
