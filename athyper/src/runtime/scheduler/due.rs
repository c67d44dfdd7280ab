//! Which ticks are due, and what the missed-tick policy makes of them.

use std::time::Duration;

use chrono::TimeDelta;

use crate::foundation::clock::Timestamp;
use crate::foundation::schedule::{Cron, MissedTicks};

/// How many missed ticks [`MissedTicks::All`] fires at most: the latest ones.
pub(super) const MOST_MISSED: usize = 1_000;

/// How far passed-over ticks are counted: beyond, the count says no more than "many".
const MOST_COUNTED: usize = 10_000;

/// What is to be done with a schedule's ticks, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// Moves the mark here first, without a job: the latest of the missed ticks that no later fire passes over by itself.
    pub(super) pass_to: Option<Timestamp>,
    /// Ticks to fire.
    pub(super) fire: Vec<Timestamp>,
    /// How many ticks get no job.
    pub(super) passed_over: usize,
}

impl Due {
    /// What is due after `mark`, up to and including `now`. A tick older than `grace` was missed.
    pub(super) fn find(cron: &Cron, missed: MissedTicks, mark: Timestamp, now: Timestamp, grace: Duration) -> Self {
        let cutoff = TimeDelta::from_std(grace).ok().and_then(|grace| now.checked_sub_signed(grace)).unwrap_or(mark);
        let late = cron.ticks(mark, cutoff.min(now)).take(MOST_COUNTED).count();
        let on_time: Vec<Timestamp> = cron.ticks(cutoff.max(mark), now).collect();
        if late == 0 {
            return Self { fire: on_time, ..Self::default() };
        }
        match missed {
            MissedTicks::Skip => {
                Self { pass_to: cron.latest_ticks(mark, cutoff, 1).pop(), fire: on_time, passed_over: late }
            }
            MissedTicks::Once => {
                Self { fire: cron.latest_ticks(mark, now, 1), passed_over: late + on_time.len() - 1, ..Self::default() }
            }
            MissedTicks::All => {
                let mut fire = cron.latest_ticks(mark, cutoff, MOST_MISSED);
                let passed_over = late - fire.len();
                fire.extend(on_time);
                Self { fire, passed_over, ..Self::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Due, MOST_MISSED};
    use crate::foundation::clock::Timestamp;
    use crate::foundation::schedule::{Cron, MissedTicks};

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}Z").parse().expect("a time of day")
    }

    fn due(expression: &str, missed: MissedTicks, mark: &str, now: &str) -> Due {
        let cron = Cron::new(expression, "UTC").expect("an expression");
        Due::find(&cron, missed, at(mark), at(now), Duration::from_secs(30))
    }

    #[test]
    fn on_time_ticks_are_fired_whatever_the_policy() {
        for missed in [MissedTicks::Skip, MissedTicks::Once, MissedTicks::All] {
            let found = due("*/10 * * * * *", missed, "12:00:00", "12:00:20");
            assert_eq!(found, Due { fire: vec![at("12:00:10"), at("12:00:20")], ..Due::default() });
            assert_eq!(due("* * * * *", missed, "12:00:00", "12:00:59"), Due::default());
            assert_eq!(due("* * * * *", missed, "12:10:00", "12:00:00"), Due::default(), "the clock went back");
        }
    }

    #[test]
    fn ten_missed_minutes_are_none_one_or_ten() {
        let (mark, now) = ("12:00:00", "12:10:45");
        assert_eq!(
            due("* * * * *", MissedTicks::Skip, mark, now),
            Due { pass_to: Some(at("12:10:00")), fire: vec![], passed_over: 10 }
        );
        assert_eq!(
            due("* * * * *", MissedTicks::Once, mark, now),
            Due { pass_to: None, fire: vec![at("12:10:00")], passed_over: 9 }
        );
        let all = due("* * * * *", MissedTicks::All, mark, now);
        assert_eq!((all.fire.len(), all.passed_over), (10, 0));
    }

    #[test]
    fn a_tick_on_time_after_missed_ones_is_fired_once() {
        let (mark, now) = ("12:00:00", "12:10:10");
        assert_eq!(
            due("* * * * *", MissedTicks::Skip, mark, now),
            Due { pass_to: Some(at("12:09:00")), fire: vec![at("12:10:00")], passed_over: 9 }
        );
        assert_eq!(due("* * * * *", MissedTicks::Once, mark, now).fire, [at("12:10:00")]);
        assert_eq!(due("* * * * *", MissedTicks::All, mark, now).fire.len(), 10);
    }

    #[test]
    fn all_is_bounded_and_keeps_the_latest() {
        let all = due("* * * * * *", MissedTicks::All, "10:00:00", "12:00:00");
        assert_eq!(all.fire.len(), MOST_MISSED + 30);
        assert_eq!(all.fire.last(), Some(&at("12:00:00")));
        assert_eq!(all.passed_over, 7_200 - 30 - MOST_MISSED);
    }
}
