//! Reads links, text in backquotes, headings and tables of a Markdown document.
//! Ignores links whose definition is missing.

use std::collections::{HashMap, HashSet};

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

#[derive(Default)]
pub(crate) struct Page {
    /// Targets of links and images, with their lines.
    pub(crate) links: Vec<(String, usize)>,
    /// Texts in backquotes, with their lines.
    pub(crate) codes: Vec<(String, usize)>,
    /// Lines with a link in HTML.
    pub(crate) html: Vec<usize>,
    /// The fragments of links to the headings, formed by the rules of GitHub.
    pub(crate) anchors: HashSet<String>,
    /// The rows of all tables, without their headings.
    pub(crate) rows: Vec<Row>,
}

/// A row of a table.
pub(crate) struct Row {
    pub(crate) line: usize,
    /// The heading and the Markdown of each cell.
    pub(crate) cells: Vec<(String, String)>,
}

impl Row {
    /// Returns the cell below the heading.
    pub(crate) fn cell(&self, heading: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| name == heading).map(|(_, cell)| cell.as_str())
    }
}

/// Returns the texts in backquotes in a cell or line.
pub(crate) fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

impl Page {
    pub(crate) fn read(source: &str) -> Self {
        let mut page = Self::default();
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut text = String::new();
        let (mut headings, mut cells) = (Vec::new(), Vec::new());
        for (event, range) in Parser::new_ext(source, Options::ENABLE_TABLES).into_offset_iter() {
            let line = source[..range.start].matches('\n').count() + 1;
            match event {
                Event::Start(Tag::Link { link_type: LinkType::Email, .. }) => {}
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((dest_url.to_string(), line));
                }
                Event::Html(tag) | Event::InlineHtml(tag) if tag.contains("href=") || tag.contains("src=") => {
                    page.html.push(line);
                }
                Event::Start(Tag::TableCell) => cells.push(source[range].trim_matches(['|', ' ']).to_owned()),
                Event::End(TagEnd::TableHead) => headings = std::mem::take(&mut cells),
                Event::End(TagEnd::TableRow) => {
                    let cells = headings.iter().cloned().zip(std::mem::take(&mut cells)).collect();
                    page.rows.push(Row { line, cells });
                }
                Event::Start(Tag::Heading { .. }) => text.clear(),
                Event::Text(part) => text.push_str(&part),
                Event::Code(part) => {
                    text.push_str(&part);
                    page.codes.push((part.to_string(), line));
                }
                Event::End(TagEnd::Heading(_)) => {
                    let slug_chars = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
                    let slug = slug_chars.flat_map(char::to_lowercase).collect::<String>().replace(' ', "-");
                    let count = seen.entry(slug.clone()).and_modify(|count| *count += 1).or_default();
                    page.anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
                }
                _ => {}
            }
        }
        page
    }
}
