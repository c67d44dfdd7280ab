//! What a handler knows about the attempt it is.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Children;
use super::cancellation::{Cancellation, Reason};
use super::payload::encode;
use crate::foundation::context::Context;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{Claimed, JobId, JobQueue, Lock, QueueName};

/// How many bytes a row of a log has at most.
const LONGEST_LOG_ROW: usize = 10_000;

/// What a handler knows about the attempt it is, how it reports progress and learns that it should stop.
#[derive(Clone)]
pub struct JobContext {
    context: Context,
    lock: Lock,
    attempt: u32,
    queue: Option<Arc<dyn JobQueue>>,
    checkpoint: Option<Bytes>,
    cancellation: Arc<Cancellation>,
}

impl JobContext {
    pub(super) fn new(
        context: Context,
        claimed: &Claimed,
        queue: Arc<dyn JobQueue>,
        cancellation: Arc<Cancellation>,
    ) -> Self {
        let (lock, checkpoint) = (claimed.lock.clone(), claimed.checkpoint.clone());
        let attempt = claimed.attempts_made.saturating_add(1);
        Self { context, lock, attempt, queue: Some(queue), checkpoint, cancellation }
    }

    /// A context without a queue behind it, to call a handler as the plain function it is: progress goes nowhere and
    /// nobody cancels.
    #[must_use]
    pub fn detached(context: Context) -> Self {
        let lock = Lock { queue: QueueName::from("detached"), id: JobId::from("detached"), token: 1 };
        Self { context, lock, attempt: 1, queue: None, checkpoint: None, cancellation: Arc::default() }
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
        self.heed(queue.record_progress(&self.lock, json).await)
    }

    /// Asks the attempt to stop once a note was refused because the job is in other hands.
    fn heed(&self, recorded: Result<()>) -> Result<()> {
        if recorded.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict) {
            self.cancellation.fire(Reason::LostLock);
        }
        recorded
    }

    /// Appends a row to the log of the job, which stays as long as the job; people read it with `jobs logs`, or
    /// [`JobHandle::logs`](super::JobHandle::logs). Of more than 1,000 rows the latest stay, and of a row the first 10,000 bytes.
    ///
    /// ```
    /// # async fn example(ctx: athyper::jobs::JobContext, pages: u32) -> athyper::Result<()> {
    /// ctx.log(format!("the import has {pages} pages")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Conflict` when the job is in other hands by now (the attempt is then asked to stop); those of the queue.
    pub async fn log(&self, row: impl Into<String>) -> Result<()> {
        let mut row = row.into();
        row.truncate(row.floor_char_boundary(LONGEST_LOG_ROW));
        let Some(queue) = &self.queue else { return Ok(()) };
        self.heed(queue.append_log(&self.lock, row).await)
    }

    /// Keeps how far the job is, so that the next attempt goes on from there: after an error, a time-out, a snooze, the end of this
    /// process, or a retry by hand. The latest one counts.
    ///
    /// ```
    /// # async fn send(_: usize) -> athyper::Result<()> { Ok(()) }
    /// # async fn example(ctx: athyper::jobs::JobContext, addresses: Vec<usize>) -> athyper::Result<()> {
    /// let done: usize = ctx.checkpoint()?.unwrap_or_default();
    /// for (number, address) in addresses.into_iter().enumerate().skip(done) {
    ///     send(address).await?;
    ///     ctx.save_checkpoint(number + 1).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Conflict` when the job is in other hands by now (the attempt is then asked to stop); those of the queue.
    pub async fn save_checkpoint(&self, checkpoint: impl Serialize + Send) -> Result<()> {
        let json = encode("the checkpoint", &checkpoint)?;
        drop(checkpoint);
        let Some(queue) = &self.queue else { return Ok(()) };
        self.heed(queue.record_checkpoint(&self.lock, json).await)
    }

    /// What an earlier attempt [kept](Self::save_checkpoint); `None` if none did.
    ///
    /// # Errors
    /// `Invalid` with the code `job-checkpoint` when it is not of this type.
    pub fn checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let Some(json) = &self.checkpoint else { return Ok(None) };
        serde_json::from_slice(json).map(Some).map_err(|error| {
            let type_name = std::any::type_name::<T>();
            Error::invalid(format!("the checkpoint of job {} is not a `{type_name}`: {error}", self.lock.id))
                .with_code("job-checkpoint")
                .with_source(error)
        })
    }

    /// The jobs that this one waited for, and what became of them.
    ///
    /// ```
    /// # use athyper::jobs::{Job, JobContext};
    /// # async fn example<Count: Job<Output = u64>>(ctx: JobContext) -> athyper::Result<u64> {
    /// let counts: Vec<u64> = ctx.children().await?.results::<Count>()?;
    /// # Ok(counts.into_iter().sum())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the queue.
    pub async fn children(&self) -> Result<Children> {
        let records = match &self.queue {
            Some(queue) => queue.children(&self.lock.queue, &self.lock.id).await?,
            None => Vec::new(),
        };
        Ok(Children::new(self.lock.id.clone(), records))
    }

    /// Waits until the attempt should stop: it ran out of time, the job was cancelled or is in other hands, or the
    /// process stops.
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
