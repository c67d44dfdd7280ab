//! The port: what every job queue can do.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    ChildRecord, Delivered, Delivery, Envelope, JobCounts, JobId, JobRecord, JobState, Parent, QueueLimits, QueueName,
    ScheduleStore, Unique,
};
use crate::foundation::clock::Timestamp;
use crate::foundation::error::{Error, ErrorKind, Result};
use crate::foundation::sql::Tx;

/// What a queue can do beyond the least that every one can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Jobs survive the end of the process.
    pub durable: bool,
    /// Other processes can work on the same queue.
    pub shared: bool,
    /// [`JobQueue::add_in`] writes into a transaction of the same database.
    pub transactional: bool,
    /// How late, at worst, an idle worker notices a job that another process added.
    pub wake_up_within: Duration,
}

impl Capabilities {
    /// A queue that forgets everything when the process ends.
    pub const VOLATILE: Self =
        Self { durable: false, shared: false, transactional: false, wake_up_within: Duration::ZERO };
}

/// A job to be added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewJob {
    /// The job.
    pub envelope: Envelope,
    /// When it becomes ready; in the past or now means at once.
    pub due_at: Timestamp,
    /// At most one job with a key within a time.
    pub unique: Option<Unique>,
    /// Jobs of a queue with the same key run one after another, in the order they became ready.
    pub serial_key: Option<String>,
    /// The job that waits for it, which stands before it in the same call of [`JobQueue::add`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

/// What became of a [`NewJob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The id of the job that will run: the new one, or the earlier one it duplicates.
    pub id: JobId,
    /// Whether an earlier job with the same id or unique key stands for it.
    pub duplicate: bool,
}

/// Proof that a worker holds a job; refused once somebody else holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lock {
    /// The queue.
    pub queue: QueueName,
    /// The job.
    pub id: JobId,
    /// The number of attempts started, which only grows: a holder with an older one is refused.
    pub token: u32,
}

impl Lock {
    /// The error of whoever reports on a job with this lock, and does not hold it.
    #[allow(dead_code, reason = "without a store there are no queues")]
    pub(crate) fn lost(&self) -> Error {
        Error::new(ErrorKind::Conflict, format!("job {} is not held by this worker any more", self.id))
            .with_code("job-lock-lost")
    }
}

/// A request for jobs.
#[derive(Debug, Clone)]
pub struct Take {
    /// From which queue.
    pub queue: QueueName,
    /// Who asks; for people who look at the queue.
    pub worker: String,
    /// How many at most.
    pub max: usize,
    /// For how long the jobs are held unless renewed.
    pub lock_for: Duration,
    /// How long to wait for the first one; zero to look once.
    pub wait: Duration,
}

/// A job in a worker's hands.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The job.
    pub envelope: Envelope,
    /// Proof that it is held.
    pub lock: Lock,
    /// How many attempts count so far, without this one.
    pub attempts_made: u32,
    /// How often in a row it was taken back from a silent worker: whoever runs it knows that it may end its worker.
    pub stalls: u32,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it became ready.
    pub due_at: Timestamp,
    /// What an earlier attempt kept for this one, as JSON.
    pub checkpoint: Option<Bytes>,
}

/// The error of a job that was cancelled.
pub const CANCELLED: &str = "cancelled";

/// How many rows the log of a job has at most.
pub const LOG_ROWS: usize = 1_000;

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done, with its result as JSON.
    Complete(Bytes),
    /// It failed and is tried again after a delay; the attempt counts.
    Retry {
        /// Why it failed.
        error: String,
        /// How long to wait.
        delay: Duration,
    },
    /// It failed for good.
    Fail {
        /// Why.
        error: String,
    },
    /// It asked to run again later; the attempt does not count.
    Snooze {
        /// How long to wait.
        delay: Duration,
    },
    /// This fleet cannot run it; the attempt does not count.
    Park {
        /// Why.
        reason: String,
        /// How long to wait before somebody looks again.
        delay: Duration,
    },
    /// The worker gives it back untouched, to be taken at once; the attempt does not count.
    Release,
}

/// An attempt that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    /// Proof that the job was held.
    pub lock: Lock,
    /// What became of it.
    pub outcome: Outcome,
}

