//! What a relay knows about itself, and the health that follows from it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::foundation::clock::Clock;
use crate::foundation::health::{Health, HealthCheck};
use crate::foundation::outbox::OutboxCounts;

/// A relay that has not looked for this long stands still: a look at a store that is away ends before.
const LOOP_PATIENCE: Duration = Duration::from_secs(60);

/// A message that has waited for this long, with nothing known to have failed, is worth a word.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(30);

/// What a relay knows about itself.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Whether the background loop is on.
    pub(super) running: bool,
    /// The clock's reading when the loop last looked.
    pub(super) last_look: Duration,
    /// What failed at the last look.
    pub(super) error: Option<String>,
    /// How much stands where, as last looked up.
    pub(super) counts: OutboxCounts,
}

/// [`Status`], shared between the relay and its health check.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedStatus(Arc<Mutex<Status>>);

impl SharedStatus {
    pub(super) fn lock(&self) -> MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a relay does its work: its loop moves, messages arrive, none is refused.
#[derive(Debug)]
pub(super) struct RelayHealth {
    pub(super) status: SharedStatus,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) destination: String,
}

#[async_trait]
impl HealthCheck for RelayHealth {
    fn name(&self) -> &str {
        "outbox"
    }

    async fn check(&self) -> Health {
        let status = self.status.lock();
        let silent = self.clock.since_boot().saturating_sub(status.last_look);
        let OutboxCounts { waiting, failed, oldest_waiting } = status.counts;
        let age = oldest_waiting.and_then(|oldest| (self.clock.now() - oldest).to_std().ok()).unwrap_or_default();
        let waits = format!("{waiting} wait, the oldest for {} s", age.as_secs());
        if status.running && silent > LOOP_PATIENCE {
            Health::unhealthy(format!("nothing was moved for {} s: the relay's loop stands still", silent.as_secs()))
        } else if let Some(error) = &status.error {
            Health::degraded(format!("messages for `{}` cannot be moved ({waits}): {error}", self.destination))
        } else if waiting > 0 && age > MESSAGE_PATIENCE {
            Health::degraded(format!("messages for `{}` are moved late: {waits}", self.destination))
        } else if failed > 0 {
            Health::degraded(format!(
                "`{}` refused messages, and {failed} were set aside: see `outbox list --state failed`",
                self.destination
            ))
        } else {
            Health::healthy()
        }
    }
}
