//! Reads the fields of one target: the standard fields, and the custom attributes in its schemas (RFC 7644 section 4).
//! Does not know: how a field is written.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::exchange::{Exchange, OperationError, TimeLimit, is_missing_endpoint, list_page, unexpected_status};
use super::lists::read_pages;
use crate::facts::{ListReading, NextPage, doubt};
use crate::mapping::Catalogue;
use crate::scim::{ListPage, Version};
use crate::sync::lock_ignoring_poison;
use crate::text::excerpt;
use crate::{Failure, Message, Record};

/// The fields that are known of a target: the standard fields, and those of its schemas after these were read.
#[derive(Debug)]
pub(super) struct Fields {
    catalogue: Mutex<Arc<Catalogue>>,
}

impl Fields {
    pub(super) fn new(version: Version) -> Self {
        Self { catalogue: Mutex::new(Arc::new(Catalogue::standard(version))) }
    }

    /// Returns the fields that are known.
    pub(super) fn known(&self) -> Arc<Catalogue> {
        Arc::clone(&lock_ignoring_poison(&self.catalogue))
    }

    /// Returns the fields for a record. Reads the schemas if a field of the record or of *Clear Attributes When Empty* is
    /// not known, because it may be a custom attribute of the target.
    ///
    /// # Errors
    /// As [`Fields::read`]; [`Failure::Config`] if the target does not have a field of the setting.
    pub(super) fn of_record(
        &self,
        exchange: &Exchange,
        record: &Record,
        limit: &TimeLimit,
    ) -> Result<Arc<Catalogue>, OperationError> {
        let clearable = &exchange.settings.clearable;
        let known = self.known();
        if record.fields.keys().chain(clearable).all(|code| known.field(code).is_some()) {
            return Ok(known);
        }
        let discovered = self.read(exchange, limit)?;
        match clearable.iter().find(|code| discovered.field(code).is_none()) {
            None => Ok(discovered),
            Some(code) => {
                let text = format!("Clear Attributes When Empty: {} is not a field of this target", excerpt(code));
                let hint = "remove it from the list, or check Custom Attribute Schema URNs";
                Err(Failure::Config(Message::new(text).with_hint(hint)).into())
            }
        }
    }

    /// Reads the schemas of the target. A target without `/Schemas` has the standard fields.
    ///
    /// # Errors
    /// Any other failure to read the schemas. The fields are never fewer because of a failure.
    pub(super) fn read(&self, exchange: &Exchange, limit: &TimeLimit) -> Result<Arc<Catalogue>, OperationError> {
        let version = exchange.settings.version;
        let standard = Catalogue::standard(version);
        if version == Version::V1_1 {
            return Ok(Arc::new(standard));
        }
        let schemas = read_schemas(exchange, limit)?;
        let catalogue = Arc::new(standard.with_schemas(&schemas, &exchange.settings.extension_urns));
        *lock_ignoring_poison(&self.catalogue) = Arc::clone(&catalogue);
        Ok(catalogue)
    }
}

/// Reads all pages of the schemas. A failure says nothing about the credentials, because many targets protect this
/// endpoint in another way.
fn read_schemas(exchange: &Exchange, limit: &TimeLimit) -> Result<Vec<Value>, OperationError> {
    let mut schemas = Vec::new();
    let mut request = |next: &NextPage, is_first: bool| {
        let mut url = exchange.addresses.schemas();
        match next {
            NextPage::Index(_) if is_first => {}
            NextPage::Index(index) => drop(url.query_pairs_mut().append_pair("startIndex", &index.to_string())),
            NextPage::Cursor(cursor) => drop(url.query_pairs_mut().append_pair("cursor", cursor)),
            NextPage::End => {}
        }
        let Some(response) = exchange.get_discovery(url, limit)? else {
            let text = "reading the schemas: the target rejects the credentials for its /Schemas";
            let hint = "allow these credentials to read /Schemas, or map standard fields only";
            return Err(Failure::Rejected(Message::new(text).with_hint(hint)).into());
        };
        match response.status {
            200 => {}
            _ if is_missing_endpoint(&response) && is_first => {
                return Ok((ListPage { total: Some(0), ..ListPage::default() }, 0));
            }
            _ => {
                let error = unexpected_status("reading the schemas", &response);
                return Err(OperationError { is_forbidden: false, ..error });
            }
        }
        let size = response.size;
        let mut page = list_page(response)?;
        if page.total.is_none() && page.next_cursor.is_none() {
            // Without a count one page is complete: most targets have one page of schemas.
            page.total = Some(page.resources.len() as u64);
        }
        Ok((page, size))
    };
    let reading = read_pages(ListReading::new("schema", false), &mut request, &mut |schema| {
        schemas.push(schema);
        Ok(true)
    })?;
    // Other than for users, a count that is too small or a schema without id does no harm.
    if reading.is_none_or(|reading| reading.lacks_resources()) {
        return Err(doubt("the target's list of schemas is not whole").into());
    }
    Ok(schemas)
}
