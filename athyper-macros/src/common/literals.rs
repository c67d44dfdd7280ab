//! Literals that are checked when the product is compiled: durations, back-off, retention, names.

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use std::time::Duration;
use syn::{Error, LitStr, Result};

/// Reads a duration such as `"30s"`, `"1h 30m"`, `"7d"`. A day is 24 hours and a week seven days; months and years have
/// no fixed length and are refused.
pub(crate) fn duration(literal: &LitStr) -> Result<Duration> {
    duration_in(&literal.value(), literal.span())
}

/// Reads a duration that is part of a literal.
pub(crate) fn duration_in(text: &str, span: Span) -> Result<Duration> {
    parse_duration(text).map_err(|message| Error::new(span, message))
}

fn parse_duration(text: &str) -> std::result::Result<Duration, String> {
    let example = "write for instance \"500ms\", \"30s\", \"1h 30m\" or \"7d\"";
    let span =
        SpanParser::new().parse_span(text.trim()).map_err(|_| format!("`{text}` is not a duration: {example}"))?;
    let length = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| format!("`{text}` has no fixed length, since months and years differ: {example}"))?;
    Duration::try_from(length).map_err(|_| format!("`{text}` is negative: {example}"))
}

/// A duration as tokens.
pub(crate) fn duration_tokens(duration: Duration) -> TokenStream {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanoseconds))
}

/// How a wait grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    Fixed,
    Linear,
    Exponential,
}

/// A back-off as it stands in an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) growth: Growth,
    pub(crate) base: Duration,
    pub(crate) max: Option<Duration>,
    pub(crate) jitter_percent: u8,
}

impl Backoff {
    /// The longest wait, unless it is the default one.
    pub(crate) fn longest(&self) -> Option<Duration> {
        // Beyond the longest wait there is by default, a first wait is the longest as well.
        self.max.or_else(|| (self.base > Duration::from_secs(24 * 3600)).then_some(self.base))
    }
}

/// Reads a back-off: `"fixed 5s"`, `"linear 5s"`, `"exponential 1s max 1h jitter 0.2"`.
pub(crate) fn backoff(literal: &LitStr) -> Result<Backoff> {
    parse_backoff(&literal.value()).map_err(|message| Error::new(literal.span(), message))
}

fn parse_backoff(text: &str) -> std::result::Result<Backoff, String> {
    let form =
        "write \"fixed 5s\", \"linear 5s\" or \"exponential 1s\", with `max 1h` and `jitter 0.2` behind it if wanted";
    let mut words = text.split_whitespace().peekable();
    let growth = match words.next() {
        Some("fixed") => Growth::Fixed,
        Some("linear") => Growth::Linear,
        Some("exponential") => Growth::Exponential,
        Some(other) => return Err(format!("a back-off does not grow `{other}`: {form}")),
        None => return Err(format!("the back-off is empty: {form}")),
    };
    let mut until_keyword = |what: &str| {
        let mut parts = Vec::new();
        while let Some(word) = words.next_if(|word| !matches!(*word, "max" | "jitter")) {
            parts.push(word);
        }
        let next = words.next();
        if parts.is_empty() { Err(format!("{what} is missing: {form}")) } else { Ok((parts.join(" "), next)) }
    };
    let (base, mut keyword) = until_keyword("the first wait")?;
    let base = parse_duration(&base)?;
    let (mut max, mut jitter) = (None, None);
    while let Some(word) = keyword {
        let (value, next) = until_keyword(&format!("the value of `{word}`"))?;
        match word {
            "max" if max.is_none() => max = Some(parse_duration(&value)?),
            "jitter" if jitter.is_none() => jitter = Some(parse_jitter(&value)?),
            _ => return Err(format!("`{word}` is given twice: {form}")),
        }
        keyword = next;
    }
    if base.is_zero() {
        return Err("the first wait is zero: a failing job would run without a pause".to_owned());
    }
    if let Some(max) = max
        && max < base
    {
        return Err("the longest wait is shorter than the first".to_owned());
    }
    Ok(Backoff { growth, base, max, jitter_percent: jitter.unwrap_or(0) })
}

fn parse_jitter(text: &str) -> std::result::Result<u8, String> {
    let share: Option<f64> = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    match share {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100 fits")]
        Some(share) => Ok((share * 100.0).round() as u8),
        None => Err(format!("`{text}` is not a share of the wait: write a number from 0 to 1, such as `jitter 0.2`")),
    }
}

/// How long finished jobs are kept, as it stands in an attribute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) count: Option<u32>,
    pub(crate) age: Option<Duration>,
}

/// Reads a retention: a count (`"500"`), an age (`"7d"`), or both (`"500, 7d"`).
pub(crate) fn retention(literal: &LitStr) -> Result<Retention> {
    parse_retention(&literal.value()).map_err(|message| Error::new(literal.span(), message))
}

fn parse_retention(text: &str) -> std::result::Result<Retention, String> {
    let form = "write how many (\"500\"), for how long (\"7d\"), or both (\"500, 7d\")";
    let mut retention = Retention::default();
    for part in text.split(',').map(str::trim) {
        let twice = if part.is_empty() {
            return Err(format!("`{text}` does not say what is kept: {form}"));
        } else if part.bytes().all(|byte| byte.is_ascii_digit()) {
            let count = part.parse().map_err(|_| format!("{part} jobs are more than can be counted"))?;
            retention.count.replace(count).is_some()
        } else {
            let age =
                parse_duration(part).map_err(|_| format!("`{part}` is neither a count nor a duration: {form}"))?;
            retention.age.replace(age).is_some()
        };
        if twice {
            return Err(format!("`{text}` says it twice: {form}"));
        }
    }
    Ok(retention)
}

