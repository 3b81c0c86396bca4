//! Runs `pfscim check` and `pfscim test`: checks a connection without and with its target.
//! Does not know: how a cycle runs.

use pfscim_channel::Error;
use pfscim_channel::prepare::inspect::inspect;
use pfscim_channel::provisioner::Provisioner as _;
use pfscim_core::connector::CheckReport;
use pfscim_core::text::printable;
use pfscim_core::{Failure, Message};
use serde_json::json;

use crate::args::{Check, Test};
use crate::exit_status::ExitStatus;
use crate::output::lines::{self, print_error};
use crate::setup::file::read;
use crate::setup::run::Setup;

/// Prints all errors and warnings of a connection file.
pub(crate) fn check(check: &Check) -> Result<ExitStatus, Error> {
    let findings = inspect(&read(&check.connection)?, &check.secrets.secrets);
    if check.json {
        lines::out_json(&json!({"errors": findings.errors, "warnings": findings.warnings}));
    } else {
        list("error", &findings.errors);
        list("warning", &findings.warnings);
        if findings.errors.is_empty() {
            lines::out(&format!("{}: no errors", printable(&check.connection.display().to_string())));
        }
    }
    Ok(if findings.errors.is_empty() { ExitStatus::Success } else { ExitStatus::Unusable })
}

/// Checks a connection with its target, and writes nothing there.
pub(crate) fn test(test: &Test) -> ExitStatus {
    let mut checked = CheckReport::default();
    let error = run_checks(test, &mut checked).err();
    if test.json {
        let error =
            error.as_ref().map(|e| json!({"code": e.code, "message": e.message.text(), "hint": e.message.hint()}));
        lines::out_json(&json!({"facts": checked.facts, "warnings": checked.warnings, "error": error}));
    } else {
        for fact in &checked.facts {
            lines::out(&printable(fact));
        }
        list("warning", &checked.warnings);
    }
    match error {
        None => ExitStatus::Success,
        Some(error) => {
            print_error(&format!("{}: {}", error.code, error.message));
            error.exit_status
        }
    }
}

fn list(kind: &str, lines: &[String]) {
    for line in lines {
        lines::out(&format!("{kind}: {}", printable(line)));
    }
}

/// Why a connection does not work.
struct TestError {
    code: &'static str,
    message: Message,
    exit_status: ExitStatus,
}

impl From<Failure> for TestError {
    fn from(failure: Failure) -> Self {
        let exit_status =
            if matches!(failure, Failure::Config(_)) { ExitStatus::Unusable } else { ExitStatus::Stopped };
        Self { code: failure.code(), message: failure.message().clone(), exit_status }
    }
}

impl From<Error> for TestError {
    fn from(error: Error) -> Self {
        let exit_status = ExitStatus::from(&error);
        let code = if exit_status == ExitStatus::Stopped { "stopped" } else { "config" };
        Self { code, message: error.message().clone(), exit_status }
    }
}

/// Runs the checks in order. Facts and warnings from before an error stay in `checked`.
fn run_checks(test: &Test, checked: &mut CheckReport) -> Result<(), TestError> {
    let setup = Setup::read(&test.target, true)?;
    checked.warnings = setup.settings.warnings();
    *checked = setup.connector()?.check()?;
    let channel = setup.channel();
    let expressions = setup.expressions(&test.target)?;
    let catalogue = setup.catalogue(channel)?;
    let mapper = setup.record_mapper(&catalogue, expressions.as_ref())?;
    checked.warnings.extend(mapper.omitted_fields);
    if let Some(folder) = &test.target.plugin {
        let plugin = setup.plugin(&test.target, channel, folder)?;
        setup.compare(&plugin)?;
        let warnings = plugin.check().map_err(|failure| {
            let error = TestError::from(failure);
            TestError { message: error.message.clone().at("--plugin"), ..error }
        })?;
        checked.facts.push("deployed jar: check passed, same result".into());
        checked
            .warnings
            .extend(warnings.into_iter().filter(|line| !checked.warnings.contains(line)).collect::<Vec<_>>());
        checked.warnings.extend(plugin.close());
    }
    Ok(())
}
