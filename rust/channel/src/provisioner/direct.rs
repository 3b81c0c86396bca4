//! Carries out operations with core, in this process.
//! Does not know: the source, the state.

use std::sync::Arc;

use pfscim_core::connector::{Connector, GroupRecord, RequestedOperation, Session};
use pfscim_core::mapping::Change;
use pfscim_core::{Failure, Record};

use super::{MemberChanges, OperationResult, Provisioner};

/// A session of core's connector, for operations or for their preview.
#[derive(Debug)]
pub struct DirectProvisioner {
    session: Session,
    preview: bool,
}

impl DirectProvisioner {
    /// Returns a provisioner that carries operations out.
    pub fn new(connector: &Arc<Connector>) -> Self {
        Self { session: connector.session(), preview: false }
    }

    /// A provisioner that only computes what operations would do. The connector's environment must have `dry_run`.
    pub fn preview(connector: &Arc<Connector>) -> Self {
        Self { session: connector.session(), preview: true }
    }

    fn perform(&self, operation: RequestedOperation, record: &Record) -> Result<OperationResult, Failure> {
        if self.preview {
            let preview = self.session.preview(operation, record)?;
            return Ok(OperationResult { changes: preview.changes, ..OperationResult::from(preview.report) });
        }
        let report = match operation {
            RequestedOperation::Create => self.session.create_user(record),
            RequestedOperation::Update => self.session.update_user(record),
            RequestedOperation::Remove => self.session.remove_user(record),
        };
        report.map(OperationResult::from)
    }

    fn preview_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        let preview = self.session.preview_group(group)?;
        let renamed = |old| Change { code: "displayName".to_owned(), old: vec![old], new: vec![group.name.clone()] };
        Ok(OperationResult {
            report: preview.report,
            changes: preview.old_name.map(renamed).into_iter().collect(),
            members: MemberChanges { added: preview.added, removed: preview.removed },
        })
    }
}

impl Provisioner for DirectProvisioner {
    fn check(&self) -> Result<Vec<String>, Failure> {
        self.session.connector().check().map(|checked| checked.warnings)
    }

    fn find(&self, id: Option<&str>, identifier: Option<&str>) -> Result<Option<Record>, Failure> {
        self.session.find_user(id, identifier)
    }

    fn create(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.perform(RequestedOperation::Create, record)
    }

    fn update(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.perform(RequestedOperation::Update, record)
    }

    fn remove(&self, record: &Record) -> Result<OperationResult, Failure> {
        self.perform(RequestedOperation::Remove, record)
    }

    fn find_group(&self, id: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
        self.session.find_group(id, name)
    }

    fn create_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        if self.preview {
            self.preview_group(group)
        } else {
            self.session.create_group(group).map(OperationResult::from)
        }
    }

    fn update_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        if self.preview {
            self.preview_group(group)
        } else {
            self.session.update_group(group).map(OperationResult::from)
        }
    }

    fn delete_group(&self, group: &GroupRecord) -> Result<OperationResult, Failure> {
        self.session.delete_group(group).map(OperationResult::from)
    }

    fn learn(&self, learnt: &str) {
        self.session.connector().learn(learnt);
    }

    fn learnt(&self) -> Option<String> {
        Some(self.session.connector().learnt())
    }

    fn close(&self) -> Vec<String> {
        self.session.close()
    }
}
