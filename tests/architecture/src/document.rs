//! Reads the rules from docs/architecture.md, line by line.
//! Does not check: whether the code follows the rules. Ignores tables with other columns.
//!
//! A table with the columns `crate`, question, `uses`, `does not name` lists the crates. Below a heading with the path of a crate's
//! `src` in backquotes, a table with the columns `folder`, question, `does not know` lists what is directly in that `src`, top row
//! first. A line that begins with `Known circle:` allows the circles among the files and folders that it names.

use crate::markdown;

/// The document that contains the rules.
pub const DOCUMENT: &str = "docs/architecture.md";

/// The rules of one crate.
pub(crate) struct Section {
    pub(crate) src: String,
    pub(crate) line: usize,
    pub(crate) rows: Vec<Row>,
    pub(crate) circles: Vec<(usize, Vec<String>)>,
}

pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) names: Vec<String>,
    pub(crate) forbidden: Vec<String>,
    pub(crate) uses: Vec<String>,
}

/// Returns the rows of the table of crates, and the sections.
pub(crate) fn rules(text: &str) -> (Vec<Row>, Vec<Section>) {
    let (mut crates, mut sections, mut columns) = (Vec::new(), Vec::<Section>::new(), Vec::new());
    for (line, text) in (1..).zip(text.lines()) {
        let cells: Vec<&str> = text.trim_matches('|').split('|').map(str::trim).collect();
        let cell = |at| codes(cells.get(at).copied().unwrap_or_default());
        match (text.get(..2), sections.last_mut(), columns.as_slice()) {
            (Some("# " | "##"), ..) => {
                let src = codes(text).into_iter().find(|code| code.ends_with("/src"));
                sections.extend(src.map(|src| Section { src, line, rows: vec![], circles: vec![] }));
            }
            (Some("| "), _, []) => columns = cells,
            (Some("| "), _, ["crate", _, "uses", "does not name"]) => {
                crates.push(Row { line, names: cell(0), forbidden: cell(3), uses: cell(2) });
            }
            (Some("| "), Some(section), ["folder", _, "does not know"]) => {
                section.rows.push(Row { line, names: cell(0), forbidden: cell(2), uses: vec![] });
            }
            (Some("Kn"), Some(section), _) if text.starts_with("Known circle:") => {
                section.circles.push((line, codes(text)));
            }
            (Some("| " | "|-"), ..) => {}
            _ => columns.clear(),
        }
    }
    (crates, sections)
}

fn codes(text: &str) -> Vec<String> {
    markdown::codes(text).map(str::to_owned).collect()
}
