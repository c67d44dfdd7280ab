//! What a command says, and the exit code it ends with.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};

use crate::foundation::problem::{Problem, Problems};
use crate::runtime::telemetry::steers;

/// What a command says, and the exit code it ends with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// What was asked for.
    pub stdout: String,
    /// What is wrong.
    pub stderr: String,
    /// 0 when all is well; 64 for a wrong use, 69 for a service that cannot be used, 70 for a product that is wired wrongly, 78 for
    /// a wrong configuration (`sysexits.h`).
    pub exit_code: u8,
}

impl Output {
    /// All is well.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { stdout: text.into(), ..Self::default() }
    }

    /// All is well, for scripts.
    pub(super) fn json(value: &impl Serialize) -> Self {
        let mut text = String::new();
        // Values of strings and numbers always have a JSON form.
        match serde_json::to_string_pretty(value) {
            Ok(json) => line(&mut text, format_args!("{json}")),
            Err(error) => unreachable!("a report has a JSON form: {error}"),
        }
        Self::text(text)
    }

    /// What kept the command from its work.
    pub(super) fn problems(problems: &Problems) -> Self {
        Self { stderr: format!("athyper: {problems}"), exit_code: problems.exit_code(), ..Self::default() }
    }
}

/// Adds a line.
pub(super) fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{content}");
}

/// The text without anything that steers a terminal: what stands in a queue may come from anybody.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if steers(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// A problem for scripts.
pub(super) fn problem_json(problem: &Problem) -> Value {
    let details: Vec<_> = problem
        .details
        .iter()
        .map(|detail| json!({ "label": detail.label, "text": detail.text, "place": detail.place }))
        .collect();
    json!({ "code": problem.code, "what": problem.what, "details": details, "fix": problem.fix })
}
