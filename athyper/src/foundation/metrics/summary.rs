//! Summaries: quantiles of what was seen lately.
//!
//! Values are counted in ranges whose bounds grow by a constant factor, so that a quantile is off by at most 1 % of itself
//! (Masson, Rim, Lee: *DDSketch*, VLDB 2019, section 2). Four windows of time are kept; the oldest is forgotten as a new one opens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::foundation::clock::Clock;

/// How many windows make up what a quantile covers.
const WINDOWS: usize = 4;
/// How long one window takes values.
const WINDOW: Duration = Duration::from_secs(150);
/// The most a quantile is off, as a part of itself.
const RELATIVE_ERROR: f64 = 0.01;
/// Values at or below this count as zero.
const SMALLEST: f64 = 1e-9;
/// The quantiles that are shown.
pub(super) const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

#[derive(Debug, Default)]
struct Window {
    opened: Duration,
    zeroes: u64,
    ranges: HashMap<i32, u64>,
}

#[derive(Debug, Default)]
struct State {
    windows: Vec<Window>,
    count: u64,
    sum: f64,
}

/// Quantiles of the values of the last ten minutes, with the count and sum of all.
///
/// A handle to one series; clones observe into the same one. It takes a lock for each value: on hot paths use a
/// [`Histogram`](super::Histogram).
#[derive(Debug, Clone)]
pub struct Summary {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

fn growth() -> f64 {
    ((1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR)).ln()
}

impl Summary {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// Counts a value. One that is negative or not finite is left out.
    pub fn observe(&self, value: f64) {
        if !value.is_finite() || value < 0.0 {
            return;
        }
        let now = self.clock.since_boot();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        state.sum += value;
        let window = state.current(now);
        if value <= SMALLEST {
            window.zeroes += 1;
        } else {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the logarithm of a finite f64 over 0.02 is below 40,000"
            )]
            let range = (value.ln() / growth()).ceil() as i32;
            *window.ranges.entry(range).or_default() += 1;
        }
    }

    /// How many values there were, ever.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// The sum of all values, ever.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).sum
    }

    /// The value that a part (`0.0 ..= 1.0`) of the last ten minutes' values did not exceed, within 1 %; `None` without values.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let now = self.clock.since_boot();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.forget(now);
        let zeroes: u64 = state.windows.iter().map(|window| window.zeroes).sum();
        let mut ranges: Vec<(i32, u64)> = state
            .windows
            .iter()
            .flat_map(|window| window.ranges.iter().map(|(range, count)| (*range, *count)))
            .collect();
        drop(state);
        ranges.sort_unstable_by_key(|(range, _)| *range);
        let total = zeroes + ranges.iter().map(|(_, count)| count).sum::<u64>();
        if total == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a quantile is an estimate")]
        let rank = part.clamp(0.0, 1.0) * (total - 1) as f64;
        let mut below = zeroes;
        #[expect(clippy::cast_precision_loss, reason = "a quantile is an estimate")]
        let range = ranges.iter().find(|(_, count)| {
            below += count;
            below as f64 > rank
        });
        #[expect(clippy::cast_precision_loss, reason = "a quantile is an estimate")]
        if zeroes as f64 > rank {
            return Some(0.0);
        }
        // The middle of the range, in the sense of relative distance.
        range.map(|(range, _)| (f64::from(*range) * growth()).exp() * (1.0 - RELATIVE_ERROR))
    }
}

impl State {
    fn forget(&mut self, now: Duration) {
        let length = WINDOW * u32::try_from(WINDOWS).unwrap_or(u32::MAX);
        self.windows.retain(|window| now.saturating_sub(window.opened) < length);
    }

    fn current(&mut self, now: Duration) -> &mut Window {
        self.forget(now);
        if self.windows.last().is_none_or(|last| now.saturating_sub(last.opened) >= WINDOW) {
            self.windows.push(Window { opened: now, ..Window::default() });
        }
        let last = self.windows.len() - 1;
        &mut self.windows[last]
    }
}
