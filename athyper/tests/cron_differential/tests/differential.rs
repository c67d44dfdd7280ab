//! Our ticks against those of the Rust crate `cron` and the Python package `croniter`.
//!
//! By default a sample; with `ATHYPER_CRON_DIFFERENTIAL=full` every expression in every zone from 2020 to the end of 2034,
//! which takes about a quarter of an hour on two cores: `-- --nocapture` shows how far it is.

use std::collections::BTreeSet;
use std::ops::Range;

use cron_differential::cases::{self, Case};
use cron_differential::comparison::{self, describe};
use cron_differential::differences::{REFUSALS, TABLE};
use cron_differential::expressions;
use cron_differential::local::{ZONES, Zone};

const FULL_YEARS: Range<i32> = 2020..2035;
/// A leap year, and one of the years that Beirut's, Santiago's and Lord Howe's rules all reach.
const SAMPLE_YEARS: [i32; 2] = [2024, 2031];
const SAMPLE_STEP: usize = 7;

#[test]
fn every_difference_to_other_implementations_is_explained() {
    let full = std::env::var("ATHYPER_CRON_DIFFERENTIAL").is_ok_and(|value| value == "full");
    let (years, step) = if full { (FULL_YEARS.collect(), 1) } else { (SAMPLE_YEARS.to_vec(), SAMPLE_STEP) };
    let tally = comparison::compare(&cases::all(&years, step));
    println!("{} cases with {} ticks over {} years", tally.cases, tally.ticks, years.len());
    for (peer, ticks) in &tally.held_against {
        println!("{ticks:>8}  held against {peer:?}");
    }
    for (why, count) in &tally.explained {
        println!("{count:>8}  {why}");
    }
    let examples = tally.examples.join("\n");
    assert!(tally.unexplained == 0, "{} differences are not explained, such as:\n{examples}", tally.unexplained);
    let rows = TABLE.iter().map(|row| describe(row.peer, row.name));
    let refusals = REFUSALS.iter().map(|refusal| describe(refusal.peer, refusal.because));
    let idle: Vec<_> = rows.chain(refusals).filter(|row| !tally.explained.contains_key(row)).collect();
    assert!(idle.is_empty(), "these rows explain nothing any more: {idle:?}");
}

/// Both others mostly run it twice, so that ours would differ from neither if it did so too.
#[test]
fn a_time_of_day_that_comes_twice_is_due_once() {
    let (begins, ends) = (cases::year_begins(FULL_YEARS.start), cases::year_begins(FULL_YEARS.end));
    let mut compared = 0;
    for zone in ZONES {
        for (change, before, after) in Zone::of(zone).changes(begins, ends) {
            let repeated = i64::from(before - after);
            if repeated < 0 {
                continue;
            }
            let (first, second) = ((change - repeated - 1, change - 1), (change - 1, change + repeated - 1));
            for expression in expressions::all().into_iter().filter(|one| expressions::names_times_of_day(one)) {
                let ticks = cases::ours(&Case { expression: expression.clone(), zone, windows: vec![first, second] });
                compared += ticks[0].len();
                assert!(ticks[1].is_empty(), "`{expression}` in {zone} is due again: {:?}", ticks[1]);
            }
        }
    }
    println!("{compared} ticks in first passes, none in second ones");
    assert!(compared > 0, "no expression names a time that comes twice");
}

#[test]
fn there_is_enough_to_compare() {
    let expressions = expressions::all();
    let distinct: BTreeSet<_> = expressions.iter().collect();
    assert_eq!(distinct.len(), expressions.len(), "an expression stands twice");
    assert!(expressions.len() >= 200, "{}", expressions.len());
    assert_eq!(ZONES.len(), 12);
    let sampled: BTreeSet<_> = cases::all(&SAMPLE_YEARS, SAMPLE_STEP).into_iter().map(|case| case.expression).collect();
    assert_eq!(sampled.len(), expressions.len(), "the sample leaves an expression out");
    let changes = Zone::of("Australia/Lord_Howe").changes(cases::year_begins(2024), cases::year_begins(2025));
    assert_eq!(changes.len(), 2);
}
