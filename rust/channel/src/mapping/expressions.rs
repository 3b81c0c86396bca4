//! Evaluates the OGNL expressions of a mapping in a separate Java host process.
//! Does not know: what the values are used for.
//!
//! The process receives expressions and their variables only, neither settings nor the plugin.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pfscim_core::sync::lock_ignoring_poison;
use pfscim_core::{Failure, Message};

use crate::Error;
use crate::host::{HostProcess, MAIN_CLASS, Pairs, all_values, class_path};

/// An attribute of the mapping and its values. In the expression, an attribute without values is `null`, one value is a
/// text, and several values are a list.
pub type Variable = (String, Vec<String>);

/// Evaluates the expressions of a mapping.
pub trait Expressions: Sync {
    /// Checks that the expression may be evaluated with variables of these names.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if it may not. Any other failure means that no expression can be evaluated any more.
    fn check(&self, expression: &str, names: &[String]) -> Result<(), Failure>;

    /// Returns the values of the expression; none for `null`.
    ///
    /// # Errors
    /// As [`Expressions::check`], for these values. No message contains a value.
    fn evaluate(&self, expression: &str, variables: &[Variable]) -> Result<Vec<String>, Failure>;
}

/// The time limit of one call. The host itself stops an evaluation after a second; the rest is for a busy machine.
const EVALUATION_TIMEOUT: Duration = Duration::from_secs(60);
/// The JVM option that limits the memory of all expressions together to 256 MB.
const HEAP_MAX_OPTION: &str = "-Xmx256m";
/// Results in the cache. A full cache is emptied.
const CACHE_ENTRIES_MAX: usize = 10_000;

/// An expression with its variables.
type CacheKey = (String, Vec<Variable>);
/// The values of an expression, or why it failed.
type CachedResult = Result<Vec<String>, Message>;

/// Evaluates expressions in a Java host process, and caches the results. If the process ends, the cycle stops. The next
/// call starts another process.
#[derive(Debug)]
pub struct Evaluator {
    java: PathBuf,
    jar: PathBuf,
    /// `None` after the last process has ended.
    host: Mutex<Option<Arc<HostProcess>>>,
    cache: Mutex<HashMap<CacheKey, CachedResult>>,
}

impl Evaluator {
    /// Starts `jar` (`pfscim-host.jar`) with the program `java`.
    ///
    /// # Errors
    /// The jar does not exist, or Java cannot be started or cannot run the jar.
    pub fn start(java: &Path, jar: &Path) -> Result<Self, Error> {
        let evaluator =
            Self { java: java.to_owned(), jar: jar.to_owned(), host: Mutex::default(), cache: Mutex::default() };
        *lock_ignoring_poison(&evaluator.host) = Some(Arc::new(evaluator.spawn()?));
        evaluator
            .check("null", &[])
            .map_err(|failure| Error::unusable(failure.message().clone().at("--allow-expressions")))?;
        Ok(evaluator)
    }

    fn spawn(&self) -> Result<HostProcess, Error> {
        let mut command = Command::new(&self.java);
        command
            .arg(HEAP_MAX_OPTION)
            .arg("-cp")
            .arg(class_path(&self.jar, Vec::new())?)
            .args([MAIN_CLASS, "--expressions"]);
        HostProcess::spawn(command, "--allow-expressions")
    }

    fn call(&self, name: &str, args: Pairs) -> Result<Pairs, Failure> {
        let host = {
            let mut slot = lock_ignoring_poison(&self.host);
            match &*slot {
                Some(host) => Arc::clone(host),
                None => {
                    let host = self.spawn().map_err(|error| Failure::Config(error.message().clone()))?;
                    Arc::clone(slot.insert(Arc::new(host)))
                }
            }
        };
        let result = host.call(name, args, EVALUATION_TIMEOUT);
        if !matches!(result, Ok(_) | Err(Failure::Rejected(_))) {
            lock_ignoring_poison(&self.host).take_if(|current| Arc::ptr_eq(current, &host));
        }
        result
    }
}

impl Expressions for Evaluator {
    fn check(&self, expression: &str, names: &[String]) -> Result<(), Failure> {
        self.call("parse", request_pairs(expression, names)).map(|_| ())
    }

