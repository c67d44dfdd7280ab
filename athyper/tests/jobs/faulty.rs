//! A queue whose calls fail, hang or lie when a test says so, and that counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use athyper::clock::Timestamp;
use athyper::jobs::{
    Added, Capabilities, ChildRecord, Claimed, Delivered, Delivery, Finish, Finished, JobAdministration, JobCounts,
    JobFilter, JobId, JobQueue, JobRecord, Lock, NewJob, QueueLimits, QueueName, Recovered, RecoveryPolicy, Take,
};
use athyper::schedule::ScheduleStore;
use athyper::sql::Tx;
use athyper::{Error, Result};

/// What goes wrong, and what was called.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// So many more calls of `take` fail.
    pub(crate) failing_takes: AtomicU32,
    /// So many more calls of `take` panic.
    pub(crate) panicking_takes: AtomicU32,
    /// So many more calls of `finish` fail.
    pub(crate) failing_finishes: AtomicU32,
    /// So many more questions for limits fail.
    pub(crate) failing_limits: AtomicU32,
    /// Takes never answer.
    pub(crate) hanging_takes: AtomicBool,
    /// Renewing answers that every lock is lost.
    pub(crate) lost_locks: AtomicBool,
    /// Renewing fails.
    pub(crate) failing_renewals: AtomicBool,
    /// Renewing is answered and not done.
    pub(crate) idle_renewals: AtomicBool,
    pub(crate) adds: AtomicUsize,
    pub(crate) takes: AtomicUsize,
    pub(crate) finishes: AtomicUsize,
    pub(crate) renewals: AtomicUsize,
    in_flight: AtomicUsize,
    /// The most calls of `take` and `finish` of one kind that were under way at the same time.
    pub(crate) most_in_flight: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct FaultyQueue {
    pub(crate) inner: Arc<dyn JobQueue>,
    pub(crate) faults: Arc<Faults>,
}

/// Counts one down; `false` at zero.
fn one_more(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

fn away<T>() -> Result<T> {
    Err(Error::unavailable("the store is away"))
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl JobQueue for FaultyQueue {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        self.faults.adds.fetch_add(1, Ordering::SeqCst);
        self.inner.add(jobs).await
    }

    async fn add_in(&self, tx: &mut Tx, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        self.inner.add_in(tx, jobs).await
    }

    async fn deliver(&self, delivery: &Delivery, jobs: Vec<NewJob>) -> Result<Delivered> {
        self.inner.deliver(delivery, jobs).await
    }

    async fn take(&self, request: &Take) -> Result<Vec<Claimed>> {
        self.faults.takes.fetch_add(1, Ordering::SeqCst);
        let now = self.faults.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.faults.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let _ends = Ends(&self.faults.in_flight);
        if self.faults.hanging_takes.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if one_more(&self.faults.panicking_takes) {
            panic!("an adapter with a defect");
        }
        if one_more(&self.faults.failing_takes) {
            return away();
        }
        self.inner.take(request).await
    }

    async fn finish(&self, outcomes: Vec<Finish>, next: Option<&Take>) -> Result<Finished> {
        self.faults.finishes.fetch_add(1, Ordering::SeqCst);
        if one_more(&self.faults.failing_finishes) {
            return away();
        }
        self.inner.finish(outcomes, next).await
    }

    async fn renew(&self, locks: &[Lock], lock_for: Duration) -> Result<Vec<Lock>> {
        self.faults.renewals.fetch_add(1, Ordering::SeqCst);
        if self.faults.lost_locks.load(Ordering::SeqCst) {
            return Ok(locks.to_vec());
        }
        if self.faults.failing_renewals.load(Ordering::SeqCst) {
            return away();
        }
        if self.faults.idle_renewals.load(Ordering::SeqCst) {
            return Ok(Vec::new());
        }
        self.inner.renew(locks, lock_for).await
    }

    async fn record_progress(&self, lock: &Lock, progress: bytes::Bytes) -> Result<()> {
        self.inner.record_progress(lock, progress).await
    }

    async fn append_log(&self, lock: &Lock, row: String) -> Result<()> {
        self.inner.append_log(lock, row).await
    }

    async fn record_checkpoint(&self, lock: &Lock, checkpoint: bytes::Bytes) -> Result<()> {
        self.inner.record_checkpoint(lock, checkpoint).await
    }

    async fn cancelled(&self, queue: &QueueName) -> Result<Vec<Lock>> {
        self.inner.cancelled(queue).await
    }

    async fn recover(&self, queue: &QueueName, policy: RecoveryPolicy) -> Result<Vec<Recovered>> {
        self.inner.recover(queue, policy).await
    }

    async fn release_parked(&self, queue: &QueueName, kinds: &[String]) -> Result<u64> {
        self.inner.release_parked(queue, kinds).await
    }

    fn schedules(&self) -> &dyn ScheduleStore {
        self.inner.schedules()
    }
}

struct Ends<'a>(&'a AtomicUsize);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl JobAdministration for FaultyQueue {
    async fn queues(&self) -> Result<Vec<QueueName>> {
        self.inner.queues().await
    }

    async fn counts(&self, queue: &QueueName) -> Result<JobCounts> {
        self.inner.counts(queue).await
    }

    async fn get(&self, queue: &QueueName, id: &JobId) -> Result<Option<JobRecord>> {
        self.inner.get(queue, id).await
    }

    async fn children(&self, queue: &QueueName, id: &JobId) -> Result<Vec<ChildRecord>> {
        self.inner.children(queue, id).await
    }

    async fn list(&self, queue: &QueueName, filter: &JobFilter) -> Result<Vec<JobRecord>> {
        self.inner.list(queue, filter).await
    }

    async fn remove(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.inner.remove(queue, id).await
    }

    async fn retry(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.inner.retry(queue, id).await
    }

    async fn promote(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.inner.promote(queue, id).await
    }

    async fn logs(&self, queue: &QueueName, id: &JobId) -> Result<Vec<String>> {
        self.inner.logs(queue, id).await
    }

    async fn cancel(&self, queue: &QueueName, id: &JobId) -> Result<()> {
        self.inner.cancel(queue, id).await
    }

    async fn pause(&self, queue: &QueueName) -> Result<()> {
        self.inner.pause(queue).await
    }

    async fn resume(&self, queue: &QueueName) -> Result<()> {
        self.inner.resume(queue).await
    }

    async fn is_paused(&self, queue: &QueueName) -> Result<bool> {
        self.inner.is_paused(queue).await
    }

    async fn limits(&self, queue: &QueueName) -> Result<QueueLimits> {
        if one_more(&self.faults.failing_limits) { away() } else { self.inner.limits(queue).await }
    }

    async fn set_limits(&self, queue: &QueueName, limits: &QueueLimits) -> Result<()> {
        self.inner.set_limits(queue, limits).await
    }

    async fn next_due(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        self.inner.next_due(queue).await
    }

    async fn oldest_waiting(&self, queue: &QueueName) -> Result<Option<Timestamp>> {
        self.inner.oldest_waiting(queue).await
    }

    async fn ping(&self) -> Result<()> {
        self.inner.ping().await
    }
}
