//! Reads CSV files (RFC 4180): the first line names the attributes, every other record is an entry.
//! Does not know: what the attributes mean, except the name of the entry.
//!
//! The columns `dn`, `objectClass` and `memberOf` are optional and mean the same as in a directory. An empty cell is not
//! a value. The `csv` library accepts misplaced quotes, so this module checks the quotes.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::path::PathBuf;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};
use pfscim_core::Message;
use pfscim_core::text::excerpt;

use super::Source;
use super::file::{LineError, TextFile, cut_off, line_error};
use super::row::{entry_of_row, is_dn_column};
use crate::Error;
use crate::directory::{Entry, Search, Value};

/// A CSV file.
#[derive(Debug)]
pub struct Csv {
    file: TextFile,
    format: CsvFormat,
}

/// The separators of a file.
#[derive(Debug, Clone, Copy)]
pub struct CsvFormat {
    /// The separator of cells; a byte of ASCII.
    pub delimiter: u8,
    /// The separator of several values in one cell; `None` if a cell is one value.
    pub value_separator: Option<char>,
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self { delimiter: b',', value_separator: None }
    }
}

impl Csv {
    /// Returns the source of the file at this path. The file is opened when it is read.
    pub fn new(path: impl Into<PathBuf>, format: CsvFormat) -> Self {
        Self { file: TextFile::new(path), format }
    }
}

impl Source for Csv {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.file.read(|input, name| read(input, name, self.format, each))
    }
}

/// Reads a whole file; returns the number of entries.
fn read(
    input: impl BufRead,
    file: &str,
    format: CsvFormat,
    each: &mut dyn FnMut(Entry) -> Result<(), Error>,
) -> Result<usize, Error> {
    let mut reader = ReaderBuilder::new()
        .delimiter(format.delimiter)
        .has_headers(false)
        .from_reader(QuoteChecker::new(input, format.delimiter));
    let mut record = ByteRecord::new();
    let mut names: Option<Vec<String>> = None;
    let mut entries = 0;
    loop {
        let more = reader.read_byte_record(&mut record);
        // An error in the quotes comes first, because other errors can follow from it.
        if let Some(error) = reader.get_ref().error.clone() {
            return Err(line_error(file, error));
        }
        let line = reader.get_mut().record_lines.pop_front().unwrap_or(1);
        if !more.map_err(|e| line_error(file, (line, record_error(&e))))? {
            return Ok(entries);
        }
        let result = match &names {
            None => header(&record, format).map(|header| {
                names = Some(header);
                None
            }),
            Some(names) => cells(&record, names, format)
                .and_then(|pairs| entry_of_row(line, pairs).map_err(Message::from))
                .map(Some),
        };
        if let Some(entry) = result.map_err(|message| line_error(file, (line, message)))? {
            entries += 1;
            each(entry)?;
        }
    }
}

fn record_error(error: &csv::Error) -> Message {
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} columns, but the first line has {expected_len}").into()
        }
        _ => format!("cannot be read: {}", excerpt(&error.to_string())).into(),
    }
}

fn header(record: &ByteRecord, format: CsvFormat) -> Result<Vec<String>, Message> {
    let mut names: Vec<String> = Vec::new();
    for (at, cell) in record.iter().enumerate() {
        let name = std::str::from_utf8(cell).map_err(|_| format!("column {}: the name is not UTF-8", at + 1))?;
        let name = if at == 0 { name.trim_start_matches('\u{feff}') } else { name }.trim();
        if name.is_empty() {
            let message = Message::new(format!("column {} has no name", at + 1));
            return Err(message.with_hint("name an attribute in each cell of the first line"));
        }
        if names.iter().any(|other| other.to_lowercase() == name.to_lowercase()) {
            return Err(format!("the column {} exists twice", excerpt(name)).into());
        }
        names.push(name.to_owned());
    }
    match names.first() {
        Some(only) if names.len() == 1 && format.delimiter == b',' && only.contains([';', '\t']) => {
            let message = Message::new("the first line has one column");
            Err(message.with_hint("if the separator is not a comma, set --csv-delimiter"))
        }
        _ => Ok(names),
    }
}

fn cells(record: &ByteRecord, names: &[String], format: CsvFormat) -> Result<Vec<(String, Value)>, Message> {
    let mut pairs = Vec::new();
    for (name, cell) in names.iter().zip(record) {
        let cell = std::str::from_utf8(cell).map_err(|_| format!("{}: the value is not UTF-8", excerpt(name)))?;
        let values: Vec<_> = match format.value_separator {
            // A distinguished name contains commas, and may contain any other separator.
            Some(separator) if !is_dn_column(name) => cell.split(separator).map(str::trim).collect(),
            _ => vec![cell],
        };
        pairs.extend(values.into_iter().filter(|v| !v.is_empty()).map(|v| (name.clone(), Value::from(v))));
    }
    Ok(pairs)
}

/// Passes bytes on and checks the quotes: a quote may only open a cell, and the cell must end after its closing quote. The
/// file must end with a line break.
struct QuoteChecker<R> {
    input: R,
    delimiter: u8,
    position: CellPosition,
    line: usize,
    /// The first lines of the records that were passed on but not yet returned. The library counts lines differently.
    record_lines: VecDeque<usize>,
    /// The line in which the open quote began.
    quote_line: usize,
    at_file_start: bool,
    error: Option<LineError>,
}

