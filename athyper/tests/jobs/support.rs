//! Handlers as closures, and a pool over a queue in memory.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use athyper::clock::Clock;
use athyper::container::Place;
use athyper::jobs::{
    HandlerOutcome, HandlerRunner, Job, JobContext, JobDescriptor, JobOptions, JobQueue, JobRegistry, JobReturn,
    JobValue, Jobs, MemoryJobQueue, WorkerPool, WorkerSettings,
};
use athyper::metrics::MetricsRegistry;
use athyper::private::{BoxFuture, Bytes, check_payload, decode_payload};
use athyper::{Error, Result};
use serde::{Deserialize, Serialize};

type Handle = Arc<dyn Fn(Bytes, JobContext) -> BoxFuture<'static, Result<HandlerOutcome>> + Send + Sync>;

/// Handlers by kind and version.
#[derive(Default, Clone)]
pub struct Handlers {
    closures: HashMap<(&'static str, u32), Handle>,
    descriptors: Vec<JobDescriptor>,
}

impl Handlers {
    pub fn on<J, F, Fut, V>(mut self, handler: F) -> Self
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

    /// The descriptor added last, to be changed.
    pub fn descriptor(mut self, change: impl FnOnce(&mut JobDescriptor)) -> Self {
        change(self.descriptors.last_mut().unwrap());
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
pub fn descriptor<J: Job>() -> JobDescriptor {
    JobDescriptor {
        kind: J::KIND,
        aliases: J::ALIASES,
        version: J::VERSION,
        options: const { &J::OPTIONS },
        concurrency: None,
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
pub struct World {
    pub queue: Arc<dyn JobQueue>,
    pub jobs: Jobs,
    pub pool: WorkerPool,
    pub metrics: MetricsRegistry,
}

impl World {
    pub fn new(handlers: Handlers, clock: Arc<dyn Clock>) -> Self {
        Self::with_settings(handlers, clock, WorkerSettings::default())
    }

    pub fn with_settings(handlers: Handlers, clock: Arc<dyn Clock>, settings: WorkerSettings) -> Self {
        let queue = Arc::new(MemoryJobQueue::new(clock.clone()));
        Self::on(queue, handlers, clock, settings)
    }

    pub fn on(queue: Arc<dyn JobQueue>, handlers: Handlers, clock: Arc<dyn Clock>, settings: WorkerSettings) -> Self {
        let registry = Arc::new(JobRegistry::new(handlers.descriptors.clone()).unwrap());
        let jobs = Jobs::new(queue.clone(), registry, clock.clone());
        let metrics = MetricsRegistry::new(clock);
        let pool = WorkerPool::new(&jobs, Arc::new(handlers), settings, &metrics).unwrap();
        Self { queue, jobs, pool, metrics }
    }
}

/// Implements `Job` for a payload with an output, with options that differ from the defaults.
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
pub struct Sum {
    pub left: u32,
    pub right: u32,
}

job!(Sum => u32, "sum");

/// Where [`JobOptions`] of a payload are needed as a value.
pub fn options_of<J: Job>() -> JobOptions {
    J::OPTIONS
}
