//! The table of differences: where another implementation has other ticks than we, and why.
//!
//! Ours follow Vixie cron: see `athyper::schedule::Cron`. A difference that no row explains fails the test; so does a row
//! that explains nothing any more.

use crate::cases::Case;
use crate::local::Zone;
use crate::peers::Peer;

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
    /// The tick.
    pub tick: i64,
    /// Who has it.
    pub side: Side,
}

impl Difference<'_> {
    fn field(&self, index: usize) -> &str {
        self.case.expression.split(' ').nth(index).unwrap_or_default()
    }

    /// Minute and hour are spelled out: times of day, and no rhythm.
    fn names_times_of_day(&self) -> bool {
        !self.field(0).contains('*') && !self.field(1).contains('*')
    }

    /// Both days are restricted.
    fn names_both_days(&self) -> bool {
        self.field(2) != "*" && self.field(4) != "*"
    }

    /// The tick is the moment at which a clock jumped ahead.
    fn ends_a_gap(&self) -> bool {
        self.zone
            .changes(self.tick - 1, self.tick + 1)
            .iter()
            .any(|(at, before, after)| *at == self.tick && after > before)
    }

    /// The local time of the tick is shown for the second time.
    fn is_in_second_pass(&self) -> bool {
        let changes = self.zone.changes(self.tick - 4 * 3_600, self.tick + 1);
        changes.iter().any(|(at, before, after)| before > after && self.tick < at + i64::from(before - after))
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
                  (crontab(5)); `+` asks for both with us.",
        explains: |difference| difference.side == Side::OnlyOurs && difference.names_both_days(),
    },
    Row {
        peer: Peer::RustCron,
        name: "skipped time of day",
        because: "The crate leaves out a time that the clock jumps over. Vixie cron runs it at once after the jump, so that \
                  a nightly job runs every night.",
        explains: |difference| {
            difference.side == Side::OnlyOurs && difference.names_times_of_day() && difference.ends_a_gap()
        },
    },
    Row {
        peer: Peer::RustCron,
        name: "repeated time of day",
        because: "The crate runs a time of day twice when the clock shows it twice. Vixie cron runs it once.",
        explains: |difference| {
            difference.side == Side::OnlyTheirs && difference.names_times_of_day() && difference.is_in_second_pass()
        },
    },
    Row {
        peer: Peer::Croniter,
        name: "skipped beat",
        because: "The package moves a beat of a rhythm that the clock jumps over to the end of the jump. A rhythm follows \
                  the elapsed time: no beat is owed.",
        explains: |difference| {
            difference.side == Side::OnlyTheirs && !difference.names_times_of_day() && difference.ends_a_gap()
        },
    },
    Row {
        peer: Peer::Croniter,
        name: "repeated time of day",
        because: "The package runs a time of day twice when the clock shows it twice. Vixie cron runs it once.",
        explains: |difference| {
            difference.side == Side::OnlyTheirs && difference.names_times_of_day() && difference.is_in_second_pass()
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
                && difference.is_in_second_pass()
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
