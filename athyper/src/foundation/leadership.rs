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

/// The port of leases. The store's own clock decides when one runs out.
#[async_trait]
pub trait Leadership: Send + Sync + fmt::Debug + 'static {
    /// Takes the lease `name` for `holder` if it is free, run out, or held by it already.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn acquire(&self, name: &str, holder: &str, duration: Duration) -> Result<Option<Lease>>;

    /// Holds the lease for `duration` from now; `false` when it has passed to somebody else or ran out.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn renew(&self, lease: &Lease, duration: Duration) -> Result<bool>;

    /// Gives the lease up if it is still held.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn release(&self, lease: &Lease) -> Result<()>;
}
