//! Finds the account or group of a record: by its stored id, otherwise by the identifier or name.
//! Does not know: what is written to it.

use std::collections::BTreeSet;

use super::exchange::{OperationError, TimeLimit};
use super::lists::{LIST_TIME_MAX, ListEnd};
use super::session::Session;
use crate::facts::{
    Absence, ById, FilterUse, Listed, Match, Matches, Missing, NameIndex, NoMatch, Remembered, Shown, Wholeness, doubt,
};
use crate::scim::{self, Filter, ResourceType};
use crate::text::excerpt;
use crate::{Failure, Message};

/// The results of one filter whose attribute the list does not show, and that are read by their ids.
const HIDDEN_MAX: usize = 10;
/// A list that is not whole is read again this many times.
const LIST_REPEATS_MAX: u32 = 1;

/// What a lookup by the identifier or name found.
#[derive(Debug)]
pub(super) enum Lookup {
    Found(Shown),
    NoMatch(NoMatch),
}

/// What the target has for a record with a stored id.
#[derive(Debug)]
pub(super) enum Located {
    /// The resource with the stored id.
    Linked(Shown),
    /// The target does not have the stored id, and another resource has the identifier or name.
    Instead(Shown),
    Absent(Absence),
}

/// Whether a fact that this session has read before may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Fresh,
    Remembered,
}

impl Session {
    /// Reads the resource with this id, and remembers it.
    pub(super) fn read(&self, kind: ResourceType, id: &str, limit: &TimeLimit) -> Result<ById, OperationError> {
        let exchange = &self.connector.exchange;
        let found = exchange.read(kind, id, limit)?;
        match &found {
            ById::Shown(shown) => self.memory.remember(shown, exchange.now()),
            ById::Missing(_) => self.memory.forget(kind, id),
        }
        Ok(found)
    }

    fn read_or_recall(
        &self,
        kind: ResourceType,
        id: &str,
        reading: Reading,
        limit: &TimeLimit,
    ) -> Result<ById, OperationError> {
        match self.memory.shown(kind, id, self.connector.exchange.now()).filter(|_| reading == Reading::Remembered) {
            Some(shown) => Ok(ById::Shown(shown)),
            None => self.read(kind, id, limit),
        }
    }

    /// Finds the resource of a record by the stored id, then by the identifier or name.
    ///
    /// # Errors
    /// [`Failure::Uncertain`] if neither presence nor absence is proved; failures of the requests.
    pub(super) fn locate(
        &self,
        kind: ResourceType,
        id: &str,
        name: Option<&str>,
        reading: Reading,
        limit: &TimeLimit,
    ) -> Result<Located, OperationError> {
        match self.read_or_recall(kind, id, reading, limit)? {
            ById::Shown(shown) => Ok(Located::Linked(shown)),
            ById::Missing(missing) => {
                self.locate_missing(kind, (id, missing), name.filter(|name| !name.is_empty()), reading, limit)
            }
        }
    }

    /// Finds a resource of which no id is stored. The connector has not written to it, unless it is known that it has.
    pub(super) fn locate_unlinked(
        &self,
        kind: ResourceType,
        name: &str,
        reading: Reading,
        limit: &TimeLimit,
    ) -> Result<Lookup, OperationError> {
        let lookup = self.look_up_or_recall(kind, name, reading, limit)?;
        if let Lookup::Found(shown) = &lookup {
            self.connector.mark_found(kind, shown.id());
        }
        Ok(lookup)
    }

    /// Asks for the second witness: the target does not have the stored id.
    fn locate_missing(
        &self,
        kind: ResourceType,
        (id, missing): (&str, Missing),
        name: Option<&str>,
        reading: Reading,
        limit: &TimeLimit,
    ) -> Result<Located, OperationError> {
        let one_witness = Absence::of_linked(kind, id, missing, None);
        let Some(name) = name.filter(|_| one_witness.is_err()) else { return Ok(Located::Absent(one_witness?)) };
        Ok(match self.look_up_or_recall(kind, name, reading, limit)? {
            Lookup::Found(shown) if shown.id() == id => Located::Linked(shown),
            Lookup::Found(shown) => Located::Instead(shown),
            // The host may pass a new identifier, which the target does not have yet. So the id is asked for once more: a
            // 404 that was sent by mistake does not come twice.
            Lookup::NoMatch(no_match) => match self.read(kind, id, limit)? {
                ById::Shown(shown) => Located::Linked(shown),
                ById::Missing(again) => Located::Absent(Absence::of_linked(kind, id, again, Some(no_match))?),
            },
        })
    }

