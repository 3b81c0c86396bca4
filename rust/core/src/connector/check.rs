//! *Check Connection*: proves the credentials on the endpoint that will be used, then reports what the target can do.

use std::sync::atomic::Ordering;

use super::Connector;
use super::session::{OperationError, told};
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
        self.touch();
        let deadline = self.deadline();
        let filters = self.prove(deadline).map_err(|t| t.failure)?;
        let claims = self.capabilities(deadline).map_err(|u| u.failure)?;
        // What the settings name has to be there.
        self.catalogue_for(&Record::default(), deadline).map_err(|t| t.failure)?;
        let mut checked = CheckReport { facts: Vec::new(), warnings: self.settings.warnings() };
        checked.facts.push("credentials: accepted".into());
        match claims {
            Some(claims) => checked.facts.extend(claims.facts()),
            None => checked.facts.push("service provider configuration: none".into()),
        }
        checked.warnings.extend(self.misfits(filters, claims));
        Ok(checked)
    }

    /// True where the lookup filter was accepted and obeyed.
    fn prove(&self, deadline: Deadline) -> Result<bool, OperationError> {
        let filter = scim::render(&self.settings.filter, &nobody());
        let answer = self.get(self.addresses.list(ResourceType::User, &[("filter", &filter)]), deadline)?;
        let (answer, filtered) = if matches!(answer.status, 400 | 501) {
            let one = [("startIndex", "1"), ("count", "1")];
            (self.get(self.addresses.list(ResourceType::User, &one), deadline)?, false)
        } else {
            (answer, true)
        };
        if answer.status == 403 {
            return Err(Failure::AuthFailed(
                format!(
                    "a search for users was answered {}; these credentials may not manage users, check Authentication \
                 Methods and the permissions at the target",
                    told(&answer)
                )
                .into(),
            )
            .into());
        }
        let page = self.page(ResourceType::User, answer)?;
        let obeyed = filtered && page.resources.is_empty();
        if filtered && !obeyed && self.filters_by_equality() {
            self.ignores_filters.store(true, Ordering::Relaxed);
        }
        Ok(obeyed)
    }

    /// Settings that the target's claims, or its behaviour, speak against.
    fn misfits(&self, filters: bool, claims: Option<Capabilities>) -> Vec<String> {
        let mut misfits = Vec::new();
        if !filters {
            misfits.push(if self.ignores_filters.load(Ordering::Relaxed) {
                "Filter Expression: the target ignores filters; its whole list of users is read once a cycle".into()
            } else {
                "Filter Expression: the target refused it; existing users may not be found".into()
            });
        }
        let Some(claims) = claims else { return misfits };
        let settings = &self.settings;
        if settings.update_method == UpdateMethod::Patch && !claims.patch {
            misfits.push("User Update Method is PATCH, but the target says that it does not support PATCH".into());
        }
        if settings.group_patch && !claims.patch {
            misfits
                .push("Use PATCH for Group Updates is on, but the target says that it does not support PATCH".into());
        }
        if let (Some(wanted), Some(most)) = (settings.results_per_page, claims.max_results)
            && u64::from(wanted) > most
        {
            misfits.push(format!("Results Per Page is {wanted}, but the target gives {most} at the most"));
        }
        misfits
    }
}

/// A value that no user has.
fn nobody() -> String {
    let mut random = [0_u8; 12];
    // Without randomness the fixed rest is still a name that nobody has.
    let _ = getrandom::fill(&mut random);
    let digits: String = random.iter().map(|b| format!("{b:02x}")).collect();
    format!("pfscim-check-{digits}@invalid")
}
