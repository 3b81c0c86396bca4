//! The user filter of a rule: nested sets of conditions as the console shows them, or the SCIM filter that PingOne's API
//! has for them (`populationExpression`). The only operator is Equals, and one condition at least is about a population
//! or a group.

use pfscim_core::text::excerpt;
use serde_json::{Map, Value};

use super::attributes::{self, GROUP_IDS, GROUP_NAMES, POPULATION_ID, POPULATION_NAME};
use super::rule::Named;
use crate::directory::Filter;

/// Sets within sets; a deeper nesting is no filter that somebody made.
const DEEPEST: usize = 32;

/// Which users a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// To be evaluated on the attributes of a user.
    pub(crate) filter: Filter,
    /// The populations and groups that it names: they have to be there.
    pub(crate) named: Named,
}

/// Reads conditions and notes what they name.
pub(crate) struct Reader<'a> {
    /// Attributes of users that are not PingOne's own.
    custom: &'a [String],
    named: Named,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(custom: &'a [String]) -> Self {
        Self { custom, named: Named::default() }
    }

    /// `{"all": [...]}` or `{"any": [...]}` of such sets and of `{"attribute", "operator", "value"}`.
    ///
    /// # Errors
    /// One line: what is no condition, unknown, or missing.
    pub(crate) fn sets(mut self, filter: &Value) -> Result<Chosen, String> {
        let filter = self.set(filter, "userFilter", DEEPEST)?;
        self.finished(filter, "userFilter")
    }

    /// A SCIM filter (RFC 7644 section 3.4.2.2) of `eq`, `and`, `or`, parentheses and `memberOfGroups[id eq "..."]`.
    ///
    /// # Errors
    /// As [`Reader::sets`].
    pub(crate) fn expression(mut self, text: &str) -> Result<Chosen, String> {
        const PLACE: &str = "populationExpression";
        let mut tokens = Tokens { rest: text.trim() };
        let told = |error: String| format!("{PLACE}: {error}");
        let filter = self.any(&mut tokens, DEEPEST).map_err(told)?;
        if !tokens.rest.is_empty() {
            return Err(told(format!("`{}` does not belong there", excerpt(tokens.rest))));
        }
        self.finished(filter, PLACE)
    }

    /// Users of one of these populations.
    pub(crate) fn populations(mut self, ids: &[String]) -> Chosen {
        let all = ids.iter().map(|id| self.condition(POPULATION_ID, id)).collect();
        Chosen { filter: Filter::Or(all), named: self.named }
    }

    fn finished(self, filter: Filter, place: &str) -> Result<Chosen, String> {
        if self.named == Named::default() {
            return Err(format!("{place}: names neither a population nor a group; a rule needs one of them"));
        }
        Ok(Chosen { filter, named: self.named })
    }

    fn set(&mut self, value: &Value, place: &str, depth: usize) -> Result<Filter, String> {
        let depth = depth.checked_sub(1).ok_or_else(|| format!("userFilter: is nested deeper than {DEEPEST} sets"))?;
        let object = value.as_object().ok_or_else(|| format!("{place}: is no condition or set of conditions"))?;
        let member = |name: &str| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let (word, parts) = match (member("all"), member("any")) {
            (Some(parts), None) => ("all", parts),
            (None, Some(parts)) => ("any", parts),
            (None, None) => return self.one(object, place),
            _ => return Err(format!("{place}: is a set of `all` or of `any`, not of both")),
        };
        if object.len() > 1 {
            return Err(format!("{place}: a set holds `all` or `any` and nothing else"));
        }
        let parts = parts.as_array().filter(|parts| !parts.is_empty());
        let parts = parts.ok_or_else(|| format!("{place}.{word}: needs a list of conditions that is not empty"))?;
        let parts = parts.iter().enumerate().map(|(at, part)| self.set(part, &format!("{place}.{word}[{at}]"), depth));
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(if word == "all" { Filter::And(parts) } else { Filter::Or(parts) })
    }

    fn one(&mut self, object: &Map<String, Value>, place: &str) -> Result<Filter, String> {
        let text = |name: &str| {
            let value = object.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            value.ok_or_else(|| format!("{place}.{name}: is missing or is no text"))
        };
        let unknown = object.keys().find(|key| !["attribute", "operator", "value"].contains(&key.as_str()));
        if let Some(unknown) = unknown {
            let unknown = excerpt(unknown);
            return Err(format!("{place}: `{unknown}` is neither `all` nor `any` nor part of a condition"));
        }
        let (name, operator) = (text("attribute")?, text("operator")?);
        if !operator.eq_ignore_ascii_case("Equals") {
            let operator = excerpt(operator);
            return Err(format!("{place}.operator: `{operator}` is not known; a rule compares with Equals only"));
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
        // The API names a group by its id where the console shows its name.
        if path == GROUP_NAMES { Filter::Or(vec![equal(GROUP_NAMES), equal(GROUP_IDS)]) } else { equal(path) }
    }

    /// `or` binds less than `and`.
    fn any(&mut self, tokens: &mut Tokens<'_>, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.all(tokens, depth)?];
        while tokens.word("or") {
            parts.push(self.all(tokens, depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Filter::Or(parts) })
    }

    fn all(&mut self, tokens: &mut Tokens<'_>, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.part(tokens, depth)?];
        while tokens.word("and") {
            parts.push(self.part(tokens, depth)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Filter::And(parts) })
    }

    fn part(&mut self, tokens: &mut Tokens<'_>, depth: usize) -> Result<Filter, String> {
        let depth = depth.checked_sub(1).ok_or_else(|| format!("is nested deeper than {DEEPEST} levels"))?;
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
            let closed = tokens.sign(']');
            return if closed { Ok(self.condition(path, &value)) } else { Err("a bracket is not closed".into()) };
        }
        let Some(path) = self.path(name) else {
            let not = name.eq_ignore_ascii_case("not");
            return Err(if not { "`not` is not known to a rule".into() } else { unknown_attribute("it", name) });
        };
        let value = tokens.equals()?;
        Ok(self.condition(&path, &value))
    }
}

