//! A job that was enqueued, as seen by whoever enqueued it.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::future::select;

use super::super::link::Link;
use super::{Jobs, outbox};
use crate::foundation::clock::{Clock, ClockExt};
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{Added, CANCELLED, Job, JobId, JobRecord, JobState, QueueName, Retention};

/// A job that was enqueued, as seen by whoever enqueued it.
pub struct JobHandle<J> {
    link: Arc<Link>,
    queue: QueueName,
    id: JobId,
    duplicate: bool,
    keep: Retention,
    /// The message of the outbox that it travels in, if it was not put into its queue at once.
    message: Option<Arc<str>>,
    payload: PhantomData<fn() -> J>,
}

impl<J> JobHandle<J> {
    pub(super) fn new(jobs: &Jobs, queue: QueueName, added: Added, keep: Retention, message: Option<Arc<str>>) -> Self {
        let Added { id, duplicate } = added;
        Self { link: jobs.link.clone(), queue, id, duplicate, keep, message, payload: PhantomData }
    }

    /// The job's id: that of the earlier job when this one is its [duplicate](Self::duplicate).
    #[must_use]
    pub fn id(&self) -> &JobId {
        &self.id
    }

    /// The queue it waits in.
    #[must_use]
    pub fn queue(&self) -> &QueueName {
        &self.queue
    }

    /// Whether an earlier job with the same id or unique key stands for it. Of a job that goes through the outbox that is not known
    /// when it is enqueued, and this is `false`; if there is one, no job will have this [id](Self::id) when it is moved.
    #[must_use]
    pub fn duplicate(&self) -> bool {
        self.duplicate
    }

    /// How long the result can be asked for once the job is done: an age, and a number of later jobs of the queue. Both
    /// bounds hold at once.
    #[must_use]
    pub fn result_lasts(&self) -> Retention {
        self.keep
    }

    /// Where it stands; `None` once the queue holds it no more. A job that is still in the outbox is waiting or delayed, or has
    /// failed if the queue refused it; before its transaction has committed there is none.
    ///
    /// # Errors
    /// Those of the queue.
    pub async fn state(&self) -> Result<Option<JobState>> {
        Ok(self.record().await?.map(|record| record.state))
    }

    /// Cancels the job. In nobody's hands it fails at once; one that runs is asked to stop, within about a second, and fails
    /// unless it completes all the same.
    ///
    /// # Errors
    /// `NotFound` when the queue holds it no more, `Conflict` when it has ended, `Unavailable` with the code `job-in-outbox` while
    /// it is on its way to the queue, and those of the queue.
    pub async fn cancel(&self) -> Result<()> {
        match self.link.queue.cancel(&self.queue, &self.id).await {
            Err(error) if error.kind() == ErrorKind::NotFound && self.message.is_some() => {
                return Err(if self.record().await?.is_some() { not_there_yet(self) } else { error });
            }
            outcome => outcome?,
        }
        self.link.finished.notify_waiters();
        Ok(())
    }

    /// What its attempts [logged](crate::jobs::JobContext::log), oldest row first.
    ///
    /// # Errors
    /// `NotFound` when the queue holds it no more, and those of the queue.
    pub async fn logs(&self) -> Result<Vec<String>> {
        self.link.queue.logs(&self.queue, &self.id).await
    }

    /// Everything the queue knows about it; `None` once it holds it no more.
    ///
    /// # Errors
    /// Those of the queue.
    pub async fn record(&self) -> Result<Option<JobRecord>> {
        outbox::find(&self.link, &self.queue, &self.id, self.message.as_deref()).await
    }
}

impl<J: Job> JobHandle<J> {
    /// Waits until the job is done and answers with what its handler returned. It waits without end unless told
    /// [`within`](AwaitResult::within).
    ///
    /// A result lasts as long as [`result_lasts`](Self::result_lasts) says; afterwards this is an error.
    pub fn result(&self) -> AwaitResult<'_, J> {
        AwaitResult { handle: self, within: None }
    }
}

impl<J> Clone for JobHandle<J> {
    fn clone(&self) -> Self {
        let (link, queue, id) = (self.link.clone(), self.queue.clone(), self.id.clone());
        Self { link, queue, id, message: self.message.clone(), ..*self }
    }
}

