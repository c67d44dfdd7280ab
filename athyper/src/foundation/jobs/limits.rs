//! How much of a queue may run.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::foundation::duration::{format_duration, parse_duration};
use crate::foundation::error::Error;

/// So many jobs within a period, which begins with the first of them (a fixed window).
///
/// ```
/// use std::time::Duration;
/// use athyper::jobs::Rate;
///
/// let rate: Rate = "100/1m".parse()?;
/// assert_eq!((rate.count.get(), rate.period), (100, Duration::from_secs(60)));
/// assert_eq!(rate.to_string(), "100/1m");
/// # Ok::<(), athyper::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many jobs may start.
    pub count: NonZeroU32,
    /// Within how long, in whole milliseconds, which is what stores count in.
    pub period: Duration,
}

impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let read = || {
            let (count, period) = text.split_once('/')?;
            let period = parse_duration(period)?;
            let count = count.trim().parse().ok()?;
            let is_whole = !period.is_zero() && period.subsec_nanos() % 1_000_000 == 0;
            is_whole.then_some(Self { count, period })
        };
        read().ok_or_else(|| {
            Error::invalid(format!(
                "`{text}` is no rate: write how many jobs may start within which time, such as `100/1m`"
            ))
            .with_code("job-rate")
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.count, format_duration(self.period))
    }
}

/// How many jobs run at once, and how many start within a time; by default as many as there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many run at once.
    #[serde(default)]
    pub concurrency: Option<NonZeroU32>,
    /// How many start within a time. Each attempt counts.
    #[serde(default)]
    pub rate: Option<Rate>,
}

impl Limit {
    /// Nothing is limited.
    pub const NONE: Self = Self { concurrency: None, rate: None };

    /// Whether it limits anything.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.concurrency.is_none() && self.rate.is_none()
    }
}

/// How much of one queue may run, whatever the number of processes that work on it.
///
/// ```
/// use std::num::NonZeroU32;
/// use athyper::jobs::{Limit, QueueLimits};
///
/// // No tenant has more than two reports made at once.
/// let limits = QueueLimits { tenant: Limit { concurrency: NonZeroU32::new(2), rate: None }, ..QueueLimits::NONE };
/// assert!(!limits.is_none());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueLimits {
    /// Of all jobs together.
    #[serde(default)]
    pub queue: Limit,
    /// Of the jobs of each tenant, where tenants take turns ([`QueueOrdering::Fair`](super::QueueOrdering)). Jobs without a
    /// tenant count as those of one more.
    #[serde(default)]
    pub tenant: Limit,
}

impl QueueLimits {
    /// Nothing is limited.
    pub const NONE: Self = Self { queue: Limit::NONE, tenant: Limit::NONE };

    /// Whether they limit anything.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.queue.is_none() && self.tenant.is_none()
    }
}

impl fmt::Display for QueueLimits {
    /// As handlers declare them: `total_concurrency = 20, tenant_rate = "10/1s"`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let concurrency = |name: &str, limit: Limit| limit.concurrency.map(|most| format!("{name} = {most}"));
        let rate = |name: &str, limit: Limit| limit.rate.map(|rate| format!("{name} = \"{rate}\""));
        let all = [
            concurrency("total_concurrency", self.queue),
            rate("rate", self.queue),
            concurrency("tenant_concurrency", self.tenant),
            rate("tenant_rate", self.tenant),
        ];
        let all: Vec<String> = all.into_iter().flatten().collect();
        formatter.write_str(if all.is_empty() { "no limits" } else { "" })?;
        formatter.write_str(&all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_rate_is_a_count_and_a_time() {
        for (text, shown) in [("1/1s", "1/1s"), (" 20 / 90s", "20/1m 30s"), ("4/1h 30m", "4/1h 30m")] {
            assert_eq!(text.parse::<Rate>().map(|rate| rate.to_string()).ok().as_deref(), Some(shown), "{text}");
        }
        for text in ["", "5", "/1s", "0/1s", "5/0s", "5/10us", "5/1500us", "-1/1s", "5/soon", "5000000000/1s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
