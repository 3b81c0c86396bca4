//! Reads *Filter Expression* and builds filters (RFC 7644 section 3.4.2.2) in which a value cannot change the expression.
//! Does not know: requests, settings.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde_json::Value;

use super::json::{entries, member, text};

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

    /// Returns the attribute of a resource that contains the identifier.
    fn attribute(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::WorkEmail => "emails",
        }
    }
}

/// A filter for one value, and the attribute by which its results are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The expression before the value.
    before: String,
    /// The expression after the value; `None` if it contains no value.
    after: Option<String>,
    /// The attribute that is compared with the value.
    attribute: AttributePath,
    is_equality: bool,
}

/// How a value of a resource compares with the value of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Similarity {
    /// They differ in letter case, or in blanks at both ends.
    Similar,
    /// They are equal.
    Exact,
}

impl Filter {
    /// Reads a *Filter Expression*, in which `"%s"` or `%s` stands for the value.
    ///
    /// In `ATTRIBUTE eq "%s"`, also if ` and ` follows, results are compared by this attribute. In any other expression
    /// they are compared by the identifier.
    pub fn parse(expression: &str, identifier: Identifier) -> Self {
        let parts = expression.split_once("\"%s\"").or_else(|| expression.split_once("%s"));
        let compared = parts.and_then(|(before, after)| equality(before, after));
        Self {
            before: parts.map_or(expression, |(before, _)| before).to_owned(),
            after: parts.map(|(_, after)| after.to_owned()),
            is_equality: compared.is_some(),
            attribute: compared.unwrap_or_else(|| AttributePath::parse(identifier.attribute())),
        }
    }

    /// The filter that finds a user by `userName`.
    pub fn user_name() -> Self {
        Self::parse(Identifier::UserName.default_filter(), Identifier::UserName)
    }

    /// The filter that finds a group by `displayName`.
    pub fn display_name() -> Self {
        Self::parse("displayName eq \"%s\"", Identifier::UserName)
    }

    /// Returns the filter for a value, which becomes a JSON string.
    pub fn render(&self, value: &str) -> String {
        match &self.after {
            Some(after) => format!("{}{}{after}", self.before, Value::from(value)),
            None => self.before.clone(),
        }
    }

    /// Returns the expression, with `"%s"` for the value.
    pub fn expression(&self) -> String {
        match &self.after {
            Some(after) => format!("{}\"%s\"{after}", self.before),
            None => self.before.clone(),
        }
    }

    /// Returns true if each result must have the value, so that any other result shows that the filter was ignored.
    pub fn is_equality(&self) -> bool {
        self.is_equality
    }

    /// Returns true if every resource has the compared attribute (RFC 7643 sections 4.1 and 4.2).
    pub fn is_of_required_attribute(&self) -> bool {
        self.attribute.urn.is_none()
            && ["userName", "displayName"].iter().any(|name| self.attribute.name.eq_ignore_ascii_case(name))
    }

    /// Returns the values of the compared attribute in a resource.
    pub fn values(&self, resource: &Value) -> Vec<String> {
        self.attribute.values(resource)
    }

    /// Compares a resource with a value. `None` if no value of the compared attribute matches.
    pub fn compare(&self, resource: &Value, value: &str) -> Option<Similarity> {
        self.values(resource).iter().filter_map(|found| self.similarity(found, value)).max()
    }

    /// Compares two values of the compared attribute.
    pub fn similarity(&self, found: &str, value: &str) -> Option<Similarity> {
        if nfc(found) == nfc(value) {
            Some(Similarity::Exact)
        } else {
            (self.key(found) == self.key(value)).then_some(Similarity::Similar)
        }
    }

    /// Returns the form of a value that is equal for all values that match each other.
    pub fn key(&self, value: &str) -> String {
        // Many targets remove blanks at both ends.
        let value = value.trim();
        if self.attribute.is_case_exact() {
            return nfc(value).into_owned();
        }
        nfc(&value.to_lowercase()).into_owned()
    }
}

/// Returns the normal form NFC, in which equal texts have equal characters.
fn nfc(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Returns the attribute if the text before and after the value is an `eq` of it that each result must fulfil.
fn equality(before: &str, after: &str) -> Option<AttributePath> {
    let (path, operator) = before.trim().rsplit_once(char::is_whitespace)?;
    let path = path.trim();
    let is_path = !path.is_empty() && !path.contains(['(', ')']) && !path.to_ascii_lowercase().contains(" and ");
    let has_or = |text: &str| text.to_ascii_lowercase().contains(" or ");
    let rest = after.trim_start().to_ascii_lowercase();
    let is_complete = rest.is_empty() || rest.starts_with("and ");
    // Of a value in brackets, such as `emails[value eq "%s"]`, the path is open.
    let is_closed = path.matches('[').count() == path.matches(']').count();
    let is_eq = operator.eq_ignore_ascii_case("eq") && is_path && is_complete && is_closed;
    (is_eq && !has_or(before) && !has_or(after)).then(|| AttributePath::parse(path))
}

/// The path of an attribute: the URN of its schema, its name, and a sub-attribute. A value filter does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct AttributePath {
    urn: Option<String>,
    name: String,
    sub: Option<String>,
}

impl AttributePath {
    fn parse(path: &str) -> Self {
        const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:";
        // Before the brackets of a value filter, and after them.
        let (head, tail) = path
            .split_once('[')
            .map_or((path, ""), |(head, rest)| (head, rest.rsplit_once(']').map_or("", |(_, tail)| tail)));
        let is_urn = head.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        let (urn, name) = match head.rsplit_once(':').filter(|_| is_urn) {
            Some((urn, name)) => (Some(urn), name),
            None => (None, head),
        };
        let (name, sub) = name.split_once('.').map_or((name, tail.strip_prefix('.')), |(name, sub)| (name, Some(sub)));
        let is_core = |urn: &str| urn.get(..CORE.len()).is_some_and(|start| start.eq_ignore_ascii_case(CORE));
        Self {
            urn: urn.filter(|urn| !is_core(urn)).map(str::to_owned),
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        }
    }

