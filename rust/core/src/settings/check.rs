//! What the value of one setting has to look like: text in, typed value or reason out. Knows no setting by name and
//! never repeats a value, which may be a secret; reasons read on after `<label>: `.

use url::Url;

use super::catalogue::Check;
use crate::mapping::{Catalogue, Field, is_valid_custom_code};
use crate::scim::Version;

/// A reason why a value is refused.
pub(super) type Refused = String;

/// Holds a text value against its check.
pub(super) fn hold(check: Check, text: &str) -> Result<(), Refused> {
    match check {
        Check::Text => plain(text),
        Check::Url => url(text).map(drop),
        Check::Integer { low, high } => integer(text, low, high).map(drop),
        Check::PageSize => page_size(text).map(drop),
        Check::UserName => user_name(text),
        Check::Credential => credential(text),
        Check::Token => token(text),
        Check::Scopes => scopes(text).map(drop),
        Check::Filter => filter(text),
        Check::Path => path(text).map(drop),
        Check::Urns => urns(text).map(drop),
        Check::FieldCodes => field_codes(text).map(drop),
    }
}

/// No control characters: they would end a header line.
fn plain(text: &str) -> Result<(), Refused> {
    if text.chars().any(char::is_control) {
        return Err("holds a line break or another control character; enter it on one line".into());
    }
    Ok(())
}

fn user_name(text: &str) -> Result<(), Refused> {
    plain(text)?;
    if text.contains(':') {
        return Err("holds a colon, which Basic authentication cannot carry in a user name".into());
    }
    Ok(())
}

fn credential(text: &str) -> Result<(), Refused> {
    plain(text)?;
    if text.contains(char::is_whitespace) {
        return Err("holds white space; enter the token alone, without a word before it".into());
    }
    if !text.is_ascii() {
        return Err("holds a character that no HTTP header can carry; enter the token as the target shows it".into());
    }
    Ok(())
}

/// RFC 9110 section 5.6.2.
fn token(text: &str) -> Result<(), Refused> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !text.chars().all(fits) {
        return Err("must be a single word of letters, digits and hyphens, for example Bearer".into());
    }
    Ok(())
}

/// An absolute URL that requests can be built on.
pub(super) fn url(text: &str) -> Result<Url, Refused> {
    const SHAPE: &str = "must be an absolute http:// or https:// URL";
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(format!("{SHAPE} without white space and backslashes"));
    }
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(SHAPE.into());
    }
    let url = Url::parse(text).map_err(|e| format!("{SHAPE} ({e})"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("may not hold a user name or password; enter them under Authentication Methods".into());
    }
    if url.fragment().is_some() {
        return Err("may not hold a fragment; remove everything from the # on".into());
    }
    Ok(url)
}

/// A whole number in a range.
pub(super) fn integer(text: &str, low: i64, high: i64) -> Result<i64, Refused> {
    match text.parse::<i64>() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from {low} to {high}")),
    }
}

/// -1 (none) or a whole number from 1 on.
pub(super) fn page_size(text: &str) -> Result<Option<u32>, Refused> {
    match text.parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(number) if (1..=i64::from(i32::MAX)).contains(&number) => Ok(u32::try_from(number).ok()),
        _ => Err("must be a whole number from 1 on, or -1 for as many as the target gives".into()),
    }
}

/// The parts of a comma-delimited list.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Scopes. White space separates them too, since none can hold any.
pub(super) fn scopes(text: &str) -> Result<Vec<String>, Refused> {
    let fits = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~');
    let scopes: Vec<String> = parts(text).flat_map(str::split_whitespace).map(str::to_owned).collect();
    if !scopes.iter().all(|scope| scope.chars().all(fits)) {
        return Err("holds a character that no scope can have; enter scopes separated by commas".into());
    }
    Ok(scopes)
}