/// Checks a name that travels through queues: a queue, a kind, a schedule.
pub(crate) fn wire_name(literal: &LitStr, what: &str) -> Result<String> {
    let name = literal.value();
    let message = if name.is_empty() {
        format!("the {what} is empty")
    } else if name.contains(':') {
        format!("a {what} has no `:` in it, because stores build their keys with it")
    } else if let Some(character) = name.chars().find(|character| character.is_whitespace() || character.is_control()) {
        format!("a {what} has no {character:?} in it")
    } else {
        return Ok(name);
    };
    Err(Error::new(literal.span(), message))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, Growth, Retention, parse_backoff, parse_duration, parse_retention};

    #[test]
    fn durations_are_what_people_write() {
        for (text, seconds) in [("30s", 30), ("1h 30m", 5400), ("7d", 604_800), ("2 weeks", 1_209_600), ("0s", 0)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "30", "s", "-5s", "5s ago", "1 month", "1y", "soon"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_backoff_has_a_growth_a_base_and_limits() {
        let second = Duration::from_secs(1);
        assert_eq!(
            parse_backoff("exponential 1s max 1h 30m jitter 0.2"),
            Ok(Backoff {
                growth: Growth::Exponential,
                base: second,
                max: Some(Duration::from_secs(5400)),
                jitter_percent: 20
            })
        );
        assert_eq!(
            parse_backoff("fixed 1s jitter 1"),
            Ok(Backoff { growth: Growth::Fixed, base: second, max: None, jitter_percent: 100 })
        );
        for text in [
            "",
            "1s",
            "quick 1s",
            "fixed",
            "fixed 0s",
            "fixed soon",
            "fixed 1s max",
            "fixed 1s max 1ms",
            "fixed 1s jitter 2",
            "fixed 1s jitter -1",
            "fixed 1s jitter x",
            "fixed 1s max 1h max 2h",
            "fixed max 1h",
        ] {
            assert!(parse_backoff(text).is_err(), "{text}");
        }
    }

    #[test]
    fn retention_is_a_count_an_age_or_both() {
        let week = Some(Duration::from_secs(604_800));
        assert_eq!(parse_retention("500"), Ok(Retention { count: Some(500), age: None }));
        assert_eq!(parse_retention("7d"), Ok(Retention { count: None, age: week }));
        assert_eq!(parse_retention("500, 7d"), Ok(Retention { count: Some(500), age: week }));
        assert_eq!(parse_retention("7d,0"), Ok(Retention { count: Some(0), age: week }));
        for text in ["", ",", "500, 600", "7d, 1d", "many", "-1", "99999999999"] {
            assert!(parse_retention(text).is_err(), "{text}");
        }
    }

    /// The product reads the same texts from its configuration, with a parser of its own: this crate cannot use the library
    /// whose macros it has, and the library's messages name no token.
    #[test]
    fn the_product_reads_each_text_as_the_attribute_does() {
        let lengths = [
            "1s",
            "1500ms",
            "1h 30m",
            "1h30m",
            "7d",
            "2 weeks",
            "1 hour, 5 mins",
            "25h",
            " 5s",
            "0s",
            "-5s",
            "5s ago",
            "1 month",
            "1y",
            "5",
            "s",
            "1.5s",
            "00:05:00",
            "PT5S",
            "1e3s",
            "99999999999h",
            "",
            "soon",
            "5s max",
            "max",
        ];
        let tails = [
            "",
            " max 1h",
            " max 1s",
            " max",
            " max 1h max 2h",
            " jitter 0.2",
            " jitter 1",
            " jitter 1.5",
            " jitter -0",
            " jitter",
            " jitter x",
            " jitter NaN",
            " max 2d jitter 0.255",
            " jitter .5 max 30d",
            " jitter 0 jitter 0",
            " 5m",
            " Max 1h",
            " max 0s",
        ];
        let mut accepted = 0;
        for growth in ["fixed", "linear", "exponential", "Fixed", "quadratic", ""] {
            for length in lengths {
                for tail in tails {
                    let text = format!("{growth} {length}{tail}");
                    let here = parse_backoff(&text);
                    match (&here, text.parse::<athyper::jobs::Backoff>()) {
                        (Ok(here), Ok(there)) => {
                            let growth = match here.growth {
                                Growth::Fixed => athyper::jobs::Growth::Fixed,
                                Growth::Linear => athyper::jobs::Growth::Linear,
                                Growth::Exponential => athyper::jobs::Growth::Exponential,
                            };
                            let max = longest_wait(here);
                            assert_eq!(
                                (growth, here.base, max, here.jitter_percent),
                                (there.growth, there.base, there.max, there.jitter_percent),
                                "{text}"
                            );
                            accepted += 1;
                        }
                        (Err(_), Err(_)) => {}
                        (here, there) => panic!("`{text}` is {here:?} in an attribute and {there:?} in the product"),
                    }
                }
            }
        }
        assert!(accepted > 100, "only {accepted} texts were accepted");
    }

    /// As the output of the attribute says it.
    fn longest_wait(backoff: &Backoff) -> Duration {
        backoff.longest().unwrap_or(athyper::jobs::Backoff::fixed(backoff.base).max)
    }
}
