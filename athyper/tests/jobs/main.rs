//! Jobs: the client, the registry, the worker pool and the queue in memory.

mod pool;
mod support;
