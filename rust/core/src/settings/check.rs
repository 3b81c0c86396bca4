//! Checks and reads the text value of one setting.
//! Does not know: which setting it checks.
//!
//! A message never repeats the value, which may be a secret. It begins with a verb, because the caller puts the label
//! of the setting before it.

use url::Url;

use super::catalogue::ValueCheck;
use crate::Message;
use crate::mapping::{Catalogue, Field, is_valid_custom_code};
use crate::scim::Version;

/// Checks that a value has the form that its setting requires.
pub(super) fn check_value(check: ValueCheck, text: &str) -> Result<(), Message> {
    match check {
        ValueCheck::Text => single_line(text),
        ValueCheck::Url => url(text).map(drop),
        ValueCheck::Integer { low, high } => integer(text, low, high).map(drop),
        ValueCheck::PageSize => page_size(text).map(drop),
        ValueCheck::UserName => user_name(text),
        ValueCheck::Credential => credential(text),
        ValueCheck::Token => token(text),
        ValueCheck::Scopes => scopes(text).map(drop),
        ValueCheck::Filter => filter(text),
        ValueCheck::Path => path(text).map(drop),
        ValueCheck::Urns => urns(text).map(drop),
        ValueCheck::FieldCodes => field_codes(text).map(drop),
    }
}

/// Rejects control characters, because a line break would end a header line.
fn single_line(text: &str) -> Result<(), Message> {
    if text.chars().any(char::is_control) {
        return Err(
            Message::new("contains a line break or another control character").with_hint("enter it on one line")
        );
    }
    Ok(())
}

/// Checks a user name (RFC 7617 section 2).
fn user_name(text: &str) -> Result<(), Message> {
    single_line(text)?;
    if text.contains(':') {
        return Err(Message::new("contains a colon, which Basic authentication does not allow in a user name")
            .with_hint("use an account without a colon in its name"));
    }
    Ok(())
}

/// Checks an access token, which follows the scheme in a header.
fn credential(text: &str) -> Result<(), Message> {
    single_line(text)?;
    if text.contains(char::is_whitespace) {
        return Err(Message::new("contains white space").with_hint("enter the token alone, without a word before it"));
    }
    if !text.is_ascii() {
        return Err(Message::new("contains a character that an HTTP header cannot contain")
            .with_hint("enter the token as the target shows it"));
    }
    Ok(())
}

/// Checks a token (RFC 9110 section 5.6.2).
fn token(text: &str) -> Result<(), Message> {
    let is_token_char = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !text.chars().all(is_token_char) {
        return Err("must be a single word of letters, digits and hyphens, for example Bearer".into());
    }
    Ok(())
}

/// Reads an absolute URL below which requests can be addressed.
pub(super) fn url(text: &str) -> Result<Url, Message> {
    const FORM: &str = "must be an absolute http:// or https:// URL";
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(format!("{FORM} without white space and backslashes").into());
    }
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(FORM.into());
    }
    let url = Url::parse(text).map_err(|e| format!("{FORM} ({e})"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Message::new("contains a user name or password")
            .with_hint("remove them and enter them under Authentication Methods"));
    }
    if url.fragment().is_some() {
        return Err(Message::new("contains a fragment").with_hint("remove the # and everything after it"));
    }
    Ok(url)
}

/// Reads a whole number from `low` to `high`.
pub(super) fn integer(text: &str, low: i64, high: i64) -> Result<i64, Message> {
    match text.parse::<i64>() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from {low} to {high}").into()),
    }
}

/// Reads -1, which is `None`, or a whole number from 1.
pub(super) fn page_size(text: &str) -> Result<Option<u32>, Message> {
    const MAX: i32 = i32::MAX;
    match text.parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(number) if (1..=i64::from(MAX)).contains(&number) => Ok(u32::try_from(number).ok()),
        _ => Err(format!("must be a whole number from 1 to {MAX}, or -1 for the page size of the target").into()),
    }
}

/// Returns the parts of a list that is separated by commas, without blanks around them and without empty parts.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Reads scopes (RFC 6749 section 3.3). White space separates them too, because a scope cannot contain it.
pub(super) fn scopes(text: &str) -> Result<Vec<String>, Message> {
    let is_scope_char = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~');
    let scopes: Vec<String> = parts(text).flat_map(str::split_whitespace).map(str::to_owned).collect();
    if !scopes.iter().all(|scope| scope.chars().all(is_scope_char)) {
        return Err(Message::new("contains a character that a scope cannot contain")
            .with_hint("enter scopes separated by commas"));
    }
    Ok(scopes)
}

