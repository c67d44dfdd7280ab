//! The rules of metric and label names.
//!
//! They are those of the Prometheus data model (<https://prometheus.io/docs/concepts/data_model/>) and of its naming practices
//! (<https://prometheus.io/docs/practices/naming/>), which `promtool check metrics` warns about.

use std::fmt;

use crate::foundation::error::{Error, Result};

/// What kind of metric a family holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
        })
    }
}

/// Words that name a unit other than the base unit of its dimension, and the base unit.
const DERIVED_UNITS: [(&str, &str); 20] = [
    ("nanoseconds", "seconds"),
    ("microseconds", "seconds"),
    ("milliseconds", "seconds"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("ms", "seconds"),
    ("us", "seconds"),
    ("ns", "seconds"),
    ("sec", "seconds"),
    ("kilobytes", "bytes"),
    ("megabytes", "bytes"),
    ("gigabytes", "bytes"),
    ("kb", "bytes"),
    ("mb", "bytes"),
    ("gb", "bytes"),
    ("bits", "bytes"),
    ("percent", "ratio"),
    ("percents", "ratio"),
];

fn is_snake_case(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn refuse(name: &str, reason: impl fmt::Display) -> Error {
    Error::configuration(format!("metric `{name}`: {reason}")).with_code("metric-name")
}

/// Checks the name, the help and the labels of a family.
pub(super) fn check(kind: Kind, name: &str, help: &str, labels: &[&str]) -> Result<()> {
    if !is_snake_case(name) {
        return Err(refuse(name, "a name is snake_case and begins with a letter"));
    }
    if help.trim().is_empty() {
        return Err(refuse(name, "say in `help` what it measures"));
    }
    match (kind, name.strip_suffix("_total")) {
        (Kind::Counter, None) => return Err(refuse(name, format_args!("a counter ends in `_total`: `{name}_total`"))),
        (Kind::Gauge | Kind::Histogram | Kind::Summary, Some(rest)) => {
            return Err(refuse(name, format_args!("only a counter ends in `_total`: `{rest}`")));
        }
        _ => {}
    }
    for suffix in ["_bucket", "_sum", "_count"] {
        if name.ends_with(suffix) {
            return Err(refuse(name, format_args!("`{suffix}` belongs to the parts of histograms and summaries")));
        }
    }
    for word in name.split('_') {
        if ["counter", "gauge", "histogram", "summary"].contains(&word) {
            return Err(refuse(name, format_args!("a name does not repeat its type (`{word}`)")));
        }
        if let Some((_, base)) = DERIVED_UNITS.iter().find(|(unit, _)| *unit == word) {
            return Err(refuse(name, format_args!("measure in the base unit `{base}`, not `{word}`")));
        }
    }
    for (index, label) in labels.iter().enumerate() {
        let reserved = match kind {
            Kind::Histogram => *label == "le",
            Kind::Summary => *label == "quantile",
            Kind::Counter | Kind::Gauge => false,
        };
        if !is_snake_case(label) || reserved {
            return Err(refuse(name, format_args!("`{label}` cannot be a label's name")));
        }
        if labels[..index].contains(label) {
            return Err(refuse(name, format_args!("label `{label}` is there twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Kind, check};

    #[test]
    fn names_that_promtool_accepts_are_accepted() {
        for (kind, name) in [
            (Kind::Counter, "http_requests_total"),
            (Kind::Gauge, "http_requests_in_flight"),
            (Kind::Histogram, "http_request_duration_seconds"),
            (Kind::Summary, "job_wait_seconds"),
        ] {
            assert!(check(kind, name, "Help.", &["route", "method"]).is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_promtool_warns_of_are_refused() {
        for (kind, name) in [
            (Kind::Counter, "http_requests"),
            (Kind::Gauge, "http_requests_total"),
            (Kind::Histogram, "http_request_duration_milliseconds"),
            (Kind::Gauge, "queueDepth"),
            (Kind::Gauge, "queue:depth"),
            (Kind::Gauge, "9_lives"),
            (Kind::Gauge, ""),
            (Kind::Gauge, "depth_gauge"),
            (Kind::Histogram, "latency_bucket"),
            (Kind::Gauge, "latency_count"),
            (Kind::Gauge, "size_mb"),
        ] {
            assert!(check(kind, name, "Help.", &[]).is_err(), "{name}");
        }
        assert!(check(Kind::Gauge, "depth", " ", &[]).is_err());
        assert!(check(Kind::Gauge, "depth", "Help.", &["a", "a"]).is_err());
        assert!(check(Kind::Gauge, "depth", "Help.", &["__name"]).is_err());
        assert!(check(Kind::Histogram, "wait_seconds", "Help.", &["le"]).is_err());
        assert!(check(Kind::Summary, "wait_seconds", "Help.", &["quantile"]).is_err());
    }
}
