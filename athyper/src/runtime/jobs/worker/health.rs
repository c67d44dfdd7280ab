//! Whether jobs move.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;

use super::Shared;
use crate::foundation::health::{Health, HealthCheck, HealthStatus};
use crate::foundation::jobs::QueueName;

/// Since when each queue's driver has had no answer from the store.
#[derive(Debug, Default)]
pub(super) struct Progress {
    unanswered_since: Mutex<HashMap<QueueName, Duration>>,
    ended: AtomicBool,
}

impl Progress {
    fn table(&self) -> MutexGuard<'_, HashMap<QueueName, Duration>> {
        self.unanswered_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A round begins; one that is under way, or failed, goes on counting from its own beginning.
    pub(super) fn begins(&self, queue: &QueueName, now: Duration) {
        self.table().entry(queue.clone()).or_insert(now);
    }

    /// The store answered.
    pub(super) fn succeeds(&self, queue: &QueueName) {
        self.table().remove(queue);
    }

    /// The driver has ended as it should.
    pub(super) fn rests(&self, queue: &QueueName) {
        self.table().remove(queue);
    }

    /// The pool has ended: nothing moves any more.
    pub(super) fn ends(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    fn stuck(&self, now: Duration, limit: Duration) -> Vec<(QueueName, Duration)> {
        let table = self.table();
        let mut stuck: Vec<_> = table
            .iter()
            .map(|(queue, since)| (queue.clone(), now.saturating_sub(*since)))
            .filter(|(_, silent)| *silent > limit)
            .collect();
        stuck.sort();
        stuck
    }
}

/// The health of a worker pool: unhealthy when a queue's driver has had no answer from the store for longer than a round
/// may take; degraded while jobs are parked.
pub struct WorkerHealth {
    shared: Weak<Shared>,
}

impl WorkerHealth {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::downgrade(shared) }
    }
}

/// What an answer may take beyond the time that the request asks the store to wait.
const SLACK: Duration = Duration::from_secs(3);

#[async_trait]
impl HealthCheck for WorkerHealth {
    fn name(&self) -> &str {
        "workers"
    }

    async fn check(&self) -> Health {
        let shared = self.shared.upgrade().filter(|shared| !shared.progress.ended.load(Ordering::Relaxed));
        let Some(shared) = shared else {
            return Health::unhealthy("jobs are not moving: the worker pool has ended");
        };
        let stuck = shared.progress.stuck(shared.link.clock.since_boot(), shared.settings.take_for + SLACK);
        if !stuck.is_empty() {
            let queues: Vec<String> =
                stuck.iter().map(|(queue, silent)| format!("`{queue}` for {} s", silent.as_secs())).collect();
            return Health::unhealthy(format!(
                "jobs are not moving: no answer from the store, queue {}",
                queues.join(", ")
            ));
        }
        parked(&shared).await
    }
}

async fn parked(shared: &Shared) -> Health {
    let mut found = Vec::new();
    for (queue, _) in shared.queues() {
        match shared.link.queue.counts(&queue).await {
            Ok(counts) if counts.parked > 0 => found.push(format!("{} in `{queue}`", counts.parked)),
            Ok(_) => {}
            Err(error) => return Health::unhealthy(format!("the job queue does not answer: {}", error.report())),
        }
    }
    if found.is_empty() {
        return Health { status: HealthStatus::Healthy, detail: None };
    }
    Health::degraded(format!(
        "jobs are parked because no handler here knows their kind or version: {}",
        found.join(", ")
    ))
}

impl fmt::Debug for WorkerHealth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WorkerHealth").finish_non_exhaustive()
    }
}
