//! Parses the user filter of a rule: nested sets of conditions as in the console, or the SCIM filter of PingOne's API
//! (`populationExpression`).
//! Does not know: users, files.
//!
//! The only operator is Equals. At least one condition must name a population or a group.

use pfscim_core::text::excerpt;
use serde_json::{Map, Value};

use super::attributes::{self, GROUP_IDS, GROUP_NAMES, POPULATION_ID, POPULATION_NAME};
use super::rule::NamedObjects;
use crate::directory::Filter;

/// The maximum nesting of sets. A person does not write a deeper filter.
const FILTER_DEPTH_MAX: usize = 32;

/// The parsed user filter of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserFilter {
    /// The filter, evaluated on the attributes of a user.
    pub(crate) filter: Filter,
    /// The populations and groups that the filter names. All of them must exist.
    pub(crate) named: NamedObjects,
}

/// Parses conditions, and collects the populations and groups that they name.
pub(crate) struct FilterParser<'a> {
    /// The names of custom attributes.
    custom: &'a [String],
    named: NamedObjects,
}

impl<'a> FilterParser<'a> {
    pub(crate) fn new(custom: &'a [String]) -> Self {
        Self { custom, named: NamedObjects::default() }
    }

    /// Parses `{"all": [...]}` or `{"any": [...]}` of such sets and of `{"attribute", "operator", "value"}`.
    ///
    /// # Errors
    /// One line with the place: something is malformed, unknown or missing.
    pub(crate) fn sets(mut self, filter: &Value) -> Result<UserFilter, String> {
        let filter = self.set(filter, "userFilter", FILTER_DEPTH_MAX)?;
        self.into_user_filter(filter, "userFilter")
    }

    /// Parses a SCIM filter (RFC 7644 section 3.4.2.2) of `eq`, `and`, `or`, parentheses and `memberOfGroups[id eq "..."]`.
    ///
    /// # Errors
    /// As [`FilterParser::sets`].
    pub(crate) fn expression(mut self, text: &str) -> Result<UserFilter, String> {
        const PLACE: &str = "populationExpression";
        let mut tokens = FilterTokens { rest: text.trim() };
        let at_place = |error: String| format!("{PLACE}: {error}");
        let filter = self.any(&mut tokens, FILTER_DEPTH_MAX).map_err(at_place)?;
        if !tokens.rest.is_empty() {
            return Err(at_place(format!("unexpected `{}` at the end", excerpt(tokens.rest))));
        }
        self.into_user_filter(filter, PLACE)
    }

    /// Returns the filter for the users of these populations.
    pub(crate) fn populations(mut self, ids: &[String]) -> UserFilter {
        let all = ids.iter().map(|id| self.condition(POPULATION_ID, id)).collect();
        UserFilter { filter: Filter::Or(all), named: self.named }
    }

    fn into_user_filter(self, filter: Filter, place: &str) -> Result<UserFilter, String> {
        if self.named == NamedObjects::default() {
            return Err(format!("{place}: names no population and no group; name at least one"));
        }
        Ok(UserFilter { filter, named: self.named })
    }

    fn set(&mut self, value: &Value, place: &str, depth: usize) -> Result<Filter, String> {
        let depth =
            depth.checked_sub(1).ok_or_else(|| format!("userFilter: is nested deeper than {FILTER_DEPTH_MAX} sets"))?;
        let object = value.as_object().ok_or_else(|| format!("{place}: is not a condition or set of conditions"))?;
        let member = |name: &str| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let (key, parts) = match (member("all"), member("any")) {
            (Some(parts), None) => ("all", parts),
            (None, Some(parts)) => ("any", parts),
            (None, None) => return self.single_condition(object, place),
            _ => return Err(format!("{place}: has both `all` and `any`; keep one of them")),
        };
        if object.len() > 1 {
            return Err(format!("{place}: has a key next to `all` or `any`; remove the key"));
        }
        let parts = parts.as_array().filter(|parts| !parts.is_empty());
        let parts = parts.ok_or_else(|| format!("{place}.{key}: is not a list, or is empty; add conditions"))?;
        let parts = parts.iter().enumerate().map(|(at, part)| self.set(part, &format!("{place}.{key}[{at}]"), depth));
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(if key == "all" { Filter::And(parts) } else { Filter::Or(parts) })
    }

    fn single_condition(&mut self, object: &Map<String, Value>, place: &str) -> Result<Filter, String> {
        let text = |name: &str| {
            let value = object.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            value.ok_or_else(|| format!("{place}.{name}: is missing or not a text"))
        };
        let unknown = object.keys().find(|key| !["attribute", "operator", "value"].contains(&key.as_str()));
        if let Some(unknown) = unknown {
            let unknown = excerpt(unknown);
            return Err(format!(
                "{place}: `{unknown}` is not a key of a set or condition; use all, any, attribute, operator or value"
            ));
        }
        let (name, operator) = (text("attribute")?, text("operator")?);
        if !operator.eq_ignore_ascii_case("Equals") {
            let operator = excerpt(operator);
            return Err(format!("{place}.operator: `{operator}` is not an operator of a rule; use Equals"));
        }
        let path = self.path(name).ok_or_else(|| unknown_attribute(&format!("{place}.attribute"), name))?;
        let value = match object.get("value") {
            Some(Value::Bool(value)) => value.to_string(),
            Some(Value::Number(value)) => value.to_string(),
            _ => text("value")?.to_owned(),
        };
        Ok(self.condition(&path, &value))
    }

