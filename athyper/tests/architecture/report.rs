//! What the rules found.

use std::fmt;

/// The names of the rules, as `ARCHITECTURE.md` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Layer direction.
    R1,
    /// Adapter isolation.
    R2,
    /// No circles, runtime order.
    R3,
    /// No globs.
    R4,
    /// Crates stay at home.
    R5,
    /// Features are folders.
    R6,
    /// A port's file is named after it.
    R7,
    /// File budget.
    R8,
    /// File heads and tables of contents.
    R9,
    /// Macro output.
    R10,
}

/// One broken rule at one place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn add(&mut self, rule: Rule, file: &str, line: usize, message: impl Into<String>) {
        self.findings.push(Finding { rule, file: file.to_owned(), line, message: message.into() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn sort(&mut self) {
        self.findings.sort();
        self.findings.dedup();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} findings; the rules and their tables are in ARCHITECTURE.md", self.findings.len())?;
        for Finding { rule, file, line, message } in &self.findings {
            writeln!(formatter, "  {rule:?}  {file}:{line}  {message}")?;
        }
        Ok(())
    }
}
