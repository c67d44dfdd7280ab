//! The text format that Prometheus reads.

use std::fmt::{Display, Write};

use super::family::SeriesTable;
use super::registry::AnyFamily;
use super::summary::QUANTILES;

pub(super) fn write(families: &[AnyFamily]) -> String {
    let mut text = String::with_capacity(4096);
    for family in families {
        match family {
            AnyFamily::Counter(family) => numbers(&mut text, family, |counter| counter.value().to_string()),
            AnyFamily::Gauge(family) => numbers(&mut text, family, |gauge| number(gauge.value())),
            AnyFamily::Histogram(family, _) => {
                head(
                    &mut text,
                    family,
                    || family.series(),
                    |text, name, labels, histogram| {
                        let cumulative = histogram.cumulative();
                        let count = cumulative.last().map_or(0, |(_, count)| *count);
                        for (bound, count) in cumulative {
                            line(text, name, "_bucket", labels, Some(("le", &number(bound))), count);
                        }
                        line(text, name, "_sum", labels, None, number(histogram.sum()));
                        line(text, name, "_count", labels, None, count);
                    },
                );
            }
            AnyFamily::Summary(family) => {
                head(
                    &mut text,
                    family,
                    || family.series(),
                    |text, name, labels, summary| {
                        for part in QUANTILES {
                            let value = summary.quantile(part).unwrap_or(f64::NAN);
                            line(text, name, "", labels, Some(("quantile", &number(part))), number(value));
                        }
                        line(text, name, "_sum", labels, None, number(summary.sum()));
                        line(text, name, "_count", labels, None, summary.count());
                    },
                );
            }
        }
    }
    text
}

fn numbers<M: Clone>(text: &mut String, family: &SeriesTable<M>, value: impl Fn(&M) -> String) {
    head(
        text,
        family,
        || family.series(),
        |text, name, labels, metric| line(text, name, "", labels, None, value(metric)),
    );
}

type Labels<'a> = &'a [(&'static str, String)];

fn head<M>(
    text: &mut String,
    family: &SeriesTable<M>,
    series: impl FnOnce() -> Vec<(Vec<String>, M)>,
    mut each: impl FnMut(&mut String, &str, Labels<'_>, &M),
) {
    let series = series();
    if series.is_empty() {
        return;
    }
    let name = family.name();
    // In HELP only the backslash and the line feed are escaped; in label values the quotation mark, too.
    let help = family.help().replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", family.kind());
    for (values, metric) in &series {
        let labels: Vec<_> = family.labels().iter().copied().zip(values.iter().cloned()).collect();
        each(text, name, &labels, metric);
    }
}

fn line(
    text: &mut String,
    name: &str,
    suffix: &str,
    labels: Labels<'_>,
    own: Option<(&str, &str)>,
    value: impl Display,
) {
    text.push_str(name);
    text.push_str(suffix);
    let all = labels.iter().map(|(label, value)| (*label, value.as_str())).chain(own);
    let mut separator = '{';
    for (label, value) in all {
        text.push(separator);
        separator = ',';
        let _ = write!(text, "{label}=\"");
        for character in value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
    }
    if separator == ',' {
        text.push('}');
    }
    let _ = writeln!(text, " {value}");
}

fn number(value: f64) -> String {
    if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        // Rust writes `NaN` and the shortest decimal that reads back as the same number.
        value.to_string()
    }
}
