//! Core in this process.

use std::sync::Arc;

use pfscim_core::connector::{Asked, Connector, Session};
use pfscim_core::{Failure, Record};

use super::{Done, Provisioner};

/// A session of core's connector, for operations or for their preview.
#[derive(Debug)]
pub struct Direct {
    session: Session,
    preview: bool,
}

impl Direct {
    /// Operations that are carried out.
    pub fn new(connector: &Arc<Connector>) -> Self {
        Self { session: connector.session(), preview: false }
    }

    /// Operations that are only evaluated; the connector's environment must be one with `dry_run`.
    pub fn preview(connector: &Arc<Connector>) -> Self {
        Self { session: connector.session(), preview: true }
    }

    fn ask(&self, asked: Asked, record: &Record) -> Result<Done, Failure> {
        if self.preview {
            let preview = self.session.preview(asked, record)?;
            return Ok(Done { report: preview.report, changes: preview.changes });
        }
        let report = match asked {
            Asked::Create => self.session.create_user(record),
            Asked::Update => self.session.update_user(record),
            Asked::Remove => self.session.remove_user(record),
        };
        report.map(Done::from)
    }
}

impl Provisioner for Direct {
    fn check(&self) -> Result<Vec<String>, Failure> {
        self.session.connector().check().map(|checked| checked.warnings)
    }

    fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        self.session.find_user(id, identifier)
    }

    fn create(&self, record: &Record) -> Result<Done, Failure> {
        self.ask(Asked::Create, record)
    }

    fn update(&self, record: &Record) -> Result<Done, Failure> {
        self.ask(Asked::Update, record)
    }

    fn remove(&self, record: &Record) -> Result<Done, Failure> {
        self.ask(Asked::Remove, record)
    }

    fn close(&self) -> Vec<String> {
        self.session.close()
    }
}
