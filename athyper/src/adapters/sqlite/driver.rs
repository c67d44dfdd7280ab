//! The rows of the driver table that SQLite serves.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::SqliteDatabase;
use super::options::{Location, Options};
use super::store::Store;
use crate::foundation::driver::{Driver, DriverContext};
use crate::foundation::error::Result;
use crate::foundation::sql::Database;

inventory::submit! {
    Driver {
        scheme: "sqlite",
        provided_by: "sqlite",
        database: Some(open_database),
        jobs: None,
        leases: None,
    }
}

/// The store behind a URL: one for all ports of a kernel, however its path is written.
fn store(context: &DriverContext) -> Result<Arc<Store>> {
    let options = Options::parse(&context.url)?;
    let key = match &options.location {
        Location::Memory => context.url.clone(),
        Location::File(path) => format!("{:?} {options:?}", std::path::absolute(path).unwrap_or_else(|_| path.clone())),
    };
    context.shared.get_or_open(&key, || Store::new(options, context.clock.clone()))
}

fn open_database(context: &DriverContext) -> BoxFuture<'_, Result<Arc<dyn Database>>> {
    Box::pin(async move {
        let store = store(context)?;
        store.open().await?;
        Ok(Arc::new(SqliteDatabase::new(store)) as Arc<dyn Database>)
    })
}
