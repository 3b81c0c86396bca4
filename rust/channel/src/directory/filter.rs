//! Evaluates LDAP filters (RFC 4515) on entries in memory.
//! Does not know: which source the entries come from.
//!
//! `ldap3` parses the text; it also sends filters to directories. A part that cannot be evaluated here is an error when
//! the filter is read. It never counts as "no match".

use ldap3::asn1::{ASNTag as _, PL, StructureTag};
use pfscim_core::Message;
use pfscim_core::text::excerpt;

use crate::directory::{Dn, Entry, Value, fold};

/// Levels of parentheses. More would exhaust the stack of the parser, which is recursive.
const DEPTH_MAX: usize = 64;
/// Microsoft's matching rules for bit masks: all bits are set, any bit is set.
const BIT_AND: &str = "1.2.840.113556.1.4.803";
const BIT_OR: &str = "1.2.840.113556.1.4.804";

/// A filter that can be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All parts match. True without parts.
    And(Vec<Self>),
    /// Any part matches. False without parts.
    Or(Vec<Self>),
    /// The part does not match.
    Not(Box<Self>),
    /// The attribute has a value.
    Present(String),
    /// The attribute has this value.
    Equal(String, Vec<u8>),
    /// The attribute has a value that is at least this value.
    AtLeast(String, Vec<u8>),
    /// The attribute has a value that is at most this value.
    AtMost(String, Vec<u8>),
    /// The attribute has a value with these parts in this order.
    Substrings {
        /// The attribute.
        attribute: String,
        /// The beginning of the value.
        initial: Option<String>,
        /// Parts that follow, with any text between them.
        any: Vec<String>,
        /// The end of the value.
        last: Option<String>,
    },
    /// The attribute is a number with all (or any) of these bits set.
    Bits {
        /// The attribute.
        attribute: String,
        /// The bits.
        mask: u64,
        /// Whether every bit must be set.
        all: bool,
    },
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The text is not a filter, or only a directory can evaluate it.
    pub fn parse(text: &str) -> Result<Self, Message> {
        build(parse_syntax(text)?)
    }

    /// Returns the text of a filter that a directory evaluates, with parentheses around it.
    ///
    /// # Errors
    /// The text is not a filter.
    pub fn validated_text(text: &str) -> Result<String, Message> {
        parse_syntax(text)?;
        let text = text.trim();
        Ok(if text.starts_with('(') { text.to_owned() } else { format!("({text})") })
    }

    /// Returns whether the entry matches.
    pub fn matches(&self, entry: &Entry) -> bool {
        match self {
            Self::And(all) => all.iter().all(|f| f.matches(entry)),
            Self::Or(any) => any.iter().any(|f| f.matches(entry)),
            Self::Not(inner) => !inner.matches(entry),
            Self::Present(attribute) => !entry.values(attribute).is_empty(),
            Self::Equal(attribute, expected) => entry.values(attribute).iter().any(|v| is_equal(v, expected)),
            Self::AtLeast(attribute, bound) => entry.values(attribute).iter().any(|v| compare(v, bound).is_ge()),
            Self::AtMost(attribute, bound) => entry.values(attribute).iter().any(|v| compare(v, bound).is_le()),
            Self::Substrings { attribute, initial, any, last } => entry
                .values(attribute)
                .iter()
                .filter_map(Value::text)
                .any(|value| has_parts(&fold(value), initial.as_deref(), any, last.as_deref())),
            Self::Bits { attribute, mask, all } => {
                entry.values(attribute).iter().filter_map(Value::text).filter_map(|v| v.trim().parse::<i64>().ok()).any(
                    |value| {
                        // A negative number (a group type) has the same bits.
                        let found = value.cast_unsigned() & mask;
                        if *all { found == *mask } else { found != 0 }
                    },
                )
            }
        }
    }
}

fn parse_syntax(text: &str) -> Result<StructureTag, Message> {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(format!("the filter is nested deeper than {DEPTH_MAX} levels").into());
        }
    }
    let tag = ldap3::parse_filter(text.trim()).map_err(|()| {
        Message::new(format!("`{}` is not an LDAP filter", excerpt(text))).with_hint("check parentheses and escapes")
    })?;
    Ok(tag.into_structure())
}

