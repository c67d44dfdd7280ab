//! The Rust crate `cron`.

use std::str::FromStr;

use chrono::{TimeZone, Utc};

use crate::cases::Case;
use crate::local::Zone;
use crate::peers::Answer;

/// Its ticks for a case.
#[must_use]
pub fn answer(case: &Case) -> Answer {
    let schedule = match parse(&case.expression) {
        Ok(schedule) => schedule,
        Err(error) => return Answer::Refused(error.to_string()),
    };
    let zone = Zone::of(case.zone);
    let ticks = |&(after, until): &(i64, i64)| {
        let after = Utc.timestamp_opt(after, 0).unwrap().with_timezone(&zone);
        schedule.after(&after).map(|tick| tick.timestamp()).take_while(|tick| *tick <= until).collect()
    };
    Answer::Ticks(case.windows.iter().map(ticks).collect())
}

/// Parses an expression of ours.
///
/// The crate wants a second, and counts the days of the week from 1: names mean the same everywhere.
///
/// # Errors
/// When the crate does not understand it.
pub fn parse(expression: &str) -> Result<cron::Schedule, cron::error::Error> {
    let mut fields: Vec<String> = expression.split(' ').map(str::to_owned).collect();
    fields[4] = name_weekdays(&fields[4]);
    cron::Schedule::from_str(&format!("0 {}", fields.join(" ")))
}

fn name_weekdays(field: &str) -> String {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    if field.contains(['#', 'L', '/', '*']) || field.contains(|character: char| character.is_ascii_alphabetic()) {
        return field.to_owned();
    }
    let name =
        |number: &str| number.parse::<usize>().ok().and_then(|number| NAMES.get(number)).map_or("?", |name| name);
    let item = |item: &str| item.split('-').map(name).collect::<Vec<_>>().join("-");
    field.split(',').map(item).collect::<Vec<_>>().join(",")
}