/// The position of the next byte in its cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CellPosition {
    LineStart,
    CellStart,
    Unquoted,
    Quoted,
    /// After a quote in a quoted cell: the closing quote, or the first of two.
    AfterQuote,
    /// After a carriage return, which must be part of a line break.
    AfterReturn,
}

impl<R> QuoteChecker<R> {
    fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            delimiter,
            position: CellPosition::LineStart,
            line: 1,
            record_lines: VecDeque::new(),
            quote_line: 1,
            at_file_start: true,
            error: None,
        }
    }

    /// Moves to the position after this byte, or returns why the byte may not be there.
    fn check(&mut self, byte: u8) -> Result<(), LineError> {
        use CellPosition::{AfterQuote, AfterReturn, CellStart, LineStart, Quoted, Unquoted};
        if self.position == LineStart && !matches!(byte, b'\r' | b'\n') {
            self.record_lines.push_back(self.line);
        }
        let error = |text: &str, hint: &str| Err((self.line, Message::new(text).with_hint(hint)));
        self.position = match (self.position, byte) {
            (Quoted, b'"') => AfterQuote,
            (Quoted, _) => Quoted,
            (LineStart | CellStart, b'"') => {
                self.quote_line = self.line;
                Quoted
            }
            (AfterQuote, b'"') => Quoted,
            (AfterReturn, b) if b != b'\n' => {
                return error("carriage return inside the line", "put the cell in quotes");
            }
            (_, b'"') => {
                return error("quote inside an unquoted cell", "put the cell in quotes and double its own quotes");
            }
            (_, b'\n') => LineStart,
            (_, b) if b == self.delimiter => CellStart,
            (_, b'\r') => AfterReturn,
            (AfterQuote, _) => {
                return error("text after the closing quote of a cell", "double the quotes inside the cell");
            }
            (_, 0) => {
                return error("zero byte in a cell, so the file is damaged or UTF-16", "export the file as UTF-8");
            }
            _ => Unquoted,
        };
        if byte == b'\n' {
            self.line += 1;
        }
        Ok(())
    }

    /// Returns an error if the file must not end at this position.
    fn check_end(&self) -> Result<(), LineError> {
        match self.position {
            CellPosition::LineStart => Ok(()),
            CellPosition::Quoted => Err((self.quote_line, "a quote opens in this line and is never closed".into())),
            _ => Err((self.line, cut_off())),
        }
    }
}

impl<R: BufRead> Read for QuoteChecker<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let mut read = self.input.read(out)?;
        if self.at_file_start {
            self.at_file_start = false;
            // After a byte order mark, a quote would not be at the start of the first cell.
            if let Some(rest) = out[..read].strip_prefix(b"\xef\xbb\xbf") {
                let rest = rest.to_vec();
                read = rest.len();
                out[..read].copy_from_slice(&rest);
            }
        }
        let result = match read {
            0 => self.check_end(),
            _ => out[..read].iter().try_for_each(|byte| self.check(*byte)),
        };
        result.map(|()| read).map_err(|error| {
            self.error = Some(error);
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
    fn invalid_lines_are_named() {
        for (text, line, expected) in [
            ("a,b\n1,2\n3\n", 3, "has 1 columns, but the first line has 2"),
            ("a,b\n1,2,3\n", 2, "has 3 columns"),
            ("a,A\n1,2\n", 1, "A exists twice"),
            ("a,\n1,2\n", 1, "column 2 has no name"),
            ("a;b\n1;2\n", 1, "--csv-delimiter"),
            ("a,b\n1,2\n3,\"4\n5,6\n", 3, "never closed"),
            ("a,b\n1,2\"\n", 2, "inside an unquoted cell"),
            ("a,b\n1,2\r3,4\n", 2, "carriage return"),
            ("a,b\r\n\r\n1,2\r\n3\r\n", 4, "has 1 columns"),
            ("a,b\n\"1\"2,3\n", 2, "after the closing quote"),
            ("a,b\n1,2\n3,4", 3, "cut off"),
            ("a,b\n1,\0\n", 2, "zero byte"),
            ("dn\nwhat\n", 2, "not a distinguished name"),
        ] {
            let error = entries(text).map(|_| ()).unwrap_err();
            assert!(
                error.starts_with(&format!("x.csv: line {line}: ")) && error.contains(expected),
                "{text:?}: {error}"
            );
        }
        assert!(
            entries_in(b"a\n\xe4\n", CsvFormat::default()).unwrap_err().contains("line 2: a: the value is not UTF-8")
        );
        assert_eq!(entries("a,b\n").unwrap().len(), 0);
        assert_eq!(entries("").unwrap().len(), 0);
    }

    proptest! {
        #[test]
        fn a_written_file_is_read_back_unchanged(
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
        fn a_file_cut_inside_a_line_is_rejected(cut in 1_usize..45) {
            let file = "a,b,c\n1,\"x\ny\",somebody\n2,\"z\",somebody else\n";
            let part = &file[..cut.min(file.len())];
            prop_assume!(!part.ends_with('\n') || part.ends_with("x\n"));
            prop_assert!(entries(part).is_err());
        }

        #[test]
        fn reading_any_bytes_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = entries_in(&bytes, CsvFormat { delimiter: b',', value_separator: Some(';') });
        }
    }
}
