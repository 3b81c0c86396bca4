//! Checks the arrows between crates, folders and files against the rules of docs/architecture.md.
//! Does not check: arrows inside a folder, except circles.

use std::collections::{BTreeMap, BTreeSet};

use crate::Files;
use crate::document::{DOCUMENT, Row, Section, rules};
use crate::uses::{Source, Use};

/// Returns where the crates below rust/ differ from the document.
pub fn arrows(files: &Files) -> Vec<String> {
    let (rows, sections) = rules(files.get(DOCUMENT).map_or("", String::as_str));
    let mut failures = crates(files, &rows, &sections);
    for section in &sections {
        let source = Source::read(files, &section.src);
        failures.extend(table(files, section, &source));
        failures.extend(folders(section, &source.uses()));
        failures.extend(circles(section, &source.uses()));
    }
    failures
}

/// Checks that each crate has a row and a section, and that its Cargo.toml names the crates in `uses` of its row.
fn crates(files: &Files, rows: &[Row], sections: &[Section]) -> Vec<String> {
    let mut failures = Vec::new();
    let folders = files.keys().filter(|path| path.starts_with("rust/")).filter_map(|f| f.strip_suffix("/Cargo.toml"));
    for folder in folders.filter(|folder| !rows.iter().any(|row| row.names == [*folder])) {
        failures.push(format!("{DOCUMENT}: the table of crates does not list {folder}; add a row for it"));
    }
    for row in rows {
        let (path, at) = (row.names.concat(), format!("{DOCUMENT}:{}", row.line));
        if !sections.iter().any(|section| section.src == format!("{path}/src")) {
            failures.push(format!("{at}: add a section with `{path}/src` in its heading"));
        }
        let packages = dependencies(files, &path);
        // `pfscim-core` is in `rust/core`.
        let crates: BTreeSet<String> =
            packages.iter().filter_map(|name| Some(format!("rust/{}", name.strip_prefix("pfscim-")?))).collect();
        for used in crates.iter().filter(|name| !row.uses.contains(name)) {
            failures.push(format!("{path}/Cargo.toml names {used}, which {at} does not list in `uses`"));
        }
        for unused in row.uses.iter().filter(|name| !crates.contains(*name)) {
            failures.push(format!("{at}: {path}/Cargo.toml does not name {unused}; delete it from `uses`"));
        }
        for name in row.forbidden.iter().filter(|name| packages.contains(*name)) {
            failures.push(format!("{path}/Cargo.toml names {name}, which {at} forbids"));
        }
    }
    failures
}

/// Returns the packages that a manifest names, for all platforms, by their real names.
fn dependencies(files: &Files, folder: &str) -> BTreeSet<String> {
    let manifest = |path: &str| files.get(path).and_then(|text| text.parse::<toml::Table>().ok()).unwrap_or_default();
    let (own, root) = (manifest(&format!("{folder}/Cargo.toml")), manifest("Cargo.toml"));
    let real_name = |value: &toml::Value| value.get("package").and_then(toml::Value::as_str).map(str::to_owned);
    let workspace_name = |key: &str| root.get("workspace")?.get("dependencies")?.get(key).and_then(real_name);
    let platforms = own.get("target").and_then(toml::Value::as_table);
    let sections =
        platforms.into_iter().flat_map(|table| table.values().filter_map(toml::Value::as_table)).chain([&own]);
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = sections.flat_map(|section| kinds.iter().filter_map(|kind| section.get(*kind)?.as_table()));
    let package = |(key, value): (&String, &toml::Value)| {
        real_name(value).or_else(|| workspace_name(key)).unwrap_or_else(|| key.clone())
    };
    tables.flatten().map(package).collect()
}

/// Returns the module of a path: `connector` for `connector/`, `connector.rs` and `connector/mod.rs`.
fn module_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn row_of<'a>(section: &'a Section, module: &str) -> Option<(usize, &'a Row)> {
    section.rows.iter().enumerate().find(|(_, row)| row.names.iter().any(|name| module_of(name) == module))
}

/// Returns whether the name in a row or a known circle includes the file.
fn includes(name: &str, file: &str) -> bool {
    file == name || name.ends_with('/') && file.starts_with(name)
}

