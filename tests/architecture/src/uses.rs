//! Finds which files of a crate use each other, by their `use` lines and by paths of two or more names.
//! Ignores methods, single names that a re-export imports, functions with the name of a module, `#[path]`, `extern crate`,
//! paths in strings, and code below `#[cfg(test)]`. An inline module is part of its file.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};

use crate::Files;

/// The limit of re-exports to follow: an inline module can seem to re-export from itself without end.
const REEXPORTS_MAX: usize = 9;

/// A place where a file uses a name. Paths of files are relative to `src`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) from: String,
    pub(crate) line: usize,
    /// Begins with `crate` or with the name of another crate.
    pub(crate) path: String,
    /// The file of this crate that defines the name.
    pub(crate) file: Option<String>,
}

/// The modules of one crate by their paths, which begin with `crate`.
pub(crate) struct Source {
    modules: BTreeMap<Vec<String>, Module>,
}

#[derive(Default)]
struct Module {
    file: String,
    path: Vec<String>,
    children: Vec<String>,
    written: Vec<WrittenPath>,
}

struct WrittenPath {
    path: Vec<String>,
    line: usize,
    /// The name that a `use` gives it in this file; empty for a path outside a `use`.
    name: String,
    exported: bool,
}

impl Source {
    /// Reads the crate whose `lib.rs` or `main.rs` is in the folder `src`.
    pub(crate) fn read(files: &Files, src: &str) -> Self {
        let mut modules = BTreeMap::new();
        let mut open = vec![(vec!["crate".to_owned()], ["lib.rs".to_owned(), "main.rs".to_owned()])];
        while let Some((path, places)) = open.pop() {
            let found = places.into_iter().find_map(|file| Some((files.get(&format!("{src}/{file}"))?, file)));
            let Some((text, file)) = found else { continue };
            let mut module = Module { file, path, ..Module::default() };
            // A file that is not valid Rust fails to compile, so it needs no failure here.
            module.read(text.parse().unwrap_or_default());
            for child in &module.children {
                let child = [module.path.as_slice(), std::slice::from_ref(child)].concat();
                let place = child[1..].join("/");
                open.push((child, [format!("{place}.rs"), format!("{place}/mod.rs")]));
            }
            modules.insert(module.path.clone(), module);
        }
        Self { modules }
    }

    /// Returns the files that are compiled into the crate.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        self.modules.values().map(|module| module.file.as_str()).collect()
    }

    /// Returns all uses, sorted.
    pub(crate) fn uses(&self) -> BTreeSet<Use> {
        let mut uses = BTreeSet::new();
        for module in self.modules.values() {
            for WrittenPath { path, line, exported, .. } in &module.written {
                let path = self.absolute(module, path);
                // A facade may re-export from its own modules. The path of a module alone does not count, only longer paths.
                let facade = *exported && path.starts_with(&module.path) && !path.ends_with(&["*".to_owned()]);
                let file = self.resolve(&path, 0);
                if !facade && !self.modules.contains_key(&path) && file.as_ref() != Some(&module.file) {
                    uses.insert(Use { from: module.file.clone(), line: *line, path: path.join("::"), file });
                }
            }
        }
        uses
    }

    /// Returns a path of `module` from the root of this crate or from the name of another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Vec<String> {
        let child = [&module.path, &path[..1]].concat();
        let mut target = match path[0].as_str() {
            "crate" => vec!["crate".to_owned()],
            "self" => module.path.clone(),
            "super" => module.path[..module.path.len() - 1].to_vec(),
            _ if self.modules.contains_key(&child) => child,
            name => match module.written.iter().find(|written| written.name == name && written.path[0] != name) {
                Some(import) => self.absolute(module, &import.path),
                None => vec![name.to_owned()],
            },
        };
        for name in &path[1..] {
            if name == "super" { drop(target.pop()) } else { target.push(name.clone()) }
        }
        target
    }

    /// Returns the file that defines the name of a path. Follows the re-exports of facades.
    fn resolve(&self, path: &[String], steps: usize) -> Option<String> {
        let module = (1..=path.len()).rev().find_map(|end| self.modules.get(&path[..end]))?;
        let rest = &path[module.path.len()..];
        let is_named =
            |written: &&WrittenPath| written.exported && steps < REEXPORTS_MAX && Some(&written.name) == rest.first();
        let Some(import) = module.written.iter().find(is_named) else { return Some(module.file.clone()) };
        self.resolve(&[&self.absolute(module, &import.path), &rest[1..]].concat(), steps + 1)
    }
}

impl Module {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.to_string().replace(' ', "") == text);
        let (mut path, mut at) = (Vec::new(), 0);
        while at < tokens.len() {
            let line = tokens[at].span().start().line;
            let end = |at: usize| (at..tokens.len()).find(|at| is(*at, ";")).unwrap_or(tokens.len());
            match &tokens[at] {
                TokenTree::Punct(_) if is(at, "#") && is(at + 1, "[cfg(test)]") => {
                    let body = |at: &usize| is(*at, ";") || is(*at, ",") || tokens[*at].to_string().starts_with('{');
                    at = (at..tokens.len()).find(body).unwrap_or(tokens.len());
                }
                TokenTree::Ident(word) if word == "use" && !is(at + 1, "<") => {
                    let exported = at > 0 && (is(at - 1, "pub") || tokens[at - 1].to_string().starts_with('('));
                    self.add_imports(&tokens[at + 1..end(at)], &[], exported);
                    at = end(at);
                }
                TokenTree::Ident(word) if word == "mod" && is(at + 2, ";") => {
                    self.children.push(tokens[at + 1].to_string());
                }
                TokenTree::Ident(word) => {
                    path.push(word.to_string());
                    // The path continues after `::`.
                    if is(at + 1, ":") && is(at + 2, ":") && matches!(tokens.get(at + 3), Some(TokenTree::Ident(_))) {
                        at += 3;
                        continue;
                    }
                }
                TokenTree::Group(group) => self.read(group.stream()),
                _ => {}
            }
            let path = std::mem::take(&mut path);
            if path.len() > 1 {
                self.written.push(WrittenPath { path, line, name: String::new(), exported: false });
            }
            at += 1;
        }
    }

    /// Adds the trees of a `use`: `a::b`, `a::{b, c as d}`, `a::*`.
    fn add_imports(&mut self, tokens: &[TokenTree], prefix: &[String], exported: bool) {
        for tree in tokens.split(|token| token.to_string() == ",").filter(|tree| !tree.is_empty()) {
            let (mut path, mut name) = (prefix.to_vec(), None);
            for token in tree {
                match token {
                    TokenTree::Group(group) => {
                        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                        self.add_imports(&inner, &path, exported);
                        // The names are in the group.
                        path.clear();
                    }
                    TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".to_owned()),
                    TokenTree::Ident(word) if word == "as" => name = tree.last().map(ToString::to_string),
                    TokenTree::Ident(word) if name.is_none() && (word != "self" || path.is_empty()) => {
                        path.push(word.to_string());
                    }
                    _ => {}
                }
            }
            let line = tree[tree.len() - 1].span().start().line;
            if let Some(last) = path.last().cloned() {
                self.written.push(WrittenPath { path, line, name: name.unwrap_or(last), exported });
            }
        }
    }
}
