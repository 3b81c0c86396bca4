//! LDIF content records (RFC 2849): what `ldapsearch`, `ldifde` and `slapcat` write. Change records are refused. No
//! well-kept crate reads LDIF (looked for in the registry), so this is our own. A file that may have been cut off is
//! an error that names the line.

use std::io::BufRead;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pfscim_core::text::excerpt;

use super::Source;
use super::file::{Broken, CUT_OFF, Lines, Text, broken};
use crate::Error;
use crate::directory::{Dn, Entry, Search, Value};

/// An LDIF file.
#[derive(Debug)]
pub struct Ldif(Text);

impl Ldif {
    /// The file at this path; it is opened when it is read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Text::new(path))
    }
}

impl Source for Ldif {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.0.read(|input, name| read(input, name, each))
    }
}

/// Reads a whole file of records; how many entries it holds.
fn read(input: impl BufRead, file: &str, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<usize, Error> {
    let mut lines = Logical { lines: Lines::new(input), next: None };
    let mut entries = 0;
    while let Some(record) = record(&mut lines).map_err(|e| broken(file, e))? {
        if let Some(entry) = content(record).map_err(|e| broken(file, e))? {
            entries += 1;
            each(entry)?;
        }
    }
    Ok(entries)
}

/// One `attribute: value` line, unfolded.
struct Line {
    number: usize,
    attribute: String,
    value: Vec<u8>,
}

/// Logical lines: folded ones joined, comments taken out, an empty one at the end of a record.
struct Logical<R> {
    lines: Lines<R>,
    /// A physical line that was read ahead.
    next: Option<Vec<u8>>,
}

impl<R: BufRead> Logical<R> {
    /// One physical line; `None` at the end of the file.
    fn physical(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        if let Some(line) = self.next.take() {
            return Ok(Some(line));
        }
        match self.lines.next()? {
            Some((_, false)) => Err((self.lines.number, CUT_OFF.into())),
            line => Ok(line.map(|(line, _)| line)),
        }
    }

    /// One logical line with the number of its first physical one; comments are left out.
    fn next(&mut self) -> Result<Option<(usize, Vec<u8>)>, Broken> {
        loop {
            let Some(mut line) = self.physical()? else { return Ok(None) };
            let number = self.lines.number;
            if line.is_empty() {
                return Ok(Some((number, line)));
            }
            while let Some(more) = self.physical()? {
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

/// The lines of one record; `None` at the end of the file.
fn record<R: BufRead>(lines: &mut Logical<R>) -> Result<Option<Vec<Line>>, Broken> {
    let mut record = Vec::new();
    while let Some((number, line)) = lines.next()? {
        if line.is_empty() {
            if record.is_empty() {
                continue;
            }
            return Ok(Some(record));
        }
        let line = pair(number, &line)?;
        // The version stands at the top, with or without an empty line behind it.
        if record.is_empty() && line.attribute.eq_ignore_ascii_case("version") {
            if line.value != b"1" {
                return Err((number, "only LDIF version 1 is known".into()));
            }
            continue;
        }
        record.push(line);
    }
    Ok(Some(record).filter(|r| !r.is_empty()))
}

fn pair(number: usize, line: &[u8]) -> Result<Line, Broken> {
    if line.first() == Some(&b' ') {
        return Err((number, "continues a line, but there is none before it".into()));
    }
    let colon = line
        .iter()
        .position(|b| *b == b':')
        .ok_or_else(|| (number, "is not `attribute: value`; the file may be damaged or not be LDIF".to_owned()))?;
    let attribute = std::str::from_utf8(&line[..colon]).ok().map(str::trim).filter(|name| is_description(name));
    let attribute =
        attribute.ok_or_else(|| (number, "does not begin with the name of an attribute".to_owned()))?.to_owned();
    let rest = &line[colon + 1..];
    let value = match rest.first() {
        Some(b':') => {
            let encoded = rest[1..].trim_ascii();
            STANDARD
                .decode(encoded)
                .map_err(|_| (number, format!("{attribute}: the base64 value is broken or cut off")))?
        }
        Some(b'<') => {
            return Err((number, format!("{attribute}: values that stand in another file or at a URL are not read")));
        }
        _ => {
            let value = rest.trim_ascii_start();
            if std::str::from_utf8(value).is_err() {
                return Err((number, format!("{attribute}: the value is not UTF-8")));
            }
            value.to_vec()
        }
    };
    Ok(Line { number, attribute, value })
}

/// An attribute's name or number, with options (RFC 4512 section 2.5).
fn is_description(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b';' | b'=' | b'*' | b'_'))
}

/// The entry of a record; `None` for what `ldapsearch` writes between and after entries.
fn content(record: Vec<Line>) -> Result<Option<Entry>, Broken> {
    let mut lines = record.into_iter();
    let Some(first) = lines.next() else { return Ok(None) };
    if !first.attribute.eq_ignore_ascii_case("dn") {
        return trailer(&first, lines);
    }
    let dn = String::from_utf8(first.value).ok().filter(|dn| Dn::parse(dn).is_some());
    let Some(dn) = dn else { return Err((first.number, "the value of dn is not a distinguished name".into())) };
    let mut entry = Entry::new(dn);
    entry.place = format!("line {}", first.number);
    for line in lines {
        match line.attribute.to_ascii_lowercase().as_str() {
            "dn" => return Err((line.number, "a second dn in one record: an empty line before it is missing".into())),
            "changetype" | "control" => {
                let text = "change records cannot be a source: export the entries themselves";
                return Err((line.number, text.into()));
            }
            _ => {}
        }
        let (name, options) = line.attribute.split_once(';').unwrap_or((&line.attribute, ""));
        let ranged = options.split(';').find_map(|o| o.to_ascii_lowercase().strip_prefix("range=").map(str::to_owned));
        if ranged.is_some_and(|range| !range.ends_with('*')) {
            return Err((line.number, format!("the export holds only some values of {name}: ask for the rest too")));
        }
        entry.push_described(&line.attribute, Value::new(line.value));
    }
    Ok(Some(entry))
}

/// `ldapsearch` without `-L` ends its output with the result of the search, and notes references to other servers.
fn trailer(first: &Line, mut rest: impl Iterator<Item = Line>) -> Result<Option<Entry>, Broken> {
    let result = match first.attribute.as_str() {
        "ref" => return Ok(None),
        "search" => rest.find(|line| line.attribute == "result"),
        _ => None,
    };
    let Some(result) = result else {
        return Err((first.number, "a record must begin with its dn; the file may be damaged".into()));
    };
    if result.value == b"0" || result.value.starts_with(b"0 ") {
        return Ok(None);
    }
    let told = excerpt(&String::from_utf8_lossy(&result.value));
    Err((result.number, format!("the search behind this export failed, so entries are missing: {told}")))
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

    fn refused(text: &[u8]) -> String {
        entries(text).map(|_| ()).unwrap_err()
    }

    fn texts(entry: &Entry, attribute: &str) -> Vec<String> {
        entry.values(attribute).iter().map(|v| v.text().unwrap().to_owned()).collect()
    }

    #[test]
    fn reads_what_the_rfc_allows() {
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
    fn the_output_of_ldapsearch_is_read_and_its_result_believed() {
        let whole = b"# extended LDIF\n\n# a, x\ndn: cn=a,dc=x\nsn: A\n\n# search reference\nref: ldap://other/dc=y\n\n# search result\nsearch: 2\nresult: 0 Success\n\n# numEntries: 1\n";
        assert_eq!(entries(whole).unwrap().len(), 1);
        let partial = b"dn: cn=a,dc=x\nsn: A\n\nsearch: 2\nresult: 4 Size limit exceeded\n";
        assert!(refused(partial).contains("line 5: the search behind this export failed"), "{}", refused(partial));
    }

    #[test]
    fn nothing_is_not_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ldif");
        for text in ["", "\n\n", "version: 1\n", "# nothing\n"] {
            std::fs::write(&path, text).unwrap();
            let anything = Search {
                base: "",
                base_label: "Base DN",
                base_only: false,
                filter: "(objectClass=*)".into(),
                attributes: Vec::new(),
            };
            let told = Ldif::new(&path).read(&anything, &mut |_| Ok(())).unwrap_err().to_string();
            assert!(told.contains("holds no entry"), "{text:?}: {told}");
        }
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        for (text, line, words) in [
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
            let told = refused(text.as_bytes());
            assert!(told.starts_with(&format!("x.ldif: line {line}: ")) && told.contains(words), "{text:?}: {told}");
        }
        assert!(refused(b"dn: cn=a\nsn: \xe4\n").contains("not UTF-8"));
        assert!(refused(b"\xff\xfed\0n\0\n").contains("UTF-16"));
    }

    /// Writes a record as RFC 2849 asks, folded at the given width.
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
        fn what_a_writer_wrote_reads_back(
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
        fn a_file_cut_inside_a_line_is_refused(cut in 1_usize..58) {
            let file = b"dn: cn=a,dc=x\nsn: Somebody\nmail: somebody@example.com\ncn: a\n";
            let part = &file[..cut];
            prop_assume!(part.last() != Some(&b'\n'));
            prop_assert!(entries(part).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = entries(&bytes);
        }
    }
}