/// Returns whether `caseIgnoreMatch`, `distinguishedNameMatch` or `octetStringMatch` finds the values equal. The schema
/// decides which rule applies to an attribute, but an export does not contain the schema.
fn is_equal(value: &Value, expected: &[u8]) -> bool {
    if value.bytes() == expected {
        return true;
    }
    let (Some(value), Ok(expected)) = (value.text(), std::str::from_utf8(expected)) else { return false };
    fold(value) == fold(expected)
        || (value.contains('=') && matches!((Dn::parse(value), Dn::parse(expected)), (Some(a), Some(b)) if a == b))
}

/// Compares numbers as numbers, and all other values (also times) as text.
fn compare(value: &Value, bound: &[u8]) -> std::cmp::Ordering {
    let (Some(value), Ok(bound)) = (value.text(), std::str::from_utf8(bound)) else { return value.bytes().cmp(bound) };
    match (value.trim().parse::<i128>(), bound.trim().parse::<i128>()) {
        (Ok(value), Ok(bound)) => value.cmp(&bound),
        _ => fold(value).cmp(&fold(bound)),
    }
}

fn has_parts(value: &str, initial: Option<&str>, any: &[String], last: Option<&str>) -> bool {
    let Some(mut rest) = value.strip_prefix(initial.unwrap_or("")) else { return false };
    for part in any {
        let Some(at) = rest.find(part.as_str()) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last.unwrap_or(""))
}

/// Reads the BER form of a filter. The tag numbers are those of RFC 4511 section 4.5.1.7.
fn build(tag: StructureTag) -> Result<Filter, Message> {
    let id = tag.id;
    if let (7, PL::P(attribute)) = (id, &tag.payload) {
        return Ok(Filter::Present(text(attribute)?));
    }
    let mut parts = match tag.payload {
        PL::C(parts) => parts.into_iter(),
        PL::P(_) => return Err(unsupported("this form")),
    };
    match id {
        0 => Ok(Filter::And(parts.map(build).collect::<Result<_, _>>()?)),
        1 => Ok(Filter::Or(parts.map(build).collect::<Result<_, _>>()?)),
        2 => Ok(Filter::Not(Box::new(build(parts.next().ok_or_else(|| unsupported("an empty `!`"))?)?))),
        3 | 8 => pair(parts).map(|(a, v)| Filter::Equal(a, v)),
        5 => pair(parts).map(|(a, v)| Filter::AtLeast(a, v)),
        6 => pair(parts).map(|(a, v)| Filter::AtMost(a, v)),
        4 => substrings(parts),
        9 => extensible(parts),
        _ => Err(unsupported("this form")),
    }
}

fn pair(mut parts: impl Iterator<Item = StructureTag>) -> Result<(String, Vec<u8>), Message> {
    match (parts.next().and_then(octets), parts.next().and_then(octets)) {
        (Some(attribute), Some(value)) => Ok((text(&attribute)?, value)),
        _ => Err(unsupported("this form")),
    }
}

fn substrings(mut parts: impl Iterator<Item = StructureTag>) -> Result<Filter, Message> {
    let attribute = parts.next().and_then(octets).ok_or_else(|| unsupported("this form"))?;
    let (mut initial, mut any, mut last) = (None, Vec::new(), None);
    let pieces = match parts.next().map(|tag| tag.payload) {
        Some(PL::C(pieces)) => pieces,
        _ => return Err(unsupported("this form")),
    };
    for piece in pieces {
        let id = piece.id;
        let piece = fold(&text(&octets(piece).unwrap_or_default())?);
        match id {
            0 => initial = Some(piece),
            1 => any.push(piece),
            _ => last = Some(piece),
        }
    }
    Ok(Filter::Substrings { attribute: text(&attribute)?, initial, any, last })
}

fn extensible(parts: impl Iterator<Item = StructureTag>) -> Result<Filter, Message> {
    let (mut rule, mut attribute, mut value) = (None, None, String::new());
    for part in parts {
        let id = part.id;
        let content = text(&octets(part).unwrap_or_default())?;
        match id {
            1 => rule = Some(content),
            2 => attribute = Some(content),
            3 => value = content,
            _ => return Err(unsupported("`:dn`")),
        }
    }
    let (Some(rule), Some(attribute)) = (rule, attribute) else {
        return Err(unsupported("`:=` without an attribute and a matching rule"));
    };
    let all = match rule.as_str() {
        BIT_AND => true,
        BIT_OR => false,
        other => return Err(unsupported(&format!("the matching rule {}", excerpt(other)))),
    };
    let mask = value.trim().parse::<i64>().map_err(|_| format!("the bit mask of {attribute} is not a number"))?;
    Ok(Filter::Bits { attribute, mask: mask.cast_unsigned(), all })
}

