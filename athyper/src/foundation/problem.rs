//! What keeps a kernel from starting, said so that whoever reads it can mend it.

use std::fmt;

/// The class of a [`Problem`], which decides the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemClass {
    /// The command line is used wrongly (exit code 64, as `sysexits.h` has it).
    Usage,
    /// The product's code is wired wrongly: exit code 70.
    Wiring,
    /// A service or a file that is needed cannot be used: exit code 69.
    Unavailable,
    /// The configuration is wrong: exit code 78.
    Configuration,
}

impl ProblemClass {
    /// The exit code of a process that could not start for this reason.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Wiring => 70,
            Self::Configuration => 78,
        }
    }
}

/// One thing that keeps a kernel from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which class it is of.
    pub class: ProblemClass,
    /// A stable code, such as `ATH-GRAPH-MISSING`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub what: String,
    /// Labelled lines below it, such as `("wanted by", "job `welcome`, parameter `mailer`", "src/main.rs:12")`.
    pub details: Vec<Detail>,
    /// What to do about it.
    pub fix: Option<String>,
}

/// One labelled line of a [`Problem`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What the line says, such as `wanted by`.
    pub label: &'static str,
    /// The line.
    pub text: String,
    /// Where: `file:line`, or a variable.
    pub place: Option<String>,
}

impl Problem {
    /// A problem with nothing but a headline.
    #[must_use]
    pub fn new(class: ProblemClass, code: &'static str, what: impl Into<String>) -> Self {
        Self { class, code, what: what.into(), details: Vec::new(), fix: None }
    }

    /// Adds a labelled line.
    #[must_use]
    pub fn with_detail(mut self, label: &'static str, text: impl Into<String>, place: Option<String>) -> Self {
        self.details.push(Detail { label, text: text.into(), place });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// Everything that keeps a kernel from starting, in one report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// None so far.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds all of another report.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each problem.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// The exit code of a process that could not start: that of the gravest class (wiring before configuration before services).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        [ProblemClass::Usage, ProblemClass::Wiring, ProblemClass::Configuration, ProblemClass::Unavailable]
            .into_iter()
            .find(|class| self.0.iter().any(|problem| problem.class == *class))
            .map_or(1, ProblemClass::exit_code)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        writeln!(formatter, "the kernel cannot start: {count} {noun}")?;
        for (index, problem) in self.0.iter().enumerate() {
            writeln!(formatter, "\n  {}. {} [{}]", index + 1, problem.what, problem.code)?;
            for detail in &problem.details {
                match &detail.place {
                    Some(place) => {
                        writeln!(formatter, "       {:<10} {:<48} {place}", detail.label, detail.text)?;
                    }
                    None => writeln!(formatter, "       {:<10} {}", detail.label, detail.text)?,
                }
            }
            if let Some(fix) = &problem.fix {
                writeln!(formatter, "       {:<10} {fix}", "fix")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
