//! Background jobs: the typed client, the registry of handlers and the worker pool.

mod cancellation;
mod children;
mod client;
mod container_runner;
mod context;
mod descriptor;
mod link;
mod outcome;
mod payload;
mod registry;
mod worker;

pub use children::Children;
pub use client::{AwaitResult, Enqueue, EnqueueAll, JobHandle, Jobs};
pub use container_runner::ContainerRunner;
pub use context::JobContext;
pub use descriptor::{JobDescriptor, JobHandler, RunHandler};
pub use outcome::{HandlerOutcome, JobOutcome, JobReturn, JobValue};
pub(crate) use payload::encode;
pub use payload::{check_payload, decode_payload, upcast_payload};
pub use registry::JobRegistry;
pub use worker::{
    AttemptReport, Drained, HandlerRunner, Overrun, RunningWorkers, WorkerHealth, WorkerPool, WorkerSettings,
};
