//! What is wrong with values of the configuration.

use std::fmt;

use super::redaction::echo;
use super::{ConfigValue, HIDDEN, Origin, Shape, hide_passwords};
use crate::foundation::container::Place;

/// Of which kind a [`ConfigIssue`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IssueKind {
    /// A key that no section has.
    Unknown,
    /// A value that does not fit the field's type.
    Type,
    /// A value that must be said and is not.
    Missing,
    /// A text that is no URL.
    Url,
    /// A value that fits its type and breaks a rule of the section.
    Invalid,
    /// A value that profile `prod` refuses.
    Insecure,
}

/// One thing that is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigIssue {
    /// Of which kind it is.
    pub kind: IssueKind,
    /// The key, relative to where the value is read: `port`, `retry.attempts`, `hosts[2]`.
    pub key: String,
    /// Where the value was said; `None` when it was not.
    pub origin: Option<Origin>,
    /// A value that would do.
    pub suggestion: Option<String>,
    /// The field that wants it.
    pub field: Option<Place>,
    what: String,
    explanation: Option<String>,
    /// How the value is repeated, once it is known.
    shown: Option<String>,
}

impl ConfigIssue {
    pub(crate) fn new(kind: IssueKind, key: &str, what: impl Into<String>, origin: Option<Origin>) -> Self {
        let (key, what) = (key.to_owned(), what.into());
        Self { kind, key, origin, suggestion: None, field: None, what, explanation: None, shown: None }
    }

    /// What is wrong, to follow the name of the key, such as ``must be true or false, not "maybe"``.
    #[must_use]
    pub fn what(&self) -> String {
        let mut what = self.what.replacen("{value}", self.shown.as_deref().unwrap_or(HIDDEN), 1);
        if let Some(why) = &self.explanation {
            what.push_str(": ");
            what.push_str(why);
        }
        what
    }

    /// Leaves out whatever may repeat the value.
    fn hide(&mut self) {
        self.shown = Some(HIDDEN.to_owned());
        self.explanation = None;
        self.suggestion = None;
    }
}

/// All that is wrong with a value: a table reports every field at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigError {
    issues: Vec<ConfigIssue>,
}

impl ConfigError {
    /// Nothing wrong so far.
    pub(crate) const fn none() -> Self {
        Self { issues: Vec::new() }
    }

    /// One issue. In `what`, `{value}` stands for the value; it is filled in by whoever knows whether the value may be shown.
    #[must_use]
    pub fn new(kind: IssueKind, what: impl Into<String>) -> Self {
        Self { issues: vec![ConfigIssue::new(kind, "", what, None)] }
    }

    /// The value should have been something else: `expected("a colour such as #ffcc00")`.
    #[must_use]
    pub fn expected(expected: impl fmt::Display) -> Self {
        Self::new(IssueKind::Type, format!("must be {expected}, not {{value}}"))
    }

    /// Nobody said a value that must be said.
    #[must_use]
    pub fn missing() -> Self {
        Self::new(IssueKind::Missing, "is not set")
    }

    /// Suggests a value that would do.
    #[must_use]
    pub fn suggesting(mut self, value: impl fmt::Display) -> Self {
        for issue in &mut self.issues {
            issue.suggestion = Some(value.to_string());
        }
        self
    }

    /// Adds why, in words that may repeat the value: left out when the value is a secret.
    #[must_use]
    pub fn explained(mut self, why: impl fmt::Display) -> Self {
        for issue in &mut self.issues {
            issue.explanation = Some(hide_passwords(&why.to_string()));
        }
        self
    }

    /// Each issue.
    pub fn issues(&self) -> impl Iterator<Item = &ConfigIssue> {
        self.issues.iter()
    }

    pub(crate) fn into_issues(self) -> Vec<ConfigIssue> {
        self.issues
    }

    pub(crate) fn is_none(&self) -> bool {
        self.issues.is_empty()
    }

    pub(crate) fn push(&mut self, issue: ConfigIssue) {
        self.issues.push(issue);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.issues.extend(other.issues);
    }

    /// Says under which key, and for issues that do not say it yet, at which value it happened.
    pub(crate) fn at(mut self, segment: &str, value: Option<&ConfigValue>, shape: Shape) -> Self {
        for issue in &mut self.issues {
            if let (None, Some(value)) = (&issue.origin, value) {
                issue.origin = Some(value.origin.clone());
                issue.shown = Some(echo(value));
            }
            if shape.is_secret() {
                issue.hide();
            }
            issue.key = match issue.key.as_str() {
                "" => segment.to_owned(),
                rest if segment.is_empty() || rest.starts_with('[') => format!("{segment}{rest}"),
                rest => format!("{segment}.{rest}"),
            };
        }
        self
    }

    /// Says which field wanted the value, for issues that do not say it yet.
    pub(crate) fn wanted_by(mut self, field: Option<Place>) -> Self {
        for issue in &mut self.issues {
            issue.field = issue.field.or(field);
        }
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.issues.iter().enumerate() {
            if index > 0 {
                formatter.write_str("; ")?;
            }
            write!(formatter, "{} {}", issue.key, issue.what())?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
