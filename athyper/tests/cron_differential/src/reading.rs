//! What an expression names on a wall clock that is never changed, read by code that is not ours.

use chrono::{NaiveDateTime, TimeDelta, Utc};
use cron::Schedule;

use crate::rust_cron;

/// An expression as the Rust crate reads it where clocks do not change, which is where all sides agree.
#[derive(Debug)]
pub struct Reading {
    /// The expression as it stands: the crate wants a day that fits both day fields.
    as_it_stands: Option<Schedule>,
    /// The expression with either day field alone, which together is what crontab(5) says.
    either_day: Vec<Schedule>,
}

impl Reading {
    /// Reads an expression. What the crate does not understand names nothing, so that it explains nothing.
    #[must_use]
    pub fn of(expression: &str) -> Self {
        let with_any = |index: usize| {
            let mut fields: Vec<&str> = expression.split(' ').collect();
            fields[index] = "*";
            rust_cron::parse(&fields.join(" ")).ok()
        };
        let as_it_stands = rust_cron::parse(expression).ok();
        let either_day = if names_both_days(expression) {
            [2, 4].into_iter().filter_map(with_any).collect()
        } else {
            as_it_stands.iter().cloned().collect()
        };
        Self { as_it_stands, either_day }
    }

    /// Whether a day that fits either day field has this time.
    #[must_use]
    pub fn names(&self, time: NaiveDateTime) -> bool {
        self.names_within(time, time + TimeDelta::seconds(1))
    }

    /// Whether a day that fits either day field has a time from one up to another, which is not part of it.
    #[must_use]
    pub fn names_within(&self, from: NaiveDateTime, until: NaiveDateTime) -> bool {
        let before = (from - TimeDelta::seconds(1)).and_utc();
        self.either_day.iter().any(|days| days.after(&before).next().is_some_and(|next| next < until.and_utc()))
    }

    /// Whether a day that fits both day fields has this time.
    #[must_use]
    pub fn names_with_both_days(&self, time: NaiveDateTime) -> bool {
        self.as_it_stands.as_ref().is_some_and(|both| both.includes::<Utc>(time.and_utc()))
    }
}

/// Whether both days are restricted.
fn names_both_days(expression: &str) -> bool {
    let fields: Vec<&str> = expression.split(' ').collect();
    fields[2] != "*" && fields[4] != "*"
}
