//! How long to wait before the next attempt.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::foundation::duration::{format_duration, parse_duration};
use crate::foundation::error::{Error, Result};

/// How long to wait before attempt `n + 1` after attempt `n` failed.
///
/// Written as `"fixed 5s"`, `"linear 5s"`, `"exponential 1s"`, optionally with `max 1h` and `jitter 0.2` behind it, in
/// attributes and in the configuration.
///
/// ```
/// use std::time::Duration;
/// use athyper::jobs::Backoff;
///
/// let backoff: Backoff = "exponential 1s max 1h jitter 0.2".parse()?;
/// assert_eq!(backoff.delay(3, 0.0), Duration::from_secs(4));
/// assert_eq!(backoff.delay(3, 0.5), Duration::from_millis(3_600));
/// # Ok::<(), athyper::Error>(())
/// ```
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
        // In whole nanoseconds: a factor as a fraction would overflow near the longest duration there is.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a fraction of a million fits")]
        let random = (random.clamp(0.0, 1.0) * 1e6) as u128;
        let cut = full.as_nanos() * u128::from(self.jitter_percent.min(100)) * random / 100_000_000;
        let left = full.as_nanos() - cut;
        #[allow(clippy::cast_possible_truncation, reason = "it is no longer than the duration it was cut from")]
        let delay = Duration::new((left / 1_000_000_000) as u64, (left % 1_000_000_000) as u32);
        delay
    }
}

const FORM: &str =
    "write \"fixed 5s\", \"linear 5s\" or \"exponential 1s\", with `max 1h` and `jitter 0.2` behind it if wanted";

impl FromStr for Backoff {
    type Err = Error;

    /// # Errors
    /// `Invalid` when the text is not of that form, the first wait is zero, or the longest is shorter than the first.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |what: String| Error::invalid(format!("\"{text}\" is not a back-off: {what}")).with_code("backoff");
        let mut words = text.split_whitespace().peekable();
        let growth = match words.next() {
            Some("fixed") => Growth::Fixed,
            Some("linear") => Growth::Linear,
            Some("exponential") => Growth::Exponential,
            _ => return Err(wrong(FORM.to_owned())),
        };
        let mut keyword = "the first wait";
        let (mut base, mut max, mut jitter_percent) = (None, None, None);
        loop {
            let mut parts = Vec::new();
            while let Some(word) = words.next_if(|word| !matches!(*word, "max" | "jitter")) {
                parts.push(word);
            }
            let value = parts.join(" ");
            let duration =
                || parse_duration(&value).ok_or_else(|| wrong(format!("`{value}` is not a length of time; {FORM}")));
            match keyword {
                "max" if max.is_none() => max = Some(duration()?),
                "jitter" if jitter_percent.is_none() => {
                    jitter_percent = Some(parse_share(&value).ok_or_else(|| {
                        wrong(format!("`{value}` is not a share of the wait; write a number from 0 to 1"))
                    })?);
                }
                "the first wait" if base.is_none() => base = Some(duration()?),
                twice => return Err(wrong(format!("`{twice}` is given twice"))),
            }
            match words.next() {
                Some(next) => keyword = next,
                None => break,
            }
        }
        let base = base
            .filter(|base| !base.is_zero())
            .ok_or_else(|| wrong("its first wait is zero, and a failing job would run without a pause".to_owned()))?;
        let max = max.unwrap_or(Self::MAX.max(base));
        if max < base {
            return Err(wrong("its longest wait is shorter than the first".to_owned()));
        }
        Ok(Self { growth, base, max, jitter_percent: jitter_percent.unwrap_or(0) })
    }
}

/// Reads 0 to 1 as percent.
fn parse_share(text: &str) -> Option<u8> {
    let share: f64 = text.parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100 fits")]
    let percent = (share * 100.0).round() as u8;
    Some(percent)
}

impl fmt::Display for Backoff {
    /// Writes it as it is read.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let growth = match self.growth {
            Growth::Fixed => "fixed",
            Growth::Linear => "linear",
            Growth::Exponential => "exponential",
        };
        write!(formatter, "{growth} {} max {}", format_duration(self.base), format_duration(self.max))?;
        match self.jitter_percent {
            0 => Ok(()),
            percent => write!(formatter, " jitter {}", f64::from(percent) / 100.0),
        }
    }
}
