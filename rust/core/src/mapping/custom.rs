//! Derives custom attributes from the schemas of a target (RFC 7643 section 7). SCIM 2.0 only.
//! Does not know: the settings.
//!
//! The vendor defines which schemas have custom attributes: the URN convention below, and *Custom Attribute Schema URNs*.

use serde_json::Value;

use super::catalogue::Catalogue;
use super::field::Field;
use super::fields::ENTERPRISE_2;
use super::values::ValueType;
use crate::scim::{self, member};
use crate::text::excerpt;

/// `urn:ietf:params:scim:schemas:extension:<Organization Name>:2.0:User`.
const URN_CONVENTION: (&str, &str) = ("urn:ietf:params:scim:schemas:extension:", ":2.0:User");

impl Catalogue {
    /// Adds the custom attributes of a target after the other fields. Skips what cannot be mapped: read-only attributes,
    /// invalid names, and lists of complex values that have neither canonical types nor a `value`.
    #[must_use]
    pub fn with_schemas(self, schemas: &[Value], urns: &[String]) -> Self {
        let custom: Vec<Field> = schemas.iter().flat_map(|schema| fields_of(schema, urns)).collect();
        let named: Vec<Field> = custom
            .into_iter()
            .map(|field| match self.field(&field.code) {
                // If another field has the code, the path with its URN is the code.
                Some(_) => Field { code: field.scim2.clone(), label: field.scim2.clone(), ..field },
                None => field,
            })
            .collect();
        self.with_fields(named)
    }
}

/// Returns whether a text has the form of the code of a custom attribute. It begins with a letter (RFC 7643 section
/// 2.1). It contains no comma, because commas separate the codes of a list, and no semicolon or control character.
pub fn is_valid_custom_code(code: &str) -> bool {
    code.starts_with(|c: char| c.is_ascii_alphabetic()) && !code.contains(|c: char| c.is_control() || ",;".contains(c))
}

fn text<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    member(object, name)?.as_str()
}

fn flag(object: &Value, name: &str) -> bool {
    member(object, name).and_then(scim::truth) == Some(true)
}

