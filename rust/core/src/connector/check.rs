//! Checks a target without writing: whether it accepts the credentials, and what it supports.
//! Does not know: the source.

use super::exchange::{Configuration, OperationError, TimeLimit, status_and_reason};
use super::facade::Connector;
use super::lists::FIRST_RESOURCE;
use super::lookup::ignores_filters;
use crate::environment::Random;
use crate::facts::FilterUse;
use crate::scim::{Capabilities, ResourceType};
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
        let limit = self.exchange.time_limit();
        let filter_works = self.check_credentials(&limit).map_err(|error| error.failure)?;
        let configuration = self.exchange.configuration(&limit).map_err(|error| error.failure)?;
        // The target must have the fields that the settings name.
        self.fields.of_record(&self.exchange, &Record::default(), &limit).map_err(|error| error.failure)?;
        let mut report = CheckReport { facts: Vec::new(), warnings: self.settings().warnings() };
        report.facts.push("credentials: accepted".into());
        let capabilities = match configuration {
            Configuration::Known(capabilities) => {
                report.facts.extend(capabilities.facts());
                Some(capabilities)
            }
            Configuration::Absent => {
                report.facts.push("service provider configuration: none".into());
                None
            }
            Configuration::Unread => {
                report.facts.push("service provider configuration: could not be read".into());
                None
            }
        };
        report.warnings.extend(self.capability_warnings(filter_works, capabilities));
        Ok(report)
    }

    /// Returns true if the target accepted the filter and applied it.
    fn check_credentials(&self, limit: &TimeLimit) -> Result<bool, OperationError> {
        let (exchange, kind) = (&self.exchange, ResourceType::User);
        let filter = exchange.user_filter.render(&unused_identifier(&*exchange.environment.random));
        let is_equality = exchange.user_filter.is_equality();
        // A target ignores filters only if it does so twice: the first response may have been that of another request.
        for _ in 0..2 {
            let response = exchange.get(exchange.addresses.list(kind, &[("filter", &filter)]), limit)?;
            if response.status == 403 {
                let text = format!("searching for a user: the target returned {}", status_and_reason(&response));
                let hint = "check Authentication Methods and the permissions of these credentials at the target";
                return Err(Failure::AuthFailed(Message::new(text).with_hint(hint)).into());
            }
            let is_accepted = !matches!(response.status, 400 | 501);
            // An empty result may be a 404, so the list without a filter decides.
            let page = if is_accepted && response.status != 404 {
                exchange.checked_page(kind, true, response)?
            } else {
                let first = exchange.get(exchange.addresses.list(kind, &FIRST_RESOURCE), limit)?;
                exchange.checked_page(kind, false, first)?;
                return Ok(is_accepted);
            };
            if page.resources.is_empty() {
                return Ok(true);
            }
            if !is_equality {
                return Ok(false);
            }
        }
        exchange.learnt.learn_filter_use(&exchange.user_filter, FilterUse::Ignored, exchange.date());
        Ok(false)
    }

    /// Returns a warning for each setting that does not fit what the target supports.
    fn capability_warnings(&self, filter_works: bool, capabilities: Option<Capabilities>) -> Vec<String> {
        let mut warnings = Vec::new();
        if !filter_works {
            let filters = self.exchange.learnt.filter_use(&self.exchange.user_filter, self.exchange.date());
            warnings.push(if filters == Some(FilterUse::Ignored) {
                format!("Filter Expression: {}", ignores_filters(ResourceType::User))
            } else {
                "Filter Expression: the target does not apply this filter, so existing users may not be found; \
                 change Filter Expression"
                    .into()
            });
        }
        let Some(capabilities) = capabilities else { return warnings };
        let settings = self.settings();
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
