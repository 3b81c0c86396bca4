//! Converts values between the text of a record and the JSON of a resource (RFC 7643 section 2.3).
//! Does not know: fields, resources.

use serde_json::{Number, Value};

/// The data type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// `2011-05-13T04:42:34Z` (RFC 7643 section 2.3.5).
    DateTime,
    /// Base64 text.
    Binary,
    /// A URI.
    Reference,
}

impl ValueType {
    /// Returns the form of a value, for messages.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Boolean => "true or false",
            Self::Integer => "a whole number",
            Self::Decimal => "a number",
            Self::DateTime => "a date and time such as 2011-05-13T04:42:34Z",
            Self::Binary => "Base64 text",
            Self::Reference => "a URI",
        }
    }

    /// Converts a text value to JSON. `None` if it does not have the type. The target checks the form of Base64 text and
    /// of a URI.
    pub(super) fn json(self, text: &str) -> Option<Value> {
        match self {
            Self::String | Self::Binary | Self::Reference => Some(Value::from(text)),
            Self::Boolean if text.eq_ignore_ascii_case("true") => Some(Value::from(true)),
            Self::Boolean if text.eq_ignore_ascii_case("false") => Some(Value::from(false)),
            Self::Boolean => None,
            Self::Integer => integer(text),
            Self::Decimal => {
                integer(text).or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number))
            }
            Self::DateTime => is_date_time(text).then(|| Value::from(text)),
        }
    }
}

/// Returns a single value as text. `None` for an empty text, a null, a list or an object.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn integer(text: &str) -> Option<Value> {
    text.parse::<i64>().map(Value::from).ok().or_else(|| text.parse::<u64>().map(Value::from).ok())
}

/// Returns whether a text has the form of xsd:dateTime (RFC 7643 section 2.3.5). Fraction and zone are optional.
fn is_date_time(text: &str) -> bool {
    const DATE_TIME_FORM: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    bytes.len() >= DATE_TIME_FORM.len()
        && DATE_TIME_FORM
            .iter()
            .zip(bytes)
            .all(|(form, byte)| if *form == b'd' { byte.is_ascii_digit() } else { form == byte })
        && bytes[DATE_TIME_FORM.len()..].iter().all(|byte| byte.is_ascii_digit() || b".:+-Z".contains(byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_have_their_json_type() {
        assert_eq!(ValueType::Boolean.json("TRUE"), Some(json!(true)));
        assert_eq!(ValueType::Integer.json("-42"), Some(json!(-42)));
        assert_eq!(ValueType::Integer.json("18446744073709551615"), Some(json!(u64::MAX)));
        assert_eq!(ValueType::Decimal.json("2"), Some(json!(2)));
        assert_eq!(ValueType::Decimal.json("2.5"), Some(json!(2.5)));
        assert_eq!(ValueType::String.json("2"), Some(json!("2")));
        assert_eq!(ValueType::DateTime.json("2011-05-13T04:42:34.5+02:00"), Some(json!("2011-05-13T04:42:34.5+02:00")));
    }

    #[test]
    fn values_of_the_wrong_type_are_rejected() {
        for (value_type, text) in [
            (ValueType::Boolean, "yes"),
            (ValueType::Integer, "1.5"),
            (ValueType::Integer, "0x10"),
            (ValueType::Decimal, "NaN"),
            (ValueType::Decimal, "1,5"),
            (ValueType::DateTime, "20110513044234Z"),
            (ValueType::DateTime, "2011-05-13T04:42:34 CET"),
        ] {
            assert_eq!(value_type.json(text), None, "{text}");
        }
    }
}
