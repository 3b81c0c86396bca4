//! Pages of PingOne's API in files: JSON with `_embedded` and, where there are more, `_links.next`, which has to be the
//! `_links.self` of another page among the files. Nothing is fetched.

use std::collections::HashMap;

use pfscim_core::text::excerpt;
use serde_json::Value as Json;
use url::Url;

use super::tenant::{Tenant, text};
use crate::Error;
use crate::source::file::TextFile;

/// What a page may hold.
pub(super) const KINDS: [&str; 3] = ["users", "populations", "groups"];

/// One page.
struct ApiPage {
    /// The file, for messages.
    file: String,
    json: Json,
}

/// Reads all files.
pub(super) fn read(files: &[TextFile]) -> Result<Tenant, Error> {
    let mut pages = Vec::new();
    for file in files {
        file.read(|input, name| {
            let json: Json = serde_json::from_reader(input).map_err(|error| {
                let what = if error.is_eof() { "is cut off" } else { "is not JSON" };
                Error::unusable(format!("{name}: {what} (line {}, column {})", error.line(), error.column()))
            })?;
            pages.push(ApiPage { file: name.to_owned(), json });
            Ok(1)
        })?;
    }
    let mut kinds: HashMap<&str, Vec<Json>> = HashMap::new();
    for page in &mut pages {
        let held: Vec<_> = KINDS.into_iter().filter(|kind| page.json["_embedded"][kind].is_array()).collect();
        if held.is_empty() {
            return Err(Error::unusable(format!(
                "{}: is no page of PingOne's API: it has no _embedded.users, _embedded.populations or _embedded.groups",
                page.file
            )));
        }
        for kind in held {
            let Json::Array(items) = page.json["_embedded"][kind].take() else { continue };
            kinds.entry(kind).or_default().extend(items);
        }
    }
    complete(&pages)?;
    for page in &pages {
        counted(page, &kinds)?;
    }
    let mut taken = |kind: &str| kinds.remove(kind);
    Ok(Tenant {
        users: taken("users").ok_or_else(|| Error::unusable("source.files: none of the files holds users"))?,
        populations: taken("populations"),
        groups: taken("groups"),
        ..Tenant::default()
    })
}

/// Whether each page that has a next one finds it among the others.
fn complete(pages: &[ApiPage]) -> Result<(), Error> {
    let selves: HashMap<&str, usize> =
        pages.iter().enumerate().filter_map(|(at, page)| Some((href(&page.json, "self")?, at))).collect();
    for (at, page) in pages.iter().enumerate() {
        let Some(next) = href(&page.json, "next") else { continue };
        let told = |text: &str| Err(Error::unusable(format!("{}: {text}", page.file)));
        if href(&page.json, "self").is_some_and(|own| !same_origin(own, next)) {
            return told("its next page is said to be on another server");
        }
        match selves.get(next) {
            Some(other) if *other != at => {}
            Some(_) => return told("is said to be its own next page"),
            None => return told("has a next page that is not among the files: the export is not whole"),
        }
    }
    Ok(())
}

pub(super) fn href<'j>(page: &'j Json, link: &str) -> Option<&'j str> {
    text(&page["_links"][link], "href")
}

fn same_origin(a: &str, b: &str) -> bool {
    matches!((Url::parse(a), Url::parse(b)), (Ok(a), Ok(b)) if a.origin() == b.origin())
}

/// Whether as many items were read as a page says that there are. One with several kinds cannot say so.
fn counted(page: &ApiPage, kinds: &HashMap<&str, Vec<Json>>) -> Result<(), Error> {
    let mut held = KINDS.into_iter().filter(|kind| page.json["_embedded"].get(kind).is_some());
    if let (Some(kind), None, Some(count)) = (held.next(), held.next(), page.json["count"].as_u64()) {
        let read = kinds.get(kind).map_or(0, Vec::len) as u64;
        if read < count {
            return Err(Error::unusable(format!(
                "{}: says that there are {count} {}, but the files hold {read}: the export is not whole",
                page.file,
                excerpt(kind)
            )));
        }
    }
    Ok(())
}
