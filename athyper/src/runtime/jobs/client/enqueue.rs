//! One job on its way into the queue.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::draft::Draft;
use super::options::shared_options;
use super::{JobHandle, Jobs, no_answer};
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{ChildFailure, JobId, Unique};
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

    /// Adds a child, which is a job that has not been awaited: this one runs once it is done, and
    /// [reads what it returned](crate::jobs::JobContext::children).
    ///
    /// Children may be of any kind and queue, have any option but `in_tx`, and have children themselves. All of them are enqueued in
    /// one round trip, or none. A child without a context of its own is of its parent's.
    ///
    /// ```
    /// # use athyper::jobs::{Job, Jobs};
    /// # async fn example<Report: Job, Count: Job>(jobs: &Jobs, report: Report, one: Count, other: Count) -> athyper::Result<()> {
    /// let report = jobs.enqueue(report).child(jobs.enqueue(one).attempts(5)).child(jobs.enqueue(other)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn child<C>(mut self, child: Enqueue<'_, C>) -> Self {
        let mut draft = child.draft;
        if child.tx.is_some() {
            let message =
                "a child is enqueued by its parent: say `.in_tx` of the job that has no parent, for all of them";
            draft.wrong = Some(Error::invalid(message).with_code("job-options"));
        } else if !Arc::ptr_eq(&child.jobs.link, &self.jobs.link) {
            let message = "a child was made by another client than its parent, which may have another queue";
            draft.wrong = Some(Error::invalid(message).with_code("job-options"));
        }
        self.draft.children.push(draft);
        self
    }

    /// Adds [children](Self::child) in this order.
    pub fn children<'c, C>(self, children: impl IntoIterator<Item = Enqueue<'c, C>>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// What it means for the parent when this child has failed for good; without it, the parent fails as well.
    pub fn when_failed(mut self, then: ChildFailure) -> Self {
        self.draft.when_failed = Some(then);
        self
    }

    /// Enqueues it inside a transaction: it exists once that commits, or never.
    ///
    /// Inside `db.transaction(…, async |tx| …)` write `.in_tx(tx)`. Its children go with it.
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
    /// `Invalid` when the payload cannot be encoded or an option means nothing, and with the code `job-flow` or `job-flow-size`
    /// when children cannot be; `Conflict` with the code `job-flow-parent` when another parent that has not ended waits for a
    /// child; `Configuration` when the queue takes no part in the transaction; those of the queue, such as `Unavailable`.
    fn into_future(self) -> Self::IntoFuture {
        let flow = self.draft.into_flow(self.jobs);
        Box::pin(async move {
            let flow = flow?;
            let Some(root) = flow.first() else { return Err(no_answer()) };
            let (queue, keep) = (root.envelope.queue.clone(), root.envelope.options.keep_completed);
            let enqueued = self.jobs.add(flow, self.tx).await?;
            let added = enqueued.added.into_iter().next().ok_or_else(no_answer)?;
            Ok(JobHandle::new(self.jobs, queue, added, keep, enqueued.message))
        })
    }
}
