//! The typed client: enqueue a payload, wait for its result.

mod draft;
mod enqueue;
mod enqueue_all;
mod handle;
mod options;
mod outbox;

pub use enqueue::Enqueue;
pub use enqueue_all::EnqueueAll;
pub use handle::{AwaitResult, JobHandle};

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use self::draft::Draft;
use self::outbox::Enqueued;
use super::link::Link;
use super::payload::encode;
use super::{JobDescriptor, JobRegistry};
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::error::Result;
use crate::foundation::jobs::{Added, Job, JobAdministration, JobId, JobQueue, NewJob};
use crate::foundation::outbox::Outbox;
use crate::foundation::sql::Tx;

/// Enqueues jobs: the payload type says which handler, queue and options are meant.
///
/// ```
/// # use std::sync::Arc;
/// # use std::time::Duration;
/// # use athyper::jobs::{Job, Jobs, Priority};
/// # async fn example<Welcome: Job + Clone>(jobs: Arc<Jobs>, welcome: Welcome) -> athyper::Result<()> {
/// jobs.enqueue(welcome.clone()).await?;
/// jobs.enqueue(welcome.clone()).delay(Duration::from_secs(60)).priority(Priority::High).await?;
/// let handle = jobs.enqueue(welcome).unique("welcome:42", Duration::from_secs(3600)).await?;
/// let output = handle.result().await?;
/// # Ok(())
/// # }
/// ```
///
/// A job carries the [context](crate::context::current_context) of the request, job or tick that enqueued it: request id,
/// trace, tenant and principal; not the deadline, which is the request's own.
pub struct Jobs {
    pub(super) link: Arc<Link>,
    pub(super) registry: Arc<JobRegistry>,
    ids: Mutex<uuid::timestamp::context::ContextV7>,
}

impl Jobs {
    /// A client of `queue`. `registry` serves [`enqueue_named`](Self::enqueue_named); due times and ids are made with `clock`.
    #[must_use]
    pub fn new(queue: Arc<dyn JobQueue>, registry: Arc<JobRegistry>, clock: Arc<dyn Clock>) -> Self {
        let link = Arc::new(Link { queue, outbox: None, clock, finished: tokio::sync::Notify::new() });
        Self { link, registry, ids: Mutex::default() }
    }

    /// The same client with an outbox, for transactions that the queue takes no part in: what is enqueued in them is written
    /// there, and a relay moves it to the queue after the commit.
    #[must_use]
    pub fn with_outbox(self, outbox: Arc<dyn Outbox>) -> Self {
        let Link { queue, clock, .. } = &*self.link;
        let (queue, clock) = (Arc::clone(queue), Arc::clone(clock));
        let link = Link { queue, outbox: Some(outbox), clock, finished: tokio::sync::Notify::new() };
        Self { link: Arc::new(link), ..self }
    }

    /// Asks for the job's handler to run. Await what it returns, with options before that.
    pub fn enqueue<J: Job>(&self, payload: J) -> Enqueue<'_, J> {
        // Encoded here, where `J: Job` is known, so that awaiting needs no bound and a payload that is no job is one
        // compile error, not two.
        let draft = Draft::new(J::KIND.into(), J::VERSION, J::OPTIONS, encode("the payload", &payload));
        Enqueue { jobs: self, tx: None, draft, payload: PhantomData }
    }

    /// Asks for many jobs of one kind, with one round trip for each 1,000.
    pub fn enqueue_all<J: Job>(&self, payloads: impl IntoIterator<Item = J>) -> EnqueueAll<'_, J> {
        let encoded: Result<Vec<_>> = payloads.into_iter().map(|payload| encode("the payload", &payload)).collect();
        EnqueueAll::new(self, Draft::new(J::KIND.into(), J::VERSION, J::OPTIONS, Ok(bytes::Bytes::new())), encoded)
    }

    /// Asks for a job by its name on the wire (`kind`, or `queue/kind`) with its payload as JSON; for command lines and
    /// administration.
    ///
    /// # Errors
    /// `NotFound` when no handler has the name, `Invalid` when the JSON is no payload of it, and those of the queue.
    pub async fn enqueue_named(&self, name: &str, payload: &str) -> Result<Added> {
        let job = self.registry.find(name)?;
        self.enqueue_descriptor(job, payload.as_bytes()).await
    }

    async fn enqueue_descriptor(&self, job: &JobDescriptor, payload: &[u8]) -> Result<Added> {
        (job.check)(payload)?;
        let payload = bytes::Bytes::copy_from_slice(payload);
        let draft = Draft::new(job.kind.into(), job.version, job.options.clone(), Ok(payload));
        self.add(vec![draft.into_job(self)?], None).await?.added.pop().ok_or_else(no_answer)
    }

    /// The queue behind the client, for people and programs that look after it.
    #[must_use]
    pub fn administration(&self) -> &dyn JobAdministration {
        &*self.link.queue
    }

    /// The port behind the client.
    #[must_use]
    pub fn queue(&self) -> &Arc<dyn JobQueue> {
        &self.link.queue
    }

    /// The handlers that [`enqueue_named`](Self::enqueue_named) knows.
    #[must_use]
    pub fn registry(&self) -> &JobRegistry {
        &self.registry
    }

    fn new_id(&self, now: Timestamp) -> JobId {
        let ids = self.ids.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let timestamp = uuid::Timestamp::from_unix(&*ids, seconds, now.timestamp_subsec_nanos());
        JobId::from(uuid::Uuid::new_v7(timestamp).to_string())
    }

    async fn add(&self, jobs: Vec<NewJob>, tx: Option<&mut Tx>) -> Result<Enqueued> {
        let (queue, outbox) = (&self.link.queue, &self.link.outbox);
        let Some(tx) = tx else { return queue.add(jobs).await.map(Enqueued::there) };
        let Some(outbox) = outbox else { return queue.add_in(tx, jobs).await.map(Enqueued::there) };
        if queue.capabilities().transactional {
            match queue.add_in(tx, jobs.clone()).await {
                Err(error) if error.code() == "job-other-store" => {}
                outcome => return outcome.map(Enqueued::there),
            }
        }
        let message = self.new_id(self.link.clock.now()).to_string();
        outbox::write(&**outbox, tx, message, jobs).await
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Jobs").field("queue", &self.link.queue).finish_non_exhaustive()
    }
}

fn no_answer() -> crate::foundation::error::Error {
    crate::foundation::error::Error::internal("the job queue answered with fewer jobs than it was given")
}
