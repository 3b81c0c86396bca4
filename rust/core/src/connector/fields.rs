//! The fields of one target: the standard ones, and custom attributes read off its schemas (RFC 7644 section 4).

use crate::sync::lock_ignoring_poison;
use std::sync::Arc;

use serde_json::Value;

use super::Connector;
use super::matching::json;
use super::session::{OperationError, Session};
use crate::http::Deadline;
use crate::mapping::Catalogue;
use crate::scim::Version;
use crate::text::excerpt;
use crate::{Failure, Record, scim};

impl Session {
    /// The fields that can be mapped: the standard ones and, for SCIM 2.0, the target's custom attributes, read anew.
    /// A target without `/Schemas` (404, 501) has the standard ones.
    ///
    /// # Errors
    /// Any other failure of reading the schemas: never a shorter list.
    pub fn fields(&self) -> Result<Arc<Catalogue>, Failure> {
        self.operation(None, |deadline| self.connector().discover(deadline))
    }
}

impl Connector {
    /// The catalogue as it is known.
    pub(super) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&lock_ignoring_poison(&self.catalogue))
    }

    /// The catalogue for a record: a field that is not known yet, of the record or of *Clear Attributes When Empty*, may
    /// be a custom attribute of the target.
    pub(super) fn catalogue_for(&self, record: &Record, deadline: Deadline) -> Result<Arc<Catalogue>, OperationError> {
        let clearable = &self.settings.clearable;
        let known = self.catalogue();
        if record.fields.keys().chain(clearable).all(|code| known.field(code).is_some()) {
            return Ok(known);
        }
        let read = self.discover(deadline)?;
        match clearable.iter().find(|code| read.field(code).is_none()) {
            None => Ok(read),
            Some(code) => Err(Failure::Config(
                format!(
                    "Clear Attributes When Empty: {} is no field of this target; take it off the list, or check Custom \
                 Attribute Schema URNs",
                    excerpt(code)
                )
                .into(),
            )
            .into()),
        }
    }

    fn discover(&self, deadline: Deadline) -> Result<Arc<Catalogue>, OperationError> {
        let standard = Catalogue::standard(self.settings.version);
        if self.settings.version == Version::V1_1 {
            return Ok(Arc::new(standard));
        }
        let schemas = self.schemas(deadline)?;
        let catalogue = Arc::new(standard.with_schemas(&schemas, &self.settings.extension_urns));
        *lock_ignoring_poison(&self.catalogue) = Arc::clone(&catalogue);
        Ok(catalogue)
    }

    fn schemas(&self, deadline: Deadline) -> Result<Vec<Value>, OperationError> {
        let answer = self.get(self.addresses.schemas(), deadline)?;
        match answer.status {
            200 => Ok(scim::page(json(answer)?)?.resources),
            404 | 501 => Ok(Vec::new()),
            _ => Err(self.refused("reading the schemas", &answer)),
        }
    }
}
