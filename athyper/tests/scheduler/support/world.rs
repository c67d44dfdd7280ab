//! Several processes on one store, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use athyper::clock::{Clock, Timestamp};
use athyper::health::Health;
use athyper::jobs::{
    Claimed, Finish, Job, JobFilter, JobOptions, JobQueue, MemoryJobQueue, Outcome, QueueName, Retention, Take,
};
use athyper::leadership::{Leadership, MemoryLeadership};
use athyper::metrics::MetricsRegistry;
use athyper::schedule::{
    FiredTick, MissedTicks, Overlap, Schedule, SchedulePlan, Scheduler, SchedulerOptions, SchedulerPorts,
};
use athyper_testkit::clock::VirtualClock;
use serde::{Deserialize, Serialize};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The payload of every schedule in these tests.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Beat {
    pub(crate) schedule: String,
    pub(crate) at: Timestamp,
}

impl Job for Beat {
    type Output = ();

    const KIND: &'static str = "beat";
    const VERSION: u32 = 1;
    const ALIASES: &'static [&'static str] = &[];
    const OPTIONS: JobOptions = {
        let mut options = JobOptions::DEFAULT;
        options.keep_completed = Retention { count: 100_000, age: Duration::from_secs(100 * 365 * 86_400) };
        options
    };
}

/// What all processes share: a machine, a job queue, leases.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) leadership: Arc<dyn Leadership>,
    pub(crate) options: SchedulerOptions,
}

/// One process.
pub(crate) struct Node {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) metrics: MetricsRegistry,
}

impl World {
    pub(crate) fn at(wall: &str) -> Self {
        let clock = VirtualClock::starting_at(wall);
        Self {
            queue: Arc::new(MemoryJobQueue::new(clock.clone())),
            leadership: Arc::new(MemoryLeadership::new(clock.clone())),
            options: SchedulerOptions::default(),
            clock,
        }
    }

    pub(crate) fn node(&self, schedules: Vec<Schedule>) -> Node {
        let clock = self.clock.another();
        let metrics = MetricsRegistry::new(clock.clone());
        let ports =
            SchedulerPorts { queue: self.queue.clone(), leadership: self.leadership.clone(), clock: clock.clone() };
        let plan = SchedulePlan::check(schedules, clock.now()).unwrap();
        let scheduler = Scheduler::new(plan, ports, self.options.clone(), &metrics).unwrap();
        Node { clock, scheduler: Arc::new(scheduler), metrics }
    }

    pub(crate) async fn pass(&self, duration: Duration) {
        self.clock.advance(duration).await;
    }

    pub(crate) async fn pass_seconds(&self, seconds: u64) {
        self.clock.advance_seconds(seconds).await;
    }

    /// The ticks of a schedule that have a job, in order; a tick with two jobs stands twice.
    pub(crate) async fn ticks(&self, schedule: &str) -> Vec<Timestamp> {
        let filter = JobFilter { limit: 1_000_000, ..JobFilter::default() };
        let jobs = self.queue.list(&QueueName::from("default"), &filter).await.unwrap();
        let beats = jobs.iter().map(|job| serde_json::from_slice::<Beat>(&job.envelope.payload).unwrap());
        let mut ticks: Vec<_> = beats.filter(|beat| beat.schedule == schedule).map(|beat| beat.at).collect();
        ticks.sort_unstable();
        ticks
    }

    /// Takes jobs as a worker would.
    pub(crate) async fn take(&self, max: usize) -> Vec<Claimed> {
        let request = Take {
            queue: QueueName::from("default"),
            worker: "a test".to_owned(),
            max,
            lock_for: Duration::from_secs(3_600),
            wait: Duration::ZERO,
        };
        self.queue.take(&request).await.unwrap()
    }

    pub(crate) async fn complete(&self, job: Claimed) {
        let finish = Finish { lock: job.lock, outcome: Outcome::Complete("null".into()) };
        self.queue.finish(vec![finish], None).await.unwrap();
    }
}

impl Node {
    pub(crate) async fn fire(&self) -> Vec<FiredTick> {
        self.scheduler.fire_due().await.unwrap()
    }

    pub(crate) async fn health(&self) -> Health {
        self.scheduler.health().check().await
    }

    pub(crate) fn metric(&self, line: &str) -> Option<String> {
        let text = self.metrics.to_prometheus();
        text.lines().find_map(|found| Some(found.strip_prefix(line)?.trim().to_owned()))
    }

    /// Runs the background loop as a task of its own, until it is aborted.
    pub(crate) fn start(&self) -> tokio::task::JoinHandle<()> {
        let scheduler = self.scheduler.clone();
        tokio::spawn(async move { scheduler.run(std::future::pending()).await })
    }
}

/// A schedule whose jobs say which tick they stand for.
pub(crate) fn schedule(name: &str, expression: &str, missed: MissedTicks, overlap: Overlap) -> Schedule {
    Schedule::cron(name, expression)
        .missed(missed)
        .overlap(overlap)
        .enqueue(|tick| Beat { schedule: tick.schedule.clone(), at: tick.at })
}