    /// `id` and `externalId` are the attributes with `caseExact` (RFC 7643 section 3.1) that identify a user.
    fn is_case_exact(&self) -> bool {
        self.urn.is_none() && ["id", "externalId"].iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }

    fn values(&self, resource: &Value) -> Vec<String> {
        let container = match &self.urn {
            Some(urn) => member(resource, urn),
            None => Some(resource),
        };
        let attribute = container.and_then(|container| member(container, &self.name));
        let sub = self.sub.as_deref().unwrap_or("value");
        // A plain value, also in a list, counts as its own `value`.
        entries(attribute)
            .iter()
            .filter_map(|entry| if entry.is_object() { text(member(entry, sub)?) } else { text(entry) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn filter(expression: &str) -> Filter {
        Filter::parse(expression, Identifier::UserName)
    }

    #[test]
    fn a_value_is_escaped_and_quoted_with_and_without_quotes_in_the_expression() {
        for expression in ["userName eq \"%s\"", "userName eq %s"] {
            assert_eq!(filter(expression).render("a\"b\\c"), r#"userName eq "a\"b\\c""#);
            assert_eq!(filter(expression).expression(), r#"userName eq "%s""#);
        }
        assert_eq!(filter("username Eq \"%s\"").render("x"), "username Eq \"x\"");
    }

    #[test]
    fn a_value_that_looks_like_the_placeholder_stays_a_value() {
        assert_eq!(
            filter("userName eq \"%s\"").render("%s\" or active eq true"),
            r#"userName eq "%s\" or active eq true""#
        );
    }

    #[test]
    fn each_email_address_of_a_user_is_compared() {
        let user = json!({"Emails": [{"value": "a@x"}, {"VALUE": "b@x"}, null, {"type": "work"}, "c@x"]});
        let email = Filter::parse("emails eq \"%s\"", Identifier::WorkEmail);
        assert_eq!(email.values(&user), ["a@x", "b@x", "c@x"]);
        assert_eq!(filter("userName eq \"%s\"").values(&json!({"username": "u"})), ["u"]);
        assert_eq!(filter("userName eq \"%s\"").values(&json!({"userName": 5})), ["5"]);
    }

    #[test]
    fn results_are_compared_by_the_attribute_in_the_filter() {
        let user = json!({
            "userName": "anna", "externalId": "E1", "emails": [{"value": "a@x", "type": "work"}],
            "urn:example:2.0:User": {"number": 7}
        });
        for (expression, value) in [
            ("userName eq \"%s\"", "ANNA"),
            ("externalId eq \"%s\"", "E1"),
            ("emails.value eq \"%s\"", "A@x"),
            ("emails[type eq \"work\"].value eq \"%s\"", "a@x"),
            ("urn:example:2.0:User:number eq \"%s\"", "7"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"%s\"", "anna"),
            ("userName eq \"%s\" and active eq true", "anna"),
        ] {
            let filter = filter(expression);
            assert!(filter.is_equality(), "{expression}");
            assert!(filter.compare(&user, value).is_some(), "{expression}");
            assert_eq!(filter.compare(&user, "other"), None, "{expression}");
        }
        assert_eq!(filter("externalId eq \"%s\"").compare(&user, "e1"), None, "externalId is case exact");
        for expression in [
            "userName co \"%s\"",
            "externalId eq \"%s\" or userName eq \"%s\"",
            "active eq true or externalId eq \"%s\"",
            "emails[value eq \"%s\"]",
            "not (externalId eq \"%s\")",
            "active eq true and externalId eq \"%s\"",
            "fixed",
        ] {
            let filter = filter(expression);
            assert!(!filter.is_equality(), "{expression}");
            assert!(filter.compare(&user, "anna").is_some(), "{expression}: compared by the identifier");
        }
    }

    #[test]
    fn letter_case_is_ignored_and_an_equal_value_is_better() {
        let user = json!({"userName": "Anna@Example.com"});
        let filter = filter("userName eq \"%s\"");
        assert_eq!(filter.compare(&user, "anna@example.com"), Some(Similarity::Similar));
        assert_eq!(filter.compare(&user, "Anna@Example.com"), Some(Similarity::Exact));
        assert_eq!(filter.compare(&user, " Anna@Example.com"), Some(Similarity::Similar));
        assert_eq!(filter.compare(&user, "anna@example.co"), None);
    }

    #[test]
    fn a_composed_and_a_decomposed_letter_are_equal() {
        let filter = filter("userName eq \"%s\"");
        assert_eq!(filter.compare(&json!({"userName": "Zoe\u{308}"}), "Zo\u{eb}"), Some(Similarity::Exact));
        assert_eq!(filter.compare(&json!({"userName": "ZOE\u{308}"}), "zo\u{eb}"), Some(Similarity::Similar));
        assert_eq!(filter.key("ZOE\u{308}"), filter.key("zo\u{eb}"));
    }

    proptest! {
        #[test]
        fn the_value_reads_back_as_one_json_string(value in ".*") {
            let rendered = filter("userName eq \"%s\"").render(&value);
            let literal = rendered.strip_prefix("userName eq ").unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(literal).unwrap(), value);
        }

        #[test]
        fn any_expression_is_read(expression in ".*") {
            filter(&expression).render("x");
        }
    }
}
