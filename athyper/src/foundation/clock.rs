//! The clock port: the only way anything here learns the time or waits for it.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};

/// An instant in UTC, kept to the microsecond.
pub type Timestamp = DateTime<Utc>;

/// Rounds an instant down to the microsecond, which is what every store keeps.
#[must_use]
pub fn to_microseconds(instant: Timestamp) -> Timestamp {
    instant.trunc_subsecs(6)
}

/// Wall time, a reading that never jumps, and waiting.
///
/// Due times, back-off, limits and expiry use [`now`](Self::now). Locks and leases of stores that
/// have no server clock use [`since_boot`](Self::since_boot) with [`boot_id`](Self::boot_id), so
/// that a wall clock that jumps cannot end or prolong them.
#[async_trait]
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The wall time, rounded down to the microsecond. It may jump either way.
    fn now(&self) -> Timestamp;

    /// The time since the machine booted, suspension included. It never goes back.
    fn since_boot(&self) -> Duration;

    /// Identifies the boot that [`since_boot`](Self::since_boot) counts from; equal in every
    /// process of the machine until it restarts.
    fn boot_id(&self) -> &str;

    /// Waits until [`since_boot`](Self::since_boot) reaches `deadline`.
    ///
    /// # Cancel safety
    /// Dropping the future only ends the wait.
    async fn sleep_until(&self, deadline: Duration);
}

/// Conveniences on every [`Clock`].
///
/// ```
/// use athyper::prelude::*;
/// use std::time::Duration;
///
/// #[inject]
/// struct Poller { clock: Arc<dyn Clock> }
///
/// impl Poller {
///     async fn pause(&self) {
///         self.clock.sleep(Duration::from_secs(5)).await; // in a test, as soon as virtual time has passed
///     }
/// }
/// ```
pub trait ClockExt: Clock {
    /// Waits for `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        let deadline = self.since_boot().saturating_add(duration);
        async move { self.sleep_until(deadline).await }
    }

    /// Runs `future` for at most `duration`; `None` when the time ran out first.
    ///
    /// # Cancel safety
    /// `future` is dropped when the time runs out.
    fn timeout<F: Future + Send>(&self, duration: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F::Output: Send,
    {
        async move {
            let sleep = std::pin::pin!(self.sleep(duration));
            let future = std::pin::pin!(future);
            match futures_util::future::select(future, sleep).await {
                futures_util::future::Either::Left((output, _)) => Some(output),
                futures_util::future::Either::Right(_) => None,
            }
        }
    }
}

impl<C: Clock + ?Sized> ClockExt for C {}
