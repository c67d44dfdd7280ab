//! What the cases work with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use athyper::clock::{Clock, Timestamp};
use athyper::context::Context;
use athyper::jobs::{
    Added, ChildFailure, Claimed, Envelope, Finish, JobCounts, JobId, JobOptions, JobQueue, JobRecord, JobState, Lock,
    NewJob, Outcome, Parent, Priority, QueueName, QueueOrdering, Recovered, RecoveryPolicy, Retention, Take, Unique,
    Verdict,
};
use athyper::sql::Database;

use super::super::case::{StoreTime, Violation};

/// A fresh queue for one case.
pub struct JobQueueFixture {
    /// The queue.
    pub queue: Arc<dyn JobQueue>,
    /// The same store as another process sees it; the same value for a queue that is not shared.
    pub other: Arc<dyn JobQueue>,
    /// The clock that due times are compared with.
    pub clock: Arc<dyn Clock>,
    /// Moves that clock, and the store's.
    pub time: Arc<dyn StoreTime>,
    /// The database whose transactions the queue takes part in, if it is transactional.
    pub database: Option<Arc<dyn Database>>,
}

impl fmt::Debug for JobQueueFixture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("JobQueueFixture").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// What a case finds.
pub(super) type Checked = Result<(), Violation>;

/// The queue that cases use unless they say otherwise.
pub(super) const QUEUE: &str = "mail";
/// For how long cases hold jobs.
pub(super) const LOCK: Duration = Duration::from_secs(30);
/// The shortest time that cases tell apart.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// In real time: how long a case waits for something that must happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) fn violation(sentence: impl fmt::Display) -> Violation {
    Violation::new(sentence.to_string())
}

/// Fails unless two values are equal.
pub(super) fn equal<A: PartialEq<B> + fmt::Debug, B: fmt::Debug>(what: &str, found: A, wanted: B) -> Checked {
    if found == wanted { Ok(()) } else { Err(violation(format_args!("{what}: {found:?} instead of {wanted:?}"))) }
}

/// A request for jobs of [`QUEUE`] that does not wait.
pub(super) fn request(max: usize) -> Take {
    request_from(QUEUE, max)
}

pub(super) fn request_from(queue: &str, max: usize) -> Take {
    Take { queue: queue.into(), worker: "the suite".to_owned(), max, lock_for: LOCK, wait: Duration::ZERO }
}

pub(super) fn ids(claimed: &[Claimed]) -> Vec<String> {
    claimed.iter().map(|claimed| claimed.envelope.id.to_string()).collect()
}

pub(super) fn finish_of(claimed: &Claimed, outcome: Outcome) -> Finish {
    Finish { lock: claimed.lock.clone(), outcome }
}

