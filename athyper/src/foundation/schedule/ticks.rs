//! The ticks of a span of time.

use std::collections::VecDeque;
use std::iter::FusedIterator;

use chrono::TimeDelta;

use super::Cron;
use crate::foundation::clock::Timestamp;

/// The ticks after one instant, up to and including another; made by [`Cron::ticks`].
#[derive(Debug, Clone)]
pub struct Ticks<'a> {
    cron: &'a Cron,
    after: Option<Timestamp>,
    until: Timestamp,
}

impl<'a> Ticks<'a> {
    pub(super) fn new(cron: &'a Cron, after: Timestamp, until: Timestamp) -> Self {
        Self { cron, after: Some(after), until }
    }
}

impl Iterator for Ticks<'_> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        let after = self.after.filter(|after| *after < self.until)?;
        self.after = self.cron.next_after(after).filter(|tick| *tick <= self.until);
        self.after
    }
}

impl FusedIterator for Ticks<'_> {}

/// The last `count` ticks of a span: looks at its last minute, then at twice as much, until there are enough.
pub(super) fn latest(cron: &Cron, after: Timestamp, until: Timestamp, count: usize) -> Vec<Timestamp> {
    let mut window = TimeDelta::minutes(1);
    loop {
        let start = until.checked_sub_signed(window).map_or(after, |start| start.max(after));
        let mut kept = VecDeque::new();
        for tick in cron.ticks(start, until) {
            if kept.len() == count {
                kept.pop_front();
            }
            kept.push_back(tick);
        }
        if kept.len() >= count || start <= after {
            kept.truncate(count);
            return kept.into();
        }
        window = window.checked_mul(2).unwrap_or(TimeDelta::MAX);
    }
}
