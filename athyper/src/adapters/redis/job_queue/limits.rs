//! How limits are kept in a queue's `meta` hash: those of the queue in BullMQ's fields, those of tenants in ours.

use std::num::NonZeroU32;
use std::time::Duration;

use ::redis::Value;

use super::record::{read_list, read_text};
use crate::foundation::error::Result;
use crate::foundation::jobs::{Limit, QueueLimits, Rate};

/// Where each of [`numbers`] is kept.
pub(super) const FIELDS: [&str; 6] =
    ["concurrency", "max", "duration", "ath:tenant:concurrency", "ath:tenant:max", "ath:tenant:duration"];

/// Limits as numbers: how many at once, how many starts, and in how many milliseconds.
pub(super) fn numbers(limits: &QueueLimits) -> impl Iterator<Item = Option<u64>> {
    [limits.queue, limits.tenant].into_iter().flat_map(|limit| {
        let period = limit.rate.map(|rate| u64::try_from(rate.period.as_millis()).unwrap_or(u64::MAX).max(1));
        [limit.concurrency.map(count), limit.rate.map(|rate| count(rate.count)), period]
    })
}

fn count(number: NonZeroU32) -> u64 {
    number.get().into()
}

/// Reads the values of [`FIELDS`]. What is no number limits nothing, as for the scripts.
pub(super) fn read(answer: Value) -> Result<QueueLimits> {
    let mut numbers =
        read_list(answer)?.into_iter().map(|value| read_text(value).and_then(|text| text.parse::<u64>().ok()));
    let mut next = || numbers.next().flatten();
    let mut limit = || {
        let (concurrency, count, period) = (next(), next(), next());
        let narrow = |number: Option<u64>| NonZeroU32::new(u32::try_from(number?).unwrap_or(u32::MAX));
        let rate =
            narrow(count).zip(period).map(|(count, period)| Rate { count, period: Duration::from_millis(period) });
        Limit { concurrency: narrow(concurrency), rate }
    };
    Ok(QueueLimits { queue: limit(), tenant: limit() })
}
