//! Adds up the pages of a list, chooses the next page, and judges whether the list is whole.
//! Does not know: requests, what the resources of the list are for.
//!
//! Sources: RFC 7644 section 3.4.2.4 (index), RFC 9865 (cursor).

use std::collections::HashSet;

use super::learnt::FilterUse;
use super::presence::doubt;
use super::rules::{Rule, holds};
use crate::Failure;
use crate::scim::{self, ListPage};

/// A list has this many pages at most.
const PAGES_MAX: usize = 20_000;
/// A list has this many bytes at most: 1 GiB.
const BYTES_MAX: usize = 1024 * 1024 * 1024;
/// The ids of a list have this many bytes at most: 64 MiB.
const ID_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The pages of a list that have been received.
#[derive(Debug)]
pub(crate) struct ListReading {
    /// The noun of its resources, for messages.
    noun: &'static str,
    is_filtered: bool,
    ids: HashSet<String>,
    id_bytes: usize,
    pages: usize,
    bytes: usize,
    /// How many resources were received, with repeats.
    received: u64,
    /// How many of them repeat another resource of their page.
    repeats: u64,
    has_nameless: bool,
    total: Option<u64>,
    has_shrunk: bool,
    cursors: HashSet<String>,
    end: Option<End>,
}

/// How a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// As many resources as `totalResults` says.
    Total,
    /// A page of a list with cursors without `nextCursor`.
    Cursor,
    /// A page without resources.
    EmptyPage,
    /// A page of resources that were received before, or a cursor that was used before.
    Repeats,
    /// One page without `totalResults`, of a list with a filter.
    OnePage,
}

/// The page that is requested next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NextPage {
    /// The page that begins with this number, from 1.
    Index(u64),
    /// The page of this cursor.
    Cursor(String),
    /// No other page.
    End,
}

/// Whether every resource of a list was received.
#[derive(Debug)]
pub(crate) enum Wholeness {
    /// Every resource was received.
    Whole(Whole),
    /// The target does not say how many there are. The list is whole if the target honours its filter.
    Untold(Untold),
    /// Resources are missing.
    Cut(Failure),
}

/// The proof that every resource of a list was received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole(());

/// One page of a filtered list without `totalResults`.
#[derive(Debug)]
pub(crate) struct Untold(());

impl Untold {
    /// Counts the page as whole if the target is known to honour filters.
    pub(crate) fn whole(&self, filters: Option<FilterUse>) -> Option<Whole> {
        (filters == Some(FilterUse::Honoured)).then_some(Whole(()))
    }
}

#[cfg(test)]
impl Whole {
    pub(super) fn for_test() -> Self {
        Self(())
    }
}

impl ListReading {
    pub(crate) fn new(noun: &'static str, is_filtered: bool) -> Self {
        Self {
            noun,
            is_filtered,
            ids: HashSet::new(),
            id_bytes: 0,
            pages: 0,
            bytes: 0,
            received: 0,
            repeats: 0,
            has_nameless: false,
            total: None,
            has_shrunk: false,
            cursors: HashSet::new(),
            end: None,
        }
    }

    /// Adds a page of this size in bytes. Returns which page is next.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] if the list is longer than a list may be.
    pub(crate) fn add(&mut self, page: &ListPage, size: usize) -> Result<NextPage, Failure> {
        self.pages += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.pages > PAGES_MAX || self.bytes > BYTES_MAX || self.id_bytes > ID_BYTES_MAX {
            return Err(doubt(format!(
                "the target's list of {}s does not end after {} pages and {} MiB",
                self.noun,
                self.pages,
                self.bytes / (1024 * 1024)
            )));
        }
        let mut page_ids = HashSet::new();
        let mut has_new = false;
        for resource in &page.resources {
            self.received += 1;
            let Some(id) = scim::id(resource) else {
                self.has_nameless = true;
                continue;
            };
            if !page_ids.insert(id.clone()) {
                self.repeats += 1;
            } else if !self.ids.contains(&id) {
                self.id_bytes += id.len();
                self.ids.insert(id);
                has_new = true;
            }
        }
        if let Some(total) = page.total {
            self.has_shrunk |= self.total.is_some_and(|before| total < before);
            self.total = Some(total);
        }
        Ok(self.next(page, has_new))
    }

