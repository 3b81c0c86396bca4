//! Distinguished names: read as RFC 4514 writes them, compared as directories do, without letter case and without
//! counting spaces. May not know entries or files.

/// One `type=value` pair of a name, as it was written: the value without its escapes.
type Pair = (String, String);

/// A distinguished name. Two are equal when a directory would say so.
#[derive(Debug, Clone)]
pub struct Dn {
    names: Vec<Vec<Pair>>,
    normal: Vec<String>,
}

impl Dn {
    /// Reads a name; `None` where it is none. The empty text is the root, above everything.
    pub fn parse(text: &str) -> Option<Self> {
        let mut names = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let mut name = Vec::new();
            loop {
                let (pair, after) = pair(rest)?;
                name.push(pair);
                match after.chars().next() {
                    Some('+') => rest = &after[1..],
                    Some(_) => {
                        rest = after[1..].trim_start();
                        // A comma promises another name.
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
        let normal = names.iter().map(|name| normal(name)).collect();
        Some(Self { names, normal })
    }

    /// Whether this is `base` or lies below it.
    pub fn is_within(&self, base: &Self) -> bool {
        self.normal.ends_with(&base.normal)
    }

    /// The name in one spelling: equal for equal names, and for no others.
    pub fn key(&self) -> String {
        self.normal.join("\u{1}")
    }

    /// The CN of the entry itself: the first `cn` in the leftmost name, as it was written.
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

/// A name's [`Dn::key`] for people to read.
pub fn display_dn(key: &str) -> String {
    key.replace('\u{1}', ",").replace('\u{2}', "=").replace('\u{3}', "+")
}

/// Case and runs of spaces removed from a value, as the matching rule `caseIgnoreMatch` compares (RFC 4518).
pub fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The comparable spelling of one name; the order of its pairs does not count.
fn normal(name: &[Pair]) -> String {
    let mut pairs: Vec<_> =
        name.iter().map(|(kind, value)| format!("{}\u{2}{}", kind.to_lowercase(), fold(value))).collect();
    pairs.sort_unstable();
    pairs.join("\u{3}")
}

/// Reads one `type=value`; the rest starts at the separator, or is empty.
fn pair(text: &str) -> Option<(Pair, &str)> {
    let (kind, rest) = text.split_once('=')?;
    let kind = kind.trim();
    if kind.is_empty() || !kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == ';') {
        return None;
    }
    let (value, rest) = value(rest.trim_start())?;
    Some(((kind.to_owned(), value), rest))
}

/// Reads a value up to its separator and undoes the escapes: `\,`, `\2C`, and the quotes of older writers (RFC 2253).
fn value(text: &str) -> Option<(String, &str)> {
    let mut out: Vec<u8> = Vec::new();
    // Trailing spaces fall off, but not escaped ones.
    let mut kept = 0;
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
                kept = out.len();
            }
            '"' => {
                quoted = !quoted;
                kept = out.len();
            }
            ',' | '+' | ';' if !quoted => {
                out.truncate(kept);
                return Some((String::from_utf8(out).ok()?, &text[at..]));
            }
            _ => {
                push(&mut out, c);
                if quoted || c != ' ' {
                    kept = out.len();
                }
            }
        }
    }
    if quoted {
        return None;
    }
    out.truncate(kept);
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
    fn spelling_does_not_count() {
        assert_eq!(dn("CN=Jane  Doe, OU=People,dc=Example,DC=com"), dn("cn=jane doe,ou=people,DC=example,dc=COM"));
        assert_eq!(dn("cn=a+uid=b,dc=x"), dn("UID=B+CN=A,DC=X"));
        assert_eq!(dn(r"cn=Doe\, Jane,dc=x"), dn(r"cn=Doe\2C Jane,dc=x"));
        assert_eq!(dn(r#"cn="Doe, Jane",dc=x"#), dn(r"cn=Doe\, Jane,dc=x"));
        assert_ne!(dn("cn=a,dc=x"), dn("cn=a,dc=y"));
    }

    #[test]
    fn below_is_by_whole_names() {
        let base = dn("ou=people,dc=x");
        assert!(dn("uid=a,OU=People,DC=x").is_within(&base));
        assert!(base.is_within(&base));
        assert!(!dn("uid=a,ou=many people,dc=x").is_within(&base));
        assert!(!dn("dc=x").is_within(&base));
        assert!(base.is_within(&dn("")));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["cn", "cn=a,", "=a", "cn=a\\", "cn=\\f", "c n=a", "cn=\"a", "cn=\\ff"] {
            assert!(Dn::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_common_name_is_the_entrys_own() {
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
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = Dn::parse(&text);
        }
    }
}
