//! Reads JSON lines: each line is an object, and the value of each attribute is a string or a list of strings.
//! Does not know: what the attributes mean, except the name of the entry.
//!
//! The attributes `dn`, `objectClass` and `memberOf` are optional and mean the same as in a directory.

use std::fmt;
use std::io::BufRead;
use std::path::PathBuf;

use pfscim_core::Message;
use pfscim_core::text::excerpt;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value as Json;

use super::Source;
use super::file::{LineError, Lines, TextFile, cut_off, line_error};
use super::row::entry_of_row;
use crate::Error;
use crate::directory::{Entry, Search, Value};

/// A file of JSON lines.
#[derive(Debug)]
pub struct JsonLines(TextFile);

impl JsonLines {
    /// Returns the source of the file at this path. The file is opened when it is read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(TextFile::new(path))
    }
}

impl Source for JsonLines {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.0.read(|input, name| read(input, name, each))
    }
}

/// Reads a whole file; returns the number of entries.
fn read(input: impl BufRead, file: &str, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<usize, Error> {
    let mut lines = Lines::new(input);
    let mut entries = 0;
    while let Some((line, has_line_break)) = lines.next().map_err(|e| line_error(file, e))? {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        entries += 1;
        each(entry(&line, lines.number, has_line_break).map_err(|e| line_error(file, e))?)?;
    }
    Ok(entries)
}

fn entry(line: &[u8], number: usize, has_line_break: bool) -> Result<Entry, LineError> {
    let error = |message: Message| (number, message);
    let object: Object = serde_json::from_slice(line).map_err(|e| match (has_line_break, e.is_data()) {
        (false, false) => error(cut_off()),
        // The library adds a line number, which is always 1.
        (_, true) => error(excerpt(e.to_string().split(" at line ").next().unwrap_or_default()).into()),
        _ => error(
            Message::new(format!("is not JSON (column {})", e.column())).with_hint("write one JSON object per line"),
        ),
    })?;
    let mut pairs = Vec::new();
    for (name, value) in object.0 {
        let texts = match value {
            Json::Null => Vec::new(),
            Json::String(text) => vec![text],
            Json::Array(items) => items
                .into_iter()
                .map(|item| match item {
                    Json::String(text) => Ok(text),
                    _ => {
                        Err(error(format!("{}: the list contains a value that is not a string", excerpt(&name)).into()))
                    }
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(error(format!("{}: is neither a string nor a list of strings", excerpt(&name)).into())),
        };
        pairs.extend(texts.into_iter().map(|text| (name.clone(), Value::from(text.as_str()))));
    }
    entry_of_row(number, pairs).map_err(|text| error(text.into()))
}

/// An object whose names are unique without regard to letter case, as in a directory.
struct Object(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs: Vec<(String, Json)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Json>()? {
                    if name.trim().is_empty() {
                        return Err(A::Error::custom("an attribute has no name"));
                    }
                    if pairs.iter().any(|(other, _)| other.to_lowercase() == name.to_lowercase()) {
                        return Err(A::Error::custom(format!("the attribute {} exists twice", excerpt(&name))));
                    }
                    pairs.push((name, value));
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(text: &[u8]) -> Result<Vec<Entry>, String> {
        let mut all = Vec::new();
        read(text, "x.jsonl", &mut |entry| {
            all.push(entry);
            Ok(())
        })
        .map_err(|e| e.to_string())?;
        Ok(all)
    }

    #[test]
    fn an_object_is_an_entry() {
        let text = "\u{feff}{\"id\": \"1\", \"Mail\": [\"a@x\", \"b@x\"], \"sn\": null}\r\n\n{\"id\":\"2\",\"dn\":\"cn=b,dc=x\"}";
        let all = entries(text.as_bytes()).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].values("mail"), [Value::from("a@x"), Value::from("b@x")]);
        assert!(all[0].values("sn").is_empty() && all[0].has_object_class("user"));
        assert_eq!((all[0].label(), all[1].label()), ("line 1", "cn=b,dc=x"));
        assert_eq!(all[1].place, "line 3");
    }

    #[test]
    fn invalid_lines_are_named() {
        for (text, line, expected) in [
            ("{\"id\":\"1\"}\n{\"id\":\"2\n", 2, "is not JSON (column 8)"),
            ("{\"id\":\"1\"}\n{\"id\":\"2", 2, "cut off"),
            ("{\"id\":\"1\"}{\"id\":\"2\"}\n", 1, "is not JSON"),
            ("[\"id\"]\n", 1, "expected one object"),
            ("{\"id\":\"1\",\"ID\":\"2\"}\n", 1, "ID exists twice"),
            ("{\"\":\"1\"}\n", 1, "no name"),
            ("\n{\"id\":1}\n", 2, "id: is neither"),
            ("{\"id\":[\"1\",null]}\n", 1, "id: the list contains a value that is not a string"),
            ("{\"dn\":\"what\"}\n", 1, "not a distinguished name"),
            ("{\"dn\":[\"cn=a\",\"cn=b\"]}\n", 1, "dn has more than one value"),
        ] {
            let error = entries(text.as_bytes()).map(|_| ()).unwrap_err();
            assert!(
                error.starts_with(&format!("x.jsonl: line {line}: ")) && error.contains(expected),
                "{text:?}: {error}"
            );
        }
        assert!(entries(b"{\"id\":\"\xe4\"}\n").is_err());
        assert!(entries("[".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn a_file_cut_inside_a_line_is_rejected(cut in 1_usize..48) {
            let file = b"{\"id\":\"1\",\"mail\":[\"a@x\",\"b@x\"]}\n{\"id\":\"2\"}\n";
            let part = &file[..cut.min(file.len())];
            prop_assume!(!matches!(part.last(), Some(b'\n' | b'}')));
            prop_assert!(entries(part).is_err());
        }

        #[test]
        fn reading_any_bytes_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = entries(&bytes);
        }
    }
}
