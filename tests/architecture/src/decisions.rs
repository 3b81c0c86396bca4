//! Compares the rows of the decision table with the tests that have their numbers in their names.
//! Does not check: what a test asserts, and the other columns of the table.

use std::collections::BTreeMap;

use crate::Files;
use crate::functions::{is_ignored, is_test, lines_above};
use crate::markdown::Page;

/// The document with the table whose first column is `row`.
const TABLE: &str = "docs/decisions.md";

/// The folder of the tests, which are functions `row_N_...` below `#[test]`.
const TESTS: &str = "rust/core/src/";

/// Checks that each row has a test, that each test has a row, and that the document names existing tests.
pub fn decisions(files: &Files) -> Vec<String> {
    let Some(text) = files.get(TABLE) else { return vec![format!("{TABLE} does not exist; restore it")] };
    let (mut failures, mut rows) = (Vec::new(), BTreeMap::new());
    let tests = tests(files, &mut failures);
    let page = Page::read(text);
    for row in &page.rows {
        let (line, Some(number)) = (row.line, row.cell("row")) else { continue };
        if let Some(before) = rows.insert(number, line) {
            failures.push(format!("{TABLE}:{line}: row {number} is in line {before} too; give it a number of its own"));
        }
    }
    for (name, line) in page.codes.iter().filter(|(code, _)| row_number(code).is_some()) {
        if !tests.contains_key(name.as_str()) {
            failures.push(format!("{TABLE}:{line}: {name} is not a test in {TESTS}; correct the name"));
        }
    }
    if rows.is_empty() {
        failures.push(format!("{TABLE} has no table with a column `row`; restore it"));
    }
    for (row, line) in &rows {
        if !tests.keys().any(|name| row_number(name) == Some(row)) {
            failures.push(format!("{TABLE}:{line}: row {row} has no test; add `fn row_{row}_...` in {TESTS}"));
        }
    }
    for (name, place) in &tests {
        if row_number(name).is_some_and(|row| !rows.contains_key(row)) {
            failures.push(format!(
                "{place}: {name} tests a row that {TABLE} does not have; add the row or rename the test"
            ));
        }
    }
    failures
}

/// Returns the place of each test by its name. Adds a failure for each test that does not always run.
fn tests<'f>(files: &'f Files, failures: &mut Vec<String>) -> BTreeMap<&'f str, String> {
    let mut tests = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with(TESTS) && path.ends_with(".rs")) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let name = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            let above = lines_above(&lines[..at]);
            let Some(name) = name.filter(|name| row_number(name).is_some() && is_test(&above)) else { continue };
            let place = format!("{path}:{}", at + 1);
            if is_ignored(&above) || above.iter().any(|line| line.starts_with("#[cfg")) {
                failures.push(format!("{place}: {name} is ignored or below #[cfg]; the test of a row always runs"));
            }
            tests.insert(name, place);
        }
    }
    tests
}

/// Returns the `5a` of `row_5a_...`.
fn row_number(name: &str) -> Option<&str> {
    let number = name.strip_prefix("row_")?.split('_').next()?;
    number.starts_with(|c: char| c.is_ascii_digit()).then_some(number)
}
