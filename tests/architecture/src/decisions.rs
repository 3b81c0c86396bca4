//! Compares the rows of the decision table with the tests that have their numbers in their names.
//! Does not see what a test asserts, nor the other columns of the table.

use std::collections::BTreeMap;

use crate::Files;

/// The document that has the table: the one whose first column is `row`.
const TABLE: &str = "docs/decisions.md";

/// Where the tests are: functions `row_N_...` below `#[test]`.
const TESTS: &str = "rust/core/src/";

/// Each row has a test, each test has a row, and the document names tests that exist.
pub fn decisions(files: &Files) -> Vec<String> {
    let Some(text) = files.get(TABLE) else { return vec![format!("{TABLE} does not exist; restore it")] };
    let tests = tests(files);
    let (mut failures, mut rows, mut inside) = (Vec::new(), BTreeMap::new(), false);
    for (line, text) in (1..).zip(text.lines()) {
        let first = text.strip_prefix("| ").and_then(|cells| cells.split(" |").next());
        match first {
            Some("row") => inside = true,
            Some(row) if inside => {
                if let Some(before) = rows.insert(row, line) {
                    failures.push(format!(
                        "{TABLE}:{line}: row {row} is in line {before} too; give it a number of its own"
                    ));
                }
            }
            _ => inside &= text.starts_with('|'),
        }
        for name in text.split('`').skip(1).step_by(2).filter(|code| number(code).is_some()) {
            if !tests.contains_key(name) {
                failures.push(format!("{TABLE}:{line}: {name} is not a test in {TESTS}; correct the name"));
            }
        }
    }
    if rows.is_empty() {
        failures.push(format!("{TABLE} has no table with a column `row`; restore it"));
    }
    for (row, line) in &rows {
        if !tests.keys().any(|name| number(name) == Some(row)) {
            failures.push(format!("{TABLE}:{line}: row {row} has no test; add `fn row_{row}_...` in {TESTS}"));
        }
    }
    for (name, place) in &tests {
        if number(name).is_some_and(|row| !rows.contains_key(row)) {
            failures.push(format!(
                "{place}: {name} tests a row that {TABLE} does not have; add the row or rename the test"
            ));
        }
    }
    failures
}

/// The tests by name, each with its place.
fn tests(files: &Files) -> BTreeMap<&str, String> {
    let mut tests = BTreeMap::new();
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with(TESTS) && path.ends_with(".rs")) {
        let mut above = "";
        for (line, text) in (1..).zip(text.lines().map(str::trim)) {
            let name = text.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            if let Some(name) = name.filter(|name| above == "#[test]" && number(name).is_some()) {
                tests.insert(name, format!("{path}:{line}"));
            }
            above = text;
        }
    }
    tests
}

/// The `5a` of `row_5a_...`.
fn number(name: &str) -> Option<&str> {
    let number = name.strip_prefix("row_")?.split('_').next()?;
    number.starts_with(|c: char| c.is_ascii_digit()).then_some(number)
}
