//! The frame codec: how values cross the boundary. Its other half is `Frame.java`; it knows shapes, not meanings.
//!
//! A frame is a version byte and then values, one after another without tags: both sides know the order.
//! Numbers are big-endian. A byte string is a 32-bit length and its bytes, a string likewise in UTF-8, -1 is null.
//! A list is a 32-bit count and its items, a map a count and its keys and values. A boolean is one byte, 0 or 1.

use std::collections::BTreeMap;

use thiserror::Error;

/// The layout described above. Both halves are in one jar, so it changes only to catch a library that is not ours.
const VERSION: u8 = 1;

/// A frame that does not hold what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Malformed {
    #[error("it has version {0} instead of {VERSION}")]
    Version(u8),
    #[error("it ends in the middle of a value")]
    Short,
    #[error("{0} bytes follow its last value")]
    Long(usize),
    #[error("it holds the length {0}")]
    Length(i32),
    #[error("it holds the boolean {0}")]
    Boolean(u8),
    #[error("it holds text that is not UTF-8")]
    Text,
    #[error("it holds null where there has to be a value")]
    Null,
    #[error("it asks for operation {0}, which there is not")]
    Operation(u8),
}

/// Takes values out of a frame, in the order in which they were put in.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Opens a frame.
    pub(crate) fn new(frame: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Self { rest: frame };
        match reader.u8()? {
            VERSION => Ok(reader),
            other => Err(Malformed::Version(other)),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Malformed::Boolean(other)),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        match i32::from_be_bytes(self.array()?) {
            -1 => Ok(None),
            length => Ok(Some(self.take(usize::try_from(length).map_err(|_| Malformed::Length(length))?)?.to_vec())),
        }
    }

    pub(crate) fn string(&mut self) -> Result<Option<String>, Malformed> {
        self.bytes()?.map(|bytes| String::from_utf8(bytes).map_err(|_| Malformed::Text)).transpose()
    }

    /// A string that may not be null.
    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        self.string()?.ok_or(Malformed::Null)
    }

    /// A byte string that may not be null.
    pub(crate) fn blob(&mut self) -> Result<Vec<u8>, Malformed> {
        self.bytes()?.ok_or(Malformed::Null)
    }

    /// A list. Every item takes a byte at least, so a count beyond what is left is known to be wrong before any
    /// memory is taken for it.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = i32::from_be_bytes(self.array()?);
        let count = usize::try_from(count).map_err(|_| Malformed::Length(count))?;
        if count > self.rest.len() {
            return Err(Malformed::Short);
        }
        (0..count).map(|_| item(self)).collect()
    }

    /// A map with text as its keys.
    pub(crate) fn map<T>(
        &mut self,
        mut value: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<BTreeMap<String, T>, Malformed> {
        Ok(self.list(|r| Ok((r.text()?, value(r)?)))?.into_iter().collect())
    }

    /// Closes the frame: nothing may be left in it.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(Malformed::Long(left)),
        }
    }
}

/// Puts values into a frame.
#[derive(Debug)]
pub(crate) struct Writer {
    frame: Vec<u8>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self { frame: vec![VERSION] }
    }

    /// The values of another frame, after those of this one.
    pub(crate) fn append(&mut self, other: Self) -> &mut Self {
        self.frame.extend(other.frame.into_iter().skip(1));
        self
    }

    /// The frame as it stands.
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

    /// A Java array holds no more than `i32::MAX` bytes, and answers are bounded far below that by the core.
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

    /// Lines of text.
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
        let mut w = Writer::new();
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

    fn read(frame: &[u8]) -> Result<Sample, Malformed> {
        let mut r = Reader::new(frame)?;
        let sample = (
            r.bytes()?,
            r.string()?,
            r.list(Reader::string)?,
            r.map(|r| r.list(Reader::text))?,
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
        fn what_is_written_reads_back(sample in sample()) {
            prop_assert_eq!(read(&written(&sample)), Ok(sample));
        }

        #[test]
        fn every_cut_off_frame_is_an_error(sample in sample()) {
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
    fn wrong_lengths_are_named() {
        assert_eq!(read(&[]), Err(Malformed::Short));
        assert_eq!(read(&[9]), Err(Malformed::Version(9)));
        assert_eq!(read(&[VERSION, 0xff, 0xff, 0xff, 0xfe]), Err(Malformed::Length(-2)));
        assert_eq!(read(&[VERSION, 0x7f, 0xff, 0xff, 0xff, 1]), Err(Malformed::Short));
        assert_eq!(Reader::new(&[VERSION, 0, 0, 0, 1, 0x80]).and_then(|mut r| r.string()), Err(Malformed::Text));
        assert_eq!(Reader::new(&[VERSION, 2]).and_then(|mut r| r.bool()), Err(Malformed::Boolean(2)));
        assert_eq!(Reader::new(&[VERSION, 1]).and_then(Reader::end), Err(Malformed::Long(1)));
    }

    #[test]
    fn a_huge_count_takes_no_memory() {
        let frame = [VERSION, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        assert_eq!(Reader::new(&frame).and_then(|mut r| r.list(Reader::text)), Err(Malformed::Short));
    }
}
