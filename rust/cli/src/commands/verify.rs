//! `pfscim check` and `pfscim test`: whether a connection can work, by itself and with its target.

use pfscim_channel::Error;
use pfscim_channel::prepare::inspect::inspect;
use pfscim_channel::provisioner::Provisioner as _;
use pfscim_core::Failure;
use pfscim_core::connector::Checked;
use pfscim_core::text::printable;
use serde_json::json;

use crate::args::{Check, Test};
use crate::end::End;
use crate::output::lines::{self, complain};
use crate::setup::file::read;
use crate::setup::run::Setup;

/// Tells everything that is wrong with a connection's file.
pub(crate) fn check(check: &Check) -> Result<End, Error> {
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
    Ok(if findings.errors.is_empty() { End::Well } else { End::Unusable })
}

/// Tries a connection with its target; writes nothing there.
pub(crate) fn test(test: &Test) -> End {
    let mut checked = Checked::default();
    let trouble = attempt(test, &mut checked).err();
    if test.json {
        let error = trouble.as_ref().map(|t| json!({"code": t.code, "message": t.text}));
        lines::out_json(&json!({"facts": checked.facts, "warnings": checked.warnings, "error": error}));
    } else {
        for fact in &checked.facts {
            lines::out(&printable(fact));
        }
        list("warning", &checked.warnings);
    }
    match trouble {
        None => End::Well,
        Some(trouble) => {
            complain(&format!("{}: {}", trouble.code, trouble.text));
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
struct Trouble {
    code: &'static str,
    text: String,
    end: End,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let end = if matches!(failure, Failure::Config(_)) { End::Unusable } else { End::Stopped };
        Self { code: failure.code(), text: failure.text().to_owned(), end }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let end = End::from(&error);
        let code = if end == End::Stopped { "stopped" } else { "config" };
        Self { code, text: error.to_string(), end }
    }
}

/// What was found out before something went wrong is kept.
fn attempt(test: &Test, checked: &mut Checked) -> Result<(), Trouble> {
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
            let trouble = Trouble::from(failure);
            Trouble { text: format!("--plugin: {}", trouble.text), ..trouble }
        })?;
        checked.facts.push("deployed jar: comes to the same".into());
        checked.warnings.extend(told.into_iter().filter(|line| !checked.warnings.contains(line)).collect::<Vec<_>>());
        checked.warnings.extend(plugin.close());
    }
    Ok(())
}
