//! Runs the checks on small invented trees. Each test fails if its rule is removed.

use pfscim_architecture::{DOCUMENT, Files, arrows, compatibility, decisions, links};

const ROWS: &str = "| `top/` | a | |\n| `middle/` | b | |\n| `low.rs` | c | |\n";
const CRATES: &str = "| crate | question | uses | does not name |\n|---|---|---|---|\n| `rust/core` | a | | `jni` |\n";

fn files(texts: &[(&str, &str)]) -> Files {
    texts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// Returns the failures of a crate `rust/core` with these files and a table of these rows, which begin in line 8.
fn check(rows: &str, sources: &[(&str, &str)]) -> Vec<String> {
    let table = format!("{CRATES}# `rust/core/src`\n\n| folder | question | does not know |\n|---|---|---|\n{rows}");
    let mut files = files(&[
        (DOCUMENT, &table),
        ("rust/core/Cargo.toml", "[dependencies]\nlog = \"1\"\n"),
        ("rust/core/src/lib.rs", "pub mod low; pub mod middle; pub mod top; pub use low::Low;"),
        ("rust/core/src/top/mod.rs", "pub struct Top;"),
        ("rust/core/src/middle/mod.rs", "mod inner;\npub use inner::Inner;"),
        ("rust/core/src/middle/inner.rs", "use derive::Inner;\npub struct Inner;"),
        ("rust/core/src/low.rs", "pub struct Low;\npub fn low() {}"),
    ]);
    files.extend(sources.iter().map(|(path, text)| (format!("rust/core/src/{path}"), (*text).to_owned())));
    arrows(&files)
}

#[track_caller]
fn fails(failures: &[String], parts: &[&str]) {
    assert!(failures.len() == 1 && parts.iter().all(|part| failures[0].contains(part)), "{failures:#?}");
}

#[track_caller]
fn passes(failures: &[String]) {
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn downward_arrows_pass() {
    passes(&check(ROWS, &[("top/mod.rs", "use crate::middle::Inner;\npub struct Top(Inner, crate::low::Low);")]));
}

#[test]
fn an_upward_arrow_names_the_line_and_the_row() {
    let low = "\nuse crate::middle::Inner;\npub struct Low(Inner);\nfn f() { Inner::new() }";
    fails(
        &check(ROWS, &[("low.rs", low)]),
        &[
            "rust/core/src/low.rs:2 uses crate::middle::Inner (middle/inner.rs)",
            "docs/architecture.md:10 has low below middle; move what both need",
        ],
    );
}

#[test]
fn every_form_of_a_path_is_found() {
    for text in [
        "use crate::middle as m; fn f() { m::x(); }",
        "use crate::middle::{self}; fn f(_: middle::Inner) {}",
        "use crate::{middle::{Inner as Other}};",
        "fn f() { use super::middle::Inner; }",
        "fn f() { format!(\"{}\", crate::middle::Inner) }",
        "use crate::middle; fn f() { assert!(g(&[1, middle::Inner])); }",
        "pub use crate::middle::Inner;",
        "struct S { a: crate::middle::Inner }",
    ] {
        let failures = check(ROWS, &[("low.rs", text)]);
        assert!(failures.len() == 1 && failures[0].contains("has low below middle"), "{text}: {failures:#?}");
    }
}

#[test]
fn a_glob_import_of_a_crate_is_a_failure() {
    fails(
        &check(ROWS, &[("top/mod.rs", "use super::middle::*;")]),
        &["top/mod.rs:1 uses crate::middle::*", "list them"],
    );
    fails(&check(ROWS, &[("top/mod.rs", "use pfscim_core::*;")]), &["top/mod.rs:1 uses pfscim_core::*", "list them"]);
    passes(&check(ROWS, &[("top/mod.rs", "use std::io::prelude::*;")]));
}

#[test]
fn only_re_exports_of_the_root_may_be_used() {
    passes(&check(ROWS, &[("middle/mod.rs", "pub struct Middle(crate::Low);")]));
    let root = "pub mod low; pub mod middle; pub mod top; pub struct Root;";
    fails(
        &check(ROWS, &[("lib.rs", root), ("low.rs", "pub struct Low(crate::Root);")]),
        &["low.rs:1 uses crate::Root (lib.rs), but lib.rs is above all rows"],
    );
}

#[test]
fn modules_of_one_row_must_not_use_each_other() {
    let rows = "| `top/` | a | |\n| `middle/`, `low.rs` | b | |\n";
    passes(&check(rows, &[]));
    let inner = [("middle/inner.rs", "pub struct Inner(crate::low::Low);")];
    fails(&check(rows, &inner), &["middle and low share a row (docs/architecture.md:9)"]);
}

#[test]
fn forbidden_names_are_a_failure_even_below_their_row() {
    let rows = ROWS.replace("| a | |", "| a | `low`, `std::fs` |");
    fails(
        &check(&rows, &[("top/mod.rs", "fn f() { crate::low::low(); }")]),
        &["top/mod.rs:1 uses crate::low::low (low.rs)", "architecture.md:8 forbids low in top"],
    );
    for text in ["use std::fs::File;", "use std::fs; fn f() { fs::read(1); }", "use std::{io, fs};"] {
        fails(&check(&rows, &[("top/mod.rs", text)]), &["forbids std::fs in top"]);
    }
    passes(&check(&rows, &[("top/mod.rs", "use std::fsync; use std::io;")]));
    for gone in ["tokio", "pfscim_core::gone"] {
        let rows = ROWS.replace("| a | |", &format!("| a | `{gone}`, `pfscim_core::low` |"));
        fails(&check(&rows, &[]), &["architecture.md:8:", gone, "neither in the table nor in a crate"]);
    }
}

#[test]
fn code_for_tests_is_skipped() {
    let low = "#[cfg(test)] use crate::top::Top;\n#[cfg(test)] #[cfg(unix)] mod tests { use crate::top::Top; }\n\
        #[cfg(test)] mod more;\npub struct Low;\nimpl Low { #[cfg(test)] fn f() { crate::top::Top; } }";
    passes(&check(ROWS, &[("low.rs", low), ("low/more.rs", "use crate::top::Top;")]));
    let low = "pub struct Low { #[cfg(test)] seen: usize, top: crate::top::Top }";
    fails(&check(ROWS, &[("low.rs", low)]), &["low.rs:1 uses crate::top::Top"]);
    let low = "#[cfg(test)] mod tests {} #[cfg(unix)] use crate::top::Top;";
    fails(&check(ROWS, &[("low.rs", low)]), &["has low below top"]);
}

const OUTER: &str = "mod inner;\npub use inner::Inner;\npub struct Outer;\n";
const INNER: &str = "use super::Outer;\npub struct Inner(Outer);\npub fn inner() {}";

#[test]
fn a_circle_through_super_names_both_lines() {
    let outer = format!("{OUTER}use inner::inner;");
    fails(
        &check(ROWS, &[("middle/mod.rs", &outer), ("middle/inner.rs", INNER)]),
        &["middle/inner.rs:1 uses middle/mod.rs", "middle/mod.rs:4 uses middle/inner.rs", "in a circle; move what"],
    );
}

#[test]
fn a_facade_with_types_of_its_own_is_not_a_circle() {
    passes(&check(ROWS, &[("middle/mod.rs", OUTER), ("middle/inner.rs", INNER)]));
    let (outer, inner) = (format!("{OUTER}use inner::inner; mod b;"), "use crate::middle; fn f() { middle::b::b() }");
    passes(&check(ROWS, &[("middle/mod.rs", &outer), ("middle/inner.rs", inner), ("middle/b.rs", "fn b() {}")]));
}

/// A circle of three files. It is a circle because `C` counts for the file from which the facade re-exports it.
const THREE: [(&str, &str); 4] = [
    ("middle/mod.rs", "mod inner; mod b; mod c; pub use inner::Inner; pub(super) use c::C;"),
    ("middle/inner.rs", "pub struct Inner(super::b::B);"),
    ("middle/b.rs", "use super::C; pub struct B(C);"),
    ("middle/c.rs", "pub struct C; impl C { fn f() { super::inner::g(); } }"),
];

#[test]
fn a_use_through_a_facade_counts_for_the_defining_file() {
    fails(&check(ROWS, &THREE), &["middle/b.rs:1 uses middle/c.rs", "middle/inner.rs:1 uses middle/b.rs"]);
}

#[test]
fn a_known_circle_is_allowed_while_it_exists() {
    let rows = format!("{ROWS}\nKnown circle: `middle/`\n");
    passes(&check(&rows, &THREE));
    fails(&check(&rows, &[]), &["docs/architecture.md:12: middle/ has no circle; delete the line"]);
    assert_eq!(check(&rows.replace("middle/`\n", "middle/b.rs`\n"), &THREE).len(), 2);
}

#[test]
fn every_folder_has_a_row_and_every_row_a_folder() {
    let unlisted = check("| `top/` | a | |\n| `low.rs` | c | |\n", &[]);
    fails(&unlisted, &["docs/architecture.md:4: the table does not list rust/core/src/middle; add a row"]);
    let failures = check(&format!("{ROWS}| `attic/` | d | |\n"), &[]);
    fails(&failures, &["docs/architecture.md:11: rust/core/src/attic/ is not in the crate; delete the row"]);
}

#[test]
fn dependencies_of_a_crate_match_the_table() {
    let check = |core: &str, cli: &str| {
        let rows = "| `rust/cli` | b | `rust/core` | |\n\n## `rust/core/src`\n\n## `rust/cli/src`\n";
        let core = ("rust/core/Cargo.toml", core);
        arrows(&files(&[(DOCUMENT, &format!("{CRATES}{rows}")), core, ("rust/cli/Cargo.toml", cli)]))
    };
    let valid = "[dependencies]\npfscim-core.workspace = true\njni = \"1\"";
    passes(&check("", valid));
    fails(&check("", ""), &["docs/architecture.md:4: rust/cli/Cargo.toml does not name rust/core; delete it"]);
    fails(&check("[build-dependencies]\njni = \"1\"", valid), &["rust/core/Cargo.toml names jni, which", "3 forbids"]);
    for renamed in ["[dependencies]\nx = { package = \"jni\" }", "[target.'cfg(unix)'.dependencies]\njni = \"1\""] {
        fails(&check(renamed, valid), &["rust/core/Cargo.toml names jni, which", "3 forbids"]);
    }
    let upward = check("[dev-dependencies]\npfscim-cli.workspace = true", valid);
    fails(&upward, &["rust/core/Cargo.toml names rust/cli, which docs/architecture.md:3 does not list"]);
    let workspace = ("Cargo.toml", "[workspace.dependencies]\nx = { package = \"jni\", version = \"1\" }");
    let own = ("rust/core/Cargo.toml", "[dependencies]\nx.workspace = true");
    let renamed = arrows(&files(&[(DOCUMENT, &format!("{CRATES}\n## `rust/core/src`\n")), workspace, own]));
    fails(&renamed, &["rust/core/Cargo.toml names jni, which", "3 forbids"]);
    let unlisted = arrows(&files(&[(DOCUMENT, CRATES), ("rust/core/Cargo.toml", ""), ("rust/new/Cargo.toml", "")]));
    assert!(unlisted.len() == 2 && unlisted[0].contains("does not list rust/new; add a row"), "{unlisted:#?}");
    assert!(unlisted[1].contains(":3: add a section with `rust/core/src`"), "{unlisted:#?}");
}

/// Returns the failures of a table with rows 1 and 5a, these lines below it, and this name for the test of row 5a.
fn decision_failures(below: &str, test: &str) -> Vec<String> {
    let table = format!("| word |\n|---|\n| C |\n\n| row | effect |\n|---|---|\n| 1 | a |\n| 5a | b |\n{below}");
    let tests = format!("#[test]\nfn row_1_is_tested() {{}}\n    #[test]\n    fn {test}() {{}}\n");
    decisions(&files(&[("docs/decisions.md", &table), ("rust/core/src/decide.rs", &tests)]))
}

#[test]
fn each_row_of_the_decisions_has_a_test_and_each_test_a_row() {
    passes(&decision_failures("\n`row_5a_is_tested`\n", "row_5a_is_tested"));
    fails(&decision_failures("", "a_row_5a"), &["docs/decisions.md:8: row 5a has no test; add `fn row_5a_...`"]);
    fails(&decision_failures("| 5 | c |\n", "row_5a_is_tested"), &["docs/decisions.md:9: row 5 has no test"]);
    fails(&decision_failures("| 1 | c |\n", "row_5a_is_tested"), &["docs/decisions.md:9: row 1 is in line 7 too"]);
    fails(
        &decision_failures("\n`row_5a_is_gone`", "row_5a_is_tested"),
        &["docs/decisions.md:10: row_5a_is_gone is not a test"],
    );
    let unlisted = decision_failures("", "row_5a_is_tested() {}\n#[test]\nfn row_9_is_tested");
    fails(&unlisted, &["rust/core/src/decide.rs:6: row_9_is_tested tests a row that docs/decisions.md does not have"]);
    let unmarked = decision_failures("", "row_5a_is_tested() {}\nfn row_1_helps() {}\nfn row_9_helps");
    passes(&unmarked);
    fails(&decision_failures("|7| c |\n", "row_5a_is_tested"), &["docs/decisions.md:9: row 7 has no test"]);
    fails(&decision_failures("7 | c\n", "row_5a_is_tested"), &["docs/decisions.md:9: row 7 has no test"]);
    for off in ["#[ignore]\n#[test]", "#[test]\n#[ignore = \"slow\"]", "#[cfg(unix)]\n// why;\n#[test]"] {
        let ignored = decision_failures("", &format!("row_5a_is_tested() {{}}\n{off}\nfn row_1_is_tested_too"));
        fails(&ignored, &["decide.rs:", "row_1_is_tested_too is ignored or below #[cfg]"]);
    }
    passes(&decision_failures(
        "",
        "row_5a_is_tested() {}\n#[ignore]\n#[test]\nfn other() {}\n#[test]\nfn row_1_is_tested_too",
    ));
    let failures = decisions(&files(&[("rust/core/src/decide.rs", "")]));
    fails(&failures, &["docs/decisions.md does not exist"]);
    fails(&decisions(&files(&[("docs/decisions.md", "| word |\n")])), &["has no table with a column `row`"]);
}

/// Returns the failures of tables with this status, outcome, code and row of keys, and this file that writes JSON.
fn compatibility_failures(status: &str, outcome: &str, code: &str, keys: &str, json: &str) -> Vec<String> {
    let table = |column: &str, value: &str| format!("| {column} | meaning |\n|---|---|\n| `{value}` | a |\n\n");
    let document = [
        table("status", status),
        table("outcome", outcome),
        table("code", code),
        table("code", "stopped"),
        format!("| command | keys | written in |\n|---|---|---|\n{keys}"),
    ];
    compatibility(&files(&[
        ("docs/compatibility.md", &document.concat()),
        ("rust/cli/src/exit_status.rs", "fn status(self) -> u8 {\n        match self { Self::Well => 0 }\n    }\n9"),
        ("rust/core/src/record.rs", "fn as_str(self) {\n        Self::Created => \"created\",\n    }\n\"x\""),
        ("rust/core/src/failure.rs", "fn code(&self) {\n        Self::Config(_) => \"config\",\n    }\n\"x\""),
        ("rust/cli/src/commands/verify.rs", "let code = if a { \"stopped\" } else { \"config\" }; f(\"x\");"),
        ("rust/cli/src/a.rs", json),
        ("rust/channel/src/b.rs", "fn f() { json!({\"of no script\": 1}) }"),
    ]))
}

#[test]
fn values_of_the_tables_and_of_the_code_are_the_same() {
    const ROW: &str = "| `x` | `a` | `rust/cli/src/a.rs` |\n| `x` | `b` | `rust/cli/src/a.rs` |\n";
    const JSON: &str = "fn f() { let mut o = json!({\"a\": g(\"x\")}); o[\"b\"] = 1; o[\"c\"] == 1; }\n\
        #[cfg(test)] mod tests { fn f() { json!({\"c\": 1}) } }";
    passes(&compatibility_failures("0", "created", "config", ROW, JSON));
    for (failures, kind) in [
        (
            compatibility_failures("1", "created", "config", ROW, JSON),
            ["list 0 for the table `status`", ":3 lists 1 for"],
        ),
        (
            compatibility_failures("0", "made", "config", ROW, JSON),
            ["list created for the table `outcome`", ":7 lists made for"],
        ),
        (
            compatibility_failures("0", "created", "setup", ROW, JSON),
            ["list config for the table `code`", ":11 lists setup for"],
        ),
        (
            compatibility_failures("0", "created", "config", &ROW.replace("`b`", "`c`"), JSON),
            ["list the object b for rust/cli/src/a.rs", ":20 lists the object c"],
        ),
    ] {
        assert!(failures.len() == 2 && failures[0].contains(kind[0]) && failures[1].contains(kind[1]), "{failures:#?}");
    }
    let nested = JSON.replace("g(\"x\")", "{\"d\": [{\"b\": 1}]}");
    passes(&compatibility_failures(
        "0",
        "created",
        "config",
        "| `x` | `d`, `a`, `b` | `rust/cli/src/a.rs` |\n",
        &nested,
    ));
    let two_objects = "fn f() { json!({\"a\": 1}); json!({\"b\": 1, \"c\": 1}) }";
    let moved = compatibility_failures("0", "created", "config", &ROW.replace("`a`", "`a`, `c`"), two_objects);
    assert!(moved.len() == 4 && moved[0].contains("does not list the object a for"), "{moved:#?}");
    fails(
        &compatibility_failures("0", "created", "config", &format!("{ROW}| `x` | `b` | |\n"), JSON),
        &["the object b for no file"],
    );
    let unlisted = compatibility_failures("0", "created", "config", "", "fn f() { json!({\"a\": 1}) }");
    fails(&unlisted, &["does not list the object a for rust/cli/src/a.rs"]);
    fails(
        &compatibility_failures("0", "created", "config", ROW, "fn f() { json!({\"a\": 1}) }"),
        &[":20 lists the object b for rust/cli/src/a.rs"],
    );
    let failures = compatibility(&files(&[("docs/compatibility.md", "")]));
    assert!(failures.len() == 4 && failures.iter().all(|failure| failure.contains("correct VALUES")), "{failures:#?}");
    fails(&compatibility(&files(&[])), &["docs/compatibility.md does not exist"]);
}

/// Returns the failures of one file in a small repository.
fn link_failures(path: &str, text: &str) -> Vec<String> {
    let other = "# Title\n\n## What `pfscim` does: 1, 2\n\n## Twice\n\n## Twice\n";
    links(&files(&[(path, text), ("docs/b.md", other), ("rust/core/src/lib.rs", "one\ntwo\n"), ("README.md", "# A\n")]))
}

#[test]
fn links_lead_to_files_headings_and_lines() {
    let valid = "# Here\n[x](b.md) [x](./b.md#title) [x](b.md#what-pfscim-does-1-2) [x](b.md#twice-1) [x](../README.md#a)\n\
        [x](#here) [x](..) [x](../rust/) [x](../rust/core/src/lib.rs#L1-L2) [x](https://example.com/x#y) <a@b.c>";
    passes(&link_failures("docs/a.md", valid));
    for (target, why) in [
        ("c.md", "docs/c.md does not exist"),
        ("../rust/core/src/lib", "does not exist"),
        ("b.md#titel", "docs/b.md has no heading or line #titel"),
        ("b.md#twice-2", "has no heading"),
        ("#gone", "docs/a.md has no heading"),
        ("../rust/core/src/lib.rs#L3", "lib.rs has no heading or line #L3"),
        ("c@1.md", "docs/c@1.md does not exist"),
        ("../../README.md", "leaves the repository"),
    ] {
        fails(&link_failures("docs/a.md", &format!("text\n\n[x]({target})")), &["docs/a.md:3: link", target, why]);
    }
}

#[test]
fn links_are_written_in_markdown() {
    for html in ["<a href=\"b.md\">x</a>", "<img src='b.png'>", "text <a href='b.md'>x</a>"] {
        fails(
            &link_failures("docs/a.md", &format!("text\n\n{html}")),
            &["docs/a.md:3: HTML link", "as a Markdown link"],
        );
    }
    passes(&link_failures("docs/a.md", "a<br>b"));
}

#[test]
fn paths_in_backquotes_exist() {
    passes(&link_failures("docs/a.md", "`rust/core/` `rust/core/src/lib.rs:7` `docs/*.md` `java/x/build/y` `lib/x`"));
    for path in ["rust/none.rs", "docs/c.md", "tests/none"] {
        fails(&link_failures("tests/README.md", &format!("`{path}`")), &["tests/README.md:1:", path, "does not exist"]);
        fails(&link_failures("docs/a.md", &format!("text\n`{path}`")), &["docs/a.md:2:", path, "does not exist"]);
    }
}

#[test]
fn names_of_files_at_the_top_exist() {
    passes(&link_failures(
        "docs/a.md",
        "`README.md` `release-notes.md` `NAME-<n>.md` `*.toml` `a.rs` `.mdx` `x.json` `.idea/x`",
    ));
    for path in ["deny.toml", "NOTES.md", "none.gradle", ".github/workflows/none.yml", ".ci/none"] {
        fails(&link_failures("docs/a.md", &format!("text\n`{path}`")), &["docs/a.md:2:", path, "does not exist"]);
    }
}

/// Returns the failures of one cell of a column `test`.
fn test_cell_failures(cell: &str) -> Vec<String> {
    let rust = "#[test]\nfn one() {}\n\nfn helper() {}\n\n#[ignore]\n#[test]\nfn ignored() {}\n\n// #[test]\nfn noted() {}\n\
        proptest! {\n    #[test]\n    fn generated(x in 0..1) {}\n}\n#[cfg(unix)]\n#[test]\nfn some() {}\n";
    let java = "    // void noted(\n    /** @Test void noted() */\n    private int helper(int x) {\n        return called(x);\n    }\n\n\
        \n    @Test\n    // why\n    public void one() throws Exception {\n    }\n\n    @Ignore\n    @Test\n    public void off() {\n";
    links(&files(&[
        ("docs/a.md", &format!("| threat | test |\n|---|---|\n| `\\|` | {cell} |\n")),
        ("rust/core/src/lib.rs", rust),
        (
            "tests/a/test_a.py",
            "def test_one():\n    pass\n\n\ndef helper():\n    pass\n\n\n@pytest.mark.skip\ndef test_off():\n",
        ),
        ("java/a/ATest.java", java),
    ]))
}

#[test]
fn a_column_of_tests_names_tests_that_run() {
    for cell in [
        "`rust/core/src/lib.rs::one`",
        "`rust/core/src/lib.rs::generated`, `rust/core/src/lib.rs::some`",
        "`tests/a/test_a.py::test_one`; **not tested** for links",
        "`java/a/ATest.java::one`",
        "**Not tested**",
        "Cargo rejects it",
        "Clippy rejects it in core",
        "The compiler rejects it",
        "`./gradlew cargoDeny`",
    ] {
        passes(&test_cell_failures(cell));
    }
    for cell in ["", "by hand", "`rust/core/src/lib.rs`", "`README`"] {
        fails(&test_cell_failures(cell), &["docs/a.md:3: column `test`: has no `path::name`"]);
    }
    for cell in [
        "`rust/core/src/lib.rs::helper`",
        "`rust/core/src/lib.rs::ignored`",
        "`rust/core/src/lib.rs::noted`",
        "`rust/core/src/lib.rs::one`, `rust/core/src/lib.rs::helper`",
        "`tests/a/test_a.py::helper`",
        "`tests/a/test_a.py::test_off`",
        "`java/a/ATest.java::helper`",
        "`java/a/ATest.java::off`",
    ] {
        fails(&test_cell_failures(cell), &["docs/a.md:3: column `test`:", "is not a test, or it is ignored"]);
    }
    for name in ["noted", "called"] {
        let failures = test_cell_failures(&format!("`java/a/ATest.java::{name}`"));
        assert!(failures.len() == 2 && failures[1].contains("declares no function"), "{failures:#?}");
    }
}

#[test]
fn functions_in_backquotes_exist() {
    let check = |code: &str| {
        links(&files(&[
            ("docs/a.md", &format!("text\n\n| a | `{code}` |")),
            ("rust/core/src/lib.rs", "fn one() {}\nfn of_a_type<T>() {}\nfn calls() { called() }"),
            ("tests/program/test_a.py", "def test_one(setup):\n    test_called()\n"),
            ("java/a/ATest.java", "    @Test\n    public void one() {\n        a.called();\n    }\n"),
        ]))
    };
    for code in [
        "rust/core/src/lib.rs::one",
        "rust/core/src/lib.rs::of_a_type",
        "tests/program/test_a.py::test_one",
        "java/a/ATest.java::one",
        "pfscim_core::scim",
        "rust/*/lib.rs::gone",
    ] {
        passes(&check(code));
    }
    for (code, why) in [
        ("rust/core/src/lib.rs::on", "rust/core/src/lib.rs declares no function on; correct the name"),
        ("rust/core/src/lib.rs::one_more", "declares no function one_more"),
        ("rust/core/src/lib.rs::called", "declares no function called"),
        ("rust/core/src/lib.rs::tests::one", "declares no function tests::one"),
        ("rust/core/src/gone.rs::one", "rust/core/src/gone.rs does not exist"),
        ("rust/core/src::one", "declares no function one"),
        ("test/program/test_a.py::test_one", "test/program/test_a.py does not exist"),
        ("tests/program/test_a.py::one", "declares no function one"),
        ("tests/program/test_a.py::test_called", "declares no function test_called"),
        ("java/a/ATest.java::called", "declares no function called"),
    ] {
        fails(&check(code), &["docs/a.md:3: `", code, why]);
    }
}

#[test]
fn code_names_documents_that_exist() {
    for path in ["a.rs", "b/A.java", "a.gradle", "a.py", "clippy.toml", ".ci/run"] {
        passes(&link_failures(path, "\n# see docs/b.md."));
        fails(&link_failures(path, "\n\"\"\"see docs/c.md."), &[path, ":2: names docs/c.md", "does not exist"]);
    }
}
