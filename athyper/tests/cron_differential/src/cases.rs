//! Which expression is compared where and when.

use athyper::clock::Timestamp;
use athyper::schedule::Cron;
use serde::Serialize;

use crate::expressions;
use crate::local::{ZONES, Zone};

/// One expression in one zone, over some spans of time.
#[derive(Debug, Clone, Serialize)]
pub struct Case {
    /// The expression.
    pub expression: String,
    /// The zone.
    pub zone: &'static str,
    /// The spans: after the first second, up to and including the second.
    pub windows: Vec<(i64, i64)>,
}

const DAY: i64 = 24 * 3_600;
/// An expression with more ticks a week than this is compared on some days only: see [`all`].
const DENSE: usize = 30;

/// The instant a year begins in UTC.
#[must_use]
pub fn year_begins(year: i32) -> i64 {
    midnight(year, 1, 1)
}

/// The instant a day begins in UTC.
fn midnight(year: i32, month: i32, day: i32) -> i64 {
    format!("{year}-{month:02}-{day:02}T00:00:00Z").parse::<Timestamp>().expect("a date").timestamp()
}

/// Every case for some years, taking each `step`th pair of expression and zone.
///
/// Whatever is due at most `DENSE` times a week is compared on every day of the years. The rest repeats itself from day to
/// day; what can differ is a change of the clock, and which days are taken. It is compared for two days around each change,
/// the end of February and the end of the year, and in each year around the first of one month and the 13th of another, which
/// are other months each year.
#[must_use]
pub fn all(years: &[i32], step: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for (expression_index, expression) in expressions::all().into_iter().enumerate() {
        for (zone_index, zone_name) in ZONES.into_iter().enumerate() {
            if (expression_index * 5 + zone_index) % step == 0 {
                cases.push(Case {
                    windows: windows(&expression, zone_name, years),
                    expression: expression.clone(),
                    zone: zone_name,
                });
            }
        }
    }
    cases
}

fn windows(expression: &str, zone_name: &str, years: &[i32]) -> Vec<(i64, i64)> {
    let cron = Cron::new(expression, zone_name).expect("every expression that is compared is legal");
    let week: usize = cron.ticks(at(year_begins(2025)), at(year_begins(2025) + 7 * DAY)).count();
    let mut windows = Vec::new();
    for &year in years {
        let (begins, ends) = (year_begins(year), year_begins(year + 1));
        if week <= DENSE {
            windows.push((begins, ends));
            continue;
        }
        let change_windows = Zone::of(zone_name).changes(begins, ends).into_iter().map(|(change, ..)| change);
        let february = begins + 58 * DAY;
        let first = midnight(year, year % 12 + 1, 1);
        let thirteenth = midnight(year, (year + 5) % 12 + 1, 13);
        for middle in change_windows.chain([february, ends, first, thirteenth]) {
            windows.push((middle - 3 * DAY / 4, middle + 5 * DAY / 4));
        }
    }
    join(windows)
}

/// Makes one of spans that overlap, so that no tick is compared twice.
fn join(mut windows: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    windows.sort_unstable();
    windows.dedup_by(|(after, until), (_, joined)| {
        let overlaps = *after < *joined;
        if overlaps {
            *joined = (*joined).max(*until);
        }
        overlaps
    });
    windows
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(second, 0).expect("within the years that are compared")
}

/// Our own ticks.
#[must_use]
pub fn ours(case: &Case) -> Vec<Vec<i64>> {
    let cron = Cron::new(&case.expression, case.zone).expect("every expression that is compared is legal");
    let ticks = |&(after, until): &(i64, i64)| cron.ticks(at(after), at(until)).map(|tick| tick.timestamp()).collect();
    case.windows.iter().map(ticks).collect()
}
