//! *Check Connection*: proves the credentials on the endpoint that will be used, then reports what the target can do.

use std::sync::atomic::Ordering;

use super::Connector;
use super::session::{OperationError, status_and_reason};
use crate::http::Deadline;
use crate::scim::{self, Capabilities, ResourceType};
use crate::settings::UpdateMethod;
use crate::{Failure, Record};

/// What a check found out. Every line is printable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What the target supports, one fact a line.
    pub facts: Vec<String>,
    /// Settings that do not fit the target, or are risky; one a line.
    pub warnings: Vec<String>,
}

impl Connector {
    /// Proves the credentials by the configured lookup with a value that nobody has (the service provider
    /// configuration is often open to anyone, so it proves nothing), then reports what the target can do.
    ///
    /// # Errors
    /// Whatever keeps this connection from working.
    pub fn check(&self) -> Result<CheckReport, Failure> {
        self.mark_used();
        let deadline = self.deadline();
        let filter_works = self.check_credentials(deadline).map_err(|t| t.failure)?;
        let capabilities = self.capabilities(deadline).map_err(|u| u.failure)?;
        // What the settings name has to be there.
        self.catalogue_for(&Record::default(), deadline).map_err(|t| t.failure)?;
        let mut report = CheckReport { facts: Vec::new(), warnings: self.settings.warnings() };
        report.facts.push("credentials: accepted".into());
        match capabilities {
            Some(capabilities) => report.facts.extend(capabilities.facts()),
            None => report.facts.push("service provider configuration: none".into()),
        }
        report.warnings.extend(self.capability_warnings(filter_works, capabilities));
        Ok(report)
    }

    /// True where the lookup filter was accepted and obeyed.
    fn check_credentials(&self, deadline: Deadline) -> Result<bool, OperationError> {
        let filter = scim::render_filter(&self.settings.filter, &unused_identifier());
        let response = self.get(self.addresses.list(ResourceType::User, &[("filter", &filter)]), deadline)?;
        let (response, is_filter_accepted) = if matches!(response.status, 400 | 501) {
            let first_user = [("startIndex", "1"), ("count", "1")];
            (self.get(self.addresses.list(ResourceType::User, &first_user), deadline)?, false)
        } else {
            (response, true)
        };
        if response.status == 403 {
            return Err(Failure::AuthFailed(
                format!(
                    "a search for users was answered {}; these credentials may not manage users, check Authentication \
                 Methods and the permissions at the target",
                    status_and_reason(&response)
                )
                .into(),
            )
            .into());
        }
        let page = self.read_page(ResourceType::User, response)?;
        let is_filter_applied = is_filter_accepted && page.resources.is_empty();
        if is_filter_accepted && !is_filter_applied && self.is_equality_filter() {
            self.ignores_filters.store(true, Ordering::Relaxed);
        }
        Ok(is_filter_applied)
    }

    /// Settings that the target's claims, or its behaviour, speak against.
    fn capability_warnings(&self, filter_works: bool, capabilities: Option<Capabilities>) -> Vec<String> {
        let mut warnings = Vec::new();
        if !filter_works {
            warnings.push(if self.ignores_filters.load(Ordering::Relaxed) {
                "Filter Expression: the target ignores filters; its whole list of users is read once a cycle".into()
            } else {
                "Filter Expression: the target refused it; existing users may not be found".into()
            });
        }
        let Some(capabilities) = capabilities else { return warnings };
        let settings = &self.settings;
        if settings.update_method == UpdateMethod::Patch && !capabilities.patch {
            warnings.push("User Update Method is PATCH, but the target says that it does not support PATCH".into());
        }
        if settings.group_patch && !capabilities.patch {
            warnings
                .push("Use PATCH for Group Updates is on, but the target says that it does not support PATCH".into());
        }
        if let (Some(page_size), Some(page_size_max)) = (settings.results_per_page, capabilities.max_results)
            && u64::from(page_size) > page_size_max
        {
            warnings.push(format!("Results Per Page is {page_size}, but the target gives {page_size_max} at the most"));
        }
        warnings
    }
}

/// A value that no user has.
fn unused_identifier() -> String {
    let mut random = [0_u8; 12];
    // Without randomness the fixed rest is still a name that nobody has.
    let _ = getrandom::fill(&mut random);
    let digits: String = random.iter().map(|b| format!("{b:02x}")).collect();
    format!("pfscim-check-{digits}@invalid")
}
