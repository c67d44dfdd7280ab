//! How long to wait before the next attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long to wait before attempt `n + 1` after attempt `n` failed.
///
/// Written in attributes as `"fixed 5s"`, `"linear 5s"`, `"exponential 1s"`, optionally with
/// `max 1h` and `jitter 0.2` behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// How the wait grows.
    pub growth: Growth,
    /// The first wait.
    pub base: Duration,
    /// The longest wait.
    pub max: Duration,
    /// The part of each wait that is random, in percent (0 to 100).
    pub jitter_percent: u8,
}

/// How the wait grows from attempt to attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// Always the base.
    Fixed,
    /// The base times the number of attempts made.
    Linear,
    /// The base, doubled with every attempt made.
    Exponential,
}

impl Backoff {
    const MAX: Duration = Duration::from_secs(24 * 3600);

    /// Waits the same time each time.
    #[must_use]
    pub const fn fixed(base: Duration) -> Self {
        Self { growth: Growth::Fixed, base, max: Self::MAX, jitter_percent: 0 }
    }

    /// Waits the base longer each time.
    #[must_use]
    pub const fn linear(base: Duration) -> Self {
        Self { growth: Growth::Linear, base, max: Self::MAX, jitter_percent: 0 }
    }

    /// Waits twice as long each time.
    #[must_use]
    pub const fn exponential(base: Duration) -> Self {
        Self { growth: Growth::Exponential, base, max: Self::MAX, jitter_percent: 0 }
    }

    /// The wait after `attempt` failed (the first is 1), with `random` in 0.0..1.0 deciding the jitter.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        let attempt = attempt.max(1);
        let full = match self.growth {
            Growth::Fixed => self.base,
            Growth::Linear => self.base.saturating_mul(attempt),
            Growth::Exponential => self.base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))),
        }
        .min(self.max);
        let jitter = f64::from(self.jitter_percent.min(100)) / 100.0;
        full.mul_f64(1.0 - jitter * random.clamp(0.0, 1.0))
    }
}
