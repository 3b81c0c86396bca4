//! OGNL expressions of a mapping, evaluated by the host in a Java process of its own that is handed nothing else: neither
//! settings nor the plugin. May not know what the values are for.

use pfscim_core::sync::lock_ignoring_poison;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pfscim_core::{Failure, Message};

use crate::Error;
use crate::host::{Host, MAIN, Pairs, all, class_path};

/// An attribute of the mapping and its values; none is `null` to the expression, one a text, several a list.
pub type Variable = (String, Vec<String>);

/// Evaluates the expressions of a mapping.
pub trait Expressions: Sync {
    /// Whether the expression may be evaluated with variables of these names.
    ///
    /// # Errors
    /// [`Failure::Rejected`] where it may not; any other failure where nothing can be evaluated any more.
    fn accepts(&self, expression: &str, names: &[String]) -> Result<(), Failure>;

    /// The values that the expression comes to; none for `null`.
    ///
    /// # Errors
    /// As [`Expressions::accepts`], of these values. No message repeats a value.
    fn evaluate(&self, expression: &str, variables: &[Variable]) -> Result<Vec<String>, Failure>;
}

/// The host evaluates within a second; the rest is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What one virtual machine may use for expressions, whatever they do.
const MEMORY: &str = "-Xmx256m";
/// As many results are remembered.
const REMEMBERED: usize = 10_000;

/// What was asked: an expression with its variables.
type Asked = (String, Vec<Variable>);
/// What it came to, or why it failed.
type Answer = Result<Vec<String>, Message>;

/// The host in a process of its own, and what it answered. A host that is gone ends the cycle; the next one has another.
#[derive(Debug)]
pub struct Evaluator {
    java: PathBuf,
    jar: PathBuf,
    /// None where the last one is gone.
    host: Mutex<Option<Arc<Host>>>,
    known: Mutex<HashMap<Asked, Answer>>,
}

impl Evaluator {
    /// Starts `host` (`pfscim-host.jar`) with the Java program.
    ///
    /// # Errors
    /// No host jar, no Java, or one that does not run it.
    pub fn start(java: &Path, host: &Path) -> Result<Self, Error> {
        let evaluator =
            Self { java: java.to_owned(), jar: host.to_owned(), host: Mutex::default(), known: Mutex::default() };
        *lock_ignoring_poison(&evaluator.host) = Some(Arc::new(evaluator.spawn()?));
        evaluator
            .accepts("null", &[])
            .map_err(|failure| Error::unusable(failure.message().clone().at("--allow-expressions")))?;
        Ok(evaluator)
    }

    fn spawn(&self) -> Result<Host, Error> {
        let mut command = Command::new(&self.java);
        command.arg(MEMORY).arg("-cp").arg(class_path(&self.jar, Vec::new())?).args([MAIN, "--expressions"]);
        Host::spawn(command, "--allow-expressions")
    }

    fn call(&self, name: &str, args: Pairs) -> Result<Pairs, Failure> {
        let host = {
            let mut slot = lock_ignoring_poison(&self.host);
            match &*slot {
                Some(host) => Arc::clone(host),
                None => {
                    let host = self.spawn().map_err(|e| Failure::Config(e.to_string().into()))?;
                    Arc::clone(slot.insert(Arc::new(host)))
                }
            }
        };
        let answer = host.call(name, args, PATIENCE);
        if !matches!(answer, Ok(_) | Err(Failure::Rejected(_))) {
            lock_ignoring_poison(&self.host).take_if(|current| Arc::ptr_eq(current, &host));
        }
        answer
    }
}

impl Expressions for Evaluator {
    fn accepts(&self, expression: &str, names: &[String]) -> Result<(), Failure> {
        self.call("parse", request(expression, names)).map(|_| ())
    }

    fn evaluate(&self, expression: &str, variables: &[Variable]) -> Result<Vec<String>, Failure> {
        let asked = (expression.to_owned(), variables.to_vec());
        if let Some(answer) = lock_ignoring_poison(&self.known).get(&asked) {
            return answer.clone().map_err(Failure::Rejected);
        }
        let mut args = request(expression, variables.iter().map(|(name, _)| name));
        for (name, values) in variables {
            args.extend(values.iter().map(|value| (format!("v.{name}"), value.clone())));
        }
        let answer: Answer = match self.call("evaluate", args) {
            Ok(answer) => Ok(all(&answer, "value").map(str::to_owned).collect()),
            Err(Failure::Rejected(why)) => Err(why),
            Err(failure) => return Err(failure),
        };
        let mut known = lock_ignoring_poison(&self.known);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(asked, answer.clone());
        answer.map_err(Failure::Rejected)
    }
}

