//! Reads LDIF content records (RFC 2849), as `ldapsearch`, `ldifde` and `slapcat` write them.
//! Does not know: which attributes are needed.
//!
//! Change records are an error. A file that may be cut off is an error that names the line. pfscim reads LDIF itself,
//! because the registry has no maintained crate for it.

use std::io::BufRead;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pfscim_core::Message;
use pfscim_core::text::excerpt;

use super::Source;
use super::file::{LineError, Lines, TextFile, cut_off, line_error};
use crate::Error;
use crate::directory::{Dn, Entry, Search, Value};

/// An LDIF file.
#[derive(Debug)]
pub struct Ldif(TextFile);

impl Ldif {
    /// Returns the source of the file at this path. The file is opened when it is read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(TextFile::new(path))
    }
}

impl Source for Ldif {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.0.read(|input, name| read(input, name, each))
    }
}

/// Reads a whole file of records; returns the number of entries.
fn read(input: impl BufRead, file: &str, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<usize, Error> {
    let mut lines = LogicalLines { lines: Lines::new(input), next: None };
    let mut entries = 0;
    while let Some(record) = read_record(&mut lines).map_err(|e| line_error(file, e))? {
        if let Some(entry) = entry_of_record(record).map_err(|e| line_error(file, e))? {
            entries += 1;
            each(entry)?;
        }
    }
    Ok(entries)
}

/// One unfolded line `attribute: value`.
struct AttributeLine {
    number: usize,
    attribute: String,
    value: Vec<u8>,
}

/// Logical lines: folded lines are joined and comments are skipped. An empty line ends a record.
struct LogicalLines<R> {
    lines: Lines<R>,
    /// The physical line after the current logical line, if it was read already.
    next: Option<Vec<u8>>,
}

impl<R: BufRead> LogicalLines<R> {
    /// Reads one physical line; `None` at the end of the file.
    fn next_physical(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        if let Some(line) = self.next.take() {
            return Ok(Some(line));
        }
        match self.lines.next()? {
            Some((_, false)) => Err((self.lines.number, cut_off())),
            line => Ok(line.map(|(line, _)| line)),
        }
    }

    /// Reads one logical line, with the number of its first physical line; `None` at the end of the file.
    fn next(&mut self) -> Result<Option<(usize, Vec<u8>)>, LineError> {
        loop {
            let Some(mut line) = self.next_physical()? else { return Ok(None) };
            let number = self.lines.number;
            if line.is_empty() {
                return Ok(Some((number, line)));
            }
            while let Some(more) = self.next_physical()? {
                match more.strip_prefix(b" ") {
                    Some(rest) => line.extend_from_slice(rest),
                    None => {
                        self.next = Some(more);
                        break;
                    }
                }
            }
            if line.first() != Some(&b'#') {
                return Ok(Some((number, line)));
            }
        }
    }
}

/// Reads the lines of one record; `None` at the end of the file.
fn read_record<R: BufRead>(lines: &mut LogicalLines<R>) -> Result<Option<Vec<AttributeLine>>, LineError> {
    let mut record = Vec::new();
    while let Some((number, line)) = lines.next()? {
        if line.is_empty() {
            if record.is_empty() {
                continue;
            }
            return Ok(Some(record));
        }
        let line = parse_line(number, &line)?;
        // The version is at the top, with or without an empty line after it.
        if record.is_empty() && line.attribute.eq_ignore_ascii_case("version") {
            if line.value != b"1" {
                return Err((number, "only LDIF version 1 is supported".into()));
            }
            continue;
        }
        record.push(line);
    }
    Ok(Some(record).filter(|r| !r.is_empty()))
}

fn parse_line(number: usize, line: &[u8]) -> Result<AttributeLine, LineError> {
    if line.first() == Some(&b' ') {
        return Err((number, "continues a line, but no line is before it".into()));
    }
    let colon = line.iter().position(|b| *b == b':').ok_or_else(|| {
        let message = Message::new("is not `attribute: value`, so the file is damaged or not LDIF");
        (number, message.with_hint("export the file again as LDIF"))
    })?;
    let attribute = std::str::from_utf8(&line[..colon]).ok().map(str::trim).filter(|name| is_description(name));
    let attribute =
        attribute.ok_or_else(|| (number, "does not begin with the name of an attribute".into()))?.to_owned();
    let rest = &line[colon + 1..];
    let value = match rest.first() {
        Some(b':') => {
            let encoded = rest[1..].trim_ascii();
            STANDARD
                .decode(encoded)
                .map_err(|_| (number, format!("{attribute}: the base64 value is damaged or cut off").into()))?
        }
        Some(b'<') => {
            let message = Message::new(format!(
                "{attribute}: the value is in another file or at a URL, which pfscim does not read"
            ));
            return Err((number, message.with_hint("export the value itself")));
        }
        _ => {
            let value = rest.trim_ascii_start();
            if std::str::from_utf8(value).is_err() {
                return Err((number, format!("{attribute}: the value is not UTF-8").into()));
            }
            value.to_vec()
        }
    };
    Ok(AttributeLine { number, attribute, value })
}

/// Returns whether the text is the name or number of an attribute, with options (RFC 4512 section 2.5).
fn is_description(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b';' | b'=' | b'*' | b'_'))
}

