//! Room for one component that is built at most once.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::Instance;
use super::failure::Failure;

/// Where a built component stays; reading it takes no lock.
pub(super) type Value = Arc<OnceLock<Instance>>;

/// Room for one component: whoever comes first builds it, all others wait for the outcome.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) value: Value,
    gate: tokio::sync::Mutex<()>,
    failures: Mutex<(u64, Option<Failure>)>,
}

/// What a caller that waited for a slot has to do.
#[derive(Debug)]
pub(super) enum Turn<'a> {
    /// Take the value.
    Built,
    /// Give up: the attempt that it waited for failed.
    Failed(Failure),
    /// Build it, and hold the guard until then. Dropping the guard early hands the turn to the next in line.
    Mine(#[expect(dead_code, reason = "held for its destructor")] tokio::sync::MutexGuard<'a, ()>),
}

impl Slot {
    fn failures(&self) -> MutexGuard<'_, (u64, Option<Failure>)> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the slot is filled, the running attempt failed, or it is this caller's turn.
    pub(super) async fn turn(&self) -> Turn<'_> {
        let seen = self.failures().0;
        let guard = self.gate.lock().await;
        if self.value.get().is_some() {
            return Turn::Built;
        }
        match &*self.failures() {
            (count, Some(failure)) if *count > seen => Turn::Failed(failure.clone()),
            _ => Turn::Mine(guard),
        }
    }

    /// Tells those who wait that the attempt failed; who comes later tries again.
    pub(super) fn fail(&self, failure: &Failure) {
        let mut failures = self.failures();
        failures.0 += 1;
        failures.1 = Some(failure.clone());
    }
}
