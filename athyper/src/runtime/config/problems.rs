//! From issues of values to problems of the boot report.

use crate::foundation::config::{ConfigIssue, DefaultValue, IssueKind, Origin, Profile, SectionDescriptor};
use crate::foundation::problem::{Problem, ProblemClass};

use super::known_keys::{KnownKey, KnownKeys, variable_of};

/// Says an issue so that whoever reads it can mend it. The issue's key is the whole path.
pub(super) fn describe(
    issue: &ConfigIssue,
    section: Option<&SectionDescriptor>,
    known: &KnownKeys,
    profile: Profile,
) -> Problem {
    let path = issue.key.as_str();
    // What is missing was said nowhere; its origin is that of the table it is missing from.
    let said = issue.origin.as_ref().filter(|_| issue.kind != IssueKind::Missing);
    let variable = match said {
        Some(Origin::Variable(name)) => Some(name.as_ref()),
        _ => None,
    };
    let code = match issue.kind {
        IssueKind::Unknown => "ATH-CONFIG-UNKNOWN",
        IssueKind::Type => "ATH-CONFIG-TYPE",
        IssueKind::Missing => "ATH-CONFIG-MISSING",
        IssueKind::Url => "ATH-CONFIG-URL",
        IssueKind::Invalid => "ATH-CONFIG-INVALID",
        IssueKind::Insecure => "ATH-CONFIG-INSECURE",
    };
    let what = match (issue.kind, variable) {
        (IssueKind::Unknown, Some(name)) => format!("variable {name} is not known"),
        (IssueKind::Unknown, None) => format!("configuration key `{path}` is not known"),
        (_, Some(name)) => format!("{name} {}", issue.what()),
        (_, None) => format!("`{path}` {}", issue.what()),
    };
    let mut problem = Problem::new(ProblemClass::Configuration, code, what);
    problem = match said {
        Some(Origin::Variable(_)) if issue.kind == IssueKind::Unknown => problem,
        Some(Origin::Variable(_)) => problem.with_detail("sets", path, None),
        Some(origin) => problem.with_detail("set by", path, Some(origin.to_string())),
        None => problem,
    };
    if let (Some(place), Some(section)) = (issue.field, section)
        && issue.kind != IssueKind::Unknown
    {
        problem = problem.with_detail("wanted by", section.label, Some(place.to_string()));
    }
    let fix = match issue.kind {
        IssueKind::Unknown => fix_unknown(path, variable, known),
        _ => fix_value(issue, said, known.find(plain(path)), profile),
    };
    problem.with_fix(fix)
}

/// A path without the index of a list: `hosts[2]` belongs to the field `hosts`.
fn plain(path: &str) -> &str {
    path.split('[').next().unwrap_or(path)
}

fn fix_unknown(path: &str, variable: Option<&str>, known: &KnownKeys) -> String {
    match (known.nearest(path), variable) {
        (Some(meant), Some(_)) => {
            let short = known.find(&meant).and_then(|key| key.field.variable);
            format!("did you mean {}?", short.map_or_else(|| variable_of(&meant), str::to_owned))
        }
        (Some(meant), None) => format!("did you mean `{meant}`?"),
        (None, _) => match path.rsplit_once('.') {
            Some((parent, _)) if known.children(parent).next().is_some() => {
                format!("known in [{parent}]: {}", known.children(parent).collect::<Vec<_>>().join(", "))
            }
            _ => format!("known sections: {}", known.sections().join(", ")),
        },
    }
}

fn fix_value(issue: &ConfigIssue, said: Option<&Origin>, known: Option<&KnownKey>, profile: Profile) -> String {
    let path = issue.key.as_str();
    let default = known.and_then(|key| match key.field.default_in(profile) {
        Some(DefaultValue::Text(text)) if !key.field.shape.is_secret() => Some(text.to_owned()),
        _ => None,
    });
    let value = issue.suggestion.clone().map(|value| with_scheme(value, issue, path)).or(default);
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    let variable = || known.and_then(|known| known.field.variable).map_or_else(|| variable_of(path), str::to_owned);
    match (said, value) {
        (Some(Origin::Variable(name)), Some(value)) => format!("{name}={value}"),
        (Some(Origin::Variable(name)), None) => format!("correct {name}, or unset it"),
        (Some(Origin::Builder(_)), Some(value)) => format!(".set(\"{path}\", \"{value}\")"),
        (Some(Origin::File { .. }), Some(value)) => format!("{key} = {}", as_toml(&value)),
        (Some(origin @ (Origin::File { .. } | Origin::Builder(_))), None) => format!("correct it at {origin}"),
        (Some(Origin::Default) | None, value) => {
            let (said, text) = match value {
                Some(value) => (as_toml(&value), value),
                None => ("…".to_owned(), "…".to_owned()),
            };
            let file = if issue.kind == IssueKind::Insecure { "athyper.prod.toml" } else { "athyper.toml" };
            match section {
                "" => format!("{}={text}, or `{key} = {said}` in {file}", variable()),
                _ => format!("`{key} = {said}` below [{section}] in {file}, or {}={text}", variable()),
            }
        }
    }
}

/// A suggested URL whose scheme its reader could not know.
fn with_scheme(value: String, issue: &ConfigIssue, path: &str) -> String {
    let Some(rest) = value.strip_prefix("{scheme}") else { return value };
    let name = match &issue.origin {
        Some(Origin::Variable(name)) => name.to_ascii_lowercase(),
        _ => path.to_owned(),
    };
    let scheme = match (name.contains("redis"), rest) {
        (true, _) => "redis",
        (false, rest) if rest.contains(":6379") => "redis",
        (false, rest) if rest.contains(":5432") => "postgres",
        (false, _) => "sqlite",
    };
    format!("{scheme}{rest}")
}

fn as_toml(value: &str) -> String {
    let bare = value.parse::<f64>().is_ok() || matches!(value, "true" | "false");
    if bare { value.to_owned() } else { format!("{value:?}") }
}