/// Returns the entry of a record; `None` for the records that `ldapsearch` writes between and after entries.
fn entry_of_record(record: Vec<AttributeLine>) -> Result<Option<Entry>, LineError> {
    let mut lines = record.into_iter();
    let Some(first) = lines.next() else { return Ok(None) };
    if !first.attribute.eq_ignore_ascii_case("dn") {
        return check_search_record(&first, lines);
    }
    let dn = String::from_utf8(first.value).ok().filter(|dn| Dn::parse(dn).is_some());
    let Some(dn) = dn else { return Err((first.number, "the value of dn is not a distinguished name".into())) };
    let mut entry = Entry::new(dn);
    entry.place = format!("line {}", first.number);
    for line in lines {
        match line.attribute.to_ascii_lowercase().as_str() {
            "dn" => {
                let message = Message::new("the record has a second dn");
                return Err((line.number, message.with_hint("put an empty line between records")));
            }
            "changetype" | "control" => {
                let message = Message::new("change records cannot be a source");
                return Err((line.number, message.with_hint("export the entries themselves")));
            }
            _ => {}
        }
        let (name, options) = line.attribute.split_once(';').unwrap_or((&line.attribute, ""));
        let ranged = options.split(';').find_map(|o| o.to_ascii_lowercase().strip_prefix("range=").map(str::to_owned));
        if ranged.is_some_and(|range| !range.ends_with('*')) {
            let message = Message::new(format!("the export contains only some values of {name}"));
            return Err((line.number, message.with_hint("export all values of the attribute")));
        }
        entry.push_described(&line.attribute, Value::new(line.value));
    }
    Ok(Some(entry))
}

