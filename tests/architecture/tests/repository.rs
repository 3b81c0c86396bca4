//! Runs the checks on every file of this repository that git does not ignore.

use std::path::Path;
use std::{fs, io};

use ignore::WalkBuilder;
use pfscim_architecture::{Files, arrows, compatibility, decisions, links};

fn read_repository() -> io::Result<Files> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Files::new();
    // An archive of the source has no `.git`, but the same `.gitignore`.
    let walk =
        WalkBuilder::new(&root).hidden(false).require_git(false).filter_entry(|e| e.file_name() != ".git").build();
    for entry in walk {
        let entry = entry.map_err(io::Error::other)?;
        if entry.file_type().is_some_and(|kind| kind.is_file()) {
            let path = entry.path().strip_prefix(&root).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
            files.insert(path, String::from_utf8_lossy(&fs::read(entry.path())?).into_owned());
        }
    }
    Ok(files)
}

fn passes(check: fn(&Files) -> Vec<String>) -> io::Result<()> {
    let failures = check(&read_repository()?);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

#[test]
fn code_follows_the_tables() -> io::Result<()> {
    passes(arrows)
}

#[test]
fn each_row_of_the_decision_table_has_a_test() -> io::Result<()> {
    passes(decisions)
}

#[test]
fn compatibility_tables_match_the_code() -> io::Result<()> {
    passes(compatibility)
}

#[test]
fn documents_and_comments_name_existing_files() -> io::Result<()> {
    passes(links)
}