    fn path(&self, name: &str) -> Option<String> {
        let known = attributes::attribute(name).map(|attribute| attribute.path.to_owned());
        known.or_else(|| self.custom.iter().find(|custom| *custom == name).cloned())
    }

    fn condition(&mut self, path: &str, value: &str) -> Filter {
        let equal = |path: &str| Filter::Equal(path.to_owned(), value.as_bytes().to_vec());
        match path {
            POPULATION_ID | POPULATION_NAME => self.named.populations.push(value.to_owned()),
            GROUP_IDS | GROUP_NAMES => self.named.groups.push(value.to_owned()),
            _ => {}
        }
        // The API has the id of a group, the console its name.
        if path == GROUP_NAMES { Filter::Or(vec![equal(GROUP_NAMES), equal(GROUP_IDS)]) } else { equal(path) }
    }

    /// Parses a part with `or`, which binds weaker than `and`.
    fn any(&mut self, tokens: &mut FilterTokens<'_>, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.all(tokens, depth)?];
        while tokens.keyword("or") {
            parts.push(self.all(tokens, depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Filter::Or(parts) })
    }

    fn all(&mut self, tokens: &mut FilterTokens<'_>, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.part(tokens, depth)?];
        while tokens.keyword("and") {
            parts.push(self.part(tokens, depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Filter::And(parts) })
    }

    fn part(&mut self, tokens: &mut FilterTokens<'_>, depth: usize) -> Result<Filter, String> {
        let depth = depth.checked_sub(1).ok_or_else(|| format!("is nested deeper than {FILTER_DEPTH_MAX} levels"))?;
        if tokens.sign('(') {
            let inner = self.any(tokens, depth)?;
            return if tokens.sign(')') { Ok(inner) } else { Err("a parenthesis is not closed".into()) };
        }
        let name = tokens.name();
        if name.is_empty() {
            return Err("an attribute is missing".into());
        }
        if name.eq_ignore_ascii_case("memberOfGroups") && tokens.sign('[') {
            let member = tokens.name();
            let path = match member {
                "id" => GROUP_IDS,
                "name" => GROUP_NAMES,
                _ => return Err(unknown_attribute("memberOfGroups", member)),
            };
            let value = tokens.equals()?;
            let is_closed = tokens.sign(']');
            return if is_closed { Ok(self.condition(path, &value)) } else { Err("a bracket is not closed".into()) };
        }
        let Some(path) = self.path(name) else {
            let is_not = name.eq_ignore_ascii_case("not");
            return Err(if is_not { "a rule has no operator `not`".into() } else { unknown_attribute("filter", name) });
        };
        let value = tokens.equals()?;
        Ok(self.condition(&path, &value))
    }
}

/// Returns the error for an unknown attribute.
pub(crate) fn unknown_attribute(place: &str, name: &str) -> String {
    format!(
        "{place}: `{}` is not an attribute of a PingOne user; see `pfscim describe attributes`, or list a custom attribute under customAttributes",
        excerpt(name)
    )
}

/// The rest of a SCIM filter that is not parsed yet.
struct FilterTokens<'t> {
    rest: &'t str,
}

impl<'t> FilterTokens<'t> {
    fn name(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || "._-$:".contains(c))).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        name
    }

    fn sign(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    /// Returns whether this keyword is next, in any letter case, and if so consumes it.
    fn keyword(&mut self, keyword: &str) -> bool {
        let mut ahead = FilterTokens { rest: self.rest };
        let found = ahead.name().eq_ignore_ascii_case(keyword);
        if found {
            self.rest = ahead.rest;
        }
        found
    }

    /// Parses `eq` and a value: a JSON string, number or boolean.
    fn equals(&mut self) -> Result<String, String> {
        let operator = self.name();
        if !operator.eq_ignore_ascii_case("eq") {
            return Err(format!("`{}` is not an operator of a rule; use eq", excerpt(operator)));
        }
        let missing_value = || "the value after eq is missing, or is not in quotes".to_owned();
        if !self.rest.starts_with('"') {
            let word = self.name();
            let plain = ["true", "false"].contains(&word) || word.parse::<f64>().is_ok_and(f64::is_finite);
            return if plain { Ok(word.to_owned()) } else { Err(missing_value()) };
        }
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let value = values.next().and_then(Result::ok).ok_or_else(missing_value)?;
        self.rest = self.rest[values.byte_offset()..].trim_start();
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::{Entry, Value as Text};

    fn parser() -> FilterParser<'static> {
        FilterParser { custom: &[], named: NamedObjects::default() }
    }

    fn user(pairs: &[(&str, &str)]) -> Entry {
        let mut entry = Entry::row(String::new());
        for (name, value) in pairs {
            entry.push(name, Text::from(*value));
        }
        entry
    }

    fn condition(attribute: &str, value: &str) -> Value {
        json!({"attribute": attribute, "operator": "Equals", "value": value})
    }

    #[test]
    fn sets_may_be_nested() {
        let sets = json!({"all": [
            condition("Population Name", "Employees"),
            {"any": [condition("Group", "Backup"), condition("title", "Engineer")]}
        ]});
        let chosen = parser().sets(&sets).unwrap();
        let named = NamedObjects { populations: vec!["Employees".into()], groups: vec!["Backup".into()] };
        assert_eq!(chosen.named, named);
        let matches = |pairs: &[(&str, &str)]| chosen.filter.matches(&user(pairs));
        assert!(matches(&[("population.name", "Employees"), ("title", "Engineer")]));
        assert!(matches(&[("population.name", "employees"), ("memberOfGroupNames", "Backup")]));
        assert!(matches(&[("population.name", "Employees"), ("memberOfGroupIDs", "Backup")]));
        assert!(!matches(&[("population.name", "Employees"), ("title", "Clerk")]));
        assert!(!matches(&[("population.name", "Guests"), ("title", "Engineer")]));
    }

    #[test]
    fn the_filter_expression_of_the_api_is_parsed() {
        let text = r#"population.id EQ "p\"1" and (memberOfGroups[id eq "g1"] or title eq "x" or enabled eq true)"#;
        let chosen = parser().expression(text).unwrap();
        assert_eq!(chosen.named, NamedObjects { populations: vec!["p\"1".into()], groups: vec!["g1".into()] });
        let matches = |pairs: &[(&str, &str)]| chosen.filter.matches(&user(pairs));
        assert!(matches(&[("population.id", "p\"1"), ("memberOfGroupIDs", "g1")]));
        assert!(matches(&[("population.id", "p\"1"), ("enabled", "true")]));
        assert!(!matches(&[("population.id", "p\"1"), ("enabled", "false")]));
        assert!(!matches(&[("title", "x")]));
        let either = parser().expression(r#"title eq "x" or type eq "t" and population.name eq "P""#).unwrap();
        assert!(either.filter.matches(&user(&[("title", "x")])), "and binds more than or");
    }

    #[test]
    fn a_malformed_filter_is_an_error_with_its_place() {
        let ok = || condition("Population Name", "P");
        for (filter, expected) in [
            (json!(null), "userFilter: is not a condition"),
            (json!({"all": []}), "userFilter.all: is not a list, or is empty"),
            (json!({"all": [ok()], "any": [ok()]}), "both `all` and `any`"),
            (
                json!({"all": [condition("Shoe Size", "9")]}),
                "userFilter.all[0].attribute: `Shoe Size` is not an attribute",
            ),
            (
                json!({"any": [ok(), {"all": [{"attribute": "title", "value": "x"}]}]}),
                "any[1].all[0].operator: is missing",
            ),
            (
                json!({"all": [{"attribute": "title", "operator": "Contains", "value": "x"}]}),
                "`Contains` is not an operator",
            ),
            (json!({"all": [{"attribute": "title", "operator": "Equals", "value": ""}]}), "all[0].value: is missing"),
            (json!({"all": [{"attribut": "title"}]}), "`attribut` is not a key"),
            (json!({"all": [condition("Title", "x")]}), "no population and no group"),
        ] {
            let error = parser().sets(&filter).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        for (text, expected) in [
            ("", "an attribute is missing"),
            ("title sw \"x\"", "`sw` is not an operator"),
            ("shoe eq \"x\"", "`shoe` is not an attribute"),
            ("not (title eq \"x\")", "no operator `not`"),
            ("(title eq \"x\"", "not closed"),
            ("memberOfGroups[id eq \"x\"", "not closed"),
            ("title eq x", "not in quotes"),
            ("title eq \"x\" title", "unexpected `title`"),
            ("title eq \"x\"", "no population and no group"),
        ] {
            let error = parser().expression(text).unwrap_err();
            assert!(error.starts_with("populationExpression: ") && error.contains(expected), "{error}");
        }
        assert!(parser().expression(&"(".repeat(10_000)).unwrap_err().contains("deeper"));
        let mut deep = ok();
        for _ in 0..100 {
            deep = json!({"all": [deep]});
        }
        assert!(parser().sets(&deep).unwrap_err().contains("deeper"));
    }

    #[test]
    fn custom_attributes_must_be_listed() {
        let sets = json!({"all": [condition("Population Name", "P"), condition("badge.level", "9")]});
        assert!(parser().sets(&sets).is_err());
        let custom = ["badge.level".to_owned()];
        let chosen = FilterParser { custom: &custom, named: NamedObjects::default() }.sets(&sets).unwrap();
        assert!(chosen.filter.matches(&user(&[("population.name", "P"), ("badge.level", "9")])));
    }
}
