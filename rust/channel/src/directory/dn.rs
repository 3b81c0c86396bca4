//! Reads distinguished names (RFC 4514) and compares them as directories do: without letter case and runs of spaces.
//! Does not know: entries, files.

/// One `type=value` pair of a name in its original spelling; the value is without escapes.
type Pair = (String, String);

/// A distinguished name. Two names are equal if a directory treats them as equal.
#[derive(Debug, Clone)]
pub struct Dn {
    names: Vec<Vec<Pair>>,
    normal: Vec<String>,
}

impl Dn {
    /// Reads a name; `None` if the text is not a distinguished name. The empty text is the root, above all names.
    pub fn parse(text: &str) -> Option<Self> {
        let mut names = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let mut name = Vec::new();
            loop {
                let (pair, after) = read_pair(rest)?;
                name.push(pair);
                match after.chars().next() {
                    Some('+') => rest = &after[1..],
                    Some(_) => {
                        rest = after[1..].trim_start();
                        // Another name must follow a comma.
                        if rest.is_empty() {
                            return None;
                        }
                        break;
                    }
                    None => {
                        rest = "";
                        break;
                    }
                }
            }
            names.push(name);
        }
        let normal = names.iter().map(|name| normalized(name)).collect();
        Some(Self { names, normal })
    }

    /// Returns whether the name is `base` or below it.
    pub fn is_within(&self, base: &Self) -> bool {
        self.normal.ends_with(&base.normal)
    }

    /// Returns the name in one normal spelling. Two names have the same key exactly if they are equal.
    pub fn key(&self) -> String {
        self.normal.join("\u{1}")
    }

    /// Returns the CN of the entry itself: the first `cn` in the leftmost name, in its original spelling.
    pub fn common_name(&self) -> Option<&str> {
        let (_, value) = self.names.first()?.iter().find(|(kind, _)| kind.eq_ignore_ascii_case("cn"))?;
        Some(value)
    }
}

impl PartialEq for Dn {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for Dn {}

/// Returns a [`Dn::key`] as readable text, for messages.
pub fn display_dn(key: &str) -> String {
    key.replace('\u{1}', ",").replace('\u{2}', "=").replace('\u{3}', "+")
}

/// Returns a value in lower case and with single spaces, as the matching rule `caseIgnoreMatch` compares (RFC 4518).
pub fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Returns the comparable spelling of one name; the order of its pairs does not count.
fn normalized(name: &[Pair]) -> String {
    let mut pairs: Vec<_> =
        name.iter().map(|(kind, value)| format!("{}\u{2}{}", kind.to_lowercase(), fold(value))).collect();
    pairs.sort_unstable();
    pairs.join("\u{3}")
}

/// Reads one `type=value`. The rest starts at the separator, or is empty.
fn read_pair(text: &str) -> Option<(Pair, &str)> {
    let (kind, rest) = text.split_once('=')?;
    let kind = kind.trim();
    if kind.is_empty() || !kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == ';') {
        return None;
    }
    let (value, rest) = read_value(rest.trim_start())?;
    Some(((kind.to_owned(), value), rest))
}

/// Reads a value up to its separator and resolves the escapes: `\,`, `\2C`, and the quotes of older writers (RFC 2253).
fn read_value(text: &str) -> Option<(String, &str)> {
    let mut out: Vec<u8> = Vec::new();
    // Trailing spaces are not part of the value, except escaped spaces.
    let mut significant = 0;
    let mut quoted = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                let (_, first) = chars.next()?;
                match first.to_digit(16) {
                    Some(high) => {
                        let (_, second) = chars.next()?;
                        out.push(u8::try_from(high * 16 + second.to_digit(16)?).ok()?);
                    }
                    None => push(&mut out, first),
                }
                significant = out.len();
            }
            '"' => {
                quoted = !quoted;
                significant = out.len();
            }
            ',' | '+' | ';' if !quoted => {
                out.truncate(significant);
                return Some((String::from_utf8(out).ok()?, &text[at..]));
            }
            _ => {
                push(&mut out, c);
                if quoted || c != ' ' {
                    significant = out.len();
                }
            }
        }
    }
    if quoted {
        return None;
    }
    out.truncate(significant);
    Some((String::from_utf8(out).ok()?, ""))
}

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap()
    }

    #[test]
    fn names_in_different_spellings_are_equal() {
        assert_eq!(dn("CN=Jane  Doe, OU=People,dc=Example,DC=com"), dn("cn=jane doe,ou=people,DC=example,dc=COM"));
        assert_eq!(dn("cn=a+uid=b,dc=x"), dn("UID=B+CN=A,DC=X"));
        assert_eq!(dn(r"cn=Doe\, Jane,dc=x"), dn(r"cn=Doe\2C Jane,dc=x"));
        assert_eq!(dn(r#"cn="Doe, Jane",dc=x"#), dn(r"cn=Doe\, Jane,dc=x"));
        assert_ne!(dn("cn=a,dc=x"), dn("cn=a,dc=y"));
    }

    #[test]
    fn is_within_compares_whole_names() {
        let base = dn("ou=people,dc=x");
        assert!(dn("uid=a,OU=People,DC=x").is_within(&base));
        assert!(base.is_within(&base));
        assert!(!dn("uid=a,ou=many people,dc=x").is_within(&base));
        assert!(!dn("dc=x").is_within(&base));
        assert!(base.is_within(&dn("")));
    }

    #[test]
    fn text_that_is_not_a_name_is_rejected() {
        for text in ["cn", "cn=a,", "=a", "cn=a\\", "cn=\\f", "c n=a", "cn=\"a", "cn=\\ff"] {
            assert!(Dn::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_common_name_is_read_from_the_leftmost_name_only() {
        assert_eq!(dn(r"CN=Doe\, Jane,OU=People").common_name(), Some("Doe, Jane"));
        assert_eq!(dn("uid=jane,cn=users,dc=x").common_name(), None);
    }

    proptest! {
        #[test]
        fn an_escaped_value_reads_back(value in "[ -~äß日]{1,20}") {
            let escaped: String = value.bytes().map(|b| format!("\\{b:02x}")).collect();
            let name = dn(&format!("cn={escaped},dc=x"));
            prop_assert_eq!(name.common_name(), Some(value.as_str()));
        }

        #[test]
        fn parsing_any_text_does_not_panic(text in "\\PC{0,40}") {
            let _ = Dn::parse(&text);
        }
    }
}
