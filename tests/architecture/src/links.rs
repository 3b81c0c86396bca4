//! Checks that the files, headings, tests and functions exist that documents and comments name.
//! Does not see whether a URL answers, nor which line a path in backquotes names.

use crate::Files;
use crate::markdown::Page;

/// Where a path in backquotes begins if it is one of the repository.
const ROOTS: [&str; 5] = ["rust/", "java/", "tests/", "gradle/", "docs/"];

/// Files that may name a document.
const COMMENTED: [&str; 8] = [".rs", ".java", ".gradle", ".py", ".toml", ".sh", "gradlew", ".ci/run"];

/// The tests of this check, which name documents that do not exist.
const INVENTED: &str = "tests/architecture/tests/invented.rs";

/// Relative links of documents, paths and `path::name` in backquotes, and documents named in code.
pub fn links(files: &Files) -> Vec<String> {
    let mut failures = Vec::new();
    for (path, text) in files {
        let mut check = |line: usize, what: String, result: Result<(), String>| {
            failures.extend(result.err().map(|why| format!("{path}:{line}: {what}: {why}")));
        };
        if path.ends_with(".md") {
            let page = Page::read(text);
            for (target, line) in page.links {
                check(line, format!("link {target}"), link(files, path, &target));
            }
            for line in page.html {
                check(line, "HTML link".to_owned(), Err("write it as a Markdown link".to_owned()));
            }
            for (code, line) in page.codes {
                let named = code.split([':', '#', ' ']).next().unwrap_or(&code);
                // A pattern, a placeholder and what a build makes are not in the repository.
                let other = named.contains(['*', '<', '{', '$']) || named.split('/').any(|part| part == "build");
                let names_function = named.contains('/') && code.contains("::");
                if !other && (names_function || ROOTS.iter().any(|root| named.starts_with(root))) {
                    check(line, format!("`{code}`"), exists(files, named).and_then(|()| declares(files, &code)));
                }
            }
        } else if COMMENTED.iter().any(|end| path.ends_with(end)) && path != INVENTED {
            for (line, text) in (1..).zip(text.lines()) {
                for word in text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '/' | '.' | '-' | '_')) {
                    let Some(end) = word.find(".md").filter(|_| word.starts_with("docs/")) else { continue };
                    check(line, format!("names {word}"), exists(files, &word[..end + 3]));
                }
            }
        }
    }
    failures
}

fn link(files: &Files, from: &str, target: &str) -> Result<(), String> {
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
    exists(files, &path)?;
    let text = files.get(&path).map_or("", String::as_str);
    let lines = text.lines().count();
    let line = |part: &str| part.strip_prefix('L')?.parse::<usize>().ok().filter(|line| (1..=lines).contains(line));
    if fragment.is_empty() || fragment.split('-').all(|part| line(part).is_some()) {
        return Ok(());
    }
    let found = path.ends_with(".md") && Page::read(text).anchors.contains(fragment);
    found.then_some(()).ok_or_else(|| format!("{path} has no heading or line #{fragment}; correct the fragment"))
}

fn exists(files: &Files, path: &str) -> Result<(), String> {
    let folder = format!("{}/", path.trim_end_matches('/'));
    let found = folder == "/" || files.contains_key(path) || files.keys().any(|file| file.starts_with(&folder));
    found.then_some(()).ok_or_else(|| format!("{path} does not exist; correct the path"))
}

/// Whether the file of `path::name` declares a function or method of that name; every other text passes.
fn declares(files: &Files, code: &str) -> Result<(), String> {
    let Some((path, name)) = code.split_once("::") else { return Ok(()) };
    let declarations = match path.rsplit_once('.') {
        Some((_, "rs")) => vec![format!("fn {name}("), format!("fn {name}<")],
        Some((_, "py")) => vec![format!("def {name}(")],
        Some((_, "java")) => vec![format!(" {name}(")],
        _ => Vec::new(),
    };
    let text = files.get(path).map_or("", String::as_str);
    let found = declarations.iter().any(|declaration| text.contains(declaration));
    found.then_some(()).ok_or_else(|| format!("{path} declares no function {name}; correct the name"))
}