    fn next(&mut self, page: &ListPage, has_new: bool) -> NextPage {
        if let Some(cursor) = &page.next_cursor {
            if self.cursors.insert(cursor.clone()) {
                self.id_bytes += cursor.len();
                return NextPage::Cursor(cursor.clone());
            }
            return self.end(End::Repeats);
        }
        if !self.cursors.is_empty() {
            return self.end(End::Cursor);
        }
        match self.total {
            Some(total) if self.received >= total => self.end(End::Total),
            None if self.is_filtered && self.pages == 1 => self.end(End::OnePage),
            _ if page.resources.is_empty() => self.end(End::EmptyPage),
            _ if !has_new => self.end(End::Repeats),
            _ => NextPage::Index(self.received + 1),
        }
    }

    fn end(&mut self, end: End) -> NextPage {
        self.end = Some(end);
        NextPage::End
    }

    /// Returns true if the target counts more different resources than were received. That is less than
    /// [`ListReading::wholeness`] requires.
    pub(crate) fn lacks_resources(&self) -> bool {
        self.total.is_some_and(|total| self.ids.len() as u64 + self.repeats < total)
    }

    /// Judges a list that has ended.
    pub(crate) fn wholeness(self) -> Wholeness {
        let distinct = self.ids.len() as u64;
        let is_complete = match (self.end, self.total) {
            (Some(End::OnePage), None) => return Wholeness::Untold(Untold(())),
            // A target without totalResults ends its list with a page without resources.
            (Some(End::EmptyPage), None) => true,
            (Some(End::Cursor), None) => true,
            (Some(End::Cursor), Some(total)) => distinct + self.repeats >= total,
            (Some(_), Some(total)) => distinct + self.repeats == total && !self.has_shrunk,
            (None | Some(End::Total | End::Repeats), None) | (None, Some(_)) => false,
        };
        if is_complete && !self.has_nameless || !holds(Rule::WholeList) {
            return Wholeness::Whole(Whole(()));
        }
        let noun = self.noun;
        Wholeness::Cut(doubt(match self.total {
            _ if self.has_nameless => format!("the target's list of {noun}s contains a {noun} without id"),
            _ if self.has_shrunk => format!("the target's list of {noun}s changed while it was read"),
            Some(total) => {
                format!("the target's list of {noun}s is not whole: it shows {distinct} and counts {total}")
            }
            None => format!(
                "the target's list of {noun}s is not whole: it has no totalResults, and its pages repeat after {distinct} \
                 {noun}s"
            ),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn page(ids: &[&str], total: Option<u64>) -> ListPage {
        ListPage { resources: ids.iter().map(|id| json!({"id": id})).collect(), total, next_cursor: None }
    }

    fn cursor_page(ids: &[&str], next: Option<&str>) -> ListPage {
        ListPage { next_cursor: next.map(str::to_owned), ..page(ids, None) }
    }

    /// Adds the pages until the list ends. Returns whether it is whole, and how many pages were read.
    fn read(is_filtered: bool, pages: &[ListPage]) -> (&'static str, usize) {
        let mut reading = ListReading::new("user", is_filtered);
        let mut count = 0;
        for page in pages {
            count += 1;
            if reading.add(page, 100).unwrap() == NextPage::End {
                break;
            }
        }
        let verdict = match reading.wholeness() {
            Wholeness::Whole(_) => "whole",
            Wholeness::Untold(_) => "untold",
            Wholeness::Cut(failure) => {
                assert_eq!(failure.code(), "uncertain");
                "cut"
            }
        };
        (verdict, count)
    }

    #[test]
    fn a_list_is_whole_if_it_has_as_many_ids_as_it_counts() {
        for (pages, expected) in [
            (vec![page(&[], Some(0))], ("whole", 1)),
            (vec![page(&["1"], Some(1))], ("whole", 1)),
            (vec![page(&["1", "2"], Some(3)), page(&["3"], Some(3))], ("whole", 2)),
            (vec![page(&["1", "1"], Some(2))], ("whole", 1)),
            (vec![page(&["1"], Some(1)), page(&["2"], Some(1))], ("whole", 1)),
            (vec![page(&["1", "2"], Some(3)), page(&["3", "4"], Some(4))], ("whole", 2)),
            // A count without resources, a short page, a page of repeats, records that moved to the next page.
            (vec![page(&[], Some(1))], ("cut", 1)),
            (vec![page(&["1"], Some(2)), page(&[], Some(2))], ("cut", 2)),
            (vec![page(&["1", "2"], Some(4)), page(&["1", "2"], Some(4))], ("cut", 2)),
            (vec![page(&["1", "2"], Some(4)), page(&["2", "3"], Some(4))], ("cut", 2)),
            // A record was deleted while the list was read, so another one may have been skipped.
            (vec![page(&["1", "2"], Some(4)), page(&["4"], Some(3))], ("cut", 2)),
            // More at the end than was shown.
            (vec![page(&["1", "2"], Some(3)), page(&["3"], Some(5)), page(&[], Some(5))], ("cut", 3)),
            (
                vec![ListPage { resources: vec![json!({"userName": "x"})], total: Some(1), next_cursor: None }],
                ("cut", 1),
            ),
        ] {
            assert_eq!(read(false, &pages), expected, "{pages:?}");
            assert_eq!(read(true, &pages), expected, "{pages:?}");
        }
    }

    #[test]
    fn without_a_count_a_filtered_list_is_one_page_and_another_list_ends_with_an_empty_page() {
        assert_eq!(read(true, &[page(&[], None)]), ("untold", 1));
        assert_eq!(read(true, &[page(&["1"], None)]), ("untold", 1));
        assert_eq!(read(false, &[page(&[], None)]), ("whole", 1));
        assert_eq!(read(false, &[page(&["1"], None), page(&["2"], None), page(&[], None)]), ("whole", 3));
        assert_eq!(read(false, &[page(&["1"], None), page(&["1"], None)]), ("cut", 2));
        let nameless = ListPage { resources: vec![json!({"id": "1"}), json!({})], ..ListPage::default() };
        assert_eq!(read(false, &[nameless, page(&[], None)]), ("cut", 2));
    }

    #[test]
    fn a_list_with_cursors_ends_at_the_page_without_a_next_cursor() {
        assert_eq!(read(false, &[cursor_page(&["1"], Some("a")), cursor_page(&["2"], None)]), ("whole", 2));
        assert_eq!(read(true, &[cursor_page(&["1"], Some("a")), cursor_page(&[], None)]), ("whole", 2));
        let circle = [cursor_page(&["1"], Some("a")), cursor_page(&["2"], Some("a"))];
        assert_eq!(read(false, &circle), ("cut", 2));
        let counted = [cursor_page(&["1"], Some("a")), ListPage { total: Some(3), ..cursor_page(&["2"], None) }];
        assert_eq!(read(false, &counted), ("cut", 2));
        assert_eq!(read(false, &[cursor_page(&["1"], Some("a"))]), ("cut", 1), "the list was given up");
    }

    #[test]
    fn an_endless_list_ends_by_pages_and_by_bytes() {
        for size in [1, 600 * 1024 * 1024] {
            let mut reading = ListReading::new("group", false);
            let failure = (0..=PAGES_MAX).find_map(|n| reading.add(&page(&[&n.to_string()], None), size).err());
            let text = failure.unwrap().to_string();
            assert!(text.starts_with("uncertain: the target's list of groups does not end"), "{text}");
        }
    }

    proptest! {
        /// A list of which at least one id was not received is never whole, however it is cut into pages.
        #[test]
        fn a_list_without_one_of_its_resources_is_not_whole(
            sizes in proptest::collection::vec(1_usize..4, 1..6), lost in any::<prop::sample::Index>()
        ) {
            let total = sizes.iter().sum::<usize>();
            let lost = lost.index(total);
            let mut next = 0..total;
            let mut pages: Vec<ListPage> = sizes.iter().map(|size| {
                let ids: Vec<String> = next.by_ref().take(*size).filter(|n| *n != lost).map(|n| n.to_string()).collect();
                page(&ids.iter().map(String::as_str).collect::<Vec<_>>(), Some(total as u64))
            }).collect();
            pages.push(page(&[], Some(total as u64)));
            prop_assert_eq!(read(false, &pages).0, "cut");
        }
    }
}
