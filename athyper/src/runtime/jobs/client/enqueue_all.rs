//! Many jobs of one kind on their way into the queue.

use std::future::IntoFuture;
use std::marker::PhantomData;

use bytes::Bytes;
use futures_core::future::BoxFuture;

use super::draft::Draft;
use super::options::shared_options;
use super::{JobHandle, Jobs};
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::NewJob;
use crate::foundation::sql::Tx;

/// How many jobs travel in one round trip.
const BATCH: usize = 1_000;

/// Many jobs of one kind on their way into the queue; nothing happens until it is awaited.
///
/// Each batch of 1,000 arrives whole or not at all; inside a transaction all of them do.
#[must_use = "jobs are enqueued only when this is awaited"]
#[derive(Debug)]
pub struct EnqueueAll<'a, J> {
    jobs: &'a Jobs,
    tx: Option<&'a mut Tx>,
    draft: Draft,
    encoded: Result<Vec<Bytes>>,
    payload: PhantomData<fn() -> J>,
}

impl<'a, J> EnqueueAll<'a, J> {
    pub(super) fn new(jobs: &'a Jobs, draft: Draft, encoded: Result<Vec<Bytes>>) -> Self {
        Self { jobs, tx: None, draft, encoded, payload: PhantomData }
    }

    shared_options!();

    /// Enqueues them inside a transaction: they exist once that commits, or never.
    pub fn in_tx<'t>(self, tx: &'t mut Tx) -> EnqueueAll<'t, J>
    where
        'a: 't,
    {
        EnqueueAll { jobs: self.jobs, tx: Some(tx), draft: self.draft, encoded: self.encoded, payload: PhantomData }
    }
}

impl<'a, J: 'static> IntoFuture for EnqueueAll<'a, J> {
    type Output = Result<Vec<JobHandle<J>>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    /// # Errors
    /// Those of [`Enqueue`](super::Enqueue). When a later batch fails outside of a transaction the message says how many
    /// jobs were enqueued before it.
    fn into_future(self) -> Self::IntoFuture {
        let keep = self.draft.options.keep_completed;
        let jobs = self.encoded.and_then(|encoded| self.draft.into_jobs(encoded, self.jobs));
        Box::pin(enqueue_batches(self.jobs, self.tx, jobs, keep))
    }
}

async fn enqueue_batches<J>(
    client: &Jobs,
    mut tx: Option<&mut Tx>,
    jobs: Result<Vec<NewJob>>,
    keep: crate::foundation::jobs::Retention,
) -> Result<Vec<JobHandle<J>>> {
    let jobs = jobs?;
    let total = jobs.len();
    let mut handles = Vec::with_capacity(total);
    let mut jobs = jobs.into_iter();
    loop {
        let batch: Vec<NewJob> = jobs.by_ref().take(BATCH).collect();
        let Some(first) = batch.first() else { return Ok(handles) };
        let queue = first.envelope.queue.clone();
        let enqueued =
            client.add(batch, tx.as_deref_mut()).await.map_err(|error| progress(error, handles.len(), total))?;
        let handle = |added| JobHandle::new(client, queue.clone(), added, keep, enqueued.message.clone());
        handles.extend(enqueued.added.into_iter().map(handle));
    }
}

fn progress(error: Error, enqueued: usize, total: usize) -> Error {
    if enqueued == 0 { error } else { error.context(format!("{enqueued} of {total} jobs were enqueued before this")) }
}
