//! Compares the code with the tables of docs/architecture.md, docs/decisions.md and docs/compatibility.md, and the documents
//! with the files that they name.
//! Does not check: what the code does, and the sentences around the tables.
//!
//! Each check takes the files of a repository and returns failures, so tests can run it on small invented trees.
#![forbid(unsafe_code)]

mod arrows;
mod compatibility;
mod decisions;
mod document;
mod functions;
mod links;
mod markdown;
mod uses;

pub use arrows::arrows;
pub use compatibility::compatibility;
pub use decisions::decisions;
pub use document::DOCUMENT;
pub use links::links;

/// The files of a repository: path from its root, with `/` as separator, to text.
pub type Files = std::collections::BTreeMap<String, String>;
