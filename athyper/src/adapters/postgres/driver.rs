//! The rows of the driver table that PostgreSQL serves.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::PostgresDatabase;
use super::options::Options;
use super::store::Store;
use crate::adapters::sql::job_queue::{Shared, SqlJobQueue};
use crate::adapters::sql::leadership::SqlLeadership;
use crate::adapters::sql::outbox::SqlOutbox;
use crate::foundation::driver::{Driver, DriverContext};
use crate::foundation::error::Result;
use crate::foundation::jobs::JobQueue;
use crate::foundation::leadership::Leadership;
use crate::foundation::outbox::Outbox;
use crate::foundation::sql::Database;

inventory::submit! {
    Driver {
        scheme: "postgres",
        provided_by: "postgres",
        database: Some(open_database),
        jobs: Some(open_jobs),
        leases: Some(open_leases),
        outbox: Some(open_outbox),
    }
}

inventory::submit! {
    Driver {
        scheme: "postgresql",
        provided_by: "postgres",
        database: Some(open_database),
        jobs: Some(open_jobs),
        leases: Some(open_leases),
        outbox: Some(open_outbox),
    }
}

/// The store behind a URL: one for all ports of a kernel.
fn store(context: &DriverContext) -> Result<Arc<Store>> {
    let open = || Ok(Store::new(Options::parse(&context.url)?, context.clock.clone()));
    context.shared.get_or_open(&context.url, open)
}

fn open_database(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn Database>>> {
    Box::pin(async move {
        let store = store(context)?;
        store.open().await?;
        Ok(Arc::new(PostgresDatabase::new(store)) as Arc<dyn Database>)
    })
}

fn open_jobs(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn JobQueue>>> {
    Box::pin(async move {
        let store = store(context)?;
        store.prepare().await?;
        store.listen();
        let shared = context.shared.get_or_open(&context.url, || Ok(Shared::new(store)))?;
        Ok(Arc::new(SqlJobQueue::new(shared)) as Arc<dyn JobQueue>)
    })
}

fn open_leases(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn Leadership>>> {
    Box::pin(async move {
        let store = store(context)?;
        store.prepare().await?;
        Ok(Arc::new(SqlLeadership::new(store)) as Arc<dyn Leadership>)
    })
}

fn open_outbox(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn Outbox>>> {
    Box::pin(async move {
        let store = store(context)?;
        store.prepare().await?;
        store.listen();
        Ok(Arc::new(SqlOutbox::new(store)) as Arc<dyn Outbox>)
    })
}
