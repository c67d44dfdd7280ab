//! Cron expressions in a time zone.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp as Instant};

use super::civil::CivilPattern;
use super::expression;
use super::ticks::Ticks;
use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, Result};

/// A cron expression in a time zone.
///
/// # The expression
/// Five fields (minute, hour, day of month, month, day of week) or six (second first). A field takes `*`, numbers, lists
/// `1,15`, ranges `9-17`, steps `*/10` and `10-40/10`, and names (`JAN`, `MON`; any case). Further:
///
/// | field | also | means |
/// | --- | --- | --- |
/// | day of month | `L`, `LW`, `15W` | the last day, the last weekday (Monday to Friday), the weekday nearest to the 15th |
/// | day of week | `0` and `7`, `5L`, `5#2` | Sunday, the last Friday, the second Friday |
/// | both days | `?` | the same as `*` |
///
/// When both days are restricted, a day that fits either is taken, as cron always had it; `+` before the day of week
/// asks for both (`0 12 13 * +FRI` is Friday the 13th). A day field is unrestricted only when it is exactly `*`.
/// `@yearly`, `@monthly`, `@weekly`, `@daily` and `@hourly` are understood.
///
/// # When clocks change
/// The rules are those of Vixie cron; they hold for any size of change, such as the half hour of Lord Howe.
///
/// - An expression whose second, minute and hour are spelled out (no `*` in them) names *times of day*. Each is due once:
///   when the local clock first reaches or passes it. A time that is skipped in spring is due the moment the clock
///   jumps; several skipped times make one tick. A time that comes twice in autumn is due at the first.
/// - Any other expression names a *rhythm*. It follows the elapsed time: what is skipped in spring is not due, what comes
///   twice in autumn is due twice.
///
/// ```
/// use athyper::schedule::Cron;
/// use athyper::clock::Timestamp;
///
/// let nightly = Cron::new("30 2 * * *", "Europe/Berlin")?;
/// let evening: Timestamp = "2026-03-28T20:00:00Z".parse().unwrap();
/// // On 29 March the clock jumps from 02:00 to 03:00, which is 01:00 UTC.
/// assert_eq!(nightly.next_after(evening).unwrap().to_rfc3339(), "2026-03-29T01:00:00+00:00");
/// # Ok::<(), athyper::Error>(())
/// ```
#[derive(Clone)]
pub struct Cron {
    expression: String,
    zone: String,
    pattern: CivilPattern,
    description: String,
    fixed_time: bool,
    time_zone: TimeZone,
}

impl Cron {
    /// Parses an expression in an IANA zone, such as `Europe/Berlin` or `UTC`.
    ///
    /// # Errors
    /// `Invalid` when either is not understood; the message names the field and what it takes.
    pub fn new(expression: &str, zone: &str) -> Result<Self> {
        let parsed = expression::parse(expression).map_err(|reason| {
            Error::invalid(format!("`{expression}` is not a cron expression: {reason}"))
                .with_code("schedule-expression")
        })?;
        let time_zone = TimeZone::get(zone).map_err(|_| {
            Error::invalid(format!("`{zone}` is not an IANA time zone, such as `Europe/Berlin` or `UTC`"))
                .with_code("schedule-zone")
        })?;
        Ok(Self {
            expression: expression.split_whitespace().collect::<Vec<_>>().join(" "),
            zone: time_zone.iana_name().unwrap_or(zone).to_owned(),
            description: parsed.pattern.describe(),
            pattern: CivilPattern::new(parsed.pattern),
            fixed_time: parsed.fixed_time,
            time_zone,
        })
    }

    /// The first tick after an instant; `None` when the next 50 years hold none (30 February).
    #[must_use]
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let next = self.next_from(Instant::from_second(instant.timestamp().checked_add(1)?).ok()?)?;
        Timestamp::from_timestamp(next.as_second(), 0)
    }

    /// The ticks after one instant, up to and including another.
    #[must_use]
    pub fn ticks(&self, after: Timestamp, until: Timestamp) -> Ticks<'_> {
        Ticks::new(self, after, until)
    }

    /// The latest ticks after one instant, up to and including another: at most `count`, earliest first.
    ///
    /// It looks backwards, so its cost depends on `count` and not on how many ticks lie between the two.
    #[must_use]
    pub fn latest_ticks(&self, after: Timestamp, until: Timestamp, count: usize) -> Vec<Timestamp> {
        super::ticks::latest(self, after, until, count)
    }

    /// The first tick at or after a whole second.
    ///
    /// The time line is cut where the zone's offset changes. Within a piece, local and absolute time run in step, so the
    /// search is one on the wall clock; only the edges need a rule.
    fn next_from(&self, mut at: Instant) -> Option<Instant> {
        loop {
            let offset = self.time_zone.to_offset(at);
            let local = offset.to_datetime(at);
            let mut from = local;
            if self.fixed_time
                && let Some(edge) = self.last_change(at)
            {
                // What the clock would show at the edge had it not been changed.
                let reached = self.time_zone.to_offset(edge - SignedDuration::from_nanos(1)).to_datetime(edge);
                let skips = at == edge && reached < local;
                if skips && self.pattern.next_from(reached).is_some_and(|time| time < local) {
                    return Some(edge);
                }
                from = from.max(reached);
            }
            let time = self.pattern.next_from(from)?;
            let end = self.time_zone.following(at).map(|change| change.timestamp()).find(|change| *change > at);
            match (offset.to_timestamp(time), end) {
                (Ok(found), None) => return Some(found),
                (Ok(found), Some(end)) if found < end => return Some(found),
                (_, Some(end)) => at = end,
                (Err(_), None) => return None,
            }
        }
    }

    /// The last change of the zone's offset at or before an instant.
    fn last_change(&self, at: Instant) -> Option<Instant> {
        let after = at.checked_add(SignedDuration::from_nanos(1)).ok()?;
        self.time_zone.preceding(after).map(|change| change.timestamp()).find(|change| *change <= at)
    }

    /// The expression as it was written, with single spaces.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The IANA zone, spelled as the time zone database spells it.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Whether it names times of day rather than a rhythm; decides what happens when clocks change.
    #[must_use]
    pub fn is_fixed_time(&self) -> bool {
        self.fixed_time
    }

    /// What it means in English, for people: `At 00:00. (Europe/Berlin)`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} ({})", self.description, self.zone)
    }
}

impl fmt::Display for Cron {
    /// Expression and zone, `0 0 * * * (Europe/Berlin)`: what a store remembers as the schedule's definition.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.expression, self.zone)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
