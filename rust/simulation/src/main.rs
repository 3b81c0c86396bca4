//! The command line of the simulation: replays a seed, runs many, or writes the list of known findings.
//! Does not know: how seeds run.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use pfscim_core::facts::{Rule, switch_off};
use pfscim_simulation::findings::{Findings, symptoms};
use pfscim_simulation::oracle::Symptom;
use pfscim_simulation::runner::{self, Limit, SEEDS_MIN, UNKNOWN_MAX};
use pfscim_simulation::shrink::shrink;
use pfscim_simulation::{generate, hosts, oracle, replay};

/// A rule that is switched off is noticed within this many seeds.
const RULE_SEEDS_MAX: u64 = 5000;
/// How long a run that can be resumed goes on before it notes its seed.
const PART: Duration = Duration::from_secs(300);

/// Runs the real engine and core against a model target, and finds outcomes that are not true.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Replays this seed: prints the smallest run that shows its first symptom.
    seed: Option<u64>,
    /// Another symptom of the seed, such as LeaverActive.
    #[arg(value_parser = symptom)]
    symptom: Option<Symptom>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Runs seeds, prints the coverage, and fails if the findings differ from findings.toml.
    Run {
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// How many seeds run.
        #[arg(long, default_value_t = SEEDS_MIN)]
        seeds: u64,
        /// Runs seeds for this many seconds instead.
        #[arg(long, conflicts_with = "seeds")]
        seconds: Option<u64>,
        /// Begins with the seed in this file, and writes the next one to it. With --seconds.
        #[arg(long, requires = "seconds", conflicts_with = "first")]
        resume: Option<PathBuf>,
        /// Also fails if a seed of findings.toml needs other causes than those of the list.
        #[arg(long)]
        shrink_known: bool,
    },
    /// Switches off each rule about evidence in turn, and fails if no seed notices it.
    Rules,
    /// Runs seeds from 0 on, and prints the list of their findings as findings.toml.
    List {
        /// How many seeds run.
        #[arg(long)]
        seeds: u64,
    },
}

fn main() -> ExitCode {
    let Arguments { seed, symptom, command } = Arguments::parse();
    let result = match (seed, command) {
        (Some(seed), _) => replay(seed, symptom),
        (None, Some(Command::List { seeds })) => list(seeds),
        (None, Some(Command::Rules)) => rules(),
        (None, Some(Command::Run { first, seeds, seconds, resume, shrink_known })) => {
            let time = seconds.map(Duration::from_secs);
            match (resume, time) {
                (Some(file), Some(time)) => resumed(&file, time, shrink_known),
                (_, time) => run(first, time.map_or(Limit::Seeds(seeds), Limit::Time), shrink_known)
                    .map(|next| status(next.is_some())),
            }
        }
        (None, None) => run(0, Limit::Seeds(SEEDS_MIN), false).map(|next| status(next.is_some())),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

fn symptom(name: &str) -> Result<Symptom, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

fn replay(seed: u64, symptom: Option<Symptom>) -> Result<ExitCode, String> {
    let plan = generate::plan(seed);
    let symptoms = symptoms(&oracle::judge(&plan, &hosts::run(&plan, false)?));
    let Some(first) = symptom.or_else(|| symptoms.first().copied()) else {
        println!("seed {seed}: nothing is wrong");
        return Ok(ExitCode::SUCCESS);
    };
    let shrunk = shrink(&plan, first).ok_or_else(|| format!("seed {seed} does not show {first:?}"))?;
    print!("{}", replay::describe(&shrunk, first));
    let others: Vec<String> =
        symptoms.iter().filter(|other| **other != first).map(|other| format!("{other:?}")).collect();
    if !others.is_empty() {
        println!("The seed also shows {}: give its name after the seed.", others.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(seeds: u64) -> Result<ExitCode, String> {
    let result = runner::run(0, Limit::Seeds(seeds), &Findings::default(), None);
    print!("{}", result.unknown.text());
    result.errors.iter().for_each(|error| eprintln!("{error}"));
    Ok(if result.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs seeds without each rule, until one shows a symptom that the list does not explain, and that it does not show with
/// the rule.
fn rules() -> Result<ExitCode, String> {
    let known = Findings::committed()?;
    let mut are_noticed = true;
    for rule in Rule::ALL {
        switch_off(Some(rule));
        let result = runner::run(0, Limit::Seeds(RULE_SEEDS_MAX), &known, Some(1));
        switch_off(None);
        if let Some(error) = result.errors.first() {
            return Err(format!("without {}: {error}", rule.name()));
        }
        let Some(finding) = result.unknown.findings.first() else {
            println!("without {}: {RULE_SEEDS_MAX} seeds show nothing new, so no seed tests this rule", rule.name());
            are_noticed = false;
            continue;
        };
        let plan = generate::plan(finding.seed);
        let with_rule = symptoms(&oracle::judge(&plan, &hosts::run(&plan, false)?));
        let is_new = !with_rule.contains(&finding.symptom);
        are_noticed &= is_new;
        let note = if is_new { "" } else { ", but with the rule too: list it in findings.toml" };
        println!(
            "without {}: seed {} shows {:?} with {:?}{note}",
            rule.name(),
            finding.seed,
            finding.symptom,
            finding.causes
        );
    }
    Ok(status(are_noticed))
}

/// Runs the seeds after those of earlier runs, and notes in the file every few minutes where the next run begins.
fn resumed(file: &Path, time: Duration, shrink_known: bool) -> Result<ExitCode, String> {
    let problem = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let mut first = match std::fs::read_to_string(file) {
        Ok(text) => text.trim().parse().map_err(|error| problem(&error))?,
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(problem(&error)),
    };
    let mut left = time;
    while !left.is_zero() {
        let part = left.min(PART);
        let Some(next) = run(first, Limit::Time(part), shrink_known)? else { return Ok(ExitCode::FAILURE) };
        std::fs::write(file, format!("{next}\n")).map_err(|error| problem(&error))?;
        first = next;
        left -= part;
    }
    Ok(ExitCode::SUCCESS)
}

fn status(is_right: bool) -> ExitCode {
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs seeds and prints the result. Returns the seed after the last one; `None` if something is not as expected.
fn run(first: u64, limit: Limit, shrink_known: bool) -> Result<Option<u64>, String> {
    let known = Findings::committed()?;
    let lost = runner::lost(&known, shrink_known)?;
    let result = runner::run(first, limit, &known, Some(UNKNOWN_MAX));
    let counts = result.coverage.counts().into_iter().map(|(name, count)| format!("{name} {count}"));
    println!("coverage, in seeds: {}", counts.collect::<Vec<_>>().join(", "));
    println!(
        "{} seeds from {first} on; {} show one of the {} known findings",
        result.seeds,
        result.seeds_with_findings,
        known.findings.len()
    );
    let mut problems = result.errors;
    problems.extend(lost.iter().map(|finding| {
        format!(
            "seed {} no longer shows {:?}; if this is mended, take it out of findings.toml",
            finding.seed, finding.symptom
        )
    }));
    problems.extend(result.unknown.findings.iter().map(|finding| {
        format!(
            "new finding: {:?} needs {:?}; replay it with `cargo run -p pfscim-simulation -- {} {:?}`",
            finding.symptom, finding.causes, finding.seed, finding.symptom
        )
    }));
    problems.extend(result.coverage.gaps().iter().map(|name| format!("no seed met {name}")));
    problems.iter().for_each(|problem| println!("{problem}"));
    Ok(problems.is_empty().then_some(first + result.seeds))
}
