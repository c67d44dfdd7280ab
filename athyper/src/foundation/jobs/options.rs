//! How one job is to be run.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Backoff, QueueOrdering};

/// Which waiting job runs first. Smaller runs earlier; equal ones run in the order they came.
///
/// The named levels are the numbers that BullMQ users have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(pub u32);

#[allow(non_upper_case_globals, reason = "named levels read as variants: `Priority::High`")]
impl Priority {
    /// Before everything else (10).
    pub const Critical: Self = Self(10);
    /// Ahead of normal work (100).
    pub const High: Self = Self(100);
    /// The default (1000).
    pub const Normal: Self = Self(1000);
    /// When nothing else waits (10000).
    pub const Low: Self = Self(10_000);
}

impl Default for Priority {
    fn default() -> Self {
        Self::Normal
    }
}

/// How long finished jobs are kept. Both bounds hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// How many finished jobs of the queue and state stay.
    pub count: u32,
    /// How long one stays after it finished.
    pub age: Duration,
}

impl Retention {
    /// For completed jobs: the last 1,000, for one day.
    pub const COMPLETED: Self = Self { count: 1_000, age: Duration::from_secs(24 * 3600) };
    /// For failed jobs: the last 10,000, for thirty days.
    pub const FAILED: Self = Self { count: 10_000, age: Duration::from_secs(30 * 24 * 3600) };
}

/// At most one job with this key within a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unique {
    /// The key, unique within the queue.
    pub key: String,
    /// For how long a second job with the key is answered with the first one's id.
    pub period: Duration,
}

/// The options of one kind of job, as its handler declares them, and of one job as it was enqueued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobOptions {
    /// The queue it waits in.
    pub queue: Cow<'static, str>,
    /// In which order that queue hands out its jobs.
    #[serde(default)]
    pub ordering: QueueOrdering,
    /// Which waiting job runs first.
    pub priority: Priority,
    /// How often the handler may start before the job counts as failed; at least 1.
    pub attempts: u32,
    /// How long to wait before the next attempt.
    pub backoff: Backoff,
    /// How long one attempt may take; `None` for as long as it likes.
    pub timeout: Option<Duration>,
    /// How long the job is kept once completed.
    pub keep_completed: Retention,
    /// How long the job is kept once failed.
    pub keep_failed: Retention,
}

impl JobOptions {
    /// The options of a job that declares nothing: queue `default`, three attempts, exponential
    /// back-off from one second, no time-out.
    pub const DEFAULT: Self = Self {
        queue: Cow::Borrowed("default"),
        ordering: QueueOrdering::Priority,
        priority: Priority::Normal,
        attempts: 3,
        backoff: Backoff::exponential(Duration::from_secs(1)),
        timeout: None,
        keep_completed: Retention::COMPLETED,
        keep_failed: Retention::FAILED,
    };

    /// The priority that counts in the queue: none at all where it is first come, first served. Where tenants take turns none
    /// is ahead of the turns, so that 0 is as 1.
    #[allow(dead_code, reason = "without a store there are no queues")]
    pub(crate) fn effective_priority(&self) -> Priority {
        match self.ordering {
            QueueOrdering::Priority => self.priority,
            QueueOrdering::Fifo => Priority(0),
            QueueOrdering::Fair => self.priority.max(Priority(1)),
        }
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}
