//! Checks a target without writing: whether it accepts the credentials, and what it supports.
//! Does not know: the source, groups.

use std::sync::atomic::Ordering;

use super::Connector;
use super::session::{OperationError, status_and_reason};
use crate::environment::Random;
use crate::http::Deadline;
use crate::scim::{self, Capabilities, ResourceType};
use crate::settings::UpdateMethod;
use crate::{Failure, Message, Record};

/// The result of a check. Every line is printable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What the target supports, one fact per line.
    pub facts: Vec<String>,
    /// Settings that do not fit the target or have a risk, one per line.
    pub warnings: Vec<String>,
}

impl Connector {
    /// Searches for an identifier that does not exist, then reads what the target supports.
    ///
    /// The search proves the credentials. The service provider configuration does not, because many targets show it
    /// without authentication.
    ///
    /// # Errors
    /// The first failure: credentials, addresses, transport, or a response that is not SCIM.
    pub fn check(&self) -> Result<CheckReport, Failure> {
        self.mark_used();
        let deadline = self.deadline();
        let filter_works = self.check_credentials(deadline).map_err(|error| error.failure)?;
        let capabilities = self.capabilities(deadline).map_err(|error| error.failure)?;
        // The target must have the fields that the settings name.
        self.catalogue_for(&Record::default(), deadline).map_err(|error| error.failure)?;
        let mut report = CheckReport { facts: Vec::new(), warnings: self.settings.warnings() };
        report.facts.push("credentials: accepted".into());
        match capabilities {
            Some(capabilities) => report.facts.extend(capabilities.facts()),
            None => report.facts.push("service provider configuration: none".into()),
        }
        report.warnings.extend(self.capability_warnings(filter_works, capabilities));
        Ok(report)
    }

    /// Returns true if the target accepted the filter and applied it.
    fn check_credentials(&self, deadline: Deadline) -> Result<bool, OperationError> {
        let filter = scim::render_filter(&self.settings.filter, &unused_identifier(&*self.environment.random));
        let response = self.get(self.addresses.list(ResourceType::User, &[("filter", &filter)]), deadline)?;
        let (response, is_filter_accepted) = if matches!(response.status, 400 | 501) {
            let first_user = [("startIndex", "1"), ("count", "1")];
            (self.get(self.addresses.list(ResourceType::User, &first_user), deadline)?, false)
        } else {
            (response, true)
        };
        if response.status == 403 {
            let text = format!("searching for a user: the target returned {}", status_and_reason(&response));
            let hint = "check Authentication Methods and the permissions of these credentials at the target";
            return Err(Failure::AuthFailed(Message::new(text).with_hint(hint)).into());
        }
        let page = self.read_page(ResourceType::User, response)?;
        let is_filter_applied = is_filter_accepted && page.resources.is_empty();
        if is_filter_accepted && !is_filter_applied && self.is_equality_filter() {
            self.ignores_filters.store(true, Ordering::Relaxed);
        }
        Ok(is_filter_applied)
    }

    /// Returns a warning for each setting that does not fit what the target supports.
    fn capability_warnings(&self, filter_works: bool, capabilities: Option<Capabilities>) -> Vec<String> {
        let mut warnings = Vec::new();
        if !filter_works {
            warnings.push(if self.ignores_filters.load(Ordering::Relaxed) {
                "Filter Expression: the target ignores filters, so the connector reads the whole list of users once \
                 per cycle; check Filter Expression"
                    .into()
            } else {
                "Filter Expression: the target does not apply this filter, so existing users may not be found; \
                 change Filter Expression"
                    .into()
            });
        }
        let Some(capabilities) = capabilities else { return warnings };
        let settings = &self.settings;
        if settings.update_method == UpdateMethod::Patch && !capabilities.patch {
            warnings.push(
                "User Update Method: is PATCH, but the target does not support PATCH; set Automatic or PUT".into(),
            );
        }
        if settings.group_patch && !capabilities.patch {
            warnings.push(
                "Use PATCH for Group Updates: is selected, but the target does not support PATCH; clear it".into(),
            );
        }
        if let (Some(page_size), Some(page_size_max)) = (settings.results_per_page, capabilities.max_results)
            && u64::from(page_size) > page_size_max
        {
            warnings.push(format!(
                "Results Per Page: is {page_size}, but the target returns at most {page_size_max}; set {page_size_max} \
                 or less"
            ));
        }
        warnings
    }
}

/// Returns an identifier that no user has.
fn unused_identifier(random: &dyn Random) -> String {
    // Without random values the identifier has 24 zeros, and no user has that identifier either.
    let mut bytes = [0_u8; 12];
    random.fill(&mut bytes);
    let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("pfscim-check-{digits}@invalid")
}
