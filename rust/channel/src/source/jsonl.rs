//! JSON lines: one object a line, an attribute's value a string or a list of strings. What a system exports that is no
//! directory; `dn`, `objectClass` and `memberOf` mean what they mean in one, where they are there.

use std::fmt;
use std::io::BufRead;
use std::path::PathBuf;

use pfscim_core::text::excerpt;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value as Json;

use super::Source;
use super::file::{Broken, CUT_OFF, Lines, Text, broken};
use super::row::row;
use crate::Error;
use crate::directory::{Entry, Search, Value};

/// A file of JSON lines.
#[derive(Debug)]
pub struct JsonLines(Text);

impl JsonLines {
    /// The file at this path; it is opened when it is read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Text::new(path))
    }
}

impl Source for JsonLines {
    fn read(&self, _: &Search<'_>, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<(), Error> {
        self.0.read(|input, name| read(input, name, each))
    }
}

/// Reads a whole file; how many entries it holds.
fn read(input: impl BufRead, file: &str, each: &mut dyn FnMut(Entry) -> Result<(), Error>) -> Result<usize, Error> {
    let mut lines = Lines::new(input);
    let mut entries = 0;
    while let Some((line, ended)) = lines.next().map_err(|e| broken(file, e))? {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        entries += 1;
        each(entry(&line, lines.number, ended).map_err(|e| broken(file, e))?)?;
    }
    Ok(entries)
}

fn entry(line: &[u8], number: usize, ended: bool) -> Result<Entry, Broken> {
    let told = |text: String| (number, text);
    let object: Object = serde_json::from_slice(line).map_err(|error| match (ended, error.is_data()) {
        (false, false) => told(CUT_OFF.into()),
        // The library names a line of its own, which is always the first.
        (_, true) => told(excerpt(error.to_string().split(" at line ").next().unwrap_or_default())),
        _ => told(format!("is not JSON (column {}); every line holds one object", error.column())),
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
                    _ => Err(told(format!("{}: a list may hold strings only", excerpt(&name)))),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(told(format!("{}: is neither a string nor a list of strings", excerpt(&name)))),
        };
        pairs.extend(texts.into_iter().map(|text| (name.clone(), Value::from(text.as_str()))));
    }
    row(number, pairs).map_err(told)
}

/// An object whose names are told apart as a directory does, without letter case.
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
                        return Err(A::Error::custom(format!("{} is there twice", excerpt(&name))));
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
    fn broken_lines_are_named() {
        for (text, line, words) in [
            ("{\"id\":\"1\"}\n{\"id\":\"2\n", 2, "is not JSON (column 8)"),
            ("{\"id\":\"1\"}\n{\"id\":\"2", 2, "cut off"),
            ("{\"id\":\"1\"}{\"id\":\"2\"}\n", 1, "is not JSON"),
            ("[\"id\"]\n", 1, "expected one object"),
            ("{\"id\":\"1\",\"ID\":\"2\"}\n", 1, "ID is there twice"),
            ("{\"\":\"1\"}\n", 1, "no name"),
            ("\n{\"id\":1}\n", 2, "id: is neither"),
            ("{\"id\":[\"1\",null]}\n", 1, "id: a list may hold strings only"),
            ("{\"dn\":\"what\"}\n", 1, "not a distinguished name"),
            ("{\"dn\":[\"cn=a\",\"cn=b\"]}\n", 1, "dn has more than one value"),
        ] {
            let told = entries(text.as_bytes()).map(|_| ()).unwrap_err();
            assert!(told.starts_with(&format!("x.jsonl: line {line}: ")) && told.contains(words), "{text:?}: {told}");
        }
        assert!(entries(b"{\"id\":\"\xe4\"}\n").is_err());
        assert!(entries("[".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn a_file_cut_inside_a_line_is_refused(cut in 1_usize..48) {
            let file = b"{\"id\":\"1\",\"mail\":[\"a@x\",\"b@x\"]}\n{\"id\":\"2\"}\n";
            let part = &file[..cut.min(file.len())];
            prop_assume!(!matches!(part.last(), Some(b'\n' | b'}')));
            prop_assert!(entries(part).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = entries(&bytes);
        }
    }
}