/// What the queue made of a [`Finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is recorded.
    Applied,
    /// The lock had passed to somebody else, or the job is gone: nothing was changed.
    LostLock,
}

/// The answer to [`JobQueue::finish`].
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// One verdict for each outcome, in the same order.
    pub verdicts: Vec<Verdict>,
    /// The jobs taken in the same round trip.
    pub next: Vec<Claimed>,
}

/// How jobs of silent workers are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryPolicy {
    /// How often a job may be taken back before it counts as failed.
    pub max_stalls: u32,
}

impl Default for RecoveryPolicy {
    /// A third silent worker in a row fails the job: it probably kills its workers.
    fn default() -> Self {
        Self { max_stalls: 2 }
    }
}

/// A job that was taken back from a silent worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The job.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Waiting again, or failed because it stalled too often.
    pub state: JobState,
}

/// The port of a job queue.
///
/// Jobs run at least once. A job whose [`add`](Self::add) returned is never lost; two workers never
/// both have their outcome of one attempt accepted.
///
/// Due times are compared with the clock the queue was opened with; locks with the store's own
/// clock, so that a host with a wrong wall clock can neither steal nor keep a job.
///
/// # Rules that every queue keeps
/// The conformance suite of the testkit holds each of them.
///
/// *Order.* Of the jobs that are due, the one with the smallest priority number is handed out first; among equal ones the
/// one that became ready first, then the one that was added first. A due time in the past counts as the time of adding. A
/// job that is released or taken back from a silent worker keeps the place it had.
///
/// That is [`QueueOrdering::Priority`](super::QueueOrdering). With `Fifo` priorities count for nothing. With `Fair` tenants take
/// turns among jobs of one priority: of a tenant with nothing waiting, a new job comes behind one job of each other tenant at
/// most; those of one tenant keep their order. A job that comes to wait again after a delay or another attempt takes a new turn.
///
/// *Duplicates.* A job whose id the queue holds in any state is answered with that id. A job whose unique key was used
/// within the period that the earlier job named is answered with the earlier job's id, whatever became of that job;
/// removing the earlier job by hand frees the key. Both hold within one call of [`add`](Self::add) too.
///
/// *Serial keys.* While a job with a key is active, no other job of the queue with that key is handed out; one call hands
/// out at most one of them. A job that waits for its next attempt does not hold the others up.
///
/// *Attempts.* Each take counts up the token. [`Outcome::Complete`], [`Outcome::Retry`] and [`Outcome::Fail`] count up the
/// attempts made; the other outcomes and stalls do not.
///
/// *Locks.* A lock that ran out is still good for `finish`, `renew` and progress until [`recover`](Self::recover) has taken
/// the job back: work that was done is not thrown away while nobody else has begun it. `take` never hands out an active job.
///
/// *Stalls.* [`recover`](Self::recover) counts one, and fails the job once there are more than allowed. The count starts
/// again from zero when an attempt ends with an outcome other than [`Outcome::Release`]: stalls count in a row.
///
/// *Cancelling.* A job that was cancelled while it was held and then completes is completed, and what fails has failed; any other
/// outcome, and a stall, ends it as failed. Its error is [`CANCELLED`].
///
/// *Checkpoints.* The latest one comes with each further take of the job, also when it is retried by hand.
///
/// *Logs.* What the attempts logged goes with the job, and not before it.
///
/// *Limits.* Jobs beyond the [limits](JobAdministration::set_limits) of their queue or tenant wait in their places, and hold nobody
/// else up, except for jobs of their own serial key. Each take counts for a rate, whatever becomes of the job.
///
/// *Flows.* Jobs of which one names a [`parent`](NewJob::parent) are one tree: a root, which comes first, and below it children,
/// which may have children. A parent is in the state [`WaitingChildren`](JobState::WaitingChildren) until its last child is done,
/// and then ready, but no earlier than it is due. A child is done when it has completed, when it was removed, and when it has
/// failed for good, however that came about, as its [`ChildFailure`](super::ChildFailure) says. With `FailParent` a parent that
/// waits for its children or for its time fails without being run, at the latest when somebody takes from its queue; that is
/// its own final failure. Children that are done after their parent was let go are told of all the same.
/// [`children`](JobAdministration::children) knows their results also once the queue has let go of them.
///
/// A job of a flow that is a duplicate stands for everything below it, which is not added. A child that is one counts as it
/// stands, and is waited for unless it has ended or is gone; if another parent that has not ended waits for it nothing is added.
///
/// Cancelling a parent that waits for its children cancels those below it that have not ended. Removing a job removes those
/// below it, unless one of them is active. A failed child that is retried is waited for again if its parent still waits; a
/// parent that failed stays so until it is retried itself, and then waits if there are children that have not ended. A child
/// that holds its parent and is not kept any longer lets it go, at the latest when [`recover`](Self::recover) is called for its queue.
///
/// *States.* A delayed or parked job whose time has come counts, and is listed, as waiting. A paused queue keeps its jobs
/// in their states. Taking clears nothing: progress and error stay until the next attempt's own replace them.
///
/// *Retention.* Each time a job finishes, finished jobs of the queue whose own age bound has passed go, and so do those in
/// the same state beyond the count that the finishing job names, oldest first. A count of zero keeps nothing.
#[async_trait]
pub trait JobQueue: JobAdministration {
    /// What this queue can do.
    fn capabilities(&self) -> Capabilities;

