//! Writes values into frames and reads them back.
//! Does not know: the virtual machine, operations, what a value means.
//!
//! `Frame.java` is the other half. A frame is a version byte and then values without tags, because both sides know
//! their order. Numbers are big-endian. A byte string is a 32-bit length and its bytes, and the length -1 means null. A
//! string is a byte string in UTF-8. A list is a 32-bit count and its items. A map is a 32-bit count and its keys and
//! values. A boolean is one byte, 0 or 1.

use std::collections::BTreeMap;

use thiserror::Error;

/// The version of this layout. Both halves are in one jar, so another version means another library.
const VERSION: u8 = 1;

/// Why a frame cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum FrameError {
    #[error("it has version {0} instead of {VERSION}")]
    Version(u8),
    #[error("it ends in the middle of a value")]
    Short,
    #[error("{0} bytes follow its last value")]
    Long(usize),
    #[error("it contains the invalid length {0}")]
    Length(i32),
    #[error("it contains the invalid boolean {0}")]
    Boolean(u8),
    #[error("it contains text that is not UTF-8")]
    Text,
    #[error("it contains null instead of a value")]
    Null,
    #[error("it requests the unknown operation {0}")]
    Operation(u8),
}

/// Reads the values of a frame, in the order in which they were written.
#[derive(Debug)]
pub(crate) struct FrameReader<'a> {
    rest: &'a [u8],
}

impl<'a> FrameReader<'a> {
    /// Starts to read a frame, and checks its version.
    pub(crate) fn new(frame: &'a [u8]) -> Result<Self, FrameError> {
        let mut reader = Self { rest: frame };
        match reader.u8()? {
            VERSION => Ok(reader),
            other => Err(FrameError::Version(other)),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(FrameError::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(FrameError::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FrameError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, FrameError> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub(crate) fn bool(&mut self) -> Result<bool, FrameError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(FrameError::Boolean(other)),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        match i32::from_be_bytes(self.array()?) {
            -1 => Ok(None),
            length => Ok(Some(self.take(usize::try_from(length).map_err(|_| FrameError::Length(length))?)?.to_vec())),
        }
    }

    pub(crate) fn string(&mut self) -> Result<Option<String>, FrameError> {
        self.bytes()?.map(|bytes| String::from_utf8(bytes).map_err(|_| FrameError::Text)).transpose()
    }

    /// Reads a string that must not be null.
    pub(crate) fn text(&mut self) -> Result<String, FrameError> {
        self.string()?.ok_or(FrameError::Null)
    }

    /// Reads a byte string that must not be null.
    pub(crate) fn blob(&mut self) -> Result<Vec<u8>, FrameError> {
        self.bytes()?.ok_or(FrameError::Null)
    }

    /// Reads a list. An item has at least one byte, so a count above the bytes that are left is an error. The check
    /// comes before memory is allocated.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, FrameError>,
    ) -> Result<Vec<T>, FrameError> {
        let count = i32::from_be_bytes(self.array()?);
        let count = usize::try_from(count).map_err(|_| FrameError::Length(count))?;
        if count > self.rest.len() {
            return Err(FrameError::Short);
        }
        (0..count).map(|_| item(self)).collect()
    }

    /// Reads a map whose keys are strings.
    pub(crate) fn map<T>(
        &mut self,
        mut value: impl FnMut(&mut Self) -> Result<T, FrameError>,
    ) -> Result<BTreeMap<String, T>, FrameError> {
        Ok(self.list(|r| Ok((r.text()?, value(r)?)))?.into_iter().collect())
    }

    /// Ends the frame. Returns an error if bytes are left.
    pub(crate) fn end(self) -> Result<(), FrameError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(FrameError::Long(left)),
        }
    }
}

/// Writes values into a frame.
#[derive(Debug)]
pub(crate) struct FrameWriter {
    frame: Vec<u8>,
}

impl FrameWriter {
    pub(crate) fn new() -> Self {
        Self { frame: vec![VERSION] }
    }

    /// Appends the values of another frame.
    pub(crate) fn append(&mut self, other: Self) -> &mut Self {
        self.frame.extend(other.frame.into_iter().skip(1));
        self
    }

