//! One scheduler's time of leading.

use std::collections::HashMap;
use std::time::Duration;

use crate::foundation::clock::Timestamp;
use crate::foundation::leadership::Lease;

/// One scheduler's time of leading.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) lease: Lease,
    /// The clock's reading at which this scheduler counts the lease as lost: a tenth before the store does, since two
    /// clocks never run at quite the same rate.
    pub(super) held_until: Duration,
    /// The reading at which it asks for more time.
    pub(super) renew_at: Duration,
    /// The tick each schedule was fired up to; `None` until the schedules are declared under this epoch.
    pub(super) marks: Option<HashMap<String, Timestamp>>,
}

impl Term {
    /// A term that began, or goes on, with a request sent at `reading`: counted from before the request, so that it ends
    /// no later than the store's count.
    pub(super) fn new(lease: Lease, reading: Duration, duration: Duration) -> Self {
        let mut term = Self { lease, held_until: reading, renew_at: reading, marks: None };
        term.prolong(reading, duration);
        term
    }

    pub(super) fn prolong(&mut self, reading: Duration, duration: Duration) {
        self.held_until = reading.saturating_add(duration * 9 / 10);
        self.renew_at = reading.saturating_add(duration / 3);
    }
}