    /// Adds jobs, all or none, in one round trip. They may be of different queues.
    ///
    /// # Errors
    /// `Invalid` when jobs that name parents are no flow; `Conflict` with the code `job-flow-parent` when another parent waits for
    /// a child; `Unavailable` when the store cannot be reached; `UnknownOutcome` when it may have added them.
    async fn add(&self, jobs: Vec<NewJob>) -> Result<Vec<Added>>;

    /// Adds jobs inside `tx`: they exist once it commits, or never.
    ///
    /// # Errors
    /// `Configuration` when `tx` belongs to another store than the queue's.
    async fn add_in(&self, tx: &mut Tx, jobs: Vec<NewJob>) -> Result<Vec<Added>>;

    /// Adds jobs that were committed elsewhere, all or none, unless this delivery has arrived before: then they are not added
    /// again, whatever became of them. Whoever does not know whether it arrived repeats it.
    ///
    /// The latest [`Delivery::REMEMBERED`] of each source are remembered. Without jobs it only counts as arrived.
    ///
    /// # Errors
    /// Those of [`add`](Self::add).
    async fn deliver(&self, delivery: &Delivery, jobs: Vec<NewJob>) -> Result<Delivered>;

    /// Takes jobs that are due, waiting up to [`Take::wait`] for the first.
    ///
    /// # Cancel safety
    /// Dropping the future loses no job: at worst one is taken back as stalled. Dropping it while it waits takes none.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn take(&self, request: &Take) -> Result<Vec<Claimed>>;

    /// Records what became of attempts and, with `next`, takes further jobs in the same round trip
    /// (never waiting for them). The outcomes come first: a job that is released or retried at once may be among the next.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn finish(&self, outcomes: Vec<Finish>, next: Option<&Take>) -> Result<Finished>;

    /// Holds jobs for `lock_for` from now. Answers with the locks that are lost.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn renew(&self, locks: &[Lock], lock_for: Duration) -> Result<Vec<Lock>>;

    /// The jobs of a queue that are held and were [cancelled](JobAdministration::cancel): their workers ask them to stop.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn cancelled(&self, queue: &QueueName) -> Result<Vec<Lock>>;

    /// Records the progress of a job that is held, as JSON.
    ///
    /// # Errors
    /// `Conflict` when the lock is lost.
    async fn record_progress(&self, lock: &Lock, progress: Bytes) -> Result<()>;

    /// Keeps what the next attempt at a job that is held begins from, as JSON, in place of what was kept before.
    ///
    /// # Errors
    /// `Conflict` when the lock is lost.
    async fn record_checkpoint(&self, lock: &Lock, checkpoint: Bytes) -> Result<()>;

    /// Appends a row to the log of a job that is held; of more than [`LOG_ROWS`] the latest stay.
    ///
    /// # Errors
    /// `Conflict` when the lock is lost.
    async fn append_log(&self, lock: &Lock, row: String) -> Result<()>;

