//! Reads the fields of one target: the standard fields, and the custom attributes in its schemas (RFC 7644 section 4).
//! Does not know: how a field is written.

use std::sync::Arc;

use serde_json::Value;

use super::Connector;
use super::matching::json_body;
use super::session::{OperationError, Session};
use crate::http::Deadline;
use crate::mapping::Catalogue;
use crate::scim::Version;
use crate::sync::lock_ignoring_poison;
use crate::text::excerpt;
use crate::{Failure, Message, Record, scim};

impl Session {
    /// Reads the fields that can be mapped: the standard fields and, for SCIM 2.0, the custom attributes of the target.
    /// A target without `/Schemas` (404, 501) has the standard fields.
    ///
    /// # Errors
    /// Any other failure to read the schemas. The list is never shortened because of a failure.
    pub fn fields(&self) -> Result<Arc<Catalogue>, Failure> {
        self.operation(None, |deadline| self.connector().read_catalogue(deadline))
    }
}

impl Connector {
    /// Returns the cached catalogue.
    pub(super) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&lock_ignoring_poison(&self.catalogue))
    }

    /// Returns the catalogue for a record. Reads the schemas if the cached catalogue lacks a field of the record or of
    /// *Clear Attributes When Empty*, because the field may be a custom attribute of the target.
    pub(super) fn catalogue_for(&self, record: &Record, deadline: Deadline) -> Result<Arc<Catalogue>, OperationError> {
        let clearable = &self.settings.clearable;
        let cached = self.catalogue();
        if record.fields.keys().chain(clearable).all(|code| cached.field(code).is_some()) {
            return Ok(cached);
        }
        let discovered = self.read_catalogue(deadline)?;
        match clearable.iter().find(|code| discovered.field(code).is_none()) {
            None => Ok(discovered),
            Some(code) => {
                let text = format!("Clear Attributes When Empty: {} is not a field of this target", excerpt(code));
                let hint = "remove it from the list, or check Custom Attribute Schema URNs";
                Err(Failure::Config(Message::new(text).with_hint(hint)).into())
            }
        }
    }

    fn read_catalogue(&self, deadline: Deadline) -> Result<Arc<Catalogue>, OperationError> {
        let standard = Catalogue::standard(self.settings.version);
        if self.settings.version == Version::V1_1 {
            return Ok(Arc::new(standard));
        }
        let schemas = self.read_schemas(deadline)?;
        let catalogue = Arc::new(standard.with_schemas(&schemas, &self.settings.extension_urns));
        *lock_ignoring_poison(&self.catalogue) = Arc::clone(&catalogue);
        Ok(catalogue)
    }

    fn read_schemas(&self, deadline: Deadline) -> Result<Vec<Value>, OperationError> {
        let response = self.get(self.addresses.schemas(), deadline)?;
        match response.status {
            200 => Ok(scim::read_list_response(json_body(response)?)?.resources),
            404 | 501 => Ok(Vec::new()),
            _ => Err(self.unexpected_status("reading the schemas", &response)),
        }
    }
}
