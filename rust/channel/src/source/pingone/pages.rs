//! Reads saved pages of PingOne's API from files.
//! Does not know: what the collections are used for.
//!
//! A page is JSON with `_embedded`. If it has `_links.next`, that must be the `_links.self` of another page among the
//! files. Nothing is fetched.

use std::collections::HashMap;

use pfscim_core::Message;
use pfscim_core::text::excerpt;
use serde_json::Value as Json;
use url::Url;

use super::tenant::{Tenant, text};
use crate::Error;
use crate::source::file::TextFile;

/// The collections that a page may contain.
const COLLECTIONS: [&str; 3] = ["users", "populations", "groups"];

/// One page.
struct ApiPage {
    /// The file, for messages.
    file: String,
    json: Json,
}

/// Reads all files.
///
/// # Errors
/// A file cannot be read or is not a page, a page is missing, or no file contains users.
pub(super) fn read(files: &[TextFile]) -> Result<Tenant, Error> {
    let mut pages = Vec::new();
    for file in files {
        file.read(|input, name| {
            let json: Json = serde_json::from_reader(input).map_err(|error| {
                let problem = if error.is_eof() { "is cut off" } else { "is not JSON" };
                Error::unusable(format!("{name}: {problem} (line {}, column {})", error.line(), error.column()))
            })?;
            pages.push(ApiPage { file: name.to_owned(), json });
            Ok(1)
        })?;
    }
    let mut collections: HashMap<&str, Vec<Json>> = HashMap::new();
    for page in &mut pages {
        let contained: Vec<_> =
            COLLECTIONS.into_iter().filter(|name| page.json["_embedded"][name].is_array()).collect();
        if contained.is_empty() {
            return Err(Error::unusable(format!(
                "{}: is not a page of PingOne's API (it has no _embedded.users, _embedded.populations or _embedded.groups)",
                page.file
            )));
        }
        for name in contained {
            let Json::Array(items) = page.json["_embedded"][name].take() else { continue };
            collections.entry(name).or_default().extend(items);
        }
    }
    check_next_pages(&pages)?;
    for page in &pages {
        check_count(page, &collections)?;
    }
    Ok(Tenant {
        users: collections.remove("users").ok_or_else(|| {
            Error::unusable(Message::new("source.files: no file contains users").with_hint("add the pages of users"))
        })?,
        populations: collections.remove("populations"),
        groups: collections.remove("groups"),
        ..Tenant::default()
    })
}

/// Checks that the next page of each page is among the files.
fn check_next_pages(pages: &[ApiPage]) -> Result<(), Error> {
    let pages_by_link: HashMap<&str, usize> =
        pages.iter().enumerate().filter_map(|(at, page)| Some((link(&page.json, "self")?, at))).collect();
    for (at, page) in pages.iter().enumerate() {
        let Some(next) = link(&page.json, "next") else { continue };
        let error = |message: Message| Err(Error::unusable(message.at(&page.file)));
        if link(&page.json, "self").is_some_and(|own| !is_same_origin(own, next)) {
            return error("_links.next leads to another server".into());
        }
        match pages_by_link.get(next) {
            Some(other) if *other != at => {}
            Some(_) => return error("_links.next leads to the same page".into()),
            None => {
                let message = Message::new("the next page is not among the files, so the export is not whole");
                return error(message.with_hint("save all pages and add them to source.files"));
            }
        }
    }
    Ok(())
}

/// Returns the URL of a link of a page.
pub(super) fn link<'j>(page: &'j Json, name: &str) -> Option<&'j str> {
    text(&page["_links"][name], "href")
}

fn is_same_origin(a: &str, b: &str) -> bool {
    matches!((Url::parse(a), Url::parse(b)), (Ok(a), Ok(b)) if a.origin() == b.origin())
}

/// Checks that the files contain as many items as a page counts. The count of a page with several collections is ignored.
fn check_count(page: &ApiPage, collections: &HashMap<&str, Vec<Json>>) -> Result<(), Error> {
    let mut contained = COLLECTIONS.into_iter().filter(|name| page.json["_embedded"].get(name).is_some());
    if let (Some(name), None, Some(count)) = (contained.next(), contained.next(), page.json["count"].as_u64()) {
        let read = collections.get(name).map_or(0, Vec::len) as u64;
        if read < count {
            let name = excerpt(name);
            let text =
                format!("the page counts {count} {name}, but the files contain {read}, so the export is not whole");
            let message = Message::new(text).with_hint("save all pages and add them to source.files");
            return Err(Error::unusable(message.at(&page.file)));
        }
    }
    Ok(())
}