/// The operators of RFC 7644 section 3.4.2.2 that take a value.
const OPERATORS: &[&str] = &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// Three parts; the attribute may itself hold white space (`emails[type eq "work"].value`), the other two may not.
fn filter(text: &str) -> Result<(), Refused> {
    plain(text)?;
    const SHAPE: &str =
        "must have three parts, an attribute, an operator and \"%s\" for the value, for example userName eq \"%s\"";
    match text.matches("%s").count() {
        0 => return Err(format!("{SHAPE}; %s is missing")),
        1 => {}
        _ => return Err(format!("{SHAPE}; %s is there more than once")),
    }
    let words = text.trim().rsplit_once(char::is_whitespace).and_then(|(rest, value)| {
        let (attribute, operator) = rest.trim_end().rsplit_once(char::is_whitespace)?;
        Some((attribute.trim_end(), operator, value))
    });
    let Some((attribute, operator, "%s" | "\"%s\"")) = words else { return Err(SHAPE.into()) };
    if !is_attribute(attribute) {
        return Err(SHAPE.into());
    }
    if !OPERATORS.iter().any(|known| known.eq_ignore_ascii_case(operator)) {
        return Err(format!("must have one of {} as its second part", OPERATORS.join(", ")));
    }
    Ok(())
}

/// A path without white space, but for what stands in brackets.
fn is_attribute(text: &str) -> bool {
    let (before, after) = match text.split_once('[') {
        Some((before, rest)) => match rest.split_once(']') {
            Some((_, after)) => (before, after),
            None => return false,
        },
        None => (text, ""),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || ".:_-$".contains(c);
    !before.is_empty() && before.chars().all(fits) && after.chars().all(fits)
}

/// A path with a slash before it and none behind it.
pub(super) fn path(text: &str) -> Result<String, Refused> {
    if text.contains("://") {
        return Err("must be a path below the SCIM URL, for example /Users, not a whole URL".into());
    }
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '?' | '#' | '\\')) {
        return Err("must be a path without ?, #, \\ and white space, for example /Users".into());
    }
    let inner = text.trim_matches('/');
    if inner.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("must be a path without empty, . and .. parts, for example /Users".into());
    }
    Ok(format!("/{inner}"))
}

/// RFC 8141: `urn:` namespace `:` name, letter case of the first two parts being no difference.
pub(super) fn urns(text: &str) -> Result<Vec<String>, Refused> {
    let mut urns: Vec<String> = Vec::new();
    for urn in parts(text) {
        let mut pieces = urn.splitn(3, ':');
        let (scheme, namespace, name) = (pieces.next(), pieces.next(), pieces.next());
        let fits = scheme.is_some_and(|s| s.eq_ignore_ascii_case("urn"))
            && namespace.is_some_and(|n| n.len() > 1 && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
            && name.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_graphic()));
        if !fits {
            return Err("must list URNs (urn:NAMESPACE:NAME) separated by commas".into());
        }
        if !urns.iter().any(|known| known.eq_ignore_ascii_case(urn)) {
            urns.push(urn.to_owned());
        }
    }
    Ok(urns)
}

/// Codes of fields that may be cleared, aliases replaced.
/// Field codes, standard ones under their own code. Others may be custom attributes, which only the target knows.
pub(super) fn field_codes(text: &str) -> Result<Vec<String>, Refused> {
    let fields = Catalogue::standard(Version::V2_0);
    let mut codes: Vec<String> = Vec::new();
    for part in parts(text) {
        let code = match fields.field(part) {
            Some(Field { code, required: true, .. } | Field { code, write_only: true, .. }) => {
                return Err(format!("may not list {code}, which can never be cleared"));
            }
            Some(field) => field.code.clone(),
            None if is_valid_custom_code(part) => part.to_owned(),
            None => {
                return Err(
                    "must list field names as on the Attribute Mapping tab, separated by commas; one of them is none"
                        .into(),
                );
            }
        };
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Ok(codes)
}
