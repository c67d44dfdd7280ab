//! The token bucket: pure arithmetic over instants the caller reads.

use std::time::Duration;

/// How much is allowed: `capacity` at once, refilled evenly over `period`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The size of the bucket; at least 1.
    pub capacity: u32,
    /// How long an empty bucket takes to fill.
    pub period: Duration,
}

/// What a [`TokenBucket`] answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may pass.
    pub allowed: bool,
    /// How many more could pass right now.
    pub remaining: u32,
    /// How long until the bucket is full again.
    pub reset_after: Duration,
    /// How long until the next one may pass; zero when `allowed`.
    pub retry_after: Duration,
}

/// One bucket. Kept as the instant at which it will be full (GCRA), so it needs no refilling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenBucket {
    full_at: Duration,
}

impl TokenBucket {
    /// Takes one token at `now` (a [`Clock::since_boot`](super::clock::Clock::since_boot) reading) if there is one.
    #[must_use]
    pub fn take(&mut self, quota: Quota, now: Duration) -> Decision {
        let capacity = quota.capacity.max(1);
        let interval = quota.period / capacity;
        let full_at = self.full_at.max(now);
        let next = full_at + interval;
        let burst_ends = now + interval * capacity;
        let allowed = next <= burst_ends;
        if allowed {
            self.full_at = next;
        }
        let until_full = self.full_at.saturating_sub(now);
        let free = (interval * capacity).saturating_sub(until_full);
        let remaining = if interval.is_zero() {
            capacity
        } else {
            u32::try_from(free.as_nanos() / interval.as_nanos()).unwrap_or(u32::MAX)
        };
        Decision {
            allowed,
            remaining,
            reset_after: until_full,
            retry_after: if allowed { Duration::ZERO } else { next - burst_ends },
        }
    }

    /// Whether the bucket is full at `now`, so that forgetting it changes nothing.
    #[must_use]
    pub fn is_full(&self, now: Duration) -> bool {
        self.full_at <= now
    }
}
