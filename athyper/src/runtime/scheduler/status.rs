//! What a scheduler knows about itself, and the health that follows from it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::health::{Health, HealthCheck};

/// A background loop that has not looked for this long stands still; it looks every second.
const LOOP_PATIENCE: Duration = Duration::from_secs(10);

/// What a scheduler knows about itself.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Whether the background loop is on.
    pub(super) running: bool,
    /// The epoch, while it leads.
    pub(super) epoch: Option<u64>,
    /// Whether it leads with schedules that a newer version of the product has changed.
    pub(super) is_outdated: bool,
    /// The clock's reading when the loop last looked.
    pub(super) last_look: Duration,
    /// The clock's reading when the leases' store last said who leads.
    pub(super) last_contact: Duration,
    /// What failed at the last look.
    pub(super) error: Option<String>,
    /// Schedules whose mark lies in the future: the wall clock went back.
    pub(super) ahead: BTreeMap<String, Timestamp>,
}

impl Status {
    pub(super) fn end_term(&mut self) {
        self.epoch = None;
        self.is_outdated = false;
    }
}

/// [`Status`], shared between the scheduler and its health check.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedStatus(Arc<Mutex<Status>>);

impl SharedStatus {
    pub(super) fn lock(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a scheduler does its work: its loop moves, somebody leads, ticks are fired.
#[derive(Debug, Clone)]
pub(super) struct SchedulerHealth {
    pub(super) status: SharedStatus,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lease: Duration,
}

#[async_trait]
impl HealthCheck for SchedulerHealth {
    fn name(&self) -> &str {
        "scheduler"
    }

    async fn check(&self) -> Health {
        let status = self.status.lock();
        let now = self.clock.since_boot();
        let (silent, unknown) = (now.saturating_sub(status.last_look), now.saturating_sub(status.last_contact));
        let error = status.error.as_deref().unwrap_or("the leases' store does not answer");
        if status.running && silent > LOOP_PATIENCE.max(self.lease) {
            Health::unhealthy(format!("the scheduler's loop has stood still for {} s", silent.as_secs()))
        } else if status.running && unknown > self.lease * 2 {
            Health::unhealthy(format!("no leader is known for {} s: {error}", unknown.as_secs()))
        } else if let Some(error) = &status.error {
            Health::degraded(format!("the last look for due ticks failed: {error}"))
        } else if status.is_outdated {
            Health::degraded(
                "a newer version of the product has declared other schedules, and this process leads: stop it, or restart it if \
                 its version is to stay",
            )
        } else if let Some((schedule, mark)) = status.ahead.first_key_value() {
            Health::degraded(format!(
                "`{schedule}` was fired up to {mark} and stays silent until then: the wall clock went back"
            ))
        } else {
            Health::healthy()
        }
    }
}
