//! The rows of the driver table that Redis serves.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::connection::Connections;
use super::durability;
use super::job_queue::RedisJobQueue;
use super::leadership::RedisLeadership;
use super::options::Options;
use crate::foundation::driver::{Driver, DriverContext};
use crate::foundation::error::Result;
use crate::foundation::jobs::JobQueue;
use crate::foundation::leadership::Leadership;

const fn serving(scheme: &'static str) -> Driver {
    Driver {
        scheme,
        provided_by: "redis",
        database: None,
        jobs: Some(open_jobs),
        leases: Some(open_leases),
        outbox: None,
    }
}

inventory::submit! { serving("redis") }
inventory::submit! { serving("rediss") }
inventory::submit! { serving("redis+sentinel") }
inventory::submit! { serving("rediss+sentinel") }
inventory::submit! { serving("redis+cluster") }
inventory::submit! { serving("rediss+cluster") }

fn connections(context: &DriverContext) -> Result<Arc<Connections>> {
    context.shared.get_or_open(&context.url, || Connections::new(Options::parse(&context.url)?))
}

fn open_jobs(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn JobQueue>>> {
    Box::pin(async move {
        let connections = connections(context)?;
        let durability = durability::check(&connections).await?;
        let clock = context.clock.clone();
        let queue =
            context.shared.get_or_open(&context.url, || Ok(RedisJobQueue::new(connections, clock, durability)))?;
        Ok(queue as Arc<dyn JobQueue>)
    })
}

fn open_leases(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn Leadership>>> {
    Box::pin(async move {
        let connections = connections(context)?;
        durability::check(&connections).await?;
        Ok(Arc::new(RedisLeadership::new(connections)) as Arc<dyn Leadership>)
    })
}