impl<J> fmt::Debug for JobHandle<J> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JobHandle")
            .field("queue", &self.queue)
            .field("id", &self.id)
            .field("duplicate", &self.duplicate)
            .finish_non_exhaustive()
    }
}

/// The wait for a job's result.
#[must_use = "nothing waits until this is awaited"]
#[derive(Debug)]
pub struct AwaitResult<'a, J> {
    handle: &'a JobHandle<J>,
    within: Option<Duration>,
}

impl<J> AwaitResult<'_, J> {
    /// Waits no longer than `duration`.
    pub fn within(mut self, duration: Duration) -> Self {
        self.within = Some(duration);
        self
    }
}

impl<'a, J: Job> IntoFuture for AwaitResult<'a, J> {
    type Output = Result<J::Output>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    /// # Errors
    /// With the code `job-failed` when the job failed for good (kind `Internal`), `job-cancelled` when it was cancelled
    /// (`Cancelled`), `job-gone` when it was removed or its
    /// result has expired (`NotFound`), `job-result-timeout` (`Timeout`), `job-result` when the result is not of the
    /// expected type (`Invalid`); and those of the queue.
    ///
    /// # Cancel safety
    /// Dropping the future only ends the wait.
    fn into_future(self) -> Self::IntoFuture {
        let Self { handle, within } = self;
        Box::pin(async move {
            let result = match within {
                None => wait_for_result(handle).await?,
                Some(limit) => handle.link.clock.timeout(limit, wait_for_result(handle)).await.ok_or_else(|| {
                    let message = format!("job {} has no result after {limit:?}", handle.id);
                    Error::new(ErrorKind::Timeout, message).with_code("job-result-timeout")
                })??,
            };
            serde_json::from_slice(&result).map_err(|error| {
                Error::invalid(format!("the result of job {} is not of the expected type: {error}", handle.id))
                    .with_code("job-result")
                    .with_source(error)
            })
        })
    }
}

/// The first wait between two looks at a job that another process may run; doubled up to the last.
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LAST_LOOK: Duration = Duration::from_secs(1);

async fn wait_for_result<J>(handle: &JobHandle<J>) -> Result<bytes::Bytes> {
    let clock: &dyn Clock = &*handle.link.clock;
    let mut pause = FIRST_LOOK;
    loop {
        let finished = handle.link.finished.notified();
        let mut finished = std::pin::pin!(finished);
        // Before looking, so that an end between looking and waiting is not missed.
        finished.as_mut().enable();
        match handle.record().await? {
            None => return Err(gone(handle)),
            Some(record) => match (record.state, record.result) {
                (JobState::Completed, result) => {
                    return result.ok_or_else(|| Error::internal(format!("job {} has no result", handle.id)));
                }
                (JobState::Failed, _) => return Err(failed(handle, record.error)),
                _ => {}
            },
        }
        let nap = std::pin::pin!(clock.sleep(pause));
        select(finished, nap).await;
        pause = (pause * 2).min(LAST_LOOK);
    }
}

fn not_there_yet<J>(handle: &JobHandle<J>) -> Error {
    Error::unavailable(format!(
        "job {} is in the outbox, and not in queue `{}` yet: cancel it once it was moved",
        handle.id, handle.queue
    ))
    .with_code("job-in-outbox")
}

fn gone<J>(handle: &JobHandle<J>) -> Error {
    let Retention { count, age } = handle.keep;
    Error::not_found(format!(
        "queue `{}` has no job {}: it was removed, or it finished and was kept only for {age:?} and among the last {count}",
        handle.queue, handle.id
    ))
    .with_code("job-gone")
}

fn failed<J>(handle: &JobHandle<J>, error: Option<String>) -> Error {
    if error.as_deref() == Some(CANCELLED) {
        return Error::new(ErrorKind::Cancelled, format!("job {} was cancelled", handle.id)).with_code("job-cancelled");
    }
    let reason = error.unwrap_or_else(|| "no reason is recorded".to_owned());
    Error::internal(format!("job {} failed: {reason}", handle.id)).with_code("job-failed")
}
