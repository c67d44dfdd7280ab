//! Compares case by case and counts what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::cases::{self, Case};
use crate::croniter::Croniter;
use crate::differences::{Difference, REFUSALS, Refusal, Side, TABLE};
use crate::local::{Zone, wall_clock};
use crate::peers::{Answer, Peer};
use crate::reading::Reading;
use crate::rust_cron;

/// How many differences that no row explains are kept to be shown; all are counted.
const SHOWN: usize = 40;
/// How many cases lie between two reports of progress.
const REPORT: usize = 100;

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Tally {
    /// The cases that were compared.
    pub cases: usize,
    /// Our ticks in them.
    pub ticks: usize,
    /// Those of our ticks that are held against the ticks of a peer, for each peer that did not refuse the expression.
    pub held_against: BTreeMap<Peer, usize>,
    /// How many differences each row of the tables explains, by [`describe`].
    pub explained: BTreeMap<String, usize>,
    /// How many differences no row explains.
    pub unexplained: usize,
    /// The first of them.
    pub examples: Vec<String>,
}

/// A row of the tables, in words.
#[must_use]
pub fn describe(peer: Peer, name: &str) -> String {
    format!("{peer:?}: {name}")
}

/// Compares every case. Each processor takes one case after the other and forgets its ticks once they are counted, so that
/// memory does not grow with the number of cases.
///
/// # Panics
/// When a peer cannot be run: `scripts/tools` installs it.
#[must_use]
pub fn compare(cases: &[Case]) -> Tally {
    let taken = AtomicUsize::new(0);
    let share = || {
        let mut croniter = Croniter::start();
        let mut tally = Tally::default();
        loop {
            let index = taken.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(index) else { break };
            if index > 0 && index.is_multiple_of(REPORT) {
                println!("{index} of {} cases, now `{}`", cases.len(), case.expression);
            }
            // The package is by far the slowest: the others are asked while it looks.
            croniter.ask(case);
            let ours = cases::ours(case);
            let rust_cron = rust_cron::answer(case);
            tally.count(case, &ours);
            tally.hold_against(Peer::RustCron, case, &ours, &rust_cron);
            tally.hold_against(Peer::Croniter, case, &ours, &croniter.answer());
        }
        croniter.end();
        tally
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let shares: Vec<_> = (0..processors).map(|_| scope.spawn(share)).collect();
        shares
            .into_iter()
            .map(|share| share.join().expect("its cases were compared"))
            .fold(Tally::default(), Tally::and)
    })
}

impl Tally {
    fn count(&mut self, case: &Case, ours: &[Vec<i64>]) {
        assert_eq!(ours.len(), case.windows.len(), "we answered each window");
        self.cases += 1;
        self.ticks += ours.iter().map(Vec::len).sum::<usize>();
    }

    fn hold_against(&mut self, peer: Peer, case: &Case, ours: &[Vec<i64>], answer: &Answer) {
        match answer {
            Answer::Refused(reason) => {
                let known = |refusal: &&Refusal| refusal.peer == peer && (refusal.explains)(&case.expression);
                match REFUSALS.iter().find(known) {
                    Some(refusal) => self.explain(describe(peer, refusal.because)),
                    None => self.leave_unexplained(|| format!("{peer:?} refuses `{}`: {reason}", case.expression)),
                }
            }
            Answer::Ticks(theirs) => {
                assert_eq!(ours.len(), theirs.len(), "{peer:?} answered each window");
                *self.held_against.entry(peer).or_default() += ours.iter().map(Vec::len).sum::<usize>();
                let (zone, reading) = (Zone::of(case.zone), Reading::of(&case.expression));
                for (ours, theirs) in ours.iter().zip(theirs) {
                    self.differ(peer, case, (&zone, &reading), ours, theirs);
                }
            }
        }
    }

    fn differ(&mut self, peer: Peer, case: &Case, (zone, reading): (&Zone, &Reading), ours: &[i64], theirs: &[i64]) {
        if ours == theirs {
            return;
        }
        let ours: BTreeSet<i64> = ours.iter().copied().collect();
        let theirs: BTreeSet<i64> = theirs.iter().copied().collect();
        let only_ours = ours.difference(&theirs).map(|tick| (*tick, Side::OnlyOurs));
        let only_theirs = theirs.difference(&ours).map(|tick| (*tick, Side::OnlyTheirs));
        for (tick, side) in only_ours.chain(only_theirs) {
            let difference = Difference { case, zone, reading, ours: &ours, tick, side };
            match TABLE.iter().find(|row| row.peer == peer && (row.explains)(&difference)) {
                Some(row) => self.explain(describe(peer, row.name)),
                None => self.leave_unexplained(|| {
                    format!(
                        "{peer:?} `{}` in {}: {side:?} {} (UTC{:+} min)",
                        case.expression,
                        case.zone,
                        wall_clock(zone, tick),
                        zone.offset_at(tick) / 60
                    )
                }),
            }
        }
    }

    fn explain(&mut self, row: String) {
        *self.explained.entry(row).or_default() += 1;
    }

    fn leave_unexplained(&mut self, example: impl FnOnce() -> String) {
        self.unexplained += 1;
        if self.examples.len() < SHOWN {
            self.examples.push(example());
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.cases += other.cases;
        self.ticks += other.ticks;
        self.unexplained += other.unexplained;
        for (peer, ticks) in other.held_against {
            *self.held_against.entry(peer).or_default() += ticks;
        }
        for (row, count) in other.explained {
            *self.explained.entry(row).or_default() += count;
        }
        self.examples.extend(other.examples);
        self
    }
}
