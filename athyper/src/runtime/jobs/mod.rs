//! Background jobs: the typed client and the worker pool.

mod context;
mod descriptor;
mod outcome;

pub use context::JobContext;
pub use descriptor::{JobDescriptor, RunHandler};
pub use outcome::{HandlerOutcome, JobOutcome, JobReturn};
