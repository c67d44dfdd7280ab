//! R8, R9 and R10: size, depth, head and contents of a file; what macro output names.

use super::report::{Report, Rule};
use super::tree::{File, Tree};

const BUDGET: usize = 400;

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for file in &tree.files {
        budget(tree, file, report);
        head(file, report);
        macro_output(file, report);
    }
    for name in tree.policy.budgets.keys().filter(|name| !tree.files.iter().any(|file| file.path == **name)) {
        report.add(Rule::R8, name, 0, "is in the table of files over the budget, but does not exist");
    }
}

fn budget(tree: &Tree, file: &File, report: &mut Report) {
    let lines = file.scan.code_lines;
    match tree.policy.budgets.get(&file.path) {
        Some(allowed) if lines > *allowed => {
            report.add(Rule::R8, &file.path, 0, format!("{lines} lines of code; its number is {allowed}"));
        }
        Some(allowed) if lines < *allowed => {
            report.add(Rule::R8, &file.path, 0, format!("shrank to {lines} lines: lower its number from {allowed}"));
        }
        None if lines > BUDGET => {
            report.add(Rule::R8, &file.path, 0, format!("{lines} lines of code, {BUDGET} are the budget: split it"));
        }
        _ => {}
    }
    if file.in_library().is_some_and(|path| path.split('/').count() > 4) {
        report.add(Rule::R8, &file.path, 0, "lies more than two folders below its layer");
    }
}

fn head(file: &File, report: &mut Report) {
    if !file.text.starts_with("//!") {
        report.add(Rule::R9, &file.path, 1, "begins without a `//!` line that says what it is for");
    }
    let Some(path) = file.in_library() else { return };
    let parts: Vec<&str> = path.split('/').collect();
    if matches!(parts.as_slice(), ["lib.rs"] | ["adapters", "mod.rs"] | ["adapters", _, "mod.rs"]) {
        for item in &file.scan.items {
            let message = format!("defines a `{}`; it is a table of contents: `mod` and `use` lines", item.keyword);
            report.add(Rule::R9, &file.path, item.line, message);
        }
    }
}

fn macro_output(file: &File, report: &mut Report) {
    if !file.path.starts_with("athyper-macros/src/") {
        return;
    }
    for mention in file.scan.mentions.iter().filter(|mention| !mention.test) {
        if mention.segments[0] == "athyper" && mention.segments.get(1).is_none_or(|second| second != "private") {
            let message = format!("`{}` is not below `athyper::private`", mention.segments.join("::"));
            report.add(Rule::R10, &file.path, mention.line, message);
        }
    }
}
