//! Leases in the process's memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::foundation::clock::Clock;
use crate::foundation::error::Result;
use crate::foundation::leadership::{Leadership, Lease};

/// Leases in the process's memory: they are shared by the kernels of one process only, and end with it.
pub struct MemoryLeadership {
    clock: Arc<dyn Clock>,
    leases: Mutex<HashMap<String, Entry>>,
}

/// What is remembered of a lease, also when nobody holds it: its epoch never goes back.
#[derive(Debug, Clone, Default)]
struct Entry {
    epoch: u64,
    holder: Option<String>,
    until: Duration,
}

impl MemoryLeadership {
    /// Leases that run out by the boot-time reading of `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, leases: Mutex::default() }
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // No change is left half done by a panic: each is one assignment.
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_held(&self, entry: &Entry, holder: &str) -> bool {
        entry.holder.as_deref() == Some(holder) && self.is_running(entry)
    }

    fn is_running(&self, entry: &Entry) -> bool {
        entry.holder.is_some() && self.clock.since_boot() < entry.until
    }

    fn end(&self, duration: Duration) -> Duration {
        self.clock.since_boot().saturating_add(duration)
    }
}

#[async_trait]
impl Leadership for MemoryLeadership {
    async fn acquire(&self, name: &str, holder: &str, duration: Duration) -> Result<Option<Lease>> {
        let mut leases = self.leases();
        let entry = leases.entry(name.to_owned()).or_default();
        if !self.is_held(entry, holder) {
            if self.is_running(entry) {
                return Ok(None);
            }
            *entry = Entry { epoch: entry.epoch + 1, holder: Some(holder.to_owned()), until: Duration::ZERO };
        }
        entry.until = self.end(duration);
        Ok(Some(Lease { name: name.to_owned(), holder: holder.to_owned(), epoch: entry.epoch }))
    }

    async fn renew(&self, lease: &Lease, duration: Duration) -> Result<bool> {
        let mut leases = self.leases();
        match leases.get_mut(&lease.name) {
            Some(entry) if entry.epoch == lease.epoch && self.is_held(entry, &lease.holder) => {
                entry.until = self.end(duration);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let mut leases = self.leases();
        if let Some(entry) = leases.get_mut(&lease.name)
            && entry.epoch == lease.epoch
            && entry.holder.as_deref() == Some(&*lease.holder)
        {
            entry.holder = None;
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryLeadership {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryLeadership").finish_non_exhaustive()
    }
}
