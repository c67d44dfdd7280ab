//! A schedule, checked.

use jiff::tz::TimeZone;
use syn::{Error, Ident, LitStr, Result, Type};

use super::expression;
use super::parse::Parsed;
use crate::common::arguments::nearest;
use crate::common::errors::Errors;
use crate::common::job_options::JobOptions;
use crate::common::literals::wire_name;
use crate::common::signature::{check_plain, is_named, return_type};
use crate::job::{Source, sources};

/// What happens to ticks that nobody fired.
#[derive(Clone, Copy)]
pub(super) enum Missed {
    Skip,
    Once,
    All,
}

/// What happens to a tick while an earlier one runs.
#[derive(Clone, Copy)]
pub(super) enum Overlap {
    Skip,
    Queue,
    Allow,
}

/// A schedule, checked.
pub(super) struct Schedule {
    pub(super) ident: Ident,
    pub(super) name: String,
    pub(super) expression: String,
    pub(super) zone: String,
    pub(super) missed: Option<Missed>,
    pub(super) overlap: Option<Overlap>,
    pub(super) options: JobOptions,
    pub(super) returned: Type,
    pub(super) sources: Vec<Source>,
}

impl Schedule {
    pub(super) fn new(parsed: Parsed, errors: &mut Errors) -> Option<Self> {
        let Parsed { expression, arguments, function, parameters } = parsed;
        check_plain(&function, "a scheduled function", errors);
        if function.sig.asyncness.is_none() {
            errors.on(function.sig.fn_token, "a scheduled function is an `async fn`");
        }
        let expression = expression.and_then(|literal| errors.keep(check_expression(&literal)));
        let zone = arguments.string_as("tz", errors, check_zone);
        let missed = arguments.word("missed", &["skip", "once", "all"], errors);
        let overlap = arguments.word("overlap", &["skip", "queue", "allow"], errors);
        let name = arguments.string_as("name", errors, |literal| wire_name(literal, "schedule's name"));
        let options = JobOptions::read(&arguments, errors);
        let (sources, payload) = sources(parameters, "tick", errors);
        if let Some(payload) = payload.filter(|payload| !is_named(payload, "Tick")) {
            let message = "a scheduled function takes a `Tick`, a `JobContext`, and what `#[inject]` stands before";
            errors.on(payload, message);
        }
        Some(Self {
            name: name.unwrap_or_else(|| function.sig.ident.to_string().trim_start_matches("r#").to_owned()),
            expression: expression?,
            zone: zone.unwrap_or_else(|| "UTC".to_owned()),
            missed: missed.map(|word| [Missed::Skip, Missed::Once, Missed::All][word]),
            overlap: overlap.map(|word| [Overlap::Skip, Overlap::Queue, Overlap::Allow][word]),
            options,
            returned: return_type(&function),
            sources,
            ident: function.sig.ident,
        })
    }
}

fn check_expression(literal: &LitStr) -> Result<String> {
    let text = literal.value();
    match expression::parse(&text) {
        Ok(_) => Ok(text),
        Err(reason) => Err(Error::new(literal.span(), format!("`{text}` is not a cron expression: {reason}"))),
    }
}

fn check_zone(literal: &LitStr) -> Result<String> {
    let zone = literal.value();
    if TimeZone::get(&zone).is_ok() {
        return Ok(zone);
    }
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = match nearest(&zone, &names) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => ", such as `Europe/Berlin` or `UTC`".to_owned(),
    };
    Err(Error::new(literal.span(), format!("`{zone}` is not an IANA time zone{hint}")))
}