/// The text about a name that is neither PingOne's nor listed.
pub(crate) fn unknown_attribute(place: &str, name: &str) -> String {
    format!(
        "{place}: `{}` is no attribute of a PingOne user (see `pfscim describe attributes`; one of your own is listed under customAttributes)",
        excerpt(name)
    )
}

/// What is left of a SCIM filter.
struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
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

    /// A word on its own, in any case.
    fn word(&mut self, word: &str) -> bool {
        let mut ahead = Tokens { rest: self.rest };
        let found = ahead.name().eq_ignore_ascii_case(word);
        if found {
            self.rest = ahead.rest;
        }
        found
    }

    /// `eq` and a value: a JSON string, number or boolean.
    fn equals(&mut self) -> Result<String, String> {
        let operator = self.name();
        if !operator.eq_ignore_ascii_case("eq") {
            return Err(format!("the operator `{}` is not known; a rule compares with eq only", excerpt(operator)));
        }
        let missing = || "a value in quotes is missing behind eq".to_owned();
        if !self.rest.starts_with('"') {
            let word = self.name();
            let plain = ["true", "false"].contains(&word) || word.parse::<f64>().is_ok_and(f64::is_finite);
            return if plain { Ok(word.to_owned()) } else { Err(missing()) };
        }
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let value = values.next().and_then(Result::ok).ok_or_else(missing)?;
        self.rest = self.rest[values.byte_offset()..].trim_start();
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::{Entry, Value as Text};

    fn reader() -> Reader<'static> {
        Reader { custom: &[], named: Named::default() }
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
        let chosen = reader().sets(&sets).unwrap();
        let named = Named { populations: vec!["Employees".into()], groups: vec!["Backup".into()] };
        assert_eq!(chosen.named, named);
        let matches = |pairs: &[(&str, &str)]| chosen.filter.matches(&user(pairs));
        assert!(matches(&[("population.name", "Employees"), ("title", "Engineer")]));
        assert!(matches(&[("population.name", "employees"), ("memberOfGroupNames", "Backup")]));
        assert!(matches(&[("population.name", "Employees"), ("memberOfGroupIDs", "Backup")]));
        assert!(!matches(&[("population.name", "Employees"), ("title", "Clerk")]));
        assert!(!matches(&[("population.name", "Guests"), ("title", "Engineer")]));
    }

    #[test]
    fn the_expression_of_the_api_says_the_same() {
        let text = r#"population.id EQ "p\"1" and (memberOfGroups[id eq "g1"] or title eq "x" or enabled eq true)"#;
        let chosen = reader().expression(text).unwrap();
        assert_eq!(chosen.named, Named { populations: vec!["p\"1".into()], groups: vec!["g1".into()] });
        let matches = |pairs: &[(&str, &str)]| chosen.filter.matches(&user(pairs));
        assert!(matches(&[("population.id", "p\"1"), ("memberOfGroupIDs", "g1")]));
        assert!(matches(&[("population.id", "p\"1"), ("enabled", "true")]));
        assert!(!matches(&[("population.id", "p\"1"), ("enabled", "false")]));
        assert!(!matches(&[("title", "x")]));
        let either = reader().expression(r#"title eq "x" or type eq "t" and population.name eq "P""#).unwrap();
        assert!(either.filter.matches(&user(&[("title", "x")])), "and binds more than or");
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        let ok = || condition("Population Name", "P");
        for (filter, told) in [
            (json!(null), "userFilter: is no condition"),
            (json!({"all": []}), "userFilter.all: needs"),
            (json!({"all": [ok()], "any": [ok()]}), "not of both"),
            (json!({"all": [condition("Shoe Size", "9")]}), "userFilter.all[0].attribute: `Shoe Size` is no attribute"),
            (
                json!({"any": [ok(), {"all": [{"attribute": "title", "value": "x"}]}]}),
                "any[1].all[0].operator: is missing",
            ),
            (json!({"all": [{"attribute": "title", "operator": "Contains", "value": "x"}]}), "`Contains` is not known"),
            (json!({"all": [{"attribute": "title", "operator": "Equals", "value": ""}]}), "all[0].value: is missing"),
            (json!({"all": [{"attribut": "title"}]}), "`attribut` is neither"),
            (json!({"all": [condition("Title", "x")]}), "neither a population nor a group"),
        ] {
            let error = reader().sets(&filter).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        for (text, told) in [
            ("", "an attribute is missing"),
            ("title sw \"x\"", "the operator `sw` is not known"),
            ("shoe eq \"x\"", "`shoe` is no attribute"),
            ("not (title eq \"x\")", "`not` is not known"),
            ("(title eq \"x\"", "not closed"),
            ("memberOfGroups[id eq \"x\"", "not closed"),
            ("title eq x", "a value in quotes"),
            ("title eq \"x\" title", "`title` does not belong there"),
            ("title eq \"x\"", "neither a population nor a group"),
        ] {
            let error = reader().expression(text).unwrap_err();
            assert!(error.starts_with("populationExpression: ") && error.contains(told), "{error}");
        }
        assert!(reader().expression(&"(".repeat(10_000)).unwrap_err().contains("deeper"));
        let mut deep = ok();
        for _ in 0..100 {
            deep = json!({"all": [deep]});
        }
        assert!(reader().sets(&deep).unwrap_err().contains("deeper"));
    }

    #[test]
    fn attributes_of_ones_own_have_to_be_listed() {
        let sets = json!({"all": [condition("Population Name", "P"), condition("badge.level", "9")]});
        assert!(reader().sets(&sets).is_err());
        let custom = ["badge.level".to_owned()];
        let chosen = Reader { custom: &custom, named: Named::default() }.sets(&sets).unwrap();
        assert!(chosen.filter.matches(&user(&[("population.name", "P"), ("badge.level", "9")])));
    }
}