/// Checks a record without dn. `ldapsearch` without `-L` ends its output with the result of the search, and also writes
/// referrals to other servers.
fn check_search_record(
    first: &AttributeLine,
    mut rest: impl Iterator<Item = AttributeLine>,
) -> Result<Option<Entry>, LineError> {
    let result = match first.attribute.as_str() {
        "ref" => return Ok(None),
        "search" => rest.find(|line| line.attribute == "result"),
        _ => None,
    };
    let Some(result) = result else {
        let message = Message::new("the record does not begin with its dn, so the file may be damaged");
        return Err((first.number, message.with_hint("export the file again")));
    };
    if result.value == b"0" || result.value.starts_with(b"0 ") {
        return Ok(None);
    }
    let result_text = excerpt(&String::from_utf8_lossy(&result.value));
    let message = Message::new(format!("the search of this export failed, so entries are missing: {result_text}"));
    Err((result.number, message.with_hint("correct the search, and export again")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(text: &[u8]) -> Result<Vec<Entry>, String> {
        let mut all = Vec::new();
        read(text, "x.ldif", &mut |entry| {
            all.push(entry);
            Ok(())
        })
        .map_err(|e| e.to_string())?;
        Ok(all)
    }

    fn error_of(text: &[u8]) -> String {
        entries(text).map(|_| ()).unwrap_err()
    }

    fn texts(entry: &Entry, attribute: &str) -> Vec<String> {
        entry.values(attribute).iter().map(|v| v.text().unwrap().to_owned()).collect()
    }

    #[test]
    fn all_forms_of_lines_of_the_rfc_are_read() {
        let text = b"version: 1\r\n# a comment\r\n  that goes on\r\ndn: cn=Jane,\r\n  dc=x\r\nobjectClass: top\r\nobjectclass:person\r\nsn:: RMO2ZQ==\r\ndescription:\r\nuserCertificate;binary:: AAE=\r\ncn;lang-de: Johanna\r\n\r\n\r\ndn:: Y249YixkYz14\nsn: B\n";
        let all = entries(text).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].dn, "cn=Jane, dc=x");
        assert_eq!(all[0].place, "line 4");
        assert!(all[0].has_object_class("PERSON"));
        assert_eq!(texts(&all[0], "SN"), ["Döe"]);
        assert_eq!(texts(&all[0], "description"), [""]);
        assert_eq!(all[0].values("usercertificate")[0].bytes(), [0, 1]);
        assert!(all[0].values("cn").is_empty());
        assert_eq!(all[1].dn, "cn=b,dc=x");
    }

    #[test]
    fn the_output_of_ldapsearch_is_read_and_a_failed_search_is_an_error() {
        let whole = b"# extended LDIF\n\n# a, x\ndn: cn=a,dc=x\nsn: A\n\n# search reference\nref: ldap://other/dc=y\n\n# search result\nsearch: 2\nresult: 0 Success\n\n# numEntries: 1\n";
        assert_eq!(entries(whole).unwrap().len(), 1);
        let partial = b"dn: cn=a,dc=x\nsn: A\n\nsearch: 2\nresult: 4 Size limit exceeded\n";
        assert!(error_of(partial).contains("line 5: the search of this export failed"), "{}", error_of(partial));
    }

    #[test]
    fn a_file_without_entries_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ldif");
        for text in ["", "\n\n", "version: 1\n", "# nothing\n"] {
            std::fs::write(&path, text).unwrap();
            let search = Search {
                base: "",
                base_label: "Base DN",
                base_only: false,
                filter: "(objectClass=*)".into(),
                attributes: Vec::new(),
            };
            let error = Ldif::new(&path).read(&search, &mut |_| Ok(())).unwrap_err().to_string();
            assert!(error.contains("contains no entry"), "{text:?}: {error}");
        }
    }

    #[test]
    fn invalid_lines_are_named() {
        for (text, line, expected) in [
            ("dn: cn=a\nsn: A", 2, "in the middle"),
            ("dn: cn=a\nsn:: AAA\n", 2, "base64"),
            ("sn: A\n", 1, "begin with its dn"),
            ("dn: cn=a\nsn: A\n\nmail: b\n", 4, "begin with its dn"),
            ("dn: what\n", 1, "not a distinguished name"),
            ("dn: cn=a\nrubbish\n", 2, "attribute: value"),
            ("dn: cn=a\nsn: A\ndn: cn=b\n", 3, "second dn"),
            ("dn: cn=a\nchangetype: delete\n", 2, "change records"),
            ("dn: cn=a\njpegPhoto:< file:///x\n", 2, "not read"),
            (" x\n", 1, "continues"),
            ("dn: cn=a\nmember;range=0-1499: cn=b\n", 2, "only some values of member"),
            ("version: 2\n", 1, "version 1"),
        ] {
            let error = error_of(text.as_bytes());
            assert!(
                error.starts_with(&format!("x.ldif: line {line}: ")) && error.contains(expected),
                "{text:?}: {error}"
            );
        }
        assert!(error_of(b"dn: cn=a\nsn: \xe4\n").contains("not UTF-8"));
        assert!(error_of(b"\xff\xfed\0n\0\n").contains("UTF-16"));
    }

    /// Writes a record in the form of RFC 2849, folded at the given width.
    fn write(dn: &str, values: &[(String, Vec<u8>)], width: usize, end: &str) -> Vec<u8> {
        let mut out = String::new();
        let dn = ("dn".to_owned(), dn.as_bytes().to_vec());
        for (name, value) in std::iter::once(&dn).chain(values) {
            let safe = value.iter().all(|b| (0x20..0x7f).contains(b))
                && !matches!(value.first(), Some(b' ' | b':' | b'<'))
                && value.last() != Some(&b' ');
            let line = if safe {
                format!("{name}: {}", String::from_utf8(value.clone()).unwrap())
            } else {
                format!("{name}:: {}", STANDARD.encode(value))
            };
            for (i, part) in line.as_bytes().chunks(width).enumerate() {
                out.push_str(if i == 0 { "" } else { " " });
                out.push_str(std::str::from_utf8(part).unwrap());
                out.push_str(end);
            }
        }
        out.push_str(end);
        out.into_bytes()
    }

    proptest! {
        #[test]
        fn a_written_file_is_read_back_unchanged(
            cn in "[a-z äß日]{0,20}[a-z]",
            values in proptest::collection::vec(("[a-z]{3,8}", proptest::collection::vec(any::<u8>(), 0..60)), 0..8),
            width in 2_usize..80,
            crlf in any::<bool>(),
        ) {
            let dn = format!("cn={cn},dc=x");
            let values: Vec<_> = values.into_iter().map(|(n, v)| (format!("x-{n}"), v)).collect();
            let file = write(&dn, &values, width, if crlf { "\r\n" } else { "\n" });
            let all = entries(&file).unwrap();
            prop_assert_eq!(all.len(), 1);
            prop_assert_eq!(&all[0].dn, &dn);
            for (name, value) in &values {
                prop_assert!(all[0].values(name).iter().any(|v| v.bytes() == value));
            }
        }

        #[test]
        fn a_file_cut_inside_a_line_is_rejected(cut in 1_usize..58) {
            let file = b"dn: cn=a,dc=x\nsn: Somebody\nmail: somebody@example.com\ncn: a\n";
            let part = &file[..cut];
            prop_assume!(part.last() != Some(&b'\n'));
            prop_assert!(entries(part).is_err());
        }

        #[test]
        fn reading_any_bytes_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = entries(&bytes);
        }
    }
}
