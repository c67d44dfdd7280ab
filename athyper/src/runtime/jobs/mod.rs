//! Background jobs: the typed client and the worker pool.

mod context;
mod descriptor;
mod outcome;
mod payload;

pub use context::JobContext;
pub use descriptor::{JobDescriptor, JobHandler, RunHandler};
pub use outcome::{HandlerOutcome, JobOutcome, JobReturn, JobValue};
pub(crate) use payload::encode;
pub use payload::{check_payload, decode_payload};
