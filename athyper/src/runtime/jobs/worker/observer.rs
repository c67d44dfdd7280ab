//! What the pool counts and measures.

use std::time::Duration;

use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::error::Result;
use crate::foundation::jobs::{Claimed, JobCounts, JobState, Outcome, QueueName};
use crate::foundation::metrics::{Buckets, Counter, Family, Gauge, Histogram, MetricsRegistry};

/// Counts and measures what a pool does.
#[derive(Debug)]
pub(super) struct Observer {
    attempts: Family<Counter, 3>,
    wait: Family<Histogram, 1>,
    run: Family<Histogram, 2>,
    running: Family<Gauge, 1>,
    stalls: Family<Counter, 1>,
    faults: Family<Counter, 1>,
    jobs: Family<Gauge, 2>,
    oldest: Family<Gauge, 1>,
}

/// An attempt under way.
#[derive(Debug)]
pub(super) struct Ran {
    started: Duration,
}

impl Ran {
    /// When it began, since the machine's boot.
    pub(super) fn started(&self) -> Duration {
        self.started
    }
}

impl Observer {
    pub(super) fn new(metrics: &MetricsRegistry) -> Result<Self> {
        let seconds = Buckets::seconds;
        Ok(Self {
            attempts: metrics.counter(
                "job_attempts_total",
                "Attempts at jobs that ended, by what the queue was told.",
                ["queue", "kind", "outcome"],
            )?,
            wait: metrics.histogram(
                "job_wait_seconds",
                "How long jobs were ready before an attempt started.",
                ["queue"],
                seconds(),
            )?,
            run: metrics.histogram("job_run_seconds", "How long attempts took.", ["queue", "kind"], seconds())?,
            running: metrics.gauge("jobs_running", "Attempts under way in this process.", ["queue"])?,
            stalls: metrics.counter(
                "job_stalls_total",
                "Jobs that this process took back from silent workers.",
                ["queue"],
            )?,
            faults: metrics.counter(
                "job_queue_faults_total",
                "Calls of the job queue that this process's workers made and that failed.",
                ["queue"],
            )?,
            jobs: metrics.gauge("jobs", "Jobs in the queue by state, as last looked up.", ["queue", "state"])?,
            oldest: metrics.gauge(
                "job_oldest_waiting_seconds",
                "For how long the job that waits longest has been ready, as last looked up.",
                ["queue"],
            )?,
        })
    }

    pub(super) fn started(&self, claimed: &Claimed, clock: &dyn Clock) -> Ran {
        let queue = claimed.envelope.queue.as_str();
        self.wait.with([queue]).observe(seconds_between(claimed.due_at, clock.now()));
        self.running.with([queue]).add(1.0);
        Ran { started: clock.since_boot() }
    }

    /// An attempt ended, with what the queue accepted of it.
    pub(super) fn ended(&self, claimed: &Claimed, accepted: Option<&Outcome>, ran: &Ran, clock: &dyn Clock) {
        let (queue, kind) = (claimed.envelope.queue.as_str(), claimed.envelope.kind.as_str());
        let took = clock.since_boot().saturating_sub(ran.started);
        let outcome = outcome_label(accepted);
        self.running.with([queue]).add(-1.0);
        self.run.with([queue, kind]).observe(took.as_secs_f64());
        self.attempts.with([queue, kind, outcome]).increment();
        tracing::debug!(queue, kind, id = %claimed.lock.id, ?took, outcome, "an attempt ended");
    }

    pub(super) fn stalled(&self, queue: &QueueName) {
        self.stalls.with([queue.as_str()]).increment();
    }

    pub(super) fn fault(&self, queue: &QueueName) {
        self.faults.with([queue.as_str()]).increment();
    }

    /// What the store says of a queue.
    pub(super) fn looked_up(&self, queue: &QueueName, counts: &JobCounts, oldest: Option<Timestamp>, now: Timestamp) {
        for state in JobState::ALL {
            #[allow(clippy::cast_precision_loss, reason = "a gauge need not tell 2^53 jobs from one more")]
            self.jobs.with([queue.as_str(), state.as_str()]).set(counts.get(state) as f64);
        }
        let age = oldest.map_or(0.0, |oldest| seconds_between(oldest, now));
        self.oldest.with([queue.as_str()]).set(age);
    }
}

fn outcome_label(accepted: Option<&Outcome>) -> &'static str {
    match accepted {
        Some(Outcome::Complete(_)) => "completed",
        Some(Outcome::Retry { .. }) => "retried",
        Some(Outcome::Fail { .. }) => "failed",
        Some(Outcome::Snooze { .. }) => "snoozed",
        Some(Outcome::Park { .. }) => "parked",
        Some(Outcome::Release) => "released",
        None => "lost",
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to - from).to_std().unwrap_or_default().as_secs_f64()
}