    fn look_up_or_recall(
        &self,
        kind: ResourceType,
        value: &str,
        reading: Reading,
        limit: &TimeLimit,
    ) -> Result<Lookup, OperationError> {
        let exchange = &self.connector.exchange;
        let key = exchange.filter(kind).key(value);
        let known = self.memory.lookup(kind, &key, exchange.now()).filter(|_| reading == Reading::Remembered);
        match known {
            // Another session may have created the resource since.
            Some((Remembered::NoMatch(no_match), at)) if !self.connector.is_created_since(kind, &key, at) => {
                Ok(Lookup::NoMatch(no_match))
            }
            // A write may have changed the identifier since.
            Some((Remembered::Id(id), _)) => match self.memory.shown(kind, &id, exchange.now()) {
                Some(shown) if shown.check_identifier(exchange.filter(kind), value).is_ok() => Ok(Lookup::Found(shown)),
                _ => self.look_up(kind, value, limit),
            },
            _ => self.look_up(kind, value, limit),
        }
    }

    /// Finds the resource with this identifier or name, and reads it by its id.
    pub(super) fn look_up(&self, kind: ResourceType, value: &str, limit: &TimeLimit) -> Result<Lookup, OperationError> {
        if value.is_empty() {
            return Err(doubt(format!("neither an id nor a name of the {} is known", kind.noun())).into());
        }
        let exchange = &self.connector.exchange;
        let filter = exchange.filter(kind);
        let found = if self.memory.has_list(kind, exchange.now()) || !self.may_filter(kind, filter, limit)? {
            self.look_up_in_list(kind, filter, value, limit)?
        } else {
            match self.look_up_with_filter(kind, filter, value, limit) {
                // The target supports filters, but not for groups.
                Err(OperationError { failure: Failure::Rejected(_), is_forbidden: false, .. })
                    if kind == ResourceType::Group =>
                {
                    self.look_up_in_list(kind, filter, value, limit)?
                }
                other => other?,
            }
        };
        let result = match &found {
            Lookup::Found(shown) => Remembered::Id(shown.id().to_owned()),
            Lookup::NoMatch(no_match) => Remembered::NoMatch(*no_match),
        };
        self.memory.remember_lookup(kind, &filter.key(value), result, exchange.now());
        Ok(found)
    }

    fn may_filter(&self, kind: ResourceType, filter: &Filter, limit: &TimeLimit) -> Result<bool, OperationError> {
        let exchange = &self.connector.exchange;
        if exchange.learnt.filter_use(filter, exchange.date()) == Some(FilterUse::Ignored) {
            return Ok(false);
        }
        Ok(kind == ResourceType::User || exchange.configuration(limit)?.filter())
    }

    /// Finds the resource that a filter returns and that has the value.
    pub(super) fn look_up_with_filter(
        &self,
        kind: ResourceType,
        filter: &Filter,
        value: &str,
        limit: &TimeLimit,
    ) -> Result<Lookup, OperationError> {
        let exchange = &self.connector.exchange;
        // A target ignores filters only if it does so twice: the first response may have been that of another request.
        for _ in 0..2 {
            let Some((matches, wholeness)) = self.filtered(kind, filter, value, limit)? else { continue };
            let whole = match wholeness {
                Wholeness::Whole(whole) => whole,
                Wholeness::Cut(failure) => return Err(failure.into()),
                Wholeness::Untold(page) => {
                    if exchange.learnt.filter_use(filter, exchange.date()).is_none() {
                        self.try_filter(kind, filter, limit)?;
                    }
                    match page.whole(exchange.learnt.filter_use(filter, exchange.date())) {
                        Some(whole) => whole,
                        None => return self.look_up_in_list(kind, filter, value, limit),
                    }
                }
            };
            return match matches.choose(kind, whole)? {
                Match::One(listed) => self.read_whole(filter, value, listed, limit).map(Lookup::Found),
                Match::None(no_match) => Ok(Lookup::NoMatch(no_match)),
            };
        }
        exchange.learnt.learn_filter_use(filter, FilterUse::Ignored, exchange.date());
        log::warn!("{}", ignores_filters(kind));
        self.look_up_in_list(kind, filter, value, limit)
    }

