//! A job queue whose schedules are kept by somebody else: for stores with a fault.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use athyper::Result;
use athyper::clock::Timestamp;
use athyper::jobs::{
    Added, Capabilities, ChildRecord, Claimed, Delivered, Delivery, Finish, Finished, JobAdministration, JobCounts,
    JobFilter, JobId, JobQueue, JobRecord, Lock, NewJob, QueueLimits, QueueName, Recovered, RecoveryPolicy, Take,
};
use athyper::private::Bytes;
use athyper::schedule::{Fire, Fired, ScheduleRecord, ScheduleStore};
use athyper::sql::Tx;

/// What a decorated store does differently; whatever it does not name goes to the real one.
#[async_trait]
pub(crate) trait ScheduleStoreDecorator: Send + Sync + std::fmt::Debug {
    async fn declare(
        &self,
        real: &dyn JobQueue,
        epoch: u64,
        since: Timestamp,
        now: Timestamp,
        schedules: &[(String, String)],
    ) -> Result<bool> {
        real.schedules().declare(epoch, since, now, schedules).await
    }

    async fn fire(&self, real: &dyn JobQueue, fire: Fire) -> Result<Fired> {
        real.schedules().fire(fire).await
    }
}

/// A queue with a decorated schedule store.
#[derive(Debug)]
pub(crate) struct Decorated<D> {
    pub(crate) real: Arc<dyn JobQueue>,
    pub(crate) decorator: D,
}

#[async_trait]
impl<D: ScheduleStoreDecorator> ScheduleStore for Decorated<D> {
    async fn declare(
        &self,
        epoch: u64,
        since: Timestamp,
        now: Timestamp,
        schedules: &[(String, String)],
    ) -> Result<bool> {
        self.decorator.declare(&*self.real, epoch, since, now, schedules).await
    }

    async fn records(&self) -> Result<Vec<ScheduleRecord>> {
        self.real.schedules().records().await
    }

    async fn fire(&self, fire: Fire) -> Result<Fired> {
        self.decorator.fire(&*self.real, fire).await
    }
}

#[async_trait]
impl<D: ScheduleStoreDecorator + 'static> JobQueue for Decorated<D> {
    fn capabilities(&self) -> Capabilities {
        self.real.capabilities()
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        self.real.add(jobs).await
    }

    async fn add_in(&self, tx: &mut Tx, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        self.real.add_in(tx, jobs).await
    }

    async fn deliver(&self, delivery: &Delivery, jobs: Vec<NewJob>) -> Result<Delivered> {
        self.real.deliver(delivery, jobs).await
    }

    async fn take(&self, request: &Take) -> Result<Vec<Claimed>> {
        self.real.take(request).await
    }

    async fn finish(&self, outcomes: Vec<Finish>, next: Option<&Take>) -> Result<Finished> {
        self.real.finish(outcomes, next).await
    }

    async fn renew(&self, locks: &[Lock], lock_for: Duration) -> Result<Vec<Lock>> {
        self.real.renew(locks, lock_for).await
    }

    async fn record_progress(&self, lock: &Lock, progress: Bytes) -> Result<()> {
        self.real.record_progress(lock, progress).await
    }

    async fn append_log(&self, lock: &Lock, row: String) -> Result<()> {
        self.real.append_log(lock, row).await
    }

    async fn record_checkpoint(&self, lock: &Lock, checkpoint: Bytes) -> Result<()> {
        self.real.record_checkpoint(lock, checkpoint).await
    }

    async fn cancelled(&self, queue: &QueueName) -> Result<Vec<Lock>> {
        self.real.cancelled(queue).await
    }

    async fn recover(&self, queue: &QueueName, policy: RecoveryPolicy) -> Result<Vec<Recovered>> {
        self.real.recover(queue, policy).await
    }

    async fn release_parked(&self, queue: &QueueName, kinds: &[String]) -> Result<u64> {
        self.real.release_parked(queue, kinds).await
    }

    fn schedules(&self) -> &dyn ScheduleStore {
        self
    }
}

#[async_trait]
impl<D: ScheduleStoreDecorator + 'static> JobAdministration for Decorated<D> {
    async fn queues(&self) -> Result<Vec<QueueName>> {
        self.real.queues().await
    }

    async fn counts(&self, queue: &QueueName) -> Result<JobCounts> {
        self.real.counts(queue).await
    }

    async fn get(&self, queue: &QueueName, id: &JobId) -> Result<Option<JobRecord>> {
        self.real.get(queue, id).await
    }

    async fn children(&self, queue: &QueueName, id: &JobId) -> Result<Vec<ChildRecord>> {
        self.real.children(queue, id).await
    }

    async fn list(&self, queue: &QueueName, filter: &JobFilter) -> Result<Vec<JobRecord>> {
        self.real.list(queue, filter).await
    }

    async fn remove(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.real.remove(queue, id).await
    }

    async fn retry(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.real.retry(queue, id).await
    }

    async fn promote(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.real.promote(queue, id).await
    }

    async fn pause(&self, queue: &QueueName) -> Result<()> {
        self.real.pause(queue).await
    }

    async fn resume(&self, queue: &QueueName) -> Result<()> {
        self.real.resume(queue).await
    }

    async fn is_paused(&self, queue: &QueueName) -> Result<bool> {
        self.real.is_paused(queue).await
    }

    async fn logs(&self, queue: &QueueName, id: &JobId) -> Result<Vec<String>> {
        self.real.logs(queue, id).await
    }

    async fn cancel(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.real.cancel(queue, id).await
    }

    async fn limits(&self, queue: &QueueName) -> Result<QueueLimits> {
        self.real.limits(queue).await
    }

    async fn set_limits(&self, queue: &QueueName, limits: &QueueLimits) -> Result<()> {
        self.real.set_limits(queue, limits).await
    }

    async fn next_due(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        self.real.next_due(queue).await
    }

    async fn oldest_waiting(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        self.real.oldest_waiting(queue).await
    }

    async fn ping(&self) -> Result<()> {
        self.real.ping().await
    }
}