/// Checks that each folder and file of `src` has a row, and that each name in a row exists.
fn table(files: &Files, section: &Section, source: &Source) -> Vec<String> {
    let mut failures = Vec::new();
    let Section { src, line, .. } = section;
    let manifest = files.get("Cargo.toml").map_or("", String::as_str);
    for row in &section.rows {
        let at = format!("{DOCUMENT}:{}", row.line);
        for name in row.names.iter().filter(|name| !source.files().iter().any(|file| includes(name, file))) {
            failures.push(format!("{at}: {src}/{name} is not in the crate; delete the row or correct its name"));
        }
        // A rule about a name that no longer exists would never fail.
        for name in &row.forbidden {
            let own = name.replace("pfscim_", "rust/").replace("::", "/src/");
            let foreign = name.starts_with("std::") || manifest.contains(&format!("\n{name} ="));
            if !foreign && row_of(section, name).is_none() && !files.keys().any(|file| file.starts_with(&own)) {
                failures.push(format!("{at}: `{name}` is neither in the table nor in a crate; correct the name"));
            }
        }
    }
    let mut modules: BTreeSet<&str> = source.files().into_iter().map(module_of).collect();
    modules.retain(|module| !matches!(*module, "lib" | "main") && row_of(section, module).is_none());
    for module in modules {
        failures.push(format!("{DOCUMENT}:{line}: the table does not list {src}/{module}; add a row for it"));
    }
    failures
}

/// Checks that arrows point to rows below and to no forbidden name. Returns one failure for each file and rule.
fn folders(section: &Section, uses: &BTreeSet<Use>) -> Vec<String> {
    let mut failures = BTreeMap::new();
    for used in uses {
        let file = used.file.as_ref().map(|file| format!(" ({file})")).unwrap_or_default();
        let arrow = format!("{}/{}:{} uses {}{file}", section.src, used.from, used.line, used.path);
        if let Some(rule) = broken_rule(section, used) {
            failures.entry((&used.from, rule)).or_insert(arrow);
        }
    }
    failures.into_iter().map(|((_, rule), arrow)| format!("{arrow}, but {rule}")).collect()
}

/// Returns the rule that `used` breaks.
fn broken_rule(section: &Section, used: &Use) -> Option<String> {
    if ["crate::", "pfscim_"].iter().any(|prefix| used.path.starts_with(prefix)) && used.path.ends_with("::*") {
        return Some("`*` hides the names that are used; list them".to_owned());
    }
    let from = module_of(&used.from);
    // The root of the crate has no row and may use every module.
    let (above, row) = row_of(section, from)?;
    let at = format!("{DOCUMENT}:{}", row.line);
    let is_forbidden = |name: &&String| match &used.file {
        Some(file) => module_of(name) == module_of(file),
        None => format!("{}::", used.path).starts_with(&format!("{name}::")),
    };
    if let Some(name) = row.forbidden.iter().find(is_forbidden) {
        return Some(format!("{at} forbids {name} in {from}"));
    }
    let file = used.file.as_ref()?;
    let to = module_of(file);
    match row_of(section, to) {
        _ if from == to => None,
        None if matches!(to, "lib" | "main") => {
            Some(format!("{file} is above all rows; move that name to a file below {at}"))
        }
        Some((below, _)) if above == below => Some(format!("{from} and {to} share a row ({at})")),
        Some((below, _)) if above > below => {
            Some(format!("{at} has {from} below {to}; move what both need to {from} or to a row below it"))
        }
        _ => None,
    }
}

/// Checks that files use each other in no circle except the known circles, and that each known circle exists.
fn circles(section: &Section, uses: &BTreeSet<Use>) -> Vec<String> {
    let src = &section.src;
    let mut edges: BTreeMap<(&String, &String), usize> = BTreeMap::new();
    for used in uses {
        used.file.iter().for_each(|to| _ = edges.entry((&used.from, to)).or_insert(used.line));
    }
    let reach = |start| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(file) = open.pop() {
            open.extend(edges.keys().filter(|(from, to)| *from == file && reached.insert(*to)).map(|(_, to)| *to));
        }
        reached
    };
    // The files that `file` reaches and that reach it.
    let circle = |file| reach(file).into_iter().filter(|to| reach(to).contains(file)).collect::<BTreeSet<&String>>();
    let circles: BTreeSet<_> = edges.keys().map(|(file, _)| circle(file)).filter(|circle| !circle.is_empty()).collect();
    let covers = |names: &[String], circle: &BTreeSet<&String>| {
        circle.iter().all(|file| names.iter().any(|name| includes(name, file)))
    };
    let mut failures = Vec::new();
    for circle in circles.iter().filter(|circle| !section.circles.iter().any(|(_, names)| covers(names, circle))) {
        let inside = edges.iter().filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
        let lines: String = inside.map(|((from, to), line)| format!("\n    {src}/{from}:{line} uses {to}")).collect();
        failures
            .push(format!("{src}: files use each other in a circle; move what they share to a file below them{lines}"));
    }
    for (line, names) in section.circles.iter().filter(|(_, names)| !circles.iter().any(|c| covers(names, c))) {
        failures.push(format!("{DOCUMENT}:{line}: {} has no circle; delete the line", names.join(", ")));
    }
    failures
}