fn octets(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

fn text(bytes: &[u8]) -> Result<String, Message> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "the filter contains bytes that are not UTF-8".into())
}

fn unsupported(what: &str) -> Message {
    let text = format!("the filter cannot be evaluated without a directory: {what} is not supported");
    Message::new(text).with_hint("use another filter, or a directory as the source")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jane() -> Entry {
        let mut entry = Entry::new("cn=Jane Doe,ou=People,dc=x");
        for (name, value) in [
            ("objectClass", "top"),
            ("objectClass", "inetOrgPerson"),
            ("cn", "Jane Doe"),
            ("memberOf", "CN=Staff,OU=Groups,DC=x"),
            ("employeeNumber", "42"),
            ("userAccountControl", "514"),
        ] {
            entry.push(name, Value::from(value));
        }
        entry.push("jpegPhoto", Value::new(vec![0xff, 0xd8]));
        entry
    }

    #[test]
    fn filters_select_as_a_directory_does() {
        for (filter, expected) in [
            ("(objectclass=INETORGPERSON)", true),
            ("objectClass=top", true),
            ("(objectClass=*)", true),
            ("(mail=*)", false),
            ("(!(mail=*))", true),
            ("(&(cn=jane doe)(employeeNumber=42))", true),
            ("(&)", true),
            ("(|)", false),
            ("(|(cn=x)(employeeNumber>=9))", true),
            ("(employeeNumber<=9)", false),
            ("(cn=Jane*)", true),
            ("(cn=*ne*d*oe)", true),
            ("(cn=*Jane)", false),
            ("(cn=J*J*)", false),
            ("(cn~=jane doe)", true),
            ("(memberOf=cn=staff, ou=groups, dc=X)", true),
            ("(userAccountControl:1.2.840.113556.1.4.803:=2)", true),
            ("(userAccountControl:1.2.840.113556.1.4.803:=3)", false),
            ("(userAccountControl:1.2.840.113556.1.4.804:=3)", true),
            (r"(cn=Jane\20Doe)", true),
            (r"(jpegPhoto=\ff\d8)", true),
            (r"(cn=\2a)", false),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().matches(&jane()), expected, "{filter}");
        }
    }

    #[test]
    fn a_filter_for_a_directory_may_contain_rules_that_are_not_evaluated_here() {
        let chain = "memberOf:1.2.840.113556.1.4.1941:=cn=a";
        assert_eq!(Filter::validated_text(chain).unwrap(), format!("({chain})"));
        assert_eq!(Filter::validated_text(" (cn=a) ").unwrap(), "(cn=a)");
        assert!(Filter::validated_text("(cn=a").is_err());
    }

    #[test]
    fn filters_that_cannot_be_evaluated_are_rejected() {
        for filter in
            ["", "(", "(cn=a", "(cn=a))", "(cn=(a)", "(ou:dn:=People)", "(memberOf:1.2.840.113556.1.4.1941:=cn=a)"]
        {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
        assert!(Filter::parse(&"(!".repeat(100_000)).is_err());
    }

    fn escaped(value: &str) -> String {
        value.bytes().map(|b| format!("\\{b:02x}")).collect()
    }

    proptest! {
        #[test]
        fn equality_matches_the_value_and_not_matches_all_others(value in "[ -~äß]{1,12}", other in "[a-z]{13,20}") {
            let mut entry = Entry::new("cn=a");
            entry.push("cn", Value::from(value.as_str()));
            let same = Filter::parse(&format!("(cn={})", escaped(&value))).unwrap();
            let different = Filter::parse(&format!("(!(cn={}))", escaped(&other))).unwrap();
            prop_assert!(same.matches(&entry));
            prop_assert!(different.matches(&entry));
        }

        #[test]
        fn de_morgans_law_applies(a in "[a-c]", b in "[a-c]", value in "[a-c]") {
            let mut entry = Entry::new("cn=a");
            entry.push("cn", Value::from(value.as_str()));
            let left = Filter::parse(&format!("(!(&(cn={a})(cn={b})))")).unwrap();
            let right = Filter::parse(&format!("(|(!(cn={a}))(!(cn={b})))")).unwrap();
            prop_assert_eq!(left.matches(&entry), right.matches(&entry));
        }

        #[test]
        fn parsing_any_text_does_not_panic(text in "[(&|!)=*<>~:;.0-9a-c\\\\ ]{0,60}") {
            let _ = Filter::parse(&text).map(|f| f.matches(&jane()));
        }
    }
}
