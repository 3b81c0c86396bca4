//! The checks on this repository: what git tracks or would add.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use pfscim_architecture::{Files, arrows, links};

fn repository() -> io::Result<Files> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let git = Command::new("git").args(["ls-files", "-z", "-co", "--exclude-standard"]).current_dir(&root).output()?;
    assert!(git.status.success(), "git: {}", String::from_utf8_lossy(&git.stderr));
    let paths = String::from_utf8_lossy(&git.stdout).into_owned();
    // A tracked file may be deleted in the working tree.
    let paths = paths.split_terminator('\0').filter(|path| root.join(path).is_file());
    paths.map(|path| Ok((path.to_owned(), String::from_utf8_lossy(&fs::read(root.join(path))?).into_owned()))).collect()
}

fn passes(check: fn(&Files) -> Vec<String>) -> io::Result<()> {
    let failures = check(&repository()?);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

#[test]
fn code_follows_the_tables() -> io::Result<()> {
    passes(arrows)
}

#[test]
fn documents_and_comments_name_what_exists() -> io::Result<()> {
    passes(links)
}