    /// Requests the resources with this value. Returns `None` if a result does not match, although each must.
    ///
    /// Learns that the target honours the filter if one of several known resources is returned.
    fn filtered(
        &self,
        kind: ResourceType,
        filter: &Filter,
        value: &str,
        limit: &TimeLimit,
    ) -> Result<Option<(Matches, Wholeness)>, OperationError> {
        let exchange = &self.connector.exchange;
        let (mut matches, mut hidden) = (Matches::default(), BTreeSet::new());
        let mut has_mismatch = false;
        let end = exchange.read_list(kind, Some(&filter.render(value)), &self.memory, limit, |resource| {
            let id = scim::id(&resource);
            id.iter().for_each(|id| self.memory.note_id(kind, id));
            match filter.compare(&resource, value) {
                Some(similarity) => matches.add(similarity, resource),
                None if filter.values(&resource).is_empty() && hidden.len() < HIDDEN_MAX => hidden.extend(id),
                None => has_mismatch = true,
            }
            Ok(!(has_mismatch && filter.is_equality()))
        })?;
        // Some targets do not show every attribute in lists.
        for id in hidden {
            if let ById::Shown(shown) = self.read(kind, &id, limit)? {
                match filter.compare(shown.resource(), value) {
                    Some(similarity) => matches.add(similarity, shown.resource().clone()),
                    None if shown.shows(filter) => has_mismatch = true,
                    None => return Err(hidden_attribute(kind).into()),
                }
            }
        }
        let wholeness = match end {
            ListEnd::Read(wholeness) if !(has_mismatch && filter.is_equality()) => wholeness,
            _ => return Ok(None),
        };
        if filter.is_equality() && matches.len() == 1 && self.memory.has_several(kind) {
            exchange.learnt.learn_filter_use(filter, FilterUse::Honoured, exchange.date());
        }
        Ok(Some((matches, wholeness)))
    }

    /// Tries the filter with a resource that the target has, at a target without `totalResults`: only then an empty result
    /// says something.
    fn try_filter(&self, kind: ResourceType, filter: &Filter, limit: &TimeLimit) -> Result<(), OperationError> {
        let mut known = None;
        self.connector.exchange.read_list(kind, None, &self.memory, limit, |resource| {
            scim::id(&resource).iter().for_each(|id| self.memory.note_id(kind, id));
            known = known.take().or_else(|| filter.values(&resource).into_iter().next());
            Ok(known.is_none() || !self.memory.has_several(kind))
        })?;
        if let Some(known) = known.filter(|_| self.memory.has_several(kind)) {
            self.filtered(kind, filter, &known, limit)?;
        }
        Ok(())
    }

    /// Reads a resource of a list again by its id, because a list may contain a part of each resource only. Returns the
    /// resource of the list if the target does not show it by its id.
    fn read_whole(
        &self,
        filter: &Filter,
        value: &str,
        listed: Shown,
        limit: &TimeLimit,
    ) -> Result<Shown, OperationError> {
        match self.read(listed.kind(), listed.id(), limit)? {
            ById::Shown(shown) => {
                shown.check_identifier(filter, value)?;
                Ok(shown)
            }
            ById::Missing(_) => {
                self.memory.remember(&listed, self.connector.exchange.now());
                Ok(listed)
            }
        }
    }

    /// Finds the resource in the list of all users or groups.
    fn look_up_in_list(
        &self,
        kind: ResourceType,
        filter: &Filter,
        value: &str,
        limit: &TimeLimit,
    ) -> Result<Lookup, OperationError> {
        if filter != self.connector.exchange.filter(kind) {
            return Err(doubt("the target ignores filters, so it cannot be searched by another attribute").into());
        }
        let mut result = self.look_up_in_kept_list(kind, filter, value, limit);
        // A resource may have been renamed or deleted since the list was read.
        if matches!(&result, Err(error) if matches!(error.failure, Failure::Uncertain(_)))
            && self
                .memory
                .in_list(kind, &filter.key(value), self.connector.exchange.now())
                .is_some_and(|list| list.is_ok())
        {
            self.memory.forget_list(kind);
            result = self.look_up_in_kept_list(kind, filter, value, limit);
        }
        result
    }

