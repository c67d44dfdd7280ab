//! Handlers as closures, and a client and a pool over a queue in memory that can be made to fail.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use athyper::clock::Clock;
use athyper::container::Place;
use athyper::jobs::{
    HandlerOutcome, HandlerRunner, Job, JobContext, JobDescriptor, JobOptions, JobQueue, JobRecord, JobRegistry,
    JobReturn, JobState, JobValue, Jobs, MemoryJobQueue, QueueLimits, RunningWorkers, WorkerPool, WorkerSettings,
};
use athyper::metrics::MetricsRegistry;
use athyper::private::{BoxFuture, Bytes, check_payload, decode_payload, job_options};
use athyper::{Error, Result};
use athyper_testkit::clock::VirtualClock;
use serde::{Deserialize, Serialize};

use crate::faulty::{Faults, FaultyQueue};

type Handle = Arc<dyn Fn(Bytes, JobContext) -> BoxFuture<'static, Result<HandlerOutcome>> + Send + Sync>;

/// Handlers by kind and version.
#[derive(Default, Clone)]
pub(crate) struct Handlers {
    closures: HashMap<(&'static str, u32), Handle>,
    pub(crate) descriptors: Vec<JobDescriptor>,
}

impl Handlers {
    pub(crate) fn on<J, F, Fut, V>(mut self, handler: F) -> Self
    where
        J: Job,
        F: Fn(J, JobContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<V>> + Send + 'static,
        V: JobValue,
    {
        let handler = Arc::new(handler);
        let closure: Handle = Arc::new(move |payload, context| {
            let handler = handler.clone();
            Box::pin(async move { handler(decode_payload::<J>(&payload)?, context).await.into_outcome() })
        });
        self.closures.insert((J::KIND, J::VERSION), closure);
        self.descriptors.push(descriptor::<J>());
        self
    }

    /// How many run at once of the queue of the handler added last.
    pub(crate) fn concurrency(mut self, concurrency: u32) -> Self {
        self.descriptors.last_mut().unwrap().concurrency = Some(concurrency);
        self
    }

    /// How much of the queue of the handler added last may run.
    pub(crate) fn limits(mut self, limits: QueueLimits) -> Self {
        self.descriptors.last_mut().unwrap().limits = limits;
        self
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Handlers").finish_non_exhaustive()
    }
}

impl HandlerRunner for Handlers {
    fn run<'a>(
        &'a self,
        job: &'a JobDescriptor,
        payload: &'a Bytes,
        context: JobContext,
    ) -> BoxFuture<'a, Result<HandlerOutcome>> {
        match self.closures.get(&(job.kind, job.version)) {
            Some(handler) => handler(payload.clone(), context),
            None => Box::pin(async { Err(Error::internal("a descriptor without a closure")) }),
        }
    }
}

/// The descriptor of a payload type, as `#[job]` would write it.
pub(crate) fn descriptor<J: Job>() -> JobDescriptor {
    JobDescriptor {
        kind: J::KIND,
        aliases: J::ALIASES,
        upcasts: J::UPCASTS,
        version: J::VERSION,
        options: const { &J::OPTIONS },
        concurrency: None,
        limits: QueueLimits::NONE,
        payload: TypeId::of::<J>(),
        check: check_payload::<J>,
        handler: || TypeId::of::<J>(),
        label: "a job of the test",
        place: Place { file: "src/jobs.rs", line: 12, column: 1 },
        module: module_path!(),
        wants: Vec::new,
        run: |_, _, _| Box::pin(async { Err(Error::internal("run by closures")) }),
    }
}

/// A client and a pool over one queue.
pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) queue: Arc<dyn JobQueue>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) jobs: Jobs,
    pool: Option<WorkerPool>,
    pub(crate) metrics: MetricsRegistry,
}

impl World {
    /// In virtual time.
    pub(crate) fn new(handlers: Handlers) -> Self {
        Self::with_settings(handlers, WorkerSettings::default())
    }

    pub(crate) fn with_settings(handlers: Handlers, settings: WorkerSettings) -> Self {
        let clock = VirtualClock::new();
        Self::on_clock(handlers, settings, clock.clone(), clock)
    }

