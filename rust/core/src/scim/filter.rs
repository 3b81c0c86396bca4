//! Builds filters (RFC 7644 section 3.4.2.2) in which a value cannot change the expression.
//! Does not know: requests, settings.

use serde_json::Value;

use super::json::member;

/// *Unique User Identifier*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// `userName`.
    UserName,
    /// `workEmail`.
    WorkEmail,
}

impl Identifier {
    /// Returns the field code.
    pub fn code(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::WorkEmail => "workEmail",
        }
    }

    /// Returns the filter for a blank *Filter Expression*: that of the vendor's connector.
    pub fn default_filter(self) -> &'static str {
        match self {
            Self::UserName => "userName eq \"%s\"",
            Self::WorkEmail => "emails eq \"%s\"",
        }
    }
}

/// Puts a value in place of `"%s"` or `%s` in a *Filter Expression*, as a JSON string.
pub fn render_filter(expression: &str, value: &str) -> String {
    let value = Value::from(value).to_string();
    match expression.split_once("\"%s\"").or_else(|| expression.split_once("%s")) {
        Some((before, after)) => format!("{before}{value}{after}"),
        None => expression.to_owned(),
    }
}

/// Returns the filter that finds a user by `userName`.
pub fn user_name_equals(value: &str) -> String {
    render_filter("userName eq \"%s\"", value)
}

/// Returns the filter that finds a group by `displayName`.
pub fn display_name_equals(name: &str) -> String {
    render_filter("displayName eq \"%s\"", name)
}

/// Returns all values of the identifier in a resource: `userName`, or each e-mail address.
pub fn identifier_values(resource: &Value, identifier: Identifier) -> Vec<String> {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    match identifier {
        Identifier::UserName => member(resource, "userName").and_then(text).into_iter().collect(),
        Identifier::WorkEmail => match member(resource, "emails") {
            Some(Value::Array(entries)) => {
                entries.iter().filter_map(|e| text(member(e, "value").unwrap_or(e))).collect()
            }
            Some(single) => text(member(single, "value").unwrap_or(single)).into_iter().collect(),
            None => Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_value_is_escaped_and_quoted_with_and_without_quotes_in_the_expression() {
        for expression in ["userName eq \"%s\"", "userName eq %s"] {
            assert_eq!(render_filter(expression, "a\"b\\c"), r#"userName eq "a\"b\\c""#);
        }
        assert_eq!(render_filter("username Eq \"%s\"", "x"), "username Eq \"x\"");
    }

    #[test]
    fn a_value_that_looks_like_the_placeholder_stays_a_value() {
        assert_eq!(
            render_filter("userName eq \"%s\"", "%s\" or active eq true"),
            r#"userName eq "%s\" or active eq true""#
        );
    }

    #[test]
    fn each_email_address_of_a_user_is_an_identifier_value() {
        let user = json!({"Emails": [{"value": "a@x"}, {"VALUE": "b@x"}, null, {"type": "work"}, "c@x"]});
        assert_eq!(identifier_values(&user, Identifier::WorkEmail), ["a@x", "b@x", "c@x"]);
        assert_eq!(identifier_values(&json!({"username": "u"}), Identifier::UserName), ["u"]);
        assert_eq!(identifier_values(&json!({"userName": 5}), Identifier::UserName), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn the_value_reads_back_as_one_json_string(value in ".*") {
            let rendered = render_filter("userName eq \"%s\"", &value);
            let literal = rendered.strip_prefix("userName eq ").unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(literal).unwrap(), value);
        }
    }
}
