//! Core in this process.

use std::sync::Arc;

use pfscim_core::connector::{Asked, Connector, Group, Session};
use pfscim_core::mapping::Change;
use pfscim_core::{Failure, Record};

use super::{Done, MemberChanges, Provisioner};

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
            return Ok(Done { changes: preview.changes, ..Done::from(preview.report) });
        }
        let report = match asked {
            Asked::Create => self.session.create_user(record),
            Asked::Update => self.session.update_user(record),
            Asked::Remove => self.session.remove_user(record),
        };
        report.map(Done::from)
    }

    fn preview_group(&self, group: &Group) -> Result<Done, Failure> {
        let preview = self.session.preview_group(group)?;
        let renamed = |old| Change { code: "displayName".to_owned(), old: vec![old], new: vec![group.name.clone()] };
        Ok(Done {
            report: preview.report,
            changes: preview.old_name.map(renamed).into_iter().collect(),
            members: MemberChanges { added: preview.added, removed: preview.removed },
        })
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

    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        self.session.find_group(id, name)
    }

    fn create_group(&self, group: &Group) -> Result<Done, Failure> {
        if self.preview { self.preview_group(group) } else { self.session.create_group(group).map(Done::from) }
    }

    fn update_group(&self, group: &Group) -> Result<Done, Failure> {
        if self.preview { self.preview_group(group) } else { self.session.update_group(group).map(Done::from) }
    }

    fn delete_group(&self, group: &Group) -> Result<Done, Failure> {
        self.session.delete_group(group).map(Done::from)
    }

    fn close(&self) -> Vec<String> {
        self.session.close()
    }
}