    fn look_up_in_kept_list(
        &self,
        kind: ResourceType,
        filter: &Filter,
        value: &str,
        limit: &TimeLimit,
    ) -> Result<Lookup, OperationError> {
        let (found, whole) = self.matches_in_list(kind, filter, value, limit)?;
        let mut matches = Matches::default();
        for (id, spelling) in found {
            if let Some(similarity) = filter.similarity(&spelling, value) {
                matches.add(similarity, serde_json::json!({"id": id}));
            }
        }
        let id = match matches.choose(kind, whole)? {
            Match::None(no_match) => return Ok(Lookup::NoMatch(no_match)),
            Match::One(listed) => listed.id().to_owned(),
        };
        match self.read(kind, &id, limit)? {
            ById::Shown(shown) => {
                shown.check_identifier(filter, value)?;
                Ok(Lookup::Found(shown))
            }
            ById::Missing(_) => {
                let text = format!("the target lists the {} {}, but does not have it", kind.noun(), excerpt(&id));
                Err(doubt(text).into())
            }
        }
    }

    /// Returns the resources of the list of all users or groups that have this value. One thread reads the list, and the
    /// others wait for it.
    fn matches_in_list(
        &self,
        kind: ResourceType,
        filter: &Filter,
        value: &str,
        limit: &TimeLimit,
    ) -> Result<Listed, OperationError> {
        let exchange = &self.connector.exchange;
        let key = filter.key(value);
        let start = exchange.now();
        if let Some(found) = self.memory.in_list(kind, &key, start) {
            return Ok(found?);
        }
        let clock = &*exchange.environment.clock;
        let turn = self.list_turns.take(kind, clock, start + LIST_TIME_MAX).ok_or_else(|| {
            Failure::transport(format!(
                "another thread did not finish reading the list of all {}s in time, so the next cycle tries again",
                kind.noun()
            ))
        })?;
        if !(turn.has_waited() && self.memory.has_list(kind, exchange.now())) {
            self.read_all(kind, filter)?;
        }
        limit.extend(exchange.now().saturating_sub(start));
        match self.memory.in_list(kind, &key, exchange.now()) {
            Some(found) => Ok(found?),
            None => Err(doubt(format!("the list of all {}s changed while it was read", kind.noun())).into()),
        }
    }

    /// Reads the list of all users or groups, and keeps it.
    fn read_all(&self, kind: ResourceType, filter: &Filter) -> Result<(), OperationError> {
        let exchange = &self.connector.exchange;
        let mut repeats = 0;
        loop {
            let (started_at, forgets) = (exchange.now(), self.memory.forgets(kind));
            let limit = TimeLimit::new(started_at, LIST_TIME_MAX);
            let mut index = NameIndex::new();
            let (mut has_shown, mut has_hidden) = (false, false);
            let end = exchange.read_list(kind, None, &self.memory, &limit, |resource| {
                let values = filter.values(&resource);
                if values.is_empty() {
                    has_hidden = true
                } else {
                    has_shown = true
                }
                if let Some(id) = scim::id(&resource) {
                    self.memory.note_id(kind, &id);
                    for spelling in values {
                        index.add(filter.key(&spelling), &id, spelling)?;
                    }
                }
                Ok(true)
            })?;
            let is_hidden = has_hidden && (!has_shown || filter.is_of_required_attribute());
            let content = match end {
                ListEnd::Read(Wholeness::Whole(_)) if is_hidden => Err(hidden_attribute(kind)),
                ListEnd::Read(Wholeness::Whole(whole)) => Ok((index, whole)),
                ListEnd::Read(Wholeness::Cut(failure)) => Err(failure),
                ListEnd::Read(Wholeness::Untold(_)) | ListEnd::Stopped => {
                    Err(doubt(format!("the list of all {}s did not end", kind.noun())))
                }
            };
            // The target may have changed, or a create may have been sent, while the list was read.
            let is_last = content.is_ok() || repeats == LIST_REPEATS_MAX;
            let is_kept = is_last && self.memory.keep_list(kind, content, (started_at, forgets), exchange.now());
            if is_kept || repeats == LIST_REPEATS_MAX {
                return Ok(());
            }
            repeats += 1;
        }
    }
}

/// Returns the failure for a list that does not show the attribute by which it is compared.
fn hidden_attribute(kind: ResourceType) -> Failure {
    let text = format!("the target does not show the attribute by which {}s are searched", kind.noun());
    let hint = match kind {
        ResourceType::User => "check Filter Expression, and the permissions of these credentials at the target",
        ResourceType::Group => "check the permissions of these credentials at the target",
    };
    Failure::Uncertain(Message::new(text).with_hint(hint))
}

/// Returns the warning about a target that ignores filters.
pub(super) fn ignores_filters(kind: ResourceType) -> String {
    let hint = match kind {
        ResourceType::User => "; check Filter Expression",
        ResourceType::Group => "",
    };
    format!("the target ignores filters, so the connector reads the whole list of {}s{hint}", kind.noun())
}
