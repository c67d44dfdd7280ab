//! What a handler knows about the attempt it is.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::cancellation::{Cancellation, Reason};
use super::payload::encode;
use crate::foundation::context::Context;
use crate::foundation::error::{ErrorKind, Result};
use crate::foundation::jobs::{JobId, JobQueue, Lock, QueueName};

/// What a handler knows about the attempt it is, how it reports progress and learns that it should stop.
#[derive(Clone)]
pub struct JobContext {
    context: Context,
    lock: Lock,
    attempt: u32,
    queue: Option<Arc<dyn JobQueue>>,
    cancellation: Arc<Cancellation>,
}

impl JobContext {
    pub(super) fn new(
        context: Context,
        lock: Lock,
        attempt: u32,
        queue: Arc<dyn JobQueue>,
        cancellation: Arc<Cancellation>,
    ) -> Self {
        Self { context, lock, attempt, queue: Some(queue), cancellation }
    }

    /// A context without a queue behind it, to call a handler as the plain function it is: progress goes nowhere and
    /// nobody cancels.
    #[must_use]
    pub fn detached(context: Context) -> Self {
        let lock = Lock { queue: QueueName::from("detached"), id: JobId::from("detached"), token: 1 };
        Self { context, lock, attempt: 1, queue: None, cancellation: Arc::default() }
    }

    /// The job's id.
    #[must_use]
    pub fn id(&self) -> &JobId {
        &self.lock.id
    }

    /// The queue the job was taken from.
    #[must_use]
    pub fn queue(&self) -> &QueueName {
        &self.lock.queue
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The fencing token: it only grows, so a store can refuse a write of an older holder.
    #[must_use]
    pub fn token(&self) -> u32 {
        self.lock.token
    }

    /// On whose behalf, for which tenant, in which trace.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Records how far the job is, as anything that serialises: a percentage, a struct.
    ///
    /// ```
    /// # async fn example(ctx: athyper::jobs::JobContext) -> athyper::Result<()> {
    /// ctx.progress(50).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Conflict` when the job is in other hands by now (the attempt is then asked to stop); those of the queue.
    pub async fn progress(&self, progress: impl Serialize + Send) -> Result<()> {
        let json = encode("the progress", &progress)?;
        drop(progress);
        let Some(queue) = &self.queue else { return Ok(()) };
        let recorded = queue.record_progress(&self.lock, json).await;
        if recorded.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict) {
            self.cancellation.fire(Reason::LostLock);
        }
        recorded
    }

    /// Waits until the attempt should stop: it ran out of time, the job is in other hands, or the process stops.
    ///
    /// A handler that asks, here or by [`is_cancelled`](Self::is_cancelled), has some seconds from then on to end by
    /// itself; one that never asked is dropped at once, at its next `await`.
    ///
    /// # Cancel safety
    /// Dropping the future only ends the wait.
    pub async fn cancelled(&self) {
        self.cancellation.listen().await;
    }

    /// Whether the attempt should stop; for code that cannot wait.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.look()
    }
}

impl fmt::Debug for JobContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JobContext")
            .field("lock", &self.lock)
            .field("attempt", &self.attempt)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
