//! The rows of the driver table that memory serves.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::MemoryJobQueue;
use crate::foundation::driver::{Driver, DriverContext};
use crate::foundation::error::Result;
use crate::foundation::jobs::JobQueue;

inventory::submit! {
    Driver {
        scheme: "memory",
        provided_by: "memory",
        database: None,
        jobs: Some(open_jobs),
        leases: None,
    }
}

fn open_jobs(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn JobQueue>>> {
    Box::pin(async {
        let clock = context.clock.clone();
        let queue = context.shared.get_or_open(&context.url, || Ok(MemoryJobQueue::new(clock)))?;
        Ok(queue as Arc<dyn JobQueue>)
    })
}
