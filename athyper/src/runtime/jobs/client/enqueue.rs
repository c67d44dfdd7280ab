//! One job on its way into the queue.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::draft::Draft;
use super::options::shared_options;
use super::{JobHandle, Jobs, no_answer};
use crate::foundation::error::Result;
use crate::foundation::jobs::{JobId, Unique};
use crate::foundation::sql::Tx;

/// One job on its way into the queue; nothing happens until it is awaited.
#[must_use = "a job is enqueued only when this is awaited"]
#[derive(Debug)]
pub struct Enqueue<'a, J> {
    pub(super) jobs: &'a Jobs,
    pub(super) tx: Option<&'a mut Tx>,
    pub(super) draft: Draft,
    pub(super) payload: PhantomData<fn() -> J>,
}

impl<'a, J> Enqueue<'a, J> {
    shared_options!();

    /// Enqueues at most one job with this key within `period`; a second one is answered with the first one's handle.
    ///
    /// The key is unique within the queue.
    pub fn unique(mut self, key: impl Into<String>, period: Duration) -> Self {
        self.draft.unique = Some(Unique { key: key.into(), period });
        self
    }

    /// Names the job. A second job with the id of one that the queue still holds is answered with that one, so that a
    /// producer may repeat an enqueue of which it does not know whether it arrived.
    pub fn id(mut self, id: impl Into<JobId>) -> Self {
        self.draft.id = Some(id.into());
        self
    }

    /// Enqueues it inside a transaction: it exists once that commits, or never.
    ///
    /// Inside `db.transaction(…, async |tx| …)` write `.in_tx(tx)`.
    pub fn in_tx<'t>(self, tx: &'t mut Tx) -> Enqueue<'t, J>
    where
        'a: 't,
    {
        Enqueue { jobs: self.jobs, tx: Some(tx), draft: self.draft, payload: PhantomData }
    }
}

impl<'a, J> IntoFuture for Enqueue<'a, J> {
    type Output = Result<JobHandle<J>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    /// # Errors
    /// `Invalid` when the payload cannot be encoded or an option means nothing; `Configuration` when the queue takes no
    /// part in the transaction; those of the queue, such as `Unavailable`.
    fn into_future(self) -> Self::IntoFuture {
        let job = self.draft.into_job(self.jobs);
        Box::pin(async move {
            let job = job?;
            let (queue, keep) = (job.envelope.queue.clone(), job.envelope.options.keep_completed);
            let added = self.jobs.add(vec![job], self.tx).await?.pop().ok_or_else(no_answer)?;
            Ok(JobHandle::new(self.jobs, queue, added, keep))
        })
    }
}
