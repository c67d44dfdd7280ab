//! Jobs: the client, the registry, the worker pool and the queue in memory.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod ahead;
mod backoff;
mod cancelling;
mod client;
mod conformance;
mod faulty;
mod flows;
mod limits;
mod model;
mod pool;
mod registry;
mod shutdown;
mod support;
mod workers;
