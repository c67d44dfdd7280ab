//! Keeps the locks of running jobs alive, on a thread of its own.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::cancellation::{Cancellation, Reason};
use super::super::link::Link;
use crate::foundation::clock::ClockExt;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::jobs::{Lock, QueueName};

struct Held {
    cancellation: Arc<Cancellation>,
    /// By this clock the lock is good at least until then.
    good_until: Duration,
}

type Table = Arc<Mutex<HashMap<Lock, Held>>>;

fn open(table: &Table) -> MutexGuard<'_, HashMap<Lock, Held>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The locks of running jobs. A thread with a runtime of its own renews them, so that a handler that blocks its thread,
/// or every thread of the product's runtime, keeps its job.
pub(super) struct Locks {
    table: Table,
    stop: CancellationToken,
    lock_for: Duration,
    link: Arc<Link>,
}

impl Locks {
    /// Starts the thread.
    pub(super) fn start(link: Arc<Link>, lock_for: Duration) -> Result<Self> {
        let locks = Self { table: Table::default(), stop: CancellationToken::new(), lock_for, link };
        let renewal = Renewal { table: locks.table.clone(), link: locks.link.clone(), lock_for };
        let watch = CancelWatch { table: locks.table.clone(), link: locks.link.clone() };
        let stop = locks.stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| thread_error(error, "the runtime that renews the locks of jobs cannot start"))?;
        std::thread::Builder::new()
            .name("athyper-job-locks".to_owned())
            .spawn(move || {
                runtime.block_on(stop.run_until_cancelled(async { tokio::join!(renewal.run(), watch.run()) }))
            })
            .map_err(|error| thread_error(error, "the thread that renews the locks of jobs cannot start"))?;
        Ok(locks)
    }

    /// Keeps a lock alive until the guard is dropped.
    pub(super) fn hold(&self, lock: Lock, cancellation: Arc<Cancellation>) -> HeldLock {
        let good_until = self.link.clock.since_boot().saturating_add(self.lock_for);
        open(&self.table).insert(lock.clone(), Held { cancellation, good_until });
        HeldLock { table: self.table.clone(), lock }
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Locks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Locks").field("held", &open(&self.table).len()).finish_non_exhaustive()
    }
}

fn thread_error(error: std::io::Error, message: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, message).with_source(error)
}

/// A lock that is kept alive; dropping it lets the lock run out.
pub(super) struct HeldLock {
    table: Table,
    lock: Lock,
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        open(&self.table).remove(&self.lock);
    }
}

struct Renewal {
    table: Table,
    link: Arc<Link>,
    lock_for: Duration,
}

impl Renewal {
    async fn run(self) {
        let interval = self.lock_for / 3;
        let mut pause = interval;
        loop {
            self.link.clock.sleep(pause).await;
            let locks: Vec<Lock> = open(&self.table).keys().cloned().collect();
            pause = interval;
            if !locks.is_empty() && !self.renew(&locks, interval).await {
                // Soon again: two renewals are missed before a lock runs out, and an outage may be short.
                pause = (interval / 8).min(Duration::from_secs(1));
            }
        }
    }

    /// Renews once; `false` when the store did not answer.
    async fn renew(&self, locks: &[Lock], limit: Duration) -> bool {
        let clock = &self.link.clock;
        let asked = clock.since_boot();
        let answer = clock.timeout(limit, self.link.queue.renew(locks, self.lock_for)).await;
        let answer = answer.unwrap_or_else(|| Err(Error::new(ErrorKind::Timeout, "no answer in time")));
        let mut table = open(&self.table);
        match answer {
            Ok(lost) => {
                for lock in locks {
                    if let Some(held) = table.get_mut(lock) {
                        held.good_until = asked.saturating_add(self.lock_for);
                    }
                }
                for lock in lost {
                    if let Some(held) = table.get(&lock) {
                        tracing::warn!(queue = %lock.queue, id = %lock.id, lock = lock.token, "a job was lost to another worker");
                        held.cancellation.fire(Reason::LostLock);
                    }
                }
                true
            }
            Err(error) => {
                tracing::warn!(jobs = locks.len(), error = %error.report(), "the locks of running jobs could not be renewed");
                let now = clock.since_boot();
                for held in table.values().filter(|held| held.good_until <= now) {
                    held.cancellation.fire(Reason::LostLock);
                }
                false
            }
        }
    }
}

/// How soon a running job hears that it was cancelled. While none runs nobody asks.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Looks for running jobs that were cancelled.
struct CancelWatch {
    table: Table,
    link: Arc<Link>,
}

impl CancelWatch {
    async fn run(self) {
        loop {
            self.link.clock.sleep(WATCH_EVERY).await;
            let queues: BTreeSet<QueueName> = open(&self.table).keys().map(|lock| lock.queue.clone()).collect();
            for queue in queues {
                // A store that does not answer is what others say already; it is asked again.
                let asked = self.link.clock.timeout(WATCH_EVERY * 5, self.link.queue.cancelled(&queue)).await;
                for lock in asked.and_then(Result::ok).unwrap_or_default() {
                    if let Some(held) = open(&self.table).get(&lock) {
                        held.cancellation.fire(Reason::Cancelled);
                    }
                }
            }
        }
    }
}
