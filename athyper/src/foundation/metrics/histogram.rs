//! Histograms: how often a value fell into which range.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::number::add_to;
use crate::foundation::error::{Error, Result};

/// The upper bounds of a histogram's ranges; the last range, without a bound, is added by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets(Arc<[f64]>);

impl Buckets {
    /// Bounds in ascending order.
    ///
    /// # Errors
    /// `Configuration` when there are none, or they do not ascend, or one is not finite.
    pub fn new(bounds: impl Into<Arc<[f64]>>) -> Result<Self> {
        let bounds = bounds.into();
        let ascending = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        if bounds.is_empty() || !ascending || bounds.iter().any(|bound| !bound.is_finite()) {
            return Err(
                Error::configuration("the bounds of a histogram are finite and ascend").with_code("metric-buckets")
            );
        }
        Ok(Self(bounds))
    }

    /// For times of requests and jobs, in seconds: 0.5 ms to 60 s.
    #[must_use]
    pub fn seconds() -> Self {
        Self(Arc::from([
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
        ]))
    }

    /// For sizes, in bytes: 256 B to 64 MiB, each four times the one before.
    #[must_use]
    pub fn bytes() -> Self {
        Self((0..10).map(|power| 256.0 * f64::from(4_u32.pow(power))).collect())
    }

    pub(super) fn bounds(&self) -> &[f64] {
        &self.0
    }
}

#[derive(Debug)]
struct Cells {
    buckets: Buckets,
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// How often a value fell into which range.
///
/// A handle to one series; clones observe into the same one.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Cells>);

impl Histogram {
    pub(super) fn new(buckets: Buckets) -> Self {
        let counts = (0..=buckets.bounds().len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Cells { buckets, counts, sum: AtomicU64::new(0) }))
    }

    /// Counts a value. One that is not a number is left out.
    pub fn observe(&self, value: f64) {
        if value.is_nan() {
            return;
        }
        let index = self.0.buckets.bounds().partition_point(|bound| *bound < value);
        self.0.counts[index].fetch_add(1, Ordering::Relaxed);
        add_to(&self.0.sum, value);
    }

    /// How many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The sum of all values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        f64::from_bits(self.0.sum.load(Ordering::Relaxed))
    }

    /// Each bound with how many values were at or below it; the last bound is infinite.
    pub(super) fn cumulative(&self) -> Vec<(f64, u64)> {
        let bounds = self.0.buckets.bounds().iter().copied().chain([f64::INFINITY]);
        let mut total = 0;
        bounds
            .zip(&self.0.counts)
            .map(|(bound, count)| {
                total += count.load(Ordering::Relaxed);
                (bound, total)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Buckets, Histogram};

    #[test]
    fn a_value_on_a_bound_belongs_below_it() {
        let histogram = Histogram::new(Buckets::new([1.0, 2.0]).unwrap());
        for value in [0.5, 1.0, 1.5, 2.0, 3.0, f64::NAN] {
            histogram.observe(value);
        }
        assert_eq!(histogram.cumulative(), [(1.0, 2), (2.0, 4), (f64::INFINITY, 5)]);
        assert_eq!((histogram.count(), histogram.sum()), (5, 8.0));
    }

    #[test]
    fn bounds_that_do_not_ascend_are_refused() {
        for bounds in [vec![], vec![2.0, 1.0], vec![1.0, 1.0], vec![1.0, f64::INFINITY], vec![f64::NAN]] {
            assert!(Buckets::new(bounds).is_err());
        }
    }
}
