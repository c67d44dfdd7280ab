//! Holds the rules of `ARCHITECTURE.md` on the tokens of every source file, and proves on seeded violations that each rule
//! can fail.
//!
//! Tokens, not text and not a syntax tree: comments and strings cannot set a rule off, and a path inside a macro call cannot
//! hide from one.

mod circles;
mod files;
mod imports;
mod outside;
mod policy;
mod ports;
mod report;
mod scan;
mod seeds;
mod tree;
mod walk;

use report::Report;
use tree::Tree;

/// Every rule, over every file: all findings at once.
fn judge(tree: &Tree) -> Report {
    let mut report = Report::default();
    files::check(tree, &mut report);
    imports::check(tree, &mut report);
    circles::check(tree, &mut report);
    outside::check_crates(tree, &mut report);
    outside::check_features(tree, &mut report);
    ports::check(tree, &mut report);
    report.sort();
    report
}

#[test]
fn the_repository_keeps_its_rules() {
    let report = judge(&Tree::of_the_repository());
    assert!(report.is_empty(), "{report}");
}
