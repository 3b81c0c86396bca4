//! Reads links, text in backquotes and headings of a Markdown document.
//! Does not see links whose definition is missing.

use std::collections::{HashMap, HashSet};

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};

#[derive(Default)]
pub(crate) struct Page {
    /// Targets of links and images, with their lines.
    pub(crate) links: Vec<(String, usize)>,
    /// What is in backquotes.
    pub(crate) codes: Vec<(String, usize)>,
    /// Lines with a link in HTML.
    pub(crate) html: Vec<usize>,
    /// The fragments by which a link can name a heading, made as GitHub makes them.
    pub(crate) anchors: HashSet<String>,
}

impl Page {
    pub(crate) fn read(source: &str) -> Self {
        let mut page = Self::default();
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut text = String::new();
        for (event, range) in Parser::new(source).into_offset_iter() {
            let line = source[..range.start].matches('\n').count() + 1;
            match event {
                Event::Start(Tag::Link { link_type: LinkType::Email, .. }) => {}
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((dest_url.to_string(), line));
                }
                Event::Html(tag) | Event::InlineHtml(tag) if tag.contains("href=") || tag.contains("src=") => {
                    page.html.push(line);
                }
                Event::Start(Tag::Heading { .. }) => text.clear(),
                Event::Text(part) => text.push_str(&part),
                Event::Code(part) => {
                    text.push_str(&part);
                    page.codes.push((part.to_string(), line));
                }
                Event::End(TagEnd::Heading(_)) => {
                    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
                    let slug = kept.flat_map(char::to_lowercase).collect::<String>().replace(' ', "-");
                    let count = seen.entry(slug.clone()).and_modify(|count| *count += 1).or_default();
                    page.anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
                }
                _ => {}
            }
        }
        page
    }
}
