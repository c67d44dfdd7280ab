//! The rows of the driver table that SQLite serves.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::SqliteDatabase;
use super::options::{Location, Options};
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
        scheme: "sqlite",
        provided_by: "sqlite",
        database: Some(open_database),
        jobs: Some(open_jobs),
        leases: Some(open_leases),
        outbox: Some(open_outbox),
    }
}

/// The store behind a URL: one for all ports of a kernel, however its path is written.
fn store(context: &DriverContext) -> Result<(Arc<Store>, String)> {
    let options = Options::parse(&context.url)?;
    let key = match &options.location {
        Location::Memory => context.url.clone(),
        Location::File(path) => format!("{:?} {options:?}", std::path::absolute(path).unwrap_or_else(|_| path.clone())),
    };
    let store = context.shared.get_or_open(&key, || Store::new(options, context.clock.clone()))?;
    Ok((store, key))
}

fn open_database(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn Database>>> {
    Box::pin(async move {
        let (store, _) = store(context)?;
        store.open().await?;
        Ok(Arc::new(SqliteDatabase::new(store)) as Arc<dyn Database>)
    })
}

fn open_jobs(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn JobQueue>>> {
    Box::pin(async move {
        let (store, key) = store(context)?;
        store.prepare().await?;
        let shared = context.shared.get_or_open(&key, || Ok(Shared::new(store)))?;
        Ok(Arc::new(SqlJobQueue::new(shared)) as Arc<dyn JobQueue>)
    })
}

fn open_leases(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn Leadership>>> {
    Box::pin(async move {
        let (store, _) = store(context)?;
        store.prepare().await?;
        Ok(Arc::new(SqlLeadership::new(store)) as Arc<dyn Leadership>)
    })
}

fn open_outbox(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn Outbox>>> {
    Box::pin(async move {
        let (store, _) = store(context)?;
        store.prepare().await?;
        Ok(Arc::new(SqlOutbox::new(store)) as Arc<dyn Outbox>)
    })
}
