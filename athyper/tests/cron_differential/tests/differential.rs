//! Our ticks against those of the Rust crate `cron` and the Python package `croniter`.
//!
//! By default a sample; with `ATHYPER_CRON_DIFFERENTIAL=full` every expression in every zone over 2020 to 2035.

use std::collections::{BTreeMap, BTreeSet};

use cron_differential::cases::{self, Case};
use cron_differential::differences::{Difference, REFUSALS, Refusal, Side, TABLE};
use cron_differential::expressions;
use cron_differential::local::{ZONES, Zone, wall_clock};
use cron_differential::peers::{Answer, Peer, ask};

/// A leap year, and one of the years that Beirut's, Santiago's and Lord Howe's rules all reach.
const SAMPLE_YEARS: [i32; 2] = [2024, 2031];
const SAMPLE_STEP: usize = 7;

#[test]
fn every_difference_to_other_implementations_is_explained() {
    let full = std::env::var("ATHYPER_CRON_DIFFERENTIAL").is_ok_and(|value| value == "full");
    let (years, step) = if full { ((2020..2035).collect(), 1) } else { (SAMPLE_YEARS.to_vec(), SAMPLE_STEP) };
    let cases = cases::all(&years, step);
    let ours: Vec<Vec<Vec<i64>>> = cases.iter().map(cases::ours).collect();
    let ticks: usize = ours.iter().flatten().map(Vec::len).sum();
    println!("{} cases with {ticks} ticks over {} years", cases.len(), years.len());

    let mut explained = BTreeMap::new();
    let mut unexplained = Vec::new();
    for peer in Peer::ALL {
        for ((case, ours), answer) in cases.iter().zip(&ours).zip(ask(peer, &cases)) {
            compare(peer, case, ours, &answer, &mut explained, &mut unexplained);
        }
    }
    for (why, count) in &explained {
        println!("{count:>8}  {why}");
    }
    let shown: Vec<_> = unexplained.iter().take(40).map(String::as_str).collect();
    assert!(unexplained.is_empty(), "{} differences are not explained:\n{}", unexplained.len(), shown.join("\n"));
    let rows = TABLE.iter().map(|row| describe(row.peer, row.name));
    let refusals = REFUSALS.iter().map(|refusal| describe(refusal.peer, refusal.because));
    let idle: Vec<_> = rows.chain(refusals).filter(|row| !explained.contains_key(row)).collect();
    assert!(idle.is_empty(), "these rows explain nothing any more: {idle:?}");
}

fn describe(peer: Peer, name: &str) -> String {
    format!("{peer:?}: {name}")
}

fn compare(
    peer: Peer,
    case: &Case,
    ours: &[Vec<i64>],
    answer: &Answer,
    explained: &mut BTreeMap<String, usize>,
    unexplained: &mut Vec<String>,
) {
    let theirs = match answer {
        Answer::Ticks(theirs) => theirs,
        Answer::Refused(reason) => {
            let known = |refusal: &&Refusal| refusal.peer == peer && (refusal.explains)(&case.expression);
            match REFUSALS.iter().find(known) {
                Some(refusal) => *explained.entry(describe(peer, refusal.because)).or_default() += 1,
                None => unexplained.push(format!("{peer:?} refuses `{}`: {reason}", case.expression)),
            }
            return;
        }
    };
    assert_eq!(ours.len(), theirs.len(), "{peer:?} answered each window");
    let zone = Zone::of(case.zone);
    for (ours, theirs) in ours.iter().zip(theirs) {
        let ours: BTreeSet<i64> = ours.iter().copied().collect();
        let theirs: BTreeSet<i64> = theirs.iter().copied().collect();
        let only_ours = ours.difference(&theirs).map(|tick| (*tick, Side::OnlyOurs));
        let only_theirs = theirs.difference(&ours).map(|tick| (*tick, Side::OnlyTheirs));
        for (tick, side) in only_ours.chain(only_theirs) {
            let difference = Difference { case, zone: &zone, tick, side };
            match TABLE.iter().find(|row| row.peer == peer && (row.explains)(&difference)) {
                Some(row) => *explained.entry(describe(peer, row.name)).or_default() += 1,
                None => unexplained.push(format!(
                    "{peer:?} `{}` in {}: {side:?} {} (UTC{:+} min)",
                    case.expression,
                    case.zone,
                    wall_clock(&zone, tick),
                    zone.offset_at(tick) / 60
                )),
            }
        }
    }
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
