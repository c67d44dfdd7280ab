//! Jobs: the client, the registry, the worker pool and the queue in memory.

mod conformance;
mod pool;
mod support;
