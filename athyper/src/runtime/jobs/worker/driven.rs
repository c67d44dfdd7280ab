//! The pool without loops of its own: runs what is due and returns.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use super::super::cancellation::Cancellation;
use super::locks::Locks;
use super::{Shared, attempt, recovery};
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{Finish, JobId, Outcome, QueueName, Take, Verdict};

/// One attempt that was run by [`WorkerPool::run_available`](super::WorkerPool::run_available).
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptReport {
    /// The queue.
    pub queue: QueueName,
    /// The kind.
    pub kind: String,
    /// The job.
    pub id: JobId,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// The handler's function item; `None` for a job that no handler here knows.
    pub handler: Option<TypeId>,
    /// What the queue was told; `None` when the job was in other hands by then.
    pub outcome: Option<Outcome>,
}

/// Jobs that enqueue jobs that are due at once could go on for ever.
const MOST_ATTEMPTS: usize = 10_000;

/// Runs everything that is due, and what becomes due by that, one attempt after another: queues in the order of their
/// names, jobs in the order of their queue.
pub(super) async fn run_available(shared: &Arc<Shared>, locks: &Locks) -> Result<Vec<AttemptReport>> {
    let mut reports = Vec::new();
    for (queue, _) in shared.queues() {
        recovery::recover(shared, &queue).await?;
    }
    loop {
        let before = reports.len();
        for (queue, _) in shared.queues() {
            while let Some(report) = run_next(shared, locks, &queue).await? {
                reports.push(report);
                if reports.len() == MOST_ATTEMPTS {
                    return Err(Error::internal(format!(
                        "{MOST_ATTEMPTS} attempts were run and jobs are still due: does a job enqueue itself?"
                    )));
                }
            }
        }
        if reports.len() == before {
            return Ok(reports);
        }
    }
}

async fn run_next(shared: &Arc<Shared>, locks: &Locks, queue: &QueueName) -> Result<Option<AttemptReport>> {
    let (port, settings) = (&shared.link.queue, &shared.settings);
    let request = Take {
        queue: queue.clone(),
        worker: settings.name.clone(),
        max: 1,
        lock_for: settings.lock_for,
        wait: Duration::ZERO,
    };
    let Some(claimed) = port.take(&request).await?.pop() else { return Ok(None) };
    let cancellation = Arc::<Cancellation>::default();
    let held = locks.hold(claimed.lock.clone(), cancellation.clone());
    let ran = shared.observer.started(&claimed, &*shared.link.clock);
    let mut outcome = attempt::run(shared, &claimed, &cancellation).await;
    if let Some(told) = &outcome {
        let finish = Finish { lock: claimed.lock.clone(), outcome: told.clone() };
        if port.finish(vec![finish], None).await?.verdicts.first() != Some(&Verdict::Applied) {
            outcome = None;
        }
    }
    drop(held);
    shared.observer.ended(&claimed, outcome.as_ref(), &ran, &*shared.link.clock);
    shared.link.finished.notify_waiters();
    let handler = shared.registry.handler_of(&claimed.envelope).map(|job| (job.handler)());
    Ok(Some(AttemptReport {
        queue: queue.clone(),
        kind: claimed.envelope.kind,
        id: claimed.lock.id,
        attempt: claimed.attempts_made.saturating_add(1),
        handler,
        outcome,
    }))
}
