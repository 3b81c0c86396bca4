//! Compares the tables of docs/compatibility.md with the code: exit status, outcomes, failure codes, keys of JSON.
//! Compares the first column of each table, and the keys of each `json!`. The keys that a file assigns later count as one object.
//! Does not check: keys that the code computes, the meaning of a key, other columns, and sentences.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::Files;
use crate::markdown::{Page, codes};

/// The document that has the tables.
const DOCUMENT: &str = "docs/compatibility.md";

/// The first column of a table, and where its values are: the file, and the texts before and after them.
const VALUES: [(&str, &str, &str, &str); 4] = [
    ("status", "rust/cli/src/exit_status.rs", "fn status(self)", "\n    }"),
    ("outcome", "rust/core/src/record.rs", "fn as_str(self)", "\n    }"),
    ("code", "rust/core/src/failure.rs", "fn code(&self)", "\n    }"),
    ("code", "rust/cli/src/commands/verify.rs", "let code = ", ";"),
];

/// The folder and the file whose code writes JSON for scripts.
const WRITERS: [&str; 2] = ["rust/cli/src/", "rust/channel/src/prepare/describe.rs"];

/// The columns of the table of keys.
const KEYS: (&str, &str) = ("keys", "written in");

/// The values of a table, each with its line.
type LineByValue = BTreeMap<String, usize>;

/// Checks that each value of the code is in its table, and each value of a table is in the code.
pub fn compatibility(files: &Files) -> Vec<String> {
    let Some(text) = files.get(DOCUMENT) else { return vec![format!("{DOCUMENT} does not exist; restore it")] };
    let (columns, keys) = tables(text);
    let mut failures = Vec::new();
    for column in VALUES.map(|(column, ..)| column).into_iter().collect::<BTreeSet<_>>() {
        let mut values = BTreeSet::new();
        for (_, path, begin, end) in VALUES.iter().filter(|(of_column, ..)| *of_column == column) {
            match files.get(*path).and_then(|text| between(text, begin, end)) {
                Some(region) => values.extend(values_in(region)),
                None => failures.push(format!("{path} has no `{begin}`; correct VALUES in tests/architecture")),
            }
        }
        let table = format!("the table `{column}`");
        compare(&table, &values, columns.get(column).unwrap_or(&LineByValue::new()), &mut failures);
    }
    let writers = files.iter().filter(|(path, _)| WRITERS.iter().any(|w| path.starts_with(w)) && path.ends_with(".rs"));
    let mut objects_by_file: BTreeMap<&str, BTreeSet<String>> =
        keys.keys().map(|path| (path.as_str(), BTreeSet::new())).collect();
    for (path, text) in writers {
        let (mut objects, mut assigned) = (Vec::new(), BTreeSet::new());
        json_keys(text.parse().unwrap_or_default(), &mut objects, &mut assigned);
        assigned.retain(|key| !objects.iter().any(|object| object.contains(key)));
        objects.push(assigned);
        let found: BTreeSet<String> = objects.into_iter().filter(|keys| !keys.is_empty()).map(object).collect();
        if !found.is_empty() {
            objects_by_file.insert(path, found);
        }
    }
    for (path, found) in objects_by_file {
        compare(path, &found, keys.get(path).unwrap_or(&LineByValue::new()), &mut failures);
    }
    failures
}

fn compare(place: &str, code: &BTreeSet<String>, document: &LineByValue, failures: &mut Vec<String>) {
    for value in code.iter().filter(|value| !document.contains_key(*value)) {
        failures.push(format!("{DOCUMENT} does not list {value} for {place}; add it, and a line to CHANGELOG.md"));
    }
    for (value, line) in document.iter().filter(|(value, _)| !code.contains(*value)) {
        failures.push(format!(
            "{DOCUMENT}:{line} lists {value} for {place}, but the code does not have it; restore it, or change both as that document says"
        ));
    }
}

/// Returns the values of first columns by column, and the JSON objects by the file that writes them.
fn tables(text: &str) -> (BTreeMap<String, LineByValue>, BTreeMap<String, LineByValue>) {
    let (mut columns, mut keys) = (BTreeMap::<_, LineByValue>::new(), BTreeMap::<_, LineByValue>::new());
    for row in Page::read(text).rows {
        let Some((column, first)) = row.cells.first() else { continue };
        let values = codes(first).map(|value| (value.to_owned(), row.line));
        columns.entry(column.clone()).or_default().extend(values);
        if let (Some(names), Some(path)) = (row.cell(KEYS.0), row.cell(KEYS.1)) {
            let names = object(codes(names).map(str::to_owned).collect());
            let path = codes(path).next().unwrap_or("no file").to_owned();
            keys.entry(path).or_default().insert(names, row.line);
        }
    }
    (columns, keys)
}

/// Returns the text for a JSON object: its keys in alphabetical order.
fn object(keys: BTreeSet<String>) -> String {
    format!("the object {}", Vec::from_iter(keys).join(", "))
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    text.split_once(begin)?.1.split(end).next()
}

/// Returns the texts in quotes, or the numbers if the region has no texts.
fn values_in(region: &str) -> BTreeSet<String> {
    let texts: BTreeSet<_> = region.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let numbers = region.split(|c: char| !c.is_alphanumeric()).filter(|word| word.parse::<u32>().is_ok());
    if texts.is_empty() { numbers.map(str::to_owned).collect() } else { texts }
}

/// Collects the keys of each `json!` and of each `object["key"] =`, outside `#[cfg(test)]`.
fn json_keys(tokens: TokenStream, objects: &mut Vec<BTreeSet<String>>, assigned: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.to_string().replace(' ', "") == text);
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(_) if is(at, "#") && is(at + 1, "[cfg(test)]") => {
                let body = |at: &usize| is(*at, ";") || is(*at, ",") || tokens[*at].to_string().starts_with('{');
                at = (at..tokens.len()).find(body).unwrap_or(tokens.len());
            }
            TokenTree::Group(group) if at > 1 && is(at - 2, "json") && is(at - 1, "!") => {
                let mut keys = BTreeSet::new();
                literal_keys(group.stream(), &mut keys);
                objects.push(keys);
            }
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                if let ([key], Delimiter::Bracket) = (inner.as_slice(), group.delimiter())
                    && is(at + 1, "=")
                    && !is(at + 2, "=")
                {
                    assigned.extend(text(key));
                }
                json_keys(group.stream(), objects, assigned);
            }
            _ => {}
        }
        at += 1;
    }
}

fn literal_keys(tokens: TokenStream, keys: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if tokens.get(at + 1).is_some_and(|next| next.to_string() == ":") {
            keys.extend(text(token));
        }
        if let TokenTree::Group(group) = token {
            literal_keys(group.stream(), keys);
        }
    }
}

/// Returns the text of a string literal.
fn text(token: &TokenTree) -> Option<String> {
    Some(token.to_string().strip_prefix('"')?.strip_suffix('"')?.to_owned())
}
