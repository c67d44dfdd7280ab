//! How a worker pool works.

use std::num::NonZeroU32;
use std::time::Duration;

/// How a worker pool works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Who works, for people who look at the queue.
    pub name: String,
    /// How many jobs of a queue run at once when none of its handlers says so.
    pub concurrency: NonZeroU32,
    /// For how long a job is held; renewed three times in that time. A worker that dies delays its jobs by this much.
    pub lock_for: Duration,
    /// How long one request for jobs waits before it is asked anew. It bounds how late a fault is noticed, not how fast a
    /// job is picked up.
    pub take_for: Duration,
    /// Jobs are taken before there is a slot for them as far as they will begin within this time, going by how long the last
    /// ones took. None are for a time of zero.
    pub take_ahead: Duration,
    /// How often jobs of silent workers are looked for.
    pub recover_every: Duration,
    /// How often a job may be taken back from a silent worker, in a row, before it counts as failed.
    pub max_stalls: u32,
    /// How long a handler that asked for [`cancelled`](crate::jobs::JobContext::cancelled) has to end by itself.
    pub cancel_grace: Duration,
    /// How long a parked job waits the first time, doubled up to [`park_at_most`](Self::park_at_most).
    pub park_for: Duration,
    /// How long a parked job waits at most before somebody looks again.
    pub park_at_most: Duration,
}

impl Default for WorkerSettings {
    /// Ten at once; locks of 30 seconds, silent workers looked for every 15; a job that stalls a third time fails.
    fn default() -> Self {
        Self {
            name: format!("worker-{}", std::process::id()),
            concurrency: const { NonZeroU32::new(10).expect("ten is not zero") },
            lock_for: Duration::from_secs(30),
            take_for: Duration::from_secs(5),
            take_ahead: Duration::from_millis(2),
            recover_every: Duration::from_secs(15),
            max_stalls: 2,
            cancel_grace: Duration::from_secs(5),
            park_for: Duration::from_secs(10),
            park_at_most: Duration::from_secs(600),
        }
    }
}
