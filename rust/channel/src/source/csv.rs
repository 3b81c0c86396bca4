//! CSV (RFC 4180): the first line names the attributes, every other one is an entry. What a system exports that is no
//! directory; `dn`, `objectClass` and `memberOf` mean what they mean in one, where there are such columns. An empty
//! cell is no value. The library forgives broken quotes, so these are looked for here.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::path::PathBuf;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};
use pfscim_core::text::excerpt;

use super::Source;
use super::file::{Broken, CUT_OFF, Text, broken};
use super::row::{NAMES, row};
use crate::Error;
use crate::directory::{Entry, Search, Value};

/// A CSV file.
#[derive(Debug)]
pub struct Csv {
    text: Text,
    format: CsvFormat,
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub struct CsvFormat {
    /// Between cells.
    pub delimiter: u8,
    /// Between several values in one cell; none where a cell is one value.
    pub value_separator: Option<char>,
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self { delimiter: b',', value_separator: None }
    }
}

impl Csv {
    /// The file at this path; it is opened when it is read.
    pub fn new(path: impl Into<PathBuf>, format: CsvFormat) -> Self {
        Self { text: Text::new(path), format }
    }
}

impl Source for Csv {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.text.read(|input, name| read(input, name, self.format, each))
    }
}

/// Reads a whole file; how many entries it holds.
fn read(
    input: impl BufRead,
    file: &str,
    format: CsvFormat,
    each: &mut dyn FnMut(Entry) -> Result<(), Error>,
) -> Result<usize, Error> {
    let mut reader = ReaderBuilder::new()
        .delimiter(format.delimiter)
        .has_headers(false)
        .from_reader(Strict::new(input, format.delimiter));
    let mut record = ByteRecord::new();
    let mut names: Option<Vec<String>> = None;
    let mut entries = 0;
    loop {
        let more = reader.read_byte_record(&mut record);
        // What the quotes are about is told before what follows from it.
        if let Some(problem) = reader.get_ref().problem.clone() {
            return Err(broken(file, problem));
        }
        let line = reader.get_mut().starts.pop_front().unwrap_or(1);
        if !more.map_err(|e| broken(file, (line, told(&e))))? {
            return Ok(entries);
        }
        let result = match &names {
            None => header(&record, format).map(|header| {
                names = Some(header);
                None
            }),
            Some(names) => cells(&record, names, format).and_then(|pairs| row(line, pairs)).map(Some),
        };
        if let Some(entry) = result.map_err(|text| broken(file, (line, text)))? {
            entries += 1;
            each(entry)?;
        }
    }
}

fn told(error: &csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} columns where the first line names {expected_len}")
        }
        _ => format!("cannot be read: {}", excerpt(&error.to_string())),
    }
}

fn header(record: &ByteRecord, format: CsvFormat) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for (at, cell) in record.iter().enumerate() {
        let name = std::str::from_utf8(cell).map_err(|_| format!("column {}: the name is not UTF-8", at + 1))?;
        let name = if at == 0 { name.trim_start_matches('\u{feff}') } else { name }.trim();
        if name.is_empty() {
            return Err(format!("column {} has no name; the first line names the attributes", at + 1));
        }
        if names.iter().any(|other| other.to_lowercase() == name.to_lowercase()) {
            return Err(format!("the column {} is there twice", excerpt(name)));
        }
        names.push(name.to_owned());
    }
    match names.first() {
        Some(only) if names.len() == 1 && format.delimiter == b',' && only.contains([';', '\t']) => Err(
            "names one column only; if something else than a comma stands between cells, say so with --csv-delimiter"
                .into(),
        ),
        _ => Ok(names),
    }
}

fn cells(record: &ByteRecord, names: &[String], format: CsvFormat) -> Result<Vec<(String, Value)>, String> {
    let mut pairs = Vec::new();
    for (name, cell) in names.iter().zip(record) {
        let cell = std::str::from_utf8(cell).map_err(|_| format!("{}: the value is not UTF-8", excerpt(name)))?;
        let values: Vec<_> = match format.value_separator {
            // A name has commas, and may have every other separator, of its own.
            Some(separator) if !is_name(name) => cell.split(separator).map(str::trim).collect(),
            _ => vec![cell],
        };
        pairs.extend(values.into_iter().filter(|v| !v.is_empty()).map(|v| (name.clone(), Value::from(v))));
    }
    Ok(pairs)
}

