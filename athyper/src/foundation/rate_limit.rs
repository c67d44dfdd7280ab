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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::{Strategy, prop};
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::{Quota, TokenBucket};

    fn quotas() -> impl Strategy<Value = Quota> {
        (1_u32..1_000, 1_u64..100_000)
            .prop_map(|(capacity, millis)| Quota { capacity, period: Duration::from_millis(millis) })
    }

    fn pauses() -> impl Strategy<Value = Vec<Duration>> {
        prop::collection::vec((0_u64..20_000).prop_map(Duration::from_millis), 1..200)
    }

    #[test]
    fn a_full_bucket_gives_its_capacity_at_once() {
        let quota = Quota { capacity: 3, period: Duration::from_secs(30) };
        let mut bucket = TokenBucket::default();
        let now = Duration::from_secs(1_000);
        for remaining in [2, 1, 0] {
            let decision = bucket.take(quota, now);
            assert!(decision.allowed);
            assert_eq!((decision.remaining, decision.retry_after), (remaining, Duration::ZERO));
        }
        let refused = bucket.take(quota, now);
        assert!(!refused.allowed);
        assert_eq!((refused.retry_after, refused.reset_after), (Duration::from_secs(10), Duration::from_secs(30)));
    }

    proptest! {
        #[test]
        fn never_more_than_the_quota_passes(quota in quotas(), pauses in pauses()) {
            let mut bucket = TokenBucket::default();
            let mut now = Duration::from_secs(1_000_000);
            let mut passed: Vec<Duration> = Vec::new();
            for pause in pauses {
                now += pause;
                if bucket.take(quota, now).allowed {
                    passed.push(now);
                }
            }
            // In any window: the capacity at once, and what was refilled since its beginning.
            let interval = quota.period / quota.capacity;
            for (index, begin) in passed.iter().enumerate() {
                for (count, end) in passed[index..].iter().enumerate() {
                    let refilled = (*end - *begin).as_nanos() / interval.as_nanos().max(1);
                    prop_assert!((count as u128) < u128::from(quota.capacity) + refilled + 1);
                }
            }
        }

        #[test]
        fn whoever_waits_as_told_passes_and_a_moment_before_does_not(quota in quotas(), pauses in pauses()) {
            let mut bucket = TokenBucket::default();
            let mut now = Duration::from_secs(1_000_000);
            for pause in pauses {
                now += pause / 10;
                let decision = bucket.take(quota, now);
                if !decision.allowed {
                    prop_assert!(!decision.retry_after.is_zero());
                    let early = now + decision.retry_after - Duration::from_nanos(1);
                    let mut copy = bucket;
                    prop_assert!(!copy.take(quota, early).allowed);
                    now += decision.retry_after;
                    prop_assert!(bucket.take(quota, now).allowed);
                }
            }
        }

        #[test]
        fn a_bucket_that_rests_for_a_period_is_full(quota in quotas(), pauses in pauses()) {
            let mut bucket = TokenBucket::default();
            let mut now = Duration::from_secs(1_000_000);
            for pause in pauses {
                now += pause / 100;
                let _ = bucket.take(quota, now);
            }
            prop_assert!(bucket.is_full(now + quota.period));
            prop_assert_eq!(bucket.take(quota, now + quota.period).remaining, quota.capacity - 1);
        }
    }
}
