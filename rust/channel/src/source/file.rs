//! Reads text files line by line. Rejects files that change between or during reads, or contain no entry.
//! Does not know: what the lines mean.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::SystemTime;

use pfscim_core::Message;
use pfscim_core::text::printable;

use crate::Error;

/// An error in a line, with the number of the line.
pub(super) type LineError = (usize, Message);

/// Returns the error for a last line without a line break.
pub(super) fn cut_off() -> Message {
    Message::new("the file ends in the middle of this line, so it may be cut off")
        .with_hint("export it again, or end it with a line break if it is whole")
}

/// A text file.
#[derive(Debug)]
pub(super) struct TextFile {
    path: PathBuf,
    /// The version at the first read. The file is read several times and must stay the same.
    first_version: OnceLock<FileVersion>,
}

/// Length in bytes and time of the last change.
type FileVersion = (u64, Option<SystemTime>);

impl TextFile {
    /// Returns the file at this path. It is opened when it is read.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), first_version: OnceLock::new() }
    }

    /// Calls `read` with the whole file and its printable name; `read` returns the number of entries.
    ///
    /// # Errors
    /// The file cannot be read, changed since the first read, or contains no entry; or `read` returned an error.
    pub(super) fn read(&self, read: impl FnOnce(BufReader<File>, &str) -> Result<usize, Error>) -> Result<(), Error> {
        let name = printable(&self.path.display().to_string());
        let unreadable = |e: std::io::Error| Error::unusable(format!("{name}: {e}"));
        let file = File::open(&self.path).map_err(unreadable)?;
        let version = || {
            let metadata = std::fs::metadata(&self.path).map_err(unreadable)?;
            Ok::<FileVersion, Error>((metadata.len(), metadata.modified().ok()))
        };
        let first = version().map(|now| *self.first_version.get_or_init(|| now))?;
        let result = read(BufReader::new(file), &name);
        if version()? != first {
            return Err(Error::unusable(
                Message::new(format!("{name}: the file changed while it was read"))
                    .with_hint("run again after the export has ended"),
            ));
        }
        match result? {
            0 => Err(Error::unusable(
                Message::new(format!(
                    "{name}: contains no entry, and an empty export does not mean an empty directory"
                ))
                .with_hint("check the export"),
            )),
            _ => Ok(()),
        }
    }
}

/// Returns the error of a line, with its place.
pub(super) fn line_error(file: &str, (line, message): LineError) -> Error {
    Error::unusable(message.at(format!("{file}: line {line}")))
}

/// The lines of a file, with their numbers.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    /// The number of the last line that was read, from 1.
    pub(super) number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// Reads one line. Returns it without its line break, and whether it had one; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<(Vec<u8>, bool)>, LineError> {
        let mut line = Vec::new();
        self.number += 1;
        let read = self
            .input
            .read_until(b'\n', &mut line)
            .map_err(|e| (self.number, format!("cannot be read: {e}").into()))?;
        if read == 0 {
            self.number -= 1;
            return Ok(None);
        }
        let has_line_break = line.last() == Some(&b'\n');
        if has_line_break {
            line.pop();
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if self.number == 1 {
            if line.starts_with(&[0xff, 0xfe]) || line.starts_with(&[0xfe, 0xff]) {
                let message = Message::new("the file is UTF-16, but must be UTF-8");
                return Err((1, message.with_hint("convert the file, or run ldifde without -u")));
            }
            if line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
        }
        Ok(Some((line, has_line_break)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let error = TextFile::new("nowhere.ldif").read(|_, _| Ok(1)).unwrap_err().to_string();
        assert!(error.starts_with("nowhere.ldif: "), "{error}");
    }

    #[test]
    fn a_file_that_changes_between_or_during_reads_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, "a\n").unwrap();
        let text = TextFile::new(&path);
        text.read(|_, _| Ok(1)).unwrap();
        text.read(|_, _| Ok(1)).unwrap();
        std::fs::write(&path, "a\nb\n").unwrap();
        assert!(text.read(|_, _| Ok(1)).unwrap_err().to_string().contains("changed while"));
        let growing = TextFile::new(&path).read(|_, _| {
            std::fs::write(&path, "a\n").unwrap();
            Ok(1)
        });
        assert!(growing.unwrap_err().to_string().contains("changed while"));
    }

    #[test]
    fn a_file_without_entries_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, "").unwrap();
        assert!(TextFile::new(&path).read(|_, _| Ok(0)).unwrap_err().to_string().contains("x.csv: contains no entry"));
    }
}
