//! The port by which one process of several leads.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::error::Result;

/// Proof of leading, valid until the lease runs out by the store's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is led.
    pub name: String,
    /// Who leads: unique to the process, never reused.
    pub holder: String,
    /// Grows with every change of leader; stores refuse writes of an older one.
    pub epoch: u64,
}

/// The port of leases.
///
/// The store's own clock decides when one runs out; a store without one uses
/// [`Clock::since_boot`](super::clock::Clock::since_boot) with the boot's id, so that no wall clock can end or prolong a
/// lease. A lease from an earlier boot has run out.
///
/// A lease is not mutual exclusion: whoever holds one may be stopped, and go on after it has passed to somebody else. What
/// is written under a lease must be fenced by its [`epoch`](Lease::epoch).
#[async_trait]
pub trait Leadership: Send + Sync + fmt::Debug + 'static {
    /// Takes the lease `name` for `holder` if it is free or has run out; `None` while somebody else holds it.
    ///
    /// A holder that still holds it gets it again, under the same epoch, for `duration` from now. In every other case the
    /// epoch is greater than any that `name` ever had, also when the same holder comes back.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn acquire(&self, name: &str, holder: &str, duration: Duration) -> Result<Option<Lease>>;

    /// Holds the lease for `duration` from now; `false`, with nothing changed, when it has passed to somebody else, was
    /// released, or ran out.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn renew(&self, lease: &Lease, duration: Duration) -> Result<bool>;

    /// Gives the lease up if it is still held under this epoch; somebody else can take it at once.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn release(&self, lease: &Lease) -> Result<()>;
}