pub(super) fn done() -> Outcome {
    Outcome::Complete(r#"{"ok":true}"#.into())
}

pub(super) fn failed() -> Outcome {
    Outcome::Fail { error: "it broke".to_owned() }
}

pub(super) fn retry_in(delay: Duration) -> Outcome {
    Outcome::Retry { error: "not this time".to_owned(), delay }
}

impl JobQueueFixture {
    /// A job of [`QUEUE`] that is due now.
    pub(super) fn job(&self, id: &str) -> NewJob {
        let mut options = JobOptions::DEFAULT;
        options.queue = QUEUE.into();
        NewJob {
            envelope: Envelope {
                id: id.into(),
                queue: QUEUE.into(),
                kind: "welcome".to_owned(),
                version: 1,
                payload: r#"{"to":"a@example.org"}"#.into(),
                context: Context::background(),
                options,
            },
            due_at: self.clock.now(),
            unique: None,
            serial_key: None,
            parent: None,
        }
    }

    pub(super) async fn pass(&self, duration: Duration) {
        self.time.pass(duration).await;
    }

    pub(super) async fn add(&self, job: NewJob) -> Result<Added, Violation> {
        let mut added = self.queue.add(vec![job]).await?;
        match (added.pop(), added.is_empty()) {
            (Some(added), true) => Ok(added),
            _ => Err(violation("adding one job was not answered with one answer")),
        }
    }

    /// Adds jobs that are due now, one after another.
    pub(super) async fn add_each(&self, ids: &[&str]) -> Checked {
        for id in ids {
            self.add(self.job(id)).await?;
        }
        Ok(())
    }

    pub(super) async fn take(&self, max: usize) -> Result<Vec<Claimed>, Violation> {
        Ok(self.queue.take(&request(max)).await?)
    }

    pub(super) async fn take_ids(&self, max: usize) -> Result<Vec<String>, Violation> {
        Ok(ids(&self.take(max).await?))
    }

    pub(super) async fn take_one(&self) -> Result<Claimed, Violation> {
        self.take(1).await?.pop().ok_or_else(|| violation("no job was handed out"))
    }

    /// Adds a job and takes it.
    pub(super) async fn add_and_take(&self, id: &str) -> Result<Claimed, Violation> {
        self.add(self.job(id)).await?;
        self.take_one().await
    }

    pub(super) async fn finish(&self, claimed: &Claimed, outcome: Outcome) -> Result<Verdict, Violation> {
        let finished = self.queue.finish(vec![finish_of(claimed, outcome)], None).await?;
        finished.verdicts.first().copied().ok_or_else(|| violation("an outcome got no verdict"))
    }

    /// Finishes a job whose lock is good.
    pub(super) async fn settle(&self, claimed: &Claimed, outcome: Outcome) -> Checked {
        let verdict = self.finish(claimed, outcome.clone()).await?;
        equal(&format!("the verdict on {outcome:?} of job {}", claimed.envelope.id), verdict, Verdict::Applied)
    }

    pub(super) async fn record(&self, id: &str) -> Result<JobRecord, Violation> {
        let found = self.queue.get(&QUEUE.into(), &id.into()).await?;
        found.ok_or_else(|| violation(format_args!("the queue does not know job {id}")))
    }

    pub(super) async fn exists(&self, id: &str) -> Result<bool, Violation> {
        Ok(self.queue.get(&QUEUE.into(), &id.into()).await?.is_some())
    }

    /// Fails unless a job is in a state.
    pub(super) async fn expect_state(&self, id: &str, state: JobState) -> Checked {
        equal(&format!("the state of job {id}"), self.record(id).await?.state, state)
    }

    pub(super) async fn counts(&self) -> Result<JobCounts, Violation> {
        Ok(self.queue.counts(&QUEUE.into()).await?)
    }

    pub(super) async fn recover(&self, max_stalls: u32) -> Result<Vec<Recovered>, Violation> {
        Ok(self.queue.recover(&QUEUE.into(), RecoveryPolicy { max_stalls }).await?)
    }

    /// Lets the lock of every held job run out and takes the jobs back.
    pub(super) async fn stall(&self, max_stalls: u32) -> Result<Vec<Recovered>, Violation> {
        self.pass(LOCK + TICK).await;
        self.recover(max_stalls).await
    }

    /// Lets time pass, a step at a time, until something happened.
    pub(super) async fn pass_until<F: Future>(
        &self,
        step: Duration,
        what: &str,
        happens: F,
    ) -> Result<F::Output, Violation> {
        let passing = async {
            loop {
                #[allow(clippy::disallowed_methods, reason = "gives threads of the store real time between two steps")]
                tokio::time::sleep(Duration::from_millis(2)).await;
                self.pass(step).await;
            }
        };
        let either = async {
            tokio::select! {
                output = happens => output,
                () = passing => unreachable!("time passes without end"),
            }
        };
        soon(what, either).await
    }
}

/// Waits in real time for something that must happen.
pub(super) async fn soon<F: Future>(what: &str, happens: F) -> Result<F::Output, Violation> {
    let waited = tokio::time::timeout(PATIENCE, happens).await;
    waited.map_err(|_| violation(format_args!("{what} did not happen")))
}

/// Changes a job that is to be added.
pub(super) trait JobExt: Sized {
    fn in_queue(self, queue: &str) -> Self;
    fn of_kind(self, kind: &str) -> Self;
    fn priority(self, number: u32) -> Self;
    fn ordering(self, ordering: QueueOrdering) -> Self;
    fn tenant(self, tenant: &str) -> Self;
    fn due_in(self, delay: Duration) -> Self;
    fn due_at(self, instant: Timestamp) -> Self;
    fn unique(self, key: &str, period: Duration) -> Self;
    fn serial(self, key: &str) -> Self;
    fn payload(self, json: &str) -> Self;
    fn keep(self, completed: Retention, failed: Retention) -> Self;
    /// A child of a job of [`QUEUE`], which fails with it.
    fn child_of(self, parent: &str) -> Self;
    fn when_failed(self, policy: ChildFailure) -> Self;
}

impl JobExt for NewJob {
    fn in_queue(mut self, queue: &str) -> Self {
        self.envelope.queue = QueueName::from(queue);
        self.envelope.options.queue = queue.to_owned().into();
        self
    }

    fn of_kind(mut self, kind: &str) -> Self {
        self.envelope.kind = kind.to_owned();
        self
    }

    fn priority(mut self, number: u32) -> Self {
        self.envelope.options.priority = Priority(number);
        self
    }

    fn ordering(mut self, ordering: QueueOrdering) -> Self {
        self.envelope.options.ordering = ordering;
        self
    }

    fn tenant(mut self, tenant: &str) -> Self {
        self.envelope.context = self.envelope.context.with_tenant(tenant);
        self
    }

    fn due_in(mut self, delay: Duration) -> Self {
        self.due_at += delay;
        self
    }

    fn due_at(mut self, instant: Timestamp) -> Self {
        self.due_at = instant;
        self
    }

    fn unique(mut self, key: &str, period: Duration) -> Self {
        self.unique = Some(Unique { key: key.to_owned(), period });
        self
    }

    fn serial(mut self, key: &str) -> Self {
        self.serial_key = Some(key.to_owned());
        self
    }

    fn payload(mut self, json: &str) -> Self {
        self.envelope.payload = json.to_owned().into();
        self
    }

    fn keep(mut self, completed: Retention, failed: Retention) -> Self {
        self.envelope.options.keep_completed = completed;
        self.envelope.options.keep_failed = failed;
        self
    }

    fn child_of(mut self, parent: &str) -> Self {
        let when_failed = ChildFailure::FailParent;
        self.parent = Some(Parent { queue: QUEUE.into(), id: parent.into(), when_failed });
        self
    }

    fn when_failed(mut self, policy: ChildFailure) -> Self {
        self.parent.iter_mut().for_each(|parent| parent.when_failed = policy);
        self
    }
}

/// A lock that nobody ever got.
pub(super) fn unknown_lock() -> Lock {
    Lock { queue: QUEUE.into(), id: JobId::from("nobody"), token: 1 }
}
