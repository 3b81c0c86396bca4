//! Values as text, as the host has them, and as JSON, as the target wants them (RFC 7643 section 2.3).

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
    /// What a value of this type looks like, for messages.
    pub(super) fn shape(self) -> &'static str {
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

    /// The JSON of a text value; `None` where it does not fit. Whether text of the last two types is well-formed is
    /// left to the target.
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

/// A single value as text; empty text is no value.
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

/// The form of xsd:dateTime that RFC 7643 asks for: date, `T`, time, and perhaps a fraction and a zone.
fn is_date_time(text: &str) -> bool {
    const FORM: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let bytes = text.as_bytes();
    bytes.len() >= FORM.len()
        && FORM.iter().zip(bytes).all(|(form, byte)| if *form == b'd' { byte.is_ascii_digit() } else { form == byte })
        && bytes[FORM.len()..].iter().all(|byte| byte.is_ascii_digit() || b".:+-Z".contains(byte))
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
    fn values_that_do_not_fit_are_refused() {
        for (kind, text) in [
            (ValueType::Boolean, "yes"),
            (ValueType::Integer, "1.5"),
            (ValueType::Integer, "0x10"),
            (ValueType::Decimal, "NaN"),
            (ValueType::Decimal, "1,5"),
            (ValueType::DateTime, "20110513044234Z"),
            (ValueType::DateTime, "2011-05-13T04:42:34 CET"),
        ] {
            assert_eq!(kind.json(text), None, "{text}");
        }
    }
}
