//! The job queue in the process's memory: for tests and for work that may be lost.

mod administration;
mod entry;
mod flows;
mod schedules;
mod shelf;
mod store;
mod turns;
mod usage;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::{Either, select};
use tokio::sync::Notify;

use self::entry::Entry;
use self::store::{Reading, Store};
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::error::{Error, Result};
use crate::foundation::jobs::{
    Added, Capabilities, Claimed, Delivered, Delivery, Finish, Finished, JobQueue, LOG_ROWS, Lock, NewJob, QueueName,
    Recovered, RecoveryPolicy, ScheduleStore, Take,
};
use crate::foundation::sql::Tx;

/// A job queue in the process's memory: everything is lost when the process ends.
pub struct MemoryJobQueue {
    clock: Arc<dyn Clock>,
    store: Mutex<Store>,
    /// Told whenever a job may have become takeable.
    changed: Notify,
}

impl MemoryJobQueue {
    /// An empty queue that compares due times and locks with `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, store: Mutex::default(), changed: Notify::new() }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A panic inside leaves at worst one operation half done; the next one is better served by going on.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading(&self) -> Reading {
        Reading { wall: self.clock.now(), since_boot: self.clock.since_boot() }
    }

    /// Writes to the entry of a job that is held.
    fn write(&self, lock: &Lock, write: impl FnOnce(&mut Entry)) -> Result<()> {
        match self.store().held(lock) {
            Some(entry) => {
                write(entry);
                Ok(())
            }
            None => Err(lock.lost()),
        }
    }

    /// Runs a change and wakes whoever waits for jobs.
    fn change<T>(&self, change: impl FnOnce(&mut Store, Reading) -> T) -> T {
        let now = self.reading();
        let answer = change(&mut self.store(), now);
        self.changed.notify_waiters();
        answer
    }
}

impl fmt::Debug for MemoryJobQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryJobQueue").finish_non_exhaustive()
    }
}

/// How long a waiting taker relies on its reading of the wall clock while a job is delayed: the wall clock may jump.
const LONGEST_NAP: Duration = Duration::from_secs(1);

#[async_trait]
impl JobQueue for MemoryJobQueue {
    fn capabilities(&self) -> Capabilities {
        Capabilities::VOLATILE
    }

    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<Added>> {
        self.change(|store, now| store.add(jobs, now))
    }

    async fn add_in(&self, _: &mut Tx, _: Vec<NewJob>) -> Result<Vec<Added>> {
        Err(Error::configuration(
            "the job queue in memory takes no part in transactions of a database: \
             keep the jobs in the same database (`jobs.url`), or enqueue after the commit",
        )
        .with_code("job-other-store"))
    }

    async fn deliver(&self, delivery: &Delivery, jobs: Vec<NewJob>) -> Result<Delivered> {
        self.change(|store, now| store.deliver(delivery, jobs, now))
    }

    async fn take(&self, request: &Take) -> Result<Vec<Claimed>> {
        let deadline = self.clock.since_boot().saturating_add(request.wait);
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            // Before looking, so that a job added between looking and waiting is not missed.
            changed.as_mut().enable();
            let now = self.reading();
            let next_due = {
                let mut store = self.store();
                let claimed = store.take(request, now);
                if !claimed.is_empty() || request.max == 0 || now.since_boot >= deadline {
                    return Ok(claimed);
                }
                store.look_again(&request.queue, now.wall)
            };
            let nap = next_due.map(|due| until(now.wall, due).min(LONGEST_NAP));
            let wake = nap.map_or(deadline, |nap| deadline.min(now.since_boot.saturating_add(nap)));
            match select(changed, self.clock.sleep_until(wake)).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        }
    }

    async fn finish(&self, outcomes: Vec<Finish>, next: Option<&Take>) -> Result<Finished> {
        Ok(self.change(|store, now| {
            let verdicts = store.finish(outcomes, now);
            let next = next.map(|request| store.take(request, now)).unwrap_or_default();
            Finished { verdicts, next }
        }))
    }

    async fn renew(&self, locks: &[Lock], lock_for: Duration) -> Result<Vec<Lock>> {
        let now = self.reading();
        Ok(self.store().renew(locks, lock_for, now))
    }

    async fn record_progress(&self, lock: &Lock, progress: Bytes) -> Result<()> {
        self.write(lock, |entry| entry.record.progress = Some(progress))
    }

    async fn record_checkpoint(&self, lock: &Lock, checkpoint: Bytes) -> Result<()> {
        self.write(lock, |entry| entry.record.checkpoint = Some(checkpoint))
    }

    async fn append_log(&self, lock: &Lock, row: String) -> Result<()> {
        self.write(lock, |entry| {
            entry.logs.push_back(row);
            let beyond = entry.logs.len().saturating_sub(LOG_ROWS);
            entry.logs.drain(..beyond);
        })
    }

    async fn cancelled(&self, queue: &QueueName) -> Result<Vec<Lock>> {
        Ok(self.store().cancelled(queue))
    }

    async fn recover(&self, queue: &QueueName, policy: RecoveryPolicy) -> Result<Vec<Recovered>> {
        Ok(self.change(|store, now| store.recover(queue, policy, now)))
    }

    async fn release_parked(&self, queue: &QueueName, kinds: &[String]) -> Result<u64> {
        Ok(self.change(|store, now| store.release_parked(queue, kinds, now)))
    }

    fn schedules(&self) -> &dyn ScheduleStore {
        self
    }
}

/// How long from one instant to a later one.
fn until(from: Timestamp, to: Timestamp) -> Duration {
    (to - from).to_std().unwrap_or_default()
}
