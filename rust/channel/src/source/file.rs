//! Files of text: opened under a name that fits a message, read line by line, and refused where they may have been cut
//! off or change while they are read. May not know what the lines say.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::SystemTime;

use pfscim_core::text::printable;

use crate::Error;

/// What is wrong, and in which line.
pub(super) type Broken = (usize, String);

/// Why a last line without an end is refused.
pub(super) const CUT_OFF: &str =
    "the file ends in the middle of this line, as one does that was cut off; if it is whole, end it with a line break";

/// A file.
#[derive(Debug)]
pub(super) struct Text {
    path: PathBuf,
    /// Length and time of the file when it was first opened: it is read more than once, and has to stay the same.
    first: OnceLock<Version>,
}

type Version = (u64, Option<SystemTime>);

impl Text {
    /// The file at this path; it is opened when it is read.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), first: OnceLock::new() }
    }

    /// Hands the whole file and its name to `read`, which says how many entries it holds.
    pub(super) fn read(&self, read: impl FnOnce(BufReader<File>, &str) -> Result<usize, Error>) -> Result<(), Error> {
        let name = printable(&self.path.display().to_string());
        let unreadable = |e: std::io::Error| Error::unusable(format!("{name}: {e}"));
        let file = File::open(&self.path).map_err(unreadable)?;
        let version = || {
            let data = std::fs::metadata(&self.path).map_err(unreadable)?;
            Ok::<Version, Error>((data.len(), data.modified().ok()))
        };
        let first = version().map(|now| *self.first.get_or_init(|| now))?;
        let result = read(BufReader::new(file), &name);
        if version()? != first {
            return Err(Error::unusable(format!(
                "{name}: the file changed while it was read; start again when it is whole"
            )));
        }
        match result? {
            0 => Err(Error::unusable(format!(
                "{name}: holds no entry: an empty export is not taken for an empty directory"
            ))),
            _ => Ok(()),
        }
    }
}

/// The message about a broken line.
pub(super) fn broken(file: &str, (line, text): Broken) -> Error {
    Error::unusable(format!("{file}: line {line}: {text}"))
}

/// The lines of a file, with their numbers.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    /// The line that was read last; from 1.
    pub(super) number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// One line, and whether it has an end, which is taken off; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<(Vec<u8>, bool)>, Broken> {
        let mut line = Vec::new();
        self.number += 1;
        let read =
            self.input.read_until(b'\n', &mut line).map_err(|e| (self.number, format!("cannot be read: {e}")))?;
        if read == 0 {
            self.number -= 1;
            return Ok(None);
        }
        let ended = line.last() == Some(&b'\n');
        if ended {
            line.pop();
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if self.number == 1 {
            if line.starts_with(&[0xff, 0xfe]) || line.starts_with(&[0xfe, 0xff]) {
                return Err((1, "the file is UTF-16, and has to be UTF-8 (ldifde writes UTF-16 with -u only)".into()));
            }
            if line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
        }
        Ok(Some((line, ended)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let told = Text::new("nowhere.ldif").read(|_, _| Ok(1)).unwrap_err().to_string();
        assert!(told.starts_with("nowhere.ldif: "), "{told}");
    }

    #[test]
    fn a_file_that_changes_between_or_while_reading_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, "a\n").unwrap();
        let text = Text::new(&path);
        text.read(|_, _| Ok(1)).unwrap();
        text.read(|_, _| Ok(1)).unwrap();
        std::fs::write(&path, "a\nb\n").unwrap();
        assert!(text.read(|_, _| Ok(1)).unwrap_err().to_string().contains("changed while"));
        let growing = Text::new(&path).read(|_, _| {
            std::fs::write(&path, "a\n").unwrap();
            Ok(1)
        });
        assert!(growing.unwrap_err().to_string().contains("changed while"));
    }

    #[test]
    fn a_file_without_entries_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, "").unwrap();
        assert!(Text::new(&path).read(|_, _| Ok(0)).unwrap_err().to_string().contains("holds no entry"));
    }
}
