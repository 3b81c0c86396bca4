//! Checks that documents and comments name existing files, headings, tests and functions.
//! Checks that each cell of a column `test` names tests that run, or what replaces a test.
//! Does not check: whether a URL works, the line of a path in backquotes, and what a test asserts.

use crate::Files;
use crate::functions::{declarations, is_ignored, is_test};
use crate::markdown::{Page, codes};

/// How a path of the repository in backquotes begins.
const ROOTS: [&str; 7] = ["rust/", "java/", "tests/", "gradle/", "docs/", ".github/", ".ci/"];

/// How the name in backquotes of a file at the top of the repository ends.
const TOP_LEVEL_SUFFIXES: [&str; 3] = [".toml", ".md", ".gradle"];

/// A file that the release workflow creates.
const RELEASE_NOTES: &str = "release-notes.md";

/// The texts that a cell of a column `test` may have instead of a test.
const TEST_SUBSTITUTES: [&str; 5] =
    ["ot tested**", "Cargo rejects it", "Clippy rejects it", "The compiler rejects it", "`./gradlew "];

/// How the files end whose code may name a document.
const CODE_SUFFIXES: [&str; 8] = [".rs", ".java", ".gradle", ".py", ".toml", ".sh", "gradlew", ".ci/run"];

/// The tests of this check, which name documents that do not exist.
const INVENTED_TREES: &str = "tests/architecture/tests/invented.rs";

/// Checks relative links, paths and `path::name` in backquotes, and the documents that code names.
pub fn links(files: &Files) -> Vec<String> {
    let mut failures = Vec::new();
    for (path, text) in files {
        let mut check = |line: usize, subject: String, result: Result<(), String>| {
            failures.extend(result.err().map(|fault| format!("{path}:{line}: {subject}: {fault}")));
        };
        if path.ends_with(".md") {
            let page = Page::read(text);
            for (target, line) in page.links {
                check(line, format!("link {target}"), check_link(files, path, &target));
            }
            for line in page.html {
                check(line, "HTML link".to_owned(), Err("write it as a Markdown link".to_owned()));
            }
            for row in &page.rows {
                let Some(cell) = row.cell("test") else { continue };
                check(row.line, "column `test`".to_owned(), check_test_cell(files, cell));
            }
            for (code, line) in page.codes {
                let named = code.split([':', '#', ' ']).next().unwrap_or(&code);
                // Patterns, placeholders and files of a build are not in the repository.
                let is_outside = named.contains(['*', '<', '{', '$']) || named.split('/').any(|part| part == "build");
                let names_function = named.contains('/') && code.contains("::");
                let is_top_level = !named.contains('/')
                    && named != RELEASE_NOTES
                    && TOP_LEVEL_SUFFIXES.iter().any(|end| named.ends_with(end));
                if !is_outside && (names_function || is_top_level || ROOTS.iter().any(|root| named.starts_with(root))) {
                    check(
                        line,
                        format!("`{code}`"),
                        check_exists(files, named).and_then(|()| check_declared(files, &code)),
                    );
                }
            }
        } else if CODE_SUFFIXES.iter().any(|end| path.ends_with(end)) && path != INVENTED_TREES {
            for (line, text) in (1..).zip(text.lines()) {
                for word in text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '/' | '.' | '-' | '_')) {
                    let Some(end) = word.find(".md").filter(|_| word.starts_with("docs/")) else { continue };
                    check(line, format!("names {word}"), check_exists(files, &word[..end + 3]));
                }
            }
        }
    }
    failures
}

fn check_link(files: &Files, from: &str, target: &str) -> Result<(), String> {
    if target.contains("://") {
        return Ok(());
    }
    let (relative, fragment) = target.split_once('#').unwrap_or((target, ""));
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.truncate(parts.len() - usize::from(!relative.is_empty()));
    for part in relative.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match part {
            ".." if parts.pop().is_none() => return Err("leaves the repository; correct the path".to_owned()),
            ".." => {}
            name => parts.push(name),
        }
    }
    let path = parts.join("/");
    check_exists(files, &path)?;
    let text = files.get(&path).map_or("", String::as_str);
    let lines = text.lines().count();
    let line = |part: &str| part.strip_prefix('L')?.parse::<usize>().ok().filter(|line| (1..=lines).contains(line));
    if fragment.is_empty() || fragment.split('-').all(|part| line(part).is_some()) {
        return Ok(());
    }
    let found = path.ends_with(".md") && Page::read(text).anchors.contains(fragment);
    found.then_some(()).ok_or_else(|| format!("{path} has no heading or line #{fragment}; correct the fragment"))
}

fn check_exists(files: &Files, path: &str) -> Result<(), String> {
    let folder = format!("{}/", path.trim_end_matches('/'));
    let found = folder == "/" || files.contains_key(path) || files.keys().any(|file| file.starts_with(&folder));
    found.then_some(()).ok_or_else(|| format!("{path} does not exist; correct the path"))
}

/// Checks that the file of `path::name` declares a function of that name. Every other text passes.
fn check_declared(files: &Files, code: &str) -> Result<(), String> {
    let Some((path, name)) = code.split_once("::") else { return Ok(()) };
    let found = files.get(path).is_some_and(|text| !declarations(path, text, name).is_empty());
    found.then_some(()).ok_or_else(|| format!("{path} declares no function {name}; correct the name"))
}

/// Checks that each `path::name` of the cell is a test that runs, and that a cell without one has a substitute.
fn check_test_cell(files: &Files, cell: &str) -> Result<(), String> {
    let mut tests = codes(cell).filter_map(|code| code.split_once("::")).peekable();
    if tests.peek().is_none() && !TEST_SUBSTITUTES.iter().any(|text| cell.contains(text)) {
        return Err("has no `path::name`; name a test, or write **Not tested**".to_owned());
    }
    let runs = |(path, name): &(&str, &str)| {
        let found = files.get(*path).map(|text| declarations(path, text, name)).unwrap_or_default();
        let test = |above: &Vec<&str>| is_test(above) || path.ends_with(".py") && name.starts_with("test_");
        found.iter().any(|above| test(above) && !is_ignored(above))
    };
    match tests.find(|test| !runs(test)) {
        Some((path, name)) => Err(format!("{path}::{name} is not a test, or it is ignored; name a test that runs")),
        None => Ok(()),
    }
}
