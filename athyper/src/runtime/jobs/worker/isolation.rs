//! Keeps jobs that may end their worker away from others.

use std::time::Duration;

use crate::foundation::jobs::Claimed;

/// Keeps jobs that may end their worker away from others.
///
/// When a process ends without warning, every job that it held counts a stall, and nobody knows which of them ended it. One
/// that another stall would fail is begun by itself: what is held beside it is given back, and nothing else begins for a
/// moment. If it does end the process, it takes no other along that has not been running for longer.
#[derive(Debug)]
pub(super) struct Isolation {
    max_stalls: u32,
    on: Option<(u64, Duration)>,
}

impl Isolation {
    /// A job that ends its worker mostly does so soon.
    const AT_MOST: Duration = Duration::from_secs(2);

    pub(super) fn new(max_stalls: u32) -> Self {
        Self { max_stalls, on: None }
    }

    /// Whether one more stall would fail it.
    pub(super) fn is_suspect(&self, claimed: &Claimed) -> bool {
        claimed.stalls > 0 && claimed.stalls >= self.max_stalls
    }

    /// A suspect begins, as the job of this number.
    pub(super) fn begins(&mut self, number: u64, now: Duration) {
        self.on = Some((number, now.saturating_add(Self::AT_MOST)));
    }

    /// A job has ended.
    pub(super) fn ends(&mut self, number: u64) {
        self.on = self.on.filter(|(suspect, _)| *suspect != number);
    }

    /// Whether another job may begin.
    pub(super) fn allows_a_beginning(&mut self, now: Duration) -> bool {
        self.on = self.on.filter(|(_, until)| *until > now);
        self.on.is_none()
    }

    /// Whether a suspect is by itself.
    pub(super) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// When others may begin at the latest.
    pub(super) fn ends_at(&self) -> Option<Duration> {
        self.on.map(|(_, until)| until)
    }
}