fn request<'n>(expression: &str, names: impl IntoIterator<Item = &'n String>) -> Pairs {
    let names = names.into_iter().map(|name| ("n".to_owned(), name.clone()));
    std::iter::once(("expression".to_owned(), expression.to_owned())).chain(names).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    /// A script that stands in for Java; the folder also holds the host's jar.
    fn java(script: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("host.jar"), "").unwrap();
        let java = folder.path().join("java");
        std::fs::write(&java, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&java, std::fs::Permissions::from_mode(0o700)).unwrap();
        folder
    }

    fn start(folder: &TempDir) -> Result<Evaluator, Error> {
        Evaluator::start(&folder.path().join("java"), &folder.path().join("host.jar"))
    }

    fn sn(values: &[&str]) -> Vec<Variable> {
        vec![("sn".to_owned(), values.iter().map(|&v| v.to_owned()).collect())]
    }

    #[test]
    fn the_host_is_handed_nothing_but_the_expression_and_its_variables() {
        let folder = java(
            r#"echo "$@" > "$0.args"; while read -r seq call args; do echo "$call $args" >> "$0.args"; echo "$seq ok value=a&value=b+c"; done"#,
        );
        let evaluator = start(&folder).unwrap();
        assert_eq!(evaluator.evaluate("#sn", &sn(&["x&y", "z"])).unwrap(), ["a", "b c"]);
        evaluator.accepts("#sn", &["sn".to_owned()]).unwrap();
        let host = folder.path().join("host.jar");
        assert_eq!(
            std::fs::read_to_string(folder.path().join("java.args")).unwrap(),
            format!(
                "{MEMORY} -cp {} {MAIN} --expressions\nparse expression=null\nevaluate expression=%23sn&n=sn&v.sn=x%26y&v.sn=z\n\
                 parse expression=%23sn&n=sn\n",
                host.display()
            )
        );
    }

    #[test]
    fn the_same_is_asked_once_also_where_it_failed() {
        let folder = java(
            r#"while read -r seq call args; do echo "$args" >> "$0.args"; case "$call $args" in
            parse*) echo "$seq ok" ;;
            *v.sn=bad*) echo "$seq failed message=rejected%3A+position&stop=false&class=refused" ;;
            *) n=$((n+1)); echo "$seq ok value=$n" ;; esac; done"#,
        );
        let evaluator = start(&folder).unwrap();
        for _ in 0..2 {
            assert_eq!(evaluator.evaluate("#sn", &sn(&["x"])).unwrap(), ["1"]);
            assert_eq!(evaluator.evaluate("#sn", &sn(&["y"])).unwrap(), ["2"]);
            assert_eq!(evaluator.evaluate("#sn", &sn(&["bad"])).unwrap_err(), Failure::Rejected("position".into()));
        }
        assert_eq!(std::fs::read_to_string(folder.path().join("java.args")).unwrap().lines().count(), 4);
    }

    #[test]
    fn an_evaluator_that_is_gone_is_no_failed_expression() {
        let folder = java(r#"read -r seq rest; echo "$seq ok"; read -r seq rest; echo 'no memory' >&2; exit 1"#);
        let evaluator = start(&folder).unwrap();
        let failure = evaluator.evaluate("#sn", &sn(&["x"])).unwrap_err();
        assert!(failure.stops_session() && failure.to_string().contains("no memory"), "{failure}");
    }

    #[test]
    fn another_evaluator_takes_the_place_of_one_that_is_gone() {
        let folder = java(
            r#"echo x >> "$0.starts"; while read -r seq call args; do case "$call$(wc -l < "$0.starts")" in
            evaluate1) exit 1 ;; *) echo "$seq ok value=a" ;; esac; done"#,
        );
        let evaluator = start(&folder).unwrap();
        assert!(evaluator.evaluate("#sn", &sn(&["x"])).unwrap_err().stops_session());
        assert_eq!(evaluator.evaluate("#sn", &sn(&["x"])).unwrap(), ["a"]);
    }

    #[test]
    fn what_cannot_be_started_is_named() {
        let folder = java("echo 'Error: could not find main class' >&2; exit 1");
        let told = start(&folder).unwrap_err().to_string();
        assert!(told.starts_with("--allow-expressions: ") && told.contains("main class"), "{told}");
        std::fs::remove_file(folder.path().join("java")).unwrap();
        let told = start(&folder).unwrap_err().to_string();
        assert!(
            told.starts_with("--allow-expressions: Java cannot be started") && told.contains("JAVA_HOME"),
            "{told}"
        );
        std::fs::remove_file(folder.path().join("host.jar")).unwrap();
        let told = start(&folder).unwrap_err().to_string();
        assert!(told.contains("host.jar is not there"), "{told}");
    }
}
