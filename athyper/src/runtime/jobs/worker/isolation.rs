//! Keeps jobs that may end their worker away from others.

use std::time::Duration;

use crate::foundation::jobs::Claimed;

/// Keeps jobs that may end their worker away from others.
///
/// When a process ends without warning, every job in its hands counts a stall, also those that had not begun, and nobody knows
/// which of them ended it. One that another stall would fail is a suspect. When one comes together with others, all of them are
/// given back; once what runs has ended, or has run for a moment, the next job is taken alone. If it is a suspect, nothing else
/// is taken for a moment. So a suspect neither takes others along nor is taken along by one of them, but for those that run for
/// a long time.
#[derive(Debug)]
pub(super) struct Isolation {
    max_stalls: u32,
    /// The suspect that runs, and until when nothing else is taken.
    on: Option<(u64, Duration)>,
    /// When the latest job began.
    latest: Duration,
    /// Whether the next job is to be taken alone.
    is_wanted: bool,
}

impl Isolation {
    /// A job that ends its worker mostly does so soon.
    const MOMENT: Duration = Duration::from_secs(2);

    pub(super) fn new(max_stalls: u32) -> Self {
        Self { max_stalls, on: None, latest: Duration::ZERO, is_wanted: false }
    }

    /// Whether one more stall would fail it.
    pub(super) fn is_suspect(&self, claimed: &Claimed) -> bool {
        claimed.stalls > 0 && claimed.stalls >= self.max_stalls
    }

    /// The next job is to be taken alone.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// A job was asked for alone, and came or did not.
    pub(super) fn is_answered(&mut self) {
        self.is_wanted = false;
    }

    /// Whether the next job is to be taken alone.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Whether so many jobs that run are no danger to one that is taken now.
    pub(super) fn is_safe(&self, running: usize, now: Duration) -> bool {
        running == 0 || self.latest.saturating_add(Self::MOMENT) <= now
    }

    /// A job begins.
    pub(super) fn begins(&mut self, number: u64, is_suspect: bool, now: Duration) {
        self.latest = now;
        if is_suspect {
            self.on = Some((number, now.saturating_add(Self::MOMENT)));
        }
    }

    /// A job has ended.
    pub(super) fn ends(&mut self, number: u64) {
        self.on = self.on.filter(|(suspect, _)| *suspect != number);
    }

    /// Whether a suspect is by itself.
    pub(super) fn is_on(&mut self, now: Duration) -> bool {
        self.on = self.on.filter(|(_, until)| *until > now);
        self.on.is_some()
    }

    /// When a job may be taken, beside so many that run, if it may not be now.
    pub(super) fn look_again(&mut self, running: usize, now: Duration) -> Option<Duration> {
        if self.is_on(now) {
            return self.on.map(|(_, until)| until);
        }
        (self.is_wanted && !self.is_safe(running, now)).then(|| self.latest.saturating_add(Self::MOMENT))
    }
}
