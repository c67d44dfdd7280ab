//! How much of a queue's limits is used up.

use std::collections::HashMap;

use super::store::later;
use crate::foundation::clock::Timestamp;
use crate::foundation::jobs::{Limit, QueueLimits, Rate};

/// The limits of one queue, and what was taken in the periods that have begun.
#[derive(Debug, Default)]
pub(super) struct Usage {
    limits: QueueLimits,
    queue: Window,
    tenants: HashMap<String, Window>,
}

/// What was taken in a period.
#[derive(Debug, Default, Clone, Copy)]
struct Window {
    taken: usize,
    ends: Option<Timestamp>,
}

impl Window {
    fn has_ended(&self, now: Timestamp) -> bool {
        self.ends.is_none_or(|ends| ends <= now)
    }

    /// How many may run besides those that run.
    fn room(&self, limit: Limit, running: usize, now: Timestamp) -> usize {
        let taken = if self.has_ended(now) { 0 } else { self.taken };
        let slots = limit.concurrency.map(|most| (most.get() as usize).saturating_sub(running));
        let starts = limit.rate.map(|rate| (rate.count.get() as usize).saturating_sub(taken));
        slots.into_iter().chain(starts).min().unwrap_or(usize::MAX)
    }

    fn count(&mut self, rate: Option<Rate>, now: Timestamp) {
        let Some(rate) = rate else { return };
        if self.has_ended(now) {
            *self = Self { taken: 0, ends: Some(later(now, rate.period)) };
        }
        self.taken += 1;
    }
}

impl Usage {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    pub(super) fn limits(&self) -> QueueLimits {
        self.limits
    }

    /// How many more jobs of the queue may be taken.
    pub(super) fn room(&self, running: usize, now: Timestamp) -> usize {
        self.queue.room(self.limits.queue, running, now)
    }

    /// Whether one more job of a tenant may be taken.
    pub(super) fn has_room_for(&self, tenant: &str, running: usize, now: Timestamp) -> bool {
        let window = self.tenants.get(tenant).copied().unwrap_or_default();
        window.room(self.limits.tenant, running, now) > 0
    }

    /// A job was taken.
    pub(super) fn count(&mut self, tenant: Option<&str>, now: Timestamp) {
        self.queue.count(self.limits.queue.rate, now);
        if let (Some(tenant), Some(rate)) = (tenant, self.limits.tenant.rate) {
            self.tenants.retain(|_, window| !window.has_ended(now));
            self.tenants.entry(tenant.to_owned()).or_default().count(Some(rate), now);
        }
    }

    /// When the next period ends that has begun.
    pub(super) fn next_end(&self, now: Timestamp) -> Option<Timestamp> {
        let windows = self.tenants.values().chain([&self.queue]);
        windows.filter_map(|window| window.ends).filter(|ends| *ends > now).min()
    }
}
