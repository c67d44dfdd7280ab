//! Jobs that are in the outbox and not in their queue yet.

use std::sync::Arc;

use super::super::link::Link;
use crate::foundation::error::Result;
use crate::foundation::jobs::{Added, JobId, JobRecord, JobState, NewJob, Parent, QueueName};
use crate::foundation::outbox::{JobBatch, Outbox, OutboxRecord};
use crate::foundation::sql::Tx;

/// What became of jobs that were enqueued.
pub(super) struct Enqueued {
    pub(super) added: Vec<Added>,
    /// The message of the outbox that they travel in.
    pub(super) message: Option<Arc<str>>,
}

impl Enqueued {
    /// They are in their queue.
    pub(super) fn there(added: Vec<Added>) -> Self {
        Self { added, message: None }
    }
}

/// Writes jobs in the outbox of a transaction's database. Whether they duplicate others is not known before they are moved.
pub(super) async fn write(outbox: &dyn Outbox, tx: &mut Tx, message: String, jobs: Vec<NewJob>) -> Result<Enqueued> {
    let added = jobs.iter().map(|job| Added { id: job.envelope.id.clone(), duplicate: false }).collect();
    let id = Arc::from(message.as_str());
    outbox.write(tx, vec![JobBatch { jobs }.into_message(message)?]).await?;
    Ok(Enqueued { added, message: Some(id) })
}

/// What is known of a job that is in its queue, or on the way there.
pub(super) async fn find(
    link: &Link,
    queue: &QueueName,
    id: &JobId,
    message: Option<&str>,
) -> Result<Option<JobRecord>> {
    let asked = link.queue.get(queue, id).await;
    let (Some(outbox), Some(message)) = (&link.outbox, message) else { return asked };
    if matches!(asked, Ok(Some(_))) {
        return asked;
    }
    // Also when the queue is away: that is what the outbox is for.
    let Some(found) = outbox.get(message).await? else {
        // It may have been moved in between.
        return link.queue.get(queue, id).await;
    };
    Ok(on_its_way(link, found, queue, id))
}

/// A job of a message as it will be in its queue.
fn on_its_way(link: &Link, found: OutboxRecord, queue: &QueueName, id: &JobId) -> Option<JobRecord> {
    // One that nobody can read was refused, or will be.
    let batch = JobBatch::read(&found.message).ok()?;
    let job = batch.jobs.iter().find(|job| job.envelope.queue == *queue && job.envelope.id == *id)?.clone();
    let is_parent = |parent: &Parent| parent.queue == *queue && parent.id == *id;
    let has_children = batch.jobs.iter().any(|job| job.parent.as_ref().is_some_and(is_parent));
    let state = match found.failed_at {
        Some(_) => JobState::Failed,
        None if has_children => JobState::WaitingChildren,
        None if job.due_at > link.clock.now() => JobState::Delayed,
        None => JobState::Waiting,
    };
    Some(JobRecord {
        envelope: job.envelope,
        parent: job.parent,
        state,
        created_at: found.created_at,
        due_at: job.due_at,
        started_at: None,
        finished_at: found.failed_at,
        attempts_started: 0,
        attempts_made: 0,
        stalls: 0,
        progress: None,
        checkpoint: None,
        result: None,
        error: found.error.map(|error| format!("the outbox could not move it to its queue: {error}")),
    })
}
