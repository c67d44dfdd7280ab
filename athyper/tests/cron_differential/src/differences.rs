//! The table of differences: where another implementation has other ticks than we, and why.
//!
//! Ours follow Vixie cron: see `athyper::schedule::Cron`. Vixie's rules stand in cron(8), *Daylight Saving Time and other time
//! changes*, and crontab(5). A difference that no row explains fails the test; so does a row
//! that explains nothing any more.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::cases::Case;
use crate::expressions::names_times_of_day;
use crate::local::{Zone, wall_clock};
use crate::peers::Peer;
use crate::reading::Reading;

/// Who has a tick that the other has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Only we have it.
    OnlyOurs,
    /// Only the other has it.
    OnlyTheirs,
}

/// One tick that only one side has.
#[derive(Debug)]
pub struct Difference<'a> {
    /// The case.
    pub case: &'a Case,
    /// Its zone.
    pub zone: &'a Zone,
    /// The expression as the Rust crate reads it.
    pub reading: &'a Reading,
    /// All our ticks in the same span.
    pub ours: &'a BTreeSet<i64>,
    /// The tick.
    pub tick: i64,
    /// Who has it.
    pub side: Side,
}

impl Difference<'_> {
    fn names_times_of_day(&self) -> bool {
        names_times_of_day(&self.case.expression)
    }

    /// One of the restricted days fits, and not both.
    fn fits_one_day_only(&self) -> bool {
        let time = wall_clock(self.zone, self.tick);
        self.reading.names(time) && !self.reading.names_with_both_days(time)
    }

    /// The tick is the moment at which a clock jumped ahead over a time that the expression names.
    fn stands_for_what_was_skipped(&self) -> bool {
        let changes = self.zone.changes(self.tick - 1, self.tick + 1);
        changes.iter().any(|(at, before, after)| {
            let reached = wall_clock(self.zone, *at) - TimeDelta::seconds(i64::from(after - before));
            *at == self.tick && after > before && self.reading.names_within(reached, wall_clock(self.zone, *at))
        })
    }

    /// The same local time before the clock went back, when the tick is in the second pass.
    fn first_pass(&self) -> Option<i64> {
        let changes = self.zone.changes(self.tick - 4 * 3_600, self.tick + 1);
        let repeats = |(at, before, after): &(i64, i32, i32)| {
            let repeated = i64::from(before - after);
            (repeated > 0 && self.tick < at + repeated).then(|| self.tick - repeated)
        };
        changes.iter().find_map(repeats)
    }

    /// The tick is the second at its local time, and we have the first.
    fn repeats_a_tick_of_ours(&self) -> bool {
        self.first_pass().is_some_and(|first| self.ours.contains(&first))
    }

    /// The clock went back to, or by, a part of an hour.
    fn repeats_a_part_of_an_hour(&self) -> bool {
        let changes = self.zone.changes(self.tick - 4 * 3_600, self.tick + 1);
        changes.iter().any(|(at, before, after)| (before - after) % 3_600 != 0 || (at + i64::from(*after)) % 3_600 != 0)
    }
}

/// A row of the table for ticks.
#[derive(Debug)]
pub struct Row {
    /// Who differs.
    pub peer: Peer,
    /// In a few words.
    pub name: &'static str,
    /// Why, and why we keep to ours.
    pub because: &'static str,
    /// Whether it explains a difference.
    pub explains: fn(&Difference<'_>) -> bool,
}

/// A row of the table for expressions that are not understood.
#[derive(Debug)]
pub struct Refusal {
    /// Who refuses.
    pub peer: Peer,
    /// What it does not understand.
    pub because: &'static str,
    /// Whether an expression has it.
    pub explains: fn(&str) -> bool,
}

/// Every known difference in ticks.
pub const TABLE: &[Row] = &[
    Row {
        peer: Peer::RustCron,
        name: "both days",
        because: "The crate takes a day that fits both restricted day fields. Cron has always taken one that fits either \
                  (crontab(5)); `+` asks for both with us. Vixie counts a step over `*` (`*/2`) as unrestricted, we and \
                  croniter as restricted: documented at `Cron`.",
        explains: |difference| difference.side == Side::OnlyOurs && difference.fits_one_day_only(),
    },
    Row {
        peer: Peer::RustCron,
        name: "skipped time of day",
        because: "The crate leaves out a time that the clock jumps over. Vixie cron runs it at once after the jump, so that \
                  a nightly job runs every night.",
        explains: |difference| {
            difference.side == Side::OnlyOurs
                && difference.names_times_of_day()
                && difference.stands_for_what_was_skipped()
        },
    },
    Row {
        peer: Peer::RustCron,
        name: "repeated time of day",
        because: "The crate runs a time of day twice when the clock shows it twice. Vixie cron runs it once.",
        explains: |difference| {
            difference.side == Side::OnlyTheirs
                && difference.names_times_of_day()
                && difference.repeats_a_tick_of_ours()
        },
    },
    Row {
        peer: Peer::Croniter,
        name: "skipped beat",
        because: "The package moves a beat of a rhythm that the clock jumps over to the end of the jump. A rhythm follows \
                  the elapsed time, so no beat is owed: in cron(8) jobs with a `*` in minute or hour go by the new time.",
        explains: |difference| {
            difference.side == Side::OnlyTheirs
                && !difference.names_times_of_day()
                && difference.stands_for_what_was_skipped()
        },
    },
    Row {
        peer: Peer::Croniter,
        name: "repeated time of day",
        because: "The package runs a time of day twice when the clock shows it twice. Vixie cron runs it once.",
        explains: |difference| {
            difference.side == Side::OnlyTheirs
                && difference.names_times_of_day()
                && difference.repeats_a_tick_of_ours()
        },
    },
    Row {
        peer: Peer::Croniter,
        name: "part of an hour repeated",
        because: "Where the clock goes back to or by a part of an hour (Lord Howe, Chatham), the package loses beats of the \
                  second pass once it has left the hour's number behind. They are due by elapsed time.",
        explains: |difference| {
            difference.side == Side::OnlyOurs
                && !difference.names_times_of_day()
                && difference.repeats_a_tick_of_ours()
                && difference.repeats_a_part_of_an_hour()
        },
    },
];

/// Every expression that is known not to be understood.
pub const REFUSALS: &[Refusal] = &[
    Refusal {
        peer: Peer::RustCron,
        because: "The crate has neither `L` nor `W` nor `#`.",
        explains: |expression| expression.contains(['L', 'W', '#']),
    },
    Refusal {
        peer: Peer::Croniter,
        because: "The package has `L` and `15W`, but no `LW`.",
        explains: |expression| expression.contains("LW"),
    },
];
