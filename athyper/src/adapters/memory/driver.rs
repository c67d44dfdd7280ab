//! The rows of the driver table that memory serves.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::{MemoryJobQueue, MemoryLeadership};
use crate::foundation::driver::{Driver, DriverContext};
use crate::foundation::error::Result;
use crate::foundation::jobs::JobQueue;
use crate::foundation::leadership::Leadership;

inventory::submit! {
    Driver {
        scheme: "memory",
        provided_by: "memory",
        database: None,
        jobs: Some(open_jobs),
        leases: Some(open_leases),
        outbox: None,
    }
}

fn open_jobs(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn JobQueue>>> {
    Box::pin(async {
        let clock = context.clock.clone();
        let queue = context.shared.get_or_open(&context.url, || Ok(MemoryJobQueue::new(clock)))?;
        Ok(queue as Arc<dyn JobQueue>)
    })
}

fn open_leases(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn Leadership>>> {
    Box::pin(async {
        let clock = context.clock.clone();
        let leases = context.shared.get_or_open(&context.url, || Ok(MemoryLeadership::new(clock)))?;
        Ok(leases as Arc<dyn Leadership>)
    })
}