    /// On another clock than the virtual one.
    pub(crate) fn on_clock(
        handlers: Handlers,
        settings: WorkerSettings,
        clock: Arc<VirtualClock>,
        used: Arc<dyn Clock>,
    ) -> Self {
        let inner: Arc<dyn JobQueue> = Arc::new(MemoryJobQueue::new(used.clone()));
        let faults = Arc::<Faults>::default();
        let queue: Arc<dyn JobQueue> = Arc::new(FaultyQueue { inner, faults: faults.clone() });
        let (jobs, pool, metrics) = pool_on(&queue, handlers, settings, used);
        Self { clock, queue, faults, jobs, pool: Some(pool), metrics }
    }

    pub(crate) fn pool(&self) -> &WorkerPool {
        self.pool.as_ref().expect("the pool was not started")
    }

    /// Starts the pool in the background.
    pub(crate) async fn start(mut self) -> (Self, RunningWorkers) {
        let running = self.pool.take().expect("the pool was not started").start().await.unwrap();
        (self, running)
    }

    /// A second process on the same queue.
    pub(crate) fn another_process(&self, handlers: Handlers) -> (Jobs, WorkerPool) {
        let (jobs, pool, _) = pool_on(&self.queue, handlers, WorkerSettings::default(), self.clock.clone());
        (jobs, pool)
    }

    pub(crate) async fn record<J>(&self, handle: &athyper::jobs::JobHandle<J>) -> JobRecord {
        self.queue.get(handle.queue(), handle.id()).await.unwrap().expect("the job is there")
    }

    /// Lets time pass, a little at a time, until a job is in a state.
    pub(crate) async fn pass_until<J>(&self, handle: &athyper::jobs::JobHandle<J>, state: JobState) -> JobRecord {
        self.pass_until_true(|| async { self.record(handle).await.state == state }).await;
        self.record(handle).await
    }

    /// Lets time pass, a little at a time, until something holds.
    pub(crate) async fn pass_until_true<F: Future<Output = bool>>(&self, holds: impl Fn() -> F) {
        let waited = async {
            while !holds().await {
                self.clock.advance(std::time::Duration::from_millis(200)).await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(20), waited).await;
        waited.expect("what the test waits for does not happen");
    }
}

fn pool_on(
    queue: &Arc<dyn JobQueue>,
    handlers: Handlers,
    settings: WorkerSettings,
    clock: Arc<dyn Clock>,
) -> (Jobs, WorkerPool, MetricsRegistry) {
    let registry = Arc::new(JobRegistry::new(handlers.descriptors.clone()).unwrap());
    let jobs = Jobs::new(queue.clone(), registry, clock.clone());
    let metrics = MetricsRegistry::new(clock);
    let pool = WorkerPool::new(&jobs, Arc::new(handlers), settings, &metrics).unwrap();
    (jobs, pool, metrics)
}

/// The default options, with another queue and number of attempts.
pub(crate) const fn in_queue(queue: &'static str, attempts: u32) -> JobOptions {
    let JobOptions { ordering, priority, backoff, timeout, keep_completed, keep_failed, .. } = &JobOptions::DEFAULT;
    job_options(queue, *ordering, *priority, attempts, *backoff, *timeout, *keep_completed, *keep_failed)
}

/// Implements `Job` for a payload with an output and options that differ from the defaults.
macro_rules! job {
    ($payload:ty => $output:ty, $kind:literal, version = $version:literal $(, $field:ident : $value:expr)*) => {
        impl athyper::jobs::Job for $payload {
            type Output = $output;
            const KIND: &'static str = $kind;
            const VERSION: u32 = $version;
            const ALIASES: &'static [&'static str] = &[];
            const OPTIONS: athyper::jobs::JobOptions = {
                #[allow(unused_mut, reason = "only when options are given")]
                let mut options = athyper::jobs::JobOptions::DEFAULT;
                $(options.$field = $value;)*
                options
            };
        }
    };
    ($payload:ty => $output:ty, $kind:literal $(, $field:ident : $value:expr)*) => {
        $crate::support::job!($payload => $output, $kind, version = 1 $(, $field: $value)*);
    };
}
pub(crate) use job;

/// Adds two numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) left: u32,
    pub(crate) right: u32,
}

job!(Sum => u32, "sum");

/// Does what the test's handler does; three attempts, a second between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Work(pub(crate) u32);

job!(Work => (), "work", backoff: athyper::jobs::Backoff::fixed(std::time::Duration::from_secs(1)));

/// Like [`Work`], with ten seconds a try.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timed;

job!(Timed => (), "timed", attempts: 2, timeout: Some(std::time::Duration::from_secs(10)));
