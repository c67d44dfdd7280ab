//! The wall-clock times an expression names, before any time zone.

use croner::{CronComponent, CronPattern, Weekday};
use jiff::civil::{Date, DateTime, Time};

/// Every satisfiable expression has a match within this many years: the longest wait is for a 29 February on a given
/// weekday across a century that is no leap year, 40 years.
const HORIZON_YEARS: i16 = 50;

/// The wall-clock times an expression names.
#[derive(Clone)]
pub(super) struct CivilPattern {
    days: CronPattern,
    months: Bits,
    hours: Bits,
    minutes: Bits,
    seconds: Bits,
}

impl CivilPattern {
    pub(super) fn new(pattern: CronPattern) -> Self {
        Self {
            months: Bits::of(&pattern.months),
            hours: Bits::of(&pattern.hours),
            minutes: Bits::of(&pattern.minutes),
            seconds: Bits::of(&pattern.seconds),
            days: pattern,
        }
    }

    /// The first time at or after `from`, or `None` when the next [`HORIZON_YEARS`] years hold none.
    pub(super) fn next_from(&self, from: DateTime) -> Option<DateTime> {
        let last_year = from.year().saturating_add(HORIZON_YEARS);
        if self.matches_day(from.date())
            && let Some(time) = self.time_from(from.time())
        {
            return Some(from.date().to_datetime(time));
        }
        let midnight = self.time_from(Time::midnight())?;
        let mut date = from.date().tomorrow().ok()?;
        while date.year() <= last_year {
            if !self.months.has(date.month()) {
                date = self.first_of_next_month(date)?;
            } else if self.matches_day(date) {
                return Some(date.to_datetime(midnight));
            } else {
                date = date.tomorrow().ok()?;
            }
        }
        None
    }

    fn first_of_next_month(&self, date: Date) -> Option<Date> {
        match self.months.from(date.month() + 1) {
            Some(month) => Date::new(date.year(), month, 1).ok(),
            None => Date::new(date.year().checked_add(1)?, self.months.from(1)?, 1).ok(),
        }
    }

    fn matches_day(&self, date: Date) -> bool {
        let weekday = match date.weekday() {
            jiff::civil::Weekday::Sunday => Weekday::Sunday,
            jiff::civil::Weekday::Monday => Weekday::Monday,
            jiff::civil::Weekday::Tuesday => Weekday::Tuesday,
            jiff::civil::Weekday::Wednesday => Weekday::Wednesday,
            jiff::civil::Weekday::Thursday => Weekday::Thursday,
            jiff::civil::Weekday::Friday => Weekday::Friday,
            jiff::civil::Weekday::Saturday => Weekday::Saturday,
        };
        let (month, day) = (date.month().unsigned_abs().into(), date.day().unsigned_abs().into());
        // The date is real, so the only error there is cannot happen.
        self.months.has(date.month()) && self.days.day_match(date.year().into(), month, day, weekday).unwrap_or(false)
    }

    /// The first matching time of a day at or after `from`.
    fn time_from(&self, from: Time) -> Option<Time> {
        let (first_minute, first_second) = (self.minutes.from(0)?, self.seconds.from(0)?);
        if self.hours.has(from.hour()) {
            if self.minutes.has(from.minute())
                && let Some(second) = self.seconds.from(from.second())
            {
                return Time::new(from.hour(), from.minute(), second, 0).ok();
            }
            if let Some(minute) = self.minutes.from(from.minute() + 1) {
                return Time::new(from.hour(), minute, first_second, 0).ok();
            }
        }
        let hour = self.hours.from(from.hour() + 1).filter(|_| from.hour() < 23)?;
        Time::new(hour, first_minute, first_second, 0).ok()
    }
}

/// The values of one field, as bits.
#[derive(Clone, Copy)]
struct Bits(u64);

impl Bits {
    fn of(component: &CronComponent) -> Self {
        Self(component.values().into_iter().filter(|value| *value < 64).fold(0, |bits, value| bits | (1 << value)))
    }

    fn has(self, value: i8) -> bool {
        self.from(value) == Some(value)
    }

    /// The first value at or after `value`.
    fn from(self, value: i8) -> Option<i8> {
        let value = u32::try_from(value).ok().filter(|value| *value < 64)?;
        let rest = self.0 & (u64::MAX << value);
        i8::try_from(rest.trailing_zeros()).ok().filter(|_| rest != 0)
    }
}