/// The operators of RFC 7644 section 3.4.2.2 that need a value.
const OPERATORS: &[&str] = &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// Checks that a filter has three parts. Only the attribute may contain white space (`emails[type eq "work"].value`).
fn filter(text: &str) -> Result<(), Message> {
    single_line(text)?;
    const HINT: &str = "enter an attribute, an operator and \"%s\", for example userName eq \"%s\"";
    match text.matches("%s").count() {
        0 => return Err(Message::new("does not contain %s").with_hint(HINT)),
        1 => {}
        _ => return Err(Message::new("contains %s more than once").with_hint(HINT)),
    }
    let words = text.trim().rsplit_once(char::is_whitespace).and_then(|(rest, value)| {
        let (attribute, operator) = rest.trim_end().rsplit_once(char::is_whitespace)?;
        Some((attribute.trim_end(), operator, value))
    });
    let malformed = || Message::new("must have three parts").with_hint(HINT);
    let Some((attribute, operator, "%s" | "\"%s\"")) = words else { return Err(malformed()) };
    if !is_attribute_path(attribute) {
        return Err(malformed());
    }
    if !OPERATORS.iter().any(|known| known.eq_ignore_ascii_case(operator)) {
        return Err(format!("must have one of {} as operator", OPERATORS.join(", ")).into());
    }
    Ok(())
}

/// Returns whether a text is a path that contains white space only in brackets.
fn is_attribute_path(text: &str) -> bool {
    let (before, after) = match text.split_once('[') {
        Some((before, rest)) => match rest.split_once(']') {
            Some((_, after)) => (before, after),
            None => return false,
        },
        None => (text, ""),
    };
    let is_path_char = |c: char| c.is_ascii_alphanumeric() || ".:_-$".contains(c);
    !before.is_empty() && before.chars().all(is_path_char) && after.chars().all(is_path_char)
}

/// Reads a path. The result begins with a slash and does not end with one.
pub(super) fn path(text: &str) -> Result<String, Message> {
    const HINT: &str = "enter a path such as /Users";
    if text.contains("://") {
        return Err(Message::new("must be a path below the SCIM URL, not a whole URL").with_hint(HINT));
    }
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '?' | '#' | '\\')) {
        return Err(Message::new("must be a path without ?, #, \\ and white space").with_hint(HINT));
    }
    let inner = text.trim_matches('/');
    if inner.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(Message::new("must be a path without empty, . and .. parts").with_hint(HINT));
    }
    Ok(format!("/{inner}"))
}

/// Reads URNs, each once. RFC 8141: `urn:` namespace `:` name. Letter case does not distinguish URNs here.
pub(super) fn urns(text: &str) -> Result<Vec<String>, Message> {
    let mut urns: Vec<String> = Vec::new();
    for urn in parts(text) {
        let mut pieces = urn.splitn(3, ':');
        let (scheme, namespace, name) = (pieces.next(), pieces.next(), pieces.next());
        let is_urn = scheme.is_some_and(|s| s.eq_ignore_ascii_case("urn"))
            && namespace.is_some_and(|n| n.len() > 1 && n.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
            && name.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_graphic()));
        if !is_urn {
            return Err("must list URNs (urn:NAMESPACE:NAME) separated by commas".into());
        }
        if !urns.iter().any(|known| known.eq_ignore_ascii_case(urn)) {
            urns.push(urn.to_owned());
        }
    }
    Ok(urns)
}

/// Reads codes of fields that can be cleared, each once. An alias becomes the code of its field. A code that is not a
/// standard field may be a custom attribute, which only the target knows.
pub(super) fn field_codes(text: &str) -> Result<Vec<String>, Message> {
    let fields = Catalogue::standard(Version::V2_0);
    let mut codes: Vec<String> = Vec::new();
    for part in parts(text) {
        let code = match fields.field(part) {
            Some(Field { code, required: true, .. } | Field { code, write_only: true, .. }) => {
                return Err(Message::new(format!("contains {code}, which cannot be cleared")).with_hint("remove it"));
            }
            Some(field) => field.code.clone(),
            None if is_valid_custom_code(part) => part.to_owned(),
            None => {
                return Err(Message::new("contains a name that is not a field")
                    .with_hint("enter field names of the Attribute Mapping tab, separated by commas"));
            }
        };
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Ok(codes)
}