fn is_name(column: &str) -> bool {
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(column))
}

/// Passes bytes on and watches the quotes: one opens a cell and nothing else, after the one that closes it the cell
/// ends, and the file ends at the end of a line.
struct Strict<R> {
    input: R,
    delimiter: u8,
    place: Place,
    line: usize,
    /// The first lines of the records that were passed on and not taken yet: the library counts otherwise.
    starts: VecDeque<usize>,
    /// Where the quote that is open was opened.
    opened: usize,
    first: bool,
    problem: Option<Broken>,
}

/// Where in a cell the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    CellStart,
    Plain,
    Quoted,
    /// Behind a quote in a quoted cell: its end, or the first of two.
    Quote,
    /// Behind a carriage return, which has to belong to a line's end.
    Return,
}

impl<R> Strict<R> {
    fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            delimiter,
            place: Place::LineStart,
            line: 1,
            starts: VecDeque::new(),
            opened: 1,
            first: true,
            problem: None,
        }
    }

    fn watch(&mut self, byte: u8) -> Result<(), Broken> {
        if self.place == Place::LineStart && !matches!(byte, b'\r' | b'\n') {
            self.starts.push_back(self.line);
        }
        self.place = match (self.place, byte) {
            (Place::Quoted, b'"') => Place::Quote,
            (Place::Quoted, _) => Place::Quoted,
            (Place::LineStart | Place::CellStart, b'"') => {
                self.opened = self.line;
                Place::Quoted
            }
            (Place::Quote, b'"') => Place::Quoted,
            (Place::Return, b) if b != b'\n' => return Err((self.line, "a carriage return stands inside the line".into())),
            (_, b'"') => return Err((self.line, "a quote stands inside a cell that does not begin with one; a cell with quotes is put in quotes and its own are doubled".into())),
            (_, b'\n') => Place::LineStart,
            (_, b) if b == self.delimiter => Place::CellStart,
            (_, b'\r') => Place::Return,
            (Place::Quote, _) => return Err((self.line, "text follows the quote that ends a cell".into())),
            (_, 0) => return Err((self.line, "holds a zero byte: the file is damaged, or UTF-16 and has to be UTF-8".into())),
            _ => Place::Plain,
        };
        if byte == b'\n' {
            self.line += 1;
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Broken> {
        match self.place {
            Place::LineStart => Ok(()),
            Place::Quoted => Err((self.opened, "a quote is opened in this line and never closed".into())),
            _ => Err((self.line, CUT_OFF.into())),
        }
    }
}

impl<R: BufRead> Read for Strict<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let mut read = self.input.read(out)?;
        if self.first {
            self.first = false;
            // A byte order mark would keep the first name from being quoted.
            if let Some(rest) = out[..read].strip_prefix(b"\xef\xbb\xbf") {
                let rest = rest.to_vec();
                read = rest.len();
                out[..read].copy_from_slice(&rest);
            }
        }
        let result = match read {
            0 => self.end(),
            _ => out[..read].iter().try_for_each(|byte| self.watch(*byte)),
        };
        result.map(|()| read).map_err(|problem| {
            self.problem = Some(problem);
            std::io::Error::from(std::io::ErrorKind::InvalidData)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries_in(text: &[u8], format: CsvFormat) -> Result<Vec<Entry>, String> {
        let mut all = Vec::new();
        read(text, "x.csv", format, &mut |entry| {
            all.push(entry);
            Ok(())
        })
        .map_err(|e| e.to_string())?;
        Ok(all)
    }

    fn entries(text: &str) -> Result<Vec<Entry>, String> {
        entries_in(text.as_bytes(), CsvFormat::default())
    }

    fn texts<'e>(entry: &'e Entry, attribute: &str) -> Vec<&'e str> {
        entry.values(attribute).iter().map(|v| v.text().unwrap()).collect()
    }

    #[test]
    fn the_header_names_the_attributes() {
        let all = entries("\u{feff}\"entryUUID\", Mail ,sn\r\n1,a@x,\"Doe, \"\"J\"\"\nX\"\r\n2,,Roe\r\n").unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((texts(&all[0], "entryuuid"), texts(&all[0], "mail")), (vec!["1"], vec!["a@x"]));
        assert_eq!(texts(&all[0], "sn"), ["Doe, \"J\"\nX"]);
        assert!(all[1].values("mail").is_empty() && all[1].has_object_class("person"));
        assert_eq!((all[0].label(), all[1].label()), ("line 2", "line 4"));
    }

    #[test]
    fn a_separator_splits_cells_into_values_but_not_names() {
        let format = CsvFormat { delimiter: b'\t', value_separator: Some(';') };
        let all =
            entries_in(b"dn\tmail\tmemberOf\ncn=a\\;b,dc=x\ta@x; b@x;\tcn=one,dc=x;cn=two,dc=x\n", format).unwrap();
        assert_eq!(all[0].dn, r"cn=a\;b,dc=x");
        assert_eq!(texts(&all[0], "mail"), ["a@x", "b@x"]);
        assert_eq!(texts(&all[0], "memberOf"), ["cn=one,dc=x", "cn=two,dc=x"]);
        assert_eq!(texts(&entries("mail\na@x;b@x\n").unwrap()[0], "mail"), ["a@x;b@x"]);
    }

    #[test]
    fn broken_lines_are_named() {
        for (text, line, words) in [
            ("a,b\n1,2\n3\n", 3, "has 1 columns where the first line names 2"),
            ("a,b\n1,2,3\n", 2, "has 3 columns"),
            ("a,A\n1,2\n", 1, "A is there twice"),
            ("a,\n1,2\n", 1, "column 2 has no name"),
            ("a;b\n1;2\n", 1, "--csv-delimiter"),
            ("a,b\n1,2\n3,\"4\n5,6\n", 3, "never closed"),
            ("a,b\n1,2\"\n", 2, "inside a cell"),
            ("a,b\n1,2\r3,4\n", 2, "carriage return"),
            ("a,b\r\n\r\n1,2\r\n3\r\n", 4, "has 1 columns"),
            ("a,b\n\"1\"2,3\n", 2, "follows the quote"),
            ("a,b\n1,2\n3,4", 3, "cut off"),
            ("a,b\n1,\0\n", 2, "zero byte"),
            ("dn\nwhat\n", 2, "not a distinguished name"),
        ] {
            let told = entries(text).map(|_| ()).unwrap_err();
            assert!(told.starts_with(&format!("x.csv: line {line}: ")) && told.contains(words), "{text:?}: {told}");
        }
        assert!(
            entries_in(b"a\n\xe4\n", CsvFormat::default()).unwrap_err().contains("line 2: a: the value is not UTF-8")
        );
        assert_eq!(entries("a,b\n").unwrap().len(), 0);
        assert_eq!(entries("").unwrap().len(), 0);
    }

    proptest! {
        #[test]
        fn what_a_writer_wrote_reads_back(
            rows in proptest::collection::vec(proptest::collection::vec("[ -~äß\n]{0,12}", 3), 1..6),
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let all = entries_in(&writer.into_inner().unwrap(), CsvFormat::default()).unwrap();
            prop_assert_eq!(all.len(), rows.len());
            for (entry, row) in all.iter().zip(&rows) {
                for (name, cell) in ["a", "b", "c"].iter().zip(row) {
                    prop_assert_eq!(texts(entry, name).first().copied().unwrap_or_default(), cell);
                }
            }
        }

        #[test]
        fn a_file_cut_inside_a_line_is_refused(cut in 1_usize..45) {
            let file = "a,b,c\n1,\"x\ny\",somebody\n2,\"z\",somebody else\n";
            let part = &file[..cut.min(file.len())];
            prop_assume!(!part.ends_with('\n') || part.ends_with("x\n"));
            prop_assert!(entries(part).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = entries_in(&bytes, CsvFormat { delimiter: b',', value_separator: Some(';') });
        }
    }
}
