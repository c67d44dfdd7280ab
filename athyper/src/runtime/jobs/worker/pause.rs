//! How long a driver rests while its store does not answer.

use std::time::Duration;

use super::attempt;
use crate::foundation::jobs::QueueName;

/// How long to wait after the store did not answer `faults` times in a row: doubled from 100 ms up to 5 s, less up to a
/// quarter that differs from queue to queue.
pub(super) fn pause_after(faults: u32, queue: &QueueName) -> Duration {
    if faults == 0 {
        return Duration::ZERO;
    }
    let full = Duration::from_millis(100).saturating_mul(2_u32.saturating_pow(faults - 1)).min(Duration::from_secs(5));
    full.mul_f64(1.0 - 0.25 * attempt::spread(queue.as_str(), faults))
}
