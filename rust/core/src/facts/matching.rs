//! Chooses the resource of a list that has a value, or proves that the list has none.
//! Does not know: how the list was read, what the resource is for.
//!
//! If several resources match, only one that is equal in letter case counts.

use std::collections::HashSet;

use serde_json::Value;

use super::presence::{NoMatch, Shown};
use super::whole::Whole;
use crate::scim::{self, ResourceType, Similarity};
use crate::{Failure, Message};

/// The resources of one list that match a value. Several entries of one resource count once.
#[derive(Debug, Default)]
pub(crate) struct Matches {
    ids: HashSet<String>,
    found: Vec<(Similarity, Value)>,
}

/// The result of a search in a whole list.
#[derive(Debug)]
pub(crate) enum Match {
    /// The resource as the list shows it, which may be a part of it.
    One(Shown),
    None(NoMatch),
}

impl Matches {
    pub(crate) fn add(&mut self, similarity: Similarity, resource: Value) {
        if scim::id(&resource).is_none_or(|id| self.ids.insert(id)) {
            self.found.push((similarity, resource));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// Chooses the match, after the list was read as a whole.
    ///
    /// # Errors
    /// [`Failure::Ambiguous`] if several match, and none or several have the same letter case. [`Failure::Uncertain`] if the
    /// match has no id.
    pub(crate) fn choose(self, kind: ResourceType, _: Whole) -> Result<Match, Failure> {
        let count = self.found.len();
        let mut exact = self.found.iter().filter(|(similarity, _)| *similarity == Similarity::Exact);
        let chosen = match (count, exact.next(), exact.next()) {
            (0, ..) => return Ok(Match::None(NoMatch::new())),
            (1, ..) => self.found.into_iter().next(),
            (_, Some(exact), None) => Some(exact.clone()),
            _ => None,
        };
        if let Some((_, resource)) = chosen {
            return Shown::in_list(kind, resource).map(Match::One);
        }
        let what = match kind {
            ResourceType::User => "identifier",
            ResourceType::Group => "name",
        };
        let text =
            format!("{count} {}s of the target have this {what}, and the connector changed none of them", kind.noun());
        let hint = "remove or rename all but one of them at the target";
        Err(Failure::Ambiguous(Message::new(text).with_hint(hint)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn choose(entries: &[(Similarity, &str)]) -> Result<Option<String>, &'static str> {
        let mut matches = Matches::default();
        entries.iter().for_each(|(similarity, id)| matches.add(*similarity, json!({"id": id})));
        match matches.choose(ResourceType::User, Whole::for_test()) {
            Ok(Match::One(shown)) => Ok(Some(shown.id().to_owned())),
            Ok(Match::None(_)) => Ok(None),
            Err(failure) => Err(failure.code()),
        }
    }

    #[test]
    fn one_resource_is_chosen_and_several_are_ambiguous() {
        use Similarity::{Exact, Similar};
        assert_eq!(choose(&[]), Ok(None));
        assert_eq!(choose(&[(Similar, "1")]), Ok(Some("1".into())));
        assert_eq!(choose(&[(Similar, "1"), (Similar, "1")]), Ok(Some("1".into())));
        assert_eq!(choose(&[(Similar, "1"), (Exact, "2")]), Ok(Some("2".into())));
        assert_eq!(choose(&[(Similar, "1"), (Similar, "2")]), Err("ambiguous"));
        assert_eq!(choose(&[(Exact, "1"), (Exact, "2")]), Err("ambiguous"));
        assert_eq!(choose(&[(Exact, "")]), Err("uncertain"), "it has no id");
    }
}