    /// Returns the bytes of the frame.
    pub(crate) fn into_frame(self) -> Vec<u8> {
        self.frame
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.frame.push(value);
        self
    }

    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.frame.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.u8(u8::from(value))
    }

    /// Writes a length. A Java array has at most `i32::MAX` bytes, and core limits responses far below that.
    fn length(&mut self, length: usize) -> &mut Self {
        self.frame.extend(i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
        self
    }

    pub(crate) fn bytes(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            None => self.frame.extend((-1_i32).to_be_bytes()),
            Some(bytes) => self.length(bytes.len()).frame.extend(bytes),
        }
        self
    }

    pub(crate) fn string(&mut self, value: Option<&str>) -> &mut Self {
        self.bytes(value.map(str::as_bytes))
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.string(Some(value))
    }

    pub(crate) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        mut put: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        let items = items.into_iter();
        self.length(items.len());
        for item in items {
            put(self, item);
        }
        self
    }

    /// Writes a list of strings.
    pub(crate) fn texts(&mut self, items: &[String]) -> &mut Self {
        self.list(items, |w, item| {
            w.text(item);
        })
    }

    pub(crate) fn map<T>(&mut self, map: &BTreeMap<String, T>, mut put: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.list(map, |w, (key, value)| put(w.text(key), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Sample = (Option<Vec<u8>>, Option<String>, Vec<Option<String>>, BTreeMap<String, Vec<String>>, i64, bool, u8);

    fn written(sample: &Sample) -> Vec<u8> {
        let mut w = FrameWriter::new();
        w.bytes(sample.0.as_deref()).string(sample.1.as_deref());
        w.list(&sample.2, |w, s| {
            w.string(s.as_deref());
        });
        w.map(&sample.3, |w, values| {
            w.texts(values);
        });
        w.i64(sample.4).bool(sample.5).u8(sample.6);
        w.into_frame()
    }

    fn read(frame: &[u8]) -> Result<Sample, FrameError> {
        let mut r = FrameReader::new(frame)?;
        let sample = (
            r.bytes()?,
            r.string()?,
            r.list(FrameReader::string)?,
            r.map(|r| r.list(FrameReader::text))?,
            r.i64()?,
            r.bool()?,
            r.u8()?,
        );
        r.end()?;
        Ok(sample)
    }

    fn sample() -> impl Strategy<Value = Sample> {
        let text = || "\\PC{0,12}|[\\x00-\\x1f😀\u{10ffff}]{0,4}";
        (
            proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
            proptest::option::of(text()),
            proptest::collection::vec(proptest::option::of(text()), 0..6),
            proptest::collection::btree_map(text(), proptest::collection::vec(text(), 0..4), 0..5),
            any::<i64>(),
            any::<bool>(),
            any::<u8>(),
        )
    }

    proptest! {
        #[test]
        fn written_values_read_back(sample in sample()) {
            prop_assert_eq!(read(&written(&sample)), Ok(sample));
        }

        #[test]
        fn every_truncated_frame_is_an_error(sample in sample()) {
            let frame = written(&sample);
            for length in 0..frame.len() {
                prop_assert!(read(&frame[..length]).is_err());
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read(&[&[VERSION], &bytes[..]].concat());
        }
    }

    #[test]
    fn each_invalid_value_has_its_own_error() {
        assert_eq!(read(&[]), Err(FrameError::Short));
        assert_eq!(read(&[9]), Err(FrameError::Version(9)));
        assert_eq!(read(&[VERSION, 0xff, 0xff, 0xff, 0xfe]), Err(FrameError::Length(-2)));
        assert_eq!(read(&[VERSION, 0x7f, 0xff, 0xff, 0xff, 1]), Err(FrameError::Short));
        assert_eq!(FrameReader::new(&[VERSION, 0, 0, 0, 1, 0x80]).and_then(|mut r| r.string()), Err(FrameError::Text));
        assert_eq!(FrameReader::new(&[VERSION, 2]).and_then(|mut r| r.bool()), Err(FrameError::Boolean(2)));
        assert_eq!(FrameReader::new(&[VERSION, 1]).and_then(FrameReader::end), Err(FrameError::Long(1)));
    }

    #[test]
    fn a_huge_count_allocates_no_memory() {
        let frame = [VERSION, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        assert_eq!(FrameReader::new(&frame).and_then(|mut r| r.list(FrameReader::text)), Err(FrameError::Short));
    }
}
