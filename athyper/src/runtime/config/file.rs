//! Reading TOML with the line of every key.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::foundation::config::{ConfigData, ConfigValue, Origin};
use crate::foundation::problem::{Problem, ProblemClass, Problems};

/// How many syntax errors of one file are reported: later ones mostly follow from earlier ones.
const MOST_SYNTAX_ERRORS: usize = 5;

/// What a file says, and which of its lines could not be read.
#[derive(Debug, Default)]
pub(super) struct FileLayer {
    pub(super) entries: BTreeMap<String, ConfigValue>,
    pub(super) problems: Problems,
    pub(super) broken_lines: Vec<Origin>,
}

/// Reads a file; a missing one says nothing.
pub(super) fn read_file(path: &Path) -> FileLayer {
    let name = path.display().to_string();
    let name = name.strip_prefix("./").unwrap_or(&name);
    match std::fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => parse(&text, name),
            Err(error) => {
                let line = line_of(error.as_bytes(), error.utf8_error().valid_up_to());
                let origin = Origin::File { file: name.into(), line };
                broken(
                    name,
                    Problem::new(ProblemClass::Configuration, "ATH-CONFIG-SYNTAX", format!("{name} is not UTF-8"))
                        .with_detail("at", "the first byte that is no text", Some(origin.to_string()))
                        .with_fix("save the file as UTF-8"),
                )
            }
        },
        Err(error) if error.kind() == ErrorKind::NotFound => FileLayer::default(),
        Err(error) => broken(
            name,
            Problem::new(ProblemClass::Configuration, "ATH-CONFIG-READ", format!("{name} cannot be read: {error}"))
                .with_fix("make it a file that this process may read, or remove it"),
        ),
    }
}

fn broken(name: &str, problem: Problem) -> FileLayer {
    let whole = Origin::File { file: name.into(), line: 1 };
    FileLayer { problems: problem.into(), broken_lines: vec![whole], ..FileLayer::default() }
}

/// Reads TOML text. A line that cannot be read is reported and left out, so that one report names what else is wrong.
fn parse(text: &str, name: &str) -> FileLayer {
    let file: Arc<str> = name.into();
    let mut layer = FileLayer::default();
    let mut readable = text.to_owned();
    loop {
        let (table, errors) = DeTable::parse_recoverable(&readable);
        let Some(error) = errors.first() else {
            layer.entries = convert_table(table.get_ref(), &Lines { starts: line_starts(text), file });
            return layer;
        };
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let line = line_of(text.as_bytes(), at);
        let origin = Origin::File { file: file.clone(), line };
        // Nothing is left to leave out, or the errors follow from each other.
        let again = layer.broken_lines.contains(&origin);
        if again || layer.broken_lines.len() == MOST_SYNTAX_ERRORS {
            return layer;
        }
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        layer.problems.push(
            Problem::new(ProblemClass::Configuration, "ATH-CONFIG-SYNTAX", format!("{name} is not TOML: {what}"))
                .with_detail("at", format!("column {}", column_of(text, at)), Some(origin.to_string()))
                .with_fix("mend this line; the form is `key = value` below a `[section]`"),
        );
        layer.broken_lines.push(origin);
        readable = without_line(&readable, line);
    }
}

/// The text with a line blanked out, offsets unchanged. Without the head of a section nobody knows where its keys belong, so
/// they go too.
fn without_line(text: &str, line: u32) -> String {
    let mut leaving_out = false;
    let mut number = 0;
    text.split_inclusive('\n')
        .map(|content| {
            number += 1;
            let head = content.trim_start().starts_with('[');
            leaving_out = if number == line { head } else { leaving_out && !head };
            if number == line || leaving_out {
                content.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
            } else {
                content.to_owned()
            }
        })
        .collect()
}

struct Lines {
    starts: Vec<usize>,
    file: Arc<str>,
}

impl Lines {
    fn origin(&self, at: usize) -> Origin {
        let line = self.starts.partition_point(|start| *start <= at);
        Origin::File { file: self.file.clone(), line: u32::try_from(line).unwrap_or(u32::MAX) }
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

fn line_of(bytes: &[u8], at: usize) -> u32 {
    let before = bytes.iter().take(at).filter(|byte| **byte == b'\n').count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

fn column_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    before.chars().rev().take_while(|character| *character != '\n').count() + 1
}

fn convert_table(table: &DeTable<'_>, lines: &Lines) -> BTreeMap<String, ConfigValue> {
    table
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), convert(value, lines.origin(key.span().start), lines)))
        .collect()
}

fn convert(value: &Spanned<DeValue<'_>>, origin: Origin, lines: &Lines) -> ConfigValue {
    let data = match value.get_ref() {
        DeValue::String(text) => ConfigData::String(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(whole) => ConfigData::Integer(whole),
            Err(_) => ConfigData::Datetime(number.to_string()),
        },
        DeValue::Float(number) => ConfigData::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => ConfigData::Boolean(*truth),
        DeValue::Datetime(moment) => ConfigData::Datetime(moment.to_string()),
        DeValue::Array(items) => {
            ConfigData::List(items.iter().map(|item| convert(item, lines.origin(item.span().start), lines)).collect())
        }
        DeValue::Table(entries) => ConfigData::Table(convert_table(entries, lines)),
    };
    ConfigValue::new(data, origin)
}
