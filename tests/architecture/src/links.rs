//! Checks that the files and headings exist that documents and comments name.
//! Does not see whether a URL answers, nor comments without `//`, `#` or `*`.

use crate::Files;
use crate::markdown::Page;

/// Where a path in backquotes begins if it is one of the repository.
const ROOTS: [&str; 5] = ["rust/", "java/", "tests/", "gradle/", "docs/"];

/// Relative links of documents, paths in backquotes of the project's documents, and documents named in comments.
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
            let ours = path.starts_with("docs/") || !path.contains('/');
            for (code, line) in page.codes.into_iter().filter(|_| ours) {
                let named = code.split([':', '#', ' ']).next().unwrap_or(&code);
                // A pattern, a placeholder and what a build makes are not in the repository.
                let other = named.contains(['*', '<', '{', '$']) || named.split('/').any(|part| part == "build");
                if !other && ROOTS.iter().any(|root| named.starts_with(root)) {
                    check(line, format!("`{code}`"), exists(files, named));
                }
            }
        } else if [".rs", ".java", ".gradle", ".py"].iter().any(|end| path.ends_with(end)) {
            let signs = if path.ends_with(".py") { ["#", "#"] } else { ["//", "* "] };
            for (line, text) in (1..).zip(text.lines()) {
                let comment = signs.iter().find_map(|sign| text.split_once(sign)).unwrap_or_default().1;
                for word in comment.split(|c: char| !c.is_alphanumeric() && !matches!(c, '/' | '.' | '-' | '_')) {
                    let Some(end) = word.find(".md").filter(|_| word.starts_with("docs/")) else { continue };
                    check(line, format!("the comment names {word}"), exists(files, &word[..end + 3]));
                }
            }
        }
    }
    failures
}

fn link(files: &Files, from: &str, target: &str) -> Result<(), String> {
    if target.contains("://") || target.contains('@') {
        return Ok(());
    }
    let (relative, fragment) = target.split_once('#').unwrap_or((target, ""));
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.truncate(parts.len() - usize::from(!relative.is_empty()));
    for part in relative.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." { parts.truncate(parts.len().saturating_sub(1)) } else { parts.push(part) }
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