fn list<'v>(object: &'v Value, name: &str) -> &'v [Value] {
    member(object, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_custom(urn: &str, urns: &[String]) -> bool {
    if urn.eq_ignore_ascii_case(ENTERPRISE_2) {
        return false;
    }
    let lower = urn.to_ascii_lowercase();
    let (start, end) = URN_CONVENTION;
    (lower.starts_with(start) && lower.ends_with(&end.to_ascii_lowercase()))
        || urns.iter().any(|setting| setting.eq_ignore_ascii_case(urn))
}

fn fields_of(schema: &Value, urns: &[String]) -> Vec<Field> {
    match text(schema, "id") {
        Some(urn) if is_custom(urn, urns) => {
            list(schema, "attributes").iter().flat_map(|attribute| attribute_fields(urn, attribute)).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the fields of an attribute.
///
/// - Simple attribute: one field, `name`.
/// - Complex attribute: one field per sub-attribute, `name.sub`.
/// - List of complex values: one field per type and sub-attribute, `name.type.sub`.
/// - List of complex values without canonical types: one multi-valued field, `name`, if it has a `value`.
fn attribute_fields(urn: &str, attribute: &Value) -> Vec<Field> {
    let Some(name) = writable_name(attribute) else { return Vec::new() };
    let multi_valued = flag(attribute, "multiValued");
    if !is_complex(attribute) {
        return vec![field(name, &format!("{urn}:{name}"), attribute, multi_valued)];
    }
    let parts = list(attribute, "subAttributes");
    let parts =
        parts.iter().filter_map(|part| Some((writable_name(part)?, part))).filter(|(_, part)| !is_complex(part));
    if !multi_valued {
        return parts
            .map(|(sub, part)| field(&format!("{name}.{sub}"), &format!("{urn}:{name}.{sub}"), part, false))
            .collect();
    }
    let kinds = parts.clone().find(|(sub, _)| sub.eq_ignore_ascii_case("type"));
    let kinds: Vec<&str> = kinds.map(|(_, part)| canonical(part)).unwrap_or_default();
    if kinds.is_empty() {
        // Without types, only `value` distinguishes the entries.
        let value = parts.clone().find(|(sub, _)| sub.eq_ignore_ascii_case("value"));
        return value.map(|(sub, part)| field(name, &format!("{urn}:{name}.{sub}"), part, true)).into_iter().collect();
    }
    let parts: Vec<_> = parts.filter(|(sub, _)| !["type", "primary", "display"].contains(sub)).collect();
    kinds
        .into_iter()
        .flat_map(|kind| {
            parts.iter().map(move |(sub, part)| {
                let path = format!("{urn}:{name}[type eq {}].{sub}", Value::from(kind));
                field(&format!("{name}.{kind}.{sub}"), &path, part, false)
            })
        })
        .collect()
}

/// Returns the name of an attribute, or `None` if it is read-only.
fn writable_name(attribute: &Value) -> Option<&str> {
    let read_only = text(attribute, "mutability").is_some_and(|m| m.eq_ignore_ascii_case("readOnly"));
    text(attribute, "name").filter(|_| !read_only)
}

fn is_complex(attribute: &Value) -> bool {
    text(attribute, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("complex"))
}

fn canonical(attribute: &Value) -> Vec<&str> {
    list(attribute, "canonicalValues").iter().filter_map(Value::as_str).collect()
}

fn field(code: &str, path: &str, attribute: &Value, multi_valued: bool) -> Field {
    let is = |name: &str, value: &str| text(attribute, name).is_some_and(|v| v.eq_ignore_ascii_case(value));
    Field {
        code: code.to_owned(),
        label: code.to_owned(),
        required: flag(attribute, "required"),
        unique: is("uniqueness", "server") || is("uniqueness", "global"),
        multi_valued,
        write_only: is("mutability", "writeOnly") || is("returned", "never"),
        case_insensitive: false,
        value_type: value_type(text(attribute, "type").unwrap_or("string")),
        scim2: path.to_owned(),
        scim1: None,
        notes: text(attribute, "description").map(excerpt).filter(|note| !note.is_empty()).into_iter().collect(),
        options: canonical(attribute).into_iter().map(str::to_owned).collect(),
        aliases: Vec::new(),
    }
}

/// Returns the data type of RFC 7643 section 2.3. An unknown type is text.
fn value_type(name: &str) -> ValueType {
    match name.to_ascii_lowercase().as_str() {
        "boolean" => ValueType::Boolean,
        "integer" => ValueType::Integer,
        "decimal" => ValueType::Decimal,
        "datetime" => ValueType::DateTime,
        "binary" => ValueType::Binary,
        "reference" => ValueType::Reference,
        _ => ValueType::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;
    use crate::scim::Version;
    use serde_json::json;

    const URN: &str = "urn:ietf:params:scim:schemas:extension:acme:2.0:User";

    fn schema(urn: &str) -> Value {
        json!({"id": urn, "attributes": [
            {"name": "badge", "type": "string", "description": "The badge's number."},
            {"name": "floor", "type": "integer"},
            {"name": "remote", "type": "boolean"},
            {"name": "department", "type": "string"},
            {"name": "serial", "type": "string", "mutability": "readOnly"},
            {"name": "territories", "type": "string", "multiValued": true},
            {"name": "options", "type": "complex", "subAttributes": [
                {"name": "strike", "type": "decimal"}, {"name": "first", "type": "dateTime"}]},
            {"name": "tablets", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "type", "type": "string", "canonicalValues": ["home", "work"]},
                {"name": "model", "type": "string"}, {"name": "primary", "type": "boolean"}]},
            {"name": "links", "type": "complex", "multiValued": true, "subAttributes": [
                {"name": "value", "type": "reference"}]},
        ]})
    }

    fn catalogue() -> Catalogue {
        Catalogue::standard(Version::V2_0).with_schemas(&[schema(URN)], &[])
    }

    #[test]
    fn custom_attributes_come_last_with_their_names_as_codes() {
        let codes: Vec<String> = catalogue().fields()[63..].iter().map(|f| f.code.clone()).collect();
        let department = format!("{URN}:department");
        assert_eq!(
            codes,
            [
                "badge",
                "floor",
                "remote",
                department.as_str(),
                "territories",
                "options.strike",
                "options.first",
                "tablets.home.model",
                "tablets.work.model",
                "links"
            ]
        );
    }

    #[test]
    fn values_are_written_by_schema_with_their_json_type_and_read_back() {
        let mut record = Record::default();
        for (code, values) in [
            ("userName", &["u"][..]),
            ("badge", &["7"]),
            ("floor", &["3"]),
            ("remote", &["TRUE"]),
            ("territories", &["DE", "FR"]),
            ("options.strike", &["1.5"]),
            ("tablets.work.model", &["X1"]),
            ("links", &["https://a.example"]),
        ] {
            record.fields.insert(code.into(), values.iter().map(|v| (*v).to_owned()).collect());
        }
        let resource = catalogue().resource(&record, true).unwrap();
        assert_eq!(
            resource[URN],
            json!({
                "badge": "7", "floor": 3, "remote": true, "territories": ["DE", "FR"], "options": {"strike": 1.5},
                "tablets": [{"model": "X1", "type": "work"}],
                "links": [{"value": "https://a.example"}]
            })
        );
        assert!(resource["schemas"].as_array().unwrap().contains(&json!(URN)));
        record.fields.insert("remote".into(), vec!["true".into()]);
        assert_eq!(catalogue().record(&resource).fields, record.fields);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_rejected_with_the_name_of_its_field() {
        let mut record = Record::default();
        record.fields.insert("userName".into(), vec!["u".into()]);
        record.fields.insert("floor".into(), vec!["third".into()]);
        let failure = catalogue().resource(&record, true).unwrap_err();
        assert_eq!(failure.code(), "rejected");
        assert!(failure.message().text().starts_with("floor") && !failure.to_string().contains("third"));
    }

    #[test]
    fn schemas_outside_the_urn_convention_are_used_only_if_they_are_listed() {
        let listed = "urn:acme:staff".to_owned();
        let standard = Catalogue::standard(Version::V2_0);
        for urn in ["urn:acme:staff", ENTERPRISE_2, "urn:ietf:params:scim:schemas:core:2.0:User"] {
            assert_eq!(standard.clone().with_schemas(&[schema(urn)], &[]), standard, "{urn}");
        }
        assert_eq!(standard.with_schemas(&[schema("URN:ACME:Staff")], &[listed]).fields().len(), 73);
    }

    #[test]
    fn nonsense_in_a_schema_adds_nothing() {
        for schema in
            [json!(null), json!({"id": URN}), json!({"id": URN, "attributes": [5, {}, {"name": 1}, {"name": "a b"}]})]
        {
            assert_eq!(Catalogue::standard(Version::V2_0).with_schemas(&[schema], &[]).fields().len(), 63);
        }
    }
}