    /// Takes back the jobs of a queue whose lock ran out.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn recover(&self, queue: &QueueName, policy: RecoveryPolicy) -> Result<Vec<Recovered>>;

    /// Makes parked jobs of these kinds ready: a worker that can run them has come.
    ///
    /// # Errors
    /// `Unavailable` when the store cannot be reached.
    async fn release_parked(&self, queue: &QueueName, kinds: &[String]) -> Result<u64>;

    /// The schedules that are kept with the jobs, so that a tick and its job are written together.
    fn schedules(&self) -> &dyn ScheduleStore;
}

/// Which jobs to list.
#[derive(Debug, Clone)]
pub struct JobFilter {
    /// In which state; all when empty.
    pub states: Vec<JobState>,
    /// Of which kind.
    pub kind: Option<String>,
    /// How many to pass over.
    pub offset: u64,
    /// How many at most.
    pub limit: u64,
}

impl Default for JobFilter {
    /// The first 100 of any state and kind.
    fn default() -> Self {
        Self { states: Vec::new(), kind: None, offset: 0, limit: 100 }
    }
}

/// What people and programs do with a queue besides running its jobs.
#[async_trait]
pub trait JobAdministration: Send + Sync + fmt::Debug + 'static {
    /// The queues that hold or held jobs, sorted by name.
    async fn queues(&self) -> Result<Vec<QueueName>>;

    /// How many jobs stand where.
    async fn counts(&self, queue: &QueueName) -> Result<JobCounts>;

    /// One job.
    async fn get(&self, queue: &QueueName, id: &JobId) -> Result<Option<JobRecord>>;

    /// The children of a job in the order in which they were enqueued; none if it has none, or is not there.
    ///
    /// Not those that were removed before they had ended, nor those that it was told to [forget](super::ChildFailure::Forget). Of
    /// children that somebody else added, a store may neither know the order nor, once they are gone, the kind.
    async fn children(&self, queue: &QueueName, id: &JobId) -> Result<Vec<ChildRecord>>;

    /// Jobs in the order they would run or did finish (latest first).
    async fn list(&self, queue: &QueueName, filter: &JobFilter) -> Result<Vec<JobRecord>>;

    /// The log of a job, oldest row first.
    ///
    /// # Errors
    /// `NotFound`.
    async fn logs(&self, queue: &QueueName, id: &JobId) -> Result<Vec<String>>;

    /// Removes a job that is not active, and those below it in its flow.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` while it, or one below it, is active.
    async fn remove(&self, queue: &QueueName, id: &JobId) -> Result<()>;

    /// Makes a failed job ready again, with all its attempts: attempts made and stalls start from zero, the token goes on.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it has not failed.
    async fn retry(&self, queue: &QueueName, id: &JobId) -> Result<()>;

    /// Makes a delayed or parked job ready now.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it is neither.
    async fn promote(&self, queue: &QueueName, id: &JobId) -> Result<()>;

    /// Cancels a job. In nobody's hands it fails at once; one that is held is asked to stop. One that waits for its children
    /// fails with those below it that have not ended.
    ///
    /// # Errors
    /// `NotFound`, or `Conflict` when it has ended.
    async fn cancel(&self, queue: &QueueName, id: &JobId) -> Result<()>;

    /// Stops handing out jobs of a queue; adding goes on.
    async fn pause(&self, queue: &QueueName) -> Result<()>;

    /// Hands out jobs again.
    async fn resume(&self, queue: &QueueName) -> Result<()>;

    /// Whether a queue is paused.
    async fn is_paused(&self, queue: &QueueName) -> Result<bool>;

    /// How much of a queue may run.
    async fn limits(&self, queue: &QueueName) -> Result<QueueLimits>;

    /// Sets how much of a queue may run, in every process and from now on: jobs that run already count, and periods begin anew.
    async fn set_limits(&self, queue: &QueueName, limits: &QueueLimits) -> Result<()>;

    /// When the earliest delayed or parked job of a queue becomes ready.
    async fn next_due(&self, queue: &QueueName) -> Result<Option<Timestamp>>;

    /// When the job that has been waiting longest became ready.
    async fn oldest_waiting(&self, queue: &QueueName) -> Result<Option<Timestamp>>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<()>;
}