    fn evaluate(&self, expression: &str, variables: &[Variable]) -> Result<Vec<String>, Failure> {
        let key = (expression.to_owned(), variables.to_vec());
        if let Some(result) = lock_ignoring_poison(&self.cache).get(&key) {
            return result.clone().map_err(Failure::Rejected);
        }
        let mut args = request_pairs(expression, variables.iter().map(|(name, _)| name));
        for (name, values) in variables {
            args.extend(values.iter().map(|value| (format!("v.{name}"), value.clone())));
        }
        let result: CachedResult = match self.call("evaluate", args) {
            Ok(response) => Ok(all_values(&response, "value").map(str::to_owned).collect()),
            Err(Failure::Rejected(reason)) => Err(reason),
            Err(failure) => return Err(failure),
        };
        let mut cache = lock_ignoring_poison(&self.cache);
        if cache.len() >= CACHE_ENTRIES_MAX {
            cache.clear();
        }
        cache.insert(key, result.clone());
        result.map_err(Failure::Rejected)
    }
}

fn request_pairs<'n>(expression: &str, names: impl IntoIterator<Item = &'n String>) -> Pairs {
    let names = names.into_iter().map(|name| ("n".to_owned(), name.clone()));
    std::iter::once(("expression".to_owned(), expression.to_owned())).chain(names).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    /// Returns a folder with the host jar and a script in place of Java.
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
    fn the_host_receives_only_the_expression_and_its_variables() {
        let folder = java(
            r#"echo "$@" > "$0.args"; while read -r seq call args; do echo "$call $args" >> "$0.args"; echo "$seq ok value=a&value=b+c"; done"#,
        );
        let evaluator = start(&folder).unwrap();
        assert_eq!(evaluator.evaluate("#sn", &sn(&["x&y", "z"])).unwrap(), ["a", "b c"]);
        evaluator.check("#sn", &["sn".to_owned()]).unwrap();
        let host = folder.path().join("host.jar");
        assert_eq!(
            std::fs::read_to_string(folder.path().join("java.args")).unwrap(),
            format!(
                "{HEAP_MAX_OPTION} -cp {} {MAIN_CLASS} --expressions\nparse expression=null\nevaluate expression=%23sn&n=sn&v.sn=x%26y&v.sn=z\n\
                 parse expression=%23sn&n=sn\n",
                host.display()
            )
        );
    }

    #[test]
    fn results_are_cached_including_failures() {
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
    fn a_host_that_exits_is_not_a_failed_expression() {
        let folder = java(r#"read -r seq rest; echo "$seq ok"; read -r seq rest; echo 'no memory' >&2; exit 1"#);
        let evaluator = start(&folder).unwrap();
        let failure = evaluator.evaluate("#sn", &sn(&["x"])).unwrap_err();
        assert!(failure.stops_session() && failure.to_string().contains("no memory"), "{failure}");
    }

    #[test]
    fn a_host_that_exited_is_replaced_at_the_next_call() {
        let folder = java(
            r#"echo x >> "$0.starts"; while read -r seq call args; do case "$call$(wc -l < "$0.starts")" in
            evaluate1) exit 1 ;; *) echo "$seq ok value=a" ;; esac; done"#,
        );
        let evaluator = start(&folder).unwrap();
        assert!(evaluator.evaluate("#sn", &sn(&["x"])).unwrap_err().stops_session());
        assert_eq!(evaluator.evaluate("#sn", &sn(&["x"])).unwrap(), ["a"]);
    }

    #[test]
    fn a_missing_main_class_java_or_host_jar_is_named() {
        let folder = java("echo 'Error: could not find main class' >&2; exit 1");
        let error = start(&folder).unwrap_err().to_string();
        assert!(error.starts_with("--allow-expressions: ") && error.contains("main class"), "{error}");
        std::fs::remove_file(folder.path().join("java")).unwrap();
        let error = start(&folder).unwrap_err().to_string();
        assert!(
            error.starts_with("--allow-expressions: Java cannot be started") && error.contains("JAVA_HOME"),
            "{error}"
        );
        std::fs::remove_file(folder.path().join("host.jar")).unwrap();
        let error = start(&folder).unwrap_err().to_string();
        assert!(error.contains("host.jar is not a file"), "{error}");
    }
}
