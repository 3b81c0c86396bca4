//! `pfscim check` and `pfscim test`: whether a connection can work, by itself and with its target.

use pfscim_channel::Error;
use pfscim_channel::prepare::inspect::inspect;
use pfscim_channel::provisioner::Provisioner as _;
use pfscim_core::connector::Checked;
use pfscim_core::text::printable;
use pfscim_core::{Failure, Message};
use serde_json::json;

use crate::args::{Check, Test};
use crate::exit_status::ExitStatus;
use crate::output::lines::{self, print_error};
use crate::setup::file::read;
use crate::setup::run::Setup;

/// Tells everything that is wrong with a connection's file.
pub(crate) fn check(check: &Check) -> Result<ExitStatus, Error> {
    let findings = inspect(&read(&check.connection)?, &check.given.secrets);
    if check.json {
        lines::out_json(&json!({"errors": findings.errors, "warnings": findings.warnings}));
    } else {
        list("error", &findings.errors);
        list("warning", &findings.warnings);
        if findings.errors.is_empty() {
            lines::out(&format!("{}: nothing is wrong", printable(&check.connection.display().to_string())));
        }
    }
    Ok(if findings.errors.is_empty() { ExitStatus::Well } else { ExitStatus::Unusable })
}

/// Tries a connection with its target; writes nothing there.
pub(crate) fn test(test: &Test) -> ExitStatus {
    let mut checked = Checked::default();
    let trouble = attempt(test, &mut checked).err();
    if test.json {
        let error =
            trouble.as_ref().map(|t| json!({"code": t.code, "message": t.message.text(), "hint": t.message.hint()}));
        lines::out_json(&json!({"facts": checked.facts, "warnings": checked.warnings, "error": error}));
    } else {
        for fact in &checked.facts {
            lines::out(&printable(fact));
        }
        list("warning", &checked.warnings);
    }
    match trouble {
        None => ExitStatus::Well,
        Some(trouble) => {
            print_error(&format!("{}: {}", trouble.code, trouble.message));
            trouble.end
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
    end: ExitStatus,
}

impl From<Failure> for TestError {
    fn from(failure: Failure) -> Self {
        let end = if matches!(failure, Failure::Config(_)) { ExitStatus::Unusable } else { ExitStatus::Stopped };
        Self { code: failure.code(), message: failure.message().clone(), end }
    }
}

impl From<Error> for TestError {
    fn from(error: Error) -> Self {
        let end = ExitStatus::from(&error);
        let code = if end == ExitStatus::Stopped { "stopped" } else { "config" };
        Self { code, message: error.message().clone(), end }
    }
}

/// What was found out before something went wrong is kept.
fn attempt(test: &Test, checked: &mut Checked) -> Result<(), TestError> {
    let setup = Setup::read(&test.target, true)?;
    checked.warnings = setup.settings.warnings();
    *checked = setup.connector()?.check()?;
    let channel = setup.channel();
    let expressions = setup.expressions(&test.target)?;
    let catalogue = setup.catalogue(channel)?;
    let rules = setup.rules(&catalogue, expressions.as_ref())?;
    checked.warnings.extend(rules.left_out);
    if let Some(folder) = &test.target.plugin {
        let plugin = setup.plugin(&test.target, channel, folder)?;
        setup.compare(&plugin)?;
        let told = plugin.check().map_err(|failure| {
            let trouble = TestError::from(failure);
            TestError { message: trouble.message.clone().at("--plugin"), ..trouble }
        })?;
        checked.facts.push("deployed jar: comes to the same".into());
        checked.warnings.extend(told.into_iter().filter(|line| !checked.warnings.contains(line)).collect::<Vec<_>>());
        checked.warnings.extend(plugin.close());
    }
    Ok(())
}
